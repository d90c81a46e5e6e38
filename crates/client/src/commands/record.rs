//! `selat record ...` but for the import.

use std::path::Path;

use selat_complaint::{Complaint, Exit};
use selat_record::pb::{self, Audience, AudienceKind, Find};
use selat_wire::desk::{
    AmendRecordRequest, GetRecordRequest, ListQuarantineRequest, ListRecordsRequest, PutRecordRequest,
    QuarantinedRecord, RecordReceipt, ReleaseRecordRequest, StoredRecord,
};
use serde_json::{Value, json};
use tonic::Streaming;

use super::{Session, import};
use crate::cli::{
    AmendArgs, Command, ExportArgs, Form, GetArgs, HISTORY_COLUMNS, HistoryArgs, KindName, LIST_COLUMNS, ListArgs,
    PutArgs, QuarantineArgs, RecordCommand, ReleaseArgs,
};
use crate::explain;
use crate::input::small_text;
use crate::refusal::refusal;
use crate::show::table::Rows;
use crate::show::{SHAPE_VERSION, record, words};

/// Most hits that a search may ask for; the limit of a listing stands beside its search.
const FIND_LIMIT_MAX: u32 = 200;

pub(super) async fn run(session: &mut Session<'_>, command: RecordCommand) -> Result<Exit, Complaint> {
    let columns = Command::Record(command.clone()).columns();
    match command {
        RecordCommand::Put(args) => put(session, &args).await,
        RecordCommand::Get(args) => get(session, &args).await,
        RecordCommand::List(args) => list(session, &args, columns).await,
        RecordCommand::History(args) => history(session, &args, columns).await,
        RecordCommand::Amend(args) => amend(session, &args).await,
        RecordCommand::Release(args) => release(session, &args).await,
        RecordCommand::Export(args) => export(session, &args).await,
        RecordCommand::Import(args) => import::run(session, &args).await,
        RecordCommand::Quarantine(args) => quarantine(session, &args, columns).await,
    }
}

async fn put(session: &mut Session<'_>, args: &PutArgs) -> Result<Exit, Complaint> {
    let request = PutRecordRequest {
        reason: Some(args.reason.to_message()),
        draft: Some(draft(&args.file)?),
        valid_days: args.valid_days.unwrap_or(0),
    };
    let mut desk = session.desk().await?;
    let receipt = desk.put_record(request).await.map_err(refusal("the record was not taken"))?.into_inner();
    print_receipt(session, &receipt)
}

async fn amend(session: &mut Session<'_>, args: &AmendArgs) -> Result<Exit, Complaint> {
    let mut draft = draft(&args.file)?;
    if let Some(why) = &args.why {
        draft.amendment_reason.clone_from(why);
    }
    let request = AmendRecordRequest {
        reason: Some(args.reason.to_message()),
        record_id: args.id.as_bytes().to_vec(),
        from_version: args.from_version,
        draft: Some(draft),
        valid_days: args.valid_days.unwrap_or(0),
    };
    let mut desk = session.desk().await?;
    let doing = format!("record {} was not amended", args.id);
    let receipt = desk.amend_record(request).await.map_err(refusal(doing))?.into_inner();
    print_receipt(session, &receipt)
}

async fn release(session: &mut Session<'_>, args: &ReleaseArgs) -> Result<Exit, Complaint> {
    let to = if args.to_everyone {
        let consequence = format!("Every approved peer, now and later, will be able to read record {}.", args.id);
        session.screen.confirm(&consequence, &args.id.to_string(), session.globals.yes)?;
        Audience { kind: AudienceKind::All.into(), participants: Vec::new() }
    } else {
        named(&args.to)
    };
    let request = ReleaseRecordRequest {
        reason: Some(args.reason.to_message()),
        record_id: args.id.as_bytes().to_vec(),
        to: Some(to),
    };
    let mut desk = session.desk().await?;
    let doing = format!("record {} was not released", args.id);
    let receipt = desk.release_record(request).await.map_err(refusal(doing))?.into_inner();
    print_receipt(session, &receipt)
}

