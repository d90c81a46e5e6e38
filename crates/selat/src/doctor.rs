//! `selat doctor`: asks the node, and looks at its files when it does not run.

use std::path::PathBuf;
use std::sync::Arc;

use selat_client::cli::{DEFAULT_SOCKET, DoctorArgs, Globals};
use selat_client::screen::Screen;
use selat_complaint::Exit;
use selat_node::clock::{Clock as _, OsEntropy, SystemClock};
use selat_node::doctor::offline;

/// Where a node's configuration lies unless the command line says otherwise.
const CONFIG_USUAL: &str = "/etc/selat/selat.toml";

/// Runs the doctor.
pub async fn run(screen: &mut Screen, args: &DoctorArgs, globals: &Globals) -> Exit {
    let config = args.config.clone().unwrap_or_else(|| PathBuf::from(CONFIG_USUAL));
    let globals = with_socket_of(&config, globals);
    let clock = SystemClock::start();
    let now = clock.now();
    let clock: selat_client::Clock = Arc::new(move || clock.now());
    let bounds = (args.bounds.warn, args.bounds.crit);
    let files = async || {
        let findings = offline::look(&config, bounds, now, Arc::new(OsEntropy)).await;
        findings.into_iter().map(Into::into).collect()
    };
    selat_client::doctor(args, &globals, screen, &clock, &OsEntropy, files).await
}

/// The node listens where its configuration says, unless the command line says where.
fn with_socket_of(config: &std::path::Path, globals: &Globals) -> Globals {
    let mut globals = globals.clone();
    if globals.node.is_none() && globals.socket == std::path::Path::new(DEFAULT_SOCKET) {
        globals.socket = offline::socket_of(config).unwrap_or(globals.socket);
    }
    globals
}
