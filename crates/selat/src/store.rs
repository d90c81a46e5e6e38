//! `selat store`: shows an operator what the work on a store would do, and asks.

use std::sync::Arc;

use selat_client::screen::Screen;
use selat_complaint::Complaint;
use selat_node::accept_time::{Reckoning, StoreCommand};
use selat_node::clock::{Clock as _, OsEntropy, SystemClock};

/// Runs a command on the store of a node that is down; `yes` answers for scripts.
pub async fn run(screen: &mut Screen, command: StoreCommand, yes: bool) -> Result<(), Complaint> {
    let StoreCommand::AcceptTime(args) = command;
    let reckoning = Reckoning::open(&args.config, SystemClock::start().now(), Arc::new(OsEntropy)).await?;
    let now = reckoning.clock();
    let known = reckoning.known().map_or("none".to_owned(), |known| known.to_string());
    screen.line(format!("Latest time that the node has known: {known}"))?;
    screen.line(format!("The clock shows:                     {now}"))?;
    if !reckoning.clock_is_behind() {
        screen.line("The clock is not behind: there is nothing to accept.")?;
        return reckoning.close().await;
    }
    let participant = reckoning.participant().to_string();
    let consequence = format!(
        "What expired between the two counts as valid again for {participant}, and new records are dated before old ones."
    );
    screen.confirm(&consequence, &participant, yes)?;
    reckoning.accept().await?;
    screen.line(format!("The node of {participant} takes {now} for the present; start it now."))
}
