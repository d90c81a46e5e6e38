//! Keys turn while the exchange goes on: the key in use changes at the last acknowledgement, or when its time is over, and
//! at no moment does a peer refuse what is signed.

use std::sync::Arc;
use std::time::Duration;

use selat_record::pb::{self, KeyPurpose, KeyStatus};
use selat_seal::{
    Entropy as _, FUTURE_TOLERANCE, KeyFailure, KeyHandle, KeyId, KeyRing as _, PublicKey, SecretKey, Signer,
};

use crate::kit::{Federation, Node, Seeded, by_name, operator, person, renamed};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const SIGNING: [KeyPurpose; 3] = [KeyPurpose::Record, KeyPurpose::Query, KeyPurpose::Log];

fn in_use(node: &Node, purpose: KeyPurpose) -> KeyId {
    node.in_use(purpose).unwrap()
}

/// `peer` takes all that `from` signs: its next record with the checkpoint over it, and an answer.
async fn check_believed(from: &Node, peer: &Node, why: &str) {
    from.hold(person("Budi Contoh")).await;
    let taken = peer.follow(from).await.unwrap_or_else(|error| panic!("{why}: {error}"));
    assert_eq!(taken.quarantined, 0, "{why}");
    let (answer, _) = from.asked_by(peer, &peer.query(from.id(), by_name("Nobody Known"))).await.unwrap();
    assert!(peer.believes::<pb::Answer>(from, &answer), "{why}");
}

/// AUS has announced a successor, handed over to it, and told no peer yet.
async fn handed_over(purpose: KeyPurpose) -> (Federation, [Node; 3], (KeyId, KeyId)) {
    let (federation, nodes) = Federation::of(["AUS", "IDN", "MYS"]).await;
    let [aus, idn, mys] = &nodes;
    let old = in_use(aus, purpose);
    let new = aus.announce_key(purpose).await;
    for peer in [idn, mys] {
        aus.refresh(peer.id()).await.unwrap();
    }
    aus.hand_over(old, new, DAY).await;
    (federation, nodes, (old, new))
}

