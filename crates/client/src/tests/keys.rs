//! Turning keys, publishing, and the checks of a monitoring system.

use selat_complaint::Exit;
use selat_record::pb::{KeyPurpose, KeyStatus};
use selat_seal::{PublicFile, SecretKey};
use selat_wire::desk::{
    DescriptorAcksReply, DescriptorChainReply, KeyApplyReply, KeyGoalKind, KeyPlan, KeyResignReply, KeyStatusReply,
    KeyStepState, PeerReadiness, ResignedRecord, StatusReply,
};
use serde_json::Value;

use crate::show::plan::tests::{draft_text, half_way, step};
use crate::show::{certificate, keys};
use crate::testing::{FakeDesk, Running, Said, descriptors};

fn json_of(said: &Said) -> Value {
    serde_json::from_str(&said.data()).unwrap_or_else(|fault| panic!("{fault}: {}", said.data()))
}

fn status() -> Option<StatusReply> {
    Some(StatusReply { participant: "AUS".into(), descriptor_version: 1, ..Default::default() })
}

/// A turn whose first step is due.
fn due() -> KeyPlan {
    KeyPlan {
        steps: vec![step("make a successor", KeyStepState::Due), step("publish it", KeyStepState::Later)],
        ..half_way()
    }
}

fn turning() -> Running {
    let now = KeyPlan {
        steps: vec![step("make a successor", KeyStepState::Done), step("publish it", KeyStepState::Due)],
        ..half_way()
    };
    let applied = KeyApplyReply { plan: Some(now), done: vec!["made a successor".into()], draft: draft_text(2) };
    FakeDesk {
        status: status(),
        plan: Some(due()),
        applied: Some(applied),
        keys: Some(keys::tests::sound()),
        ..Default::default()
    }
    .serve()
}

#[tokio::test]
async fn plan_is_shown_and_nothing_is_done_without_the_typed_name() {
    let desk = turning();
    let draft = desk.path("AUS-2.draft");
    let line = format!("key rotate record -o table --file {}", draft.display());
    let (exit, said) = desk.run(&format!("{line} --plan")).await;
    assert_eq!(exit, Exit::Ok, "{}", said.talk());
    assert!(said.data().contains(" 1  DUE      make a successor"), "{}", said.data());
    assert!(said.talk().contains("next: selat key rotate record"), "{}", said.talk());
    assert_eq!(desk.run(&line).await.0, Exit::Usage);
    let (exit, said) = desk.run_with(&line, Some("yes\n")).await;
    assert_eq!(exit, Exit::Usage);
    assert!(said.talk().contains("This is done now: make a successor.\ntype AUS to go on"), "{}", said.talk());
    assert!(desk.seen(|seen| seen.applied.is_empty()));
}

#[tokio::test]
async fn turn_does_what_is_due_writes_the_draft_and_says_what_comes_next() {
    let desk = turning();
    let draft = desk.path("AUS-2.draft");
    let line = format!("key rotate record -o table --file {}", draft.display());
    let (exit, said) = desk.run_with(&line, Some("AUS\n")).await;
    assert_eq!(exit, Exit::Ok, "{}", said.talk());
    assert!(said.data().contains("done: made a successor"), "{}", said.data());
    assert!(std::fs::read_to_string(&draft).unwrap().starts_with("-----BEGIN SELAT DESCRIPTOR DRAFT"));
    for part in [
        "selat descriptor sign",
        "selat descriptor combine",
        "selat descriptor publish",
        "\n  selat key rotate record\n",
    ] {
        assert!(said.talk().contains(part), "{part} in {}", said.talk());
    }
    desk.seen(|seen| {
        let goal = seen.applied[0].goal.as_ref().unwrap();
        assert_eq!((goal.kind(), goal.purpose(), goal.emergency), (KeyGoalKind::Rotate, KeyPurpose::Record, false));
        assert_eq!(seen.applied[0].state, vec![0xaa; 32]);
    });
}

