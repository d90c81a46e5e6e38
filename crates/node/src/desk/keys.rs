//! The own keys, as an operator sees and turns them.

use selat_exchange::{Applied, KeyGoal, KeyLine, KeyPlan, KeysView, Resigned, ResignedRecord, Want};
use selat_link::check_authority;
use selat_record::pb::{KeyPurpose, KeyStatus};
use selat_record::{Faults, Timestamp};
use selat_seal::succession::{Deed, Doer, Step, StepState};
use selat_seal::{DescribedKey, KeyId, keyfile};
use selat_wire::desk::{self as wire, KeyGoalKind, KeyStepState};
use tonic::{Request, Response, Status};

use super::messages::ms;
use super::service::{DeskRpc, Reply};
use super::trust::readiness;
use super::{bad, refused};

impl DeskRpc {
    pub(super) async fn keys(&self, request: Request<wire::KeyStatusRequest>) -> Reply<wire::KeyStatusReply> {
        let view = self.exchange.key_status(&self.actor(&request)?).await.map_err(refused)?;
        let KeysView { keys, custody, descriptor_version } = view;
        let keys = keys.into_iter().map(|line| self.key(line)).collect();
        Ok(Response::new(wire::KeyStatusReply { keys, custody, descriptor_version }))
    }

    pub(super) async fn plan(&self, request: Request<wire::KeyPlanRequest>) -> Reply<wire::KeyPlan> {
        let actor = self.actor(&request)?;
        let goal = goal(request.into_inner().goal)?;
        let plan = self.exchange.key_plan(&actor, goal).await.map_err(refused)?;
        Ok(Response::new(plan_message(plan)))
    }

    pub(super) async fn apply(&self, request: Request<wire::KeyApplyRequest>) -> Reply<wire::KeyApplyReply> {
        let actor = self.actor(&request)?;
        let request = request.into_inner();
        let goal = goal(request.goal)?;
        let Applied { plan, done, draft } =
            self.exchange.key_apply(&actor, goal, &request.state).await.map_err(refused)?;
        let (plan, draft) = (Some(plan_message(plan)), draft.unwrap_or_default());
        Ok(Response::new(wire::KeyApplyReply { plan, done, draft }))
    }

    pub(super) async fn resign(&self, request: Request<wire::KeyResignRequest>) -> Reply<wire::KeyResignReply> {
        let actor = self.actor(&request)?;
        let wire::KeyResignRequest { list_only, limit } = request.into_inner();
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let Resigned { records, more } = self.exchange.resign(&actor, list_only, limit).await.map_err(refused)?;
        Ok(Response::new(wire::KeyResignReply { records: records.into_iter().map(resigned).collect(), more }))
    }

    fn key(&self, line: KeyLine) -> wire::KeyView {
        let described = line.described.as_ref();
        wire::KeyView {
            id: line.id.as_bytes().to_vec(),
            purpose: line.purpose.into(),
            status: line.status().unwrap_or(KeyStatus::Unspecified).into(),
            valid_from_ms: ms(described.map(DescribedKey::valid_from)),
            valid_until_ms: ms(line.valid_until()),
            compromised_since_ms: ms(described.and_then(DescribedKey::compromised_since)),
            held: line.held,
            in_use: line.in_use,
            certificate_until_ms: ms(described.and_then(|key| self.certificate_end(key))),
            public_key: line.public.as_bytes().to_vec(),
        }
    }

    /// The end of an authority's certificate; nothing for a key that has none.
    fn certificate_end(&self, key: &DescribedKey) -> Option<Timestamp> {
        let (participant, federation) = (self.exchange.participant(), self.exchange.federation());
        let checked = check_authority(key.certificate()?, key.public().as_bytes(), participant, federation);
        checked.ok().map(|facts| facts.not_after)
    }
}

/// A goal, if it names what it needs.
fn goal(goal: Option<wire::KeyGoal>) -> Result<KeyGoal, Status> {
    let goal = goal.ok_or_else(|| bad(Faults::one("goal", "is missing")))?;
    let since = match goal.compromised_since_ms {
        0 => None,
        since => {
            let since = Timestamp::from_ms(since);
            Some(since.ok_or_else(|| bad(Faults::one("goal.compromised_since_ms", "is no moment")))?)
        }
    };
    let want = match goal.kind() {
        KeyGoalKind::Rotate if goal.emergency => Want::Replace { purpose: purpose(&goal)?, since },
        KeyGoalKind::Rotate => Want::Rotate { purpose: purpose(&goal)? },
        KeyGoalKind::Retire => Want::Retire { key: key_id(&goal)? },
        KeyGoalKind::Revoke => Want::Revoke { key: key_id(&goal)?, since },
        KeyGoalKind::Abandon => Want::Abandon { purpose: purpose(&goal)? },
        KeyGoalKind::Unspecified => return Err(bad(Faults::one("goal.kind", "is not given or not known"))),
    };
    Ok(KeyGoal { want, reason: goal.reason })
}

