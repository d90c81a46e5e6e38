//! `selat record import`: rows of a file, through a mapping, into the node.
//!
//! A thread of its own reads and maps; chunks go to the node while the outcomes of earlier ones come back. At most
//! [`WINDOW_CHUNKS`] chunks wait for their outcomes, so memory does not grow with the file. Outcomes and rows that could
//! not be mapped are taken in the order of the file, so the report is the same in every run.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;

use futures::stream;
use indicatif::ProgressBar;
use prost::Message;
use selat_complaint::{Complaint, Exit};
use selat_interop::{Mapping, ReadError, Report, RowFault, Rows};
use selat_record::pb::{AudienceKind, Record};
use selat_wire::desk::{ImportChunk, ImportOutcome, ImportResult, ImportRow, Reason};
use tokio::sync::mpsc;
use tonic::Streaming;

use super::Session;
use crate::cli::{ImportArgs, reason};
use crate::connect::Desk;
use crate::explain;
use crate::input::{small_text, unreadable};
use crate::refusal::refusal;
use crate::show::import::Tally;

/// Most rows in a chunk, as the desk takes them.
const CHUNK_ROWS: usize = 256;
/// Encoded rows after which a chunk is full, in bytes: with one record more it stays well below what a desk takes at once.
const CHUNK_BYTES: usize = 1024 * 1024;
/// Chunks that wait for their outcomes.
const WINDOW_CHUNKS: usize = 8;

pub(super) async fn run(session: &mut Session<'_>, args: &ImportArgs) -> Result<Exit, Complaint> {
    let (mapping, rows) = open(args)?;
    if !args.dry_run && args.release_to.as_ref().is_some_and(|audience| audience.kind() == AudienceKind::All) {
        let consequence = format!("Every approved peer will be able to read all records of {}.", args.file.display());
        session.screen.confirm(&consequence, "everyone", session.globals.yes)?;
    }
    let size = std::fs::metadata(&args.file).map_err(|fault| unreadable(&args.file, &fault))?.len();
    // Before the report is begun: a node that is down must not cost the report of the run before.
    let desk = if args.dry_run { None } else { Some(session.desk().await?) };
    let mut account = Account::open(args, session.screen.bar(size))?;
    let begun = (session.now)();
    let went = match desk {
        None => check(rows, &mut account),
        Some(desk) => send(desk, Batches::new(args, &mapping, rows), &mut account).await,
    };
    account.tally.took = (session.now)().since(begun);
    let told = account.close(session, went.is_ok());
    went.and(told)
}

/// Maps every row and leaves it at that.
fn check(mut rows: Rows, account: &mut Account) -> Result<(), Complaint> {
    while let Some(row) = rows.next() {
        let row = row.map_err(|fault| read_fault(&fault))?;
        match row.draft {
            Ok(_) => account.tally.valid += 1,
            Err(faults) => account.reject(row.number, &faults)?,
        }
        account.progress(rows.bytes_read(), rows.skipped());
    }
    account.progress(rows.bytes_read(), rows.skipped());
    Ok(())
}

/// Sends what can be mapped and takes the outcomes.
async fn send(mut desk: Desk, batches: Batches, account: &mut Account) -> Result<(), Complaint> {
    let (chunks_in, chunks) = mpsc::channel(1);
    let (sent_in, sent) = mpsc::channel(WINDOW_CHUNKS);
    let reader = tokio::task::spawn_blocking(move || feed(batches, &chunks_in, &sent_in));
    let chunks = stream::unfold(chunks, async |mut chunks| Some((chunks.recv().await?, chunks)));
    let went = match desk.import_records(chunks).await {
        Ok(outcomes) => take_outcomes(sent, outcomes.into_inner(), account).await,
        Err(status) => {
            drop(sent);
            Err(refusal("nothing was imported")(status))
        }
    };
    // With both channels closed the reader stops at its next row, whichever way it went.
    reader.await.expect("the reader of rows does not panic: every fault of a row is a value");
    went
}