#[tokio::test]
async fn draft_is_not_written_over_another_file_and_is_not_lost() {
    let desk = turning();
    let draft = desk.file("AUS-2.draft", "notes");
    let (exit, said) = desk.run(&format!("key rotate record --yes --file {draft}")).await;
    assert_eq!(exit, Exit::Conflict);
    assert!(said.talk().contains("error[SLT-2302]"), "{}", said.talk());
    assert_eq!(json_of(&said)["done"][0], "made a successor");
    assert_eq!(std::fs::read_to_string(&draft).unwrap(), "notes");
    let (exit, _) = desk.run(&format!("key rotate record --yes --file {draft}-2")).await;
    assert_eq!(exit, Exit::Ok);
    // The same draft again finds its file there.
    assert_eq!(desk.run(&format!("key rotate record --yes --file {draft}-2")).await.0, Exit::Ok);
}

#[tokio::test]
async fn turn_that_waits_or_is_over_asks_nothing_and_says_so() {
    let over = KeyPlan { steps: vec![step("all", KeyStepState::Done)], ..half_way() };
    let cases = [
        (half_way(), "nothing is due before 2023-11-15T22:13:20Z; then: selat key rotate record"),
        (over, "nothing is left to do"),
    ];
    for (plan, wanted) in cases {
        let desk = FakeDesk { status: status(), plan: Some(plan), ..Default::default() }.serve();
        let (exit, said) = desk.run("key rotate record -o table").await;
        assert_eq!(exit, Exit::Ok, "{}", said.talk());
        assert!(said.talk().contains(wanted), "{}", said.talk());
        assert!(desk.seen(|seen| seen.applied.is_empty()));
    }
}

#[tokio::test]
async fn plan_goes_into_a_file_and_apply_takes_it_from_there() {
    let desk = turning();
    let (plan, draft) = (desk.path("plan.json"), desk.path("d"));
    let (exit, said) = desk.run(&format!("key plan record --file {}", plan.display())).await;
    assert_eq!((exit, said.data().as_str()), (Exit::Ok, ""), "{}", said.talk());
    let (exit, said) = desk.run(&format!("key apply {} --file {}", plan.display(), draft.display())).await;
    assert_eq!(exit, Exit::Ok, "{}", said.talk());
    let told = json_of(&said);
    assert_eq!((&told["done"][0], &told["draft"]), (&"made a successor".into(), &draft.to_str().unwrap().into()));
    assert_eq!(told["plan"]["steps"][1]["state"], "due");
    desk.seen(|seen| assert_eq!(seen.applied[0].state, vec![0xaa; 32]));
}

#[tokio::test]
async fn emergency_and_abandoning_reach_the_node_as_they_were_meant() {
    let desk = turning();
    desk.run("key rotate log --plan --emergency --reason 'disk stolen' --compromised-since 2023-11-14").await;
    desk.run("key rotate tls-ca --plan --abandon").await;
    desk.run("key retire 02020202 --plan --reason spare").await;
    desk.run("key revoke 0b0b0b0b --plan --reason lost --compromised-since 2023-11-14").await;
    desk.seen(|seen| {
        let [emergency, abandoned, retired, revoked] = &seen.plans[..] else { panic!("{:?}", seen.plans) };
        assert_eq!((emergency.emergency, emergency.reason.as_str()), (true, "disk stolen"));
        assert_eq!(emergency.compromised_since_ms, 1_699_920_000_000);
        assert_eq!((abandoned.kind(), abandoned.purpose()), (KeyGoalKind::Abandon, KeyPurpose::TlsCa));
        assert_eq!((retired.kind(), &retired.key_id), (KeyGoalKind::Retire, &vec![2; 32]));
        assert_eq!((revoked.kind(), &revoked.key_id), (KeyGoalKind::Revoke, &vec![11; 32]));
    });
}

