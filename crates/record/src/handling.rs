//! The conditions that travel with a record: who may have it, for which purposes, and what comes with it.

use std::collections::BTreeSet;
use std::fmt;

use crate::evaluation::ActionMinimum;
use crate::ids::ParticipantId;
use crate::pb::{self, AudienceKind, EuropolCode, ObligationKind, Onward, Purpose, Tlp};
use crate::spot::{self, Spot};
use crate::{Faults, participants};

/// Gravest sensitivity.
const SENSITIVITY_MAX: u32 = 5;
/// Longest time after which a recipient can be obliged to delete.
const DELETE_AFTER_DAYS_MAX: u32 = 3650;

/// Who may have a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// It stays with its originator.
    Nobody,
    /// These participants, at least one.
    Named(BTreeSet<ParticipantId>),
    /// Every approved peer.
    All,
}

impl Audience {
    /// Checks an audience that stands at `path` in its message.
    pub fn check(message: &pb::Audience, path: &str) -> Result<Self, Faults> {
        spot::check(path, |at| Self::read(at, message))
    }

    /// The audience as a record carries it.
    pub fn to_message(&self) -> pb::Audience {
        let (kind, participants) = match self {
            Self::Nobody => (AudienceKind::Nobody, Vec::new()),
            Self::Named(named) => (AudienceKind::Named, named.iter().map(ToString::to_string).collect()),
            Self::All => (AudienceKind::All, Vec::new()),
        };
        pb::Audience { kind: kind.into(), participants }
    }

    /// Whoever is in either.
    pub fn union(self, other: Self) -> Self {
        match (self, other) {
            (Self::All, _) | (_, Self::All) => Self::All,
            (Self::Nobody, only) | (only, Self::Nobody) => only,
            (Self::Named(one), Self::Named(other)) => Self::Named(one.union(&other).cloned().collect()),
        }
    }

    fn read(at: &Spot<'_>, message: &pb::Audience) -> Option<Self> {
        let kind = at.field("kind").choice(message.kind)?;
        let listed = at.field("participants");
        if kind != AudienceKind::Named && !message.participants.is_empty() {
            listed.fault("is only for an audience of named participants");
        }
        match kind {
            AudienceKind::Nobody => Some(Self::Nobody),
            AudienceKind::All => Some(Self::All),
            AudienceKind::Named => participants::read_set(&listed, &message.participants).map(Self::Named),
            AudienceKind::Unspecified => None,
        }
    }
}

impl fmt::Display for Audience {
    /// `nobody`, `all`, or the participants with commas between.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nobody => f.write_str("nobody"),
            Self::All => f.write_str("all"),
            Self::Named(named) => {
                let names: Vec<_> = named.iter().map(ParticipantId::as_str).collect();
                f.write_str(&names.join(", "))
            }
        }
    }
}

/// What a recipient must do with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obligation {
    /// Confirm with the originator before acting.
    ConfirmBeforeActing,
    /// Contact the originator's desk first.
    ContactDeskFirst,
    /// Delete it so many days after receiving it, 1 to 3650.
    DeleteAfterDays(u16),
}

impl Obligation {
    /// The obligation as a record carries it.
    pub fn to_message(self) -> pb::Obligation {
        let (kind, days) = match self {
            Self::ConfirmBeforeActing => (ObligationKind::ConfirmBeforeActing, 0),
            Self::ContactDeskFirst => (ObligationKind::ContactDeskFirst, 0),
            Self::DeleteAfterDays(days) => (ObligationKind::DeleteAfterDays, u32::from(days)),
        };
        pb::Obligation { kind: kind.into(), days }
    }

    fn read(at: &Spot<'_>, message: &pb::Obligation) -> Option<Self> {
        let kind = at.field("kind").choice(message.kind)?;
        let days = at.field("days");
        if kind == ObligationKind::DeleteAfterDays {
            days.within(message.days, 1..=DELETE_AFTER_DAYS_MAX);
        } else if message.days != 0 {
            days.fault("is only for deletion after days");
        }
        match kind {
            ObligationKind::ConfirmBeforeActing => Some(Self::ConfirmBeforeActing),
            ObligationKind::ContactDeskFirst => Some(Self::ContactDeskFirst),
            ObligationKind::DeleteAfterDays => u16::try_from(message.days).ok().map(Self::DeleteAfterDays),
            ObligationKind::Unspecified => None,
        }
    }
}

/// The conditions that travel with a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handling {
    releasable_to: Audience,
    purposes: Vec<Purpose>,
    onward: Onward,
    tlp: Tlp,
    europol_codes: Vec<EuropolCode>,
    sensitivity: u8,
    action_minimum: Option<ActionMinimum>,
    obligations: Vec<Obligation>,
    hit_only: bool,
    caveat: String,
}

