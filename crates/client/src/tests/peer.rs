//! What an operator does to a peer after its approval.

use selat_complaint::Exit;
use selat_wire::desk::{PeerState, PeerView};
use serde_json::Value;

use crate::show::peer::tests::approved;
use crate::testing::FakeDesk;

fn desk() -> crate::testing::Running {
    FakeDesk { peers: vec![approved()], ..Default::default() }.serve()
}

#[tokio::test]
async fn peer_is_suspended_and_resumed_with_a_reason_and_no_question() {
    let desk = desk();
    let (exit, said) = desk.run("peer suspend IDN --reason 'break-in reported'").await;
    assert_eq!(exit, Exit::Ok, "{}", said.talk());
    assert!(said.talk().contains("selat peer resume IDN"), "{}", said.talk());
    let (exit, said) = desk.run("peer resume IDN --reason 'all clear'").await;
    assert_eq!(exit, Exit::Ok, "{}", said.talk());
    let reasons: Vec<String> = desk.seen(|seen| seen.standings.iter().map(|of| of.reason.clone()).collect());
    assert_eq!(reasons, ["break-in reported", "all clear"]);
}

#[tokio::test]
async fn peer_is_removed_only_when_its_name_is_typed_or_yes_is_given() {
    let desk = desk();
    let line = "peer remove IDN --reason 'starts anew'";
    assert_eq!(desk.run(line).await.0, Exit::Usage);
    assert_eq!(desk.run_with(line, Some("yes\n")).await.0, Exit::Usage);
    assert!(desk.seen(|seen| seen.standings.is_empty()));
    let (exit, said) = desk.run_with(line, Some("IDN\n")).await;
    assert_eq!(exit, Exit::Ok, "{}", said.talk());
    let (exit, said) = desk.run(&format!("{line} --yes")).await;
    let reply: Value = serde_json::from_str(&said.data()).unwrap();
    assert_eq!((exit, &reply["removed"]), (Exit::Ok, &"IDN".into()));
    assert_eq!(desk.seen(|seen| seen.standings.len()), 2);
}

#[tokio::test]
async fn list_shows_the_usual_columns_and_any_other_that_is_asked_for() {
    let desk = desk();
    let (_, said) = desk.run("peer list -o table").await;
    let head = said.data().lines().next().unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(head, "PEER STATE FRESH FOLLOWING LAG LAST-CONTACT TROUBLE");
    let (_, said) = desk.run("peer list -o table --columns peer,acknowledged,clock").await;
    assert!(said.data().contains("-1.2 s"), "{}", said.data());
}

#[tokio::test]
async fn joining_says_what_comes_next_only_while_the_peer_waits_for_approval() {
    let pending = PeerView { state: PeerState::Pending.into(), ..approved() };
    for (view, next) in [(pending, true), (approved(), false)] {
        let desk = FakeDesk { peers: vec![view], ..Default::default() }.serve();
        let file = desk.file("IDN.descriptor", "-----BEGIN SELAT DESCRIPTOR-----");
        let (exit, said) = desk.run(&format!("peer join {file}")).await;
        assert_eq!((exit, said.talk().contains("selat peer fingerprint IDN")), (Exit::Ok, next), "{}", said.talk());
    }
}
