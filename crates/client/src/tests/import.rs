//! Imports run whole against the fake desk.

use std::collections::BTreeSet;
use std::fmt::Write;

use selat_complaint::Exit;
use serde_json::Value;

use crate::testing::{FakeDesk, Running};

const MAP: &str = include_str!("bulletins.toml");

/// A CSV of `rows` good rows in which `change` may replace the row with a number.
fn csv(rows: usize, change: impl Fn(usize) -> Option<String>) -> String {
    let mut text = String::from("id,title,text\n");
    for n in 1..=rows {
        let row = change(n).unwrap_or_else(|| format!("k{n},Title {n},Text {n}"));
        writeln!(text, "{row}").unwrap();
    }
    text
}

fn line(desk: &Running, text: &str, more: &str) -> String {
    format!("record import {} --map {} {more}", desk.file("rows.csv", text), desk.file("map.toml", MAP))
}

const WHY: &str = "--purpose law-enforcement --case L-3";

#[tokio::test]
async fn rows_go_in_chunks_of_256_and_every_outcome_is_counted() {
    let desk = FakeDesk::default().serve();
    let (exit, said) = desk.run(&line(&desk, &csv(5000, |_| None), &format!("-o json {WHY}"))).await;
    assert_eq!(exit, Exit::Ok, "{}", said.talk());
    let tally: Value = serde_json::from_str(&said.data()).unwrap();
    assert_eq!((&tally["version"], &tally["rows"], &tally["rejected"]), (&1.into(), &5000.into(), &0.into()));
    let parts: u64 = ["new", "amended", "unchanged"].iter().map(|name| tally[name].as_u64().unwrap()).sum();
    assert_eq!((parts, &tally["releases"]), (5000, &10_000.into()));
    desk.seen(|seen| {
        assert!(seen.chunks.iter().all(|rows| (1..=256).contains(&rows.len())));
        assert_eq!(seen.chunks.len(), 20);
        let keys: BTreeSet<&str> = seen.chunks.iter().flatten().map(|row| row.source_key.as_str()).collect();
        assert_eq!(keys.len(), 5000);
        assert!(seen.chunks.iter().flatten().all(|row| row.source == "test-bulletins" && row.draft.is_some()));
    });
}

#[tokio::test]
async fn rows_that_cannot_be_mapped_and_rows_that_the_node_refuses_stand_in_one_report_in_order() {
    let desk = FakeDesk::default().serve();
    let change = |n: usize| match n {
        3 | 700 => Some(format!("k{n},,Text")),
        500 => Some("bad,Title,Text".to_owned()),
        _ => None,
    };
    let report = desk.path("rejected.csv");
    let (exit, said) =
        desk.run(&line(&desk, &csv(1000, change), &format!("--report {} {WHY}", report.display()))).await;
    assert_eq!(exit, Exit::Partial, "{}", said.talk());
    assert!(said.talk().contains("error[SLT-2502]: 3 of 1000 rows did not go in\n"), "{}", said.talk());
    let report = std::fs::read_to_string(report).unwrap();
    let rows: Vec<&str> = report.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!(rows, ["4", "501", "701"], "{report}");
    assert!(report.contains("501,incident.when,,is missing"), "{report}");
    assert_eq!(desk.seen(|seen| seen.chunks.iter().map(Vec::len).sum::<usize>()), 998);
}

#[tokio::test]
async fn file_of_bad_rows_alone_sends_nothing_and_ends() {
    let desk = FakeDesk::default().serve();
    let (exit, said) = desk.run(&line(&desk, &csv(3000, |n| Some(format!("k{n},,"))), WHY)).await;
    assert_eq!(exit, Exit::Partial, "{}", said.talk());
    let tally: Value = serde_json::from_str(&said.data()).unwrap();
    assert_eq!((&tally["rejected"], tally["faults"].as_array().unwrap().len()), (&3000.into(), 20));
    assert!(desk.seen(|seen| seen.chunks.is_empty()));
}

