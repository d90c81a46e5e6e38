//! Small records for the tests. The persons in them are made up.

use selat_record::pb::{self, record::Body};
use selat_record::{ContentId, ParticipantId, Record, RecordId, Timestamp};

use crate::Entry;

const NOW_MS: i64 = 1_700_000_000_000;

/// A record id that is greater for a greater number.
pub(crate) fn id(number: u32) -> RecordId {
    let mut random = [0; 10];
    random[6..].copy_from_slice(&number.to_be_bytes());
    RecordId::mint(Timestamp::from_ms(NOW_MS).unwrap(), random)
}

pub(crate) fn participant(code: &str) -> ParticipantId {
    code.parse().unwrap()
}

/// A record to be spelt out by its builder methods.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) number: u32,
    pub(crate) version: u32,
    pub(crate) originator: &'static str,
    pub(crate) hidden_from: Option<&'static str>,
    pub(crate) body: Body,
}

impl Made {
    pub(crate) fn of(number: u32, body: Body) -> Self {
        Self { number, version: 1, originator: "AUS", hidden_from: None, body }
    }

    pub(crate) fn entry(&self) -> Entry {
        Entry::of(&Record::check(self.message()).unwrap(), self.content_id())
    }

    /// Of two records the one with the greater number has the lesser content id: their order is not that of record ids.
    pub(crate) fn content_id(&self) -> ContentId {
        let mut digest = [u8::try_from(self.version).unwrap(); 32];
        digest[..4].copy_from_slice(&(!self.number).to_be_bytes());
        ContentId::new(digest)
    }

    fn message(&self) -> pb::Record {
        let first = self.version == 1;
        pb::Record {
            header: Some(pb::Header {
                federation: "demo".into(),
                issuer: self.originator.into(),
                audience: "*".into(),
                id: id(0).as_bytes().to_vec(),
                created_ms: NOW_MS,
                expires_ms: NOW_MS + 1,
                descriptor_version: 1,
            }),
            record_id: id(self.number).as_bytes().to_vec(),
            version: self.version,
            replaces: if first { vec![] } else { vec![9; 32] },
            amendment_reason: if first { String::new() } else { "better spelling".into() },
            evaluation: Some(pb::Evaluation { scheme: 1, reliability: "B".into(), credibility: "2".into() }),
            handling: Some(pb::Handling {
                releasable_to: Some(pb::Audience { kind: 2, participants: vec!["NZL".into()] }),
                purposes: vec![1],
                onward: 1,
                tlp: 3,
                sensitivity: 1,
                ..Default::default()
            }),
            protection: self
                .hidden_from
                .map(|state| pb::Protection { kinds: vec![1], hidden_from: vec![state.to_owned()] }),
            body: Some(self.body.clone()),
            ..Default::default()
        }
    }
}

pub(crate) fn date(year: u32, month: u32, day: u32) -> pb::PartialDate {
    pb::PartialDate { year, month, day, approximate: false }
}

pub(crate) fn person(names: &[&str], nationality: &str, birth: Option<pb::PartialDate>, document: &str) -> Body {
    let name = |text: &&str| pb::PersonName { text: (*text).to_owned(), kind: 1, ..Default::default() };
    let document = pb::DocumentReference { r#type: 1, number: document.into(), issuer: String::new() };
    Body::Person(pb::Person {
        names: names.iter().map(name).collect(),
        birth,
        nationalities: Some(nationality.to_owned()).filter(|code| !code.is_empty()).into_iter().collect(),
        documents: Some(document).filter(|document| !document.number.is_empty()).into_iter().collect(),
        roles: vec![1],
        ..Default::default()
    })
}

pub(crate) fn vessel(name: &str, flag: &str, imo: &str) -> Body {
    Body::Conveyance(pb::Conveyance {
        kind: 1,
        names: vec![name.into()],
        flag: flag.into(),
        imo: imo.into(),
        ..Default::default()
    })
}

pub(crate) fn incident(country: &str, from: pb::PartialDate, until: Option<pb::PartialDate>) -> Body {
    Body::Incident(pb::Incident {
        kind: 2,
        when: Some(pb::When { from: Some(from), until, ..Default::default() }),
        place: Some(pb::Place { country: country.into(), ..Default::default() }),
        ..Default::default()
    })
}
