//! Commands run whole, from the command line to the exit code, against a desk on a socket.

mod descriptor;
mod import;
mod keys;
mod peer;
mod watch;

use selat_complaint::Exit;
use selat_record::pb;
use selat_wire::desk::{
    PeerOutcome, PeerOutcomeKind, PeerView, PingResult, PingStep, RecordReceipt, ReleaseOutcome, SearchEvent,
    SearchSummary, StatusReply, search_event::Event,
};
use serde_json::Value;
use tonic::Status;

use crate::show::peer::tests::approved;
use crate::show::record::tests::{id, person, stored};
use crate::testing::FakeDesk;

const ID: &str = "018bcfe5-6800-7707-8707-070707070707";
const WHY: &str = "--purpose visa --case V-12";

fn outcome(peer: &str, kind: PeerOutcomeKind) -> Result<SearchEvent, Status> {
    let hits = if kind == PeerOutcomeKind::Hit {
        vec![pb::Hit { fetchable: true, reference: id(), ..Default::default() }]
    } else {
        vec![]
    };
    let outcome = PeerOutcome { peer: peer.into(), kind: kind.into(), hits, elapsed_ms: 34, ..Default::default() };
    Ok(SearchEvent { event: Some(Event::Outcome(outcome)) })
}

fn summary(asked: u32, answered: u32, hits: u32) -> Result<SearchEvent, Status> {
    let summary = SearchSummary { asked, answered, hits, complete: asked == answered };
    Ok(SearchEvent { event: Some(Event::Summary(summary)) })
}

fn receipt() -> RecordReceipt {
    let refused =
        ReleaseOutcome { peer: "THA".into(), rule: "F-03".into(), why: "protected".into(), ..Default::default() };
    RecordReceipt { record_id: id(), version: 2, content_id: vec![1; 32], releases: vec![refused] }
}

fn json_lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn search_shows_each_outcome_and_ends_with_6_when_a_peer_gave_no_answer() {
    let events = [
        outcome("IDN", PeerOutcomeKind::Hit),
        outcome("MYS", PeerOutcomeKind::NoHit),
        outcome("THA", PeerOutcomeKind::Unreachable),
        summary(3, 2, 1),
    ];
    let desk = FakeDesk { search: events.into(), ..Default::default() }.serve();
    let (exit, said) =
        desk.run(&format!("search 'Siti Rahmah' --peers IDN,MYS,THA --deadline 900ms -o table {WHY}")).await;
    assert_eq!(exit, Exit::Partial, "{}", said.talk());
    let data = said.data();
    let lines: Vec<&str> = data.lines().collect();
    assert!(lines[0].starts_with("IDN     hit        1 hit "), "{data}");
    assert!(lines[1].contains(ID), "{data}");
    assert!(lines[2].starts_with("MYS     no record"), "{data}");
    assert!(lines[3].starts_with("THA     NO ANSWER  unreachable"), "{data}");
    assert_eq!(lines[4], "2 of 3 peers answered; the answer may be incomplete");
    assert_eq!(said.talk(), "looking for name Siti Rahmah\n");
    desk.seen(|seen| {
        let asked = &seen.searches[0];
        assert_eq!(asked.peers, ["IDN", "MYS", "THA"]);
        assert_eq!((asked.deadline_ms, asked.fetch, asked.include_own), (900, false, false));
        let reason = asked.reason.clone().unwrap();
        assert_eq!((reason.purpose(), reason.case_reference.as_str()), (pb::Purpose::Visa, "V-12"));
    });
}

