//! Every key, its bounds, and that all faults come at once with their place.

use super::*;

const GOOD: &str = r#"version = 1
[node]
participant = "AUS"
federation = "demo"
unit = "Immigration Intelligence Centre"
[peer]
listen = "0.0.0.0:7443"
advertise_host = "selat.example.org"
[contact]
title = "Duty officer"
phone = "+61 2 5550 0100"
"#;

fn parse(text: &str) -> Result<Config, ConfigFaults> {
    Config::parse(text, Path::new("selat.toml"), Path::new("/etc/selat"))
}

/// `(code, line, column, headline)` of each fault.
fn faults(text: &str) -> Vec<(&'static str, usize, usize, String)> {
    let faults = parse(text).expect_err("the text has faults");
    let at = |fault: &ConfigFault| fault.place.as_ref().map_or((0, 0), |place| (place.line, place.column));
    faults.iter().map(|fault| (fault.entry.code, at(fault).0, at(fault).1, fault.headline.clone())).collect()
}

/// The good file with one more line in `section`: the single fault that it has, if any.
fn with(section: &str, line: &str) -> Option<(&'static str, String, String)> {
    let header = format!("[{section}]\n");
    let text = match GOOD.contains(&header) {
        true => GOOD.replace(&header, &format!("{header}{line}\n")),
        false => format!("{GOOD}{header}{line}\n"),
    };
    let faults = parse(&text).err()?;
    let mut all: Vec<_> = faults.iter().cloned().collect();
    assert_eq!(all.len(), 1, "{faults}");
    all.pop().map(|fault| (fault.entry.code, fault.headline, fault.cause))
}

#[test]
fn short_file_is_completed_by_defaults() {
    let config = parse(GOOD).unwrap();
    assert_eq!(config.node.data_dir, Path::new("/etc/selat/data"));
    assert_eq!(config.desk.socket, Path::new("/etc/selat/desk.sock"));
    assert_eq!(config.peer.advertise_port, 7443);
    assert_eq!(config.exchange.query_deadline, Duration::from_secs(5));
    assert_eq!(config.log, LogConfig { level: tracing::Level::INFO, format: LogFormat::Json });
    assert_eq!(format!("{:?}", config.limits()), format!("{:?}", Limits::default()));
    assert_eq!(config.store.cache_bytes(), 64 * 1024 * 1024);
    assert!(config.desk.callers.is_empty());
}

#[test]
fn all_faults_come_at_once_with_their_places() {
    let text = r#"version = 2
colour = "blue"
[node]
participant = "aus"
federation = 7
[peer]
lisen = "0.0.0.0:7443"
advertise_host = "selat.example.org"
[exchange]
answer_grid_ms = 5000
[[desk.caller]]
uid = 1
gid = 2
officer = "j-tan"
roles = ["officer", "boss"]
"#;
    let headline = |text: &str| text.to_owned();
    assert_eq!(
        faults(text),
        [
            ("SLT-1006", 1, 11, headline("version cannot be used")),
            ("SLT-1003", 2, 1, headline("colour is not a key of the configuration")),
            ("SLT-1004", 3, 1, headline("node.unit is missing")),
            ("SLT-1006", 4, 15, headline("node.participant cannot be used")),
            ("SLT-1005", 5, 14, headline("node.federation is of the wrong type")),
            ("SLT-1004", 6, 1, headline("peer.listen is missing")),
            ("SLT-1003", 7, 1, headline("peer.lisen is not a key of the configuration")),
            ("SLT-1006", 10, 18, headline("exchange.answer_grid_ms cannot be used")),
            ("SLT-1007", 12, 7, headline("desk.caller.uid does not go with the rest")),
            ("SLT-1006", 15, 21, headline("desk.caller.roles cannot be used")),
            ("SLT-1004", 16, 1, headline("contact.title is missing")),
            ("SLT-1007", 16, 1, headline("contact.phone does not go with the rest")),
        ]
    );
}

