//! Keys that end without a successor, and turns that are undone.

use selat_record::pb::{KeyPurpose, KeyStatus};
use selat_seal::succession::{Change, Deed, Goal, PlanError, next_descriptor};
use selat_seal::{KeyId, SecretKey};

use crate::kit::{Party, moment, uuid_v7};
use crate::world::{GRACE, HOUR, WORKING, World, rotate};

const RECORD: KeyPurpose = KeyPurpose::Record;

fn abandon(purpose: KeyPurpose) -> Goal {
    Goal::Abandon { purpose }
}

/// A second active record key that all peers know.
fn with_two() -> (World, KeyId, KeyId) {
    let mut world = World::new();
    let second = world.generate(RECORD);
    let change = Change::AddActive(world.describe(second));
    let draft = next_descriptor(world.own(), &[change], uuid_v7(8), world.now).unwrap();
    world.publish(&draft).unwrap();
    world.sync();
    (world, Party::aus().key(RECORD).id(), second)
}

#[test]
fn a_key_retires_with_an_end_ahead_and_is_destroyed_after_it() {
    let (mut world, first, second) = with_two();
    let goal = Goal::Retire { key: second };
    assert_eq!(world.signs(RECORD), Some(second));
    assert_eq!(world.steps(goal), "retire due, switch later, destroy later");
    assert_eq!(world.apply(goal), ["retire"]);
    assert_eq!(world.own().key(second.as_bytes()).unwrap().valid_until(), Some(world.now.plus(GRACE)));
    assert_eq!(world.signs(RECORD), Some(first), "all know the other, and it is active");
    assert_eq!(world.steps(goal), "retire done, switch done, destroy waiting");
    world.pass(24);
    assert_eq!(world.apply(goal), ["destroy"]);
    assert!(world.plan(goal).unwrap().is_done());
}

#[test]
fn the_last_key_of_a_purpose_neither_retires_nor_is_revoked_alone() {
    let world = World::new();
    let key = Party::aus().key(RECORD).id();
    assert_eq!(world.plan(Goal::Retire { key }), Err(PlanError::LastKey(RECORD)));
    assert_eq!(world.plan(Goal::Revoke { key, since: world.now }), Err(PlanError::LastKey(RECORD)));
    let told = "the node holds no other active record key: rotate instead, with --emergency after a theft";
    assert_eq!(PlanError::LastKey(RECORD).to_string(), told);
    let (mut world, first, second) = with_two();
    world.held.retain(|held| held.id != second);
    assert_eq!(world.plan(Goal::Retire { key: first }), Err(PlanError::LastKey(RECORD)), "the other is not held here");
    assert!(world.plan(Goal::Retire { key: second }).is_ok(), "one that was lost may go");
}

#[test]
fn too_few_roots_are_never_left() {
    let mut world = World::new();
    let root = |n| Party::aus().root(n).id();
    let goal = Goal::Retire { key: root(3) };
    assert_eq!(world.steps(goal), "retire due");
    world.apply(goal);
    assert!(world.plan(goal).unwrap().is_done());
    assert_eq!(world.plan(Goal::Retire { key: root(2) }), Err(PlanError::LastRoots(2)));
    assert_eq!(world.plan(Goal::Revoke { key: root(1), since: world.now }), Err(PlanError::LastRoots(2)));
    let told = "fewer root keys than the threshold of 2 would be left: replace the roots instead";
    assert_eq!(PlanError::LastRoots(2).to_string(), told);
}

#[test]
fn a_revoked_key_is_destroyed_and_its_records_signed_anew() {
    let (mut world, _, second) = with_two();
    world.pass(2);
    let since = world.now.minus(HOUR);
    let goal = Goal::Revoke { key: second, since };
    assert_eq!(world.steps(goal), "compromise due, destroy later");
    let compromise = world.plan(goal).unwrap().due().next().unwrap().clone();
    world.act(&compromise).unwrap();
    world.doubtful = 1;
    assert_eq!(world.steps(goal), "compromise done, destroy due, resign due");
    assert_eq!(world.apply(goal), ["destroy", "resign"]);
    let later = Goal::Revoke { key: second, since: world.now };
    assert!(world.plan(later).unwrap().is_done(), "an earlier moment is told already");
    let earlier = Goal::Revoke { key: second, since: since.minus(HOUR) };
    assert_eq!(world.apply(earlier), ["compromise"]);
    assert_eq!(world.own().key(second.as_bytes()).unwrap().compromised_since(), Some(since.minus(HOUR)));
}

#[test]
fn retired_and_announced_keys_can_be_revoked_too() {
    let mut world = World::new();
    world.apply(rotate(RECORD));
    let announced = world.held.last().unwrap().id;
    assert_eq!(world.apply(Goal::Revoke { key: announced, since: world.now }), ["compromise", "destroy"]);
    assert_eq!(world.status(announced), Some(KeyStatus::Compromised));
    assert!(!world.own().key(announced.as_bytes()).unwrap().verifies(world.now, world.now));

    let mut world = World::new();
    let old = Party::aus().key(RECORD).id();
    world.apply(rotate(RECORD));
    world.sync();
    world.pass(24);
    world.apply(rotate(RECORD));
    assert_eq!(world.apply(Goal::Revoke { key: old, since: world.now }), ["compromise", "destroy"]);
}

