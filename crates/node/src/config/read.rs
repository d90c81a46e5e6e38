//! The keys of the configuration: their names, defaults and bounds. `node-config/selat.toml` tells them to operators; a
//! test holds the two together.

use std::path::{Path, PathBuf};
use std::time::Duration;

use selat_policy::Role;
use selat_wire::SEGMENT_ENTRIES_MAX;
use toml::de::DeTable;
use tracing::Level;

use super::shape::{self, host, label, one_of, parsed, path, socket_address, span, string, whole, words};
use super::trust;
use super::walk::{Book, Section};
use super::{
    CallerKey, CallerRule, Config, ContactConfig, DeskConfig, ExchangeConfig, LogConfig, LogFormat, NodeConfig,
    PeerConfig, StoreConfig, VERSION,
};

/// Longest path of a Unix socket in bytes: `sun_path` holds 108, the last of them zero.
const SOCKET_PATH_MAX: usize = 107;
/// Most `[[desk.caller]]` entries: each call on the desk walks them.
const CALLERS_MAX: usize = 1000;
/// Longest officer label of a group rule: a hyphen and a user id of ten digits follow it.
const GROUP_OFFICER_MAX: usize = 21;

/// Latest moment at which an answer may leave: until then it holds memory here, and an officer elsewhere waits.
const ANSWER_MAX: Duration = Duration::from_secs(10);

const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

const LEVELS: &[(&str, Level)] = &[
    ("error", Level::ERROR),
    ("warn", Level::WARN),
    ("info", Level::INFO),
    ("debug", Level::DEBUG),
    ("trace", Level::TRACE),
];

const FORMATS: &[(&str, LogFormat)] = &[("json", LogFormat::Json), ("text", LogFormat::Text)];

/// Reads the whole file; `None` when a fault was noted.
pub(super) fn config<'a>(book: &'a Book<'a>, document: &'a DeTable<'a>, base: &Path) -> Option<Config> {
    let mut root = Section::root(book, document);
    let version = version(&mut root);
    let node = root.section("node", |section| node(section, base));
    let keys = root.section("keys", |section| trust::keys(section, base));
    let tls = root.section("tls", trust::tls);
    let peer = root.section("peer", peer);
    let desk = root.section("desk", |section| desk(section, base));
    let exchange = root.section("exchange", exchange);
    let taken = [peer.as_ref().map(|peer| peer.listen), desk.as_ref().and_then(|desk| desk.listen)];
    let watch = root.section("watch", |section| trust::watch(section, &taken));
    let store = root.section("store", store);
    let log = root.section("log", log);
    let contact = root.section("contact", contact);
    root.finish();
    version?;
    Some(Config {
        node: node?,
        keys: keys?,
        tls: tls?,
        peer: peer?,
        desk: desk?,
        exchange: exchange?,
        watch: watch?,
        store: store?,
        log: log?,
        contact: contact?,
    })
}

fn version(root: &mut Section<'_>) -> Option<u32> {
    root.required("version", &whole(u64::from(VERSION)..=u64::from(VERSION), "1"))
}

fn node(section: &mut Section<'_>, base: &Path) -> Option<NodeConfig> {
    let federation = "1 to 32 lower-case letters, digits and hyphens";
    let participant = "2 to 12 upper-case letters or digits";
    let participant = section.required("participant", &parsed(participant, "\"AUS\""));
    let federation = section.required("federation", &parsed(federation, "\"demo\""));
    let node = section.or("node", "node1".to_owned(), &label("\"node1\""));
    let unit = section.required("unit", &words(1..=120, "\"Immigration Intelligence Centre\""));
    let data_dir = section.or("data_dir", base.join("data"), &path(base.to_owned(), "\"data\""));
    let keys_dir = section.or("keys_dir", base.join("keys"), &path(base.to_owned(), "\"keys\""));
    let descriptor = base.join("descriptor.selat");
    let descriptor = section.or("descriptor", descriptor, &path(base.to_owned(), "\"descriptor.selat\""));
    Some(NodeConfig {
        participant: participant?,
        federation: federation?,
        node: node?,
        unit: unit?,
        data_dir: data_dir?,
        keys_dir: keys_dir?,
        descriptor: descriptor?,
    })
}

fn peer(section: &mut Section<'_>) -> Option<PeerConfig> {
    let listen = section.required("listen", &socket_address("\"0.0.0.0:7443\""));
    let advertise_host = section.required("advertise_host", &host("\"selat.example.org\""));
    let port = listen.map_or(0, |listen| listen.port());
    let advertise_port = section.or("advertise_port", port, &whole(1..=65_535, "7443"));
    Some(PeerConfig { listen: listen?, advertise_host: advertise_host?, advertise_port: advertise_port? })
}

