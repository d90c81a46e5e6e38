//! Facts of a node that lacks nothing, for tests that take something away.

use selat_record::Timestamp;
use selat_record::pb::{KeyPurpose, KeyStatus};

use super::facts::{
    BackupFacts, CertificateFacts, ClockFacts, DescriptorFacts, DiskFacts, Facts, KeyFact, KeyFacts, Opened, PeerFacts,
    PeerStanding, StoreFacts,
};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// The moment `ms` after the present of these tests.
pub(crate) fn at(ms: i64) -> Timestamp {
    Timestamp::from_ms(1_800_000_000_000 + ms).unwrap()
}

/// A node of AUS with the peers IDN and MYS.
pub(crate) fn healthy() -> Facts {
    let keys = vec![
        key("record-11111111", KeyPurpose::Record),
        key("query-22222222", KeyPurpose::Query),
        key("log-33333333", KeyPurpose::Log),
        key("tls-ca-44444444", KeyPurpose::TlsCa),
        KeyFact { held: None, in_use: false, ..key("root-55555555", KeyPurpose::Root) },
    ];
    let names = keys.iter().map(|key| key.name.clone()).collect();
    Facts {
        participant: "AUS".parse().unwrap(),
        started: Some(at(-DAY)),
        clock: ClockFacts { high_water: Some(at(-1)) },
        keys: KeyFacts {
            custody: "files, passphrase".into(),
            plain: false,
            faults: Vec::new(),
            not_looked: None,
            keys,
            roots_here: Vec::new(),
        },
        certificates: CertificateFacts {
            leaf: Some((at(-DAY), at(2 * DAY))),
            renewal_failure: None,
            authorities: vec![("tls-ca-44444444".into(), at(900 * DAY))],
            officer_authority: Some(at(900 * DAY)),
        },
        descriptor: DescriptorFacts {
            version: 3,
            created: at(-10 * DAY),
            expires: Some(at(300 * DAY)),
            in_file: Ok(3),
            file: "/etc/selat/descriptor.selat".into(),
        },
        peers: vec![peer("IDN"), peer("MYS")],
        store: StoreFacts {
            folder: "/var/lib/selat/store".into(),
            opened: Opened::Yes(7_000_000),
            index_lag: 0,
            disk: Some(DiskFacts { free: 60 << 30, total: 100 << 30 }),
        },
        backup: BackupFacts { backup: Some((at(-DAY), names)), drill: Some(at(-HOUR)) },
    }
}

fn key(name: &str, purpose: KeyPurpose) -> KeyFact {
    let status = Some(KeyStatus::Active);
    KeyFact { name: name.into(), purpose, status, valid_until: Some(at(400 * DAY)), held: Some(true), in_use: true }
}

fn peer(name: &str) -> PeerFacts {
    PeerFacts {
        peer: name.parse().unwrap(),
        standing: PeerStanding::Approved,
        standing_reason: String::new(),
        connected: true,
        last_contact: Some(at(-1000)),
        last_error: None,
        descriptor_fault: None,
        lag: 2,
        quarantined: 0,
        unsent: 1,
        cut_off: None,
        clock_skew_ms: Some(-250),
        descriptor_version: 5,
        descriptor_created: at(-20 * DAY),
        descriptor_expires: Some(at(300 * DAY)),
        refreshed: Some(at(-HOUR)),
        acknowledged: 3,
    }
}
