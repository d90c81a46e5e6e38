//! Descriptors, keys and certificates that turn while nodes are connected. Promises: a planned turn of a TLS authority drops
//! no connection; a stolen one is cut off at once and its owner goes on; file and store of the own chain stay one.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that stumbles shall fail")]

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use rustls_pki_types::CertificateDer;
use selat_exchange::{Exchange, KeyGoal, Want};
use selat_link::{
    Authority, DialLimits, DialedStream, Dialer, LiveLeaf, LiveRoots, NodeName, Now, PeerAddress, Roots,
    TrustedAuthority, TrustedPeer,
};
use selat_node::clock::{Clock as _, OsEntropy, SystemClock};
use selat_node::keys::NodeKeys;
use selat_node::running::Surroundings;
use selat_node::serve::complaint_of;
use selat_record::ids::mint_uuid;
use selat_record::pb::{self, KeyPurpose};
use selat_record::{ParticipantId, Payload as _};
use selat_rehearsal::federation::{Federation, RehearsalError, operator};
use selat_seal::descriptor::{add_signature, read_chain, read_draft, write_chain};
use selat_seal::succession::{Change, next_descriptor};
use selat_seal::{AcceptedDescriptor, KeyFile, KeyId, KeyRing as _, SecretKey};
use selat_tests::hostile::{eventually, put};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const DAY: Duration = Duration::from_secs(86_400);
/// The client's opening of HTTP/2 with empty settings, and a ping.
const OPENING: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";
const PING: &[u8] = b"\x00\x00\x08\x06\x00\x00\x00\x00\x00selat...";

/// AUS and IDN, which have approved each other.
struct Pair {
    federation: Federation,
    aus: ParticipantId,
    idn: ParticipantId,
    _folder: TempDir,
}

