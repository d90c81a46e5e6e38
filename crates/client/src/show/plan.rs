//! The plan for a turn of a key: its steps, what each peer is ready for, and what comes next. As JSON it is the file that
//! `selat key apply` takes.

use selat_complaint::{Complaint, clean};
use selat_record::pb::KeyPurpose;
use selat_wire::desk::{KeyGoal, KeyGoalKind, KeyPlan, KeyStep, KeyStepState, PeerReadiness};
use serde_json::{Value, json};

use super::table::Rows;
use super::{SHAPE_VERSION, keys, words, wrap};
use crate::cli::ACKS_COLUMNS;
use crate::screen::Tone;

/// Columns before the words of a step.
const STEP_INDENT: usize = 13;

/// How far a plan has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Applying the plan does something now.
    Due,
    /// Something can be done now, but not by applying the plan.
    Elsewhere,
    /// Nothing can be done now.
    Waiting,
    /// Nothing is left.
    Done,
}

/// How far `plan` has come.
pub(crate) fn progress(plan: &KeyPlan) -> Progress {
    let mut due = plan.steps.iter().filter(|step| step.state() == KeyStepState::Due).peekable();
    if due.peek().is_some() {
        return if due.any(|step| step.applies) { Progress::Due } else { Progress::Elsewhere };
    }
    let done = plan.steps.iter().all(|step| step.state() == KeyStepState::Done);
    if done { Progress::Done } else { Progress::Waiting }
}

/// What comes next, in words: a command, something to wait for, or nothing.
pub(crate) fn next(plan: &KeyPlan) -> String {
    match progress(plan) {
        Progress::Done => "nothing is left to do".to_owned(),
        Progress::Due => format!("next: {}", command_again(plan)),
        Progress::Elsewhere => match plan.steps.iter().find(|step| is_due(step) && !step.command.is_empty()) {
            Some(step) => format!("next: {}", clean(&step.command)),
            None => "the node does the next step by itself".to_owned(),
        },
        Progress::Waiting => waiting(plan),
    }
}

fn waiting(plan: &KeyPlan) -> String {
    let step = plan.steps.iter().find(|step| step.state() == KeyStepState::Waiting);
    let mut told = match step.and_then(|step| words::moment(step.earliest_ms)) {
        Some(earliest) => format!("nothing is due before {earliest}"),
        None => "nothing is due now".to_owned(),
    };
    if step.is_some_and(|step| step.command.is_empty()) {
        told.push_str("; the node goes on by itself");
    }
    match command_again(plan) {
        command if command.is_empty() => told,
        command => format!("{told}; then: {command}"),
    }
}

/// The command that goes on with the plan.
pub(crate) fn command_again(plan: &KeyPlan) -> String {
    let open = plan.steps.iter().find(|step| step.applies && step.state() != KeyStepState::Done);
    clean(open.map_or("", |step| step.command.as_str()))
}

fn is_due(step: &KeyStep) -> bool {
    step.state() == KeyStepState::Due
}

/// What applying the plan does now, in words.
pub(crate) fn due_now(plan: &KeyPlan) -> String {
    let due = plan.steps.iter().filter(|step| is_due(step) && step.applies);
    due.map(|step| clean(&step.what)).collect::<Vec<_>>().join("; ")
}

/// What the plan is for, in words: `rotate record`, `revoke 1a2b3c4d`.
pub(crate) fn title(goal: &KeyGoal) -> String {
    let object = match goal.kind() {
        KeyGoalKind::Retire | KeyGoalKind::Revoke => words::short_hex(&goal.key_id),
        KeyGoalKind::Rotate | KeyGoalKind::Abandon | KeyGoalKind::Unspecified => keys::purpose(goal.purpose),
    };
    let verb = match goal.kind() {
        KeyGoalKind::Abandon => "undo the turn of".to_owned(),
        KeyGoalKind::Rotate if goal.emergency => "EMERGENCY: rotate".to_owned(),
        _ => words::key_goal(goal.kind),
    };
    clean(&format!("{verb} {object}"))
}

/// The steps, a block each, with their tone: what they wait for and the command stand below.
pub(crate) fn step_blocks(plan: &KeyPlan, width: u16) -> Vec<(Tone, Vec<String>)> {
    plan.steps.iter().enumerate().map(|(place, step)| block(place + 1, step, width)).collect()
}

