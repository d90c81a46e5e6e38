//! Rows of an import: the same source key is the same record; the same draft again changes nothing, another one amends,
//! unless the record was changed by hand: then it is for a person to say what holds.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::join_all;
use selat_policy::{DeskAct, may};
use selat_record::{ContentId, Draft, Faults, Record, RecordId};
use selat_store::repositories::{HeldRecord, Imported};

use crate::ingest::{Admission, SourceMark, as_draft};
use crate::{Actor, Exchange, ExchangeError, Reason};

/// Most rows that may be handed in at once.
pub const ROWS_MAX: usize = 256;
/// How often a row is looked at again because something else came first.
const TRIES_MAX: usize = 3;
/// Longest source name or source key in characters.
const KEY_MAX: usize = 200;
/// What an amended record says of itself.
const AMENDED: &str = "its source changed";

/// One row, its draft not yet checked.
#[derive(Debug, Clone)]
pub struct ImportRow {
    /// Number in the file, for the report.
    pub row: u64,
    /// Name of the source and the key of the row in it.
    pub source: String,
    /// See `source`.
    pub source_key: String,
    /// What the record shall say.
    pub draft: selat_record::pb::Record,
    /// Days until it expires; 0: as configured.
    pub valid_days: u32,
}

/// What became of a row.
#[derive(Debug, Clone)]
pub enum ImportResult {
    /// A new record.
    New {
        /// Its id.
        record: RecordId,
        /// How many peers it was released to.
        released: u32,
    },
    /// The next version of a known record.
    Amended {
        /// Its id.
        record: RecordId,
        /// The version made.
        version: u32,
        /// How many peers it was released to.
        released: u32,
    },
    /// Known, and the same as before.
    Unchanged {
        /// Its id.
        record: RecordId,
    },
    /// Not taken in.
    Rejected(Faults),
}

impl Exchange {
    /// Takes in up to 256 rows; the results come in the order of the rows and stand for what is durable. A failure of
    /// the store fails the call: then each row is either in or not, and the same rows can be handed in again.
    pub async fn import(
        self: &Arc<Self>,
        actor: &Actor,
        reason: &Reason,
        rows: Vec<ImportRow>,
    ) -> Result<Vec<ImportResult>, ExchangeError> {
        may(&actor.roles, DeskAct::ImportRecords)?;
        if rows.len() > ROWS_MAX {
            return Err(Faults::one("rows", format!("{} rows at once, {ROWS_MAX} at most", rows.len())).into());
        }
        // Side by side, so that the appender makes them durable together.
        let keys = by_key(&rows).into_iter().map(|rows| self.import_in_order(actor, reason, rows));
        let mut results = Vec::with_capacity(rows.len());
        for of_one_key in join_all(keys).await {
            results.extend(of_one_key?);
        }
        results.sort_by_key(|(place, _)| *place);
        Ok(results.into_iter().map(|(_, result)| result).collect())
    }

    /// Rows of one key, each with its place in the call.
    async fn import_in_order(
        self: &Arc<Self>,
        actor: &Actor,
        reason: &Reason,
        rows: Vec<(usize, &ImportRow)>,
    ) -> Result<Vec<(usize, ImportResult)>, ExchangeError> {
        let mut results = Vec::with_capacity(rows.len());
        for (place, row) in rows {
            results.push((place, self.import_row(actor, reason, row).await?));
        }
        Ok(results)
    }

    async fn import_row(
        self: &Arc<Self>,
        actor: &Actor,
        reason: &Reason,
        row: &ImportRow,
    ) -> Result<ImportResult, ExchangeError> {
        for _ in 0..TRIES_MAX {
            match self.import_checked(actor, reason, row).await {
                Err(ExchangeError::Invalid(faults)) => return Ok(ImportResult::Rejected(faults)),
                // The same row, or an amendment of its record, came first from elsewhere: look again.
                Err(ExchangeError::VersionConflict { .. } | ExchangeError::Busy) => {}
                other => return other,
            }
        }
        Ok(ImportResult::Rejected(Faults::one("source_key", ExchangeError::Busy.to_string())))
    }