#[tokio::test]
async fn dry_run_checks_every_row_and_talks_to_no_node() {
    let desk = FakeDesk::default().serve();
    let nowhere = "--socket /no/such/socket --dry-run -o table";
    let text = csv(300, |n| (n == 7).then(|| "k7,,x".to_owned()));
    let (exit, said) = desk.run(&line(&desk, &text, nowhere)).await;
    assert_eq!(exit, Exit::Partial, "{}", said.talk());
    assert!(said.data().contains("rows      300: 299 valid, 1 rejected"), "{}", said.data());
    assert!(said.talk().contains("row 8"), "{}", said.talk());
    assert!(desk.seen(|seen| seen.chunks.is_empty()));
    assert_eq!(desk.run(&line(&desk, &csv(3, |_| None), nowhere)).await.0, Exit::Ok);
}

#[tokio::test]
async fn node_that_stops_in_the_middle_leaves_a_count_of_what_is_in() {
    let desk = FakeDesk { import_rows_max: Some(600), ..Default::default() }.serve();
    let (exit, said) = desk.run(&line(&desk, &csv(20_000, |_| None), WHY)).await;
    assert_eq!(exit, Exit::Partial, "{}", said.talk());
    assert!(said.talk().contains("error[SLT-2402]"), "{}", said.talk());
    let tally: Value = serde_json::from_str(&said.data()).unwrap();
    assert_eq!(tally["rows"], 600);
}

#[tokio::test]
async fn import_to_all_asks_first_and_sends_nothing_without_an_answer() {
    let desk = FakeDesk::default().serve();
    let line = line(&desk, &csv(3, |_| None), &format!("--release-to all {WHY}"));
    assert_eq!(desk.run(&line).await.0, Exit::Usage);
    assert!(desk.seen(|seen| seen.chunks.is_empty()));
    assert_eq!(desk.run_with(&line, Some("everyone\n")).await.0, Exit::Ok);
    assert_eq!(desk.run(&format!("{line} --yes")).await.0, Exit::Ok);
    let kinds = desk.seen(|seen| {
        let drafts = seen.chunks.iter().flatten().filter_map(|row| row.draft.as_ref());
        drafts.map(|draft| draft.handling.as_ref().unwrap().releasable_to.as_ref().unwrap().kind()).collect::<Vec<_>>()
    });
    assert_eq!(kinds, [selat_record::pb::AudienceKind::All; 6]);
}

#[tokio::test]
async fn faulty_mapping_and_wrong_file_are_told_before_the_node_is_asked() {
    let desk = FakeDesk::default().serve();
    let rows = desk.file("rows.csv", "a,b\n1,2\n");
    let map = desk.file("bad.toml", "name = 1\n");
    let (exit, said) = desk.run(&format!("record import {rows} --map {map} {WHY}")).await;
    assert_eq!(exit, Exit::Usage);
    assert!(said.talk().contains("error[SLT-2501]") && said.talk().contains("line 1"), "{}", said.talk());
    let map = desk.file("map.toml", MAP);
    for more in ["", "--join alt=/no/such/file"] {
        let (exit, said) = desk.run(&format!("record import {rows} --map {map} {more} {WHY}")).await;
        assert_eq!(exit, Exit::Usage, "{}", said.talk());
        assert!(said.talk().contains("error[SLT-2501]"), "{}", said.talk());
    }
    let (_, said) = desk.run(&format!("record import /no/such.csv --map {map} {WHY}")).await;
    assert!(said.talk().contains("error[SLT-2202]") && said.talk().contains("/no/such.csv"), "{}", said.talk());
}

#[tokio::test]
async fn chunks_are_on_their_way_while_outcomes_are_awaited() {
    // The desk says nothing before it holds eight chunks; a client that waited after each would wait for ever.
    let desk = FakeDesk { import_holds_chunks: 8, ..Default::default() }.serve();
    let (exit, said) = desk.run(&line(&desk, &csv(8 * 256, |_| None), WHY)).await;
    assert_eq!(exit, Exit::Ok, "{}", said.talk());
    assert_eq!(desk.seen(|seen| seen.chunks.len()), 8);
}
