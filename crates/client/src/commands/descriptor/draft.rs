//! `selat descriptor draft`: the next version, from the one in force and what shall change.

use std::path::{Path, PathBuf};

use selat_complaint::{Complaint, Exit};
use selat_record::Timestamp;
use selat_record::ids::mint_uuid;
use selat_record::pb::{self, KeyPurpose};
use selat_seal::descriptor::{describe_key, tally, unsigned, write_draft};
use selat_seal::keyfile::purpose_word;
use selat_seal::succession::{Change, next_descriptor};
use selat_seal::{AcceptedDescriptor, DescribedKey, PublicFile, PublicKey, SealError};

use super::document::newest;
use super::print;
use crate::cli::{ContentChanges, DraftArgs, Ending, KeyChanges, KeyName, Moment};
use crate::commands::Session;
use crate::explain;
use crate::input::{refuse_if_there, small_text, write_new};
use crate::show::descriptor;
use crate::show::descriptor::changes::changes;
use crate::show::descriptor::signed::needs_words;

/// How long a working key that retires still counts, unless it is said otherwise: peers learn of it meanwhile.
const GRACE: std::time::Duration = std::time::Duration::from_secs(24 * 60 * 60);

pub(super) fn run(session: &mut Session<'_>, args: &DraftArgs) -> Result<Exit, Complaint> {
    refuse_if_there(&args.file)?;
    let now = (session.now)();
    let own = newest(&args.from, now)?;
    let mut wanted = Wanted { own: &own, now, changes: Vec::new() };
    wanted.keys(&args.keys)?;
    wanted.contents(&args.content);
    if wanted.changes.is_empty() {
        return Err(refusal("no change was given").mend("say what shall change: selat descriptor draft --help"));
    }
    let mut random = [0; 10];
    session.entropy.fill(&mut random);
    let id = mint_uuid(now, random).into_bytes();
    let next = next_descriptor(&own, &wanted.changes, id, now).map_err(|error| match error {
        SealError::ClockBehind { .. } => refusal(error).mend("set the clock of this machine"),
        other => refusal(other),
    })?;
    let draft = unsigned(&next);
    let tally = tally(Some(&own), &draft).map_err(refusal)?;
    write_new(&args.file, &write_draft(&draft))?;
    tell(session, own.message(), &next, &args.file)?;
    session.screen.say(format!("{}: selat descriptor sign", needs_words(next.version, &tally)));
    Ok(Exit::Ok)
}

fn tell(session: &mut Session<'_>, own: &pb::Descriptor, next: &pb::Descriptor, file: &Path) -> Result<(), Complaint> {
    let changes = changes(own, next);
    let width = session.screen.width();
    print(
        session,
        || descriptor::changes_json(own, next, &changes),
        || {
            let heading = format!("{}  descriptor {} -> {}", descriptor::issuer(next), own.version, next.version);
            let mut lines = vec![heading];
            lines.extend(descriptor::change_lines(&changes, width));
            lines
        },
    )?;
    session.screen.say(format!("a draft was written to {}", file.display()));
    Ok(())
}

/// The changes that the command line asks for, in the order in which they are made.
struct Wanted<'a> {
    own: &'a AcceptedDescriptor,
    now: Timestamp,
    changes: Vec<Change>,
}

