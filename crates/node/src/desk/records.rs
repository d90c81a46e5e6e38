//! Requests about records, checked.

use selat_exchange::{ImportRow, Listing};
use selat_record::pb::RecordKind;
use selat_record::{Audience, Draft, Faults, ParticipantId, RecordId, pb};
use selat_wire::desk as wire;
use tonic::Status;

use super::bad;

pub(super) fn draft(draft: Option<pb::Record>) -> Result<Draft, Status> {
    let draft = draft.ok_or_else(|| bad(Faults::one("draft", "is missing")))?;
    Draft::check(draft).map_err(bad)
}

pub(super) fn record_id(bytes: &[u8]) -> Result<RecordId, Status> {
    RecordId::from_slice(bytes).map_err(bad)
}

pub(super) fn audience(audience: Option<&pb::Audience>) -> Result<Audience, Status> {
    let audience = audience.ok_or_else(|| bad(Faults::one("to", "is missing")))?;
    Audience::check(audience, "to").map_err(bad)
}

pub(super) fn participant(text: &str) -> Result<ParticipantId, Status> {
    text.parse().map_err(bad)
}

pub(super) fn optional_participant(text: &str) -> Result<Option<ParticipantId>, Status> {
    if text.is_empty() { Ok(None) } else { participant(text).map(Some) }
}

pub(super) fn listing(request: wire::ListRecordsRequest) -> Result<Listing, Status> {
    let kinds = request.kinds.iter().map(|kind| match RecordKind::try_from(*kind) {
        Ok(RecordKind::Unspecified) | Err(_) => Err(bad(Faults::one("kinds", format!("{kind} is not a record kind")))),
        Ok(kind) => Ok(kind),
    });
    Ok(Listing {
        kinds: kinds.collect::<Result<_, _>>()?,
        originator: optional_participant(&request.originator)?,
        matching: request.matching,
        limit: usize::try_from(request.limit).unwrap_or(usize::MAX),
        all_versions: request.all_versions,
    })
}

pub(super) fn import_rows(rows: Vec<wire::ImportRow>) -> Result<Vec<ImportRow>, Status> {
    let row = |row: wire::ImportRow| {
        let draft = row.draft.ok_or_else(|| bad(Faults::one(format!("row {}", row.row), "has no draft")))?;
        Ok(ImportRow {
            row: row.row,
            source: row.source,
            source_key: row.source_key,
            draft,
            valid_days: row.valid_days,
        })
    };
    rows.into_iter().map(row).collect()
}
