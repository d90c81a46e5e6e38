//! An officer reads: the audit entry first, then what is asked for, all of it and nothing else.

use std::collections::BTreeSet;

use selat_exchange::{ExchangeError, Listing};
use selat_record::pb::{self, AuditAction};
use selat_record::{ContentId, RecordId, RecordKind, Timestamp};

use crate::kit::{Conditions as _, Federation, Node, find, officer, person, reason};

async fn listed(node: &Node, listing: Listing) -> Vec<ContentId> {
    let mut rows = node.list(&officer(), &reason(), listing).await.unwrap();
    let mut contents = Vec::new();
    while let Some(row) = rows.recv().await {
        contents.push(row.unwrap().content);
    }
    contents
}

fn set(contents: impl IntoIterator<Item = ContentId>) -> BTreeSet<ContentId> {
    contents.into_iter().collect()
}

fn bulletin(title: &str) -> pb::Record {
    let bulletin =
        pb::Bulletin { kind: 1, title: title.into(), text: "Look at the serifs.".into(), ..Default::default() };
    pb::Record { body: Some(pb::record::Body::Bulletin(bulletin)), ..person("unused") }
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_is_audited_with_what_was_read() {
    let (_, [aus]) = Federation::of(["AUS"]).await;
    let receipt = aus.hold(person("Budi Contoh")).await;
    let last = async || aus.audited().await.pop().unwrap();
    aus.get(&officer(), &reason(), receipt.record, 0).await.unwrap();
    let entry = last().await;
    assert_eq!((entry.action(), entry.note.as_str()), (AuditAction::Consultation, "get"));
    assert_eq!((entry.actor.as_str(), entry.case_reference.as_str()), ("officer-1", "CASE-7"));
    assert_eq!((entry.record_version, entry.content_id.as_slice()), (1, receipt.content.as_bytes().as_slice()));
    aus.history(&officer(), &reason(), receipt.record).await.unwrap();
    assert_eq!(last().await.note, "history");
    listed(&aus, Listing::default()).await;
    assert_eq!(last().await.note, "list");
    listed(&aus, Listing { all_versions: true, ..Listing::default() }).await;
    assert_eq!(last().await.note, "export");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_audited_is_not_shown() {
    let (_, [aus]) = Federation::of(["AUS"]).await;
    let record = aus.hold(person("Budi Contoh")).await.record;
    aus.bench.refuse_commits();
    let (who, why) = (officer(), reason());
    assert!(matches!(aus.get(&who, &why, record, 0).await, Err(ExchangeError::Store(_))));
    assert!(matches!(aus.history(&who, &why, record).await, Err(ExchangeError::Store(_))));
    assert!(matches!(aus.list(&who, &why, Listing::default()).await, Err(ExchangeError::Store(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn version_and_record_that_are_not_held_are_not_found() {
    let (_, [aus]) = Federation::of(["AUS"]).await;
    let record = aus.hold(person("Budi Contoh")).await.record;
    let unknown = RecordId::mint(Timestamp::from_ms(1).unwrap(), [1; 10]);
    let missing = aus.get(&officer(), &reason(), unknown, 0).await;
    assert!(matches!(missing, Err(ExchangeError::RecordNotFound(_))), "{missing:?}");
    let later = aus.get(&officer(), &reason(), record, 2).await;
    assert!(matches!(later, Err(ExchangeError::VersionNotFound { version: 2, .. })), "{later:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn held_record_names_to_whom_each_version_went() {
    let (_, [aus, _, _]) = Federation::of(["AUS", "IDN", "MYS"]).await;
    let first = aus.hold(person("Budi Contoh").to(&["IDN"])).await;
    aus.change(first.record, 1, person("Budi").to(&["IDN", "MYS"]).because("typing error").draft()).await.unwrap();
    let history = aus.history(&officer(), &reason(), first.record).await.unwrap();
    let went: Vec<Vec<_>> =
        history.iter().map(|held| held.released_to.iter().map(ToString::to_string).collect()).collect();
    assert_eq!(went, [vec!["IDN"], vec!["IDN", "MYS"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn list_gives_current_versions_of_all_that_fit() {
    let (_, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    let first = aus.hold(person("Budi Contoh")).await;
    let second = aus.change(first.record, 1, person("Budi C. Contoh").because("typing error").draft()).await.unwrap();
    let notice = aus.hold(bulletin("Forged stamps")).await;
    let foreign = idn.hold(person("Siti Contoh")).await;
    aus.follow(&idn).await.unwrap();
    let all = set([second.content, notice.content, foreign.content]);
    assert_eq!(set(listed(&aus, Listing::default()).await), all);
    let of_idn = Listing { originator: Some(idn.id().clone()), ..Listing::default() };
    assert_eq!(listed(&aus, of_idn).await, [foreign.content]);
    let notices = Listing { kinds: vec![RecordKind::Bulletin], ..Listing::default() };
    assert_eq!(listed(&aus, notices).await, [notice.content]);
    let matching = |name: &str| Listing { matching: Some(find(name)), ..Listing::default() };
    assert_eq!(listed(&aus, matching("contoh budi")).await, [second.content]);
    assert_eq!(set(listed(&aus, matching("contoh")).await), set([second.content, foreign.content]));
    assert!(listed(&aus, matching("nobody")).await.is_empty());
    let versions = Listing { all_versions: true, matching: Some(find("Budi")), ..Listing::default() };
    assert_eq!(set(listed(&aus, versions).await), set([first.content, second.content]));
}

#[tokio::test(flavor = "multi_thread")]
async fn list_is_whole_over_its_pages_and_ends_at_its_limit() {
    let (_, [aus]) = Federation::of(["AUS"]).await;
    let mut made = Vec::new();
    for n in 0..130 {
        made.push(aus.hold(person(&format!("Contoh {n}"))).await.content);
    }
    let by_name = |limit| Listing { matching: Some(find("contoh")), limit, ..Listing::default() };
    for listing in [Listing::default(), by_name(0)] {
        let rows = listed(&aus, listing).await;
        assert_eq!((rows.len(), set(rows)), (130, set(made.clone())));
    }
    for limit in [1, 129] {
        assert_eq!(listed(&aus, by_name(limit)).await.len(), limit);
        assert_eq!(listed(&aus, Listing { limit, ..Listing::default() }).await.len(), limit);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn list_with_bad_criteria_is_refused() {
    let (_, [aus]) = Federation::of(["AUS"]).await;
    let matching = Some(pb::Find { limit: 5, ..Default::default() });
    let refused = aus.list(&officer(), &reason(), Listing { matching, ..Listing::default() }).await;
    assert!(matches!(refused, Err(ExchangeError::Invalid(_))));
}
