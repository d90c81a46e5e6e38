//! The officer's second step: the records behind the hits, each verified, none that was not asked for, and said aloud when
//! some did not fit.

use prost::Message as _;
use selat_exchange::{Ending, Search};
use selat_record::pb::query::Ask;
use selat_record::{RecordId, pb};
use selat_seal::content_id;

use crate::kit::{Conditions as _, Federation, Node, by_id, id, message, person, search, signed};

fn fetching(name: &str) -> Search {
    Search { fetch: true, ..search(name) }
}

async fn ending(asker: &Node, name: &str) -> Ending {
    asker.outcomes(fetching(name)).await.0.remove(0).ending
}

#[tokio::test(flavor = "multi_thread")]
async fn fetched_records_are_the_originators_bytes() {
    let (_, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    let held = aus.hold(person("Budi Contoh")).await;
    let Ending::Answered { hits, truncated, records } = ending(&idn, "Budi Contoh").await else { panic!("answered") };
    assert_eq!((hits.len(), truncated), (1, false));
    assert_eq!(records.iter().map(content_id).collect::<Vec<_>>(), [held.content]);
}

#[tokio::test(flavor = "multi_thread")]
async fn hit_only_records_are_not_fetched() {
    let (federation, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    aus.hold(person("Budi Contoh").hit_only()).await;
    let Ending::Answered { hits, records, .. } = ending(&idn, "Budi Contoh").await else { panic!("answered") };
    assert_eq!((hits.len(), records.len()), (1, 0));
    assert_eq!(federation.wire.asked().len(), 1, "there is nothing to fetch");
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_do_not_fit_into_one_answer_are_said_aloud() {
    let (_, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    for _ in 0..16 {
        aus.hold(large()).await;
    }
    let Ending::Answered { hits, truncated, records } = ending(&idn, "Budi Contoh").await else { panic!("answered") };
    assert_eq!(hits.len(), 16);
    assert!(records.len() < 16 && !records.is_empty(), "{} records", records.len());
    assert!(truncated, "partial is said aloud");
}

#[tokio::test(flavor = "multi_thread")]
async fn hit_only_ids_take_no_room_in_a_fetch() {
    let (_, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    let mut ids = Vec::new();
    for _ in 0..12 {
        ids.push(aus.hold(large().hit_only()).await.record);
    }
    ids.push(aus.hold(large()).await.record);
    assert_eq!(aus.answer_to(&idn, by_id(&ids)).await.records.len(), 1);
}

/// A record close to the largest that is allowed.
fn large() -> pb::Record {
    let mut record = person("Budi Contoh");
    let Some(pb::record::Body::Person(person)) = record.body.as_mut() else { panic!("a person") };
    let long = "\u{10400}".repeat(200);
    let name =
        || pb::PersonName { text: long.clone(), family: long.clone(), given: long.clone(), ..Default::default() };
    person.names.extend((0..63).map(|_| name()));
    person.descriptions = vec!["\u{10400}".repeat(1000); 8];
    record
}

/// AUS answers finds honestly and fetches with `records` instead of what was asked for.
async fn ending_when_fetch_brings(
    bring: impl Fn(Vec<pb::Envelope>) -> Vec<pb::Envelope> + Clone + Send + Sync + 'static,
) -> Ending {
    let (federation, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    aus.hold(person("Budi Contoh")).await;
    let wire = federation.wire.clone();
    federation.wire.behave(&id("AUS"), move |query| {
        let (wire, aus, bring) = (wire.clone(), aus.party.clone(), bring.clone());
        async move {
            let answer = wire.honest(&id("IDN"), &id("AUS"), &query).await?;
            let question = pb::Query::decode(query.payload.as_slice()).unwrap();
            let Some(Ask::Fetch(_)) = question.ask else { return Ok(answer) };
            let mut answer = message(&answer);
            answer.records = bring(answer.records);
            Ok(signed(&aus, &answer))
        }
    });
    ending(&idn, "Budi Contoh").await
}

#[tokio::test(flavor = "multi_thread")]
async fn fetched_record_that_does_not_verify_is_refused() {
    let honest = ending_when_fetch_brings(|records| records).await;
    assert!(matches!(honest, Ending::Answered { .. }), "{honest:?}");
    let changed = ending_when_fetch_brings(|mut records| {
        records[0].payload[50] ^= 1;
        records
    });
    let changed = changed.await;
    assert!(matches!(changed, Ending::BadSignature(_)), "{changed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn record_that_was_not_asked_for_is_refused() {
    let other = ending_when_fetch_brings(|records| {
        let mut record = pb::Record::decode(records[0].payload.as_slice()).unwrap();
        let created = selat_record::Timestamp::from_ms(record.header.as_ref().unwrap().created_ms).unwrap();
        record.record_id = RecordId::mint(created, [4; 10]).as_bytes().to_vec();
        vec![signed(&crate::kit::Party::new("AUS"), &record)]
    });
    let other = other.await;
    assert!(matches!(other, Ending::BadSignature(_)), "{other:?}");
}
