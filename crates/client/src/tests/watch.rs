//! The doctor and the measurements.

use selat_complaint::Exit;
use selat_wire::desk::{DoctorReply, Finding, FindingLevel, MetricsReply};

use super::json_lines;
use crate::testing::FakeDesk;

fn finding(area: &str, level: FindingLevel, peer: &str) -> Finding {
    let mend = if level == FindingLevel::Ok { "" } else { "selat peer ping IDN" };
    let what = format!("something about {area}");
    Finding { area: area.into(), level: level.into(), what, mend: mend.into(), peer: peer.into() }
}

fn desk(findings: Vec<Finding>) -> FakeDesk {
    FakeDesk { findings: Some(DoctorReply { findings }), ..Default::default() }
}

#[tokio::test]
async fn doctor_shows_what_the_node_finds_and_ends_with_8_when_a_person_is_needed() {
    let findings = vec![finding("clock", FindingLevel::Ok, ""), finding("peers", FindingLevel::Warning, "IDN")];
    let desk = desk(findings).serve();
    let (exit, said) = desk.doctor("doctor --warn 60d --crit 14d -o table", &[]).await;
    assert_eq!(exit, Exit::Attention, "{}", said.talk());
    let data = said.data();
    assert!(data.contains("WARNING") && data.contains("selat peer ping IDN"), "{data}");
    assert_eq!(said.talk(), "0 critical, 1 warning, 2 findings altogether\n");
    desk.seen(|seen| {
        let asked = &seen.examinations[0];
        assert_eq!((asked.warn_s, asked.crit_s), (60 * 86_400, 14 * 86_400));
    });
    let (exit, said) = desk.doctor("doctor --peer IDN -o jsonl", &[]).await;
    let lines = json_lines(&said.data());
    assert_eq!((exit, lines.len(), &lines[0]["area"]), (Exit::Attention, 1, &"peers".into()));
}

#[tokio::test]
async fn doctor_ends_with_0_when_all_is_well_and_with_3_for_a_peer_that_nobody_knows() {
    let desk = desk(vec![finding("clock", FindingLevel::Ok, "")]).serve();
    assert_eq!(desk.doctor("doctor -o json", &[]).await.0, Exit::Ok);
    let (exit, said) = desk.doctor("doctor --peer MYS", &[]).await;
    assert_eq!(exit, Exit::NotFound);
    assert!(said.talk().contains("SLT-2301"), "{}", said.talk());
}

#[tokio::test]
async fn files_are_looked_at_only_when_no_node_listens() {
    let down = [finding("store", FindingLevel::Critical, "")];
    let desk = desk(Vec::new()).serve();
    std::fs::remove_file(desk.path("desk.sock")).unwrap();
    let (exit, said) = desk.doctor("doctor -o json", &down).await;
    assert_eq!(exit, Exit::Attention);
    assert!(said.talk().contains("only its files are checked"), "{}", said.talk());
    assert!(said.data().contains("\"running\": false") && said.data().contains("\"store\""), "{}", said.data());

    let refusing = FakeDesk::default().serve();
    let (exit, said) = refusing.doctor("doctor", &down).await;
    assert_ne!(exit, Exit::Attention, "the node runs and refused: its files are not its state");
    assert!(!said.data().contains("store"), "{}", said.data());
    let (exit, _) = refusing.doctor("--node https://127.0.0.1:1 doctor", &down).await;
    assert_eq!(exit, Exit::Usage, "files of this machine are not those of a node elsewhere");
}

#[tokio::test]
async fn metrics_come_as_the_collector_reads_them() {
    let text = "# HELP selat_x X.\nselat_x 1\x1b\n# EOF\n".to_owned();
    let desk = FakeDesk { metrics: Some(MetricsReply { text }), ..Default::default() }.serve();
    let (exit, said) = desk.run("metrics").await;
    assert_eq!((exit, said.data().as_str()), (Exit::Ok, "# HELP selat_x X.\nselat_x 1\u{FFFD}\n# EOF\n"));
    let (_, said) = desk.run("metrics -o json").await;
    assert!(said.data().contains("\"text\""), "{}", said.data());
}
