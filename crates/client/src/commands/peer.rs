//! `selat peer ...`: from the exchange of descriptors to the approved peer, and a look at it afterwards.

use selat_complaint::{Complaint, Exit, clean};
use selat_wire::desk::{
    PeerApproveRequest, PeerInviteRequest, PeerJoinRequest, PeerListRequest, PeerNameRequest, PeerState, PeerView,
    PingResult, PingStep,
};
use serde_json::{Value, json};

use super::{Session, standing};
use crate::cli::{ApproveArgs, Form, InviteArgs, JoinArgs, PeerArgs, PeerCommand};
use crate::explain;
use crate::input::{CHAIN_FILE_MAX, text_up_to, write_new};
use crate::refusal::refusal;
use crate::show::{SHAPE_VERSION, peer};

/// Words of a safety phrase.
const PHRASE_WORDS: usize = 12;
/// Steps of a ping whose failure means that the peer cannot be reached; with any other it can be, and needs a person.
const REACHING_STEPS: [&str; 2] = ["reachability", "tls"];

pub(super) async fn run(session: &mut Session<'_>, command: PeerCommand) -> Result<Exit, Complaint> {
    match command {
        PeerCommand::Invite(args) => invite(session, &args).await,
        PeerCommand::Join(args) => join(session, &args).await,
        PeerCommand::Fingerprint(args) => fingerprint(session, &args).await,
        PeerCommand::Approve(args) => approve(session, &args).await,
        PeerCommand::List => list(session).await,
        PeerCommand::Show(args) => show(session, &args).await,
        PeerCommand::Ping(args) => ping(session, &args).await,
        PeerCommand::Suspend(args) => standing::suspend(session, &args).await,
        PeerCommand::Resume(args) => standing::resume(session, &args).await,
        PeerCommand::Remove(args) => standing::remove(session, &args).await,
    }
}

async fn invite(session: &mut Session<'_>, args: &InviteArgs) -> Result<Exit, Complaint> {
    let mut desk = session.desk().await?;
    let reply = desk.peer_invite(PeerInviteRequest {}).await.map_err(refusal("our descriptor cannot be shown"))?;
    let descriptor = reply.into_inner().descriptor;
    if let Some(path) = &args.file {
        write_new(path, &descriptor)?;
        session.screen.say(format!("written to {}; send it to the other side", path.display()));
        return Ok(Exit::Ok);
    }
    // A descriptor is a file of its own: it is wrapped in JSON only for those who ask for JSON.
    match session.globals.output {
        Some(Form::Json | Form::Jsonl) => {
            let value = json!({ "version": SHAPE_VERSION, "descriptor": descriptor });
            session.print(|| value, Vec::new)?;
        }
        Some(Form::Table) | None => {
            descriptor.lines().try_for_each(|line| session.screen.line(clean(line)))?;
        }
    }
    Ok(Exit::Ok)
}

async fn join(session: &mut Session<'_>, args: &JoinArgs) -> Result<Exit, Complaint> {
    let descriptor = text_up_to(&args.file, CHAIN_FILE_MAX)?;
    let mut desk = session.desk().await?;
    let doing = format!("the descriptor in {} was not joined", args.file.display());
    let view = desk.peer_join(PeerJoinRequest { descriptor }).await.map_err(refusal(doing))?.into_inner();
    print_peer(session, &view)?;
    let peer = clean(&view.participant);
    session.screen.say(match view.state() {
        PeerState::Pending => format!("no traffic yet; next: selat peer fingerprint {peer}"),
        _ => format!("{peer} is known here already; descriptor {} is held of it now", view.descriptor_version),
    });
    Ok(Exit::Ok)
}

async fn fingerprint(session: &mut Session<'_>, args: &PeerArgs) -> Result<Exit, Complaint> {
    let mut desk = session.desk().await?;
    let request = PeerNameRequest { peer: args.peer.to_string() };
    let doing = format!("the phrase with {} cannot be shown", args.peer);
    let reply = desk.peer_fingerprint(request).await.map_err(refusal(doing))?.into_inner();
    session.print(|| peer::phrase_json(&reply), || peer::phrase_lines(&reply))?;
    session.screen.say(format!("have the other side read its words to you, then: selat peer approve {}", args.peer));
    Ok(Exit::Ok)
}

async fn approve(session: &mut Session<'_>, args: &ApproveArgs) -> Result<Exit, Complaint> {
    let phrase = match &args.phrase {
        Some(phrase) => phrase.clone(),
        // Our own words are not shown here: they would be copied instead of heard.
        None => session.screen.ask(&format!("the twelve words as {} reads them out", args.peer))?,
    };
    let words = phrase_words(&phrase)?;
    let request = PeerApproveRequest { peer: args.peer.to_string(), words, channel: args.channel.clone() };
    let mut desk = session.desk().await?;
    let doing = format!("{} was not approved", args.peer);
    let view = desk.peer_approve(request).await.map_err(refusal(doing))?.into_inner();
    print_peer(session, &view)?;
    Ok(Exit::Ok)
}

