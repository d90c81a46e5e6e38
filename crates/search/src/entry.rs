//! One record as the index holds it: what it can be found by, and the conditions that decide who may find it.

use selat_matching::{NameKey, document_key, identifier_key, name_key};
use selat_record::{ContentId, DateSpan, Handling, ParticipantId, Protection, Record, RecordId, RecordKind, Timestamp};

use crate::postings::Term;

/// The searchable facts of one record version. Holds no other content.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    record_id: RecordId,
    originator: ParticipantId,
    version: u32,
    content_id: ContentId,
    kind: RecordKind,
    handling: Handling,
    protection: Option<Protection>,
    valid_until: Option<Timestamp>,
    pub(crate) names: Vec<NameKey>,
    pub(crate) documents: Vec<String>,
    pub(crate) identifiers: Vec<String>,
    pub(crate) countries: Vec<String>,
    pub(crate) dates: Vec<DateSpan>,
}

impl Entry {
    /// The entry of `record`, whose envelope has this content id.
    pub fn of(record: &Record, content_id: ContentId) -> Self {
        let facts = record.searchable();
        Self {
            record_id: record.id(),
            originator: record.originator().clone(),
            version: record.version(),
            content_id,
            kind: record.kind(),
            handling: record.handling().clone(),
            protection: record.protection().cloned(),
            valid_until: record.valid_until(),
            names: facts.names.iter().map(|name| name_key(name)).filter(|key| !key.is_empty()).collect(),
            documents: keys(facts.document_numbers.iter().map(|number| document_key(number))),
            identifiers: keys(facts.conveyance_identifiers.iter().map(|number| identifier_key(number))),
            countries: keys(facts.countries.iter().map(|code| (*code).to_owned())),
            dates: facts.dates,
        }
    }

    /// Which record.
    pub fn record_id(&self) -> RecordId {
        self.record_id
    }

    /// Who made it.
    pub fn originator(&self) -> &ParticipantId {
        &self.originator
    }

    /// Which version of it.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The content id of that version's envelope.
    pub fn content_id(&self) -> ContentId {
        self.content_id
    }

    /// What it is about.
    pub fn kind(&self) -> RecordKind {
        self.kind
    }

    /// The conditions that travel with it.
    pub fn handling(&self) -> &Handling {
        &self.handling
    }

    /// From whom it is hidden; missing: not protected.
    pub fn protection(&self) -> Option<&Protection> {
        self.protection.as_ref()
    }

    /// Until when it may be used; missing: no end.
    pub fn valid_until(&self) -> Option<Timestamp> {
        self.valid_until
    }

    /// All terms under which the entry is posted.
    pub(crate) fn terms(&self) -> Vec<Term> {
        let words = self.names.iter().flat_map(NameKey::words).cloned().map(Term::Word);
        let documents = self.documents.iter().cloned().map(Term::Document);
        let identifiers = self.identifiers.iter().cloned().map(Term::Identifier);
        let countries = self.countries.iter().cloned().map(|code| Term::Country(self.kind, code));
        words.chain(documents).chain(identifiers).chain(countries).collect()
    }
}

/// Keys ascending, each once; an empty key would find everything that has none.
fn keys(keys: impl Iterator<Item = String>) -> Vec<String> {
    let mut keys: Vec<String> = keys.filter(|key| !key.is_empty()).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}
