//! Measurements for monitoring systems, as OpenMetrics text.
//!
//! Promises: labels are purposes, kinds, states and the codes of participants: nothing that records say, no officer, no
//! key. What is not known is left out, not zero. Made anew for every reader from the same facts as the doctor's.
//! Leaves out: who may read them (the desk asks policy, the listener of [`http`] has its address).

pub mod http;
mod sheet;

use selat_record::Timestamp;

use crate::doctor::{Facts, Finding, KeyFact, Level, Opened, PeerFacts, PeerStanding};
use sheet::{Labels, SECONDS, Sheet, bytes, labels};

/// What is measured beside the facts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Current versions of own records.
    pub own_records: u64,
    /// Current versions of records of peers.
    pub peer_records: u64,
    /// Entries of the audit log.
    pub audit_log: u64,
    /// TLS handshakes refused before a peer was known, since the start.
    pub handshakes_refused: u64,
}

/// All measurements at `now`.
pub fn text(facts: &Facts, findings: &[Finding], counts: &Counts, now: Timestamp) -> String {
    let mut sheet = Sheet::new();
    node(&mut sheet, facts, findings, counts);
    keys(&mut sheet, facts, now);
    certificates(&mut sheet, facts, now);
    descriptors(&mut sheet, facts, now);
    peers(&mut sheet, facts, now);
    store(&mut sheet, facts, counts);
    backup(&mut sheet, facts, now);
    sheet.text()
}

fn node(sheet: &mut Sheet, facts: &Facts, findings: &[Finding], counts: &Counts) {
    sheet.info("build", "What runs", labels([("version", env!("CARGO_PKG_VERSION"))]));
    let started = facts.started.map(|started| (Labels::new(), seconds_of(started)));
    sheet.gauge("start_time", "When the node started, since 1970", SECONDS, started);
    let of_level = |level: Level, name| {
        let count = findings.iter().filter(|finding| finding.level == level).count();
        (labels([("level", name)]), number(count))
    };
    let levels = [of_level(Level::Warning, "warning"), of_level(Level::Critical, "critical")];
    sheet.gauge("doctor_findings", "What selat doctor finds", None, levels);
    sheet.counter("handshakes_refused", "TLS handshakes refused before a peer was known", counts.handshakes_refused);
}

fn keys(sheet: &mut Sheet, facts: &Facts, now: Timestamp) {
    let purpose = |key: &KeyFact| labels([("purpose", key.purpose_word())]);
    let ends = facts.keys.keys.iter().filter(|key| key.in_use || key.is_active_root());
    let ends = ends.filter_map(|key| Some((purpose(key), until(key.valid_until?, now))));
    sheet.lowest("key_expiry", "Until the end of the key in use, and of the first root to end", SECONDS, ends);
    let pending = facts.keys.keys.iter().filter(|key| key.is_pending()).map(|key| (purpose(key), 1.0));
    sheet.gauge("key_successor_pending", "A successor is announced and not active yet", None, pending);
    let faults = number(facts.keys.faults.len());
    sheet.gauge("key_file_faults", "Key files that cannot be used as they are", None, [(Labels::new(), faults)]);
}

fn certificates(sheet: &mut Sheet, facts: &Facts, now: Timestamp) {
    let certificates = &facts.certificates;
    let kind = |kind, end: Timestamp| (labels([("kind", kind)]), until(end, now));
    let leaf = certificates.leaf.map(|(_, end)| kind("leaf", end));
    let officers = certificates.officer_authority.map(|end| kind("officer_authority", end));
    let authorities = certificates.authorities.iter().map(|(_, end)| kind("authority", *end));
    let ends = leaf.into_iter().chain(officers).chain(authorities);
    sheet.lowest("certificate_expiry", "Until the first certificate of its kind ends", SECONDS, ends);
    let failed = if certificates.renewal_failure.is_some() { 1.0 } else { 0.0 };
    let help = "The last renewal of the node's certificate failed";
    sheet.gauge("certificate_renewal_failed", help, None, [(Labels::new(), failed)]);
}

fn descriptors(sheet: &mut Sheet, facts: &Facts, now: Timestamp) {
    let own = &facts.descriptor;
    let ends = own.expires.map(|end| (Labels::new(), until(end, now)));
    sheet.gauge("own_descriptor_expiry", "Until our descriptor ends", SECONDS, ends);
    sheet.gauge("own_descriptor_version", "Its number", None, [(Labels::new(), float(own.version))]);
    let each = |value: &dyn Fn(&PeerFacts) -> Option<f64>| -> Vec<(Labels, f64)> {
        approved(facts).filter_map(|peer| Some((of(peer), value(peer)?))).collect()
    };
    let version = each(&|peer| Some(float(peer.descriptor_version)));
    sheet.gauge("descriptor_version", "Number of the peer's descriptor in force here", None, version);
    let age = each(&|peer| Some(now.since(peer.descriptor_created).as_secs_f64()));
    sheet.gauge("descriptor_age", "Since the peer's descriptor was made", SECONDS, age);
    let expiry = each(&|peer| peer.descriptor_expires.map(|end| until(end, now)));
    sheet.gauge("descriptor_expiry", "Until the peer's descriptor ends", SECONDS, expiry);
    let refreshed = each(&|peer| peer.refreshed.map(|at| now.since(at).as_secs_f64()));
    let help = "Since the peer's descriptor was last confirmed to be its newest";
    sheet.gauge("descriptor_refresh_age", help, SECONDS, refreshed);
    let acknowledged = each(&|peer| Some(float(peer.acknowledged)));
    sheet.gauge("descriptor_acknowledged_version", "Our version that the peer holds", None, acknowledged);
    let frozen = facts.peers.iter().filter(|peer| peer.standing == PeerStanding::Frozen).count();
    let help = "Participants frozen because they signed two descriptors under one number";
    sheet.gauge("equivocation_alarms", help, None, [(Labels::new(), number(frozen))]);
}