#[test]
fn goals_that_make_no_sense_are_refused_in_words() {
    let mut world = World::new();
    let stranger = SecretKey::from_seed([0x77; 32]).id();
    assert_eq!(world.plan(Goal::Retire { key: stranger }), Err(PlanError::UnknownKey(stranger)));
    let ahead = world.now.plus(HOUR);
    let key = Party::aus().key(RECORD).id();
    assert_eq!(world.plan(Goal::Revoke { key, since: ahead }), Err(PlanError::Ahead(ahead)));
    assert_eq!(world.plan(abandon(KeyPurpose::Root)), Err(PlanError::RootsElsewhere));
    assert_eq!(world.plan(rotate(KeyPurpose::Unspecified)), Err(PlanError::NoPurpose));
    world.apply(rotate(RECORD));
    let announced = world.held.last().unwrap().id;
    assert_eq!(world.plan(Goal::Retire { key: announced }), Err(PlanError::OnlyAnnounced(announced)));
    world.apply(Goal::Revoke { key: announced, since: world.now });
    assert_eq!(world.plan(Goal::Retire { key: announced }), Err(PlanError::Compromised(announced)));
}

// ---- abandoning -----------------------------------------------------------------------------------------------------

#[test]
fn a_successor_that_nobody_was_told_of_is_destroyed() {
    let mut world = World::new();
    world.generate(RECORD);
    assert_eq!(world.apply(abandon(RECORD)), ["destroy"]);
    assert_eq!((world.own().version(), world.held.len()), (1, 4));
    assert!(world.plan(abandon(RECORD)).unwrap().steps.is_empty(), "asked again there is nothing left");
}

#[test]
fn an_announced_successor_is_withdrawn_then_destroyed() {
    let mut world = World::new();
    world.apply(rotate(RECORD));
    world.sync();
    assert_eq!(world.steps(abandon(RECORD)), "withdraw due, destroy later");
    let withdraw = world.plan(abandon(RECORD)).unwrap().due().next().unwrap().clone();
    world.act(&withdraw).unwrap();
    assert_eq!(world.steps(abandon(RECORD)), "destroy due", "as after a crash between the two");
    world.apply(abandon(RECORD));
    assert_eq!((world.own().version(), world.held.len()), (3, 4));
    assert_eq!(world.own().keys(RECORD).count(), 1);
    world.check_nobody_is_locked_out(1);
    assert!(!world.plan(rotate(RECORD)).unwrap().under_way, "a turn can begin afresh");
}

#[test]
fn a_draft_that_is_published_after_all_is_withdrawn_again() {
    let mut world = World::new();
    world.generate(RECORD);
    let announce = world.plan(rotate(RECORD)).unwrap().due().next().unwrap().clone();
    let draft = world.draft(&announce).unwrap();
    world.apply(abandon(RECORD));
    world.publish(&draft).unwrap();
    assert_eq!(world.apply(abandon(RECORD)), ["withdraw"]);
    assert_eq!(world.own().keys(RECORD).count(), 1);
}

#[test]
fn once_the_successor_has_taken_over_there_is_no_way_back() {
    let mut world = World::new();
    world.apply(rotate(RECORD));
    world.sync();
    world.pass(24);
    world.apply(rotate(RECORD));
    assert_eq!(world.plan(abandon(RECORD)), Err(PlanError::TakenOver(RECORD)));
    let told =
        "the new record key has taken over, and a retired key cannot come back: finish the rotation, or begin another";
    assert_eq!(PlanError::TakenOver(RECORD).to_string(), told);
}

#[test]
fn an_authority_that_was_announced_retires_when_its_turn_is_undone() {
    let (mut world, purpose) = (World::new(), KeyPurpose::TlsCa);
    let old = Party::aus().key(purpose).id();
    world.apply(rotate(purpose));
    world.sync();
    let new = world.held.last().unwrap().id;
    assert_eq!(world.signs(purpose), Some(new));
    assert_eq!(world.steps(abandon(purpose)), "retire due, switch later, destroy later");
    assert_eq!(world.apply(abandon(purpose)), ["retire"]);
    world.check_nobody_is_locked_out(1);
    assert_eq!(world.signs(purpose), Some(old), "all know it still");
    assert_eq!(world.steps(abandon(purpose)), "retire done, switch done, destroy waiting");
    world.sync();
    world.pass(24);
    assert_eq!(world.apply(abandon(purpose)), ["destroy"]);
    assert!(world.plan(abandon(purpose)).unwrap().steps.is_empty());
}

#[test]
fn nothing_begun_is_nothing_to_undo() {
    for purpose in WORKING {
        let plan = World::new().plan(abandon(purpose)).unwrap();
        assert!(plan.steps.is_empty() && plan.is_done() && !plan.under_way);
    }
}

#[test]
fn a_root_ends_at_once_and_a_working_key_after_the_grace() {
    let now = moment(1_800_000_000_000);
    let key = Party::aus().root(3).id();
    let changes = |purpose| Deed::Retire { key, purpose }.changes(None, GRACE, now);
    assert_eq!(changes(KeyPurpose::Root), [Change::Retire { key, until: now }]);
    assert_eq!(changes(RECORD), [Change::Retire { key, until: now.plus(GRACE) }]);
}
