//! What each command does: read the words, ask the desk, show the reply, say how it ended.

mod ceremony;
mod certificate;
mod descriptor;
mod import;
mod key;
mod key_status;
mod node_keys;
mod peer;
mod plan_file;
mod publish;
mod record;
mod rotation;
mod search;
mod standing;
mod status;
pub(crate) mod watch;

use selat_complaint::{Complaint, Exit};
use selat_link::Now;
use selat_seal::Entropy;
use selat_wire::desk::StatusRequest;
use serde_json::Value;

use crate::cli::{Command, Form, Globals};
use crate::connect::{self, Desk};
use crate::refusal::refusal;
use crate::screen::Screen;
use crate::show::table::{self, Rows};

/// Runs a command.
pub(crate) async fn run(
    command: Command,
    globals: &Globals,
    screen: &mut Screen,
    now: &Now,
    entropy: &dyn Entropy,
) -> Result<Exit, Complaint> {
    // Before anything is asked of the node: a wish for a column that is not there must not cost a write or an audit entry.
    table::pick(command.columns(), &globals.columns)?;
    let mut session = Session { globals, screen, now, entropy };
    match command {
        Command::Status => status::run(&mut session).await,
        Command::Metrics => watch::metrics(&mut session).await,
        Command::Search(args) => search::run(&mut session, &args).await,
        Command::Record(command) => record::run(&mut session, command).await,
        Command::Peer(command) => peer::run(&mut session, command).await,
        Command::Descriptor(command) => descriptor::run(&mut session, command).await,
        Command::Key(command) => key::run(&mut session, command).await,
        Command::Ceremony(command) => ceremony::run(&mut session, &command),
        Command::Cert(command) => certificate::run(&mut session, command).await,
    }
}

/// The form of the data: as asked for, else a table for people and JSON Lines for programs.
pub(crate) fn form_of(globals: &Globals, screen: &Screen) -> Form {
    let usual = if screen.is_read_by_a_person() { Form::Table } else { Form::Jsonl };
    globals.output.unwrap_or(usual)
}

/// One run of one command: its options, its screen, its clock, its dice.
pub(crate) struct Session<'a> {
    pub(crate) globals: &'a Globals,
    pub(crate) screen: &'a mut Screen,
    pub(crate) now: &'a Now,
    pub(crate) entropy: &'a dyn Entropy,
}

impl Session<'_> {
    /// Connects to the desk.
    pub(crate) async fn desk(&self) -> Result<Desk, Complaint> {
        connect::desk(self.globals, self.now).await
    }

    /// The form of the data: as asked for, else a table for people and JSON Lines for programs.
    pub(crate) fn form(&self) -> Form {
        form_of(self.globals, self.screen)
    }

    /// True if JSON was asked for by name. What is text by nature is wrapped in JSON only then.
    pub(crate) fn wants_json(&self) -> bool {
        matches!(self.globals.output, Some(Form::Json | Form::Jsonl))
    }

    /// Prints a reply: `value` in a JSON form, `lines` for people.
    pub(crate) fn print(
        &mut self,
        value: impl FnOnce() -> Value,
        lines: impl FnOnce() -> Vec<String>,
    ) -> Result<(), Complaint> {
        match self.form() {
            Form::Json => self.screen.json(&value()),
            Form::Jsonl => self.screen.json_line(&value()),
            Form::Table => lines().iter().try_for_each(|line| self.screen.line(line)),
        }
    }

    /// Prints a table of rows; an empty one is said beside the data.
    pub(crate) fn print_rows(&mut self, rows: &Rows, nothing: &str) -> Result<(), Complaint> {
        match rows.render(self.screen.width()) {
            Some(table) => self.screen.line(table),
            None => {
                self.screen.say(nothing);
                Ok(())
            }
        }
    }
}

/// Whose node it is.
async fn participant(desk: &mut Desk) -> Result<String, Complaint> {
    let reply = desk.status(StatusRequest {}).await.map_err(refusal("the node cannot be asked who it is"))?;
    Ok(reply.into_inner().participant)
}