impl Pair {
    async fn founded() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (aus, idn): (ParticipantId, ParticipantId) = ("AUS".parse().unwrap(), "IDN".parse().unwrap());
        let surroundings = Surroundings { clock: Arc::new(SystemClock::start()), entropy: Arc::new(OsEntropy) };
        let both = [aus.clone(), idn.clone()];
        let name = "trust".parse().unwrap();
        let federation = Federation::found(folder.path(), &name, &both, surroundings).await.unwrap();
        let pair = Self { federation, aus, idn, _folder: folder };
        pair.federation.onboard_all().await.unwrap();
        pair.both_follow().await;
        pair
    }

    fn aus(&self) -> &Arc<Exchange> {
        self.federation.exchange(&self.aus).unwrap()
    }

    fn idn(&self) -> &Arc<Exchange> {
        self.federation.exchange(&self.idn).unwrap()
    }

    async fn both_follow(&self) {
        let connected = |at: &Exchange, peer| at.following().of(peer).connected;
        eventually("both follow", async || {
            (connected(self.aus(), &self.idn) && connected(self.idn(), &self.aus)).then_some(())
        })
        .await;
    }

    /// Records still go both ways.
    async fn goes_on(&self) {
        put(self.aus(), "from AUS").await;
        put(self.idn(), "from IDN").await;
        self.federation.settled().await.unwrap();
    }

    /// The root keys of AUS, which are offline in real life.
    fn roots(&self) -> Vec<SecretKey> {
        let folder = self.federation.member(&self.aus).unwrap().dir.join("root");
        let read =
            |n| KeyFile::parse(&fs::read_to_string(folder.join(format!("root-{n}.key"))).unwrap()).unwrap().secret;
        [1, 2].map(read).into()
    }

    fn signed(&self, draft: pb::Envelope) -> pb::Envelope {
        self.roots().iter().fold(draft, |draft, root| add_signature(&draft, root).unwrap())
    }

    /// The descriptor of AUS after `changes`, signed.
    fn next(&self, changes: &[Change]) -> pb::Envelope {
        let (own, now) = (self.aus().descriptor(), self.aus().clock().now());
        let message = next_descriptor(&own, changes, mint_uuid(now, [1; 10]).into_bytes(), now).unwrap();
        let payload = prost::Message::encode_to_vec(&message);
        self.signed(pb::Envelope { payload_type: pb::Descriptor::TYPE.to_owned(), payload, signatures: Vec::new() })
    }

    /// Publishes at AUS and waits until IDN has taken it in and AUS knows that.
    async fn publish(&self, descriptor: pb::Envelope) {
        let published = self.aus().publish(&operator(), &write_chain(&[descriptor])).await.unwrap();
        eventually("IDN has the version, and AUS knows", async || {
            let held = self.idn().book().peer(&self.aus).unwrap().descriptor.content_id();
            let known = self.aus().acks(&operator()).unwrap()[0].acknowledged;
            (held == published.hash && known == published.version).then_some(())
        })
        .await;
    }

    /// Has the node do what is due for the goal; the draft that it makes, signed.
    async fn drafted(&self, want: Want, reason: &str) -> pb::Envelope {
        let goal = KeyGoal { want, reason: reason.to_owned() };
        let plan = self.aus().key_plan(&operator(), goal).await.unwrap();
        let applied = self.aus().key_apply(&operator(), plan.goal, &plan.plan.state).await.unwrap();
        self.signed(read_draft(&applied.draft.expect("a descriptor is due")).unwrap())
    }

    /// Whoever has the authority key of AUS that is in use now, on the way to IDN.
    fn holder_of_the_authority(&self) -> Holder {
        let config = &self.federation.member(&self.aus).unwrap().config;
        let keys = NodeKeys::open(config, Arc::new(OsEntropy)).unwrap();
        let own = self.aus().descriptor();
        let key = self.aus().in_use(KeyPurpose::TlsCa).unwrap();
        let certificate = own.key(key.as_bytes()).unwrap().certificate().unwrap().to_vec();
        let federation = own.federation().clone();
        let authority =
            Authority::open(self.aus.clone(), federation.clone(), keys.signer(key).unwrap(), certificate.into())
                .unwrap();
        let name = NodeName::new("node1", self.aus.clone(), federation.clone()).unwrap();
        let clock = SystemClock::start();
        let leaf = LiveLeaf::new(authority.issue(&name, clock.now(), DAY, &OsEntropy).unwrap()).unwrap();
        let roots = Roots::new(federation.clone()).with(trusted(&self.idn().descriptor())).unwrap();
        let now: Now = Arc::new(move || clock.now());
        let listens = self.federation.node(&self.idn).unwrap().peer_address();
        Holder {
            key,
            dialer: Dialer::new(leaf, LiveRoots::new(roots), now, DialLimits::default()),
            address: PeerAddress {
                name: NodeName::new("node1", self.idn.clone(), federation).unwrap(),
                host: listens.ip().to_string(),
                port: listens.port(),
            },
        }
    }
}

fn trusted(peer: &AcceptedDescriptor) -> TrustedPeer {
    let authorities = peer.authorities(peer.created()).map(|authority| authority.certificate.to_vec());
    let authorities = authorities.map(|der| TrustedAuthority::for_its_life(CertificateDer::from(der))).collect();
    TrustedPeer { participant: peer.participant().clone(), authorities }
}

struct Holder {
    key: KeyId,
    dialer: Dialer,
    address: PeerAddress,
}

impl Holder {
    async fn connected(&self) -> DialedStream {
        let mut stream = self.dialer.connect(&self.address).await.unwrap();
        stream.write_all(OPENING).await.unwrap();
        assert!(answers(&mut stream).await);
        stream
    }

    async fn is_let_in(&self) -> bool {
        self.dialer.probe_tls(&self.address).await.is_ok()
    }
}

/// Whether the node at the other end still answers on this very connection.
async fn answers(stream: &mut DialedStream) -> bool {
    let asked = async {
        stream.write_all(PING).await?;
        stream.flush().await?;
        stream.read(&mut [0; 1024]).await
    };
    asked.await.is_ok_and(|bytes| bytes > 0)
}

