//! The own chain: it grows by publication or by its file, durably, one version at a time, and is one chain wherever it is
//! kept.

use std::time::Duration;

use selat_exchange::{ExchangeError, Published};
use selat_record::pb::{AuditAction, KeyPurpose, KeyStatus};
use selat_seal::KeyRing as _;
use selat_seal::descriptor::write_chain;

use crate::kit::{Federation, Node, Party, actor, operator, person, renamed};

fn in_force(node: &Node) -> Published {
    Published { version: node.descriptor().version(), hash: node.descriptor().content_id() }
}

fn rule_of(error: &ExchangeError) -> String {
    match error {
        ExchangeError::Chain(error) => error.code().to_owned(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn version_that_is_published_is_in_force_kept_and_audited() {
    let (federation, [aus, _]) = Federation::of(["AUS", "IDN"]).await;
    let changes = aus.trust_changes();
    let published = aus.publish_next(renamed("Second")).await.unwrap();
    assert_eq!((published.version, published), (2, in_force(&aus)));
    assert!(changes.has_changed().unwrap());
    let entry = aus.audited().await.pop().unwrap();
    assert_eq!((entry.action(), entry.note.as_str()), (AuditAction::Administration, "published descriptor 2"));
    assert_eq!(
        (entry.actor.as_str(), entry.content_id.as_slice()),
        ("operator-1", published.hash.as_bytes().as_slice())
    );
    let aus = federation.restart(&aus).await;
    assert_eq!(in_force(&aus), published, "the store is ahead of the file that was there at first");
    assert_eq!(aus.own_chain(1).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_that_are_in_force_already_change_nothing() {
    let (_, [aus]) = Federation::of(["AUS"]).await;
    let published = aus.publish_next(renamed("Second")).await.unwrap();
    let commits = aus.bench.commits();
    let changes = aus.trust_changes();
    let whole = write_chain(&aus.own_chain(0));
    assert_eq!(aus.publish(&operator(), &whole).await.unwrap(), published);
    assert_eq!((aus.bench.commits(), changes.has_changed().unwrap()), (commits, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn several_versions_are_published_at_once_or_not_at_all() {
    let (_, [aus]) = Federation::of(["AUS"]).await;
    let second = aus.draft(renamed("Second"));
    let accepted = aus.descriptor().accept_next(&second, aus.now()).unwrap();
    let third = aus.party.next(&accepted, aus.now(), renamed("Third"));
    let badly_signed = aus.party.signed_by_roots(&accepted, aus.now(), renamed("Third"), &[1]);
    let refused = aus.publish_all(&[second.clone(), badly_signed]).await.unwrap_err();
    assert!(refused.to_string().starts_with("descriptor 3 of AUS: "), "{refused}");
    assert_eq!((aus.descriptor().version(), aus.own_chain(0).len()), (1, 1));
    assert_eq!(aus.publish_all(&[second, third]).await.unwrap().version, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn version_that_is_not_the_next_is_refused_with_its_rule_and_changes_nothing() {
    let (_, [aus]) = Federation::of(["AUS"]).await;
    let first = aus.descriptor();
    let rival = aus.draft(renamed("Rival"));
    aus.publish_next(renamed("Second")).await.unwrap();
    let second = aus.descriptor();
    let skipping = aus.party.next(&second, aus.now(), |next| {
        next.version = 4;
        next.header.as_mut().unwrap().descriptor_version = 4;
    });
    let unhashed = aus.party.next(&second, aus.now(), |next| next.previous = first.content_id().as_bytes().to_vec());
    let of_one_root = aus.party.signed_by_roots(&second, aus.now(), renamed("Third"), &[1]);
    let of_another = Party::new("IDN").next(&second, aus.now(), renamed("Third"));
    let (commits, before) = (aus.bench.commits(), in_force(&aus));
    for (envelope, rule) in [
        (rival, "SAME_VERSION"),
        (skipping, "VERSION_SKIPPED"),
        (unhashed, "WRONG_PREVIOUS"),
        (of_one_root, "THRESHOLD_NOT_MET"),
        (of_another, "THRESHOLD_NOT_MET"),
    ] {
        let refused = aus.publish_all(&[envelope]).await.unwrap_err();
        assert_eq!(rule_of(&refused), rule, "{refused}");
        assert_eq!(refused.code(), "SLT-3107");
    }
    assert!(matches!(aus.publish(&operator(), "hello").await, Err(ExchangeError::Descriptor(_))));
    assert!(matches!(aus.publish(&actor(selat_policy::Role::Officer), "hello").await, Err(ExchangeError::Denied(_))));
    assert_eq!((aus.bench.commits(), in_force(&aus)), (commits, before));
}

#[tokio::test(flavor = "multi_thread")]
async fn version_that_has_expired_is_not_published() {
    let (_, [aus]) = Federation::of(["AUS"]).await;
    let now = aus.now();
    let expired = aus.draft(|next| {
        let header = next.header.as_mut().unwrap();
        (header.created_ms, header.expires_ms) = (now.ms() - 10, now.ms());
    });
    let refused = aus.publish_all(&[expired]).await;
    assert!(matches!(&refused, Err(ExchangeError::Chain(error)) if error.code() == "EXPIRED"), "{refused:?}");
    assert_eq!(aus.descriptor().version(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn draft_that_lay_until_its_key_is_about_to_end_is_not_published() {
    let (federation, [aus]) = Federation::of(["AUS"]).await;
    let (old, new) = (aus.in_use(KeyPurpose::Record).unwrap(), aus.announce_key(KeyPurpose::Record).await);
    let (now, day) = (aus.now(), Duration::from_secs(24 * 60 * 60));
    let draft = aus.draft(|next| {
        for key in &mut next.keys {
            if key.id == new.as_bytes() {
                key.set_status(KeyStatus::Active);
                key.valid_from_ms = now.ms();
            }
            if key.id == old.as_bytes() {
                key.set_status(KeyStatus::Retired);
                key.valid_until_ms = now.plus(day).ms();
            }
        }
    });
    federation.clock.turn(day / 2 + Duration::from_millis(1));
    let refused = aus.publish_all(std::slice::from_ref(&draft)).await.unwrap_err();
    assert_eq!(rule_of(&refused), "NOT_TIMELY", "peers could not learn of the successor in time");
    assert_eq!((aus.descriptor().version(), aus.in_use(KeyPurpose::Record)), (2, Some(old)));
}

#[tokio::test(flavor = "multi_thread")]
async fn version_whose_active_key_is_not_held_is_refused() {
    let (_, [aus]) = Federation::of(["AUS"]).await;
    let made = aus.ring.generate(KeyPurpose::Record).unwrap();
    let described = aus.ring.describe(made, aus.now()).unwrap();
    aus.ring.destroy(made).unwrap();
    let (pending, active) = (
        {
            let mut key = described.clone();
            key.set_status(KeyStatus::Pending);
            key
        },
        described,
    );
    let refused = aus.publish_next(|next| next.keys.push(active)).await.unwrap_err();
    assert!(matches!(refused, ExchangeError::KeysMissing(_)), "{refused:?}");
    assert!(refused.to_string().contains(&format!("record key {made}")), "{refused}");
    let retired_at = aus.now().plus(std::time::Duration::from_secs(60)).ms();
    let without_any = |next: &mut selat_record::pb::Descriptor| {
        for key in next.keys.iter_mut().filter(|key| key.purpose() == KeyPurpose::Query) {
            key.set_status(KeyStatus::Retired);
            key.valid_until_ms = retired_at;
        }
    };
    let refused = aus.publish_next(without_any).await.unwrap_err();
    assert_eq!(refused.to_string(), "descriptor 2 names no active query key that is held here");
    // One that is only announced need not be here yet.
    aus.publish_next(|next| next.keys.push(pending)).await.unwrap();
}

// ---- file and store -------------------------------------------------------------------------------------------------

#[tokio::test(flavor = "multi_thread")]
async fn file_that_is_ahead_of_the_store_is_taken_in_at_start() {
    let (federation, [aus]) = Federation::of(["AUS"]).await;
    let second = aus.draft(renamed("Second"));
    let accepted = aus.descriptor().accept_next(&second, aus.now()).unwrap();
    let third = aus.party.next(&accepted, aus.now(), renamed("Third"));
    let first = aus.descriptor().envelope().clone();
    let ahead = federation.restart_with(&aus, vec![first, second.clone(), third.clone()]).await.unwrap();
    assert_eq!((ahead.descriptor().version(), ahead.own_chain(0).len()), (3, 3));
    let back = federation.restart(&ahead).await;
    assert_eq!(back.descriptor().version(), 3, "what was taken in stays");
    let from_the_middle = federation.restart_with(&aus, vec![second, third]).await.unwrap();
    assert_eq!(from_the_middle.descriptor().version(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn file_and_store_that_contradict_each_other_keep_the_node_down() {
    let (federation, [aus]) = Federation::of(["AUS"]).await;
    let rival = aus.draft(renamed("Rival"));
    let first = aus.descriptor().envelope().clone();
    aus.publish_next(renamed("Second")).await.unwrap();
    let second = aus.descriptor();
    let fourth = aus.party.next(&second, aus.now(), |next| {
        next.version = 4;
        next.header.as_mut().unwrap().descriptor_version = 4;
    });
    let other_edition = aus.party.descriptor(2).envelope().clone();
    let of_idn = Party::new("IDN").descriptor(1).envelope().clone();
    for (file, words) in [
        (vec![first.clone(), rival], "descriptor 2 of AUS: another descriptor with this number is held"),
        (vec![other_edition], "descriptor 1 of AUS: another descriptor with this number is held"),
        (vec![fourth], "descriptor 4 of AUS: skips versions"),
        (vec![of_idn], "descriptor 1 of IDN: "),
    ] {
        let refused = federation.restart_with(&aus, file).await.err().unwrap();
        assert!(matches!(refused, ExchangeError::OwnChain(_)), "{refused:?}");
        assert!(refused.to_string().contains(words), "{refused}");
    }
    federation.restart_with(&aus, vec![first]).await.unwrap();
    federation.restart_with(&aus, Vec::new()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn store_that_begins_after_the_file_is_joined_to_it() {
    let federation = Federation::new();
    let aus = federation.node("AUS").await;
    let first = aus.descriptor();
    let second = aus.draft(renamed("Second"));
    let party = Party::new("AUS");
    let later = federation.node_with_file("AUS", vec![second.clone()]).await.unwrap();
    assert_eq!((later.descriptor().version(), later.own_chain(0).len()), (2, 1));
    federation.restart_with(&later, vec![first.envelope().clone(), second.clone()]).await.unwrap();
    federation.restart_with(&later, vec![first.envelope().clone()]).await.unwrap();
    let unrelated = federation.restart_with(&later, vec![party.descriptor(2).envelope().clone()]).await;
    assert!(matches!(unrelated.err().unwrap(), ExchangeError::OwnChain(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn node_whose_keys_are_gone_does_not_start() {
    let (federation, [aus]) = Federation::of(["AUS"]).await;
    for purpose in [KeyPurpose::Record, KeyPurpose::TlsCa] {
        let id = aus.in_use(purpose).unwrap();
        let kept = aus.ring.take(id);
        let refused = federation.restart_with(&aus, aus.own_chain(0)).await.err().unwrap();
        assert!(matches!(refused, ExchangeError::NoKey(_)), "{refused:?}");
        aus.ring.put_back(kept);
    }
    federation.restart_with(&aus, aus.own_chain(0)).await.unwrap();
}

// ---- decisions under way --------------------------------------------------------------------------------------------

#[tokio::test(flavor = "multi_thread")]
async fn record_that_was_signed_before_a_publication_and_not_committed_is_signed_again() {
    let (_, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    let publishing = aus.clone();
    aus.bench.at_commit(1, crate::kit::When::Before, async move {
        publishing.publish_next(renamed("Second")).await.unwrap();
    });
    let receipt = aus.hold(person("Budi Contoh")).await;
    let held = aus.get(&crate::kit::officer(), &crate::kit::reason(), receipt.record, 0).await.unwrap();
    let record: selat_record::pb::Record = prost::Message::decode(held.envelope.payload.as_slice()).unwrap();
    assert_eq!(record.header.unwrap().descriptor_version, 2);
    assert_eq!(aus.released(idn.id()).await.len(), 1);
}