fn desk(section: &mut Section<'_>, base: &Path) -> Option<DeskConfig> {
    let socket = section.or("socket", base.join("desk.sock"), &path(base.to_owned(), "\"desk.sock\""));
    let socket = socket.and_then(|socket| short_enough(section, socket));
    let group = string("the name of a group: 1 to 32 characters without blanks", "\"selat-desk\"", |text| {
        let good = (1..=32).contains(&text.len()) && text.chars().all(|c| c.is_ascii_graphic());
        good.then(|| text.to_owned())
    });
    let socket_group = section.optional("socket_group", &group);
    let listen = section.optional("listen", &socket_address("\"127.0.0.1:7444\""));
    let mut earlier: Vec<CallerRule> = Vec::new();
    let callers = section.each("caller", CALLERS_MAX, |section| {
        let (key, rule) = caller(section)?;
        if earlier.iter().any(|earlier| earlier.who == rule.who) {
            section.contradiction(key, "an earlier entry maps the same caller", "keep one of the two");
            return None;
        }
        if let Some(cause) = earlier.iter().find_map(|earlier| confusion(earlier, &rule)) {
            section.contradiction("officer", cause, "name another officer: an officer is one person");
            return None;
        }
        earlier.push(rule.clone());
        Some(rule)
    });
    Some(DeskConfig { socket: socket?, socket_group: socket_group?, listen: listen?, callers: callers? })
}

fn short_enough(section: &mut Section<'_>, socket: PathBuf) -> Option<PathBuf> {
    let bytes = socket.as_os_str().len();
    if bytes <= SOCKET_PATH_MAX {
        return Some(socket);
    }
    let cause =
        format!("with its folders the path of the socket has {bytes} bytes, and the system allows {SOCKET_PATH_MAX}");
    section.contradiction("socket", cause, "write a shorter path, for example socket = \"/run/selat/desk.sock\"");
    None
}

/// One entry, and by which of its keys the caller is known.
fn caller(section: &mut Section<'_>) -> Option<(&'static str, CallerRule)> {
    let id = || whole::<u32>(0..=u64::from(u32::MAX) - 1, "1000");
    let uid = section.optional("uid", &id());
    let gid = section.optional("gid", &id());
    let certificate = section.optional("officer_cert", &label("\"j-tan\""));
    let officer = section.required("officer", &parsed("1 to 32 lower-case letters, digits and hyphens", "\"j-tan\""));
    let roles = section.list("roles", None, Role::ALL.len(), &role());
    let (key, who) = match (uid?, gid?, certificate?) {
        (Some(uid), None, None) => ("uid", CallerKey::Uid(uid)),
        (None, Some(gid), None) => ("gid", CallerKey::Gid(gid)),
        (None, None, Some(name)) => ("officer_cert", CallerKey::Certificate(name)),
        _ => {
            let cause = "an entry says by exactly one of uid, gid and officer_cert who the caller is";
            section.contradiction("uid", cause, "keep one of the three");
            return None;
        }
    };
    let rule = CallerRule { who, officer: officer?, roles: roles? };
    if key == "gid" && rule.officer.as_str().len() > GROUP_OFFICER_MAX {
        let cause = format!("each member of the group becomes officer \"{}-UID\", which is too long", rule.officer);
        section.contradiction("officer", cause, format!("write at most {GROUP_OFFICER_MAX} characters"));
        return None;
    }
    Some((key, rule))
}

/// How two people could become the same officer by these two entries, if they could. Somebody may come through the socket
/// and with a certificate.
fn confusion(one: &CallerRule, other: &CallerRule) -> Option<String> {
    match (&one.who, &other.who) {
        (CallerKey::Gid(_), CallerKey::Gid(_)) => None,
        (CallerKey::Gid(gid), _) => is_member_of(one, other).then(|| taken_by_member(*gid, one, other)),
        (_, CallerKey::Gid(gid)) => is_member_of(other, one).then(|| taken_by_member(*gid, other, one)),
        (CallerKey::Uid(_), CallerKey::Certificate(_)) | (CallerKey::Certificate(_), CallerKey::Uid(_)) => None,
        _ if one.officer == other.officer => {
            Some(format!("an earlier entry maps another caller to officer {:?}", one.officer.as_str()))
        }
        _ => None,
    }
}

/// True when the officer of `rule` is written as a member of the group is.
fn is_member_of(group: &CallerRule, rule: &CallerRule) -> bool {
    let number = rule.officer.as_str().strip_prefix(group.officer.as_str()).and_then(|rest| rest.strip_prefix('-'));
    number.is_some_and(|number| !number.is_empty() && number.chars().all(|c| c.is_ascii_digit()))
}

fn taken_by_member(gid: u32, group: &CallerRule, rule: &CallerRule) -> String {
    let (group, officer) = (&group.officer, &rule.officer);
    format!("each member of group {gid} becomes officer \"{group}-UID\", so one of them could be \"{officer}\" too")
}

fn role() -> shape::Shape<Role> {
    let names = Role::ALL.map(|role| format!("{:?}", role.as_str())).join(", ");
    parsed(format!("one of {names}"), "\"officer\"")
}