#[tokio::test(flavor = "multi_thread")]
async fn successor_signs_from_the_last_acknowledgement_on_and_not_before() {
    for purpose in [KeyPurpose::Record, KeyPurpose::Query, KeyPurpose::Log, KeyPurpose::TlsCa] {
        let (_, [aus, idn, mys], (old, new)) = handed_over(purpose).await;
        assert_eq!(in_use(&aus, purpose), old, "nobody knows the successor as active");
        check_believed(&aus, &idn, "before any acknowledgement").await;
        aus.refresh(idn.id()).await.unwrap();
        assert_eq!(in_use(&aus, purpose), old, "MYS does not");
        check_believed(&aus, &mys, "MYS has not acknowledged").await;
        let changes = aus.trust_changes();
        aus.refresh(mys.id()).await.unwrap();
        assert_eq!(in_use(&aus, purpose), new);
        assert!(changes.has_changed().unwrap(), "whoever issues certificates hears of it");
        for peer in [&idn, &mys] {
            check_believed(&aus, peer, "all acknowledged").await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn key_that_is_only_announced_signs_nothing() {
    let (_, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    let old = in_use(&aus, KeyPurpose::Record);
    aus.announce_key(KeyPurpose::Record).await;
    aus.refresh(idn.id()).await.unwrap();
    assert_eq!((aus.acknowledged_by(&idn), in_use(&aus, KeyPurpose::Record)), (2, old));
}

#[tokio::test(flavor = "multi_thread")]
async fn peer_that_never_acknowledges_is_waited_for_until_the_old_key_ends() {
    let (federation, [aus, idn, _], (old, new)) = handed_over(KeyPurpose::Record).await;
    aus.refresh(idn.id()).await.unwrap();
    let leaves = DAY - FUTURE_TOLERANCE;
    federation.clock.turn(leaves - Duration::from_millis(1));
    assert_eq!(in_use(&aus, KeyPurpose::Record), old);
    federation.clock.turn(Duration::from_millis(1));
    assert_eq!(in_use(&aus, KeyPurpose::Record), new, "before its end: the clocks of others may be ahead");
    check_believed(&aus, &idn, "IDN acknowledged").await;
    federation.clock.turn(DAY);
    assert_eq!(in_use(&aus, KeyPurpose::Record), new);
}

#[tokio::test(flavor = "multi_thread")]
async fn choice_of_the_key_survives_a_restart() {
    let (federation, [aus, idn, mys], (old, new)) = handed_over(KeyPurpose::Query).await;
    aus.refresh(idn.id()).await.unwrap();
    let aus = federation.restart(&aus).await;
    assert_eq!(in_use(&aus, KeyPurpose::Query), old);
    aus.refresh(mys.id()).await.unwrap();
    let aus = federation.restart(&aus).await;
    assert_eq!(in_use(&aus, KeyPurpose::Query), new);
}

#[tokio::test(flavor = "multi_thread")]
async fn peer_that_is_suspended_or_removed_is_not_waited_for() {
    for removed in [false, true] {
        let (_, [aus, idn, mys], (old, new)) = handed_over(KeyPurpose::Log).await;
        aus.refresh(idn.id()).await.unwrap();
        assert_eq!(in_use(&aus, KeyPurpose::Log), old);
        if removed {
            aus.remove(&operator(), mys.id(), "left the federation").await.unwrap();
        } else {
            aus.suspend(&operator(), mys.id(), "on leave").await.unwrap();
        }
        assert_eq!(in_use(&aus, KeyPurpose::Log), new);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn key_that_is_called_compromised_signs_nothing_from_the_publication_on() {
    let (_, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    for purpose in SIGNING {
        let old = in_use(&aus, purpose);
        let new = aus.ring.generate(purpose).unwrap();
        let described = aus.ring.describe(new, aus.now()).unwrap();
        let since = aus.now();
        aus.publish_next(|next| {
            for key in next.keys.iter_mut().filter(|key| key.id == old.as_bytes()) {
                key.set_status(KeyStatus::Compromised);
                key.compromised_since_ms = since.ms();
            }
            next.keys.push(described);
        })
        .await
        .unwrap();
        assert_eq!(in_use(&aus, purpose), new, "though nobody acknowledged it");
        aus.refresh(idn.id()).await.unwrap();
        check_believed(&aus, &idn, "IDN has it").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledgement_that_could_not_be_written_turns_no_key() {
    let (_, [aus, idn, mys], (old, new)) = handed_over(KeyPurpose::Record).await;
    aus.refresh(idn.id()).await.unwrap();
    mys.announced(aus.id(), aus.descriptor().envelope()).await.unwrap();
    let greeting = mys.greeting_for(aus.id());
    let again = aus.bench.refuse_commits_for_a_while();
    aus.greeted(mys.id(), &greeting).await.unwrap_err();
    assert_eq!(in_use(&aus, KeyPurpose::Record), old);
    drop(again);
    aus.greeted(mys.id(), &greeting).await.unwrap();
    assert_eq!(in_use(&aus, KeyPurpose::Record), new);
}

/// A key in a token: signing waits for something outside.
#[derive(Debug)]
struct InToken(SecretKey);

impl KeyHandle for InToken {
    fn public(&self) -> &PublicKey {
        KeyHandle::public(&self.0)
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], KeyFailure> {
        // Panics on a thread that runs tasks.
        tokio::runtime::Handle::current().block_on(std::future::ready(()));
        self.0.sign(message)
    }

    fn blocks(&self) -> bool {
        true
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn key_in_a_token_signs_where_waiting_harms_nobody() {
    let (federation, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    for purpose in SIGNING {
        aus.ring.put_back(Arc::new(Signer::new(purpose, InToken(aus.party.key(purpose)))));
    }
    let aus = federation.restart(&aus).await;
    check_believed(&aus, &idn, "signed by a token").await;
}

/// What can happen while keys turn.
async fn happen(event: u8, federation: &Federation, aus: Node, peers: &[Node; 2]) -> Node {
    let [idn, mys] = peers;
    match event % 8 {
        0 => _ = aus.refresh(idn.id()).await,
        1 => _ = aus.refresh(mys.id()).await,
        2 => _ = aus.greeted(idn.id(), &idn.greeting_for(aus.id())).await,
        3 => _ = mys.refresh(aus.id()).await,
        4 => federation.clock.turn(Duration::from_secs(60 * 60)),
        5 => _ = aus.publish_next(renamed("Another")).await,
        6 => return federation.restart(&aus).await,
        _ => _ = idn.refresh(aus.id()).await,
    }
    aus
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_order_no_peer_refuses_what_is_signed() {
    let chance = Seeded::new();
    for round in 0..12 {
        let purpose = SIGNING[round % SIGNING.len()];
        let (federation, [mut aus, idn, mys]) = Federation::of(["AUS", "IDN", "MYS"]).await;
        let peers = [idn, mys];
        let old = in_use(&aus, purpose);
        let new = aus.announce_key(purpose).await;
        let mut events = [0; 16];
        chance.fill(&mut events);
        for (n, event) in events.into_iter().enumerate() {
            if n == 6 {
                aus.hand_over(old, new, DAY).await;
            }
            aus = happen(event, &federation, aus, &peers).await;
            for peer in &peers {
                check_believed(&aus, peer, &format!("round {round}, {purpose:?}, {:?}", &events[..=n])).await;
            }
        }
        for peer in &peers {
            aus.refresh(peer.id()).await.unwrap();
        }
        assert_eq!(in_use(&aus, purpose), new, "round {round}");
    }
}