#[test]
fn fault_is_shown_with_its_line_cause_and_mend() {
    let text = GOOD.replace("listen = \"0.0.0.0:7443\"", "  listen = \"7443\"\nadvertise_prot = 1");
    assert_eq!(
        parse(&text).unwrap_err().to_string(),
        r#"error[SLT-1006]: selat.toml:7:12: peer.listen cannot be used
   7 |   listen = "7443"
     |            ^^^^^^
cause: "7443" is not an IP address with a port from 1 to 65535
mend:  write, for example, "0.0.0.0:7443"
more:  selat explain SLT-1006

error[SLT-1003]: selat.toml:8:1: peer.advertise_prot is not a key of the configuration
   8 | advertise_prot = 1
     | ^^^^^^^^^^^^^^
cause: known here: listen, advertise_host, advertise_port
mend:  if advertise_port was meant, write advertise_port; else take it out
more:  selat explain SLT-1003"#
    );
}

#[test]
fn broken_toml_names_each_broken_line_and_other_faults_but_no_echo() {
    let text = GOOD
        .replace("version = 1", "version = 2")
        .replace("participant = \"AUS\"", "participant = \"AUS")
        .replace("unit =", "unit");
    let mut found: Vec<_> = faults(&text).into_iter().map(|(code, line, ..)| (code, line)).collect();
    found.dedup();
    assert_eq!(found, [("SLT-1006", 1), ("SLT-1002", 3), ("SLT-1002", 5)]);
}

#[test]
fn same_key_twice_is_refused() {
    let text = GOOD.replace("federation = \"demo\"", "federation = \"demo\"\nfederation = \"other\"");
    let found = faults(&text);
    assert_eq!((found[0].0, found[0].1), ("SLT-1002", 5));
}

#[test]
fn each_number_is_held_to_its_bounds() {
    // The third is a line beside it with which the whole range goes.
    let bounds = [
        ("peer", "advertise_port", "", 1, 65_535),
        ("exchange", "answer_grid_ms", "find_ticks = 10\nfetch_ticks = 10\nquery_deadline_ms = 60000", 5, 1000),
        ("exchange", "find_ticks", "answer_grid_ms = 5\nquery_deadline_ms = 60000", 1, 1000),
        ("exchange", "fetch_ticks", "answer_grid_ms = 5\nquery_deadline_ms = 60000", 1, 1000),
        ("exchange", "query_deadline_ms", "fetch_ticks = 9\nfind_ticks = 9", 100, 60_000),
        ("exchange", "segment_entries_max", "", 1, 256),
        ("exchange", "records_valid_days", "", 1, 3650),
        ("exchange", "peer_requests_per_second", "", 1, 10_000),
        ("exchange", "peer_burst", "", 1, 100_000),
        ("exchange", "faults_before_cut_off", "", 1, 1000),
        ("exchange", "cut_off_s", "", 1, 86_400),
        ("exchange", "clock_skew_max_s", "", 1, 300),
        ("keys", "overlap_hours", "", 0, 720),
        ("keys", "grace_hours", "", 1, 720),
        ("tls", "leaf_life_hours", "", 1, 168),
        ("watch", "stale_warn_hours", "stale_stop_hours = 720", 1, 720),
        ("watch", "stale_stop_hours", "stale_warn_hours = 1", 1, 720),
        ("watch", "refresh_seconds", "", 0, 86_400),
        ("store", "cache_mib", "", 8, 16_384),
    ];
    for (section, key, beside, least, most) in bounds {
        for good in [least, most] {
            assert_eq!(with(section, &format!("{key} = {good}\n{beside}")), None, "{key} = {good}");
        }
        for bad in [least - 1, most + 1, i64::MAX] {
            let (code, headline, _) = with(section, &format!("{key} = {bad}\n{beside}")).expect(key);
            assert_eq!((code, headline), ("SLT-1006", format!("{section}.{key} cannot be used")));
        }
    }
}

#[test]
fn answer_that_would_leave_after_the_deadline_is_refused() {
    for (ticks, fits) in [(19, true), (20, false)] {
        let lines = format!("query_deadline_ms = 200\nfind_ticks = {ticks}\nfetch_ticks = 1");
        let fault = with("exchange", &lines);
        assert_eq!(fault.is_none(), fits, "{fault:?}");
        assert!(fault.is_none_or(|(code, headline, _)| code == "SLT-1007" && headline.contains("find_ticks")));
    }
}

