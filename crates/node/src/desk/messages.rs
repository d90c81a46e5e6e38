//! Results of the use-cases as messages of the desk.

use selat_exchange::{
    Ending, Freshness, Held, ImportResult, PeerOutcome, PeerStatus, Receipt, ReleaseOutcome, Summary,
};
use selat_record::{Faults, Timestamp};
use selat_store::repositories::{PeerState, Quarantined};
use selat_wire::desk::{self as wire, PeerOutcomeKind};

pub(super) fn receipt(receipt: Receipt) -> wire::RecordReceipt {
    wire::RecordReceipt {
        record_id: receipt.record.as_bytes().to_vec(),
        version: receipt.version,
        content_id: receipt.content.as_bytes().to_vec(),
        releases: receipt.releases.into_iter().map(release).collect(),
    }
}

fn release(outcome: ReleaseOutcome) -> wire::ReleaseOutcome {
    let peer = outcome.peer.to_string();
    match outcome.result {
        Ok(index) => wire::ReleaseOutcome { peer, released: true, index, ..Default::default() },
        Err((rule, why)) => wire::ReleaseOutcome { peer, rule, why, ..Default::default() },
    }
}

pub(super) fn stored(held: Held) -> wire::StoredRecord {
    wire::StoredRecord {
        envelope: Some(held.envelope),
        content_id: held.content.as_bytes().to_vec(),
        first_logged_ms: held.first_logged.ms(),
        current: held.current,
        released_to: held.released_to.iter().map(ToString::to_string).collect(),
    }
}

pub(super) fn imported(row: u64, result: ImportResult) -> wire::ImportOutcome {
    let outcome = wire::ImportOutcome { row, version: 1, ..Default::default() };
    match result {
        ImportResult::New { record, released } => wire::ImportOutcome {
            result: wire::ImportResult::New.into(),
            record_id: record.as_bytes().to_vec(),
            released,
            ..outcome
        },
        ImportResult::Amended { record, version, released } => wire::ImportOutcome {
            result: wire::ImportResult::Amended.into(),
            record_id: record.as_bytes().to_vec(),
            version,
            released,
            ..outcome
        },
        ImportResult::Unchanged { record } => wire::ImportOutcome {
            result: wire::ImportResult::Unchanged.into(),
            record_id: record.as_bytes().to_vec(),
            version: 0,
            ..outcome
        },
        ImportResult::Rejected(faults) => wire::ImportOutcome {
            result: wire::ImportResult::Rejected.into(),
            version: 0,
            faults: field_faults(faults),
            ..outcome
        },
    }
}

fn field_faults(faults: Faults) -> Vec<wire::FieldFault> {
    faults.into_iter().map(|fault| wire::FieldFault { field: fault.field, problem: fault.problem }).collect()
}

pub(super) fn outcome(outcome: PeerOutcome) -> wire::PeerOutcome {
    let message = wire::PeerOutcome {
        peer: outcome.peer.to_string(),
        elapsed_ms: u32::try_from(outcome.elapsed.as_millis()).unwrap_or(u32::MAX),
        ..Default::default()
    };
    let ended = |kind: PeerOutcomeKind, detail: String| (kind, detail);
    let (kind, detail) = match outcome.ending {
        Ending::Answered { hits, truncated, records } => {
            let kind = if hits.is_empty() { PeerOutcomeKind::NoHit } else { PeerOutcomeKind::Hit };
            return wire::PeerOutcome { kind: kind.into(), hits, truncated, records, ..message };
        }
        Ending::Refused(why) => ended(PeerOutcomeKind::Refused, why),
        Ending::Busy => ended(PeerOutcomeKind::Busy, "the peer had no time for it".into()),
        Ending::Unreachable(why) => ended(PeerOutcomeKind::Unreachable, why),
        Ending::Late => ended(PeerOutcomeKind::Late, "no answer before the deadline".into()),
        Ending::BadSignature(why) => ended(PeerOutcomeKind::BadSignature, why),
        Ending::NotApproved => ended(PeerOutcomeKind::NotApproved, "not an approved peer".into()),
    };
    wire::PeerOutcome { kind: kind.into(), detail, ..message }
}

