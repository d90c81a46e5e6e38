//! The one binary: it knows all words of the command line and hands each to the crate that does the work.

mod explain;
mod pages;
mod words;

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser as _;
use selat_client::exit::Exit;
use selat_client::screen::Screen;
use selat_node::clock::{Clock as _, SystemClock};
use selat_node::complaint::Complaint;

use words::{Program, Word};

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    let program = Program::parse();
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => ExitCode::from(runtime.block_on(run(program))),
        Err(error) => {
            // Nothing else is left to tell it to.
            let _ = writeln!(io::stderr(), "error[SLT-1404]: no threads to run on\ncause: {error}");
            ExitCode::from(Exit::Unexpected.code())
        }
    }
}

async fn run(program: Program) -> u8 {
    let Program { globals, word } = program;
    match word {
        Word::Client(command) => {
            let mut screen = Screen::of_process(globals.color.wish());
            let clock = SystemClock::start();
            let now: selat_client::Clock = Arc::new(move || clock.now());
            selat_client::run(command, &globals, &mut screen, &now).await.code()
        }
        Word::Demo(args) => told(selat_rehearsal::run_demo(args, globals.output).await),
        Word::Init(args) => told(selat_node::init::run_init(args, &mut io::stdout())),
        Word::Serve(args) => told(selat_node::serve::run_serve(args).await),
        Word::Officer(command) => told(selat_node::enrol::run_officer(command, &mut io::stdout())),
        Word::Explain { code } => explain::run(&code),
        Word::Completions { shell } => pages::completions(shell),
        Word::Man { dir } => pages::man(&dir),
        Word::Version => pages::version(globals.output),
        Word::ExitCodes => pages::exit_codes(),
    }
}

fn told(result: Result<(), Complaint>) -> u8 {
    match result {
        Ok(()) => Exit::Ok.code(),
        Err(complaint) => {
            // A standard error that is closed cannot be told anything.
            let _ = writeln!(io::stderr(), "{complaint}");
            complaint.exit_code()
        }
    }
}