fn exchange(section: &mut Section<'_>) -> Option<ExchangeConfig> {
    let grid = section.or("answer_grid_ms", MILLISECOND * 10, &span(MILLISECOND, 5..=1000, "10"));
    let find_ticks = section.or("find_ticks", 20, &whole(1..=1000, "20"));
    let fetch_ticks = section.or("fetch_ticks", 40, &whole(1..=1000, "40"));
    let deadline = section.or("query_deadline_ms", SECOND * 5, &span(MILLISECOND, 100..=60_000, "5000"));
    for (key, ticks) in [("find_ticks", find_ticks), ("fetch_ticks", fetch_ticks)] {
        if let (Some(grid), Some(ticks), Some(deadline)) = (grid, ticks, deadline) {
            check_leaving(section, key, grid * ticks, deadline);
        }
    }
    let segment_entries = whole(1..=SEGMENT_ENTRIES_MAX as u64, "256");
    let segment_entries_max = section.or("segment_entries_max", SEGMENT_ENTRIES_MAX, &segment_entries);
    let records_valid_days = section.or("records_valid_days", 365, &whole(1..=3650, "365"));
    let per_second = section.or("peer_requests_per_second", 50, &whole(1..=10_000, "50"));
    let peer_burst = section.or("peer_burst", 100, &whole(1..=100_000, "100"));
    let faults_before_cut_off = section.or("faults_before_cut_off", 5, &whole(1..=1000, "5"));
    let cut_off = section.or("cut_off_s", SECOND * 60, &span(SECOND, 1..=86_400, "60"));
    let clock_skew_max = section.or("clock_skew_max_s", SECOND * 60, &span(SECOND, 1..=300, "60"));
    Some(ExchangeConfig {
        answer_grid: grid?,
        find_ticks: find_ticks?,
        fetch_ticks: fetch_ticks?,
        query_deadline: deadline?,
        segment_entries_max: segment_entries_max?,
        records_valid_days: records_valid_days?,
        peer_requests_per_second: per_second?,
        peer_burst: peer_burst?,
        faults_before_cut_off: faults_before_cut_off?,
        cut_off: cut_off?,
        clock_skew_max: clock_skew_max?,
    })
}

/// Answers leave `after` the arrival of the query, as `key` says.
fn check_leaving(section: &mut Section<'_>, key: &'static str, after: Duration, deadline: Duration) {
    let told = format!("answers leave after this many times answer_grid_ms, which is {} ms", after.as_millis());
    if after > ANSWER_MAX {
        let cause = format!("{told}; {} ms is the most", ANSWER_MAX.as_millis());
        section.contradiction(key, cause, "lower it, or lower answer_grid_ms");
    } else if after >= deadline {
        let cause = format!("{told} and not before query_deadline_ms");
        section.contradiction(key, cause, "lower it, or raise query_deadline_ms");
    }
}

fn store(section: &mut Section<'_>) -> Option<StoreConfig> {
    let cache_mib = section.or("cache_mib", 64, &whole(8..=16_384, "64"));
    Some(StoreConfig { cache_mib: cache_mib? })
}

fn log(section: &mut Section<'_>) -> Option<LogConfig> {
    let level = section.or("level", Level::INFO, &one_of(LEVELS, "\"info\""));
    let format = section.or("format", LogFormat::Json, &one_of(FORMATS, "\"json\""));
    Some(LogConfig { level: level?, format: format? })
}

fn contact(section: &mut Section<'_>) -> Option<ContactConfig> {
    let title = section.required("title", &words(1..=120, "\"Duty officer\""));
    let phone = section.or("phone", String::new(), &words(0..=40, "\"+61 2 5550 0100\""));
    let email = section.or("email", String::new(), &email());
    let languages = vec!["en".to_owned()];
    let languages = section.list("languages", Some(languages), 16, &language());
    let hours = section.or("hours", String::new(), &words(0..=120, "\"day and night\""));
    if phone.as_deref() == Some("") && email.as_deref() == Some("") {
        let cause = "peers need a way to reach the unit, and neither phone nor email is given";
        section.contradiction("phone", cause, "add phone = \"...\" or email = \"...\"");
        return None;
    }
    Some(ContactConfig { title: title?, phone: phone?, email: email?, languages: languages?, hours: hours? })
}

fn email() -> shape::Shape<String> {
    string("an e-mail address of at most 254 characters, or empty", "\"duty@selat.example.org\"", |text| {
        let plain = text.len() <= 254 && text.chars().all(|c| c.is_ascii_graphic());
        let two_parts = text.split_once('@').is_some_and(|(who, at)| !who.is_empty() && shape::is_host(at));
        (text.is_empty() || (plain && two_parts)).then(|| text.to_owned())
    })
}

fn language() -> shape::Shape<String> {
    string("a BCP 47 language tag", "\"en\"", |text| {
        let is_part = |part: &str| (1..=8).contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphanumeric());
        let good = text.len() <= 35 && text.split('-').all(is_part) && text.len() >= 2;
        good.then(|| text.to_owned())
    })
}
