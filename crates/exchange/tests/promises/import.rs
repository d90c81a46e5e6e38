//! Rows of an import: the same row is never taken in twice, a changed one amends, a bad one is named with its field.

use std::sync::Arc;

use selat_exchange::{ExchangeError, ImportResult, ImportRow, Limits, ROWS_MAX};
use selat_record::{Audience, pb};
use selat_store::MemoryEngine;

use crate::kit::{Conditions as _, Federation, Node, Party, When, id, officer, person, reason};

fn row(key: &str, draft: pb::Record) -> ImportRow {
    ImportRow { row: 1, source: "watchlist".into(), source_key: key.into(), draft, valid_days: 0 }
}

/// Imports and says of each row what became of it: `new`, `amended 2`, `unchanged` or the faults.
async fn import(node: &Node, rows: Vec<ImportRow>) -> Vec<String> {
    let results = node.import(&officer(), &reason(), rows).await.unwrap();
    let word = |result| match result {
        ImportResult::New { released, .. } => format!("new to {released}"),
        ImportResult::Amended { version, released, .. } => format!("amended {version} to {released}"),
        ImportResult::Unchanged { .. } => "unchanged".to_owned(),
        ImportResult::Rejected(faults) => faults.to_string(),
    };
    results.into_iter().map(word).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn row_that_comes_again_changes_nothing_and_a_changed_one_amends() {
    let (_, [aus, _]) = Federation::of(["AUS", "IDN"]).await;
    let rows = || vec![row("a", person("Budi Contoh")), row("b", person("Siti Contoh").to_nobody())];
    assert_eq!(import(&aus, rows()).await, ["new to 1", "new to 0"]);
    let commits = aus.bench.commits();
    assert_eq!(import(&aus, rows()).await, ["unchanged", "unchanged"]);
    assert_eq!(aus.bench.commits(), commits, "an unchanged row writes nothing");
    assert_eq!(import(&aus, vec![row("a", person("Budi C. Contoh"))]).await, ["amended 2 to 1"]);
    assert_eq!(import(&aus, vec![row("a", person("Budi C. Contoh"))]).await, ["unchanged"]);
    assert_eq!(aus.released(&id("IDN")).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn row_whose_record_was_changed_by_hand_is_left_to_the_hand() {
    let (_, [aus, _]) = Federation::of(["AUS", "IDN"]).await;
    let by_amendment = async |record| {
        let hidden = person("Budi Contoh").to_nobody().hidden_from(&["IDN"]).because("asks for asylum");
        aus.change(record, 1, hidden.draft()).await.unwrap()
    };
    let by_release = async |record| {
        let to = Audience::Named([id("IDN")].into());
        aus.release(&officer(), &reason(), record, to).await.unwrap()
    };
    for key in ["amended", "released"] {
        assert_eq!(import(&aus, vec![row(key, person("Budi Contoh").to_nobody())]).await, ["new to 0"]);
        let imported = aus.store.sources.get("watchlist", key).await.unwrap().unwrap();
        let by_hand = if key == "amended" {
            by_amendment(imported.record_id).await
        } else {
            by_release(imported.record_id).await
        };
        assert_eq!(import(&aus, vec![row(key, person("Budi Contoh").to_nobody())]).await, ["unchanged"]);
        let results = import(&aus, vec![row(key, person("Budi C. Contoh"))]).await;
        assert!(results[0].starts_with("source_key: ") && results[0].contains("changed by hand"), "{results:?}");
        let head = aus.store.records.head(aus.id(), imported.record_id).await.unwrap().unwrap();
        assert_eq!((head.version, head.content_id), (2, by_hand.content));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn row_whose_record_is_changed_by_hand_meanwhile_is_left_to_the_hand() {
    let (_, [aus]) = Federation::of(["AUS"]).await;
    assert_eq!(import(&aus, vec![row("a", person("Budi Contoh"))]).await, ["new to 0"]);
    let record = aus.store.sources.get("watchlist", "a").await.unwrap().unwrap().record_id;
    let faster = aus.clone();
    aus.bench.at_commit(1, When::Before, async move {
        faster.change(record, 1, person("Budi C.").because("typing error").draft()).await.unwrap();
    });
    let results = import(&aus, vec![row("a", person("Budi C. Contoh"))]).await;
    assert!(results[0].contains("changed by hand"), "{results:?}");
    assert_eq!(aus.versions(aus.id(), record).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_row_is_rejected_with_its_field_and_the_others_go_in() {
    let (_, [aus]) = Federation::of(["AUS"]).await;
    let nameless = pb::Record { legal_basis: "x".repeat(501), ..person("Budi Contoh") };
    let results = import(&aus, vec![row("a", nameless), row("", person("B")), row("c", person("C"))]).await;
    assert!(results[0].starts_with("legal_basis: "), "{results:?}");
    assert!(results[1].starts_with("source_key: "), "{results:?}");
    assert_eq!(results[2], "new to 0");
    // A row that was rejected can be handed in again once it is corrected.
    assert_eq!(import(&aus, vec![row("a", person("Budi Contoh"))]).await, ["new to 0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_row_more_than_the_bound_is_refused_and_the_bound_is_not() {
    let (_, [aus]) = Federation::of(["AUS"]).await;
    let rows = |count: usize| (0..count).map(|n| row(&n.to_string(), person("Budi Contoh"))).collect::<Vec<_>>();
    let audited = aus.audited().await.len();
    let refused = aus.import(&officer(), &reason(), rows(ROWS_MAX + 1)).await;
    assert!(matches!(refused, Err(ExchangeError::Invalid(_))), "{refused:?}");
    assert_eq!(aus.audited().await.len(), audited);
    let taken = import(&aus, rows(ROWS_MAX)).await;
    assert!(taken.iter().all(|result| result == "new to 0") && taken.len() == ROWS_MAX);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_one_key_in_one_call_are_taken_in_their_order() {
    // On the bare engine the rows of a call really run side by side.
    let federation = Federation::new();
    let aus = federation.open_bare(Party::new("AUS"), Arc::new(MemoryEngine::new()), Limits::default()).await.unwrap();
    let names = ["one", "one", "two", "three"];
    let rows = (0..ROWS_MAX).map(|n| row(&(n / 4).to_string(), person(names[n % 4])));
    let expected = ["new to 0", "unchanged", "amended 2 to 0", "amended 3 to 0"].repeat(ROWS_MAX / 4);
    assert_eq!(import(&aus, rows.collect()).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn row_that_comes_in_twice_at_one_moment_is_taken_in_once() {
    let (_, [aus]) = Federation::of(["AUS"]).await;
    let other = aus.clone();
    aus.bench.at_commit(1, When::Before, async move {
        assert_eq!(import(&other, vec![row("a", person("Budi Contoh"))]).await, ["new to 0"]);
    });
    assert_eq!(import(&aus, vec![row("a", person("Budi Contoh"))]).await, ["unchanged"]);
    assert_eq!(aus.store.records.scan_heads(None, 10).await.unwrap().len(), 1);
}
