//! A participant's keys in the wrong hands: it connects as that participant and then does as it likes.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use selat_exchange::Clock;
use selat_link::{
    Authority, DialLimits, Dialer, LiveLeaf, LiveRoots, NodeName, Now, PeerAddress, Roots, TrustedAuthority,
    TrustedPeer,
};
use selat_node::clock::OsEntropy;
use selat_node::config::Config;
use selat_node::keys::NodeKeys;
use selat_record::ids::mint_uuid;
use selat_record::pb::{self, KeyPurpose};
use selat_record::{FederationId, ParticipantId, Payload as _};
use selat_seal::{AcceptedDescriptor, Entropy as _, KeyRing as _, Signer, armor, decode_envelope, pae};
use selat_wire::convert::MESSAGE_BYTES_MAX;
use selat_wire::peer::peer_client::PeerClient;
use selat_wire::peer::{HelloReply, HelloRequest};
use tonic::transport::Channel;

/// A node's certificate outlives every suite.
const LEAF_LIFE: Duration = Duration::from_secs(3 * 24 * 3600);
/// A rogue is not stopped by its own manners.
const CONNECTIONS_MAX: usize = 1000;

/// The malicious participant.
pub struct Rogue {
    /// Whose keys it holds.
    pub participant: ParticipantId,
    /// The descriptor under which it was approved.
    pub descriptor: AcceptedDescriptor,
    /// Its record key.
    pub record: Arc<Signer>,
    /// Its query key.
    pub query: Arc<Signer>,
    /// Its log key.
    pub log: Arc<Signer>,
    pub(crate) leaf: Arc<LiveLeaf>,
    pub(crate) roots: Arc<LiveRoots>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) listen: SocketAddr,
    /// The node that it is after.
    pub victim: AcceptedDescriptor,
    pub(crate) dialer: Dialer,
}

impl Rogue {
    /// Takes over what `init` made for a node, and aims it at `victim`. It knows the honest peer too.
    pub(crate) fn take_over(
        config: &Config,
        victim: &AcceptedDescriptor,
        honest: &AcceptedDescriptor,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (participant, federation) = (config.node.participant.clone(), config.node.federation.clone());
        let keys = NodeKeys::open(config, Arc::new(OsEntropy)).expect("init made the keys");
        let descriptor = read_descriptor(&config.node.descriptor, &federation);
        let key = |purpose| {
            let held = keys.held().into_iter().find(|held| held.purpose == purpose);
            held.and_then(|held| keys.signer(held.id)).expect("init made a key of every purpose")
        };
        let certificate =
            descriptor.authorities(clock.now()).next().expect("init made an authority").certificate.to_vec();
        let signer = key(KeyPurpose::TlsCa);
        let authority = Authority::open(participant.clone(), federation.clone(), signer, certificate.into());
        let name = NodeName::new(&config.node.node, participant.clone(), federation.clone());
        let name = name.expect("init made the node's name");
        let authority = authority.expect("init made the authority");
        let leaf = authority.issue(&name, clock.now(), LEAF_LIFE, &OsEntropy).expect("the authority is valid");
        let leaf = LiveLeaf::new(leaf).expect("the leaf was just issued");
        let roots = LiveRoots::new(trusting(Roots::new(federation), [victim, honest]));
        let limits = DialLimits { connections_per_peer_max: CONNECTIONS_MAX, ..DialLimits::default() };
        let dialer = Dialer::new(leaf.clone(), roots.clone(), now_of(&clock), limits);
        let (record, query, log) = (key(KeyPurpose::Record), key(KeyPurpose::Query), key(KeyPurpose::Log));
        let (listen, victim) = (config.peer.listen, victim.clone());
        Self { participant, descriptor, record, query, log, leaf, roots, clock, listen, victim, dialer }
    }

    /// A gRPC client of its own connection to the victim.
    pub async fn client(&self) -> PeerClient<Channel> {
        let channel = self.dialer.channel(&self.victim_address()).await.expect("the victim listens");
        PeerClient::new(channel.channel())
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(usize::MAX)
    }

    /// What an honest node says first.
    pub fn hello(&self) -> HelloRequest {
        HelloRequest {
            protocol_min: 1,
            protocol_max: 1,
            now_ms: self.clock.now().ms(),
            descriptor_version: self.descriptor.version(),
            descriptor_hash: self.descriptor.content_id().as_bytes().to_vec(),
            ..HelloRequest::default()
        }
    }