async fn get(session: &mut Session<'_>, args: &GetArgs) -> Result<Exit, Complaint> {
    let request = GetRecordRequest {
        reason: Some(args.reason.to_message()),
        record_id: args.id.as_bytes().to_vec(),
        version: args.record_version.unwrap_or(0),
    };
    let mut desk = session.desk().await?;
    let doing = format!("record {} cannot be shown", args.id);
    let stored = desk.get_record(request).await.map_err(refusal(doing))?.into_inner();
    let opened = record::open_stored(&stored)?;
    if args.draft {
        session.screen.json(&record::draft_json(&opened))?;
    } else {
        session.print(|| record::stored_json(&stored, &opened), || record::lines(&opened))?;
    }
    Ok(Exit::Ok)
}

async fn history(session: &mut Session<'_>, args: &HistoryArgs, columns: Columns) -> Result<Exit, Complaint> {
    let request =
        GetRecordRequest { reason: Some(args.reason.to_message()), record_id: args.id.as_bytes().to_vec(), version: 0 };
    let mut desk = session.desk().await?;
    let doing = format!("the versions of record {} cannot be listed", args.id);
    let versions = desk.record_history(request).await.map_err(refusal(doing))?.into_inner().versions;
    let mut listing = Listing::new(session, columns, HISTORY_COLUMNS, "versions")?;
    for stored in &versions {
        let opened = record::open_stored(stored)?;
        listing.add(session, |rows| record::push(rows, stored, &opened), || record::stored_json(stored, &opened))?;
    }
    listing.end(session, false, "no version is left")
}

async fn list(session: &mut Session<'_>, args: &ListArgs, columns: Columns) -> Result<Exit, Complaint> {
    let matching =
        (!args.criteria.are_empty()).then(|| Find { kinds: vec![], ..args.criteria.to_message(FIND_LIMIT_MAX) });
    let request = ListRecordsRequest {
        reason: Some(args.reason.to_message()),
        kinds: KindName::to_messages(&args.criteria.kind),
        originator: args.originator.as_ref().map(ToString::to_string).unwrap_or_default(),
        matching,
        limit: one_more(args.limit),
        all_versions: false,
    };
    let mut records = listed(session, request).await?;
    let mut listing = Listing::new(session, columns, LIST_COLUMNS, "records")?;
    let mut more = false;
    while let Some(stored) = next(&mut records).await? {
        if is_full(listing.len, args.limit) {
            more = true;
            break;
        }
        let opened = record::open_stored(&stored)?;
        listing.add(session, |rows| record::push(rows, &stored, &opened), || record::stored_json(&stored, &opened))?;
    }
    listing.end(session, more, "no records")
}

async fn export(session: &mut Session<'_>, args: &ExportArgs) -> Result<Exit, Complaint> {
    if matches!(session.globals.output, Some(Form::Table | Form::Json)) {
        return Err(Complaint::about(&explain::FORM_UNSUITED));
    }
    let request = ListRecordsRequest {
        reason: Some(args.reason.to_message()),
        kinds: KindName::to_messages(&args.kind),
        originator: args.originator.as_ref().map(ToString::to_string).unwrap_or_default(),
        matching: None,
        limit: 0,
        all_versions: args.all_versions,
    };
    let mut records = listed(session, request).await?;
    let mut exported = 0;
    while let Some(stored) = next(&mut records).await? {
        session.screen.json_line(&record::export_json(&stored, &record::open_stored(&stored)?))?;
        exported += 1;
    }
    session.screen.say(format!("{} exported", words::count(exported, "record")));
    Ok(Exit::Ok)
}

async fn quarantine(session: &mut Session<'_>, args: &QuarantineArgs, columns: Columns) -> Result<Exit, Complaint> {
    let request = ListQuarantineRequest {
        peer: args.peer.as_ref().map(ToString::to_string).unwrap_or_default(),
        limit: one_more(args.limit),
    };
    let mut desk = session.desk().await?;
    let entries = desk.list_quarantine(request).await.map_err(refusal("the quarantine cannot be listed"))?;
    let mut entries = entries.into_inner();
    let mut listing = Listing::new(session, columns, columns, "quarantined")?;
    let mut more = false;
    while let Some(entry) = entries.message().await.map_err(refusal("the list of the quarantine broke off"))? {
        if is_full(listing.len, args.limit) {
            more = true;
            break;
        }
        listing.add(session, |rows| push_quarantined(rows, &entry), || quarantined_json(&entry))?;
    }
    listing.end(session, more, "nothing in quarantine")
}

/// Names of a table's columns.
type Columns = &'static [&'static str];

/// A list in the making: rows of a table, one JSON value, or JSON Lines that leave as they come.
struct Listing {
    rows: Rows,
    values: Vec<Value>,
    len: usize,
    /// Name of the list in the one JSON value.
    name: &'static str,
}