fn peers(sheet: &mut Sheet, facts: &Facts, now: Timestamp) {
    let standings = PeerStanding::ALL.map(|standing| {
        let count = facts.peers.iter().filter(|peer| peer.standing == standing).count();
        (labels([("state", standing.as_str())]), number(count))
    });
    sheet.gauge("peers", "Peers by how they stand with us", None, standings);
    let each = |value: &dyn Fn(&PeerFacts) -> Option<f64>| -> Vec<(Labels, f64)> {
        approved(facts).filter_map(|peer| Some((of(peer), value(peer)?))).collect()
    };
    let skew =
        each(&|peer| peer.clock_skew_ms.map(|skew_ms| f64::from(i32::try_from(skew_ms).unwrap_or(i32::MAX)) / 1e3));
    sheet.gauge("peer_clock_skew", "The peer's clock minus ours at the last hello", SECONDS, skew);
    let connected = each(&|peer| Some(f64::from(u8::from(peer.connected))));
    sheet.gauge("peer_connected", "The peer's release log is followed now", None, connected);
    let contact = each(&|peer| peer.last_contact.map(|at| now.since(at).as_secs_f64()));
    sheet.gauge("peer_contact_age", "Since anything came from the peer", SECONDS, contact);
    let cut_off = each(&|peer| Some(f64::from(u8::from(peer.cut_off.is_some()))));
    sheet.gauge("peer_cut_off", "The peer is cut off for misbehaving", None, cut_off);
    let lag = each(&|peer| Some(float(peer.lag)));
    sheet.gauge("follow_lag_entries", "Entries of the peer's log that are not here yet", None, lag);
    let unsent = each(&|peer| Some(float(peer.unsent)));
    sheet.gauge("release_unsent_entries", "Entries of our log that were not sent since the start", None, unsent);
    let quarantined = each(&|peer| Some(float(peer.quarantined)));
    sheet.gauge("quarantined_entries", "Entries of the peer that could not be accepted", None, quarantined);
}

fn store(sheet: &mut Sheet, facts: &Facts, counts: &Counts) {
    let own = (labels([("origin", "own")]), float(counts.own_records));
    let theirs = (labels([("origin", "peers")]), float(counts.peer_records));
    sheet.gauge("records", "Records held, current versions only", None, [own, theirs]);
    sheet.gauge("audit_log_entries", "Entries of the audit log", None, [(Labels::new(), float(counts.audit_log))]);
    let lag = float(facts.store.index_lag);
    sheet.gauge("index_lag_records", "Records that the search index lacks", None, [(Labels::new(), lag)]);
    if let Opened::Yes(taken) = facts.store.opened {
        sheet.gauge("store", "Room that the store takes", bytes(), [(Labels::new(), float(taken))]);
    }
    let disk = facts.store.disk;
    let free = disk.map(|disk| (Labels::new(), float(disk.free)));
    sheet.gauge("disk_free", "Room left on the store's disk", bytes(), free);
    let total = disk.map(|disk| (Labels::new(), float(disk.total)));
    sheet.gauge("disk_total", "Size of the store's disk", bytes(), total);
}

fn backup(sheet: &mut Sheet, facts: &Facts, now: Timestamp) {
    let (backup, drill) = facts.backup.ages(now);
    let age = |age: Option<std::time::Duration>| age.map(|age| (Labels::new(), age.as_secs_f64()));
    sheet.gauge("key_backup_age", "Since the keys were last backed up", SECONDS, age(backup));
    sheet.gauge("key_drill_age", "Since a backup of the keys was last tried", SECONDS, age(drill));
}

fn approved(facts: &Facts) -> impl Iterator<Item = &PeerFacts> {
    facts.peers.iter().filter(|peer| peer.standing == PeerStanding::Approved)
}

fn of(peer: &PeerFacts) -> Labels {
    labels([("peer", peer.peer.as_str())])
}

/// Seconds until `end`; negative once it has passed.
fn until(end: Timestamp, now: Timestamp) -> f64 {
    seconds_of(end) - seconds_of(now)
}

#[allow(clippy::cast_precision_loss, reason = "milliseconds until the year 9999 fit into 53 bits")]
fn seconds_of(at: Timestamp) -> f64 {
    at.ms() as f64 / 1e3
}

#[allow(clippy::cast_precision_loss, reason = "a count beyond 2^53 loses its last digits and nothing else")]
fn float(count: u64) -> f64 {
    count as f64
}

fn number(count: usize) -> f64 {
    float(u64::try_from(count).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