#[tokio::test]
async fn search_in_json_lines_is_one_value_per_event_and_in_json_one_in_all() {
    let script = || [outcome("IDN", PeerOutcomeKind::NoHit), summary(1, 1, 0)].into();
    let desk = FakeDesk { search: script(), ..Default::default() }.serve();
    let (exit, said) = desk.run(&format!("search Siti {WHY}")).await;
    let lines = json_lines(&said.data());
    assert_eq!((exit, lines.len()), (Exit::Ok, 2));
    assert_eq!((&lines[0]["type"], &lines[1]["type"]), (&"outcome".into(), &"summary".into()));

    let desk = FakeDesk { search: script(), ..Default::default() }.serve();
    let (exit, said) = desk.run(&format!("search Siti --fail-empty -o json {WHY}")).await;
    let whole: Value = serde_json::from_str(&said.data()).unwrap();
    assert_eq!(exit, Exit::NotFound);
    assert_eq!((whole["version"].as_i64(), whole["outcomes"].as_array().unwrap().len()), (Some(1), 1));
    assert_eq!(whole["summary"]["complete"], true);
}

#[tokio::test]
async fn search_that_breaks_off_keeps_what_came_and_says_so() {
    let desk = FakeDesk { search: [outcome("IDN", PeerOutcomeKind::NoHit)].into(), ..Default::default() }.serve();
    let (exit, said) = desk.run(&format!("search Siti {WHY}")).await;
    assert_eq!((exit, json_lines(&said.data()).len()), (Exit::Partial, 1));
    assert!(said.talk().contains("error[SLT-2402]"), "{}", said.talk());

    let broken = [outcome("IDN", PeerOutcomeKind::NoHit), Err(Status::unavailable("stopping"))];
    let desk = FakeDesk { search: broken.into(), ..Default::default() }.serve();
    let (exit, said) = desk.run(&format!("search Siti {WHY}")).await;
    assert_eq!((exit, json_lines(&said.data()).len()), (Exit::Unreachable, 1));
    assert!(said.talk().contains("error[SLT-2103]: the search broke off\ncause: stopping"), "{}", said.talk());
}

#[tokio::test]
async fn fetched_records_are_shown_beneath_their_peer_with_their_banner() {
    let mut found = PeerOutcome { peer: "IDN".into(), kind: PeerOutcomeKind::Hit.into(), ..Default::default() };
    found.records.extend(stored(&person()).envelope);
    let events = [Ok(SearchEvent { event: Some(Event::Outcome(found)) }), summary(1, 1, 1)];
    let desk = FakeDesk { search: events.into(), ..Default::default() }.serve();
    let (exit, said) = desk.run(&format!("search Siti --fetch -o table {WHY}")).await;
    assert_eq!(exit, Exit::Ok, "{}", said.talk());
    assert!(said.data().contains("    | TLP:AMBER+STRICT  from IDN"), "{}", said.data());
    assert!(desk.seen(|seen| seen.searches[0].fetch));
}

#[tokio::test]
async fn search_without_criterion_never_reaches_the_node() {
    let desk = FakeDesk::default().serve();
    for line in ["search", "search --kind person", "search --name ''"] {
        let (exit, said) = desk.run(&format!("{line} {WHY}")).await;
        assert_eq!(exit, Exit::Usage, "{line}");
        assert!(said.talk().contains("error[SLT-2207]"), "{}", said.talk());
    }
    assert!(desk.seen(|seen| seen.searches.is_empty()));
}

#[tokio::test]
async fn refusal_of_the_node_is_told_with_its_own_code_and_mend() {
    let desk = FakeDesk::default().serve();
    let (exit, said) = desk.run("status").await;
    assert_eq!((exit, said.data().as_str()), (Exit::Denied, ""));
    assert_eq!(
        said.talk(),
        "error[SLT-0001]: the node's status cannot be shown\n\
         cause: the fake desk was not told what to reply\n\
         mend:  tell it\n\
         more:  selat explain SLT-0001\n"
    );
}

#[tokio::test]
async fn status_shows_the_node_and_the_table_of_its_peers() {
    let status =
        StatusReply { participant: "AUS".into(), node: "node1".into(), peers: vec![approved()], ..Default::default() };
    let desk = FakeDesk { status: Some(status), ..Default::default() }.serve();
    let (exit, said) = desk.run("status -o table").await;
    assert_eq!(exit, Exit::Ok);
    assert!(said.data().starts_with("AUS/node1") && said.data().contains("\n PEER"), "{}", said.data());
    let (_, said) = desk.run("status").await;
    assert_eq!(json_lines(&said.data())[0]["peers"][0]["peer"], "IDN");
}

