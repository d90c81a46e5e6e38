//! After a theft: the successor at once, and nothing that lay beside the stolen key is used again.

use selat_record::Timestamp;
use selat_record::pb::{KeyPurpose, KeyStatus};
use selat_seal::succession::{Deed, Emergency, Goal, PlanError};

use crate::kit::Party;
use crate::world::{HOUR, WORKING, World, rotate};

const RECORD: KeyPurpose = KeyPurpose::Record;

fn emergency(purpose: KeyPurpose, since: Timestamp) -> Goal {
    Goal::Rotate { purpose, emergency: Some(Emergency { since }) }
}

#[test]
fn the_successor_signs_at_once_and_the_stolen_key_is_destroyed() {
    for purpose in WORKING {
        let mut world = World::new();
        let (old, since) = (Party::aus().key(purpose).id(), world.now.minus(HOUR / 2));
        let goal = emergency(purpose, since);
        assert_eq!(world.steps(goal), "generate due, replace later, destroy later");
        assert_eq!(world.apply(goal), ["generate", "replace", "destroy"]);
        let new = world.held.last().unwrap().id;
        assert_eq!(world.own().version(), 2, "one publication");
        assert_eq!((world.status(new), world.status(old)), (Some(KeyStatus::Active), Some(KeyStatus::Compromised)));
        assert_eq!(world.own().key(old.as_bytes()).unwrap().compromised_since(), Some(since));
        assert_eq!(world.signs(purpose), Some(new));
        assert!(world.held.iter().all(|held| held.id != old));
    }
}

#[test]
fn a_crash_after_any_step_leaves_the_rest() {
    let mut world = World::new();
    let goal = emergency(RECORD, world.now);
    world.act(&Deed::Generate { purpose: RECORD }).unwrap();
    assert_eq!(world.steps(goal), "generate done, replace due, destroy later");
    let replace = world.plan(goal).unwrap().due().next().unwrap().clone();
    world.act(&replace).unwrap();
    world.doubtful = 3;
    assert_eq!(world.steps(goal), "generate done, replace done, destroy due, resign due");
    world.pass(1);
    let later = emergency(RECORD, world.now);
    assert_eq!(world.steps(later), "generate done, replace done, destroy due, resign due", "asked again an hour later");
    let destroy = world.plan(goal).unwrap().due().next().unwrap().clone();
    world.act(&destroy).unwrap();
    assert_eq!(world.steps(goal), "generate done, replace done, resign due");
    world.apply(goal);
    assert!(world.plan(goal).unwrap().is_done(), "the same theft does not cost the new key");
}

#[test]
fn a_second_theft_does_not_wait_for_the_records_of_the_first() {
    let mut world = World::new();
    let first = emergency(RECORD, world.now);
    world.apply(first);
    let second_key = world.held.last().unwrap().id;
    world.doubtful = 5;
    world.pass(2);
    let again = emergency(RECORD, world.now.minus(HOUR));
    assert_eq!(world.steps(again), "generate due, replace later, destroy later, resign later");
    world.apply(again);
    assert_eq!(world.status(second_key), Some(KeyStatus::Compromised));
}

#[test]
fn all_that_lay_beside_the_stolen_key_goes_with_it() {
    let mut world = World::new();
    let first = Party::aus().key(RECORD).id();
    world.apply(rotate(RECORD));
    world.sync();
    world.pass(24);
    world.apply(rotate(RECORD));
    let second = world.held.last().unwrap().id;
    let goal = emergency(RECORD, world.now);
    world.apply(goal);
    for key in [first, second] {
        assert_eq!(
            world.status(key),
            Some(KeyStatus::Compromised),
            "the retired one too: it verifies what is backdated"
        );
        assert!(world.held.iter().all(|held| held.id != key));
    }

    let mut world = World::new();
    world.apply(rotate(RECORD));
    let announced = world.held.last().unwrap().id;
    world.apply(emergency(RECORD, world.now));
    assert_eq!(world.status(announced), None, "a key that was announced is no successor in an emergency");
    assert!(world.held.iter().all(|held| held.id != announced));
    assert_ne!(world.signs(RECORD), Some(announced));
}

#[test]
fn a_theft_cannot_lie_ahead() {
    let world = World::new();
    let ahead = world.now.plus(HOUR);
    assert_eq!(world.plan(emergency(RECORD, ahead)), Err(PlanError::Ahead(ahead)));
    let told = format!("a key cannot be compromised since {ahead}, which lies ahead");
    assert_eq!(PlanError::Ahead(ahead).to_string(), told);
}

#[test]
fn what_the_thief_signs_is_refused_once_peers_hold_the_new_version() {
    let mut world = World::new();
    let old = Party::aus().key(RECORD).id();
    let since = world.now.minus(HOUR / 2);
    world.apply(emergency(RECORD, since));
    let key = world.own().key(old.as_bytes()).unwrap();
    let backdated = since.minus(HOUR / 4);
    assert!(!key.verifies(backdated, world.now), "the thief says it is older");
    assert!(key.verifies(backdated, since.minus(HOUR / 4)), "what the peer had logged before stands");
    assert!(!key.may_sign_at(world.now));
}

#[test]
fn the_steps_of_an_emergency_read_as_sentences() {
    let world = World::new();
    let plan = world.plan(emergency(KeyPurpose::TlsCa, world.now)).unwrap();
    let old = Party::aus().key(KeyPurpose::TlsCa).id().to_string()[..8].to_owned();
    let told = format!(
        "publish a descriptor that makes the new tls-ca key active at once, compromised: {old}, since 2026-01-01T01:00:00Z"
    );
    assert_eq!(plan.steps[1].deed.to_string(), told);
}
