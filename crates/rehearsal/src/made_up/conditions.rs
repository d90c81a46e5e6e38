//! Made-up conditions: evaluations, audiences, protection, in about the mix that a unit would have.

use std::collections::BTreeSet;

use fastrand::Rng;
use selat_record::ParticipantId;
use selat_record::pb::{self, AudienceKind, EvaluationScheme, Onward, ProtectionKind, Purpose, Tlp};

/// A grade; the middle ones are the common ones.
pub fn evaluation(rng: &mut Rng) -> pb::Evaluation {
    let reliability = pick(rng, &["A", "B", "B", "B", "C", "C", "D", "F"]);
    let credibility = pick(rng, &["1", "2", "2", "3", "3", "4", "6"]);
    pb::Evaluation {
        scheme: EvaluationScheme::Admiralty.into(),
        reliability: reliability.into(),
        credibility: credibility.into(),
    }
}

/// Who may have it, and how.
pub fn handling(rng: &mut Rng, others: &[ParticipantId], protection: Option<&pb::Protection>) -> pb::Handling {
    let audience = audience(rng, others, protection);
    let mut purposes = BTreeSet::from([Purpose::BorderControl, Purpose::LawEnforcement]);
    for purpose in [Purpose::Visa, Purpose::Protection, Purpose::Return] {
        if rng.u8(..3) == 0 {
            purposes.insert(purpose);
        }
    }
    pb::Handling {
        releasable_to: Some(audience),
        purposes: purposes.into_iter().map(Into::into).collect(),
        onward: pick(rng, &[Onward::None, Onward::None, Onward::WithConsent]).into(),
        tlp: pick(rng, &[Tlp::Green, Tlp::Amber, Tlp::Amber, Tlp::AmberStrict]).into(),
        sensitivity: pick(rng, &[1, 1, 2, 2, 3]),
        hit_only: rng.u8(..20) == 0,
        ..Default::default()
    }
}

fn audience(rng: &mut Rng, others: &[ParticipantId], protection: Option<&pb::Protection>) -> pb::Audience {
    let of_kind = |kind: AudienceKind| pb::Audience { kind: kind.into(), participants: Vec::new() };
    let draw = rng.u8(..10);
    if protection.is_none() && draw < 5 {
        return of_kind(AudienceKind::All);
    }
    if draw == 9 {
        return of_kind(AudienceKind::Nobody);
    }
    let hidden = |other: &&ParticipantId| protection.is_some_and(|p| p.hidden_from.iter().any(|s| s == other.as_str()));
    let mut named: Vec<_> = others.iter().filter(|other| !hidden(other)).map(ToString::to_string).collect();
    rng.shuffle(&mut named);
    named.truncate(rng.usize(1..=3));
    named.sort();
    if named.is_empty() {
        return of_kind(AudienceKind::Nobody);
    }
    pb::Audience { kind: AudienceKind::Named.into(), participants: named }
}

/// One person in ten is protected, from the states whose national he or she is.
pub fn protection(rng: &mut Rng, person: &pb::Person, originator: &ParticipantId) -> Option<pb::Protection> {
    if rng.u8(..10) != 0 {
        return None;
    }
    let kind = pick(rng, &[ProtectionKind::Asylum, ProtectionKind::TraffickingVictim, ProtectionKind::Minor]);
    let hidden_from = person.nationalities.iter().filter(|state| *state != originator.as_str()).cloned().collect();
    Some(pb::Protection { kinds: vec![kind.into()], hidden_from })
}

/// One of `choices`.
pub fn pick<T: Copy>(rng: &mut Rng, choices: &[T]) -> T {
    *rng.choice(choices).expect("every list of choices has entries")
}
