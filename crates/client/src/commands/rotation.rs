//! `selat key plan`, `apply`, `rotate`, `retire` and `revoke`: the plan for a turn is shown, asked about, and what is due
//! of it is done. Running the same command again goes on where the turn stands.
//!
//! Promise: nothing is changed that was not shown: the node does nothing if things have changed since the plan.

use std::path::Path;

use selat_complaint::{Complaint, Exit, clean};
use selat_record::Timestamp;
use selat_wire::desk::{KeyApplyReply, KeyApplyRequest, KeyGoal, KeyGoalKind, KeyPlan, KeyPlanRequest};
use serde_json::json;

use super::{Session, key_status, plan_file};
use crate::cli::{ApplyArgs, Form, KeyName, PlanArgs, RetireArgs, RevokeArgs, RotateArgs, TurnArgs};
use crate::connect::Desk;
use crate::explain;
use crate::refusal::refusal;
use crate::screen::Tone;
use crate::show::plan::{self, Progress};
use crate::show::{SHAPE_VERSION, words};

pub(super) async fn make_plan(session: &mut Session<'_>, args: &PlanArgs) -> Result<Exit, Complaint> {
    let mut desk = session.desk().await?;
    let made = planned(&mut desk, turn(&args.turn)).await?;
    match &args.file {
        Some(path) => {
            plan_file::write(path, &made)?;
            session.screen.say(format!("written to {0}; to do what is due: selat key apply {0}", path.display()));
        }
        None => {
            show(session, &made)?;
            session.screen.say(plan::next(&made));
        }
    }
    Ok(Exit::Ok)
}

pub(super) async fn apply(session: &mut Session<'_>, args: &ApplyArgs) -> Result<Exit, Complaint> {
    let request = plan_file::read(&args.plan)?;
    let mut desk = session.desk().await?;
    carry_out(session, &mut desk, request, args.draft.file.as_deref()).await
}

pub(super) async fn rotate(session: &mut Session<'_>, args: &RotateArgs) -> Result<Exit, Complaint> {
    turn_over(session, turn(&args.turn), args.plan, args.draft.file.as_deref()).await
}

pub(super) async fn retire(session: &mut Session<'_>, args: &RetireArgs) -> Result<Exit, Complaint> {
    let goal = KeyGoal {
        kind: KeyGoalKind::Retire.into(),
        key_id: key_named(session, &args.key).await?,
        reason: args.reason.clone(),
        ..KeyGoal::default()
    };
    turn_over(session, goal, args.plan, args.draft.file.as_deref()).await
}

pub(super) async fn revoke(session: &mut Session<'_>, args: &RevokeArgs) -> Result<Exit, Complaint> {
    let goal = KeyGoal {
        kind: KeyGoalKind::Revoke.into(),
        key_id: key_named(session, &args.key).await?,
        reason: args.reason.clone(),
        compromised_since_ms: args.compromised_since.map_or(0, Timestamp::ms),
        ..KeyGoal::default()
    };
    turn_over(session, goal, args.plan, args.draft.file.as_deref()).await
}

/// Shows the plan for `goal` and, unless that was all that was wanted, does what is due of it.
async fn turn_over(
    session: &mut Session<'_>,
    goal: KeyGoal,
    only_show: bool,
    draft: Option<&Path>,
) -> Result<Exit, Complaint> {
    let mut desk = session.desk().await?;
    let made = planned(&mut desk, goal).await?;
    if only_show || plan::progress(&made) != Progress::Due {
        show(session, &made)?;
        session.screen.say(plan::next(&made));
        return Ok(Exit::Ok);
    }
    if session.form() == Form::Table {
        show(session, &made)?;
    }
    let request = KeyApplyRequest { goal: made.goal.clone(), state: made.state.clone() };
    let participant = super::participant(&mut desk).await?;
    session.screen.confirm(
        &format!("This is done now: {}.", plan::due_now(&made)),
        &participant,
        session.globals.yes,
    )?;
    carry_out(session, &mut desk, request, draft).await
}