#[tokio::test]
async fn put_sends_the_draft_and_shows_who_got_it_and_who_did_not() {
    let desk = FakeDesk { receipt: Some(receipt()), ..Default::default() }.serve();
    let draft = crate::show::record::draft_json(&clean_person());
    let file = desk.file("draft.json", &draft.to_string());
    let (exit, said) = desk.run(&format!("record put {file} --valid-days 90 -o table {WHY}")).await;
    assert_eq!(exit, Exit::Ok, "{}", said.talk());
    assert!(said.data().contains("THA     NOT released  protected (F-03)"), "{}", said.data());
    desk.seen(|seen| {
        assert_eq!(seen.puts[0].valid_days, 90);
        assert_eq!(seen.puts[0].draft.as_ref().unwrap().body, clean_person().body);
    });
}

#[tokio::test]
async fn faulty_draft_is_refused_here_with_every_fault() {
    let desk = FakeDesk::default().serve();
    let file = desk.file("draft.json", r#"{"person": {"names": [], "sax": "male"}}"#);
    let (exit, said) = desk.run(&format!("record put {file} {WHY}")).await;
    assert_eq!(exit, Exit::Usage);
    assert!(said.talk().contains("error[SLT-2204]") && said.talk().contains("sax"), "{}", said.talk());
    assert!(desk.seen(|seen| seen.puts.is_empty()));
    let file = desk.file("draft.json", "{\"person\":");
    let (_, said) = desk.run(&format!("record put {file} {WHY}")).await;
    assert!(said.talk().contains("line 1 column 10"), "{}", said.talk());
}

#[tokio::test]
async fn amendment_names_the_version_that_it_was_made_from() {
    let desk = FakeDesk { receipt: Some(receipt()), ..Default::default() }.serve();
    let file = desk.file("draft.json", &crate::show::record::draft_json(&clean_person()).to_string());
    let (exit, said) = desk.run(&format!("record amend {ID} {file} --from-version 2 --why 'new name' {WHY}")).await;
    assert_eq!(exit, Exit::Ok, "{}", said.talk());
    desk.seen(|seen| {
        assert_eq!((seen.amendments[0].from_version, &seen.amendments[0].record_id), (2, &id()));
        assert_eq!(seen.amendments[0].draft.as_ref().unwrap().amendment_reason, "new name");
    });
}

#[tokio::test]
async fn release_to_everyone_wants_the_records_id_typed_or_yes() {
    let desk = FakeDesk { receipt: Some(receipt()), ..Default::default() }.serve();
    let line = format!("record release {ID} --to-everyone {WHY}");
    assert_eq!(desk.run(&line).await.0, Exit::Usage);
    assert_eq!(desk.run_with(&line, Some("yes\n")).await.0, Exit::Usage);
    assert!(desk.seen(|seen| seen.releases.is_empty()));
    assert_eq!(desk.run_with(&line, Some(&format!("{ID}\n"))).await.0, Exit::Ok);
    assert_eq!(desk.run(&format!("{line} --yes")).await.0, Exit::Ok);
    assert_eq!(desk.run(&format!("record release {ID} --to MYS,IDN,IDN {WHY}")).await.0, Exit::Ok);
    desk.seen(|seen| {
        let to: Vec<&pb::Audience> = seen.releases.iter().filter_map(|release| release.to.as_ref()).collect();
        assert_eq!(to.len(), 3);
        assert_eq!((to[0].kind(), to[1].kind()), (pb::AudienceKind::All, pb::AudienceKind::All));
        assert_eq!(
            (to[2].kind(), &to[2].participants[..]),
            (pb::AudienceKind::Named, &["IDN".to_owned(), "MYS".to_owned()][..])
        );
    });
}

#[tokio::test]
async fn get_shows_the_banner_or_a_draft_or_json() {
    let desk = FakeDesk {
        records: [Ok(stored(&person())), Ok(stored(&person())), Ok(stored(&person()))].into(),
        ..Default::default()
    }
    .serve();
    let (_, said) = desk.run(&format!("record get {ID} -o table {WHY}")).await;
    assert!(said.data().contains("| TLP:AMBER+STRICT"), "{}", said.data());
    let (_, said) = desk.run(&format!("record get {ID} --draft {WHY}")).await;
    let draft: Value = serde_json::from_str(&said.data()).unwrap();
    assert!(draft.get("header").is_none() && draft.get("person").is_some(), "{draft}");
    let (_, said) = desk.run(&format!("record get {ID} {WHY}")).await;
    assert_eq!(json_lines(&said.data())[0]["record_id"], ID);
}

#[tokio::test]
async fn list_says_when_there_are_more_than_it_shows() {
    let script = || std::iter::repeat_with(|| Ok(stored(&person()))).take(3).collect();
    let desk = FakeDesk { records: script(), ..Default::default() }.serve();
    let (exit, said) = desk.run(&format!("record list --limit 2 --columns what,id -o table {WHY}")).await;
    assert_eq!((exit, said.data().lines().count()), (Exit::Ok, 3), "{}", said.data());
    assert!(said.data().trim_start().starts_with("WHAT"), "{}", said.data());
    assert_eq!(said.talk(), "2 shown, there are more; --limit 0 shows all\n");
    assert_eq!(desk.seen(|seen| seen.listings[0].limit), 3);

    let desk = FakeDesk { records: script(), ..Default::default() }.serve();
    let (_, said) = desk.run(&format!("record list --limit 3 --kind person --country idn -o json {WHY}")).await;
    let whole: Value = serde_json::from_str(&said.data()).unwrap();
    assert_eq!((whole["records"].as_array().unwrap().len(), &whole["more"]), (3, &Value::Bool(false)));
    desk.seen(|seen| {
        assert_eq!(seen.listings[0].kinds, [pb::RecordKind::Person as i32]);
        assert_eq!(seen.listings[0].matching.as_ref().unwrap().country, "IDN");
    });
}

#[tokio::test]
async fn history_lists_every_version() {
    let desk =
        FakeDesk { records: [Ok(stored(&person())), Ok(stored(&person()))].into(), ..Default::default() }.serve();
    let (exit, said) = desk.run(&format!("record history {ID} {WHY}")).await;
    assert_eq!((exit, json_lines(&said.data()).len()), (Exit::Ok, 2));
}

#[tokio::test]
async fn export_is_json_lines_with_envelopes_and_nothing_else() {
    let desk =
        FakeDesk { records: [Ok(stored(&person())), Ok(stored(&person()))].into(), ..Default::default() }.serve();
    let (exit, _) = desk.run(&format!("record export -o table {WHY}")).await;
    assert_eq!(exit, Exit::Usage);
    let (exit, said) = desk.run(&format!("record export --jsonl --all-versions {WHY}")).await;
    let lines = json_lines(&said.data());
    assert_eq!((exit, lines.len(), said.talk().as_str()), (Exit::Ok, 2, "2 records exported\n"));
    assert_eq!(lines[0]["envelope"]["payloadType"], "application/vnd.selat.record.v1+proto");
    assert!(desk.seen(|seen| seen.listings[0].all_versions));
}

#[tokio::test]
async fn unknown_column_is_refused_before_the_node_is_asked() {
    let desk = FakeDesk { records: [Ok(stored(&person()))].into(), ..Default::default() }.serve();
    for line in ["record list --columns colour", "record get 018bcfe5-6800-7707-8707-070707070707 --columns id"] {
        let (exit, said) = desk.run(&format!("{line} {WHY}")).await;
        assert_eq!(exit, Exit::Usage, "{line}");
        assert!(said.talk().contains("error[SLT-2209]"), "{}", said.talk());
    }
    assert!(desk.seen(|seen| seen.listings.is_empty()));
}

#[tokio::test]
async fn quarantine_lists_what_a_peer_sent() {
    let desk = FakeDesk::default().serve();
    let (exit, said) = desk.run("record quarantine --peer IDN").await;
    let lines = json_lines(&said.data());
    assert_eq!((exit, &lines[0]["peer"], &lines[0]["code"]), (Exit::Ok, &"IDN".into(), &"BAD_SIGNATURE".into()));
}

#[tokio::test]
async fn invite_prints_the_descriptor_as_it_is_unless_json_is_asked_for() {
    let desk = FakeDesk::default().serve();
    let (_, said) = desk.run("peer invite").await;
    assert_eq!(said.data(), "-----BEGIN SELAT DESCRIPTOR-----\nAQID\n");
    let (_, said) = desk.run("peer invite -o json").await;
    assert!(serde_json::from_str::<Value>(&said.data()).unwrap()["descriptor"].is_string());
    let path = desk.path("AUS.descriptor");
    let (exit, said) = desk.run(&format!("peer invite --file {}", path.display())).await;
    assert_eq!((exit, said.data().as_str()), (Exit::Ok, ""));
    assert!(std::fs::read_to_string(path).unwrap().contains("AQID"));
}

#[tokio::test]
async fn peers_are_joined_compared_and_approved() {
    let desk = FakeDesk { peers: vec![approved()], ..Default::default() }.serve();
    let file = desk.file("IDN.descriptor", "-----BEGIN SELAT DESCRIPTOR-----");
    let (exit, said) = desk.run(&format!("peer join {file}")).await;
    assert_eq!(exit, Exit::Ok, "{}", said.talk());
    let (_, said) = desk.run("peer fingerprint IDN -o table").await;
    assert!(said.data().starts_with("word1  word2  word3  word4\n"), "{}", said.data());
    assert_eq!(desk.run("peer approve IDN --channel call").await.0, Exit::Usage);
    assert!(desk.seen(|seen| seen.approvals.is_empty()));
    let (exit, said) = desk.run_with("peer approve IDN --channel call", Some("a b c d e f g h i j k L\n")).await;
    assert_eq!(exit, Exit::Ok, "{}", said.talk());
    assert!(!said.talk().contains("word1"), "our own words must not be shown: {}", said.talk());
    desk.seen(|seen| assert_eq!(seen.approvals[0].words.join(" "), "a b c d e f g h i j k l"));
}

#[tokio::test]
async fn peer_that_is_not_there_ends_with_3() {
    let desk = FakeDesk { peers: vec![approved()], ..Default::default() }.serve();
    assert_eq!(desk.run("peer show IDN").await.0, Exit::Ok);
    let (exit, said) = desk.run("peer show THA").await;
    assert_eq!(exit, Exit::NotFound);
    assert!(
        said.talk().contains("error[SLT-2301]: no such peer\ncause: THA is no peer of this node"),
        "{}",
        said.talk()
    );
    let (_, said) = desk.run("peer list -o json").await;
    let whole: Value = serde_json::from_str(&said.data()).unwrap();
    assert_eq!(whole["peers"][0]["following"]["lag"], 2);
}

#[tokio::test]
async fn ping_tells_the_steps_and_ends_by_the_one_that_failed() {
    let step = |name: &str, result: PingResult| PingStep {
        name: name.into(),
        result: result.into(),
        mend: "do it".into(),
        ..Default::default()
    };
    let steps = vec![
        step("reachability", PingResult::Ok),
        step("tls", PingResult::Failed),
        step("clock", PingResult::NotTried),
    ];
    let desk = FakeDesk { steps, peers: vec![PeerView::default()], ..Default::default() }.serve();
    let (exit, said) = desk.run("peer ping IDN -o table").await;
    assert_eq!(exit, Exit::Unreachable);
    assert!(said.data().contains("tls           FAILED") && said.data().contains("mend: do it"), "{}", said.data());
}

/// A person whose text is what a draft may hold.
fn clean_person() -> pb::Record {
    let mut record = person();
    if let Some(pb::record::Body::Person(person)) = &mut record.body {
        person.names[0].text = "Siti Rahmah".into();
    }
    record.handling.as_mut().unwrap().caveat = "read this".into();
    record
}
