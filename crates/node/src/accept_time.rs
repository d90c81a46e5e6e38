//! `selat store accept-time`: lets a node go on that ran with its clock ahead and is locked out since the clock was set
//! right. Works on the node's store while the node is down.
//!
//! Promise: the mark is set to the clock's time and nothing else is touched. Leaves out: asking the operator, and what was
//! dated while the clock was ahead.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};
use selat_complaint::Complaint;
use selat_record::{ParticipantId, Timestamp};
use selat_seal::Entropy;
use selat_store::{Batch, Identity, Repositories, SledEngine, StorageKey, StoreError, Vault};

use crate::calls::words;
use crate::config::Config;
use crate::keys::NodeKeys;
use crate::serve::store_entry;
use crate::{explain, keys};

/// The store of a node that is down.
#[derive(Debug, Subcommand)]
pub enum StoreCommand {
    /// Take the clock's time for the present, though the node has known a later one
    ///
    /// For a node that ran while its clock was ahead and does not start now that the clock is right (SLT-1403). What
    /// expired between the two times counts as valid again, and new records are dated before old ones.
    #[command(after_help = "\
Examples:
  selat store accept-time --config aus/selat.toml")]
    AcceptTime(AcceptTimeArgs),
}

/// What `selat store accept-time` takes.
#[derive(Debug, Args)]
pub struct AcceptTimeArgs {
    /// Configuration of the node
    #[arg(long, value_name = "FILE", env = "SELAT_CONFIG", default_value = "/etc/selat/selat.toml")]
    pub config: PathBuf,
}

/// What a node's store and the clock say of the time. No node can open the store meanwhile.
pub struct Reckoning {
    participant: ParticipantId,
    known: Option<Timestamp>,
    clock: Timestamp,
    store: Repositories,
}

impl Reckoning {
    /// Opens the store of the node with this configuration; `clock` is the present time.
    pub async fn open(config: &Path, clock: Timestamp, entropy: Arc<dyn Entropy>) -> Result<Self, Complaint> {
        let config = Config::load(config)?;
        let keys = NodeKeys::open(&config, entropy.clone()).map_err(|faults| keys::complaint_of(&faults))?;
        let (participant, federation) = (config.node.participant, config.node.federation);
        let folder = config.node.data_dir.join("store");
        if !folder.is_dir() {
            let cause = format!("there is no store at {}: the node has not run yet", folder.display());
            return Err(Complaint::about(&explain::STORE_CLOSED).cause(cause));
        }
        let vault = Arc::new(Vault::new(&StorageKey::from_bytes(*keys.storage()), entropy));
        let identity = Identity { federation, participant: participant.clone() };
        let cache_bytes = config.store.cache_bytes();
        let opened = tokio::task::spawn_blocking(move || SledEngine::open(&folder, cache_bytes)).await;
        let engine = opened.map_err(|panic| Complaint::about(&explain::STORE_DAMAGED).cause(panic))?.map_err(failed)?;
        let store = Repositories::open(Arc::new(engine), vault, &identity).await.map_err(failed)?;
        let known = store.meta.high_water().await.map_err(failed)?;
        Ok(Self { participant, known, clock, store })
    }

    /// Whose node it is.
    pub fn participant(&self) -> &ParticipantId {
        &self.participant
    }

    /// The latest time that the node has known; none if it has noted none yet.
    pub fn known(&self) -> Option<Timestamp> {
        self.known
    }

    /// What the clock shows.
    pub fn clock(&self) -> Timestamp {
        self.clock
    }

    /// True when the clock shows less than the node has known.
    pub fn clock_is_behind(&self) -> bool {
        self.known.is_some_and(|known| known > self.clock)
    }

    /// Has the node go on from the clock's time.
    pub async fn accept(self) -> Result<(), Complaint> {
        let mut batch = Batch::new();
        self.store.meta.note_high_water(&mut batch, self.clock);
        self.store.commit(batch).await.map_err(failed)?;
        self.close().await
    }

