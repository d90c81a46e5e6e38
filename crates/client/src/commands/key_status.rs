//! `selat key status` and `selat key resign`: how the node's keys stand, and what a compromised one leaves to be done.

use selat_complaint::{Complaint, Exit};
use selat_wire::desk::{KeyResignReply, KeyResignRequest, KeyStatusReply, KeyStatusRequest};
use serde_json::{Value, json};

use super::certificate::{bounds, tell};
use super::{Session, participant};
use crate::cli::{Form, KeyStatusArgs, ResignArgs};
use crate::connect::Desk;
use crate::refusal::refusal;
use crate::show::{SHAPE_VERSION, keys, words};

/// Records that are signed anew in one call.
const RESIGN_STEP: u32 = 100;

pub(super) async fn status(session: &mut Session<'_>, args: &KeyStatusArgs) -> Result<Exit, Complaint> {
    let reply = of_node(session).await?;
    if args.check {
        let verdict = keys::verdict(&reply, bounds(session, &args.bounds));
        return tell(session, &verdict, &keys::all_well(&reply));
    }
    if session.form() != Form::Table {
        session.print(|| keys::json(&reply), Vec::new)?;
        return Ok(Exit::Ok);
    }
    let rows = keys::rows(&reply, &session.globals.columns)?;
    session.print_rows(&rows, "the node has no keys")?;
    session.screen.say(keys::summary(&reply));
    Ok(Exit::Ok)
}

/// The node's keys as it tells of them.
pub(super) async fn of_node(session: &Session<'_>) -> Result<KeyStatusReply, Complaint> {
    let mut desk = session.desk().await?;
    let reply = desk.key_status(KeyStatusRequest {}).await.map_err(refusal("the keys cannot be shown"))?;
    Ok(reply.into_inner())
}

pub(super) async fn resign(session: &mut Session<'_>, args: &ResignArgs) -> Result<Exit, Complaint> {
    let mut desk = session.desk().await?;
    let first = resign_step(&mut desk, true, if args.list { args.limit } else { 1 }).await?;
    if args.list {
        return list(session, &first);
    }
    if first.records.is_empty() {
        session.screen.say("nothing to sign anew: no own record is signed by a compromised key");
        return Ok(Exit::Ok);
    }
    let participant = participant(&mut desk).await?;
    let consequence = "Own records that a compromised key signed get new versions, which go to those who have them.";
    session.screen.confirm(consequence, &participant, session.globals.yes)?;
    let mut records = Vec::new();
    loop {
        let reply = resign_step(&mut desk, false, RESIGN_STEP).await?;
        // A step that signs nothing and says that there is more would go on for ever.
        let moves = reply.records.iter().any(|record| record.new_version > 0);
        records.extend(reply.records);
        if !reply.more || !moves {
            return tell_resigned(session, KeyResignReply { records, more: reply.more });
        }
        session.screen.say(format!("{} so far", words::count(records.len(), "record")));
    }
}

fn tell_resigned(session: &mut Session<'_>, reply: KeyResignReply) -> Result<Exit, Complaint> {
    print(session, &reply)?;
    let (signed, left): (Vec<_>, Vec<_>) = reply.records.iter().partition(|record| record.new_version > 0);
    session.screen.say(format!("{} signed anew", words::count(signed.len(), "record")));
    if left.is_empty() && !reply.more {
        return Ok(Exit::Ok);
    }
    session.screen.say("some could not be signed anew; the node's log says why: selat key resign --list");
    Ok(Exit::Partial)
}

fn list(session: &mut Session<'_>, reply: &KeyResignReply) -> Result<Exit, Complaint> {
    print(session, reply)?;
    if reply.more {
        session.screen.say(format!("{} shown, there are more; --limit shows up to 1000", reply.records.len()));
    }
    Ok(Exit::Ok)
}

fn print(session: &mut Session<'_>, reply: &KeyResignReply) -> Result<(), Complaint> {
    match session.form() {
        Form::Table => {
            let mut rows = keys::resign_rows(&session.globals.columns)?;
            keys::push_resigned(&mut rows, reply);
            session.print_rows(&rows, "no record is left to sign anew")
        }
        Form::Json => {
            let records: Vec<Value> = reply.records.iter().map(keys::resigned_json).collect();
            session.screen.json(&json!({ "version": SHAPE_VERSION, "records": records, "more": reply.more }))
        }
        Form::Jsonl => {
            reply.records.iter().try_for_each(|record| session.screen.json_line(&keys::resigned_json(record)))
        }
    }
}

async fn resign_step(desk: &mut Desk, list_only: bool, limit: u32) -> Result<KeyResignReply, Complaint> {
    let doing = if list_only { "the records cannot be listed" } else { "the records were not signed anew" };
    let reply = desk.key_resign(KeyResignRequest { list_only, limit }).await.map_err(refusal(doing))?;
    Ok(reply.into_inner())
}
