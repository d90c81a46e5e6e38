//! `selat search`: one question to many peers, each answer shown as it comes.

use selat_complaint::{Complaint, Exit};
use selat_record::pb::Find;
use selat_wire::desk::search_event::Event;
use selat_wire::desk::{PeerOutcome, SearchRequest, SearchSummary};
use serde_json::{Value, json};

use super::Session;
use crate::cli::{Criteria, Form, SearchArgs};
use crate::explain;
use crate::refusal::refusal;
use crate::show::{SHAPE_VERSION, record, search};

pub(super) async fn run(session: &mut Session<'_>, args: &SearchArgs) -> Result<Exit, Complaint> {
    let find = question(args)?;
    session.screen.say(format!("looking for {}", search::question(&find)));
    let mut desk = session.desk().await?;
    let request = SearchRequest {
        reason: Some(args.reason.to_message()),
        find: Some(find),
        peers: args.peers.iter().map(ToString::to_string).collect(),
        fetch: args.fetch,
        deadline_ms: u32::try_from(args.deadline.as_millis()).unwrap_or(u32::MAX),
        include_own: args.own,
    };
    let mut events = desk.search(request).await.map_err(refusal("the question was not asked"))?.into_inner();
    let mut told = Told::default();
    while let Some(event) = events.message().await.map_err(refusal("the search broke off"))? {
        match event.event {
            Some(Event::Outcome(outcome)) => told.outcome(session, &outcome)?,
            Some(Event::Summary(summary)) => told.summary = Some(summary),
            None => return Err(Complaint::about(&explain::REPLY_UNREADABLE).cause("an event of the search is empty")),
        }
    }
    told.end(session, args.fail_empty)
}

/// What to look for. Free text is read as an identifier when it looks like one, else as a name.
fn question(args: &SearchArgs) -> Result<Find, Complaint> {
    let mut criteria = args.criteria.clone();
    if let Some(text) = &args.text {
        read_into(&mut criteria, text.trim());
    }
    if criteria.are_empty() {
        return Err(Complaint::about(&explain::NO_CRITERION));
    }
    Ok(criteria.to_message(args.limit))
}

fn read_into(criteria: &mut Criteria, text: &str) {
    let (first, rest) = text.split_once([' ', ':']).unwrap_or((text, ""));
    let is_mark = ["IMO", "MMSI", "VIN"].iter().any(|mark| first.eq_ignore_ascii_case(mark)) && !rest.trim().is_empty();
    let has_digit = text.chars().any(|c| c.is_ascii_digit());
    let is_number = has_digit && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | ' ' | '<'));
    let field = if is_mark {
        &mut criteria.conveyance
    } else if is_number {
        &mut criteria.document
    } else {
        &mut criteria.name
    };
    *field = Some(if is_mark { rest.trim() } else { text }.to_owned());
}

/// What has come in so far.
#[derive(Default)]
struct Told {
    /// For the one value of `--output json`, which can only be printed at the end.
    outcomes: Vec<Value>,
    summary: Option<SearchSummary>,
}

impl Told {
    fn outcome(&mut self, session: &mut Session<'_>, outcome: &PeerOutcome) -> Result<(), Complaint> {
        match session.form() {
            Form::Json => self.outcomes.push(search::outcome_json(outcome)?),
            Form::Jsonl => session.screen.json_line(&search::outcome_json(outcome)?)?,
            Form::Table => show_outcome(session, outcome)?,
        }
        Ok(())
    }

    fn end(self, session: &mut Session<'_>, fail_empty: bool) -> Result<Exit, Complaint> {
        let summary = self.summary.as_ref().map(search::summary_json);
        match session.form() {
            Form::Json => session.screen.json(
                &json!({ "version": SHAPE_VERSION, "type": "search", "outcomes": self.outcomes, "summary": summary }),
            )?,
            Form::Jsonl => summary.iter().try_for_each(|summary| session.screen.json_line(summary))?,
            Form::Table => {
                if let Some(summary) = &self.summary {
                    let (tone, line) = search::closing_line(summary);
                    session.screen.line(session.screen.paint(tone, &line))?;
                }
            }
        }
        let cut = || Complaint::about(&explain::REPLY_CUT_SHORT).cause("the search ended without its summary");
        Ok(match self.summary.ok_or_else(cut)? {
            summary if !summary.complete => Exit::Partial,
            summary if summary.hits == 0 && fail_empty => Exit::NotFound,
            _ => Exit::Ok,
        })
    }
}

fn show_outcome(session: &mut Session<'_>, outcome: &PeerOutcome) -> Result<(), Complaint> {
    let (tone, line) = search::outcome_line(outcome);
    session.screen.line(session.screen.paint(tone, &line))?;
    search::hit_lines(outcome).iter().try_for_each(|line| session.screen.line(line))?;
    for envelope in &outcome.records {
        session.screen.line("")?;
        record::lines(&record::open(envelope)?)
            .iter()
            .try_for_each(|line| session.screen.line(format!("    {line}")))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_text_is_read_as_what_it_looks_like() {
        let read = |text: &str| {
            let mut criteria = Criteria::default();
            read_into(&mut criteria, text);
            (criteria.name, criteria.document, criteria.conveyance)
        };
        let owned = |text: &str| Some(text.to_owned());
        for (text, name, document, conveyance) in [
            ("Siti Rahmah", owned("Siti Rahmah"), None, None),
            ("王伟", owned("王伟"), None, None),
            ("P1234567", None, owned("P1234567"), None),
            ("AB 123-456", None, owned("AB 123-456"), None),
            ("IMO 9074729", None, None, owned("9074729")),
            ("mmsi:525012345", None, None, owned("525012345")),
            ("Imo", owned("Imo"), None, None),
            ("Jean-Paul 2ème", owned("Jean-Paul 2ème"), None, None),
        ] {
            assert_eq!(read(text), (name, document, conveyance), "{text}");
        }
    }
}