#[tokio::test(flavor = "multi_thread")]
async fn stolen_authority_is_cut_off_at_once_and_its_owner_goes_on() {
    let pair = Pair::founded().await;
    let thief = pair.holder_of_the_authority();
    let mut stolen = thief.connected().await;

    let emergency =
        pair.drafted(Want::Replace { purpose: KeyPurpose::TlsCa, since: None }, "a laptop was stolen").await;
    pair.publish(emergency).await;
    eventually("the thief's connection is cut", async || (!answers(&mut stolen).await).then_some(())).await;
    assert!(!thief.is_let_in().await, "what the stolen key issued is worth nothing");
    assert_ne!(pair.aus().in_use(KeyPurpose::TlsCa), Some(thief.key));
    assert!(pair.holder_of_the_authority().is_let_in().await, "the successor vouches");
    pair.both_follow().await;
    pair.goes_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn planned_turn_of_the_authority_drops_no_connection() {
    let pair = Pair::founded().await;
    let before = pair.holder_of_the_authority();
    let mut connection = before.connected().await;

    pair.publish(pair.drafted(Want::Rotate { purpose: KeyPurpose::TlsCa }, "").await).await;
    let own = pair.aus().descriptor();
    let successor = own.keys(KeyPurpose::TlsCa).find(|key| key.id() != before.key).unwrap().id();
    // It vouches from its announcement on, and issues once every peer knows it.
    eventually("the successor issues", async || {
        (pair.aus().in_use(KeyPurpose::TlsCa) == Some(successor)).then_some(())
    })
    .await;
    assert!(answers(&mut connection).await, "announced");
    let until = pair.aus().clock().now().plus(DAY);
    pair.publish(pair.next(&[Change::Retire { key: before.key, until }])).await;

    assert!(answers(&mut connection).await, "taken over");
    assert!(before.is_let_in().await, "the predecessor vouches until its end");
    assert!(pair.holder_of_the_authority().is_let_in().await, "and so does the successor");
    for (at, peer) in [(pair.aus(), &pair.idn), (pair.idn(), &pair.aus)] {
        let following = at.following().of(peer);
        assert!(following.connected, "{following:?}");
    }
    pair.goes_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn file_and_store_of_the_own_chain_stay_one_or_the_node_stays_down() {
    let mut pair = Pair::founded().await;
    let file = pair.federation.member(&pair.aus).unwrap().config.node.descriptor.clone();
    let first = fs::read_to_string(&file).unwrap();
    let other = pair.next(&[Change::Unit("Another unit".into())]);
    pair.publish(pair.next(&[Change::Unit("Renamed unit".into())])).await;
    let written = async || {
        eventually("the file has both versions", async || {
            read_chain(&fs::read_to_string(&file).unwrap()).ok().filter(|chain| chain.len() == 2)
        })
        .await
    };
    let both = written().await;

    // The file of an older backup: the store is ahead, and the file follows.
    pair.federation.stop(&pair.aus).await.unwrap();
    fs::write(&file, &first).unwrap();
    pair.federation.start(&pair.aus).await.unwrap();
    assert_eq!(pair.aus().descriptor().version(), 2);
    assert_eq!(written().await, both);
    pair.both_follow().await;

    // A second version that is not the one in the store: somebody has to find out who signed it.
    pair.federation.stop(&pair.aus).await.unwrap();
    let forked = [read_chain(&first).unwrap(), vec![other]].concat();
    fs::write(&file, write_chain(&forked)).unwrap();
    let refused = pair.federation.start(&pair.aus).await.unwrap_err();
    let RehearsalError::Start(refused) = refused else { panic!("{refused:?}") };
    assert_eq!(complaint_of(&refused).code(), "SLT-1105", "{refused}");
    fs::write(&file, write_chain(&both)).unwrap();
    pair.federation.start(&pair.aus).await.unwrap();
    pair.goes_on().await;
}
