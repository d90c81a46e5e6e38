//! What a role may not do is refused before anything happens: no content for operators, no change by auditors.

use selat_exchange::{ExchangeError, ImportRow, Listing};
use selat_policy::Role;
use selat_record::{Audience, RecordId};

use crate::kit::{Conditions as _, Federation, Node, actor, person, reason, search};

/// All that touches records, tried with one role: which of them were let through.
async fn record_acts(aus: &Node, role: Role, record: RecordId) -> Vec<&'static str> {
    let (who, why) = (actor(role), reason());
    let amended = person("Budi").because("typing error").draft();
    let row = ImportRow { row: 1, source: "list".into(), source_key: "a".into(), draft: person("Budi"), valid_days: 0 };
    let acts = [
        ("put", denied(aus.put(&who, &why, person("Budi").draft(), 0).await)),
        ("amend", denied(aus.amend(&who, &why, (record, 1), amended, 0).await)),
        ("release", denied(aus.release(&who, &why, record, Audience::All).await)),
        ("import", denied(aus.import(&who, &why, vec![row]).await)),
        ("get", denied(aus.get(&who, &why, record, 0).await)),
        ("history", denied(aus.history(&who, &why, record).await)),
        ("list", denied(aus.list(&who, &why, Listing::default()).await)),
        ("search", denied(aus.search(&who, &why, search("Budi")).await)),
    ];
    acts.into_iter().filter_map(|(act, denied)| (!denied).then_some(act)).collect()
}

/// All that touches peers.
async fn peer_acts(aus: &Node, role: Role) -> Vec<&'static str> {
    let who = actor(role);
    let descriptor = crate::kit::Party::new("MYS").descriptor(1);
    let idn = crate::kit::id("IDN");
    let words = aus.words_for(&idn);
    let acts = [
        ("invite", denied(aus.invite(&who).await)),
        ("join", denied(aus.join(&who, descriptor).await)),
        ("fingerprint", denied(aus.fingerprint(&who, &idn))),
        ("approve", denied(aus.approve(&who, &idn, &words, "telephone").await)),
        ("suspend", denied(aus.suspend(&who, &idn, "a test").await)),
        ("resume", denied(aus.resume(&who, &idn, "a test").await)),
        ("remove", denied(aus.remove(&who, &idn, "a test").await)),
        ("peers", denied(aus.peers(&who).await)),
        ("quarantine", denied(aus.quarantine(&who, None, 10).await)),
        ("status", denied(aus.status(&who).await)),
    ];
    acts.into_iter().filter_map(|(act, denied)| (!denied).then_some(act)).collect()
}

fn denied<T>(result: Result<T, ExchangeError>) -> bool {
    match result {
        Err(ExchangeError::Denied(refusal)) => {
            assert_eq!(refusal.rule().id(), "F-30");
            true
        }
        _ => false,
    }
}

const RECORD_ACTS: [&str; 8] = ["put", "amend", "release", "import", "get", "history", "list", "search"];
const PEER_ACTS: [&str; 10] =
    ["invite", "join", "fingerprint", "approve", "suspend", "resume", "remove", "peers", "quarantine", "status"];

#[tokio::test(flavor = "multi_thread")]
async fn every_role_does_its_own_work_and_no_other() {
    for (role, records, peers) in [
        (Role::Officer, &RECORD_ACTS[..], &["status"][..]),
        (Role::Supervisor, &RECORD_ACTS[..], &["status"][..]),
        (Role::Operator, &[][..], &PEER_ACTS[..]),
        (Role::Auditor, &[][..], &["status"][..]),
        (Role::DataProtection, &[][..], &[][..]),
        (Role::Machine, &[][..], &[][..]),
    ] {
        let (_, [aus, _]) = Federation::of(["AUS", "IDN"]).await;
        let record = aus.hold(person("Budi Contoh")).await.record;
        assert_eq!(record_acts(&aus, role, record).await, records, "{role}");
        assert_eq!(peer_acts(&aus, role).await, peers, "{role}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn act_that_is_refused_changes_and_sends_nothing() {
    for role in [Role::Auditor, Role::DataProtection, Role::Machine] {
        let (federation, [aus, _]) = Federation::of(["AUS", "IDN"]).await;
        let record = aus.hold(person("Budi Contoh")).await.record;
        let commits = aus.bench.commits();
        record_acts(&aus, role, record).await;
        peer_acts(&aus, role).await;
        assert_eq!(aus.bench.commits(), commits, "{role}");
        assert!(federation.wire.asked().is_empty(), "{role}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn caller_without_a_role_may_do_nothing() {
    let (_, [aus]) = Federation::of(["AUS"]).await;
    let nobody = selat_exchange::Actor { officer: "nobody".parse().unwrap(), roles: Vec::new() };
    let refused = aus.put(&nobody, &reason(), person("Budi").draft(), 0).await;
    assert!(matches!(refused, Err(ExchangeError::Denied(refusal)) if refusal.rule().id() == "F-01"));
    assert!(matches!(aus.status(&nobody).await, Err(ExchangeError::Denied(_))));
}