fn purpose(goal: &wire::KeyGoal) -> Result<KeyPurpose, Status> {
    match goal.purpose() {
        KeyPurpose::Unspecified => Err(bad(Faults::one("goal.purpose", "is not given or not known"))),
        purpose => Ok(purpose),
    }
}

fn key_id(goal: &wire::KeyGoal) -> Result<KeyId, Status> {
    KeyId::from_slice(&goal.key_id).ok_or_else(|| bad(Faults::one("goal.key_id", "is not the 32 bytes of a key id")))
}

fn goal_message(goal: &KeyGoal) -> wire::KeyGoal {
    let message = wire::KeyGoal { reason: goal.reason.clone(), ..wire::KeyGoal::default() };
    let (kind, purpose, key, since) = match goal.want {
        Want::Rotate { purpose } => (KeyGoalKind::Rotate, Some(purpose), None, None),
        Want::Replace { purpose, since } => (KeyGoalKind::Rotate, Some(purpose), None, since),
        Want::Retire { key } => (KeyGoalKind::Retire, None, Some(key), None),
        Want::Revoke { key, since } => (KeyGoalKind::Revoke, None, Some(key), since),
        Want::Abandon { purpose } => (KeyGoalKind::Abandon, Some(purpose), None, None),
    };
    wire::KeyGoal {
        kind: kind.into(),
        purpose: purpose.unwrap_or(KeyPurpose::Unspecified).into(),
        key_id: key.map(|key| key.as_bytes().to_vec()).unwrap_or_default(),
        emergency: matches!(goal.want, Want::Replace { .. }),
        compromised_since_ms: ms(since),
        ..message
    }
}

fn plan_message(plan: KeyPlan) -> wire::KeyPlan {
    wire::KeyPlan {
        goal: Some(goal_message(&plan.goal)),
        state: plan.plan.state.to_vec(),
        made_ms: plan.made.ms(),
        steps: plan.plan.steps.iter().map(|step| step_message(step, &plan.goal)).collect(),
        peers: plan.peers.into_iter().map(readiness).collect(),
    }
}

fn step_message(step: &Step, goal: &KeyGoal) -> wire::KeyStep {
    let (state, wait) = match &step.state {
        StepState::Done => (KeyStepState::Done, None),
        StepState::Due => (KeyStepState::Due, None),
        StepState::Waiting(wait) => (KeyStepState::Waiting, Some(wait)),
        StepState::Later => (KeyStepState::Later, None),
    };
    let by_itself = matches!(step.deed, Deed::Switch { .. });
    let applies = !by_itself && step.deed.doer() != Doer::Operator;
    wire::KeyStep {
        what: step.deed.to_string(),
        state: state.into(),
        waits_for: wait.map(ToString::to_string).unwrap_or_default(),
        earliest_ms: ms(wait.and_then(|wait| wait.earliest)),
        command: match &step.deed {
            Deed::Resign { .. } => "selat key resign".to_owned(),
            Deed::RenewRoots => "selat descriptor draft --from FILE --roots FILE --file DRAFT".to_owned(),
            _ if by_itself => String::new(),
            _ => command(goal),
        },
        applies,
    }
}

/// The command that goes on with a goal.
fn command(goal: &KeyGoal) -> String {
    let word = keyfile::purpose_word;
    let short = |key: KeyId| key.to_string().chars().take(8).collect::<String>();
    let reason = format!("--reason '{}'", goal.reason.replace('\'', r"'\''"));
    match goal.want {
        Want::Rotate { purpose } => format!("selat key rotate {}", word(purpose)),
        Want::Replace { purpose, .. } => format!("selat key rotate {} --emergency {reason}", word(purpose)),
        Want::Retire { key } => format!("selat key retire {} {reason}", short(key)),
        Want::Revoke { key, .. } => format!("selat key revoke {} {reason}", short(key)),
        Want::Abandon { purpose } => format!("selat key rotate {} --abandon", word(purpose)),
    }
}