/// Hands each batch to the node first and to the account second: who waits for its outcomes knows that it is on its way.
fn feed(batches: Batches, chunks: &mpsc::Sender<ImportChunk>, sent: &mpsc::Sender<Result<Batch, ReadError>>) {
    for (chunk, batch) in batches {
        if let Some(chunk) = chunk {
            // A closed channel means that the call has ended; the account learns that from the outcomes.
            let _ = chunks.blocking_send(chunk);
        }
        if sent.blocking_send(batch).is_err() {
            return;
        }
    }
}

async fn take_outcomes(
    mut sent: mpsc::Receiver<Result<Batch, ReadError>>,
    mut outcomes: Streaming<ImportOutcome>,
    account: &mut Account,
) -> Result<(), Complaint> {
    while let Some(batch) = sent.recv().await {
        let batch = batch.map_err(|fault| read_fault(&fault))?;
        for (row, fate) in batch.rows {
            match fate {
                Fate::NotMapped(faults) => account.reject(row, &faults)?,
                Fate::Sent => {
                    let outcome = outcomes.message().await.map_err(refusal("the import broke off"))?;
                    account.take(row, outcome)?;
                }
            }
        }
        account.progress(batch.bytes_read, batch.skipped);
    }
    Ok(())
}

/// Some rows of the file, in its order.
struct Batch {
    rows: Vec<(u64, Fate)>,
    bytes_read: u64,
    skipped: u64,
}

/// What becomes of a row.
enum Fate {
    Sent,
    NotMapped(Vec<RowFault>),
}

/// The file in batches, each with the chunk of those of its rows that go to the node.
struct Batches {
    rows: Rows,
    reason: Reason,
    source: String,
    valid_days: u32,
    ended: bool,
}

impl Batches {
    fn new(args: &ImportArgs, mapping: &Mapping, rows: Rows) -> Self {
        let reason = match (args.purpose, &args.case) {
            (Some(purpose), Some(case)) => reason(purpose, case),
            // Only a dry run goes without them, and it sends nothing.
            _ => Reason::default(),
        };
        let valid_days = args.valid_days.or(mapping.valid_days()).unwrap_or(0);
        Self { rows, reason, source: mapping.source().to_owned(), valid_days, ended: false }
    }

    /// The next rows and those of them that go to the node. The batch is bounded by all its rows, not by the good ones:
    /// a file of bad rows alone must not gather in memory.
    fn gather(&mut self) -> Result<(Vec<ImportRow>, Batch), ReadError> {
        let (mut good, mut all, mut bytes) = (Vec::new(), Vec::new(), 0);
        while all.len() < CHUNK_ROWS && bytes < CHUNK_BYTES {
            let Some(row) = self.rows.next().transpose()? else {
                self.ended = true;
                break;
            };
            let fate = match row.draft {
                Ok(draft) => {
                    bytes += draft.encoded_len();
                    good.push(self.row(row.number, row.source_key, draft));
                    Fate::Sent
                }
                Err(faults) => Fate::NotMapped(faults),
            };
            all.push((row.number, fate));
        }
        Ok((good, Batch { rows: all, bytes_read: self.rows.bytes_read(), skipped: self.rows.skipped() }))
    }

    fn row(&self, row: u64, source_key: String, draft: Record) -> ImportRow {
        ImportRow { row, source: self.source.clone(), source_key, draft: Some(draft), valid_days: self.valid_days }
    }
}

impl Iterator for Batches {
    type Item = (Option<ImportChunk>, Result<Batch, ReadError>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        match self.gather() {
            Ok((rows, batch)) => {
                let chunk = (!rows.is_empty()).then(|| ImportChunk { reason: Some(self.reason.clone()), rows });
                Some((chunk, Ok(batch)))
            }
            Err(fault) => {
                self.ended = true;
                Some((None, Err(fault)))
            }
        }
    }
}

/// The running account of an import: counts, report file, progress bar.
struct Account {
    tally: Tally,
    report: Option<(PathBuf, Report<BufWriter<File>>)>,
    bar: ProgressBar,
}

