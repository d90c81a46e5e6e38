//! The sections on keys, certificates and watching: `[keys]`, `[tls]`, `[watch]`.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use super::shape::{one_of, path, socket_address, span, string, words};
use super::walk::Section;
use super::{KeysConfig, Protection, TlsConfig, TokenConfig, WatchConfig};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// How `protection` is spelled.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Passphrase,
    Credential,
}

const KINDS: &[(&str, Kind)] =
    &[("plain", Kind::Plain), ("passphrase", Kind::Passphrase), ("credential", Kind::Credential)];

/// Name of the credential unless the configuration names another: the one that deploy/systemd hands over.
pub const CREDENTIAL: &str = "selat-keys";

pub(super) fn keys(section: &mut Section<'_>, base: &Path) -> Option<KeysConfig> {
    let protection = protection(section, base);
    let token = section.part("token", |section| token(section, base));
    let KeysConfig { overlap, grace, .. } = KeysConfig::default();
    let overlap = section.or("overlap_hours", overlap, &span(HOUR, 0..=720, "24"));
    let grace = section.or("grace_hours", grace, &span(HOUR, 1..=720, "24"));
    Some(KeysConfig { protection: protection?, token: token?, overlap: overlap?, grace: grace? })
}

fn protection(section: &mut Section<'_>, base: &Path) -> Option<Protection> {
    let kind = section.or("protection", Kind::Plain, &one_of(KINDS, "\"passphrase\""));
    let file = section.optional("passphrase_file", &path(base.to_owned(), "\"/run/selat/passphrase\""));
    let name = section.optional("credential", &credential());
    let (kind, file, name) = (kind?, file?, name?);
    if file.is_some() && kind != Kind::Passphrase {
        let mend = "write protection = \"passphrase\", or take passphrase_file out";
        section.contradiction("passphrase_file", "only protection = \"passphrase\" reads such a file", mend);
        return None;
    }
    if name.is_some() && kind != Kind::Credential {
        let mend = "write protection = \"credential\", or take credential out";
        section.contradiction("credential", "only protection = \"credential\" reads a credential", mend);
        return None;
    }
    Some(match kind {
        Kind::Plain => Protection::Plain,
        Kind::Passphrase => Protection::Passphrase { file },
        Kind::Credential => Protection::Credential { name: name.unwrap_or_else(|| CREDENTIAL.to_owned()) },
    })
}

/// As systemd takes it: a file name of its own folder.
fn credential() -> super::shape::Shape<String> {
    string(
        "the name of a credential: 1 to 64 letters, digits, dots, hyphens and underscores",
        "\"selat-keys\"",
        |text| {
            let good = (1..=64).contains(&text.len())
                && !text.starts_with('.')
                && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
            good.then(|| text.to_owned())
        },
    )
}

fn token(section: &mut Section<'_>, base: &Path) -> Option<TokenConfig> {
    let module = section.required("module", &path(base.to_owned(), "\"/usr/lib/softhsm/libsofthsm2.so\""));
    // PKCS#11 pads labels to 32 bytes.
    let label = section.required("label", &words(1..=32, "\"selat\""));
    let pin_file = section.required("pin_file", &path(base.to_owned(), "\"/etc/selat/pin\""));
    Some(TokenConfig { module: module?, label: label?, pin_file: pin_file? })
}

pub(super) fn tls(section: &mut Section<'_>) -> Option<TlsConfig> {
    // No peer accepts a certificate that lives for longer than seven days.
    let leaf_life = section.or("leaf_life_hours", HOUR * 72, &span(HOUR, 1..=168, "72"));
    Some(TlsConfig { leaf_life: leaf_life? })
}

/// `taken` are the addresses of the other listeners.
pub(super) fn watch(section: &mut Section<'_>, taken: &[Option<SocketAddr>]) -> Option<WatchConfig> {
    let stale_warn = section.or("stale_warn_hours", HOUR * 24, &span(HOUR, 1..=720, "24"));
    let stale_stop = section.or("stale_stop_hours", HOUR * 72, &span(HOUR, 1..=720, "72"));
    let refresh = section.or("refresh_seconds", Duration::ZERO, &span(SECOND, 0..=86_400, "0"));
    let metrics_listen = section.optional("metrics_listen", &socket_address("\"127.0.0.1:9464\""));
    if let (Some(warn), Some(stop)) = (stale_warn, stale_stop) {
        if warn > stop {
            let cause = "exchange with a peer would stop before anybody is warned";
            section.contradiction("stale_warn_hours", cause, "lower it, or raise stale_stop_hours");
            return None;
        }
        if refresh.is_some_and(|refresh| refresh * 2 > stop) {
            let cause = "exchange with a peer would stop because it was not looked at often enough";
            section.contradiction("refresh_seconds", cause, "write at most half of stale_stop_hours");
            return None;
        }
    }
    if metrics_listen.flatten().is_some_and(|listen| taken.contains(&Some(listen))) {
        section.contradiction("metrics_listen", "another listener of this node has this address", "write another port");
        return None;
    }
    Some(WatchConfig {
        stale_warn: stale_warn?,
        stale_stop: stale_stop?,
        refresh: refresh.map(|refresh| (!refresh.is_zero()).then_some(refresh))?,
        metrics_listen: metrics_listen?,
    })
}
