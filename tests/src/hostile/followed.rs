//! A scene in which the victim follows the rogue.

use std::time::Duration;

use selat_wire::peer::{FollowEvent, LogEntry};

use super::{Feed, Feeding, Forger, Script, Served, Stage, event, eventually};

/// A stage on which the victim follows a rogue that is fed by hand.
pub struct Followed {
    /// Everybody.
    pub stage: Stage,
    /// The victim's follow streams.
    pub feed: Feed,
    /// The rogue's log as the victim holds it.
    pub forger: Forger,
    _served: Served,
}

impl Followed {
    /// Sets it; the victim cuts the rogue off for `cut_off` at so many faults.
    pub async fn by_victim(faults_before_cut_off: u32, cut_off: Duration) -> Self {
        let stage = Stage::set_before_approval(|exchange| {
            exchange.faults_before_cut_off = faults_before_cut_off;
            exchange.cut_off = cut_off;
        })
        .await;
        let (script, feed) = Script::quiet(&stage.rogue).fed();
        let served = stage.rogue.serve(script).await;
        stage.approve_rogue().await;
        let forger = Forger::new(&stage.rogue);
        Self { stage, feed, forger, _served: served }
    }

    /// Sends good entries on a stream and waits until the victim holds them.
    pub async fn give(&mut self, stream: &Feeding, entries: Vec<LogEntry>) {
        stream.send(event(self.forger.segment(entries.clone())));
        self.forger.held.extend(entries);
        eventually("the victim holds the entries", async || (self.held().await == self.forger.next()).then_some(()))
            .await;
    }

    /// How many entries of the rogue's log the victim holds.
    pub async fn held(&self) -> u64 {
        self.stage.rogue_status().await.held
    }

    /// After a good entry comes what `spoil` makes: it is refused as a whole for `why`, and the log stands where it was.
    pub async fn refuses(&mut self, why: &str, spoil: impl FnOnce(&Forger) -> FollowEvent) {
        let stream = self.feed.next().await;
        assert_eq!(stream.from, self.forger.next());
        self.give(&stream, vec![self.forger.any("good")]).await;
        let before = self.stage.times_in_log(why);
        stream.send(spoil(&self.forger));
        eventually(why, async || (self.stage.times_in_log(why) > before).then_some(())).await;
        self.stage.following_failed_for(why).await;
        assert_eq!(self.held().await, self.forger.next(), "{why}");
    }
}
