//! An officer asks: each peer is named with how it ended, and what a peer sends is believed only if it verifies.

use std::future::pending;
use std::sync::Mutex;
use std::time::Duration;

use selat_exchange::{CallError, Ending, ExchangeError, Limits, Search, Summary};
use selat_policy::Role;
use selat_record::pb;

use crate::kit::{
    Federation, Node, Party, actor, by_name, id, message, officer, operator, person, reason, search, signed,
};

/// The ending of the one peer that is asked.
async fn ending(asker: &Node, name: &str) -> Ending {
    let (mut outcomes, _) = asker.outcomes(search(name)).await;
    assert_eq!(outcomes.len(), 1);
    outcomes.remove(0).ending
}

/// IDN asks AUS, which replies as `conduct` makes of its honest answer; IDN cuts off at the first fault.
async fn ending_when(
    conduct: impl Fn(pb::Envelope, &Party) -> Result<pb::Envelope, CallError> + Send + Sync + 'static,
) -> (Ending, bool) {
    let (federation, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    aus.hold(person("Budi Contoh")).await;
    let limits = Limits { faults_before_cut_off: 1, ..Limits::default() };
    let idn = federation.open(Party::new("IDN"), idn.bench.clone(), limits).await.unwrap();
    let (wire, from, conduct) = (federation.wire.clone(), idn.id().clone(), std::sync::Arc::new(conduct));
    federation.wire.behave(&id("AUS"), move |query| {
        let (wire, from, conduct) = (wire.clone(), from.clone(), conduct.clone());
        async move { conduct(wire.honest(&from, &id("AUS"), &query).await?, &Party::new("AUS")) }
    });
    let ending = ending(&idn, "Budi Contoh").await;
    (ending, idn.conduct().cut_off(aus.id(), idn.clock().now()).is_some())
}

#[tokio::test(flavor = "multi_thread")]
async fn hit_and_no_hit_are_answers() {
    let (_, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    aus.hold(person("Budi Contoh")).await;
    let hits = async |name| match ending(&idn, name).await {
        Ending::Answered { hits, records, .. } => (hits.len(), records.len()),
        other => panic!("{other:?}"),
    };
    assert_eq!(hits("Budi Contoh").await, (1, 0));
    assert_eq!(hits("Wati Contoh").await, (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_participant_is_named_with_its_own_ending() {
    let (federation, [aus, idn, mys, ..]) = Federation::of(["AUS", "IDN", "MYS", "NZL", "PHL"]).await;
    let nru = federation.node("NRU").await;
    idn.join(&operator(), nru.descriptor().as_ref().clone()).await.unwrap();
    aus.hold(person("Budi Contoh")).await;
    idn.hold(person("Budi Contoh").clone()).await;
    mys.bench.slow_reads(Duration::from_millis(250));
    federation.wire.behave(&id("NZL"), |_| async { Err(CallError::Unreachable("no route".into())) });
    federation.wire.behave(&id("PHL"), |_| pending());
    let peers = ["AUS", "MYS", "NRU", "NZL", "PHL"].map(id).to_vec();
    let (mut outcomes, summary) = idn.outcomes(Search { peers, include_own: true, ..search("Budi Contoh") }).await;
    outcomes.sort_by(|one, other| one.peer.cmp(&other.peer));
    let endings: Vec<_> = outcomes
        .iter()
        .map(|outcome| match &outcome.ending {
            Ending::Answered { hits, .. } => (outcome.peer.as_str(), format!("{} hit", hits.len())),
            other => (outcome.peer.as_str(), format!("{other:?}")),
        })
        .collect();
    let expected = [
        ("AUS", "1 hit"),
        ("IDN", "1 hit"),
        ("MYS", "Busy"),
        ("NRU", "NotApproved"),
        ("NZL", "Unreachable(\"no route\")"),
        ("PHL", "Late"),
    ];
    assert_eq!(endings, expected.map(|(peer, ending)| (peer, ending.to_owned())));
    assert_eq!(summary, Summary { asked: 6, answered: 2, hits: 2 });
    assert!(federation.wire.asked().iter().all(|(peer, _)| *peer != id("NRU")), "a peer not approved hears nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn search_that_cannot_be_started_is_refused_before_anything_is_sent() {
    let (federation, [_, idn, _]) = Federation::of(["AUS", "IDN", "MYS"]).await;
    let limits = Limits { fan_out_max: 1, ..Limits::default() };
    let narrow = federation.open(Party::new("IDN"), idn.bench.clone(), limits).await.unwrap();
    let refused = async |node: &Node, search| node.search(&officer(), &reason(), search).await.map(drop).unwrap_err();
    let unknown = refused(&idn, Search { peers: vec![id("XYZ")], ..search("Budi") }).await;
    assert!(matches!(unknown, ExchangeError::UnknownPeer(_)), "{unknown:?}");
    let wide = refused(&narrow, search("Budi")).await;
    assert!(matches!(wide, ExchangeError::Invalid(_)), "{wide:?}");
    let empty = refused(&idn, search("")).await;
    assert!(matches!(empty, ExchangeError::Invalid(_)), "{empty:?}");
    assert!(federation.wire.asked().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn search_is_in_the_audit_log_before_the_first_query_leaves() {
    let (federation, [_, idn, _]) = Federation::of(["AUS", "IDN", "MYS"]).await;
    idn.outcomes(search("Budi Contoh")).await;
    let entry = idn.audited().await.pop().unwrap();
    assert_eq!((entry.action(), entry.actor.as_str()), (pb::AuditAction::Consultation, "officer-1"));
    assert_eq!((entry.participants, entry.note), (vec!["AUS".to_owned(), "MYS".to_owned()], "search".to_owned()));
    let sent = federation.wire.asked().len();
    idn.bench.refuse_commits();
    let unaudited = idn.search(&officer(), &reason(), search("Budi Contoh")).await.map(drop);
    assert!(matches!(unaudited, Err(ExchangeError::Store(_))), "{unaudited:?}");
    assert_eq!(federation.wire.asked().len(), sent, "nothing leaves without its audit entry");
}

#[tokio::test(flavor = "multi_thread")]
async fn peer_knows_the_officer_by_a_stable_pseudonym_only() {
    let (federation, [_, idn]) = Federation::of(["AUS", "IDN"]).await;
    for who in [officer(), actor(Role::Supervisor), officer()] {
        let mut events = idn.search(&who, &reason(), search("Budi Contoh")).await.unwrap();
        while events.recv().await.is_some() {}
    }
    let query = |(_, envelope): &(_, pb::Envelope)| -> pb::Query {
        prost::Message::decode(envelope.payload.as_slice()).unwrap()
    };
    let names: Vec<_> = federation.wire.asked().iter().map(|asked| query(asked).officer_pseudonym).collect();
    let [first, other, again] = names.as_slice() else { panic!("{names:?}") };
    assert_eq!(first, again);
    assert_ne!(first, other);
    assert!(names.iter().all(|name| name.len() == 16 && !name.contains("officer")));
}

#[tokio::test(flavor = "multi_thread")]
async fn peer_that_does_not_know_us_refuses() {
    let federation = Federation::new();
    let (aus, idn) = (federation.node("AUS").await, federation.node("IDN").await);
    idn.join(&operator(), aus.descriptor().as_ref().clone()).await.unwrap();
    idn.approve_by_phone(aus.id()).await;
    assert!(matches!(ending(&idn, "Budi Contoh").await, Ending::Refused(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn refusal_of_the_question_is_told_in_words() {
    let (federation, [_, idn]) = Federation::of(["AUS", "IDN"]).await;
    let (wire, clock) = (federation.wire.clone(), federation.clock.clone());
    // The question is on its way for longer than it is valid.
    federation.wire.behave(&id("AUS"), move |query| {
        let (wire, clock) = (wire.clone(), clock.clone());
        async move {
            clock.turn(Duration::from_secs(5 * 60));
            wire.honest(&id("IDN"), &id("AUS"), &query).await
        }
    });
    let Ending::Refused(why) = ending(&idn, "Budi Contoh").await else { panic!("expected a refusal") };
    assert_eq!(why, "the question arrived too late");
}

#[tokio::test(flavor = "multi_thread")]
async fn deadline_is_bounded_and_ends_the_wait() {
    let (federation, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    federation.wire.behave(aus.id(), |_| pending());
    for (asked, waited) in [(0, 5_000), (250, 250), (3_600_000, 60_000)] {
        let deadline = Duration::from_millis(asked);
        let (outcomes, _) = idn.outcomes(Search { deadline, ..search("Budi Contoh") }).await;
        assert!(matches!(outcomes[0].ending, Ending::Late));
        assert_eq!(outcomes[0].elapsed, Duration::from_millis(waited));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn honest_answer_is_believed() {
    // What the cases below spoil is good before they do.
    let (ending, at_fault) = ending_when(|answer, _| Ok(answer)).await;
    assert!(matches!(ending, Ending::Answered { .. }) && !at_fault, "{ending:?}");
    let (ending, at_fault) = ending_when(|answer, aus| Ok(signed(aus, &message(&answer)))).await;
    assert!(matches!(ending, Ending::Answered { .. }) && !at_fault, "{ending:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn answer_that_does_not_verify_is_a_bad_signature_and_a_fault() {
    type Spoil = fn(pb::Envelope, &Party) -> Result<pb::Envelope, CallError>;
    let spoiled: [(&str, Spoil); 5] = [
        ("changed", |mut answer, _| {
            answer.payload[60] ^= 1;
            Ok(answer)
        }),
        ("signed by another", |answer, _| Ok(signed(&Party::new("MYS"), &message(&answer)))),
        ("for another", |answer, aus| {
            let mut message = message(&answer);
            message.header.as_mut().unwrap().audience = "MYS".into();
            Ok(signed(aus, &message))
        }),
        ("to another question", |answer, aus| Ok(signed(aus, &pb::Answer { query: vec![7; 32], ..message(&answer) }))),
        ("not an answer", |answer, aus| {
            let query = pb::Query { header: message(&answer).header, ..Default::default() };
            Ok(signed(aus, &query))
        }),
    ];
    for (what, spoil) in spoiled {
        let (ending, at_fault) = ending_when(spoil).await;
        assert!(matches!(ending, Ending::BadSignature(_)) && at_fault, "{what}: {ending:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hits_out_of_bounds_are_refused_and_a_fault() {
    type Spoil = fn(&mut Vec<pb::Hit>);
    let spoiled: [(&str, Spoil); 7] = [
        ("more than asked for", |hits| *hits = vec![hits[0].clone(); 21]),
        ("unknown kind", |hits| hits[0].kind = 10),
        ("no kind", |hits| hits[0].kind = 0),
        ("long reference", |hits| hits[0].reference.push(0)),
        ("high score", |hits| hits[0].score = 1001),
        ("many reasons", |hits| hits[0].reasons = vec![hits[0].reasons[0].clone(); 17]),
        ("words for the terminal", |hits| hits[0].reasons[0].how = "\u{1b}[2J".into()),
    ];
    for (what, spoil) in spoiled {
        let (ending, at_fault) = ending_when(move |answer, aus| {
            let mut message = message(&answer);
            spoil(&mut message.hits);
            Ok(signed(aus, &message))
        })
        .await;
        assert!(matches!(ending, Ending::BadSignature(_)) && at_fault, "{what}: {ending:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answer_to_an_earlier_question_is_not_an_answer() {
    let (federation, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    aus.hold(person("Budi Contoh")).await;
    let query = idn.query(aus.id(), by_name("Budi Contoh"));
    let earlier = Mutex::new(aus.asked_by(&idn, &query).await.unwrap().0);
    federation.wire.behave(aus.id(), move |_| std::future::ready(Ok(earlier.lock().unwrap().clone())));
    assert!(matches!(ending(&idn, "Budi Contoh").await, Ending::BadSignature(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn connection_troubles_are_no_fault_of_the_peer() {
    for trouble in [CallError::Late, CallError::Unreachable("down".into()), CallError::Refused("busy".into())] {
        let (ending, at_fault) = ending_when(move |_, _| Err(trouble.clone())).await;
        assert!(
            matches!(ending, Ending::Late | Ending::Unreachable(_) | Ending::Refused(_)) && !at_fault,
            "{ending:?}"
        );
    }
}
