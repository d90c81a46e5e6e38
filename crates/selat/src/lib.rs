//! The one binary: it knows all words of the command line and hands each to the crate that does the work.

mod doctor;
mod explain;
mod key_files;
mod pages;
mod shared;
mod store;
mod words;

use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser as _;
use selat_client::screen::Screen;
use selat_complaint::{Complaint, Exit};
use selat_node::clock::{Clock as _, OsEntropy, SystemClock};

use shared::Shared;
use words::{Program, Word};

/// How long threads that still work may take once the command has ended.
const LAST_THREADS: Duration = Duration::from_secs(2);

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    let program = Program::parse();
    let mut screen = Screen::of_process(program.globals.color.wish());
    if let Err(complaint) = selat_node::secrecy::keep_memory_to_itself() {
        return told(&mut screen, Err(complaint)).into();
    }
    let exit = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => {
            let exit = runtime.block_on(run(program, &mut screen));
            // A name service or a disk that hangs must not keep the process.
            runtime.shutdown_timeout(LAST_THREADS);
            exit
        }
        Err(error) => told(&mut screen, Err(Complaint::about(&explain::NO_THREADS).cause(error))),
    };
    exit.into()
}

async fn run(program: Program, screen: &mut Screen) -> Exit {
    let Program { globals, word } = program;
    let result = match word {
        Word::Shared(Shared::Client(command)) => {
            let clock = SystemClock::start();
            let now: selat_client::Clock = Arc::new(move || clock.now());
            return selat_client::run(command, &globals, screen, &now, &OsEntropy).await;
        }
        Word::Shared(Shared::KeyFiles(command)) => key_files::run(screen, &command, &globals),
        Word::Doctor(args) => return doctor::run(screen, &args, &globals).await,
        Word::Demo(args) => selat_rehearsal::run_demo(args, globals.output).await,
        Word::Init(args) => selat_node::init::run_init(*args, &mut io::stdout()),
        Word::Serve(args) => selat_node::serve::run_serve(args).await,
        Word::Officer(command) => selat_node::enrol::run_officer(command, &mut io::stdout()),
        Word::Store(command) => store::run(screen, command, globals.yes).await,
        Word::Explain { code } => explain::run(screen, &code),
        Word::Completions { shell } => pages::completions(screen, shell),
        Word::Man { dir } => pages::man(&dir),
        Word::Version => pages::version(screen, globals.output),
        Word::ExitCodes => pages::exit_codes(screen),
    };
    told(screen, result)
}

/// How a command ends, once its failure has been told.
fn told(screen: &mut Screen, result: Result<(), Complaint>) -> Exit {
    match result {
        Ok(()) => Exit::Ok,
        Err(complaint) => {
            screen.complain(&complaint);
            complaint.exit()
        }
    }
}
