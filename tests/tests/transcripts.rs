//! What the program says on its own: help, usage errors, errors of four lines, pages for packagers. No node runs here.
//!
//! The transcripts lie in `tests/transcripts`. After a change that was meant, `TRYCMD=overwrite cargo test -p selat-tests
//! --test transcripts` writes them again; the difference is then read like any other.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that stumbles shall fail")]

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use selat_tests::{Program, Scene, run};

const BUILT: &str = env!("CARGO_BIN_EXE_selat-under-test");
/// Of the help in the transcripts.
const WIDTH: &str = "100";
/// Wide enough that no example is broken over two lines.
const WIDE: &str = "1000";
/// What clap adds to a list of commands by itself.
const OF_CLAP: &str = "help";

#[test]
fn program_says_what_the_transcripts_say() {
    let ours = |name: &str| name.starts_with("SELAT_") && !["SELAT_SHARED", "SELAT_TEST_SEED"].contains(&name);
    let set: Vec<String> = std::env::vars().map(|(name, _)| name).filter(|name| ours(name)).collect();
    assert!(set.is_empty(), "unset {set:?}: the program's replies would depend on them");
    let scene = Scene::new(BUILT);
    let transcripts = trycmd::TestCases::new();
    transcripts.register_bin("selat", scene.path("selat")).env("COLUMNS", WIDTH);
    transcripts.case("transcripts/*.trycmd").run();
}

#[test]
fn help_of_every_command_stands_in_a_transcript() {
    let scene = Scene::new(BUILT);
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/transcripts");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let all: String = files.map(|path| fs::read_to_string(path).unwrap()).collect();
    for command in commands(&scene.program) {
        assert!(all.contains(&format!("\n$ selat {command} -h\n")), "no transcript shows selat {command} -h");
    }
}

#[test]
fn every_example_in_the_help_is_understood() {
    let scene = Scene::new(BUILT);
    let mut tried = 0;
    for command in commands(&scene.program) {
        let line = format!("{command} --help");
        let help = run(&line, scene.program.command(&line).env("COLUMNS", WIDE)).ended(0).stdout;
        let examples = examples(&help);
        let is_ours = examples.is_empty() || examples.iter().any(|example| example.starts_with(&command));
        assert!(is_ours, "no example of {command} itself: {examples:?}");
        for example in examples {
            // Words, flags and values are judged before the help is shown; nothing is done.
            let understood = scene.program.run(&format!("{example} --help"));
            assert_eq!(understood.code, Some(0), "{example}: {}", understood.stderr);
            tried += 1;
        }
    }
    assert!(tried > 40, "{tried}");
    scene.program.run("record release no-id --to IDN --help").ended(2);
}

#[test]
fn there_is_a_manual_page_for_every_command() {
    let scene = Scene::new(BUILT);
    fs::create_dir(scene.path("man1")).unwrap();
    scene.program.run("man man1").ended(0);
    let pages: BTreeSet<String> = fs::read_dir(scene.path("man1"))
        .unwrap()
        .map(|page| page.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(pages.contains("selat.1"), "{pages:?}");
    for command in commands(&scene.program) {
        let page = format!("selat-{}.1", command.replace(' ', "-"));
        assert!(pages.contains(&page), "{page} is not among {pages:?}");
        let text = fs::read_to_string(scene.path("man1").join(page)).unwrap();
        assert!(text.contains(".SH NAME") && text.contains(".SH SYNOPSIS"), "{text}");
    }
    scene.program.run("man no-such-folder").ended(2);
}

#[test]
fn completions_are_scripts_that_know_the_words() {
    let scene = Scene::new(BUILT);
    for shell in ["bash", "zsh", "fish"] {
        let script = scene.program.run(&format!("completions {shell}")).ended(0).stdout;
        for word in ["record", "quarantine", "fingerprint", "explain"] {
            assert!(script.contains(word), "{shell} does not know {word}");
        }
    }
    let script = scene.program.run("completions bash").ended(0).stdout;
    let checked = Command::new("bash").arg("-n").arg(scene.file("selat.bash", &script)).output();
    // A machine without bash cannot say whether the script is sound.
    if let Ok(checked) = checked {
        assert!(checked.status.success(), "{checked:?}");
    }
    scene.program.run("completions tcsh").ended(2);
}

/// Every command that does something, by its words.
fn commands(program: &Program) -> Vec<String> {
    below(program, "")
}

fn below(program: &Program, words: &str) -> Vec<String> {
    let help = program.run(&format!("{words} -h")).ended(0).stdout;
    let Some((_, listed)) = help.split_once("\nCommands:\n") else { return vec![words.trim().to_owned()] };
    let names = listed.lines().take_while(|line| line.starts_with("  "));
    let names = names.filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).filter(|name| !name.is_empty());
    names.filter(|name| *name != OF_CLAP).flat_map(|name| below(program, &format!("{words} {name}"))).collect()
}

/// The commands under "Examples:", whole and without the program's name; what only a shell understands is left out.
fn examples(help: &str) -> Vec<String> {
    let Some((_, examples)) = help.split_once("Examples:\n") else { return Vec::new() };
    let joined = examples.replace("\\\n", " ");
    let lines = joined.lines().filter_map(|line| line.trim().strip_prefix("selat "));
    lines.map(|line| line.split(" > ").next().unwrap().trim().to_owned()).collect()
}