impl Wanted<'_> {
    fn keys(&mut self, args: &KeyChanges) -> Result<(), Complaint> {
        let now = self.now;
        let describe = |key: PublicFile| describe_key(key.purpose, &key.public, now);
        let announced = self.public_keys(&args.announce, is_working)?;
        let added = self.public_keys(&args.add_active, is_working)?;
        let (replacing, more) = (self.public_keys(&args.roots, is_root)?, self.public_keys(&args.add_root, is_root)?);
        self.changes.extend(announced.into_iter().map(describe).map(Change::Announce));
        self.changes.extend(added.into_iter().map(describe).map(Change::AddActive));
        for key in &args.activate {
            self.changes.push(Change::Activate(self.key(key)?.id()));
        }
        for (key, end) in &args.retire {
            let key = self.key(key)?;
            self.changes.push(Change::Retire { key: key.id(), until: self.end_of(key, *end) });
        }
        for (key, since) in &args.compromise {
            self.changes.push(Change::Compromise { key: self.key(key)?.id(), since: *since });
        }
        for key in &args.drop {
            self.changes.push(Change::Drop(self.key(key)?.id()));
        }
        self.changes.extend(self.root_changes(args.root_threshold, replacing, more));
        Ok(())
    }

    /// New roots, in the place of all or beside them, and how many must sign.
    fn root_changes(&self, threshold: Option<u32>, replacing: Vec<PublicFile>, more: Vec<PublicFile>) -> Vec<Change> {
        let mut changes: Vec<Change> = more
            .into_iter()
            .map(|key| Change::AddActive(describe_key(KeyPurpose::Root, &key.public, self.now)))
            .collect();
        if !replacing.is_empty() {
            let roots: Vec<PublicKey> = replacing.into_iter().map(|key| key.public).collect();
            let threshold = threshold.unwrap_or(self.own.message().root_threshold);
            changes.push(Change::ReplaceRoots { roots, threshold });
        } else {
            changes.extend(threshold.map(Change::Threshold));
        }
        changes
    }

    fn contents(&mut self, args: &ContentChanges) {
        let own = self.own.message();
        let contact = changed_contact(own.contact.as_ref(), args).map(Change::Contact);
        let endpoints = (!args.endpoint.is_empty()).then(|| Change::Endpoints(args.endpoint.clone()));
        let types =
            (!args.payload_type.is_empty()).then(|| Change::PayloadTypes(args.payload_type.iter().cloned().collect()));
        let expires = args.expires.map(|ending| match ending {
            Ending::Never => Change::Expires(None),
            Ending::At(moment) => Change::Expires(Some(moment.from(self.now))),
        });
        let unit = args.unit.clone().map(Change::Unit);
        let protocol = args.protocol.clone().map(Change::Protocol);
        let refresh = args.refresh_hint.map(Change::RefreshHint);
        let named = args.may_be_named.map(Change::MayBeNamed);
        self.changes.extend([unit, endpoints, contact, protocol, refresh, types, named, expires].into_iter().flatten());
    }

    /// The keys in files of public keys; all must be the participant's and of a purpose that fits.
    fn public_keys(&self, paths: &[PathBuf], fits: fn(KeyPurpose) -> bool) -> Result<Vec<PublicFile>, Complaint> {
        let mut all = Vec::new();
        for path in paths {
            let keys = public_keys_in(path)?;
            let strange = |key: &&PublicFile| key.participant != *self.own.participant() || !fits(key.purpose);
            if let Some(key) = keys.iter().find(strange) {
                let (purpose, owner) = (purpose_word(key.purpose), &key.participant);
                let place = path.display();
                return Err(refusal(format!("{place} holds a {purpose} key of {owner}, which does not belong here")));
            }
            all.extend(keys);
        }
        Ok(all)
    }

    /// The one key whose id begins with these digits.
    fn key(&self, name: &KeyName) -> Result<&DescribedKey, Complaint> {
        let begins = |key: &&DescribedKey| key.id().to_string().starts_with(name.as_str());
        let mut found = self.own.all_keys().iter().filter(begins);
        match (found.next(), found.next()) {
            (Some(key), None) => Ok(key),
            (Some(_), Some(_)) => Err(refusal(format!("more than one key begins with {}", name.as_str()))),
            _ => Err(refusal(format!("no key begins with {}", name.as_str()))),
        }
    }

    /// A root has nothing left to sign once it is replaced; a working key goes on until peers have learnt of it.
    fn end_of(&self, key: &DescribedKey, wish: Option<Moment>) -> Timestamp {
        match wish {
            Some(moment) => moment.from(self.now),
            None if key.purpose() == KeyPurpose::Root => self.now,
            None => self.now.plus(GRACE),
        }
    }
}

fn public_keys_in(path: &Path) -> Result<Vec<PublicFile>, Complaint> {
    PublicFile::parse_all(&small_text(path)?).map_err(|error| {
        Complaint::about(&explain::DESCRIPTOR_FILE)
            .problem(format!("{} does not hold public keys", path.display()))
            .cause(error)
            .mend("selat key export-public KEY --file FILE")
    })
}

/// An authority is announced by the node, which makes its certificate.
fn is_working(purpose: KeyPurpose) -> bool {
    matches!(purpose, KeyPurpose::Record | KeyPurpose::Query | KeyPurpose::Log)
}

fn is_root(purpose: KeyPurpose) -> bool {
    purpose == KeyPurpose::Root
}

/// The contact as it was but for what was given.
fn changed_contact(own: Option<&pb::Contact>, args: &ContentChanges) -> Option<pb::Contact> {
    let was = own.cloned().unwrap_or_default();
    let text = |wish: &Option<String>, was: &String| wish.clone().unwrap_or_else(|| was.clone());
    let contact = pb::Contact {
        title: text(&args.contact_title, &was.title),
        phone: text(&args.contact_phone, &was.phone),
        email: text(&args.contact_email, &was.email),
        languages: if args.contact_language.is_empty() { was.languages.clone() } else { args.contact_language.clone() },
        hours: text(&args.contact_hours, &was.hours),
    };
    (contact != was).then_some(contact)
}

fn refusal(cause: impl std::fmt::Display) -> Complaint {
    Complaint::about(&explain::CHANGE_REFUSED).cause(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contact_keeps_what_is_not_given_and_is_no_change_when_nothing_differs() {
        let own = pb::Contact { title: "Duty officer".into(), phone: "1".into(), ..Default::default() };
        let none = ContentChanges::default();
        assert_eq!(changed_contact(Some(&own), &none), None);
        let same = ContentChanges { contact_phone: Some("1".into()), ..ContentChanges::default() };
        assert_eq!(changed_contact(Some(&own), &same), None);
        let other = ContentChanges { contact_hours: Some("day and night".into()), ..ContentChanges::default() };
        let wanted = pb::Contact { hours: "day and night".into(), ..own.clone() };
        assert_eq!(changed_contact(Some(&own), &other), Some(wanted));
    }
}
