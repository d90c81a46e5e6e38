//! Made-up records: plausible, in several scripts, the same for the same seed. No real person: family names are invented.

mod bodies;
mod conditions;
mod words;

use fastrand::Rng;
use selat_record::ParticipantId;
use selat_record::pb::{self, record::Body};

/// Drafts of `count` records that `originator` could have made, with audiences among `others`.
pub fn drafts(seed: u64, originator: &ParticipantId, others: &[ParticipantId], count: usize) -> Vec<pb::Record> {
    let own =
        originator.as_str().bytes().fold(seed, |mixed, byte| mixed.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let mut rng = Rng::with_seed(own);
    (0..count).map(|_| draft(&mut rng, originator, others)).collect()
}

fn draft(rng: &mut Rng, originator: &ParticipantId, others: &[ParticipantId]) -> pb::Record {
    let body = bodies::any(rng, originator);
    let protection = match &body {
        Body::Person(person) => conditions::protection(rng, person, originator),
        _ => None,
    };
    pb::Record {
        evaluation: Some(conditions::evaluation(rng)),
        handling: Some(conditions::handling(rng, others, protection.as_ref())),
        protection,
        legal_basis: "Smuggling of Migrants Protocol, Art. 10(1)".into(),
        body: Some(body),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use selat_record::Draft;

    use super::*;

    fn all(names: &[&str]) -> Vec<ParticipantId> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    #[test]
    fn every_draft_is_valid() {
        let others = all(&["AUS", "MYS", "NZL", "THA"]);
        for message in drafts(7, &"IDN".parse().unwrap(), &others, 2000) {
            Draft::check(message.clone()).unwrap_or_else(|faults| panic!("{faults}: {message:#?}"));
        }
    }

    #[test]
    fn same_seed_gives_same_drafts_and_participants_differ() {
        let others = all(&["MYS", "THA"]);
        let (idn, aus) = ("IDN".parse().unwrap(), "AUS".parse().unwrap());
        assert_eq!(drafts(1, &idn, &others, 50), drafts(1, &idn, &others, 50));
        assert_ne!(drafts(1, &idn, &others, 50), drafts(1, &aus, &others, 50));
        assert_ne!(drafts(1, &idn, &others, 50), drafts(2, &idn, &others, 50));
    }

    #[test]
    fn names_come_in_several_scripts() {
        let made = drafts(3, &"MYS".parse().unwrap(), &all(&["IDN"]), 500);
        let scripts: BTreeSet<_> = made
            .iter()
            .filter_map(|record| match &record.body {
                Some(Body::Person(person)) => Some(person),
                _ => None,
            })
            .flat_map(|person| person.names.iter().map(|name| name.script.clone()))
            .collect();
        for script in ["Arab", "Hani", "Latn", "Taml", "Thai"] {
            assert!(scripts.contains(script), "{script} is missing of {scripts:?}");
        }
    }
}
