//! The operator and the holders of the roots, turning keys.

use selat_exchange::{Applied, ExchangeError, KeyGoal, KeyPlan, Published, Want};
use selat_record::pb;
use selat_seal::descriptor::{add_signature, read_draft, write_chain};

use super::{Federation, Node, Party, operator};

/// What an operator wants, with a reason.
pub fn goal(want: Want) -> KeyGoal {
    KeyGoal { want, reason: "as the test says".into() }
}

/// A draft, signed by two of the roots.
pub fn signed_by(party: &Party, draft: &str) -> pb::Envelope {
    let draft = read_draft(draft).unwrap();
    [1, 2].iter().fold(draft, |draft, n| add_signature(&draft, &party.root(*n)).unwrap())
}

impl Node {
    pub async fn plan_for(&self, want: Want) -> Result<KeyPlan, ExchangeError> {
        self.key_plan(&operator(), goal(want)).await
    }

    /// Plans and applies at once.
    pub async fn apply_due(&self, want: Want) -> Result<Applied, ExchangeError> {
        let plan = self.plan_for(want).await?;
        self.key_apply(&operator(), plan.goal, &plan.plan.state).await
    }

    /// Has a draft signed and publishes it.
    pub async fn publish_draft(&self, draft: &str) -> Result<Published, ExchangeError> {
        self.publish(&operator(), &write_chain(&[signed_by(&self.party, draft)])).await
    }

    /// All peers acknowledge the descriptor in force, and their own are confirmed.
    pub async fn compares_with(&self, peers: &[&Self]) {
        for peer in peers {
            self.refresh(peer.id()).await.unwrap();
        }
    }

    /// Runs the same command, has signed what it drafts, and waits, until nothing is left to do. Stops at the first
    /// failure, as an operator would.
    pub async fn turn_to_the_end(
        &self,
        federation: &Federation,
        peers: &[&Self],
        want: Want,
    ) -> Result<(), ExchangeError> {
        for _ in 0..12 {
            let applied = self.apply_due(want).await?;
            if let Some(draft) = &applied.draft {
                self.publish_draft(draft).await?;
            } else if applied.plan.plan.is_done() || applied.plan.plan.steps.is_empty() {
                return Ok(());
            } else {
                federation.clock.turn(self.limits().overlap);
            }
            for peer in peers {
                // What could not be compared is compared the next time.
                let _ = self.refresh(peer.id()).await;
            }
        }
        panic!("the turn comes to no end: {:?}", self.plan_for(want).await);
    }
}