fn block(number: usize, step: &KeyStep, width: u16) -> (Tone, Vec<String>) {
    let (tone, word) = match step.state() {
        KeyStepState::Done => (Tone::Good, "done"),
        KeyStepState::Due => (Tone::Strong, "DUE"),
        KeyStepState::Waiting => (Tone::Wary, "waiting"),
        KeyStepState::Later | KeyStepState::Unspecified => (Tone::Plain, "later"),
    };
    let mut below = Vec::new();
    if step.state() == KeyStepState::Waiting && !step.waits_for.is_empty() {
        below.push(format!("waits for {}", step.waits_for));
    }
    if let Some(earliest) = words::moment(step.earliest_ms).filter(|_| step.state() != KeyStepState::Done) {
        below.push(format!("not before {earliest}"));
    }
    // What goes on with the plan itself is said once, below it.
    if step.state() == KeyStepState::Due && !step.applies && !step.command.is_empty() {
        below.push(step.command.clone());
    }
    let mut lines = wrap::hanging(&format!("{number:>2}  {word}"), STEP_INDENT, &clean(&step.what), width);
    lines.extend(below.iter().flat_map(|text| wrap::hanging("", STEP_INDENT, &clean(text), width)));
    (tone, lines)
}

/// What each peer is ready for.
pub(crate) fn readiness_rows(peers: &[PeerReadiness], wanted: &[String]) -> Result<Rows, Complaint> {
    let mut rows = Rows::new(ACKS_COLUMNS, wanted)?;
    for peer in peers {
        let holds = match peer.acknowledged_version {
            0 => words::NOTHING.to_owned(),
            version => format!("version {version}"),
        };
        let times = [peer.acknowledged_ms, peer.refreshed_ms].map(words::moment_or_nothing);
        let [since, compared] = times;
        rows.push([peer.peer.clone(), holds, since, compared]);
    }
    Ok(rows)
}

/// What a peer is ready for, as JSON.
pub(crate) fn readiness_json(peer: &PeerReadiness) -> Value {
    json!({
        "peer": peer.peer,
        "acknowledged_version": peer.acknowledged_version,
        "acknowledged": words::moment(peer.acknowledged_ms),
        "refreshed": words::moment(peer.refreshed_ms),
    })
}

/// The plan as JSON.
pub(crate) fn json(plan: &KeyPlan) -> Value {
    json!({
        "version": SHAPE_VERSION,
        "goal": plan.goal.as_ref().map(goal_json),
        "state": words::hex(&plan.state),
        "made": words::moment(plan.made_ms),
        "steps": plan.steps.iter().map(step_json).collect::<Vec<_>>(),
        "peers": plan.peers.iter().map(readiness_json).collect::<Vec<_>>(),
    })
}

fn goal_json(goal: &KeyGoal) -> Value {
    let purpose = goal.purpose() != KeyPurpose::Unspecified;
    json!({
        "kind": words::key_goal(goal.kind),
        "purpose": purpose.then(|| words::key_purpose(goal.purpose)),
        "key": (!goal.key_id.is_empty()).then(|| words::hex(&goal.key_id)),
        "emergency": goal.emergency,
        "reason": goal.reason,
        "compromised_since_ms": goal.compromised_since_ms,
    })
}

