//! `selat init`: its flags, and what it tells when it is done.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use nix::unistd::{Uid, User};
use selat_complaint::{Complaint, clean};
use selat_exchange::Clock as _;
use selat_keyring::PassphraseSource;
use selat_policy::Role;
use selat_record::{FederationId, OfficerId, ParticipantId};
use selat_seal::Entropy;

use super::{InitReport, InitRequest, init};
use crate::clock::{OsEntropy, SystemClock};
use crate::config::{CREDENTIAL, CallerKey, CallerRule, ContactConfig, KeysConfig, Protection, TokenConfig};
use crate::explain;

const EXAMPLES: &str = "\
Examples:
  Try it out, both nodes on this machine:
    selat init aus --participant AUS --federation trial --unit \"Immigration Intelligence Centre\" \\
        --listen 127.0.0.1:7441 --advertise-host 127.0.0.1 --contact-email duty@aus.example

  A service (see deploy/README.md), called by the user with id 1000 as officer ops1:
    selat init /var/lib/selat/node --participant AUS --federation demo \\
        --unit \"Immigration Intelligence Centre\" --advertise-host selat.example.org \\
        --contact-phone \"+61 2 5550 0100\" --desk-socket /run/selat/desk.sock --desk-group selat-desk \\
        --caller-uid 1000 --officer ops1 --role operator

  The same with its key files under a passphrase that is typed here, and that systemd hands over at each start:
    selat init /var/lib/selat/node --keys credential --participant AUS --federation demo \\
        --unit \"Immigration Intelligence Centre\" --advertise-host selat.example.org \\
        --contact-phone \"+61 2 5550 0100\"";

/// Set up a new node: its keys, its first descriptor and its configuration
///
/// Makes one folder, whole or not at all, and never overwrites. The root keys in it speak for the participant: move
/// them to separate places afterwards, off this machine.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct InitArgs {
    /// Folder to make; its parent must be there
    pub dir: PathBuf,
    /// Whose node it is: ISO 3166-1 alpha-3 for a state, 2 to 12 upper-case letters or digits for an organisation
    #[arg(long, value_name = "CODE")]
    pub participant: ParticipantId,
    /// The federation, as its members agreed: lower-case letters, digits and hyphens
    #[arg(long, value_name = "NAME")]
    pub federation: FederationId,
    /// Name of the unit, for people
    #[arg(long, value_name = "TEXT")]
    pub unit: String,
    /// Label of the node within the participant
    #[arg(long, value_name = "LABEL", default_value = "node1")]
    pub node: String,
    /// Where the node listens for peers
    #[arg(long, value_name = "IP:PORT", default_value = "0.0.0.0:7443")]
    pub listen: SocketAddr,
    /// Host name or address under which peers reach the node
    #[arg(long, value_name = "HOST")]
    pub advertise_host: String,
    /// Port under which peers reach the node, if it is not the port of --listen
    #[arg(long, value_name = "PORT")]
    pub advertise_port: Option<u16>,
    /// Title of the contact point: an office, not a person
    #[arg(long, value_name = "TEXT", default_value = "Duty officer")]
    pub contact_title: String,
    /// Telephone of the contact point, answered day and night
    #[arg(long, value_name = "NUMBER", required_unless_present = "contact_email")]
    pub contact_phone: Option<String>,
    /// E-mail address of the contact point
    #[arg(long, value_name = "ADDRESS")]
    pub contact_email: Option<String>,
    /// Language spoken there, as a BCP 47 tag; may be given several times
    #[arg(long, value_name = "TAG", default_value = "en")]
    pub contact_language: Vec<String>,
    /// When the contact point is staffed
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub contact_hours: String,
    /// Unix socket for officers and operators, if not desk.sock in the folder
    #[arg(long, value_name = "PATH")]
    pub desk_socket: Option<PathBuf>,
    /// Group that may open the socket
    #[arg(long, value_name = "GROUP")]
    pub desk_group: Option<String>,
    /// Address for officers with certificates, if there shall be one
    #[arg(long, value_name = "IP:PORT")]
    pub desk_listen: Option<SocketAddr>,
    /// User id that may call the desk, if it is not yours
    #[arg(long, value_name = "UID")]
    pub caller_uid: Option<u32>,
    /// Officer that this user is, if not its login name
    #[arg(long, value_name = "LABEL")]
    pub officer: Option<OfficerId>,
    /// Role of this officer; may be given several times
    #[arg(long, value_name = "ROLE", default_values = ["officer", "operator"])]
    pub role: Vec<Role>,
    /// How many root keys are made
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=16))]
    pub root_keys: u8,
    /// How many root keys must sign a descriptor
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=16))]
    pub root_threshold: u8,
    /// Let peers name this participant to others
    #[arg(long)]
    pub may_be_named: bool,
    /// How the node's keys are kept: in plain files, in files under a passphrase, the same with the passphrase handed over
    /// by systemd, or in a PKCS#11 token
    #[arg(long, value_name = "KIND", value_enum, default_value = "plain")]
    pub keys: Kept,
    /// File whose first line is the passphrase of the key files; without it a passphrase is asked for
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// Name of the credential, with --keys credential
    #[arg(long, value_name = "NAME", default_value = CREDENTIAL)]
    pub credential: String,
    /// PKCS#11 library of the token, with --keys token
    #[arg(long, value_name = "FILE", required_if_eq("keys", "token"))]
    pub token_module: Option<PathBuf>,
    /// Label of the token, with --keys token
    #[arg(long, value_name = "LABEL", required_if_eq("keys", "token"))]
    pub token_label: Option<String>,
    /// File whose first line is the user PIN of the token, with --keys token
    #[arg(long, value_name = "FILE", required_if_eq("keys", "token"))]
    pub token_pin_file: Option<PathBuf>,
    /// Put the root keys under a passphrase, which is asked for
    #[arg(long, conflicts_with = "root_passphrase_file")]
    pub root_passphrase: bool,
    /// Put the root keys under the passphrase in the first line of this file
    #[arg(long, value_name = "FILE")]
    pub root_passphrase_file: Option<PathBuf>,
}

