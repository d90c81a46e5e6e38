//! `selat officer enrol`: an officer's certificate for the TLS desk, from the local officer authority. Works on the node's
//! files, with the node up or down.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand};
use selat_complaint::Complaint;
use selat_exchange::Clock;
use selat_link::{NodeName, OfficerName};
use selat_record::OfficerId;
use selat_record::pb::{KeyPurpose, KeyStatus};
use selat_seal::{AcceptedDescriptor, DescribedKey, Entropy};

use crate::calls::words;
use crate::clock::{OsEntropy, SystemClock};
use crate::config::Config;
use crate::keys::NodeKeys;
use crate::{explain, keys, own_descriptor};

/// Longest life of an officer's certificate in days.
const DAYS_MAX: u64 = 30;

/// Officers of this participant.
#[derive(Debug, Subcommand)]
pub enum OfficerCommand {
    /// Make a certificate with which an officer reaches the desk over TLS
    #[command(after_help = "\
Examples:
  selat officer enrol j-tan --config aus/selat.toml --out j-tan
  selat --node https://aus.example:7444 --officer-cert j-tan status")]
    Enrol(EnrolArgs),
}

/// What `selat officer enrol` takes.
#[derive(Debug, Args)]
pub struct EnrolArgs {
    /// The officer, as [[desk.caller]] officer_cert in the configuration names it
    pub officer: OfficerId,
    /// Configuration of the node
    #[arg(long, value_name = "FILE", env = "SELAT_CONFIG", default_value = "/etc/selat/selat.toml")]
    pub config: PathBuf,
    /// Folder to make, to be handed to the officer
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Days that the certificate is valid
    #[arg(long, default_value_t = DAYS_MAX, value_parser = clap::value_parser!(u64).range(1..=DAYS_MAX))]
    pub days: u64,
}

/// Makes the folder. It holds a secret key: hand it over in person, or over a channel that keeps secrets.
pub fn run_officer(command: OfficerCommand, out: &mut dyn Write) -> Result<(), Complaint> {
    let OfficerCommand::Enrol(args) = command;
    let config = Config::load(&args.config)?;
    let (participant, federation) = (config.node.participant.clone(), config.node.federation.clone());
    let entropy: Arc<dyn Entropy> = Arc::new(OsEntropy);
    let keys = NodeKeys::open(&config, entropy.clone()).map_err(|faults| keys::complaint_of(&faults))?;
    let own = own_descriptor::load(&config).map_err(|error| failed(&error))?.last;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let name = OfficerName::new(args.officer.clone(), participant.clone(), federation.clone());
    let life = Duration::from_secs(args.days * 24 * 3600);
    let leaf = keys.officer_ca().issue(&name, clock.now(), life, &*entropy).map_err(|error| failed(&error))?;
    let node = NodeName::new(&config.node.node, participant, federation).map_err(|error| failed(&error))?;
    let authorities: String = authorities_of(&own).map(certificate_pem).collect();
    write_folder(&args.out, &leaf.to_pem(), &authorities, &node.to_string()).map_err(|error| failed(&error))?;
    let mapped = config.desk.callers.iter().any(|rule| rule.names_certificate(args.officer.as_str()));
    // The folder stands; a closed pipe changes nothing about that.
    let _ = writeln!(out, "{} holds the certificate of {} for {} days", args.out.display(), args.officer, args.days);
    if !mapped {
        let _ = writeln!(
            out,
            "the configuration does not map it yet: add [[desk.caller]] with officer_cert = \"{}\" and restart the node",
            args.officer
        );
    }
    Ok(())
}

/// The authorities that the node may show a certificate of while the officer's is valid: also the one that is announced and
/// comes into use later.
fn authorities_of(own: &AcceptedDescriptor) -> impl Iterator<Item = &[u8]> {
    let vouches = |key: &&DescribedKey| key.status() != KeyStatus::Compromised;
    own.keys(KeyPurpose::TlsCa).filter(vouches).filter_map(DescribedKey::certificate)
}

fn certificate_pem(der: &[u8]) -> String {
    pem::encode(&pem::Pem::new("CERTIFICATE", der))
}

fn write_folder(folder: &Path, officer: &str, authorities: &str, node: &str) -> std::io::Result<()> {
    fs::DirBuilder::new().mode(0o700).create(folder)?;
    for (name, text) in [("officer.pem", officer), ("authorities.pem", authorities), ("node", node)] {
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(folder.join(name))?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
    }
    Ok(())
}

fn failed(error: &dyn std::error::Error) -> Complaint {
    Complaint::about(&explain::OFFICER_NOT_ENROLLED).cause(words(error))
}
