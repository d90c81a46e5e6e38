//! Protection that is on a record stays on it: no amendment takes it away, neither by hand nor by import.

use selat_exchange::{ExchangeError, ImportResult, ImportRow};
use selat_record::pb::{self, ProtectionKind};

use crate::kit::{Conditions as _, Federation, Node, officer, person, reason};

const BOTH: [ProtectionKind; 2] = [ProtectionKind::Asylum, ProtectionKind::TraffickingVictim];

fn protected(kinds: &[ProtectionKind], hidden_from: &[&str]) -> pb::Record {
    let mut record = person("Budi Contoh").to(&["MYS", "NZL"]).hidden_from(hidden_from);
    record.protection.as_mut().unwrap().kinds = kinds.iter().map(|kind| (*kind).into()).collect();
    record
}

/// Holds `before`, amends it to `after`; the field at fault, if there is one.
async fn amend(node: &Node, before: pb::Record, after: pb::Record) -> Option<String> {
    let first = node.hold(before).await;
    match node.change(first.record, 1, after.because("typing error").draft()).await {
        Ok(_) => None,
        Err(ExchangeError::Invalid(faults)) => {
            assert_eq!(node.versions(node.id(), first.record).await.len(), 1);
            Some(faults.iter().map(|fault| fault.field.as_str()).collect::<Vec<_>>().join(" "))
        }
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn amendment_that_protects_less_is_refused() {
    let (_, [aus]) = Federation::of(["AUS"]).await;
    let before = || protected(&BOTH, &["IDN", "THA"]);
    for weaker in [
        person("Budi Contoh"),
        person("Budi Contoh").to(&["MYS"]),
        protected(&BOTH[..1], &["IDN", "THA"]),
        protected(&BOTH, &["THA"]),
        protected(&BOTH, &[]),
        protected(&BOTH, &["IDN", "MMR"]),
    ] {
        let fault = amend(&aus, before(), weaker.clone()).await;
        assert_eq!(fault.as_deref(), Some("protection"), "{weaker:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn amendment_that_protects_as_much_or_more_is_made() {
    let (_, [aus]) = Federation::of(["AUS"]).await;
    for (before, after) in [
        (person("Budi Contoh"), protected(&BOTH[..1], &[])),
        (protected(&BOTH[..1], &["IDN"]), protected(&BOTH[..1], &["IDN"])),
        (protected(&BOTH[..1], &["IDN"]), protected(&BOTH, &["IDN", "THA"])),
        (protected(&BOTH[..1], &[]), protected(&BOTH[..1], &["IDN"])),
    ] {
        assert_eq!(amend(&aus, before.clone(), after.clone()).await, None, "{before:?} -> {after:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn import_whose_rows_no_longer_protect_is_rejected() {
    let (_, [aus]) = Federation::of(["AUS"]).await;
    let import = async |draft| {
        let row = ImportRow { row: 1, source: "list".into(), source_key: "a".into(), draft, valid_days: 0 };
        aus.import(&officer(), &reason(), vec![row]).await.unwrap().remove(0)
    };
    assert!(matches!(import(protected(&BOTH, &["IDN"])).await, ImportResult::New { .. }));
    let ImportResult::Rejected(faults) = import(person("Budi Contoh")).await else { panic!("protection was lifted") };
    assert_eq!(faults.iter().next().unwrap().field, "protection");
    assert!(matches!(import(protected(&BOTH, &["IDN", "THA"])).await, ImportResult::Amended { version: 2, .. }));
}