#[tokio::test]
async fn key_that_is_not_there_is_not_planned_for() {
    let desk = turning();
    let (exit, said) = desk.run("key revoke ffffffff --reason lost").await;
    assert_eq!(exit, Exit::NotFound);
    assert!(said.talk().contains("cause: ffffffff is no key of this node"), "{}", said.talk());
    assert!(desk.seen(|seen| seen.plans.is_empty()));
}

#[tokio::test]
async fn keys_are_shown_or_judged_in_one_line() {
    let desk = turning();
    let (exit, said) = desk.run("key status -o table").await;
    assert_eq!(exit, Exit::Ok, "{}", said.talk());
    assert!(said.talk().contains("kept in files; our descriptor is version 3"), "{}", said.talk());
    let (exit, said) = desk.run("key status --check").await;
    assert_eq!((exit, said.data().lines().count()), (Exit::Ok, 1));
    assert!(said.data().starts_with("OK - 4 keys in use"), "{}", said.data());
    let (exit, said) = desk.run("key status --check --warn 3650d").await;
    assert_eq!(exit, Exit::Attention);
    assert!(said.data().starts_with("WARNING - tls-ca key 04040404 ends in 900 days"), "{}", said.data());
    let (_, said) = desk.run("key status --check --crit 3650d -o json").await;
    assert_eq!(json_of(&said)["level"], "CRITICAL");
}

#[tokio::test]
async fn certificate_is_shown_checked_and_renewed() {
    let desk = FakeDesk { certificate: Some(certificate::tests::sound()), ..Default::default() }.serve();
    let (_, said) = desk.run("cert show -o table").await;
    assert!(said.data().contains("renewal      2023-11-15T22:13:20Z, by the node itself"), "{}", said.data());
    let (exit, said) = desk.run("cert check").await;
    assert_eq!(exit, Exit::Ok);
    assert!(said.data().starts_with("OK - certificate until"), "{}", said.data());
    assert_eq!(desk.run("cert check --warn 3000d").await.0, Exit::Attention);
    assert_eq!(desk.seen(|seen| seen.renewals), 0);
    assert_eq!(desk.run("cert renew").await.0, Exit::Ok);
    assert_eq!(desk.seen(|seen| seen.renewals), 1);
}

#[tokio::test]
async fn descriptor_is_published_and_its_holders_are_counted() {
    let holds =
        |peer: &str, version| PeerReadiness { peer: peer.into(), acknowledged_version: version, ..Default::default() };
    let acks = DescriptorAcksReply { version: 2, peers: vec![holds("IDN", 2), holds("MYS", 1)], ..Default::default() };
    let desk = FakeDesk { acks: Some(acks), ..Default::default() }.serve();
    let file = desk.file("AUS-2.descriptor", "-----BEGIN SELAT DESCRIPTOR-----");
    let (exit, said) = desk.run(&format!("descriptor publish {file}")).await;
    assert_eq!((exit, &json_of(&said)["descriptor_version"]), (Exit::Ok, &2.into()));
    assert_eq!(desk.seen(|seen| seen.published.clone()), ["-----BEGIN SELAT DESCRIPTOR-----"]);
    let (_, said) = desk.run("descriptor acks -o table").await;
    assert!(said.talk().contains("version 2 is held by 1 of 2 peers"), "{}", said.talk());
    let (_, said) = desk.run("descriptor acks").await;
    assert_eq!(json_of(&said)["peers"][1]["acknowledged_version"], 1);
}

fn doubtful(count: u8, new_version: u32, more: bool) -> KeyResignReply {
    let record = |n| ResignedRecord { record_id: vec![n; 16], version: 1, new_version, ..Default::default() };
    KeyResignReply { records: (0..count).map(record).collect(), more }
}

