//! A peer asks: who gets an answer, what it says when the question is not in order, when it leaves, what it leaves behind.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join;
use selat_exchange::{AnswerError, ExchangeError, Limits};
use selat_record::pb::query::Ask;
use selat_record::pb::{AnswerOutcome, AuditAction, LogEntryKind, RefusalClass};
use selat_record::{Obligation, Payload as _, pb};
use selat_seal::content_id;
use selat_store::MemoryEngine;

use crate::kit::{
    Conditions as _, Federation, Node, Party, When, by_id, by_name, envelope_over, find, id, message, operator, person,
    signed,
};

#[tokio::test(flavor = "multi_thread")]
async fn hit_says_what_matched_and_under_which_obligations() {
    let (_, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    let mut record = person("Budi Contoh");
    record.handling.as_mut().unwrap().obligations = vec![pb::Obligation { kind: 3, days: 30 }];
    let receipt = aus.hold(record).await;
    let answer = aus.answer_to_name(&idn, "CONTOH, Budi").await;
    assert_eq!(answer.outcome(), AnswerOutcome::Hit);
    let [hit] = answer.hits.as_slice() else { panic!("{:?}", answer.hits) };
    assert_eq!((hit.reference.as_slice(), hit.fetchable), (receipt.record.as_bytes().as_slice(), true));
    assert_eq!(hit.reasons[0].field, "name");
    assert_eq!(hit.obligations, [Obligation::DeleteAfterDays(30).to_message()]);
    let fetched = aus.answer_to(&idn, by_id(&[receipt.record])).await;
    assert_eq!(fetched.records.iter().map(content_id).collect::<Vec<_>>(), [receipt.content]);
}

#[tokio::test(flavor = "multi_thread")]
async fn hit_only_record_gives_an_opaque_reference_per_peer_and_no_record() {
    let (federation, [aus, idn, mys]) = Federation::of(["AUS", "IDN", "MYS"]).await;
    let receipt = aus.hold(person("Budi Contoh").hit_only()).await;
    let reference = async |aus: &Node, asker: &Node| {
        let answer = aus.answer_to_name(asker, "Budi Contoh").await;
        assert!(!answer.hits[0].fetchable && answer.hits[0].reasons.is_empty());
        answer.hits[0].reference.clone()
    };
    let first = reference(&aus, &idn).await;
    assert_eq!(first.len(), 16);
    assert_ne!(first, receipt.record.as_bytes());
    assert_eq!(reference(&federation.restart(&aus).await, &idn).await, first, "stable, also over a restart");
    assert_ne!(reference(&aus, &mys).await, first, "two peers cannot compare");
    assert_eq!(aus.answer_to(&idn, by_id(&[receipt.record])).await.outcome(), AnswerOutcome::NoHit);
    let quoted = Ask::Fetch(pb::Fetch { record_ids: vec![first] });
    assert_eq!(aus.answer_to(&idn, quoted).await.records, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn answer_has_the_size_of_a_class_whatever_it_says() {
    let (_, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    let text = "\u{10400}".repeat(10_000);
    let body = pb::record::Body::Bulletin(pb::Bulletin { kind: 1, title: "Long".into(), text, ..Default::default() });
    let mut ids = vec![aus.hold(pb::Record { body: Some(body), ..person("unused") }).await.record];
    for _ in 0..60 {
        ids.push(aus.hold(person("Budi Contoh")).await.record);
    }
    let limited = |limit| Ask::Find(pb::Find { limit, ..find("Budi Contoh") });
    let asks = [
        by_name("Nobody"),
        limited(1),
        limited(20),
        limited(60),
        by_id(&ids[1..2]),
        by_id(&ids[1..9]),
        by_id(&ids[..3]),
    ];
    let mut sizes = Vec::new();
    for ask in asks {
        let (envelope, _) = aus.asked_by(&idn, &idn.query(aus.id(), ask)).await.unwrap();
        sizes.push(envelope.payload.len());
    }
    let [small, medium, large] = [1 << 10, 4 << 10, 64 << 10];
    assert_eq!(sizes, [small, small, small, medium, small, medium, large]);
}

/// Asks for a name with a query changed by `change`.
async fn refusal(change: impl FnOnce(&mut pb::Query)) -> RefusalClass {
    let (federation, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    let _held = aus.hold(person("Budi Contoh")).await;
    let mut query = idn.query(aus.id(), by_name("Budi Contoh"));
    change(&mut query);
    federation.clock.turn(Duration::from_secs(30));
    let (envelope, left_ms) = aus.asked_by(&idn, &query).await.unwrap();
    let answer = message(&envelope);
    assert!(answer.hits.is_empty() || answer.refusal() == RefusalClass::Unspecified);
    assert_eq!(left_ms, 200, "refusals leave at the tick of their class too");
    answer.refusal()
}

#[tokio::test(flavor = "multi_thread")]
async fn question_that_is_not_in_order_is_refused_in_a_signed_answer() {
    fn header(query: &mut pb::Query) -> &mut pb::Header {
        query.header.as_mut().unwrap()
    }
    fn criteria(query: &mut pb::Query) -> &mut pb::Find {
        let Some(Ask::Find(find)) = query.ask.as_mut() else { panic!("a find") };
        find
    }
    assert_eq!(refusal(|_| {}).await, RefusalClass::Unspecified);
    assert_eq!(refusal(|query| query.purpose = 0).await, RefusalClass::Malformed);
    assert_eq!(refusal(|query| query.case_reference.clear()).await, RefusalClass::Malformed);
    assert_eq!(refusal(|query| query.ask = None).await, RefusalClass::Malformed);
    assert_eq!(refusal(|query| criteria(query).limit = 201).await, RefusalClass::Malformed);
    assert_eq!(
        refusal(|query| *criteria(query) = pb::Find { limit: 5, ..Default::default() }).await,
        RefusalClass::Malformed
    );
    // Given, but folded to nothing: it would match everything or nothing.
    assert_eq!(refusal(|query| criteria(query).name = "---".into()).await, RefusalClass::Malformed);
    assert_eq!(refusal(|query| criteria(query).document_number = "- -".into()).await, RefusalClass::Malformed);
    assert_eq!(
        refusal(|query| header(query).expires_ms = header(query).created_ms + 600_001).await,
        RefusalClass::Malformed
    );
    assert_eq!(
        refusal(|query| header(query).expires_ms = header(query).created_ms + 600_000).await,
        RefusalClass::Unspecified
    );
    assert_eq!(
        refusal(|query| header(query).expires_ms = header(query).created_ms + 30_000).await,
        RefusalClass::Expired
    );
    assert_eq!(
        refusal(|query| header(query).expires_ms = header(query).created_ms + 30_001).await,
        RefusalClass::Unspecified
    );
    assert_eq!(refusal(|query| header(query).expires_ms = 0).await, RefusalClass::Expired);
}

#[tokio::test(flavor = "multi_thread")]
async fn question_is_answered_once_also_after_a_restart() {
    let (federation, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    let query = idn.query(aus.id(), by_name("Budi Contoh"));
    let refusal = async |aus: &Node| message(&aus.asked_by(&idn, &query).await.unwrap().0).refusal();
    assert_eq!(refusal(&aus).await, RefusalClass::Unspecified);
    assert_eq!(refusal(&aus).await, RefusalClass::Replayed);
    assert_eq!(refusal(&federation.restart(&aus).await).await, RefusalClass::Replayed);
    assert_eq!(aus.released(idn.id()).await.len(), 3, "each answer is accounted for");
}

#[tokio::test(flavor = "multi_thread")]
async fn same_question_twice_at_one_moment_is_answered_once() {
    let (_, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    aus.hold(person("Budi Contoh")).await;
    let query = signed(&idn.party, &idn.query(aus.id(), by_name("Budi Contoh")));
    let (other, asker, again) = (aus.clone(), idn.clone(), query.clone());
    aus.bench.at_commit(1, When::Before, async move {
        assert_eq!(message(&other.asked_with(&asker, &again).await.unwrap().0).outcome(), AnswerOutcome::Hit);
    });
    let second = message(&aus.asked_with(&idn, &query).await.unwrap().0);
    assert_eq!((second.refusal(), second.hits.len()), (RefusalClass::Replayed, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn question_that_claims_a_long_life_is_not_remembered_for_it() {
    let (federation, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    let mut query = idn.query(aus.id(), by_name("Budi Contoh"));
    query.header.as_mut().unwrap().expires_ms = 250_000_000_000_000;
    aus.asked_by(&idn, &query).await.unwrap();
    federation.clock.turn(Duration::from_secs(15 * 60 + 1));
    assert_eq!(aus.store.seen.purge(aus.clock().now()).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn question_that_does_not_verify_gets_no_answer_and_is_a_fault() {
    let (federation, [aus, idn, _]) = Federation::of(["AUS", "IDN", "MYS"]).await;
    let limits = Limits { faults_before_cut_off: 1, ..Limits::default() };
    let aus = federation.open(Party::new("AUS"), aus.bench.clone(), limits).await.unwrap();
    let good = idn.query(aus.id(), by_name("Budi Contoh"));
    let payload = prost::Message::encode_to_vec(&good);
    let with_key = |key| envelope_over(pb::Query::TYPE, payload.clone(), &idn.party.key(key));
    let mut changed = signed(&idn.party, &good);
    changed.payload[40] ^= 1;
    let for_mys = signed(&idn.party, &idn.query(&id("MYS"), by_name("Budi Contoh")));
    let by_mys = signed(&Party::new("MYS"), &good);
    let before = aus.bench.commits();
    for (what, query) in [
        // Who was vouched for a moment ago has no key that is not known.
        ("by another", by_mys),
        ("other purpose", with_key(pb::KeyPurpose::Record)),
        ("changed", changed),
        ("for another", for_mys),
    ] {
        let refused = aus.asked_with(&idn, &query).await;
        assert!(matches!(refused, Err(AnswerError::Unverified(_) | AnswerError::Misaddressed)), "{what}: {refused:?}");
        assert!(aus.conduct().cut_off(idn.id(), aus.clock().now()).is_some(), "{what}");
        federation.clock.turn(Duration::from_secs(61));
    }
    assert_eq!(aus.bench.commits(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn participant_that_is_not_approved_gets_no_answer() {
    let federation = Federation::new();
    let (aus, idn) = (federation.node("AUS").await, federation.node("IDN").await);
    let refused = async || match aus.asked_by(&idn, &idn.query(aus.id(), by_name("Budi Contoh"))).await {
        Err(AnswerError::Own(ExchangeError::Denied(refusal))) => refusal.rule().id(),
        other => panic!("{other:?}"),
    };
    assert_eq!(refused().await, "F-02");
    aus.join(&operator(), idn.descriptor().as_ref().clone()).await.unwrap();
    assert_eq!(refused().await, "F-02");
    aus.approve_by_phone(idn.id()).await;
    assert_eq!(aus.answer_to_name(&idn, "Budi Contoh").await.outcome(), AnswerOutcome::NoHit);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_leave_on_the_tick_of_their_class() {
    let (_, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    let held = aus.hold(person("Budi Contoh")).await.record;
    for read_ms in [0, 7, 13] {
        aus.bench.slow_reads(Duration::from_millis(read_ms));
        for (ask, tick_ms) in [(by_name("Budi Contoh"), 200), (by_name("Nobody"), 200), (by_id(&[held]), 400)] {
            let query = idn.query(aus.id(), ask);
            let arrived = aus.clock().now();
            let (envelope, left_ms) = aus.asked_by(&idn, &query).await.unwrap();
            assert_eq!(left_ms, tick_ms, "{read_ms} ms per read");
            // Nor does the answer's own time, or that of its log entry, tell how long the work took.
            let stamped = arrived.plus(Duration::from_millis(tick_ms)).ms();
            assert_eq!(message(&envelope).header.unwrap().created_ms, stamped, "{read_ms} ms per read");
            assert_eq!(aus.released(idn.id()).await.last().unwrap().time_ms, stamped, "{read_ms} ms per read");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_is_late_is_answered_busy_whatever_it_found() {
    let (_, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    aus.hold(person("Budi Contoh")).await;
    aus.bench.slow_reads(Duration::from_millis(201));
    let (envelope, left_ms) = aus.asked_by(&idn, &idn.query(aus.id(), by_name("Budi Contoh"))).await.unwrap();
    let answer = message(&envelope);
    assert_eq!((answer.outcome(), answer.hits.len()), (AnswerOutcome::Busy, 0));
    assert_eq!(left_ms % 10, 0, "late answers leave on the grid too");
    assert_eq!(aus.audited().await.last().unwrap().note, "find answered busy");
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_never_ends_is_answered_busy_on_its_tick() {
    let (_, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    let query = idn.query(aus.id(), by_name("Budi Contoh"));
    aus.bench.stall_reads();
    let (envelope, left_ms) = aus.asked_by(&idn, &query).await.unwrap();
    assert_eq!((message(&envelope).outcome(), left_ms), (AnswerOutcome::Busy, 200));
}

#[tokio::test(flavor = "multi_thread")]
async fn trouble_of_the_store_is_answered_busy_on_the_tick() {
    let (_, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    let query = idn.query(aus.id(), by_name("Budi Contoh"));
    aus.bench.refuse_reads();
    let (envelope, left_ms) = aus.asked_by(&idn, &query).await.unwrap();
    assert_eq!((message(&envelope).outcome(), left_ms), (AnswerOutcome::Busy, 200));
}

#[tokio::test(flavor = "multi_thread")]
async fn answer_is_accounted_for_before_it_leaves() {
    let (_, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    aus.hold(person("Budi Contoh")).await;
    let (audited, released) = (aus.audited().await.len(), aus.released(idn.id()).await.len());
    let query = idn.query(aus.id(), by_name("Budi Contoh"));
    let (envelope, _) = aus.asked_by(&idn, &query).await.unwrap();
    let asked = content_id(&signed(&idn.party, &query));
    let release = aus.released(idn.id()).await.split_off(released);
    let [release] = release.as_slice() else { panic!("{release:?}") };
    assert_eq!((release.kind(), release.officer_pseudonym.as_str()), (LogEntryKind::Answer, "p1"));
    assert_eq!(release.content_id, content_id(&envelope).as_bytes());
    assert_eq!(release.query, asked.as_bytes());
    assert!(release.record_id.is_empty() && release.rules.is_empty() && release.conditions.is_none());
    let audit = aus.audited().await.split_off(audited);
    let [audit] = audit.as_slice() else { panic!("{audit:?}") };
    assert_eq!((audit.action(), audit.actor.as_str()), (AuditAction::Disclosure, "IDN/p1"));
    assert_eq!((audit.case_reference.as_str(), audit.content_id.as_slice()), ("CASE-7", asked.as_bytes().as_slice()));
    aus.bench.refuse_commits();
    let unaccounted = aus.asked_by(&idn, &idn.query(aus.id(), by_name("Budi Contoh"))).await;
    assert!(matches!(unaccounted, Err(AnswerError::Own(ExchangeError::Store(_)))), "{unaccounted:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_side_by_side_are_each_in_the_log_once() {
    let (federation, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    let bare = federation.open_bare(Party::new("MYS"), Arc::new(MemoryEngine::new()), Limits::default()).await.unwrap();
    for (one, other) in [(&bare, &idn), (&idn, &bare), (&bare, &aus)] {
        one.join(&operator(), other.descriptor().as_ref().clone()).await.unwrap();
        one.approve_by_phone(other.id()).await;
    }
    let ask = |asker: &Node| asker.query(bare.id(), by_name("Nobody"));
    let (one, two) = (ask(&idn), ask(&idn));
    let (one, two) = join(bare.asked_by(&idn, &one), bare.asked_by(&idn, &two)).await;
    let mut answered = [one, two].map(|answer| content_id(&answer.unwrap().0).as_bytes().to_vec());
    let mut logged: Vec<_> = bare.released(idn.id()).await.into_iter().map(|entry| entry.content_id).collect();
    answered.sort();
    logged.sort();
    assert_eq!(logged, answered);
}