async fn list(session: &mut Session<'_>) -> Result<Exit, Complaint> {
    let peers = peers(session).await?;
    match session.form() {
        Form::Table => {
            let mut rows = peer::rows(&session.globals.columns)?;
            peers.iter().for_each(|view| peer::push(&mut rows, view));
            session.print_rows(&rows, "no peers yet: selat peer invite")?;
        }
        Form::Json => {
            let peers: Vec<Value> = peers.iter().map(peer::json).collect();
            session.screen.json(&json!({ "version": SHAPE_VERSION, "peers": peers }))?;
        }
        Form::Jsonl => peers.iter().try_for_each(|view| session.screen.json_line(&versioned(view)))?,
    }
    Ok(Exit::Ok)
}

async fn show(session: &mut Session<'_>, args: &PeerArgs) -> Result<Exit, Complaint> {
    let peers = peers(session).await?;
    let unknown = || Complaint::about(&explain::PEER_UNKNOWN).cause(format!("{} is no peer of this node", args.peer));
    let view = peers.iter().find(|view| view.participant == args.peer.as_str()).ok_or_else(unknown)?;
    print_peer(session, view)?;
    Ok(Exit::Ok)
}

async fn ping(session: &mut Session<'_>, args: &PeerArgs) -> Result<Exit, Complaint> {
    let mut desk = session.desk().await?;
    let request = PeerNameRequest { peer: args.peer.to_string() };
    let doing = format!("{} cannot be tried", args.peer);
    let steps = desk.peer_ping(request).await.map_err(refusal(doing))?.into_inner().steps;
    if session.form() == Form::Table {
        for step in &steps {
            let (tone, lines) = peer::step_lines(step);
            lines.iter().try_for_each(|line| session.screen.line(session.screen.paint(tone, line)))?;
        }
    } else {
        let shown: Vec<Value> = steps.iter().map(peer::step_json).collect();
        let value = json!({ "version": SHAPE_VERSION, "peer": args.peer.as_str(), "steps": shown });
        session.print(|| value, Vec::new)?;
    }
    Ok(ping_exit(&steps))
}

fn ping_exit(steps: &[PingStep]) -> Exit {
    match steps.iter().find(|step| step.result() != PingResult::Ok) {
        None => Exit::Ok,
        Some(step) if REACHING_STEPS.contains(&step.name.as_str()) => Exit::Unreachable,
        Some(_) => Exit::Attention,
    }
}

async fn peers(session: &Session<'_>) -> Result<Vec<PeerView>, Complaint> {
    let mut desk = session.desk().await?;
    let reply = desk.peer_list(PeerListRequest {}).await.map_err(refusal("the peers cannot be listed"))?;
    Ok(reply.into_inner().peers)
}

pub(super) fn print_peer(session: &mut Session<'_>, view: &PeerView) -> Result<(), Complaint> {
    let width = session.screen.width();
    session.print(|| versioned(view), || peer::lines(view, width))
}

fn versioned(view: &PeerView) -> Value {
    let mut value = peer::json(view);
    if let Value::Object(fields) = &mut value {
        fields.insert("version".to_owned(), SHAPE_VERSION.into());
    }
    value
}

fn phrase_words(phrase: &str) -> Result<Vec<String>, Complaint> {
    let words: Vec<String> = phrase.split_whitespace().map(str::to_lowercase).collect();
    if words.len() == PHRASE_WORDS {
        return Ok(words);
    }
    Err(Complaint::about(&explain::PHRASE_SHAPE).cause(format!("{} words were given", words.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrase_has_twelve_words_however_they_are_spaced_and_cased() {
        let words = phrase_words(" One two  three four five six seven eight nine ten eleven\ttwelve ").unwrap();
        assert_eq!((words.len(), words[0].as_str()), (12, "one"));
        for wrong in ["", "one two", "a b c d e f g h i j k l m"] {
            assert_eq!(phrase_words(wrong).unwrap_err().code(), "SLT-2208", "{wrong}");
        }
    }

    #[test]
    fn ping_ends_by_the_first_step_that_is_not_ok() {
        let step = |name: &str, result: PingResult| PingStep {
            name: name.into(),
            result: result.into(),
            ..Default::default()
        };
        let ok = |name| step(name, PingResult::Ok);
        assert_eq!(ping_exit(&[ok("reachability"), ok("tls")]), Exit::Ok);
        assert_eq!(
            ping_exit(&[step("reachability", PingResult::Failed), step("tls", PingResult::NotTried)]),
            Exit::Unreachable
        );
        assert_eq!(ping_exit(&[ok("reachability"), ok("tls"), step("clock", PingResult::Failed)]), Exit::Attention);
    }
}