fn resigned(record: ResignedRecord) -> wire::ResignedRecord {
    wire::ResignedRecord {
        record_id: record.record.as_bytes().to_vec(),
        version: record.version,
        first_logged_ms: record.first_logged.ms(),
        key_id: record.key.as_bytes().to_vec(),
        new_version: record.new_version.unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use selat_seal::succession::Wait;

    use super::*;

    fn key_id() -> KeyId {
        KeyId::from_slice(&[0x1a; 32]).unwrap()
    }

    fn of(want: Want, reason: &str) -> KeyGoal {
        KeyGoal { want, reason: reason.to_owned() }
    }

    #[test]
    fn goals_come_back_as_they_were_sent() {
        let since = Timestamp::from_ms(1_700_000_000_001);
        for want in [
            Want::Rotate { purpose: KeyPurpose::Record },
            Want::Replace { purpose: KeyPurpose::TlsCa, since },
            Want::Replace { purpose: KeyPurpose::TlsCa, since: None },
            Want::Retire { key: key_id() },
            Want::Revoke { key: key_id(), since },
            Want::Abandon { purpose: KeyPurpose::Log },
        ] {
            let sent = of(want, "why");
            assert_eq!(goal(Some(goal_message(&sent))).unwrap(), sent);
        }
    }

    #[test]
    fn goal_that_lacks_what_it_needs_is_refused() {
        let rotate = goal_message(&of(Want::Rotate { purpose: KeyPurpose::Record }, ""));
        let retire = goal_message(&of(Want::Retire { key: key_id() }, "why"));
        for bad in [
            None,
            Some(wire::KeyGoal { kind: 0, ..rotate.clone() }),
            Some(wire::KeyGoal { kind: 99, ..rotate.clone() }),
            Some(wire::KeyGoal { purpose: 0, ..rotate.clone() }),
            Some(wire::KeyGoal { purpose: 99, ..rotate.clone() }),
            Some(wire::KeyGoal { compromised_since_ms: -1, ..rotate }),
            Some(wire::KeyGoal { key_id: vec![1; 31], ..retire }),
        ] {
            assert_eq!(goal(bad.clone()).unwrap_err().code(), tonic::Code::InvalidArgument, "{bad:?}");
        }
    }

    #[test]
    fn command_goes_on_with_the_same_goal_and_survives_a_shell() {
        let rotate = of(Want::Rotate { purpose: KeyPurpose::TlsCa }, "");
        assert_eq!(command(&rotate), "selat key rotate tls-ca");
        let stolen = of(Want::Replace { purpose: KeyPurpose::Record, since: None }, "the chief's laptop");
        assert_eq!(command(&stolen), r"selat key rotate record --emergency --reason 'the chief'\''s laptop'");
        assert_eq!(command(&of(Want::Retire { key: key_id() }, "spare")), "selat key retire 1a1a1a1a --reason 'spare'");
        assert_eq!(command(&of(Want::Abandon { purpose: KeyPurpose::Log }, "")), "selat key rotate log --abandon");
    }

    #[test]
    fn step_says_who_does_it_and_what_it_waits_for() {
        let goal = of(Want::Rotate { purpose: KeyPurpose::Record }, "");
        let step = |deed, state| step_message(&Step { deed, state }, &goal);
        let earliest = Timestamp::from_ms(1_700_000_000_000);
        let wait = Wait { version: 2, peers: vec![("IDN".parse().unwrap(), 1)], earliest, time: "the overlap" };
        let waiting = step(Deed::Generate { purpose: KeyPurpose::Record }, StepState::Waiting(wait));
        assert_eq!(waiting.waits_for, "IDN (holds version 1) to acknowledge version 2");
        assert_eq!((waiting.earliest_ms, waiting.applies), (1_700_000_000_000, true));
        let switch = step(Deed::Switch { to: key_id() }, StepState::Due);
        assert_eq!((switch.command.as_str(), switch.applies), ("", false));
        let resign = step(Deed::Resign { records: 3 }, StepState::Due);
        assert_eq!((resign.command.as_str(), resign.applies), ("selat key resign", false));
        let publish = step(Deed::Retire { key: key_id(), purpose: KeyPurpose::Record }, StepState::Due);
        assert_eq!((publish.command.as_str(), publish.applies), ("selat key rotate record", true));
    }
}