impl Handling {
    /// Checks handling that stands at `path` in its message.
    pub fn check(message: &pb::Handling, path: &str) -> Result<Self, Faults> {
        spot::check(path, |at| Self::read(at, message))
    }

    /// Who may have the record.
    pub fn releasable_to(&self) -> &Audience {
        &self.releasable_to
    }

    /// What it may be used for, ascending, at least one.
    pub fn purposes(&self) -> &[Purpose] {
        &self.purposes
    }

    /// Whether a recipient may pass it on.
    pub fn onward(&self) -> Onward {
        self.onward
    }

    /// Its Traffic Light Protocol label.
    pub fn tlp(&self) -> Tlp {
        self.tlp
    }

    /// Its Europol handling codes, ascending.
    pub fn europol_codes(&self) -> &[EuropolCode] {
        &self.europol_codes
    }

    /// 1 (routine) to 5 (gravest).
    pub fn sensitivity(&self) -> u8 {
        self.sensitivity
    }

    /// The grades below which nobody acts on it.
    pub fn action_minimum(&self) -> Option<&ActionMinimum> {
        self.action_minimum.as_ref()
    }

    /// What a recipient must do, each kind once.
    pub fn obligations(&self) -> &[Obligation] {
        &self.obligations
    }

    /// Whether a peer that may see it learns only that there is something, and whom to contact.
    pub fn hit_only(&self) -> bool {
        self.hit_only
    }

    /// Words for the reader; may be empty.
    pub fn caveat(&self) -> &str {
        &self.caveat
    }

    /// The conditions as a record carries them.
    pub fn to_message(&self) -> pb::Handling {
        pb::Handling {
            releasable_to: Some(self.releasable_to.to_message()),
            purposes: self.purposes.iter().map(|purpose| i32::from(*purpose)).collect(),
            onward: self.onward.into(),
            tlp: self.tlp.into(),
            europol_codes: self.europol_codes.iter().map(|code| i32::from(*code)).collect(),
            sensitivity: u32::from(self.sensitivity),
            action_minimum: self.action_minimum.map(ActionMinimum::to_message),
            obligations: self.obligations.iter().map(|obligation| obligation.to_message()).collect(),
            hit_only: self.hit_only,
            caveat: self.caveat.clone(),
        }
    }

    pub(crate) fn read(at: &Spot<'_>, message: &pb::Handling) -> Option<Self> {
        let audience = at.field("releasable_to");
        let releasable_to =
            audience.required(message.releasable_to.as_ref()).and_then(|message| Audience::read(&audience, message));
        let purposes = at.field("purposes").choices(&message.purposes, 1..=6);
        let onward = at.field("onward").choice(message.onward);
        let tlp = at.field("tlp").choice(message.tlp);
        let europol_codes = at.field("europol_codes").choices(&message.europol_codes, 0..=4);
        at.field("sensitivity").within(message.sensitivity, 1..=SENSITIVITY_MAX);
        let action_minimum = read_minimum(&at.field("action_minimum"), message.action_minimum.as_ref());
        let obligations = read_obligations(&at.field("obligations"), &message.obligations);
        check_caveat(&at.field("caveat"), message);
        Some(Self {
            releasable_to: releasable_to?,
            purposes: purposes?,
            onward: onward?,
            tlp: tlp?,
            europol_codes: europol_codes?,
            sensitivity: u8::try_from(message.sensitivity).ok()?,
            action_minimum: action_minimum?,
            obligations: obligations?,
            hit_only: message.hit_only,
            caveat: message.caveat.clone(),
        })
    }
}

/// `Some(None)`: there is no minimum. `None`: there was a fault in it.
fn read_minimum(at: &Spot<'_>, message: Option<&pb::ActionMinimum>) -> Option<Option<ActionMinimum>> {
    match message {
        None => Some(None),
        Some(message) => ActionMinimum::read(at, message).map(Some),
    }
}

fn read_obligations(at: &Spot<'_>, messages: &[pb::Obligation]) -> Option<Vec<Obligation>> {
    let kinds: Vec<i32> = messages.iter().map(|message| message.kind).collect();
    at.ascending(&kinds);
    at.read_each(messages, 0..=3, Obligation::read)
}