#[test]
fn answer_that_would_leave_after_ten_seconds_is_refused() {
    for (ticks, fits) in [(100, true), (101, false)] {
        let lines = format!("query_deadline_ms = 60000\nanswer_grid_ms = 100\nfetch_ticks = {ticks}");
        let fault = with("exchange", &lines);
        assert_eq!(fault.is_none(), fits, "{fault:?}");
        assert!(fault.is_none_or(|(code, _, cause)| code == "SLT-1007" && cause.contains("which is 10100 ms; 10000")));
    }
}

#[test]
fn texts_and_names_are_held_to_their_shape() {
    let long = "x".repeat(121);
    for (section, line) in [
        ("desk", "socket = \"\""),
        ("desk", "socket_group = \"two words\""),
        ("desk", "listen = \"localhost:7444\""),
        ("desk", "listen = \"127.0.0.1:0\""),
        ("keys", "protection = \"strong\""),
        ("keys", "protection = \"credential\"\ncredential = \"../keys\""),
        ("keys", "protection = \"passphrase\"\npassphrase_file = \"\""),
        ("keys.token", "module = \"m\"\npin_file = \"p\"\nlabel = \"a label of more than 32 characters\""),
        ("watch", "metrics_listen = \"9464\""),
        ("log", "level = \"loud\""),
        ("log", "format = \"xml\""),
        ("node", "node = \"Node 1\""),
        ("contact", "hours = \" always\""),
        ("contact", &format!("hours = \"{long}\"")),
        ("contact", "hours = \"a\\u001Bb\""),
        ("contact", "email = \"duty\""),
        ("contact", "email = \"a@@b\""),
        ("contact", "languages = [\"english language\"]"),
        ("contact", "languages = []"),
    ] {
        let (code, ..) = with(section, line).expect(line);
        assert_eq!(code, "SLT-1006", "{line}");
    }
}

#[test]
fn keys_are_protected_in_one_way() {
    let protection = |lines: &str| parse(&format!("{GOOD}[keys]\n{lines}\n")).unwrap().keys.protection;
    let file = PathBuf::from("/etc/selat/secret");
    assert_eq!(protection(""), Protection::Plain);
    assert_eq!(protection("protection = \"passphrase\""), Protection::Passphrase { file: None });
    let with_file = protection("protection = \"passphrase\"\npassphrase_file = \"secret\"");
    assert_eq!(with_file, Protection::Passphrase { file: Some(file) });
    assert_eq!(protection("protection = \"credential\""), Protection::Credential { name: "selat-keys".into() });
    for (lines, key) in [
        ("passphrase_file = \"secret\"", "keys.passphrase_file"),
        ("protection = \"credential\"\npassphrase_file = \"secret\"", "keys.passphrase_file"),
        ("credential = \"k\"", "keys.credential"),
        ("protection = \"passphrase\"\ncredential = \"k\"", "keys.credential"),
    ] {
        let (code, headline, _) = with("keys", lines).expect(lines);
        assert_eq!((code, headline), ("SLT-1007", format!("{key} does not go with the rest")));
    }
}

#[test]
fn token_needs_all_three_of_its_keys() {
    let text = format!("{GOOD}[keys.token]\nmodule = \"hsm.so\"\nlabel = \"selat\"\npin_file = \"pin\"\n");
    let token = parse(&text).unwrap().keys.token.unwrap();
    assert_eq!(token.module, Path::new("/etc/selat/hsm.so"));
    assert_eq!((token.label.as_str(), token.pin_file.as_path()), ("selat", Path::new("/etc/selat/pin")));
    let found: Vec<_> = faults(&format!("{GOOD}[keys.token]\n")).into_iter().map(|(code, ..)| code).collect();
    assert_eq!(found, ["SLT-1004"; 3]);
}

#[test]
fn watch_warns_before_it_stops_and_looks_more_often_than_either() {
    let config = parse(&format!("{GOOD}[watch]\nrefresh_seconds = 5\nstale_warn_hours = 72\n")).unwrap();
    assert_eq!(config.watch.refresh, Some(Duration::from_secs(5)));
    for (lines, key) in [
        ("stale_warn_hours = 73", "watch.stale_warn_hours"),
        ("stale_warn_hours = 1\nstale_stop_hours = 1\nrefresh_seconds = 1801", "watch.refresh_seconds"),
        ("metrics_listen = \"0.0.0.0:7443\"", "watch.metrics_listen"),
    ] {
        let (code, headline, _) = with("watch", lines).expect(lines);
        assert_eq!((code, headline), ("SLT-1007", format!("{key} does not go with the rest")));
    }
}