/// Has the node do what is due and tells what was done, where the draft lies and what comes next.
async fn carry_out(
    session: &mut Session<'_>,
    desk: &mut Desk,
    request: KeyApplyRequest,
    wish: Option<&Path>,
) -> Result<Exit, Complaint> {
    let reply = desk.key_apply(request).await.map_err(refusal("the plan was not carried out"))?.into_inner();
    let kept = if reply.draft.is_empty() { Ok(None) } else { plan_file::keep_draft(wish, &reply.draft).map(Some) };
    // What was done is told even if the draft found no place.
    tell(session, &reply, kept.as_ref().ok().and_then(Option::as_deref))?;
    let draft = kept?;
    next(session, &reply.plan.unwrap_or_default(), draft.as_deref());
    Ok(Exit::Ok)
}

fn tell(session: &mut Session<'_>, reply: &KeyApplyReply, draft: Option<&Path>) -> Result<(), Complaint> {
    let now = reply.plan.clone().unwrap_or_default();
    if session.form() == Form::Table {
        reply.done.iter().try_for_each(|done| {
            let line = session.screen.paint(Tone::Good, &format!("done: {}", clean(done)));
            session.screen.line(line)
        })?;
        return draft.map_or(Ok(()), |path| session.screen.line(format!("draft: {}", path.display())));
    }
    let draft = draft.map(|path| path.display().to_string());
    let value = json!({
        "version": SHAPE_VERSION, "done": reply.done, "draft": draft, "plan": plan::json(&now),
    });
    session.print(|| value, Vec::new)
}

/// Says what comes next: signatures on the draft, a command, waiting, or nothing.
fn next(session: &mut Session<'_>, made: &KeyPlan, draft: Option<&Path>) {
    let Some(path) = draft else { return session.screen.say(plan::next(made)) };
    let again = plan::command_again(made);
    let part = |ending: &str| path.with_extension(ending).display().to_string();
    let (one, two, signed) = (part("signed-1"), part("signed-2"), part("descriptor"));
    session.screen.say(format!(
        "next, where the root keys are, for each holder:\n  \
           selat descriptor sign {} --previous OURS --key ROOT --file {one}\n\
         then:\n  \
           selat descriptor combine {one} {two} --previous OURS --file {signed}\n  \
           selat descriptor publish {signed}\n  \
           {again}\n\
         OURS holds our versions so far: selat peer invite --file OURS",
        path.display()
    ));
}

/// Prints the plan: the steps, what the peers are ready for, and when it goes on.
fn show(session: &mut Session<'_>, made: &KeyPlan) -> Result<(), Complaint> {
    if session.form() != Form::Table {
        return session.print(|| plan::json(made), Vec::new);
    }
    let goal = made.goal.clone().unwrap_or_default();
    let head = format!("{}, as of {}", plan::title(&goal), words::moment_or_nothing(made.made_ms));
    let head = session.screen.paint(Tone::Strong, &head);
    session.screen.line(head)?;
    session.screen.line("")?;
    for (tone, lines) in plan::step_blocks(made, session.screen.width()) {
        lines.iter().try_for_each(|line| session.screen.line(session.screen.paint(tone, line)))?;
    }
    session.screen.line("")?;
    let rows = plan::readiness_rows(&made.peers, &[])?;
    session.print_rows(&rows, "no approved peers: nobody to wait for")
}

async fn planned(desk: &mut Desk, goal: KeyGoal) -> Result<KeyPlan, Complaint> {
    let reply = desk.key_plan(KeyPlanRequest { goal: Some(goal) }).await.map_err(refusal("no plan can be made"))?;
    Ok(reply.into_inner())
}

fn turn(args: &TurnArgs) -> KeyGoal {
    let kind = if args.abandon { KeyGoalKind::Abandon } else { KeyGoalKind::Rotate };
    KeyGoal {
        kind: kind.into(),
        purpose: args.purpose.to_message().into(),
        emergency: args.emergency,
        reason: args.reason.clone().unwrap_or_default(),
        compromised_since_ms: args.compromised_since.map_or(0, Timestamp::ms),
        ..KeyGoal::default()
    }
}

/// The whole id of the key whose first digits are given.
async fn key_named(session: &Session<'_>, name: &KeyName) -> Result<Vec<u8>, Complaint> {
    let keys = key_status::of_node(session).await?.keys;
    let mut named = keys.into_iter().filter(|key| words::hex(&key.id).starts_with(name.as_str()));
    let unknown = |why: &str| Complaint::about(&explain::KEY_UNKNOWN).cause(format!("{} {why}", name.as_str()));
    let key = named.next().ok_or_else(|| unknown("is no key of this node"))?;
    match named.next() {
        None => Ok(key.id),
        Some(_) => Err(unknown("begins the ids of several keys")),
    }
}