fn check_caveat(at: &Spot<'_>, message: &pb::Handling) {
    at.text(&message.caveat, 0..=500);
    if message.caveat.is_empty() && message.europol_codes.contains(&EuropolCode::H3.into()) {
        at.fault("is empty, but Europol code H3 refers to it");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    /// Changes a good handling and compares what is found.
    fn check(change: impl FnOnce(&mut pb::Handling), expected: &str) {
        let mut message = sample::handling();
        change(&mut message);
        let found = Handling::check(&message, "handling").err().map(|faults| faults.to_string()).unwrap_or_default();
        assert_eq!(found, expected);
    }

    fn audience(kind: AudienceKind, participants: &[&str]) -> Option<pb::Audience> {
        let participants = participants.iter().map(|id| (*id).to_owned()).collect();
        Some(pb::Audience { kind: kind.into(), participants })
    }

    #[test]
    fn good_handling_survives_the_way_through_its_type() {
        check(|_| (), "");
        let message = sample::handling();
        assert_eq!(Handling::check(&message, "").unwrap().to_message(), message);
    }

    #[test]
    fn audience_is_stated_and_named_one_by_one() {
        use AudienceKind::{All, Named, Nobody, Unspecified};
        for (audience, expected) in [
            (None, "handling.releasable_to: is missing"),
            (audience(Unspecified, &[]), "handling.releasable_to.kind: is not given"),
            (audience(Nobody, &[]), ""),
            (audience(All, &[]), ""),
            (
                audience(All, &["AUS"]),
                "handling.releasable_to.participants: is only for an audience of named participants",
            ),
            (audience(Named, &[]), "handling.releasable_to.participants: is empty"),
            (audience(Named, &["AUS", "IDN"]), ""),
            (
                audience(Named, &["IDN", "AUS"]),
                "handling.releasable_to.participants[1]: is not in ascending order, each once",
            ),
            (
                audience(Named, &["aus"]),
                "handling.releasable_to.participants[0]: \"aus\" is not 2 to 12 upper-case letters or digits, as AUS \
                 or UNHCR",
            ),
        ] {
            check(|handling| handling.releasable_to = audience, expected);
        }
    }

    #[test]
    fn each_condition_is_stated_in_its_bounds() {
        check(|h| h.purposes.clear(), "handling.purposes: is empty");
        check(|h| h.purposes = vec![3, 1], "handling.purposes[1]: is not in ascending order, each once");
        check(|h| h.purposes = vec![7], "handling.purposes[0]: 7 is not a value that the schema lists");
        check(|h| h.onward = 0, "handling.onward: is not given");
        check(|h| h.tlp = 6, "handling.tlp: 6 is not a value that the schema lists");
        check(|h| h.sensitivity = 0, "handling.sensitivity: 0 is not 1 to 5");
        check(|h| h.sensitivity = 257, "handling.sensitivity: 257 is not 1 to 5");
        check(|h| h.caveat = "x".repeat(501), "handling.caveat: has 501 characters, at most 500 are allowed");
        check(
            |h| h.action_minimum = Some(pb::ActionMinimum { reliability: "F".into(), credibility: "2".into() }),
            "handling.action_minimum.reliability: \"F\" (cannot be judged) is not a minimum",
        );
    }

    #[test]
    fn h3_needs_a_caveat() {
        let h3 = |caveat: &str| {
            let caveat = caveat.to_owned();
            move |h: &mut pb::Handling| (h.europol_codes, h.caveat) = (vec![EuropolCode::H3.into()], caveat)
        };
        check(h3("not before 1 May"), "");
        check(h3(""), "handling.caveat: is empty, but Europol code H3 refers to it");
    }

    #[test]
    fn obligations_come_in_order_with_days_only_for_deletion() {
        let listed = |rows: &[(i32, u32)]| {
            let obligations = rows.iter().map(|(kind, days)| pb::Obligation { kind: *kind, days: *days }).collect();
            move |h: &mut pb::Handling| h.obligations = obligations
        };
        check(listed(&[(1, 0), (3, 3650)]), "");
        check(listed(&[(3, 0)]), "handling.obligations[0].days: 0 is not 1 to 3650");
        check(listed(&[(3, 3651)]), "handling.obligations[0].days: 3651 is not 1 to 3650");
        check(listed(&[(3, 70_000)]), "handling.obligations[0].days: 70000 is not 1 to 3650");
        check(listed(&[(2, 1)]), "handling.obligations[0].days: is only for deletion after days");
        check(listed(&[(2, 0), (1, 0)]), "handling.obligations[1]: is not in ascending order, each once");
        check(listed(&[(3, 5), (3, 6)]), "handling.obligations[1]: is not in ascending order, each once");
        check(listed(&[(0, 0)]), "handling.obligations[0].kind: is not given");
    }
}
