//! One finding of the doctor.

use selat_record::ParticipantId;
use selat_wire::desk as wire;

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Area {
    /// The configuration file.
    Configuration,
    /// Our clock and those of the peers.
    Clock,
    /// Keys and their files.
    Keys,
    /// TLS certificates and authorities.
    Certificates,
    /// Our descriptors and those of the peers.
    Descriptors,
    /// Traffic with the peers.
    Peers,
    /// The store and its disk.
    Store,
    /// Backups of the keys.
    Backup,
}

impl Area {
    /// All areas, in the order in which they are told.
    pub const ALL: [Self; 8] = [
        Self::Configuration,
        Self::Clock,
        Self::Keys,
        Self::Certificates,
        Self::Descriptors,
        Self::Peers,
        Self::Store,
        Self::Backup,
    ];

    /// Its name on the wire and for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Clock => "clock",
            Self::Keys => "keys",
            Self::Certificates => "certificates",
            Self::Descriptors => "descriptors",
            Self::Peers => "peers",
            Self::Store => "store",
            Self::Backup => "backup",
        }
    }
}

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// In order.
    Ok,
    /// Works, and needs a person before long.
    Warning,
    /// Does not work, or soon will not.
    Critical,
}

/// One thing that was looked at, and what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is about.
    pub area: Area,
    /// How much it matters.
    pub level: Level,
    /// The peer that it is about, if it is about one.
    pub peer: Option<ParticipantId>,
    /// One line.
    pub what: String,
    /// The command that mends it; empty when all is well.
    pub mend: String,
}

impl Finding {
    pub(crate) fn ok(area: Area, what: impl Into<String>) -> Self {
        Self { area, level: Level::Ok, peer: None, what: what.into(), mend: String::new() }
    }

    pub(crate) fn warning(area: Area, what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::of_level(Level::Warning, area, what, mend)
    }

    pub(crate) fn critical(area: Area, what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::of_level(Level::Critical, area, what, mend)
    }

    pub(crate) fn of_level(level: Level, area: Area, what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { area, level, peer: None, what: what.into(), mend: mend.into() }
    }

    pub(crate) fn about(self, peer: &ParticipantId) -> Self {
        Self { peer: Some(peer.clone()), ..self }
    }
}

impl From<Finding> for wire::Finding {
    fn from(finding: Finding) -> Self {
        let level = match finding.level {
            Level::Ok => wire::FindingLevel::Ok,
            Level::Warning => wire::FindingLevel::Warning,
            Level::Critical => wire::FindingLevel::Critical,
        };
        Self {
            area: finding.area.as_str().to_owned(),
            level: level.into(),
            what: finding.what,
            mend: finding.mend,
            peer: finding.peer.map(|peer| peer.to_string()).unwrap_or_default(),
        }
    }
}