    /// Leaves everything as it was.
    pub async fn close(self) -> Result<(), Complaint> {
        self.store.engine().stop().await.map_err(failed)
    }
}

fn failed(error: StoreError) -> Complaint {
    Complaint::about(store_entry(&error)).cause(words(&error))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::Parser as _;

    use super::*;
    use crate::clock::OsEntropy;
    use crate::init::{InitArgs, run_init};
    use crate::running::StartError;
    use crate::upkeep::check_clock;

    const MINUTE: Duration = Duration::from_secs(60);

    #[derive(clap::Parser)]
    struct Command {
        #[command(flatten)]
        init: InitArgs,
    }

    /// A node that has a store, and its configuration.
    fn made(folder: &Path) -> PathBuf {
        let dir = folder.join("aus");
        let line = format!(
            "selat {} --participant AUS --federation demo --unit Centre --advertise-host 127.0.0.1 --contact-phone 1",
            dir.display()
        );
        run_init(Command::parse_from(line.split_whitespace()).init, &mut std::io::sink()).unwrap();
        std::fs::create_dir(dir.join("data/store")).unwrap();
        dir.join("selat.toml")
    }

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_ms(ms).unwrap()
    }

    async fn open(config: &Path, clock: Timestamp) -> Result<Reckoning, Complaint> {
        Reckoning::open(config, clock, Arc::new(OsEntropy)).await
    }

    /// The same right after the store was closed in this process: sled's threads let go of its lock a little later.
    async fn reopen(config: &Path, clock: Timestamp) -> Reckoning {
        loop {
            match open(config, clock).await {
                Err(complaint) if complaint.code() == "SLT-1202" => tokio::task::yield_now().await,
                opened => return opened.unwrap(),
            }
        }
    }

    #[tokio::test]
    async fn node_that_ran_with_its_clock_ahead_starts_again_once_the_time_is_accepted() {
        let folder = tempfile::tempdir().unwrap();
        let config = made(folder.path());
        let (right, ahead) = (at(1_800_000_000_000), at(1_900_000_000_000));
        open(&config, ahead).await.unwrap().accept().await.unwrap();

        let reckoning = reopen(&config, right).await;
        assert_eq!((reckoning.known(), reckoning.clock()), (Some(ahead), right));
        assert!(reckoning.clock_is_behind());
        let refused = check_clock(&reckoning.store, right, MINUTE).await;
        assert!(matches!(refused, Err(StartError::ClockSetBack { known, .. }) if known == ahead), "{refused:?}");
        reckoning.accept().await.unwrap();

        let reckoning = reopen(&config, right).await;
        assert!(!reckoning.clock_is_behind());
        check_clock(&reckoning.store, right, MINUTE).await.unwrap();
        assert!(check_clock(&reckoning.store, right.minus(2 * MINUTE), MINUTE).await.is_err(), "as strict as before");
    }

    #[tokio::test]
    async fn time_that_is_not_accepted_stays_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let config = made(folder.path());
        open(&config, at(2_000)).await.unwrap().accept().await.unwrap();
        reopen(&config, at(1_000)).await.close().await.unwrap();
        assert_eq!(reopen(&config, at(1_000)).await.known(), Some(at(2_000)));
    }

    #[tokio::test]
    async fn store_that_is_in_use_or_not_there_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let config = made(folder.path());
        let node = open(&config, at(1_000)).await.unwrap();
        let code = async || open(&config, at(1_000)).await.err().map(|complaint| complaint.code().to_owned());
        assert_eq!(code().await.as_deref(), Some("SLT-1202"));
        drop(node);
        let store = folder.path().join("aus/data/store");
        std::fs::remove_dir_all(&store).unwrap();
        assert_eq!(code().await.as_deref(), Some("SLT-1201"));
        assert!(!store.exists(), "none is made");
    }
}