    async fn import_checked(
        self: &Arc<Self>,
        actor: &Actor,
        reason: &Reason,
        row: &ImportRow,
    ) -> Result<ImportResult, ExchangeError> {
        let ImportRow { source, source_key, draft: message, valid_days, .. } = row;
        check_key("source", source)?;
        check_key("source_key", source_key)?;
        let digest = selat_seal::sha256(&[&prost::Message::encode_to_vec(message)]);
        let mut message = message.clone();
        let was = self.store.sources.get(source, source_key).await?;
        let replaces = match &was {
            Some(was) if was.digest == digest => return Ok(ImportResult::Unchanged { record: was.record_id }),
            Some(was) => {
                message.amendment_reason = AMENDED.into();
                Some(self.untouched(was).await?)
            }
            None => None,
        };
        let draft = Draft::check(message)?;
        let mark = SourceMark { source, key: source_key, digest, was };
        let valid_until = self.valid_for(*valid_days);
        let admission = Admission { actor, reason: Some(reason), draft, valid_until, replaces, source: Some(mark) };
        let receipt = self.admit(admission).await?;
        let released = receipt.releases.iter().filter(|release| release.result.is_ok()).count();
        let released = u32::try_from(released).unwrap_or(u32::MAX);
        Ok(match receipt.version {
            1 => ImportResult::New { record: receipt.record, released },
            version => ImportResult::Amended { record: receipt.record, version, released },
        })
    }

    /// The record that a row became, if its version is still the one that the import made: what a person decided since,
    /// its protection above all, is not in the row and would be lost.
    async fn untouched(&self, was: &Imported) -> Result<HeldRecord, ExchangeError> {
        let record_id = was.record_id;
        let head = self.store.records.head(self.participant(), record_id).await?;
        let head = head.ok_or(ExchangeError::RecordNotFound(record_id))?;
        if head.content_id != was.content_id && !self.says_the_same(record_id, head.content_id, was.content_id).await? {
            let why = format!("record {record_id} was changed by hand since it was imported: amend it by hand");
            return Err(Faults::one("source_key", why).into());
        }
        Ok(HeldRecord { originator: self.participant().clone(), record_id, head })
    }

    /// True if two versions of an own record differ in nothing but who signed them and why: one was signed again.
    async fn says_the_same(
        &self,
        record_id: RecordId,
        one: ContentId,
        other: ContentId,
    ) -> Result<bool, ExchangeError> {
        let words = |record: &Record| {
            let draft = as_draft(record.message().clone());
            (selat_record::pb::Record { amendment_reason: String::new(), ..draft }, record.valid_until())
        };
        let one = self.load(self.participant(), record_id, one).await?;
        let other = self.load(self.participant(), record_id, other).await?;
        Ok(words(&one) == words(&other))
    }
}

/// The rows with their places, those of one key together and in their order: the second is judged by what the first made.
fn by_key(rows: &[ImportRow]) -> Vec<Vec<(usize, &ImportRow)>> {
    let mut keys: Vec<Vec<(usize, &ImportRow)>> = Vec::new();
    let mut known: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (place, row) in rows.iter().enumerate() {
        let at = *known.entry((&row.source, &row.source_key)).or_insert(keys.len());
        match keys.get_mut(at) {
            Some(of_one_key) => of_one_key.push((place, row)),
            None => keys.push(vec![(place, row)]),
        }
    }
    keys
}

fn check_key(field: &str, text: &str) -> Result<(), Faults> {
    let length = text.chars().count();
    if length == 0 || length > KEY_MAX || text.chars().any(char::is_control) {
        return Err(Faults::one(field, format!("is not 1 to {KEY_MAX} characters of plain text")));
    }
    Ok(())
}