/// How the node's keys are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kept {
    /// In plain files that only the node's user can read.
    Plain,
    /// In files under a passphrase.
    Passphrase,
    /// In files under a passphrase that systemd hands over.
    Credential,
    /// In a PKCS#11 token. The storage key and the key of the officers' authority stay in files, under a passphrase if a
    /// file of one is given.
    Token,
}

/// Does what `selat init` was told and says on `out` what was made and what comes next.
pub fn run_init(args: InitArgs, out: &mut dyn Write) -> Result<(), Complaint> {
    let participant = args.participant.clone();
    let entropy: Arc<dyn Entropy> = Arc::new(OsEntropy);
    let report = init(&into_request(args)?, SystemClock::start().now(), &entropy)?;
    tell(&participant, &report, out).map_err(|error| {
        let headline = "the node was made, but its report could not be written";
        Complaint::about(&explain::INIT_UNWRITABLE).problem(headline).cause(error).mend("look into the folder")
    })
}

fn into_request(args: InitArgs) -> Result<InitRequest, Complaint> {
    let (keys, passphrase) = kept(&args)?;
    let asked = || PassphraseSource::Prompt { question: "passphrase of the root keys".to_owned() };
    let root_passphrase = args.root_passphrase_file.map(PassphraseSource::File);
    let root_passphrase = root_passphrase.or_else(|| args.root_passphrase.then(asked));
    let uid = args.caller_uid.unwrap_or_else(|| Uid::current().as_raw());
    let officer = args.officer.unwrap_or_else(|| officer_of(uid));
    Ok(InitRequest {
        dir: args.dir,
        participant: args.participant,
        federation: args.federation,
        unit: args.unit,
        node: args.node,
        listen: args.listen,
        advertise_host: args.advertise_host,
        advertise_port: args.advertise_port,
        contact: ContactConfig {
            title: args.contact_title,
            phone: args.contact_phone.unwrap_or_default(),
            email: args.contact_email.unwrap_or_default(),
            languages: args.contact_language,
            hours: args.contact_hours,
        },
        desk_socket: args.desk_socket,
        desk_group: args.desk_group,
        desk_listen: args.desk_listen,
        caller: CallerRule { who: CallerKey::Uid(uid), officer, roles: args.role },
        root_keys: args.root_keys,
        root_threshold: args.root_threshold,
        may_be_named: args.may_be_named,
        keys,
        passphrase,
        root_passphrase,
    })
}

