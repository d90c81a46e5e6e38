//! Any sequence of goals, deeds, contacts and time: it ends, and nobody is locked out on the way.

use proptest::prelude::*;
use selat_record::pb::KeyPurpose;
use selat_seal::succession::{Deed, Emergency, Goal};

use crate::world::{HOUR, WORKING, World, rotate};

#[derive(Debug, Clone, Copy)]
enum Move {
    /// One deed that is due for the goal, then a crash.
    One(usize, Intent),
    /// All deeds that are due.
    All(usize, Intent),
    /// One peer pulls and says so.
    Contact(bool),
    Hours(u32),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Intent {
    Rotate,
    Abandon,
    Emergency,
    RevokeNewest,
    RetireNewest,
}

fn moves() -> impl Strategy<Value = Move> {
    let intent = prop_oneof![
        8 => Just(Intent::Rotate),
        3 => Just(Intent::Abandon),
        1 => Just(Intent::Emergency),
        1 => Just(Intent::RevokeNewest),
        1 => Just(Intent::RetireNewest),
    ];
    let purpose = 0..WORKING.len();
    prop_oneof![
        4 => (purpose.clone(), intent.clone()).prop_map(|(purpose, intent)| Move::One(purpose, intent)),
        2 => (purpose, intent).prop_map(|(purpose, intent)| Move::All(purpose, intent)),
        3 => any::<bool>().prop_map(Move::Contact),
        4 => (1..8u32).prop_map(Move::Hours),
    ]
}

/// A world in which each peer is in touch at least once in twelve hours.
struct Walk {
    world: World,
    hours_since: [u32; 2],
    /// The last version that declared an emergency: peers that hold an older one cannot be served.
    emergency: u64,
}

impl Walk {
    fn goal(&self, purpose: KeyPurpose, intent: Intent) -> Goal {
        let newest = self.world.own().keys(purpose).last().unwrap().id();
        match intent {
            Intent::Rotate => rotate(purpose),
            Intent::Abandon => Goal::Abandon { purpose },
            Intent::Emergency => {
                let since = self.world.now.minus(HOUR);
                Goal::Rotate { purpose, emergency: Some(Emergency { since }) }
            }
            Intent::RevokeNewest => Goal::Revoke { key: newest, since: self.world.now },
            Intent::RetireNewest => Goal::Retire { key: newest },
        }
    }

    fn act_on(&mut self, goal: Goal, one: bool) {
        // A goal that cannot be reached from here changes nothing.
        for _ in 0..if one { 1 } else { 6 } {
            let Ok(plan) = self.world.plan(goal) else { return };
            let Some(deed) = plan.due().next().cloned() else { return };
            let signing: Vec<_> = WORKING.map(|purpose| self.world.signs(purpose)).into_iter().flatten().collect();
            if let Deed::Destroy { key } = &deed {
                assert!(!signing.contains(key), "the key that signs is destroyed");
            }
            self.world.act(&deed).unwrap();
            if matches!(deed, Deed::Replace { .. } | Deed::Compromise { .. }) {
                self.emergency = self.world.own().version();
            }
            self.check();
        }
    }

    fn step(&mut self, step: Move) {
        match step {
            Move::One(purpose, intent) => self.act_on(self.goal(WORKING[purpose], intent), true),
            Move::All(purpose, intent) => self.act_on(self.goal(WORKING[purpose], intent), false),
            Move::Contact(which) => self.contact(usize::from(which)),
            Move::Hours(hours) => {
                for _ in 0..hours {
                    self.world.pass(1);
                    self.hours_since.iter_mut().for_each(|since| *since += 1);
                    for peer in 0..2 {
                        if self.hours_since[peer] >= 12 {
                            self.contact(peer);
                        }
                    }
                    self.check();
                }
            }
        }
    }

    fn contact(&mut self, peer: usize) {
        self.world.sync_one(["IDN", "MYS"][peer]);
        self.hours_since[peer] = 0;
        self.check();
    }

    fn check(&self) {
        self.world.check_nobody_is_locked_out(self.emergency);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_walk_locks_anybody_out_and_every_turn_can_be_finished(walked in prop::collection::vec(moves(), 0..40)) {
        let mut walk = Walk { world: World::new(), hours_since: [0; 2], emergency: 0 };
        for step in walked {
            walk.step(step);
        }
        for purpose in WORKING {
            let mut rounds = 0;
            while walk.world.plan(rotate(purpose)).unwrap().under_way {
                walk.act_on(rotate(purpose), true);
                walk.step(Move::Hours(6));
                rounds += 1;
                prop_assert!(rounds < 40, "the turn of {purpose:?} does not end: {}", walk.world.steps(rotate(purpose)));
            }
            let steps = walk.world.steps(rotate(purpose));
            prop_assert!(steps.starts_with("generate due"), "{}", steps);
        }
    }

    #[test]
    fn a_turn_that_has_not_taken_over_can_be_undone_without_a_trace(
        purpose in 0..WORKING.len(),
        deeds in 0..3usize,
        hours in 0..20u32,
    ) {
        let purpose = WORKING[purpose];
        let mut world = World::new();
        let signed = world.signs(purpose);
        for _ in 0..deeds {
            let plan = world.plan(rotate(purpose)).unwrap();
            let due = plan.due().next().cloned();
            if let Some(deed) = due {
                world.act(&deed).unwrap();
            }
            world.sync();
        }
        world.pass(hours);
        for _ in 0..12 {
            let plan = world.plan(Goal::Abandon { purpose }).unwrap();
            let due = plan.due().next().cloned();
            if let Some(deed) = due {
                world.act(&deed).unwrap();
            }
            world.check_nobody_is_locked_out(1);
            world.sync();
            world.pass(6);
        }
        prop_assert_eq!(world.plan(Goal::Abandon { purpose }).unwrap().steps, []);
        prop_assert_eq!(world.signs(purpose), signed);
        prop_assert_eq!(world.held.len(), 4);
    }
}