#[tokio::test]
async fn records_are_listed_and_signed_anew_step_by_step_once_the_name_is_typed() {
    let resigned = [doubtful(3, 2, true), doubtful(1, 2, false)].into();
    let desk =
        FakeDesk { status: status(), doubtful: Some(doubtful(3, 0, true)), resigned, ..Default::default() }.serve();
    let (_, said) = desk.run("key resign --list --limit 3").await;
    assert_eq!(said.data().lines().count(), 3, "{}", said.data());
    assert!(said.talk().contains("3 shown, there are more"), "{}", said.talk());
    assert_eq!(desk.run("key resign").await.0, Exit::Usage);
    assert!(desk.seen(|seen| seen.resigns.iter().all(|request| request.list_only)));
    let (exit, said) = desk.run_with("key resign", Some("AUS\n")).await;
    assert_eq!((exit, said.data().lines().count()), (Exit::Ok, 4), "{}", said.talk());
    assert!(said.talk().ends_with("3 records so far\n4 records signed anew\n"), "{}", said.talk());
}

#[tokio::test]
async fn signing_anew_ends_when_nothing_is_left_and_when_nothing_moves() {
    let desk = FakeDesk { status: status(), doubtful: Some(doubtful(0, 0, false)), ..Default::default() }.serve();
    let (exit, said) = desk.run("key resign").await;
    assert_eq!((exit, said.data().as_str()), (Exit::Ok, ""));
    assert!(said.talk().starts_with("nothing to sign anew"), "{}", said.talk());
    let resigned = [doubtful(2, 0, true)].into();
    let stuck =
        FakeDesk { status: status(), doubtful: Some(doubtful(1, 0, true)), resigned, ..Default::default() }.serve();
    let (exit, said) = stuck.run("key resign --yes").await;
    assert_eq!(exit, Exit::Partial, "{}", said.talk());
}

#[tokio::test]
async fn descriptor_in_force_is_shown_of_us_and_of_a_peer() {
    let (first, later) = (descriptors::first(), descriptors::next(&descriptors::first(), |_| {}));
    let descriptors = vec![descriptors::signed(&first, &[1, 2]), descriptors::signed(&later, &[1, 3])];
    let chain = DescriptorChainReply { participant: "AUS".into(), descriptors };
    let desk = FakeDesk { chain: Some(chain), ..Default::default() }.serve();
    let (exit, said) = desk.run("descriptor show -o table").await;
    assert_eq!(exit, Exit::Ok, "{}", said.talk());
    assert!(said.data().starts_with("AUS  descriptor 2\n"), "{}", said.data());
    assert_eq!(desk.run("descriptor show --peer IDN").await.0, Exit::Ok);
    assert_eq!(desk.seen(|seen| seen.chains.clone()), ["", "IDN"]);
}

#[tokio::test]
async fn public_keys_of_the_node_are_those_that_sign_now_or_later() {
    let purposes = [KeyPurpose::Root, KeyPurpose::Record, KeyPurpose::Query, KeyPurpose::Log, KeyPurpose::TlsCa];
    let mut keys: Vec<_> =
        purposes.into_iter().zip(1..).map(|(of, id)| keys::tests::key(id, of, KeyStatus::Active)).collect();
    keys[2].status = KeyStatus::Retired.into();
    for (n, key) in keys.iter_mut().zip(1..).map(|(key, n)| (n, key)) {
        key.public_key = SecretKey::from_seed([n; 32]).public().as_bytes().to_vec();
    }
    let reply = KeyStatusReply { keys, ..keys::tests::sound() };
    let desk = FakeDesk { status: status(), keys: Some(reply), ..Default::default() }.serve();
    let (exit, said) = desk.run("key export-public").await;
    assert_eq!(exit, Exit::Ok, "{}", said.talk());
    let told: Vec<_> = PublicFile::parse_all(&said.data()).unwrap().into_iter().map(|key| key.purpose).collect();
    assert_eq!(told, [KeyPurpose::Root, KeyPurpose::Record, KeyPurpose::Log]);
}