/// What the configuration will say of the keys, and where their passphrase is read now.
fn kept(args: &InitArgs) -> Result<(KeysConfig, Option<PassphraseSource>), Complaint> {
    let with_token = args.token_module.is_some() || args.token_label.is_some() || args.token_pin_file.is_some();
    if with_token && args.keys != Kept::Token {
        return Err(contradiction("--token-module, --token-label and --token-pin-file go with --keys token only"));
    }
    if args.passphrase_file.is_some() && args.keys == Kept::Plain {
        return Err(contradiction("--passphrase-file goes with --keys passphrase, credential or token"));
    }
    let file = args.passphrase_file.clone();
    let asked =
        || PassphraseSource::Prompt { question: format!("passphrase of the key files of {}", args.participant) };
    let (protection, passphrase) = match args.keys {
        Kept::Plain => (Protection::Plain, None),
        Kept::Token if file.is_none() => (Protection::Plain, None),
        Kept::Passphrase | Kept::Token => (Protection::Passphrase { file }, None),
        Kept::Credential => {
            let source = file.map_or_else(asked, PassphraseSource::File);
            (Protection::Credential { name: args.credential.clone() }, Some(source))
        }
    };
    let token = args.token_module.clone().zip(args.token_label.clone()).zip(args.token_pin_file.clone());
    let token = token.map(|((module, label), pin_file)| TokenConfig { module, label, pin_file });
    Ok((KeysConfig { protection, token, ..KeysConfig::default() }, passphrase))
}

fn contradiction(cause: &str) -> Complaint {
    let problem = "the ways to keep the keys do not go together";
    Complaint::about(&explain::INIT_KEY)
        .problem(problem)
        .cause(cause)
        .mend("selat init --help shows what goes together")
}

/// The login name where it is a label, else one made from the user id.
fn officer_of(uid: u32) -> OfficerId {
    let user = User::from_uid(Uid::from_raw(uid)).ok().flatten();
    let by_name = user.and_then(|user| user.name.parse().ok());
    by_name
        .unwrap_or_else(|| format!("uid-{uid}").parse().expect("a word, a hyphen and at most ten digits are a label"))
}

fn tell(participant: &ParticipantId, report: &InitReport, out: &mut dyn Write) -> io::Result<()> {
    let shown = |path: &PathBuf| clean(&path.display().to_string());
    writeln!(out, "A node of {participant} is set up in {}.", shown(&report.dir))?;
    writeln!(out, "Descriptor 1 has the content id {}.", report.descriptor_id)?;
    writeln!(out, "Its keys are in {}.", clean(&report.custody))?;
    writeln!(out)?;
    writeln!(out, "Now move these root keys to {} separate places, off this machine.", report.root_keys.len())?;
    writeln!(out, "Any {} of them together speak for {participant}:", report.root_threshold)?;
    for path in &report.root_keys {
        writeln!(out, "  {}", shown(path))?;
    }
    if report.roots_protected {
        writeln!(out, "They are under the passphrase that was given for them.")?;
    }
    writeln!(out)?;
    writeln!(out, "Then start the node:")?;
    writeln!(out, "  selat serve --config {}", shown(&report.config))
}