impl Listing {
    /// Shows the columns that the caller asks for, else the `usual` ones.
    fn new(session: &Session<'_>, columns: Columns, usual: Columns, name: &'static str) -> Result<Self, Complaint> {
        let wanted = match session.globals.columns.as_slice() {
            [] => usual.iter().map(|name| (*name).to_owned()).collect(),
            asked => asked.to_vec(),
        };
        Ok(Self { rows: Rows::new(columns, &wanted)?, values: Vec::new(), len: 0, name })
    }

    fn add(
        &mut self,
        session: &mut Session<'_>,
        row: impl FnOnce(&mut Rows),
        value: impl FnOnce() -> Value,
    ) -> Result<(), Complaint> {
        self.len += 1;
        match session.form() {
            Form::Table => row(&mut self.rows),
            Form::Json => self.values.push(value()),
            Form::Jsonl => session.screen.json_line(&value())?,
        }
        Ok(())
    }

    fn end(self, session: &mut Session<'_>, more: bool, nothing: &str) -> Result<Exit, Complaint> {
        match session.form() {
            Form::Table => session.print_rows(&self.rows, nothing)?,
            Form::Json => {
                session.screen.json(&json!({ "version": SHAPE_VERSION, self.name: self.values, "more": more }))?;
            }
            Form::Jsonl => {}
        }
        if more {
            session.screen.say(format!("{} shown, there are more; --limit 0 shows all", self.len));
        }
        Ok(Exit::Ok)
    }
}

async fn listed(session: &Session<'_>, request: ListRecordsRequest) -> Result<Streaming<StoredRecord>, Complaint> {
    let mut desk = session.desk().await?;
    Ok(desk.list_records(request).await.map_err(refusal("the records cannot be listed"))?.into_inner())
}

async fn next(records: &mut Streaming<StoredRecord>) -> Result<Option<StoredRecord>, Complaint> {
    records.message().await.map_err(refusal("the list of records broke off"))
}

/// One more than is shown, so that it can be said whether there are more; 0 stays "all".
fn one_more(limit: u32) -> u32 {
    if limit == 0 { 0 } else { limit.saturating_add(1) }
}

fn is_full(len: usize, limit: u32) -> bool {
    limit > 0 && len >= limit as usize
}

/// The draft in a file, checked as far as can be without the node: all faults at once.
fn draft(path: &Path) -> Result<pb::Record, Complaint> {
    let text = small_text(path)?;
    let faulty =
        || Complaint::about(&explain::DRAFT_FAULTY).problem(format!("the draft in {} is not valid", path.display()));
    let value: Value = serde_json::from_str(&text).map_err(|fault| faulty().cause(fault))?;
    let checked = selat_interop::draft_from_json(&value).and_then(selat_record::Draft::check);
    let all = |faults: selat_record::Faults| {
        faults.iter().fold(faulty(), |complaint, fault| complaint.cause(format!("{}: {}", fault.field, fault.problem)))
    };
    checked.map(|draft| draft.message().clone()).map_err(all)
}

/// These participants, ascending and once, as handling wants them.
pub(super) fn named(participants: &[selat_record::ParticipantId]) -> Audience {
    let mut names: Vec<String> = participants.iter().map(ToString::to_string).collect();
    names.sort_unstable();
    names.dedup();
    Audience { kind: AudienceKind::Named.into(), participants: names }
}

fn print_receipt(session: &mut Session<'_>, receipt: &RecordReceipt) -> Result<Exit, Complaint> {
    session.print(|| record::receipt_json(receipt), || record::receipt_lines(receipt))?;
    Ok(Exit::Ok)
}

fn push_quarantined(rows: &mut Rows, entry: &QuarantinedRecord) {
    rows.push([
        entry.peer.clone(),
        entry.index.to_string(),
        words::moment_or_nothing(entry.time_ms),
        entry.code.clone(),
        entry.reason.clone(),
        words::hex(&entry.content_id),
    ]);
}

fn quarantined_json(entry: &QuarantinedRecord) -> Value {
    json!({
        "version": SHAPE_VERSION,
        "peer": entry.peer,
        "index": entry.index,
        "time": words::moment(entry.time_ms),
        "code": entry.code,
        "reason": entry.reason,
        "content_id": words::hex(&entry.content_id),
    })
}
