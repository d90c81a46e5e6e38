//! The operator turns keys by asking for the same thing until it is done: no step is done twice, none is lost in a crash,
//! and whatever was begun is finished or undone by asking again.

use std::sync::Arc;
use std::time::Duration;

use selat_exchange::{ExchangeError, KeyGoal, KeyLine, Limits, Want};
use selat_policy::Role;
use selat_record::pb::{AuditAction, KeyPurpose, KeyStatus};
use selat_seal::succession::{Deed, PlanError, StepState};
use selat_seal::{KeyRing as _, descriptor};
use selat_store::{Engine, Fault, FaultEngine, MemoryEngine};

use crate::kit::{Federation, Lasting, Node, Party, RingFault, actor, goal, operator, person, signed_by};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const WORKING: [KeyPurpose; 4] = [KeyPurpose::Record, KeyPurpose::Query, KeyPurpose::Log, KeyPurpose::TlsCa];
const ROTATE: Want = Want::Rotate { purpose: KeyPurpose::Record };
const REPLACE: Want = Want::Replace { purpose: KeyPurpose::Record, since: None };

async fn three() -> (Federation, [Node; 3]) {
    Federation::of(["AUS", "IDN", "MYS"]).await
}

/// The keys of one purpose: status, whether held, whether in use; the newest last.
async fn keys(node: &Node, purpose: KeyPurpose) -> Vec<(Option<KeyStatus>, bool, bool)> {
    let view = node.key_status(&operator()).await.unwrap();
    let line = |key: &KeyLine| (key.status(), key.held, key.in_use);
    view.keys.iter().filter(|key| key.purpose == purpose).map(line).collect()
}