impl Account {
    fn open(args: &ImportArgs, bar: ProgressBar) -> Result<Self, Complaint> {
        let report = args.report.clone().map(|path| {
            let file = File::create(&path).map_err(|fault| unreadable(&path, &fault))?;
            let report = Report::new(BufWriter::new(file)).map_err(|fault| report_fault(&path, fault))?;
            Ok((path, report))
        });
        let shown = args.report.as_ref().map(|path| path.display().to_string());
        let tally = Tally { dry_run: args.dry_run, report: shown, ..Default::default() };
        Ok(Self { tally, report: report.transpose()?, bar })
    }

    fn reject(&mut self, row: u64, faults: &[RowFault]) -> Result<(), Complaint> {
        self.tally.reject(row, faults);
        match &mut self.report {
            Some((path, report)) => report.add(row, faults).map_err(|fault| report_fault(path, fault)),
            None => Ok(()),
        }
    }

    /// Takes the outcome of the row that is next in line.
    fn take(&mut self, row: u64, outcome: Option<ImportOutcome>) -> Result<(), Complaint> {
        let cut = || Complaint::about(&explain::REPLY_CUT_SHORT).cause(format!("the node said nothing of row {row}"));
        let outcome = outcome.ok_or_else(cut)?;
        if outcome.row != row {
            let cause = format!("the outcome of row {} came where that of row {row} was due", outcome.row);
            return Err(Complaint::about(&explain::REPLY_UNREADABLE).cause(cause));
        }
        self.tally.releases += u64::from(outcome.released);
        match outcome.result() {
            ImportResult::New => self.tally.new += 1,
            ImportResult::Amended => self.tally.amended += 1,
            ImportResult::Unchanged => self.tally.unchanged += 1,
            ImportResult::Rejected => {
                let fault = |fault: selat_wire::desk::FieldFault| RowFault {
                    column: fault.field,
                    value: String::new(),
                    reason: fault.problem,
                };
                let faults: Vec<RowFault> = outcome.faults.into_iter().map(fault).collect();
                self.reject(row, &faults)?;
            }
            ImportResult::Unspecified => {
                let cause = format!("the outcome of row {row} says nothing that this client knows");
                return Err(Complaint::about(&explain::REPLY_UNREADABLE).cause(cause));
            }
        }
        Ok(())
    }

    fn progress(&mut self, bytes: u64, skipped: u64) {
        self.tally.skipped = skipped;
        self.bar.set_position(bytes);
        self.bar.set_message(format!("{} rows, {} rejected", self.tally.rows(), self.tally.rejected));
    }

    /// Writes the report out and shows how it went, also when it broke off: what was acknowledged is in.
    fn close(self, session: &mut Session<'_>, whole: bool) -> Result<Exit, Complaint> {
        self.bar.finish_and_clear();
        if let Some((path, report)) = self.report {
            report.finish().map_err(|fault| report_fault(&path, fault))?;
        }
        let tally = self.tally;
        if whole || tally.rows() > 0 {
            session.print(|| tally.json(), || tally.lines())?;
        }
        if tally.rejected == 0 {
            return Ok(Exit::Ok);
        }
        let rejected = Complaint::about(&explain::ROWS_REJECTED)
            .problem(format!("{} did not go in", tally.rejected_of_all()))
            .cause(tally.fault_lines().first().map_or("the node gave no reason", String::as_str));
        Err(match &tally.report {
            Some(report) => rejected.mend(format!("mend the rows that {report} lists, and import the file again")),
            None => {
                tally.fault_lines().iter().for_each(|line| session.screen.say(line));
                rejected
            }
        })
    }
}

