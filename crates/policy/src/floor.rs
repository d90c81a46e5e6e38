//! Decides whether a peer may be given a record, and whether it may learn in an answer that there is one.
//!
//! Promises: default deny; any rule that forbids beats the rules that permit; the rules of protection are asked first, so
//! that a refusal names them whenever they hold. A [`Permit`] is made here and nowhere else, is never copied, and names
//! the peer it is for.
//! Leaves out: which peers are approved and fresh and which records are the node's own (facts that come in), and what else
//! a question must satisfy before records are looked at (quota, its age).

use selat_record::{Audience, Handling, Obligation, ParticipantId, Protection, Purpose, Record, Timestamp, Tlp};

use crate::rules::{Refusal, Rule};

/// What the rules look at of one record: its conditions, no content.
#[derive(Debug, Clone, Copy)]
pub struct Label<'a> {
    /// The conditions that travel with the record.
    pub handling: &'a Handling,
    /// Missing: not protected.
    pub protection: Option<&'a Protection>,
    /// Missing: does not expire.
    pub valid_until: Option<Timestamp>,
    /// This node made the record.
    pub originated_here: bool,
}

impl<'a> Label<'a> {
    /// The label of `record`.
    pub fn of(record: &'a Record, originated_here: bool) -> Self {
        Self {
            handling: record.handling(),
            protection: record.protection(),
            valid_until: record.valid_until(),
            originated_here,
        }
    }
}

/// What the rules look at of a peer.
#[derive(Debug, Clone, Copy)]
pub struct PeerFacts<'a> {
    /// Who it is, from the channel; never from a message.
    pub participant: &'a ParticipantId,
    /// Both sides have compared the safety phrase and accepted.
    pub approved: bool,
    /// Its descriptor was found to be its newest not long ago, and has not expired.
    pub fresh: bool,
}

/// What the rules look at of a question.
#[derive(Debug, Clone, Copy)]
pub struct AskFacts<'a> {
    /// Who asks.
    pub peer: PeerFacts<'a>,
    /// Why, as the signed query says.
    pub purpose: Purpose,
}

/// How much a decision lets out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Nothing: the same as absent.
    Nothing,
    /// That there is something, and whom to contact.
    HitOnly,
    /// The record.
    Full,
}

/// A yes or a no, with its reason.
#[derive(Debug)]
#[must_use]
pub enum Decision {
    /// Yes, within the permit.
    Permit(Permit),
    /// No.
    Refuse(Refusal),
}

impl Decision {
    /// The permit, or why there is none.
    pub fn permit(self) -> Result<Permit, Refusal> {
        match self {
            Self::Permit(permit) => Ok(permit),
            Self::Refuse(refusal) => Err(refusal),
        }
    }

    /// How much it lets out.
    pub fn effect(&self) -> Effect {
        match self {
            Self::Permit(permit) => permit.effect,
            Self::Refuse(_) => Effect::Nothing,
        }
    }
}

/// Leave to let one thing out to one peer. Made only by the `decide_` functions of this module.
#[derive(Debug, PartialEq, Eq)]
pub struct Permit {
    effect: Effect,
    rules: Vec<Rule>,
    peer: ParticipantId,
    obligations: Vec<Obligation>,
}

impl Permit {
    /// Whether the record itself or only the hit may go.
    pub fn effect(&self) -> Effect {
        self.effect
    }

    /// The rules that decided: the one that permits, then those that limit.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Whom it is for.
    pub fn peer(&self) -> &ParticipantId {
        &self.peer
    }

    /// What the peer takes upon itself with it.
    pub fn obligations(&self) -> &[Obligation] {
        &self.obligations
    }

    /// Joins the permit to the one thing that it lets out.
    pub fn over<T>(self, inner: T) -> Permitted<T> {
        Permitted { permit: self, inner }
    }
}

/// Something that may leave, with the permit for it. Only [`Permit::over`] makes one.
#[derive(Debug, PartialEq, Eq)]
pub struct Permitted<T> {
    permit: Permit,
    inner: T,
}

impl<T> Permitted<T> {
    /// The permit.
    pub fn permit(&self) -> &Permit {
        &self.permit
    }

    /// What may leave.
    pub fn get(&self) -> &T {
        &self.inner
    }

    /// What may leave, for the sending end. The permit is used up.
    pub fn into_inner(self) -> T {
        self.inner
    }
}

/// Whether a copy of `record` may be released to `peer`, as far as the record itself says.
pub fn decide_release(record: &Record, originated_here: bool, peer: &PeerFacts<'_>, now: Timestamp) -> Decision {
    decide(&Case { label: Label::of(record, originated_here), peer: *peer, asked: None, shows_hidden: false, now })
}

/// Whether a copy of `record`, which this node made, may be released to `peer`, who learns from it that each of `linked`
/// exists: the records of this node that it links to, as they are now. Who could not be given one of those, and be it for
/// that it is hit-only or has expired, is not given the link to it.
pub fn decide_linked_release(record: &Record, linked: &[Record], peer: &PeerFacts<'_>, now: Timestamp) -> Decision {
    let case = |record| Case { label: Label::of(record, true), peer: *peer, asked: None, shows_hidden: false, now };
    let shows_hidden = linked.iter().any(|linked| judge(&case(linked)).is_err());
    decide(&Case { shows_hidden, ..case(record) })
}