fn due(plan: &selat_exchange::KeyPlan) -> Vec<String> {
    plan.plan.due().map(ToString::to_string).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn rotation_goes_through_its_steps_and_no_peer_refuses_anything_meanwhile() {
    for purpose in WORKING {
        let (federation, [aus, idn, mys]) = three().await;
        let (want, peers) = (Want::Rotate { purpose }, [&idn, &mys]);
        let mut versions = Vec::new();
        for _ in 0..9 {
            let applied = aus.apply_due(want).await.unwrap();
            if let Some(draft) = &applied.draft {
                versions.push(aus.publish_draft(draft).await.unwrap().version);
            } else if applied.plan.plan.is_done() {
                break;
            }
            aus.hold(person("Budi Contoh")).await;
            for peer in peers {
                let taken = peer.follow(&aus).await.unwrap();
                assert_eq!((taken.accepted, taken.quarantined), (1, 0), "{purpose:?} at {versions:?}");
            }
            aus.compares_with(&peers).await;
            federation.clock.turn(DAY);
            aus.compares_with(&peers).await;
        }
        assert_eq!(versions, [2, 3], "{purpose:?}: announced, then taken over");
        assert_eq!(
            keys(&aus, purpose).await,
            [(Some(KeyStatus::Retired), false, false), (Some(KeyStatus::Active), true, true)],
            "{purpose:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn successor_waits_for_the_overlap_and_for_every_peer() {
    let (federation, [aus, idn, mys]) = three().await;
    aus.compares_with(&[&idn, &mys]).await;
    let draft = aus.apply_due(ROTATE).await.unwrap().draft.unwrap();
    federation.wire.unplug(mys.id());
    aus.publish_draft(&draft).await.unwrap();
    aus.refresh(idn.id()).await.unwrap();
    federation.clock.turn(DAY);
    aus.refresh(idn.id()).await.unwrap();
    let plan = aus.plan_for(ROTATE).await.unwrap();
    let waits = plan.plan.steps.iter().find_map(|step| match &step.state {
        StepState::Waiting(wait) => Some(wait.to_string()),
        _ => None,
    });
    assert_eq!(waits.unwrap(), "MYS (holds version 1) to acknowledge version 2");
    let applied = aus.apply_due(ROTATE).await.unwrap();
    assert_eq!((applied.done, applied.draft), (Vec::new(), None), "nothing is due, nothing is done");
    federation.wire.plug(mys.exchange.clone());
    aus.refresh(mys.id()).await.unwrap();
    assert!(aus.apply_due(ROTATE).await.unwrap().draft.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn draft_that_waits_for_signatures_stays_the_same() {
    for want in [ROTATE, REPLACE] {
        let (federation, [aus, ..]) = three().await;
        let first = aus.apply_due(want).await.unwrap();
        assert_eq!(first.done.len(), 2, "{:?}", first.done);
        federation.clock.turn(DAY);
        let held = aus.ring.held();
        for aus in [aus.clone(), federation.restart(&aus).await] {
            let again = aus.apply_due(want).await.unwrap();
            assert_eq!((again.draft, again.done.len()), (first.draft.clone(), 0), "{want:?}");
            assert_eq!(aus.ring.held(), held, "no second successor is made");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn draft_that_retires_a_key_too_soon_is_made_anew() {
    let (federation, [aus, idn, mys]) = three().await;
    aus.publish_draft(&aus.apply_due(ROTATE).await.unwrap().draft.unwrap()).await.unwrap();
    aus.compares_with(&[&idn, &mys]).await;
    federation.clock.turn(DAY);
    let early = aus.apply_due(ROTATE).await.unwrap().draft.unwrap();
    federation.clock.turn(DAY / 2);
    assert_eq!(aus.apply_due(ROTATE).await.unwrap().draft.unwrap(), early, "half of its time is left");
    federation.clock.turn(Duration::from_millis(1));
    let late = aus.apply_due(ROTATE).await.unwrap().draft.unwrap();
    assert_ne!(late, early);
    assert!(aus.publish_draft(&early).await.is_err(), "peers could not learn of the successor in time");
    aus.publish_draft(&late).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn plan_that_no_longer_holds_is_not_applied() {
    let (_, [aus, idn, mys]) = three().await;
    let plan = aus.plan_for(ROTATE).await.unwrap();
    aus.apply_due(ROTATE).await.unwrap();
    let held = aus.ring.held();
    let stale = aus.key_apply(&operator(), plan.goal.clone(), &plan.plan.state).await;
    assert!(matches!(stale, Err(ExchangeError::PlanChanged)), "{stale:?}");
    for wrong in [vec![], vec![0; 32]] {
        let refused = aus.key_apply(&operator(), plan.goal.clone(), &wrong).await;
        assert!(matches!(refused, Err(ExchangeError::PlanChanged)), "{refused:?}");
    }
    // Another goal than the one that was planned for.
    let other = aus.plan_for(Want::Rotate { purpose: KeyPurpose::Log }).await.unwrap();
    let refused = aus.key_apply(&operator(), goal(ROTATE), &other.plan.state).await;
    assert!(matches!(refused, Err(ExchangeError::PlanChanged)), "{refused:?}");
    assert_eq!(aus.ring.held(), held);
    // A plan that waits still holds while nothing but time passes.
    let draft = aus.apply_due(ROTATE).await.unwrap().draft.unwrap();
    aus.publish_draft(&draft).await.unwrap();
    aus.compares_with(&[&idn, &mys]).await;
    let waiting = aus.plan_for(ROTATE).await.unwrap();
    aus.key_apply(&operator(), waiting.goal, &waiting.plan.state).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn abandoned_rotation_is_undone_wherever_it_stands() {
    let abandon = Want::Abandon { purpose: KeyPurpose::Record };
    for published in [false, true] {
        let (federation, [aus, idn, mys]) = three().await;
        let before = aus.in_use(KeyPurpose::Record);
        let draft = aus.apply_due(ROTATE).await.unwrap().draft.unwrap();
        if published {
            aus.publish_draft(&draft).await.unwrap();
        }
        aus.turn_to_the_end(&federation, &[&idn, &mys], abandon).await.unwrap();
        assert_eq!(keys(&aus, KeyPurpose::Record).await, [(Some(KeyStatus::Active), true, true)]);
        assert_eq!((aus.in_use(KeyPurpose::Record), aus.ring.held().len()), (before, 4));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rotation_that_has_taken_over_is_finished_not_undone() {
    let (federation, [aus, idn, mys]) = three().await;
    for _ in 0..2 {
        aus.publish_draft(&aus.apply_due(ROTATE).await.unwrap().draft.unwrap()).await.unwrap();
        aus.compares_with(&[&idn, &mys]).await;
        federation.clock.turn(DAY / 2);
        aus.compares_with(&[&idn, &mys]).await;
        federation.clock.turn(DAY / 2);
    }
    let refused = aus.plan_for(Want::Abandon { purpose: KeyPurpose::Record }).await;
    let tail = aus.plan_for(ROTATE).await.unwrap();
    assert!(matches!(refused, Err(ExchangeError::Plan(PlanError::TakenOver(_)))) || tail.plan.is_done(), "{refused:?}");
    aus.turn_to_the_end(&federation, &[&idn, &mys], ROTATE).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn emergency_replaces_at_once_and_destroys_what_was_stolen() {
    for purpose in WORKING {
        let (federation, [aus, idn, mys]) = three().await;
        let want = Want::Replace { purpose, since: None };
        let stolen = aus.in_use(purpose).unwrap();
        let planned = aus.plan_for(want).await.unwrap();
        let Want::Replace { since: Some(since), .. } = planned.goal.want else { panic!("{planned:?}") };
        assert_eq!(since, aus.now(), "the moment is filled in");
        let draft = aus.apply_due(want).await.unwrap().draft.unwrap();
        federation.clock.turn(DAY / 2);
        aus.publish_draft(&draft).await.unwrap();
        assert_ne!(aus.in_use(purpose), Some(stolen), "{purpose:?}: nobody is waited for");
        let listed = aus.descriptor().key(stolen.as_bytes()).unwrap().compromised_since();
        assert_eq!(listed, Some(since), "{purpose:?}: the first moment, not that of the publication");
        aus.compares_with(&[&idn, &mys]).await;
        let same = Want::Replace { purpose, since: Some(since) };
        aus.turn_to_the_end(&federation, &[&idn, &mys], same).await.unwrap();
        assert_eq!((aus.descriptor().version(), aus.ring.held().len()), (2, 4), "{purpose:?}: the same theft");
        assert!(!aus.ring.held().iter().any(|key| key.id == stolen), "{purpose:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn goal_that_leads_nowhere_is_refused_with_its_reason() {
    let (_, [aus, ..]) = three().await;
    let key = aus.in_use(KeyPurpose::Record).unwrap();
    let ahead = aus.now().plus(DAY);
    for (want, words) in [
        (Want::Retire { key }, "no other active record key"),
        (Want::Revoke { key, since: None }, "no other active record key"),
        (Want::Replace { purpose: KeyPurpose::Record, since: Some(ahead) }, "lies ahead"),
        (Want::Abandon { purpose: KeyPurpose::Root }, "not on this node"),
    ] {
        let refused = aus.plan_for(want).await.unwrap_err();
        assert!(matches!(refused, ExchangeError::Plan(_)) && refused.to_string().contains(words), "{refused}");
        assert_eq!(refused.code(), "SLT-3111");
    }
    let roots = aus.plan_for(Want::Rotate { purpose: KeyPurpose::Root }).await.unwrap();
    assert!(matches!(roots.plan.due().next(), Some(Deed::RenewRoots)), "{:?}", due(&roots));
}

#[tokio::test(flavor = "multi_thread")]
async fn reason_is_asked_for_where_keys_end_and_kept_in_the_audit_log() {
    let (_, [aus, ..]) = three().await;
    let key = aus.in_use(KeyPurpose::Record).unwrap();
    for want in [REPLACE, Want::Retire { key }, Want::Revoke { key, since: None }] {
        for reason in ["", " ", "a\nb", &"x".repeat(201)] {
            let refused = aus.key_plan(&operator(), KeyGoal { want, reason: reason.into() }).await;
            assert!(matches!(refused, Err(ExchangeError::Invalid(_))), "{want:?} {reason:?}: {refused:?}");
        }
    }
    aus.key_plan(&operator(), KeyGoal { want: ROTATE, reason: String::new() }).await.unwrap();
    let before = aus.audited().await.len();
    aus.apply_due(REPLACE).await.unwrap();
    let entries = aus.audited().await.split_off(before);
    assert_eq!(entries.len(), 2, "the key, the draft");
    for entry in entries {
        assert_eq!((entry.action(), entry.actor.as_str()), (AuditAction::Administration, "operator-1"));
        assert!(entry.note.starts_with("rotate record in an emergency ("), "{}", entry.note);
        assert!(entry.note.ends_with(": as the test says"), "{}", entry.note);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_operators_see_and_turn_keys() {
    let (_, [aus, ..]) = three().await;
    let plan = aus.plan_for(ROTATE).await.unwrap();
    let commits = aus.bench.commits();
    for role in [Role::Officer, Role::Supervisor, Role::Auditor, Role::DataProtection, Role::Machine] {
        let who = actor(role);
        assert!(matches!(aus.key_status(&who).await, Err(ExchangeError::Denied(_))), "{role}");
        assert!(matches!(aus.key_plan(&who, goal(ROTATE)).await, Err(ExchangeError::Denied(_))), "{role}");
        let applied = aus.key_apply(&who, plan.goal.clone(), &plan.plan.state).await;
        assert!(matches!(applied, Err(ExchangeError::Denied(_))), "{role}");
        for list_only in [true, false] {
            assert!(matches!(aus.resign(&who, list_only, 1).await, Err(ExchangeError::Denied(_))), "{role}");
        }
    }
    assert_eq!((aus.bench.commits(), aus.ring.held().len()), (commits, 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn status_shows_keys_that_no_descriptor_names_and_where_they_live() {
    let (_, [aus, ..]) = three().await;
    aus.apply_due(ROTATE).await.unwrap();
    let view = aus.key_status(&operator()).await.unwrap();
    assert_eq!((view.custody.as_str(), view.descriptor_version, view.keys.len()), ("memory", 1, 8));
    let last = view.keys.last().unwrap();
    assert_eq!((last.status(), last.purpose, last.held, last.in_use), (None, KeyPurpose::Record, true, false));
    let roots = view.keys.iter().filter(|key| key.purpose == KeyPurpose::Root);
    assert!(roots.clone().count() == 3 && roots.into_iter().all(|key| !key.held && !key.in_use));
}

#[tokio::test(flavor = "multi_thread")]
async fn unsigned_draft_is_no_descriptor() {
    let (_, [aus, ..]) = three().await;
    let draft = aus.apply_due(ROTATE).await.unwrap().draft.unwrap();
    assert!(aus.publish(&operator(), &draft).await.is_err());
    let unsigned = descriptor::read_draft(&draft).unwrap();
    assert!(unsigned.signatures.is_empty());
    let signed = signed_by(&aus.party, &draft);
    assert_eq!((signed.payload, signed.signatures.len()), (unsigned.payload, 2));
}

// ---- crashes --------------------------------------------------------------------------------------------------------

/// AUS, whose store and keys outlive its node, and a peer.
struct World {
    federation: Federation,
    memory: Arc<dyn Engine>,
    idn: Node,
}

impl World {
    async fn new() -> (Self, Node) {
        let federation = Federation::new();
        let memory: Arc<dyn Engine> = Arc::new(Lasting(Arc::new(MemoryEngine::new())));
        let aus = federation.open(Party::new("AUS"), memory.clone(), Limits::default()).await.unwrap();
        let idn = federation.node("IDN").await;
        for (one, other) in [(&aus, &idn), (&idn, &aus)] {
            one.join(&operator(), other.descriptor().as_ref().clone()).await.unwrap();
            one.approve_by_phone(other.id()).await;
        }
        aus.stop().await.unwrap();
        (Self { federation, memory, idn }, aus)
    }

    /// AUS again with the keys of `before`, on a store that fails in this way.
    async fn again(&self, before: &Node, fault: Fault, nth: u64) -> Node {
        before.stop().await.unwrap();
        let engine = Arc::new(FaultEngine::new(self.memory.clone(), fault, nth));
        self.federation.open_with_ring(Party::new("AUS"), engine, before.ring.clone()).await.unwrap()
    }

    async fn well(&self, before: &Node) -> Node {
        self.again(before, Fault::Fails, u64::MAX).await
    }

    async fn check_end(&self, aus: &Node, want: Want, why: &str) {
        let (old, version) = match want {
            Want::Rotate { .. } => (KeyStatus::Retired, 3),
            _ => (KeyStatus::Compromised, 2),
        };
        let expected = [(Some(old), false, false), (Some(KeyStatus::Active), true, true)];
        assert_eq!(keys(aus, KeyPurpose::Record).await, expected, "{why}");
        assert_eq!((aus.ring.held().len(), aus.descriptor().version()), (4, version), "{why}");
        aus.compares_with(&[&self.idn]).await;
        aus.hold(person("Budi Contoh")).await;
        assert_eq!(self.idn.follow(aus).await.unwrap().quarantined, 0, "{why}");
        aus.check_trees(&[self.idn.id()]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn turn_that_breaks_at_any_write_is_finished_by_asking_again() {
    for want in [ROTATE, REPLACE] {
        for commit in 1..=9 {
            for fault in [Fault::Fails, Fault::FailsAfterApplying] {
                let (world, aus) = World::new().await;
                let aus = world.again(&aus, fault, commit).await;
                // Where there are fewer writes than this nothing breaks.
                let _ = aus.turn_to_the_end(&world.federation, &[&world.idn], want).await;
                let aus = world.well(&aus).await;
                aus.turn_to_the_end(&world.federation, &[&world.idn], ending(&aus, want)).await.unwrap();
                world.check_end(&aus, want, &format!("{want:?}, commit {commit}, {fault:?}")).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn turn_whose_home_of_keys_breaks_is_finished_by_asking_again() {
    for want in [ROTATE, REPLACE] {
        for fault in [RingFault::Fails, RingFault::FailsAfterwards] {
            let (world, aus) = World::new().await;
            let aus = world.well(&aus).await;
            aus.ring.fail_next(fault);
            let broken = aus.apply_due(want).await;
            assert!(matches!(broken, Err(ExchangeError::Key(_))), "{broken:?}");
            let aus = world.well(&aus).await;
            let draft = aus.apply_due(want).await.unwrap().draft.unwrap();
            assert_eq!(aus.ring.held().len(), 5, "{want:?} {fault:?}: one successor");
            aus.publish_draft(&draft).await.unwrap();
            if want == ROTATE {
                aus.compares_with(&[&world.idn]).await;
                world.federation.clock.turn(DAY);
                aus.compares_with(&[&world.idn]).await;
                aus.publish_draft(&aus.apply_due(want).await.unwrap().draft.unwrap()).await.unwrap();
                aus.compares_with(&[&world.idn]).await;
                world.federation.clock.turn(DAY);
            }
            aus.ring.fail_next(fault);
            let broken = aus.apply_due(ending(&aus, want)).await;
            assert!(matches!(broken, Err(ExchangeError::Key(_))), "{want:?} {fault:?}: {broken:?}");
            let aus = world.well(&aus).await;
            aus.compares_with(&[&world.idn]).await;
            aus.turn_to_the_end(&world.federation, &[&world.idn], ending(&aus, want)).await.unwrap();
            world.check_end(&aus, want, &format!("{want:?} {fault:?}")).await;
        }
    }
}

/// What is asked for again: a rotation that is over would begin another, and an emergency goes on for the same theft.
fn ending(aus: &Node, want: Want) -> Want {
    let purpose = KeyPurpose::Record;
    let told = aus.descriptor().keys(purpose).find_map(|key| key.compromised_since());
    let over = aus.ring.held().len() == 4 && aus.descriptor().version() == 3;
    match (want, told) {
        (Want::Replace { .. }, Some(since)) => Want::Replace { purpose, since: Some(since) },
        (Want::Rotate { .. }, _) if over => Want::Abandon { purpose },
        (want, _) => want,
    }
}
