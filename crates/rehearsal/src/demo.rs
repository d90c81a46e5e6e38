//! `selat demo`: five countries on one machine. Tells the story, then stays up so that a newcomer can try the commands.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use selat_client::cli::Form;
use selat_complaint::Complaint;
use selat_exchange::Clock;
use selat_node::clock::{OsEntropy, SystemClock};
use selat_node::running::Surroundings;
use selat_record::ParticipantId;
use tempfile::TempDir;

use crate::explain;
use crate::federation::{Federation, RehearsalError, operator};
use crate::report::{Report, VERSION};
use crate::story::{self, Teller};

/// Who takes part.
const PARTICIPANTS: [&str; 5] = ["AUS", "IDN", "MYS", "NZL", "THA"];
/// Name of the federation.
const FEDERATION: &str = "demo";

/// Runs a whole federation on this machine, with made-up records, and tells its story.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  selat demo
  selat demo --once --output json
  selat demo --dir my-federation --records 500")]
pub struct DemoArgs {
    /// Stop after the story
    #[arg(long)]
    pub once: bool,
    /// Keep the federation in this folder (a new one) instead of a throw-away one
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Records that each node makes
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub records: u32,
    /// Seed of the made-up records; the same seed makes the same records
    #[arg(long, value_name = "N", default_value_t = 2009)]
    pub seed: u64,
}

/// Runs the demonstration.
pub async fn run_demo(args: DemoArgs, form: Option<Form>) -> Result<(), Complaint> {
    let as_json = matches!(form, Some(Form::Json | Form::Jsonl));
    if as_json && !args.once {
        let cause = "without --once the demonstration has no end";
        return Err(Complaint::about(&explain::DEMO_ENDLESS).cause(cause));
    }
    let (folder, _keep) = folder_of(args.dir.as_deref()).map_err(|error| failed(&error))?;
    let teller = Teller::new(as_json);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let surroundings = Surroundings { clock: clock.clone(), entropy: Arc::new(OsEntropy) };
    let (mut federation, report) =
        tell(&args, &folder, &teller, surroundings, &*clock).await.map_err(|error| failed(&error))?;
    if as_json {
        let line = serde_json::to_string(&report).map_err(|error| failed(&error))?;
        writeln!(io::stdout(), "{line}").map_err(|error| failed(&error))?;
    }
    if !args.once {
        invite_to_try(&federation, &teller, &report.search.name);
        tokio::signal::ctrl_c().await.map_err(|error| failed(&error))?;
        teller.say("\nStopping.");
    }
    federation.stop_all().await.map_err(|error| failed(&error))
}

/// The folder, and what takes it away again when it is a throw-away one.
fn folder_of(dir: Option<&Path>) -> io::Result<(PathBuf, Option<TempDir>)> {
    match dir {
        Some(dir) => {
            std::fs::create_dir(dir)?;
            Ok((std::path::absolute(dir)?, None))
        }
        None => {
            let folder = tempfile::Builder::new().prefix("selat-demo-").tempdir()?;
            Ok((folder.path().to_owned(), Some(folder)))
        }
    }
}