#[test]
fn socket_path_is_measured_with_its_folders() {
    let room = 107 - "/etc/selat/".len();
    assert_eq!(with("desk", &format!("socket = \"{}\"", "s".repeat(room))), None);
    let (code, _, cause) = with("desk", &format!("socket = \"{}\"", "s".repeat(room + 1))).unwrap();
    assert_eq!(code, "SLT-1007");
    assert!(cause.contains("108 bytes"), "{cause}");
}

#[test]
fn caller_is_known_by_exactly_one_thing_and_mapped_once() {
    let who = |line: &str| format!("[[desk.caller]]\n{line}\nofficer = \"j-tan\"\nroles = [\"officer\"]\n");
    let code =
        |callers: &str| parse(&format!("{GOOD}{callers}")).err().map(|faults| faults.iter().next().unwrap().entry.code);
    assert_eq!(code(&(who("uid = 1") + &who("gid = 1") + &who("officer_cert = \"j-tan\""))), None);
    assert_eq!(code(&(who("uid = 1") + &who("uid = 1"))), Some("SLT-1007"));
    assert_eq!(code(&who("")), Some("SLT-1007"));
    assert_eq!(code(&who("uid = 1\ngid = 1")), Some("SLT-1007"));
    assert_eq!(code(&who("uid = 4294967295")), Some("SLT-1006"));
    assert_eq!(code(&who("uid = -1")), Some("SLT-1006"));
    assert_eq!(
        code("[[desk.caller]]\nuid = 1\nofficer = \"x\"\nroles = [\"officer\", \"officer\"]\n"),
        Some("SLT-1007")
    );
    assert_eq!(code("[[desk.caller]]\nuid = 1\nofficer = \"x\"\n"), Some("SLT-1004"));
    assert_eq!(code("[desk]\ncaller = 1\n"), Some("SLT-1005"));
    let long = "[[desk.caller]]\ngid = 1\nofficer = \"a-label-of-22-letters-\"\nroles = [\"officer\"]\n";
    assert_eq!(code(&long.replace("letters-", "letters1")), Some("SLT-1007"));
}

/// The fault of two entries, as `key = value` and officer each.
fn confused(one: (&str, &str), other: (&str, &str)) -> Option<(&'static str, String)> {
    let entry = |(who, officer)| format!("[[desk.caller]]\n{who}\nofficer = \"{officer}\"\nroles = [\"officer\"]\n");
    let found = parse(&format!("{GOOD}{}{}", entry(one), entry(other))).err()?;
    assert_eq!(found.iter().count(), 1, "{found}");
    found.iter().next().map(|fault| (fault.entry.code, fault.headline.clone()))
}

#[test]
fn two_people_never_become_the_same_officer() {
    let refused = Some(("SLT-1007", "desk.caller.officer does not go with the rest".to_owned()));
    let (socket, certificate) = ("uid = 1", "officer_cert = \"a\"");
    assert_eq!(confused((socket, "a-lee"), ("uid = 2", "a-lee")), refused);
    assert_eq!(confused((certificate, "a-lee"), ("officer_cert = \"b\"", "a-lee")), refused);
    assert_eq!(confused((socket, "a-lee"), (certificate, "a-lee")), None, "one person, two ways in");
    assert_eq!(confused((socket, "a-lee"), ("uid = 2", "b-lee")), None);
    for who in [socket, certificate] {
        assert_eq!(confused(("gid = 9", "watch"), (who, "watch-1000")), refused);
        assert_eq!(confused((who, "watch-1000"), ("gid = 9", "watch")), refused);
        for other in ["watch", "watch-1a", "watch-a-1", "night-watch-1"] {
            assert_eq!(confused(("gid = 9", "watch"), (who, other)), None, "{other}");
        }
    }
    assert_eq!(confused(("gid = 9", "watch"), ("gid = 8", "watch")), None, "the user id tells the members apart");
}