    /// What an honest node replies to the victim's hello.
    pub fn greeting(&self) -> HelloReply {
        HelloReply {
            protocol: 1,
            protocol_min: 1,
            protocol_max: 1,
            now_ms: self.clock.now().ms(),
            descriptor_version: self.descriptor.version(),
            descriptor_hash: self.descriptor.content_id().as_bytes().to_vec(),
            your_descriptor_version: self.victim.version(),
            your_descriptor_hash: self.victim.content_id().as_bytes().to_vec(),
            release_log_size: 0,
            may_follow: true,
            may_ask: true,
            software: "rogue".into(),
            ..HelloReply::default()
        }
    }

    /// The header of a good payload for the victim, valid for `life`.
    pub fn header(&self, life: Duration) -> pb::Header {
        let now = self.clock.now();
        pb::Header {
            federation: self.descriptor.federation().to_string(),
            issuer: self.participant.to_string(),
            audience: self.victim.participant().to_string(),
            id: mint_uuid(now, random()).as_bytes().to_vec(),
            created_ms: now.ms(),
            expires_ms: now.plus(life).ms(),
            descriptor_version: self.descriptor.version(),
        }
    }

    /// A good question to the victim.
    pub fn question(&self) -> pb::Query {
        let find = pb::Find { name: "nobody at all".into(), limit: 5, ..Default::default() };
        pb::Query {
            header: Some(self.header(Duration::from_secs(300))),
            purpose: pb::Purpose::LawEnforcement.into(),
            case_reference: "CASE-1".into(),
            officer_pseudonym: "0011223344556677".into(),
            ask: Some(pb::query::Ask::Find(find)),
        }
    }

    /// Any bytes as the payload of a query, signed as it should be.
    pub fn signed_bytes(&self, payload: Vec<u8>) -> pb::Envelope {
        signed_with(&self.query, pb::Query::TYPE, payload)
    }

    /// A question, signed as it should be.
    pub fn signed(&self, query: &pb::Query) -> pb::Envelope {
        self.query.sign(query).expect("the query key signs queries").envelope
    }

    pub(crate) fn now(&self) -> Now {
        now_of(&self.clock)
    }

    pub(crate) fn victim_address(&self) -> PeerAddress {
        let endpoint = self.victim.endpoints().first().expect("init wrote an endpoint");
        let (participant, federation) = (self.victim.participant().clone(), self.victim.federation().clone());
        let name = NodeName::new(&endpoint.node, participant, federation).expect("init made the node's name");
        PeerAddress { name, host: endpoint.host.clone(), port: endpoint.port }
    }
}

/// Any bytes as the payload of any type, signed with any key.
pub fn signed_with(signer: &Signer, payload_type: &str, payload: Vec<u8>) -> pb::Envelope {
    let sig = signer.sign_bytes(&pae(payload_type, &payload)).expect("a key in memory signs").to_vec();
    let signature = pb::Signature { key_id: signer.id().as_bytes().to_vec(), sig };
    pb::Envelope { payload_type: payload_type.to_owned(), payload, signatures: vec![signature] }
}

/// Reads the descriptor file that `init` wrote.
pub(crate) fn read_descriptor(path: &Path, federation: &FederationId) -> AcceptedDescriptor {
    let text = std::fs::read_to_string(path).expect("init wrote the descriptor");
    let bytes = armor::dearmor("DESCRIPTOR", &text).expect("init armoured it");
    let envelope = decode_envelope(&bytes).expect("init put it in an envelope");
    AcceptedDescriptor::restore(federation, &envelope).expect("init signed it")
}

pub(crate) fn random() -> [u8; 10] {
    let mut random = [0; 10];
    OsEntropy.fill(&mut random);
    random
}

fn trusting<const N: usize>(roots: Roots, peers: [&AcceptedDescriptor; N]) -> Roots {
    peers.into_iter().fold(roots, |roots, peer| {
        let certificates = peer.authorities(peer.created()).map(|authority| authority.certificate.to_vec());
        let authorities = certificates.map(|der| TrustedAuthority::for_its_life(der.into())).collect();
        let peer = TrustedPeer { participant: peer.participant().clone(), authorities };
        roots.with(peer).expect("init made the authority")
    })
}

fn now_of(clock: &Arc<dyn Clock>) -> Now {
    let clock = clock.clone();
    Arc::new(move || clock.now())
}
