//! Planned turns, from the making of a successor to the end of its predecessor.

use selat_record::pb::{KeyPurpose, KeyStatus};
use selat_seal::FUTURE_TOLERANCE;
use selat_seal::succession::{Deed, Doer, StepState, Wait, choose_again_at};

use crate::kit::{Party, moment, participant};
use crate::world::{GRACE, HOUR, OVERLAP, WORKING, World, rotate};

const RECORD: KeyPurpose = KeyPurpose::Record;

fn wait_of(world: &World, place: usize) -> Wait {
    match &world.plan(rotate(RECORD)).unwrap().steps[place].state {
        StepState::Waiting(wait) => wait.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_turn_goes_step_by_step_and_the_old_key_signs_until_all_know_the_new() {
    let mut world = World::new();
    let old = Party::aus().key(RECORD).id();
    let plan = world.plan(rotate(RECORD)).unwrap();
    assert!(!plan.under_way && !plan.is_done());
    assert_eq!(world.steps(rotate(RECORD)), "generate due, announce later, take over later, destroy later");

    assert_eq!(world.apply(rotate(RECORD)), ["generate", "announce"]);
    let new = world.held.last().unwrap().id;
    assert_eq!((world.own().version(), world.status(new)), (2, Some(KeyStatus::Pending)));
    let waiting = "generate done, announce done, take over waiting, switch later, destroy later";
    assert_eq!(world.steps(rotate(RECORD)), waiting);

    world.sync();
    assert_eq!(world.steps(rotate(RECORD)), waiting, "all know it, but the overlap is not over");
    world.pass(24);
    assert_eq!(world.apply(rotate(RECORD)), ["take over"]);
    assert_eq!((world.status(new), world.status(old)), (Some(KeyStatus::Active), Some(KeyStatus::Retired)));
    assert_eq!(world.signs(RECORD), Some(old), "nobody knows yet that the new key is active");
    let tail = "generate done, announce done, take over done, switch waiting, destroy waiting";
    assert_eq!(world.steps(rotate(RECORD)), tail);

    world.sync_one("IDN");
    assert_eq!(world.signs(RECORD), Some(old), "MYS does not know yet");
    world.sync_one("MYS");
    assert_eq!(world.signs(RECORD), Some(new));
    assert_eq!(world.steps(rotate(RECORD)), tail.replace("switch waiting", "switch done"));
    world.pass(24);
    assert_eq!(world.apply(rotate(RECORD)), ["destroy"]);
    assert!(world.held.iter().all(|held| held.id != old));
    let plan = world.plan(rotate(RECORD)).unwrap();
    assert!(!plan.under_way, "only now another turn begins");
    world.check_nobody_is_locked_out(1);
}

#[test]
fn a_successor_waits_for_peers_and_for_the_overlap_and_says_so() {
    let mut world = World::new();
    world.peers.insert(participant("SGP"), 0);
    world.apply(rotate(RECORD));
    let earliest = Some(world.now.plus(OVERLAP));
    let wait = wait_of(&world, 2);
    assert_eq!(wait.earliest, earliest);
    let told =
        "IDN (holds version 1), MYS (holds version 1), SGP (holds none that it told of) to acknowledge version 2";
    assert_eq!(wait.to_string(), told);

    world.sync_one("IDN");
    world.sync_one("SGP");
    world.pass(30);
    let wait = wait_of(&world, 2);
    assert_eq!((wait.earliest, wait.to_string().as_str()), (None, "MYS (holds version 1) to acknowledge version 2"));
    world.peers.remove(&participant("MYS"));
    assert!(world.steps(rotate(RECORD)).contains("take over due"), "a peer that is suspended is not waited for");

    let mut world = World::new();
    world.apply(rotate(RECORD));
    world.sync();
    assert_eq!(wait_of(&world, 2).to_string(), "the overlap to pass");
}

#[test]
fn the_overlap_is_counted_from_publication_not_from_drafting() {
    let mut world = World::new();
    world.generate(RECORD);
    let announce = world.plan(rotate(RECORD)).unwrap().due().next().unwrap().clone();
    let draft = world.draft(&announce).unwrap();
    world.pass(72);
    world.publish(&draft).unwrap();
    world.sync();
    assert_eq!(wait_of(&world, 2).earliest, Some(world.now.plus(OVERLAP)));
}

#[test]
fn a_peer_that_does_not_answer_keeps_the_old_key_until_shortly_before_its_end() {
    let mut world = World::new();
    let old = Party::aus().key(RECORD).id();
    world.apply(rotate(RECORD));
    world.sync();
    world.pass(24);
    world.apply(rotate(RECORD));
    let (end, new) = (world.now.plus(GRACE), world.held.last().unwrap().id);
    world.sync_one("IDN");
    world.now = end.minus(FUTURE_TOLERANCE).minus(HOUR / 3600);
    assert_eq!(world.signs(RECORD), Some(old));
    let turn = choose_again_at(world.own(), RECORD, world.now);
    assert_eq!(turn, Some(end.minus(FUTURE_TOLERANCE)));
    world.now = turn.unwrap();
    assert_eq!(world.signs(RECORD), Some(new), "others' clocks may be ahead");
    assert_eq!(choose_again_at(world.own(), RECORD, world.now), Some(end));
    world.now = end;
    assert_eq!(world.apply(rotate(RECORD)), ["destroy"]);
    assert_eq!(choose_again_at(world.own(), RECORD, world.now), None);
}

#[test]
fn a_key_without_a_successor_at_hand_signs_to_its_very_end() {
    let mut world = World::new();
    let old = Party::aus().key(RECORD).id();
    world.apply(rotate(RECORD));
    world.sync();
    world.pass(24);
    world.apply(rotate(RECORD));
    let end = world.now.plus(GRACE);
    world.held.retain(|held| held.id == old);
    world.now = end.minus(HOUR / 3600);
    assert_eq!(world.signs(RECORD), Some(old));
    world.now = end;
    assert_eq!(world.signs(RECORD), None);
}

#[test]
fn a_key_that_begins_in_a_moment_signs_if_there_is_no_other() {
    let mut world = World::new();
    let old = Party::aus().key(RECORD).id();
    world.now = moment(crate::kit::CREATED_MS - 1000);
    assert_eq!(world.signs(RECORD), Some(old), "drafted where the clock is a second ahead: peers forgive that");
    world.now = moment(crate::kit::CREATED_MS).minus(FUTURE_TOLERANCE).minus(HOUR);
    assert_eq!(world.signs(RECORD), None);
}

#[test]
fn whoever_stops_after_any_step_is_given_the_rest() {
    for purpose in WORKING {
        let all = ["generate", "announce", "take over", "destroy"];
        for stop_after in 0..=all.len() {
            let mut world = World::new();
            let mut done = Vec::new();
            while done.len() < all.len() {
                let plan = world.plan(rotate(purpose)).unwrap();
                let due = plan.due().next().cloned();
                if let Some(deed) = due {
                    if done.len() == stop_after {
                        // Crashed before the deed: the plan is the same, for it is made from what stands.
                        assert_eq!(world.plan(rotate(purpose)).unwrap(), plan);
                    }
                    world.act(&deed).unwrap();
                    done.push(crate::world::deed_word(&deed));
                }
                world.sync();
                world.pass(6);
                world.check_nobody_is_locked_out(1);
            }
            assert_eq!(done, all, "{purpose:?}");
        }
    }
}

#[test]
fn a_draft_is_asked_for_again_as_long_as_it_is_not_published() {
    let mut world = World::new();
    world.generate(RECORD);
    let (before, state) = (world.steps(rotate(RECORD)), world.plan(rotate(RECORD)).unwrap().state);
    world.pass(40);
    assert_eq!(world.steps(rotate(RECORD)), before);
    assert_eq!(world.plan(rotate(RECORD)).unwrap().state, state, "time alone does not make a plan another");
    assert_eq!(world.held.len(), 5, "and no second successor is made");
}

#[test]
fn a_plan_is_another_one_when_something_has_happened() {
    let mut world = World::new();
    let state = |world: &World, purpose| world.plan(rotate(purpose)).unwrap().state;
    let mut seen = vec![state(&world, RECORD), state(&world, KeyPurpose::Log)];
    let mut note = |world: &World, what: &str| {
        let state = state(world, RECORD);
        assert!(!seen.contains(&state), "{what}");
        seen.push(state);
    };
    world.generate(RECORD);
    note(&world, "a key was made");
    world.apply(rotate(RECORD));
    note(&world, "it was announced");
    world.sync();
    world.pass(24);
    note(&world, "it may take over");
    world.apply(rotate(RECORD));
    note(&world, "it took over");
    world.pass(24);
    note(&world, "the old one has ended");
}

#[test]
fn an_authority_is_trusted_from_its_announcement_on() {
    let (mut world, purpose) = (World::new(), KeyPurpose::TlsCa);
    let old = Party::aus().key(purpose).id();
    world.apply(rotate(purpose));
    let new = world.held.last().unwrap().id;
    assert_eq!((world.status(new), world.status(old)), (Some(KeyStatus::Active), Some(KeyStatus::Active)));
    assert_eq!(world.signs(purpose), Some(old));
    let authorities: Vec<_> = world.own().authorities(world.now).map(|authority| authority.key).collect();
    assert_eq!(authorities, [old, new]);
    world.sync();
    assert_eq!(world.signs(purpose), Some(new), "every peer trusts it");
    let waiting = "generate done, announce done, take over waiting, switch later, destroy later";
    assert_eq!(world.steps(rotate(purpose)), waiting);
    world.pass(24);
    assert_eq!(world.apply(rotate(purpose)), ["take over"]);
    // Whoever was away meanwhile still connects: it holds the announcement, and that is enough.
    world.pass(100);
    let announcement = &world.chain[1].0;
    assert!(announcement.authorities(world.now).any(|authority| authority.key == new));
    assert_eq!(world.signs(purpose), Some(new));
    assert_eq!(world.apply(rotate(purpose)), ["destroy"]);
}

#[test]
fn a_peer_that_comes_new_does_not_turn_the_node_back_when_it_holds_the_newest() {
    let mut world = World::new();
    world.apply(rotate(RECORD));
    world.sync();
    world.pass(24);
    world.apply(rotate(RECORD));
    world.sync();
    let new = world.held.last().unwrap().id;
    world.sync_one("SGP");
    assert_eq!(world.signs(RECORD), Some(new));
}

#[test]
fn an_announced_key_that_was_lost_is_withdrawn_with_the_next_announcement() {
    let mut world = World::new();
    world.apply(rotate(RECORD));
    let lost = world.held.pop().unwrap().id;
    assert_eq!(world.steps(rotate(RECORD)), "generate due, announce later, take over later, destroy later");
    assert_eq!(world.apply(rotate(RECORD)), ["generate", "announce"]);
    assert_eq!(world.status(lost), None);
    assert_eq!(world.own().keys(RECORD).count(), 2);
}

#[test]
fn a_key_that_has_left_the_descriptor_never_becomes_a_successor() {
    let mut world = World::new();
    world.apply(rotate(RECORD));
    let left = world.held.last().unwrap().id;
    let withdraw = Deed::Withdraw { keys: vec![left] };
    world.act(&withdraw).unwrap();
    let steps = "generate due, announce later, take over later, destroy later, destroy due";
    assert_eq!(world.steps(rotate(RECORD)), steps);
    assert!(world.plan(rotate(RECORD)).unwrap().due().any(|deed| *deed == Deed::Destroy { key: left }));
}

#[test]
fn roots_are_renewed_away_from_the_node() {
    let plan = World::new().plan(rotate(KeyPurpose::Root)).unwrap();
    assert_eq!(plan.steps.len(), 1);
    assert_eq!((plan.steps[0].deed.doer(), &plan.steps[0].state), (Doer::Operator, &StepState::Due));
}

#[test]
fn steps_read_as_sentences() {
    let mut world = World::new();
    let told = |world: &World| {
        world.plan(rotate(RECORD)).unwrap().steps.iter().map(|step| step.deed.to_string()).collect::<Vec<_>>()
    };
    let old = Party::aus().key(RECORD).id().to_string()[..8].to_owned();
    let before = [
        "make a new record key".to_owned(),
        "publish a descriptor that announces the new record key".to_owned(),
        format!("publish a descriptor that makes the new record key active, retires {old}"),
        format!("destroy the secret of {old}"),
    ];
    assert_eq!(told(&world), before);
    let new = world.generate(RECORD).to_string()[..8].to_owned();
    assert_eq!(told(&world)[1], format!("publish a descriptor that announces record key {new}"));
    assert_eq!(told(&world)[3], format!("sign with {new}"));
    assert_eq!(moment(0).to_string(), "1970-01-01T00:00:00Z");
}