pub(super) fn summary(summary: Summary) -> wire::SearchSummary {
    wire::SearchSummary {
        asked: summary.asked,
        answered: summary.answered,
        hits: summary.hits,
        complete: summary.asked == summary.answered,
    }
}

pub(super) fn quarantined(row: Quarantined) -> wire::QuarantinedRecord {
    wire::QuarantinedRecord {
        peer: row.peer.to_string(),
        index: row.index,
        content_id: row.content_id.map(|content| content.as_bytes().to_vec()).unwrap_or_default(),
        time_ms: row.time.ms(),
        code: row.code,
        reason: row.reason,
    }
}

pub(super) fn peer(status: PeerStatus) -> wire::PeerView {
    let PeerStatus { entry, following, held, quarantined, release_log, cut_off, comparison, acceptance } = status;
    let descriptor = &entry.descriptor;
    let state = match entry.row.state {
        PeerState::Pending => wire::PeerState::Pending,
        PeerState::Approved => wire::PeerState::Approved,
        PeerState::Frozen => wire::PeerState::Frozen,
        PeerState::Suspended => wire::PeerState::Suspended,
    };
    let (last_error, last_error_at) = following.last_error.unzip();
    let (descriptor_fault, descriptor_fault_at) = comparison.last_descriptor_fault.unzip();
    let approval = entry.row.approval.as_ref();
    wire::PeerView {
        participant: entry.row.participant.to_string(),
        unit: descriptor.message().unit.clone(),
        state: state.into(),
        descriptor_version: descriptor.version(),
        descriptor_hash: descriptor.content_id().as_bytes().to_vec(),
        endpoints: descriptor.endpoints().iter().map(|at| format!("{}:{}", at.host, at.port)).collect(),
        following: Some(wire::Following {
            connected: following.connected,
            held,
            size: following.size.max(held),
            quarantined,
            last_contact_ms: ms(following.last_contact),
            last_error: last_error.unwrap_or_default(),
            last_error_ms: ms(last_error_at),
        }),
        release_log_size: release_log.0,
        release_log_sent: release_log.1,
        approved_by: approval.map(|approval| approval.by.clone()).unwrap_or_default(),
        approved_ms: ms(approval.map(|approval| approval.at)),
        approved_channel: approval.map(|approval| approval.channel.clone()).unwrap_or_default(),
        cut_off_until_ms: ms(cut_off.as_ref().map(|cut_off| cut_off.until)),
        cut_off_reason: cut_off.map(|cut_off| cut_off.reason).unwrap_or_default(),
        contact: descriptor.message().contact.as_ref().map(contact).unwrap_or_default(),
        standing_reason: entry.row.stopped.map(|stopped| stopped.reason).unwrap_or_default(),
        refreshed_ms: ms(comparison.refreshed),
        freshness: freshness(comparison.freshness).into(),
        acknowledged_version: comparison.acknowledged,
        clock_skew_ms: comparison.clock_skew_ms,
        acceptance: acceptance.unwrap_or_default(),
        descriptor_fault: descriptor_fault.unwrap_or_default(),
        descriptor_fault_ms: ms(descriptor_fault_at),
    }
}

fn freshness(freshness: Freshness) -> wire::Freshness {
    match freshness {
        Freshness::Fresh => wire::Freshness::Fresh,
        Freshness::Ageing => wire::Freshness::Ageing,
        Freshness::Stale => wire::Freshness::Stale,
    }
}

fn contact(contact: &selat_record::pb::Contact) -> String {
    let parts = [&contact.title, &contact.phone, &contact.email, &contact.hours];
    parts.into_iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join(", ")
}

/// Milliseconds, 0 for none.
pub(super) fn ms(time: Option<Timestamp>) -> i64 {
    time.map_or(0, Timestamp::ms)
}