#[test]
fn section_that_is_no_section_is_named_once() {
    let text = GOOD.replace("[contact]", "[more]").replace("version = 1", "version = 1\ncontact = 1");
    let found: Vec<_> = faults(&text).into_iter().map(|(code, line, ..)| (code, line)).collect();
    assert!(found.contains(&("SLT-1005", 2)), "{found:?}");
    assert!(found.contains(&("SLT-1003", 10)), "{found:?}");
}

#[test]
fn file_that_is_absent_too_large_or_not_text_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("selat.toml");
    let code = || Config::load(&path).unwrap_err().iter().next().unwrap().clone();
    assert!(code().mend.contains("selat init"));
    std::fs::write(&path, [0xff, 0xfe]).unwrap();
    assert!(code().mend.contains("UTF-8"));
    std::fs::write(&path, "#".repeat(256 * 1024 + 1)).unwrap();
    assert!(code().cause.contains("larger"));
    assert_eq!(code().entry.code, "SLT-1001");
}

#[test]
fn relative_paths_start_where_the_file_really_lies() {
    let folder = tempfile::tempdir().unwrap();
    let real = folder.path().join("node");
    std::fs::create_dir(&real).unwrap();
    std::fs::write(real.join("selat.toml"), GOOD).unwrap();
    let link = folder.path().join("selat.toml");
    std::os::unix::fs::symlink(real.join("selat.toml"), &link).unwrap();
    assert_eq!(Config::load(&link).unwrap().node.data_dir, real.canonicalize().unwrap().join("data"));
}

#[test]
fn samples_are_right() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../node-config");
    let mut seen = 0;
    for entry in std::fs::read_dir(samples).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            Config::load(&path).unwrap_or_else(|faults| panic!("{faults}"));
            seen += 1;
        }
    }
    assert!(seen >= 2, "only {seen} samples found");
}

#[test]
fn sample_shows_the_defaults_of_the_code() {
    let sample = include_str!("../../../../node-config/selat.toml");
    let is_default = |rest: &str| {
        let key = rest.split_once(" = ").map_or("", |(key, _)| key);
        !key.is_empty() && key.chars().all(|c| c.is_ascii_lowercase() || c == '_')
    };
    let shown: String = sample
        .lines()
        .map(|line| line.strip_prefix("# ").filter(|rest| is_default(rest)).unwrap_or(line))
        .map(|line| format!("{line}\n"))
        .collect();
    assert!(shown.contains("\ncut_off_s = 60\n"), "the defaults have been uncommented");
    let mut shown = parse(&shown).unwrap_or_else(|faults| panic!("{faults}"));
    let hidden = parse(sample).unwrap();
    // These two have no default; the sample shows how they look.
    shown.desk.socket_group = None;
    shown.desk.listen = None;
    assert_eq!(shown, hidden);
}

#[test]
fn sample_shows_every_key() {
    let sample = include_str!("../../../../node-config/selat.toml");
    let sample = sample.replace("\n# [keys.token]\n", "\n[keys.token]\n");
    for header in [
        "[node]",
        "[keys]",
        "[keys.token]",
        "[tls]",
        "[peer]",
        "[desk]",
        "[[desk.caller]]",
        "[exchange]",
        "[watch]",
        "[store]",
        "[log]",
        "[contact]",
    ] {
        let asked = sample.replacen(&format!("\n{header}\n"), &format!("\n{header}\nno_such_key = 1\n"), 1);
        let faults = parse(&asked).unwrap_err();
        let unknown = faults.iter().find(|fault| fault.entry.code == "SLT-1003").expect("the key is not known");
        let known = unknown.cause.strip_prefix("known here: ").expect("the fault lists the known keys");
        for key in known.split(", ") {
            assert!(sample.contains(key), "{header} {key}");
        }
    }
}

#[test]
fn hostile_nesting_ends_in_faults() {
    let dotted = format!("{} = 1\n", vec!["a"; 60_000].join("."));
    let header = format!("[{}]\n", vec!["a"; 60_000].join("."));
    for text in [dotted, header, format!("a = {}", "[".repeat(100_000)), format!("a = {}", "{a=".repeat(60_000))] {
        assert!(parse(&text).is_err());
    }
}