async fn tell(
    args: &DemoArgs,
    folder: &Path,
    teller: &Teller,
    surroundings: Surroundings,
    clock: &dyn Clock,
) -> Result<(Federation, Report), RehearsalError> {
    let participants = PARTICIPANTS.map(|name| name.parse().expect("the names above are participant ids"));
    let [aus, idn, mys, nzl, tha]: &[ParticipantId; 5] = &participants;
    let mut report = Report {
        version: VERSION,
        seed: args.seed,
        participants: PARTICIPANTS.iter().map(ToString::to_string).collect(),
        ..Default::default()
    };
    let mut lap = Lap::start(clock);

    teller
        .say(format!("Five countries, five nodes, no database in the middle. Everything is in {}.", folder.display()));
    teller.say("\n1. Each country makes its own keys, certificate authority and configuration, and starts its node.");
    let mut federation = Federation::found(folder, &FEDERATION.parse()?, &participants, surroundings).await?;
    for participant in &participants {
        teller.say(format!("  {participant} listens at {}", federation.node(participant)?.peer_address()));
    }
    report.timings_ms.start = lap.turn(clock);

    teller.say("\n2. Each pair exchanges descriptors, compares twelve words and approves. Until then nothing flows.");
    federation.onboard_all().await?;
    let phrase = federation.exchange(aus)?.fingerprint(&operator(), idn)?;
    teller.say(format!("  {aus} and {idn} both read: {}", phrase.words().join(" ")));
    report.timings_ms.onboard = lap.turn(clock);

    teller.say("\n3. Each fills its own store with made-up records: signed, encrypted, durable, released as marked.");
    let per_node = usize::try_from(args.records).unwrap_or(usize::MAX);
    story::fill(&federation, teller, args.seed, per_node, &mut report).await?;
    report.timings_ms.ingest = lap.turn(clock);
    teller.say(format!("  {} records made, {} releases logged", report.records, report.released));

    teller.say("\n4. The others follow: each release is checked against a signed, growing log before it is kept.");
    story::follow(&federation, teller, clock).await?;
    report.timings_ms.follow = lap.turn(clock);
    report.holdings = story::holdings(&federation, teller).await?;
    report.followed = report.holdings.iter().map(|holding| holding.from_peers).sum();

    let (asker, known_to, down) = (aus, idn, nzl);
    let others: Vec<_> = participants.iter().filter(|other| *other != known_to).cloned().collect();
    let name = story::well_known_name(args.seed, known_to, &others, per_node);
    teller.say(format!("\n5. An officer in {asker} asks all peers: do you know {name}?"));
    lap.turn(clock);
    report.search = story::search(federation.exchange(asker)?, teller, &name).await?;
    report.timings_ms.search = lap.turn(clock);

    teller.say(format!("\n6. {down} goes down. The same question again: who did not answer is said aloud."));
    federation.stop(down).await?;
    report.search_with_one_down = story::search(federation.exchange(asker)?, teller, &name).await?;

    let (careless, origin) = (tha, mys);
    teller.say(format!(
        "\n7. {careless} marks an asylum-seeker's record for {origin}, the state it must be hidden from."
    ));
    report.refusal = story::refused_release(federation.exchange(careless)?, teller, origin).await?;
    federation.start(down).await?;
    Ok((federation, report))
}

fn invite_to_try(federation: &Federation, teller: &Teller, name: &str) {
    let program = std::env::current_exe().map_or_else(|_| "selat".into(), |path| path.display().to_string());
    let sockets: Vec<_> = federation
        .participants()
        .iter()
        .filter_map(|participant| federation.member(participant))
        .map(|member| member.config.desk.socket.display().to_string())
        .collect();
    let (Some(first), Some(second)) = (sockets.first(), sockets.get(1)) else { return };
    teller.say("\nThe nodes stay up. Try from another terminal, as an officer of AUS and then of IDN:\n");
    for line in [
        "export SELAT_PURPOSE=law-enforcement SELAT_CASE=DEMO-1".to_owned(),
        format!("export SELAT_SOCKET={first}"),
        format!("{program} status"),
        format!("{program} peer ping IDN"),
        format!("{program} search {name:?}"),
        format!("{program} search {name:?} --fetch"),
        format!("export SELAT_SOCKET={second}"),
        format!("{program} record list --kind incident --limit 5"),
    ] {
        teller.say(format!("  {line}"));
    }
    teller.say("\nCtrl-C stops everything.");
}

/// Milliseconds from one part of the story to the next.
struct Lap(u64);

impl Lap {
    fn start(clock: &dyn Clock) -> Self {
        Self(clock.monotonic_ms())
    }

    fn turn(&mut self, clock: &dyn Clock) -> u64 {
        let now = clock.monotonic_ms();
        now.saturating_sub(std::mem::replace(&mut self.0, now))
    }
}

fn failed(error: &(dyn std::error::Error + 'static)) -> Complaint {
    Complaint::about(&explain::DEMO_FAILED).cause(selat_node::calls::words(error))
}