fn step_json(step: &KeyStep) -> Value {
    json!({
        "what": step.what,
        "state": words::step_state(step.state),
        "waits_for": step.waits_for,
        "earliest": words::moment(step.earliest_ms),
        "command": step.command,
        "applies": step.applies,
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use prost::Message as _;
    use selat_record::{Payload as _, pb};
    use selat_seal::descriptor::write_draft;

    use super::*;

    pub(crate) fn step(what: &str, state: KeyStepState) -> KeyStep {
        let command = "selat key rotate record".into();
        KeyStep { what: what.into(), state: state.into(), command, applies: true, ..Default::default() }
    }

    /// The draft of a version of AUS's descriptor, as the node gives it.
    pub(crate) fn draft_text(version: u64) -> String {
        let header = pb::Header { issuer: "AUS".into(), descriptor_version: version, ..pb::Header::default() };
        let message = pb::Descriptor { header: Some(header), version, ..pb::Descriptor::default() };
        let payload_type = pb::Descriptor::TYPE.to_owned();
        write_draft(&pb::Envelope { payload_type, payload: message.encode_to_vec(), signatures: Vec::new() })
    }

    /// Half-way through the turn of the record key.
    pub(crate) fn half_way() -> KeyPlan {
        let waiting = KeyStep {
            waits_for: "MYS to acknowledge version 2".into(),
            earliest_ms: 1_700_086_400_000,
            ..step("every approved peer acknowledges version 2, and 24 h pass", KeyStepState::Waiting)
        };
        KeyPlan {
            goal: Some(KeyGoal {
                kind: KeyGoalKind::Rotate.into(),
                purpose: KeyPurpose::Record.into(),
                ..Default::default()
            }),
            state: vec![0xaa; 32],
            made_ms: 1_700_000_000_000,
            steps: vec![
                step("make a successor for the record key 01010101", KeyStepState::Done),
                waiting,
                step("publish a descriptor in which the successor takes over", KeyStepState::Later),
            ],
            peers: vec![
                PeerReadiness {
                    peer: "IDN".into(),
                    acknowledged_version: 2,
                    acknowledged_ms: 1_700_000_000_000,
                    refreshed_ms: 0,
                },
                PeerReadiness { peer: "MYS".into(), ..Default::default() },
            ],
        }
    }

    #[test]
    fn steps_say_what_they_wait_for_until_when_and_the_command() {
        let mut plan = half_way();
        let told: Vec<String> = step_blocks(&plan, 80).into_iter().flat_map(|(_, lines)| lines).collect();
        assert_eq!(
            told,
            [
                " 1  done     make a successor for the record key 01010101",
                " 2  waiting  every approved peer acknowledges version 2, and 24 h pass",
                "             waits for MYS to acknowledge version 2",
                "             not before 2023-11-15T22:13:20Z",
                " 3  later    publish a descriptor in which the successor takes over",
            ]
        );
        plan.steps[1] =
            KeyStep { applies: false, command: "selat key resign".into(), ..step("sign", KeyStepState::Due) };
        let (tone, lines) = &step_blocks(&plan, 80)[1];
        assert_eq!((*tone, lines[1].as_str()), (Tone::Strong, "             selat key resign"));
    }

    #[test]
    fn what_comes_next_is_a_command_a_wait_or_nothing() {
        let check = |plan: &KeyPlan, wanted: Progress, words: &str| {
            assert_eq!((progress(plan), next(plan).as_str()), (wanted, words));
        };
        let mut plan = half_way();
        let waits = "nothing is due before 2023-11-15T22:13:20Z; then: selat key rotate record";
        check(&plan, Progress::Waiting, waits);
        plan.steps[1].earliest_ms = 0;
        check(&plan, Progress::Waiting, "nothing is due now; then: selat key rotate record");
        let by_itself = KeyStep { applies: false, command: String::new(), ..plan.steps[1].clone() };
        let switching = KeyPlan { steps: vec![by_itself, plan.steps[2].clone()], ..plan.clone() };
        let goes_on = "nothing is due now; the node goes on by itself; then: selat key rotate record";
        check(&switching, Progress::Waiting, goes_on);
        plan.steps[2].state = KeyStepState::Due.into();
        check(&plan, Progress::Due, "next: selat key rotate record");
        assert_eq!(due_now(&plan), "publish a descriptor in which the successor takes over");
        plan.steps[2] = KeyStep { applies: false, command: "selat key resign".into(), ..plan.steps[2].clone() };
        check(&plan, Progress::Elsewhere, "next: selat key resign");
        plan.steps[2].command.clear();
        check(&plan, Progress::Elsewhere, "the node does the next step by itself");
        plan.steps.iter_mut().for_each(|step| step.state = KeyStepState::Done.into());
        check(&plan, Progress::Done, "nothing is left to do");
        check(&KeyPlan { steps: vec![], ..plan }, Progress::Done, "nothing is left to do");
    }

    #[test]
    fn title_says_what_the_plan_is_for() {
        let goal = half_way().goal.unwrap();
        assert_eq!(title(&goal), "rotate record");
        assert_eq!(title(&KeyGoal { emergency: true, ..goal.clone() }), "EMERGENCY: rotate record");
        let abandoned =
            KeyGoal { kind: KeyGoalKind::Abandon.into(), purpose: KeyPurpose::TlsCa.into(), ..goal.clone() };
        assert_eq!(title(&abandoned), "undo the turn of tls-ca");
        let revoked = KeyGoal { kind: KeyGoalKind::Revoke.into(), key_id: vec![0x1a; 32], ..goal };
        assert_eq!(title(&revoked), "revoke 1a1a1a1a");
    }

    #[test]
    fn text_of_the_node_cannot_steer_the_terminal() {
        let mut plan = half_way();
        plan.steps[0].what = "a\x1b[2J\nb".into();
        let (_, lines) = &step_blocks(&plan, 80)[0];
        assert_eq!(lines[0], " 1  done     a\u{FFFD}[2J b");
    }
}