fn open(args: &ImportArgs) -> Result<(Mapping, Rows), Complaint> {
    let unusable = || Complaint::about(&explain::MAPPING_FAULTY);
    let mapping = Mapping::parse(&small_text(&args.map)?).map_err(|faults| {
        let path = args.map.display();
        faults.iter().fold(unusable().problem(format!("the mapping {path} has faults")), |complaint, fault| {
            complaint.cause(fault)
        })
    })?;
    let known: Vec<&str> = mapping.joins().map(|(name, _)| name).collect();
    if let Some(stray) = args.joins.iter().find(|join| !known.contains(&join.name.as_str())) {
        let known = if known.is_empty() { "no file".to_owned() } else { known.join(", ") };
        return Err(unusable().cause(format!("--join {}: the mapping joins {known}", stray.name)));
    }
    let joins: BTreeMap<String, PathBuf> =
        args.joins.iter().map(|join| (join.name.clone(), join.file.clone())).collect();
    let rows = mapping.open(&args.file, &joins, args.release_to.clone()).map_err(|fault| read_fault(&fault))?;
    Ok((mapping, rows))
}

fn read_fault(fault: &ReadError) -> Complaint {
    let entry = match fault {
        ReadError::Open { .. } | ReadError::Io { .. } => &explain::FILE_UNREADABLE,
        ReadError::TooMany { .. } => &explain::FILE_TOO_LARGE,
        ReadError::RowTooLong { .. } | ReadError::Columns { .. } | ReadError::JoinMissing { .. } => {
            &explain::MAPPING_FAULTY
        }
    };
    let complaint = Complaint::about(entry).cause(fault);
    let reason = std::error::Error::source(fault).map(ToString::to_string);
    reason.into_iter().fold(complaint, Complaint::cause)
}

fn report_fault(path: &std::path::Path, fault: impl std::fmt::Display) -> Complaint {
    Complaint::about(&explain::FILE_UNREADABLE).problem(format!("{} cannot be written", path.display())).cause(fault)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::PurposeName;

    const MAP: &str = include_str!("../tests/bulletins.toml");

    fn batches(text: String) -> Batches {
        let mapping = Mapping::parse(MAP).unwrap();
        let args = ImportArgs {
            file: "rows.csv".into(),
            map: "map.toml".into(),
            joins: vec![],
            release_to: None,
            valid_days: Some(30),
            dry_run: false,
            report: None,
            purpose: Some(PurposeName::Statistics),
            case: Some("S-1".into()),
        };
        let rows = mapping.read(std::io::Cursor::new(text), BTreeMap::new(), None).unwrap();
        Batches::new(&args, &mapping, rows)
    }

    fn csv(rows: usize, text: &str) -> String {
        let rows: String = (1..=rows).map(|n| format!("k{n},Title {n},{text}\n")).collect();
        format!("id,title,text\n{rows}")
    }

    #[test]
    fn chunks_are_bounded_by_rows_and_by_bytes() {
        let sizes = |text: String| -> Vec<usize> {
            batches(text).map(|(chunk, _)| chunk.map_or(0, |chunk| chunk.rows.len())).collect()
        };
        assert_eq!(sizes(csv(600, "short")), [256, 256, 88]);
        let long = "x".repeat(19_000);
        let sizes = sizes(csv(120, &long));
        assert!(sizes.iter().all(|rows| *rows <= 56) && sizes.iter().sum::<usize>() == 120, "{sizes:?}");
        let (chunk, _) = batches(csv(1, "short")).next().unwrap();
        assert_eq!(chunk.unwrap().rows[0].valid_days, 30);
    }

    #[test]
    fn reader_stops_when_the_window_is_full_and_goes_on_when_outcomes_come() {
        let (chunks_in, mut chunks) = mpsc::channel(1);
        let (sent_in, mut sent) = mpsc::channel(WINDOW_CHUNKS);
        let total = 3 * WINDOW_CHUNKS;
        let reader = std::thread::spawn(move || feed(batches(csv(total * CHUNK_ROWS, "t")), &chunks_in, &sent_in));
        // One chunk is on its way while its batch waits for room in the window.
        (0..=WINDOW_CHUNKS).for_each(|_| assert!(chunks.blocking_recv().is_some()));
        assert_eq!((sent.len(), chunks.try_recv().is_err()), (WINDOW_CHUNKS, true));
        let mut rows = 0;
        while let Some(batch) = sent.blocking_recv() {
            rows += batch.unwrap().rows.len();
            let _ = chunks.try_recv();
        }
        reader.join().unwrap();
        assert_eq!(rows, total * CHUNK_ROWS);
    }
}