/// Whether `record` may stand in an answer, and as what.
pub fn decide_answer(record: &Record, originated_here: bool, ask: &AskFacts<'_>, now: Timestamp) -> Decision {
    let label = Label::of(record, originated_here);
    decide(&Case { label, peer: ask.peer, asked: Some(ask.purpose), shows_hidden: false, now })
}

/// Whether `peer` gets a signed reply at all. What stands in the reply needs a permit of its own, record by record.
pub fn decide_reply(peer: &PeerFacts<'_>) -> Decision {
    if !peer.approved {
        return Decision::Refuse(Refusal::under(Rule::PeerNotApproved));
    }
    if !peer.fresh {
        return Decision::Refuse(Refusal::under(Rule::PeerNotFresh));
    }
    Decision::Permit(Permit {
        effect: Effect::Full,
        rules: vec![Rule::PeerIsAnswered],
        peer: peer.participant.clone(),
        obligations: Vec::new(),
    })
}

/// Whether the asker may learn that a record with this label exists: the same judgement as [`decide_answer`], for the
/// search index, which must leave out what is hidden before it ranks and counts. It makes no permit: what is found is
/// decided once more on the record itself.
pub fn may_know(label: Label<'_>, ask: &AskFacts<'_>, now: Timestamp) -> bool {
    judge(&Case { label, peer: ask.peer, asked: Some(ask.purpose), shows_hidden: false, now }).is_ok()
}

/// One record's label, one peer, one moment.
struct Case<'a> {
    label: Label<'a>,
    peer: PeerFacts<'a>,
    /// Missing for a release.
    asked: Option<Purpose>,
    /// It links to a record that the peer could not be given.
    shows_hidden: bool,
    now: Timestamp,
}

impl Case<'_> {
    fn audience(&self) -> &Audience {
        self.label.handling.releasable_to()
    }

    fn named(&self) -> bool {
        matches!(self.audience(), Audience::Named(names) if names.contains(self.peer.participant))
    }
}

type Condition = fn(&Case<'_>) -> bool;

/// The rules that forbid. All must stay silent; the first that speaks is the one that is told.
const FORBIDS: [(Rule, Condition); 12] = [
    (Rule::HiddenFromPeer, |case| {
        case.label.protection.is_some_and(|p| p.hidden_from().contains(case.peer.participant))
    }),
    (Rule::ProtectedNotNamed, |case| {
        case.label.protection.is_some_and(|p| p.hidden_from().is_empty()) && !case.named()
    }),
    (Rule::ProtectedForAll, |case| case.label.protection.is_some() && *case.audience() == Audience::All),
    (Rule::NotOriginator, |case| !case.label.originated_here),
    (Rule::PeerNotApproved, |case| !case.peer.approved),
    (Rule::PeerNotFresh, |case| !case.peer.fresh),
    (Rule::Expired, |case| case.label.valid_until.is_some_and(|end| end <= case.now)),
    (Rule::NotInAudience, |case| !case.named() && *case.audience() != Audience::All),
    (Rule::RedNotNamed, |case| case.label.handling.tlp() == Tlp::Red && *case.audience() == Audience::All),
    (Rule::PurposeNotAllowed, |case| case.asked.is_some_and(|why| !case.label.handling.purposes().contains(&why))),
    (Rule::HitOnly, |case| case.asked.is_none() && case.label.handling.hit_only()),
    (Rule::LinksToHidden, |case| case.shows_hidden),
];

/// The rules that permit. At least one must speak.
const PERMITS: [(Rule, Condition); 2] =
    [(Rule::NamedInAudience, |case| case.named()), (Rule::AudienceIsAll, |case| *case.audience() == Audience::All)];

/// The rule that permits, or the one that forbids.
fn judge(case: &Case<'_>) -> Result<Rule, Refusal> {
    if let Some((rule, _)) = FORBIDS.iter().find(|(_, forbids)| forbids(case)) {
        return Err(Refusal::under(*rule));
    }
    let permitting = PERMITS.iter().find(|(_, permits)| permits(case));
    permitting.map(|(rule, _)| *rule).ok_or(Refusal::under(Rule::DefaultDeny))
}

fn decide(case: &Case<'_>) -> Decision {
    match judge(case) {
        Ok(rule) => Decision::Permit(permit(case, rule)),
        Err(refusal) => Decision::Refuse(refusal),
    }
}

fn permit(case: &Case<'_>, permitting: Rule) -> Permit {
    let hit_only = case.label.handling.hit_only();
    let (effect, rules) =
        if hit_only { (Effect::HitOnly, vec![permitting, Rule::HitOnly]) } else { (Effect::Full, vec![permitting]) };
    Permit {
        effect,
        rules,
        peer: case.peer.participant.clone(),
        obligations: case.label.handling.obligations().to_vec(),
    }
}

#[cfg(test)]
mod tests;
