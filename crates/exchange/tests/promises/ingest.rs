//! A record is born, amended, released further: the receipt says what the logs say, and peers get what policy permits.

use std::time::Duration;

use selat_exchange::{ExchangeError, Receipt};
use selat_record::pb::{AuditAction, LogEntryKind};
use selat_record::{Audience, Payload as _, Purpose, pb};

use crate::kit::{Conditions as _, Federation, Node, id, officer, person, reason};

/// Per peer: released, or the rule that refused.
fn outcomes(receipt: &Receipt) -> Vec<(&str, &str)> {
    let outcome = |release: &'_ selat_exchange::ReleaseOutcome| match &release.result {
        Ok(_) => "released".to_owned(),
        Err((rule, _)) => rule.clone(),
    };
    let leaked = |text: String| -> &str { Box::leak(text.into_boxed_str()) };
    receipt.releases.iter().map(|release| (release.peer.as_str(), leaked(outcome(release)))).collect()
}

/// Each release in the receipt stands where it says in the log to that peer, and the log has nothing else.
async fn check_receipt(node: &Node, receipt: &Receipt) {
    for release in &receipt.releases {
        let rows = node.store.releases.list(&release.peer, 0, 100).await.unwrap();
        let of_receipt: Vec<_> = rows
            .iter()
            .filter(|row| row.message.content_id == receipt.content.as_bytes())
            .map(|row| (row.index, row.message.record_version))
            .collect();
        let promised: Vec<_> = release.result.iter().map(|index| (*index, receipt.version)).collect();
        assert_eq!(of_receipt, promised, "{}", release.peer);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn receipt_names_every_peer_with_its_log_index_or_the_rule_that_refused() {
    let (_, [aus, ..]) = Federation::of(["AUS", "IDN", "MYS", "NZL"]).await;
    for (record, expected) in [
        (person("Budi Contoh"), ["released", "released", "released"]),
        (person("Budi Contoh").to(&["IDN"]), ["released", "F-04", "F-04"]),
        (person("Budi Contoh").to_nobody(), ["F-04", "F-04", "F-04"]),
        (person("Budi Contoh").to(&["IDN", "MYS"]).hidden_from(&["IDN"]), ["F-05", "released", "F-04"]),
        (person("Budi Contoh").to(&["MYS"]).hidden_from(&[]), ["F-06", "released", "F-06"]),
        (person("Budi Contoh").hit_only(), ["F-08", "F-08", "F-08"]),
    ] {
        let receipt = aus.hold(record).await;
        assert_eq!(outcomes(&receipt), ["IDN", "MYS", "NZL"].into_iter().zip(expected).collect::<Vec<_>>());
        check_receipt(&aus, &receipt).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn record_that_is_held_is_found_and_read() {
    let (_, [aus]) = Federation::of(["AUS"]).await;
    let receipt = aus.hold(person("Budi Contoh")).await;
    let held = aus.get(&officer(), &reason(), receipt.record, 0).await.unwrap();
    assert_eq!((held.content, held.current), (receipt.content, true));
    assert_eq!(held.envelope.payload_type, pb::Record::TYPE);
    let search = selat_exchange::Search {
        find: crate::kit::find("contoh budi"),
        peers: Vec::new(),
        fetch: false,
        deadline: Duration::ZERO,
        include_own: true,
    };
    assert_eq!(aus.outcomes(search).await.1.hits, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn put_is_audited_with_officer_purpose_case_and_receivers() {
    let (_, [aus, _, _]) = Federation::of(["AUS", "IDN", "MYS"]).await;
    let receipt = aus.hold(person("Budi Contoh").to(&["IDN"])).await;
    let audited = aus.audited().await;
    let entries: Vec<_> = audited.iter().filter(|entry| entry.action() == AuditAction::Collection).collect();
    let [entry] = entries.as_slice() else { panic!("one act, one entry: {entries:?}") };
    assert_eq!((entry.actor.as_str(), entry.role.as_str()), ("officer-1", "officer"));
    assert_eq!((entry.purpose(), entry.case_reference.as_str()), (Purpose::BorderControl, "CASE-7"));
    assert_eq!(entry.content_id, receipt.content.as_bytes());
    assert_eq!(entry.participants, ["IDN"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn amendment_replaces_the_version_before_and_is_released_as_amendment() {
    let (_, [aus, _, _]) = Federation::of(["AUS", "IDN", "MYS"]).await;
    let first = aus.hold(person("Budi Contoh").to(&["IDN"])).await;
    let wider = person("Budi Contoh").to(&["IDN", "MYS"]).because("typing error");
    let second = aus.change(first.record, 1, wider.draft()).await.unwrap();
    assert_eq!((second.record, second.version), (first.record, 2));
    check_receipt(&aus, &second).await;
    let kinds =
        async |peer: &str| -> Vec<_> { aus.released(&id(peer)).await.iter().map(pb::ReleaseOpening::kind).collect() };
    assert_eq!(kinds("IDN").await, [LogEntryKind::Release, LogEntryKind::Amendment]);
    assert_eq!(kinds("MYS").await, [LogEntryKind::Release]);
    let history = aus.history(&officer(), &reason(), first.record).await.unwrap();
    let current: Vec<_> = history.iter().map(|held| (held.content, held.current)).collect();
    assert_eq!(current, [(first.content, false), (second.content, true)]);
    assert_eq!(aus.versions(aus.id(), first.record).await, [(1, first.content), (2, second.content)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn amendment_without_a_reason_or_from_an_old_version_changes_nothing() {
    let (_, [aus]) = Federation::of(["AUS"]).await;
    let first = aus.hold(person("Budi Contoh")).await;
    let silent = aus.change(first.record, 1, person("Budi C.").draft()).await;
    assert!(matches!(silent, Err(ExchangeError::Invalid(_))), "{silent:?}");
    let better = || person("Budi C.").because("typing error").draft();
    aus.change(first.record, 1, better()).await.unwrap();
    let late = aus.change(first.record, 1, better()).await;
    assert!(matches!(late, Err(ExchangeError::VersionConflict { expected: 1, current: 2, .. })), "{late:?}");
    assert_eq!(aus.versions(aus.id(), first.record).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn record_of_a_peer_is_neither_amended_nor_released_here() {
    let (_, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    let receipt = aus.hold(person("Budi Contoh")).await;
    idn.follow(&aus).await.unwrap();
    let amended = idn.change(receipt.record, 1, person("Budi").because("typing error").draft()).await;
    assert!(matches!(amended, Err(ExchangeError::NotOriginator { .. })), "{amended:?}");
    let released = idn.release(&officer(), &reason(), receipt.record, Audience::All).await;
    assert!(matches!(released, Err(ExchangeError::NotOriginator { .. })), "{released:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn release_widens_the_audience_and_leaves_everything_else() {
    let (federation, [aus, _, _]) = Federation::of(["AUS", "IDN", "MYS"]).await;
    let first = aus.hold(person("Budi Contoh").to(&["IDN"])).await;
    federation.clock.turn(Duration::from_secs(3600));
    let to = Audience::Named([id("MYS")].into());
    let second = aus.release(&officer(), &reason(), first.record, to).await.unwrap();
    assert_eq!(outcomes(&second), [("IDN", "released"), ("MYS", "released")]);
    let (before, after) = (message(&aus, &first).await, message(&aus, &second).await);
    assert_eq!(after.body, before.body);
    assert_eq!(after.handling.unwrap().releasable_to.unwrap().participants, ["IDN", "MYS"]);
    // A wider audience is no reason to keep it longer.
    assert_eq!(after.header.unwrap().expires_ms, before.header.unwrap().expires_ms);
}

#[tokio::test(flavor = "multi_thread")]
async fn release_to_whom_the_audience_holds_already_makes_no_version() {
    let (_, [aus, _, _]) = Federation::of(["AUS", "IDN", "MYS"]).await;
    let (named, all) = (aus.hold(person("Budi").to(&["IDN", "MYS"])).await, aus.hold(person("Siti")).await);
    let idn = || Audience::Named([id("IDN")].into());
    for (record, to) in [(named.record, idn()), (all.record, idn()), (all.record, Audience::All)] {
        let refused = aus.release(&officer(), &reason(), record, to).await;
        let Err(ExchangeError::Invalid(faults)) = refused else { panic!("{refused:?}") };
        assert_eq!(faults.to_string(), "to: is already in its audience");
        assert_eq!(aus.versions(aus.id(), record).await.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn release_of_an_expired_record_does_not_revive_it() {
    let (federation, [aus, _]) = Federation::of(["AUS", "IDN"]).await;
    let first = aus.put(&officer(), &reason(), person("Budi Contoh").to_nobody().draft(), 1).await.unwrap();
    federation.clock.turn(Duration::from_secs(24 * 3600));
    let released = aus.release(&officer(), &reason(), first.record, Audience::All).await;
    assert!(matches!(released, Err(ExchangeError::Invalid(_))), "{released:?}");
    assert_eq!(aus.released(&id("IDN")).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn release_to_as_many_participants_as_an_audience_holds_works() {
    let (_, [aus, _]) = Federation::of(["AUS", "IDN"]).await;
    let first = aus.hold(person("Budi Contoh").to(&["IDN"])).await;
    let many = Audience::Named((1..=255).map(|n| id(&format!("ORGANISED{n:03}"))).collect());
    let second = aus.release(&officer(), &reason(), first.record, many).await.unwrap();
    assert_eq!(outcomes(&second), [("IDN", "released")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn release_does_not_reach_past_protection() {
    let (_, [aus, _, _]) = Federation::of(["AUS", "IDN", "MYS"]).await;
    let first = aus.hold(person("Budi Contoh").to(&["MYS"]).hidden_from(&["IDN"])).await;
    let to_all = aus.release(&officer(), &reason(), first.record, Audience::All).await;
    assert!(matches!(to_all, Err(ExchangeError::Invalid(_))), "{to_all:?}");
    let to_idn = Audience::Named([id("IDN")].into());
    let second = aus.release(&officer(), &reason(), first.record, to_idn).await.unwrap();
    assert_eq!(outcomes(&second), [("IDN", "F-05"), ("MYS", "released")]);
    assert_eq!(aus.released(&id("IDN")).await, []);
}

async fn message(node: &Node, receipt: &Receipt) -> pb::Record {
    let held = node.get(&officer(), &reason(), receipt.record, receipt.version).await.unwrap();
    prost::Message::decode(held.envelope.payload.as_slice()).unwrap()
}
