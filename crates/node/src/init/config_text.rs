//! The configuration file of a new node: what was asked for, and nothing that a default says already.

use std::path::Path;

use toml::Value;

use super::InitRequest;
use crate::config::{CallerKey, CallerRule, KeysConfig, Protection, VERSION};

/// The text of the file. Whether its values can be used is for [`crate::config::Config::parse`] to say.
pub(super) fn write(request: &InitRequest) -> String {
    let mut text = Text::default();
    text.comment("Made by selat init. What is not here has its default; node-config/selat.toml shows every key.");
    text.key("version", i64::from(VERSION));
    text.header("[node]");
    text.key("participant", request.participant.as_str());
    text.key("federation", request.federation.as_str());
    text.key("node", request.node.as_str());
    text.key("unit", request.unit.as_str());
    keys(&mut text, &request.keys);
    text.header("[peer]");
    text.key("listen", request.listen.to_string());
    text.key("advertise_host", request.advertise_host.as_str());
    if let Some(port) = request.advertise_port {
        text.key("advertise_port", i64::from(port));
    }
    desk(&mut text, request);
    text.header("[contact]");
    text.key("title", request.contact.title.as_str());
    text.key("phone", request.contact.phone.as_str());
    text.key("email", request.contact.email.as_str());
    text.key("languages", request.contact.languages.clone());
    text.key("hours", request.contact.hours.as_str());
    text.0
}

/// Only what differs from a node with plain files.
fn keys(text: &mut Text, keys: &KeysConfig) {
    if keys.protection != Protection::Plain {
        text.header("[keys]");
    }
    match &keys.protection {
        Protection::Plain => {}
        Protection::Passphrase { file } => {
            text.key("protection", "passphrase");
            if let Some(file) = file {
                text.key("passphrase_file", absolute(file));
            }
        }
        Protection::Credential { name } => {
            text.key("protection", "credential");
            text.key("credential", name.as_str());
        }
    }
    if let Some(token) = &keys.token {
        text.header("[keys.token]");
        text.key("module", absolute(&token.module));
        text.key("label", token.label.as_str());
        text.key("pin_file", absolute(&token.pin_file));
    }
}

fn desk(text: &mut Text, request: &InitRequest) {
    text.header("[desk]");
    if let Some(socket) = &request.desk_socket {
        text.key("socket", absolute(socket));
    }
    if let Some(group) = &request.desk_group {
        text.key("socket_group", group.as_str());
    }
    if let Some(listen) = request.desk_listen {
        text.key("listen", listen.to_string());
    }
    let CallerRule { who, officer, roles } = &request.caller;
    text.header("[[desk.caller]]");
    match who {
        CallerKey::Uid(uid) => text.key("uid", i64::from(*uid)),
        CallerKey::Gid(gid) => text.key("gid", i64::from(*gid)),
        CallerKey::Certificate(name) => text.key("officer_cert", name.as_str()),
    }
    text.key("officer", officer.as_str());
    text.key("roles", roles.iter().map(|role| role.as_str().to_owned()).collect::<Vec<_>>());
}

/// A path on the command line starts at the shell's folder, one in the file at the file's.
fn absolute(path: &Path) -> String {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    absolute.to_string_lossy().into_owned()
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn comment(&mut self, text: &str) {
        self.0.push_str(&format!("# {text}\n"));
    }

    fn header(&mut self, header: &str) {
        self.0.push_str(&format!("\n{header}\n"));
    }

    fn key(&mut self, key: &str, value: impl Into<Value>) {
        self.0.push_str(&format!("{key} = {}\n", value.into()));
    }
}
