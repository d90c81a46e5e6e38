//! A follow stream of the rogue that a test feeds by hand.

use futures::StreamExt as _;
use selat_wire::peer::FollowEvent;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tonic::Status;

use super::Script;

/// The victim's follow streams, as it opens them.
pub struct Feed(UnboundedReceiver<Feeding>);

/// One follow stream.
pub struct Feeding {
    /// The index from which the victim follows.
    pub from: u64,
    events: UnboundedSender<Result<FollowEvent, Status>>,
}

impl Feed {
    /// The next stream that the victim opens and has not given up.
    pub async fn next(&mut self) -> Feeding {
        loop {
            let stream = self.0.recv().await.expect("the rogue is served");
            if !stream.events.is_closed() {
                return stream;
            }
        }
    }
}

impl Feeding {
    /// Sends an event.
    pub fn send(&self, event: FollowEvent) {
        // A victim that has hung up is found out by what the test waits for.
        let _ = self.events.send(Ok(event));
    }

    /// Ends the stream with a status.
    pub fn fail(self, status: Status) {
        let _ = self.events.send(Err(status));
    }
}

impl Script {
    /// Whatever follows is fed by hand.
    pub fn fed(self) -> (Self, Feed) {
        let (opened, streams) = unbounded_channel();
        let script = self.followed(move |from| {
            let (events, mut fed) = unbounded_channel();
            let _ = opened.send(Feeding { from, events });
            futures::stream::poll_fn(move |context| fed.poll_recv(context)).boxed()
        });
        (script, Feed(streams))
    }
}
