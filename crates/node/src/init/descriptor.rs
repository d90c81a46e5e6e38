//! The first descriptor of a new node.

use std::time::Duration;

use prost::Message as _;
use selat_record::ids::mint_uuid;
use selat_record::pb::{self, KeyPurpose};
use selat_record::{ContentId, Payload, Timestamp};
use selat_seal::descriptor::{DescriptorDraft, describe_key, sign_with_roots};
use selat_seal::{AcceptedDescriptor, Endpoint, KeyFailure, KeyId, KeyRing as _, SecretKey, armor};

use super::{InitError, Plan};
use crate::config::Config;
use crate::keys::NodeKeys;

/// What a node has working keys for.
pub(super) const WORKING: [KeyPurpose; 4] = [KeyPurpose::Record, KeyPurpose::Query, KeyPurpose::Log, KeyPurpose::TlsCa];

/// Keys count from this much before they are made, for peers whose clocks are behind.
const BACKDATED: Duration = Duration::from_secs(60 * 60);
/// How often peers should look for a newer descriptor, in seconds.
const REFRESH_HINT_S: u32 = 3600;
/// The protocol version that this node speaks.
const PROTOCOL: u32 = 1;

/// A descriptor as its file holds it.
pub(super) struct FirstDescriptor {
    pub text: String,
    pub content_id: ContentId,
}

impl Plan<'_> {
    /// Makes, signs and accepts the descriptor: what this node would refuse, every peer would.
    pub(super) fn first_descriptor(
        &self,
        keys: &NodeKeys,
        working: &[KeyId],
        roots: &[SecretKey],
    ) -> Result<FirstDescriptor, InitError> {
        let Self { request, config, now, entropy, .. } = *self;
        let mut random = [0; 10];
        entropy.fill(&mut random);
        let draft = DescriptorDraft {
            federation: request.federation.clone(),
            participant: request.participant.clone(),
            id: mint_uuid(now, random).into_bytes(),
            created: now,
            expires: None,
            unit: request.unit.clone(),
            root_threshold: u32::from(request.root_threshold),
            keys: described(keys, working, roots, now.minus(BACKDATED))?,
            endpoints: vec![Endpoint {
                node: config.node.node.clone(),
                host: config.peer.advertise_host.clone(),
                port: config.peer.advertise_port,
            }],
            contact: contact(config),
            protocol: PROTOCOL..=PROTOCOL,
            refresh_hint_s: REFRESH_HINT_S,
            payload_types: [pb::Descriptor::TYPE, pb::Record::TYPE, pb::Query::TYPE, pb::Answer::TYPE]
                .map(str::to_owned)
                .into(),
            may_be_named: request.may_be_named,
        };
        let envelope = sign_with_roots(&draft.into_first(), &roots.iter().collect::<Vec<_>>());
        let accepted = AcceptedDescriptor::accept_first(&request.federation, &envelope, now)?;
        let text = armor::armor("DESCRIPTOR", &envelope.encode_to_vec());
        Ok(FirstDescriptor { text, content_id: accepted.content_id() })
    }
}

fn described(
    keys: &NodeKeys,
    working: &[KeyId],
    roots: &[SecretKey],
    valid_from: Timestamp,
) -> Result<Vec<pb::Key>, KeyFailure> {
    let roots = roots.iter().map(|root| Ok(describe_key(KeyPurpose::Root, &root.public(), valid_from)));
    roots.chain(working.iter().map(|key| keys.describe(*key, valid_from))).collect()
}

fn contact(config: &Config) -> pb::Contact {
    let contact = config.contact.clone();
    pb::Contact {
        title: contact.title,
        phone: contact.phone,
        email: contact.email,
        languages: contact.languages,
        hours: contact.hours,
    }
}
