//! A record that links to another one is not given to who may not know the other one.

use selat_exchange::{ExchangeError, Receipt};
use selat_record::pb::{self, LinkKind, VerdictKind, record::Body};
use selat_record::{ParticipantId, RecordId, Timestamp};

use crate::kit::{Conditions as _, Federation, Node, When, id, officer, operator, person, reason};

fn link(originator: &ParticipantId, record: RecordId) -> pb::Link {
    let (originator, record_id) = (originator.to_string(), record.as_bytes().to_vec());
    pb::Link { originator, record_id, kind: LinkKind::SameAs.into(), note: String::new() }
}

/// A person for all, linked to `records` of AUS.
fn linked(records: &[RecordId]) -> pb::Record {
    pb::Record { links: records.iter().map(|record| link(&id("AUS"), *record)).collect(), ..person("Budi Contoh") }
}

/// A verdict for all on `left` and `right` of AUS.
fn verdict(left: RecordId, right: RecordId) -> pb::Record {
    let side = |record| Some(pb::Link { kind: 0, ..link(&id("AUS"), record) });
    let verdict = pb::Verdict {
        kind: VerdictKind::Same.into(),
        left: side(left),
        right: side(right),
        decided_by: "p1".into(),
        grounds: "the same passport".into(),
    };
    pb::Record { body: Some(Body::Verdict(verdict)), ..person("Budi Contoh") }
}

/// The rule that keeps the version from IDN; `None`: it was released.
fn refused(receipt: &Receipt) -> Option<&str> {
    let idn = receipt.releases.iter().find(|release| release.peer.as_str() == "IDN").unwrap();
    idn.result.as_ref().err().map(|(rule, _)| rule.as_str())
}

#[tokio::test(flavor = "multi_thread")]
async fn record_is_kept_from_who_may_not_know_what_it_links_to() {
    let (_, [aus, ..]) = Federation::of(["AUS", "IDN", "MYS"]).await;
    let open = aus.hold(person("Siti Contoh")).await.record;
    for (target, rule) in [
        (person("Wati Contoh"), None),
        (person("Wati Contoh").to(&["IDN"]), None),
        (person("Wati Contoh").to(&["MYS"]), Some("F-12")),
        (person("Wati Contoh").to_nobody(), Some("F-12")),
        (person("Wati Contoh").to(&["IDN", "MYS"]).hidden_from(&["IDN"]), Some("F-12")),
        (person("Wati Contoh").hit_only(), Some("F-12")),
    ] {
        let target = aus.hold(target).await.record;
        for linking in [linked(&[open, target]), verdict(open, target), verdict(target, open)] {
            let receipt = aus.hold(linking.clone()).await;
            assert_eq!(refused(&receipt), rule, "{linking:?}");
            let logged = aus.released(&id("IDN")).await;
            assert_eq!(logged.iter().all(|entry| entry.record_id != receipt.record.as_bytes()), rule.is_some());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn amendment_is_judged_by_what_its_links_lead_to_now() {
    let (_, [aus, _]) = Federation::of(["AUS", "IDN"]).await;
    let target = aus.hold(person("Siti Contoh")).await.record;
    let first = aus.hold(linked(&[target])).await;
    assert_eq!(refused(&first), None);
    aus.change(target, 1, person("Siti Contoh").to_nobody().because("asks for asylum").draft()).await.unwrap();
    let mut second = linked(&[target, first.record]).because("typing error");
    assert_eq!(refused(&aus.change(first.record, 1, second.clone().draft()).await.unwrap()), Some("F-12"));
    second.links.remove(0);
    assert_eq!(refused(&aus.change(first.record, 2, second.draft()).await.unwrap()), None, "it links to itself alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn backlog_keeps_what_links_to_the_hidden() {
    let federation = Federation::new();
    let (aus, idn) = (federation.node("AUS").await, federation.node("IDN").await);
    let (open, hidden) = (aus.hold(person("Siti")).await.record, aus.hold(person("Wati").to_nobody()).await.record);
    let (shown, kept) = (aus.hold(linked(&[open])).await.record, aus.hold(linked(&[open, hidden])).await.record);
    aus.join(&operator(), idn.descriptor().as_ref().clone()).await.unwrap();
    aus.approve_by_phone(idn.id()).await;
    assert_eq!(aus.release_backlog(idn.id()).await.unwrap(), 2);
    let released: Vec<_> = aus.released(idn.id()).await.into_iter().map(|entry| entry.record_id).collect();
    assert!(released.iter().any(|id| id == shown.as_bytes()) && released.iter().all(|id| id != kept.as_bytes()));
}

#[tokio::test(flavor = "multi_thread")]
async fn record_that_is_hidden_while_a_link_to_it_is_made_is_not_shown() {
    let (_, [aus, _]) = Federation::of(["AUS", "IDN"]).await;
    let target = aus.hold(person("Siti Contoh")).await.record;
    hide_meanwhile(&aus, target);
    assert_eq!(refused(&aus.hold(linked(&[target])).await), Some("F-12"));

    let target = aus.hold(person("Siti Contoh")).await.record;
    let first = aus.hold(person("Budi Contoh")).await;
    hide_meanwhile(&aus, target);
    let second = aus.change(first.record, 1, linked(&[target]).because("typing error").draft()).await.unwrap();
    assert_eq!(refused(&second), Some("F-12"));
}

/// Hides `target` from all between the next decision and its commit.
fn hide_meanwhile(aus: &Node, target: RecordId) {
    let faster = aus.clone();
    aus.bench.at_commit(1, When::Before, async move {
        faster.change(target, 1, person("Siti Contoh").to_nobody().because("in danger").draft()).await.unwrap();
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn link_to_an_own_record_that_is_not_held_is_a_fault_and_one_to_a_peers_is_not() {
    let (_, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    let open = aus.hold(person("Siti Contoh")).await.record;
    let unknown = RecordId::mint(Timestamp::from_ms(1_767_300_000_000).unwrap(), [3; 10]);
    for (draft, field) in [
        (linked(&[open, unknown]), "links[1].record_id"),
        (verdict(unknown, open), "verdict.left.record_id"),
        (verdict(open, unknown), "verdict.right.record_id"),
    ] {
        let told = aus.put(&officer(), &reason(), draft.draft(), 0).await;
        let Err(ExchangeError::Invalid(faults)) = told else { panic!("{told:?}") };
        assert_eq!(faults.to_string(), format!("{field}: is not held here"));
    }
    let to_idn = pb::Record { links: vec![link(idn.id(), unknown)], ..person("Budi Contoh") };
    assert_eq!(refused(&aus.hold(to_idn).await), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn link_whose_target_was_hidden_later_is_shown_to_nobody_who_may_not_know_it() {
    let (_, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    let target = aus.hold(person("Wati Contoh")).await.record;
    let linking = aus.hold(linked(&[target])).await.record;
    let given = async |node: &Node| {
        let segment = aus.segment(node).await;
        segment.entries.iter().filter(|entry| entry.envelope.is_some()).count()
    };
    assert_eq!(given(&idn).await, 2);
    let hidden = person("Wati Contoh").to_nobody().because("withdrawn");
    aus.change(target, 1, hidden.draft()).await.unwrap();
    assert_eq!(given(&idn).await, 0);
    let fetch = pb::query::Ask::Fetch(pb::Fetch { record_ids: vec![linking.as_bytes().to_vec()] });
    let (envelope, _) = aus.asked_by(&idn, &idn.query(aus.id(), fetch)).await.unwrap();
    let answer: pb::Answer = prost::Message::decode(envelope.payload.as_slice()).unwrap();
    assert!(answer.records.is_empty());
}
