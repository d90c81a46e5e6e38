//! Two descriptors under one number: proof freezes their participant for good, a claim freezes nobody, and who shows what
//! proves nothing is at fault.

use std::time::Duration;

use prost::Message as _;
use selat_exchange::{CallError, Edition, ExchangeError, Greeting, RefreshError};
use selat_record::{ContentId, pb};
use selat_store::repositories::PeerState;

use crate::kit::{Federation, Manners, Node, When, actor, id, operator, person, renamed};

/// AUS holds descriptor 2 of MYS, which it had of MYS itself; IDN is a peer of both.
struct World {
    federation: Federation,
    aus: Node,
    idn: Node,
    mys: Node,
    /// Another descriptor 2 of MYS.
    rival: pb::Envelope,
}

impl World {
    async fn new() -> Self {
        let (federation, [aus, idn, mys]) = Federation::of(["AUS", "IDN", "MYS"]).await;
        let rival = mys.draft(renamed("Rival"));
        mys.publish_next(renamed("Second")).await.unwrap();
        aus.refresh(mys.id()).await.unwrap();
        Self { federation, aus, idn, mys, rival }
    }

    /// From now on IDN claims to hold `rival` of MYS, and shows it or whatever `shown` is.
    fn idn_shows(&self, claimed: ContentId, shown: Vec<pb::Envelope>) {
        let hello = move |mut honest: Greeting| {
            let line = honest.held.iter_mut().find(|(participant, _)| participant.as_str() == "MYS").unwrap();
            line.1 = Edition { version: 2, hash: claimed };
            Ok(honest)
        };
        let descriptors = move |_: &_, _, _| Ok(shown.clone());
        let manners = Manners { hello: Box::new(hello), descriptors: Box::new(descriptors), ..Manners::default() };
        self.federation.wire.mannered(self.idn.id(), manners);
    }

    fn state_of(&self, node: &Node) -> PeerState {
        self.aus.book().peer(node.id()).unwrap().row.state
    }

    async fn check_frozen(&self, aus: &Node) {
        let book = aus.book();
        let row = &book.peer(self.mys.id()).unwrap().row;
        assert_eq!(row.state, PeerState::Frozen);
        assert!(book.trust().descriptor(self.mys.id()).is_none(), "nothing that it signs is believed");
        let stopped = row.stopped.as_ref().unwrap();
        assert!(stopped.reason.starts_with("its roots signed two descriptors 2"), "{}", stopped.reason);
        let [proof] = aus.equivocations(&operator()).await.unwrap().try_into().unwrap();
        assert_eq!((proof.participant.as_str(), proof.version), ("MYS", 2));
        assert_eq!(proof.held, self.mys.descriptor().envelope().encode_to_vec());
        assert_eq!(proof.rival, self.rival.encode_to_vec());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rival_that_another_peer_shows_freezes_the_participant_and_both_are_kept() {
    let world = World::new().await;
    let changes = world.aus.book_changes();
    world.idn_shows(selat_seal::content_id(&world.rival), vec![world.rival.clone()]);
    world.aus.refresh(world.idn.id()).await.unwrap();
    world.check_frozen(&world.aus).await;
    assert!(changes.has_changed().unwrap(), "its connections are closed");
    let note = world.aus.audited().await.into_iter().rfind(|entry| entry.participants == ["MYS"]).unwrap();
    assert!(note.note.contains("the other was shown by IDN"), "{}", note.note);
    assert_eq!(world.state_of(&world.idn), PeerState::Approved, "who shows it is not at fault");
    world.check_frozen(&world.federation.restart(&world.aus).await).await;
    let commits = world.aus.bench.commits();
    world.aus.refresh(world.idn.id()).await.unwrap();
    assert!(world.aus.bench.commits() - commits <= 1, "it is looked into once");
}

#[tokio::test(flavor = "multi_thread")]
async fn rival_that_the_participant_itself_announces_freezes_it() {
    let world = World::new().await;
    world.aus.announced(world.mys.id(), &world.rival).await.unwrap();
    world.check_frozen(&world.aus).await;
    let again = world.aus.announced(world.mys.id(), &world.rival).await;
    assert!(matches!(again, Err(ExchangeError::PeerState { .. })), "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn participant_that_says_another_hash_of_its_newest_is_asked_for_it_and_frozen() {
    let world = World::new().await;
    let claimed = Edition { version: 2, hash: selat_seal::content_id(&world.rival) };
    let shown = vec![world.rival.clone()];
    let manners = Manners {
        hello: Box::new(move |honest| Ok(Greeting { own: claimed, ..honest })),
        descriptors: Box::new(move |_, _, _| Ok(shown.clone())),
        ..Manners::default()
    };
    world.federation.wire.mannered(world.mys.id(), manners);
    let told = world.aus.refresh(world.mys.id()).await;
    assert!(matches!(told, Err(RefreshError::Frozen(2))), "{told:?}");
    world.check_frozen(&world.aus).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn participant_whose_next_version_follows_on_a_rival_is_asked_for_it_and_frozen() {
    let world = World::new().await;
    let first = world.aus.kept(&world.mys, 1).await;
    let rival = first.accept_next(&world.rival, world.mys.now()).unwrap();
    let third = world.mys.party.next(&rival, world.mys.now(), renamed("Third"));
    let claimed = Edition { version: 3, hash: selat_seal::content_id(&third) };
    let fork = [world.rival.clone(), third];
    let manners = Manners {
        hello: Box::new(move |honest| Ok(Greeting { own: claimed, ..honest })),
        descriptors: Box::new(move |_, from, _| {
            Ok(fork.iter().skip(usize::try_from(from - 2).unwrap()).cloned().collect())
        }),
        ..Manners::default()
    };
    world.federation.wire.mannered(world.mys.id(), manners);
    let told = world.aus.refresh(world.mys.id()).await;
    assert!(matches!(told, Err(RefreshError::Frozen(2))), "{told:?}");
    world.check_frozen(&world.aus).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rival_of_a_version_that_has_been_freezes_too() {
    let world = World::new().await;
    world.mys.publish_next(renamed("Third")).await.unwrap();
    world.aus.refresh(world.mys.id()).await.unwrap();
    world.idn_shows(selat_seal::content_id(&world.rival), vec![world.rival.clone()]);
    world.aus.refresh(world.idn.id()).await.unwrap();
    assert_eq!(world.state_of(&world.mys), PeerState::Frozen);
}

#[tokio::test(flavor = "multi_thread")]
async fn rival_of_a_first_contact_is_judged_by_the_roots_that_were_vouched_for() {
    let (_, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    let rival = idn.party.descriptor(2).envelope().clone();
    aus.announced(idn.id(), &rival).await.unwrap();
    assert_eq!(aus.book().peer(idn.id()).unwrap().row.state, PeerState::Frozen);
}

#[tokio::test(flavor = "multi_thread")]
async fn liar_freezes_nobody_and_is_at_fault() {
    let world = World::new().await;
    let first = world.aus.kept(&world.mys, 1).await;
    let of_one_root = world.mys.party.signed_by_roots(&first, world.mys.now(), renamed("Rival"), &[1]);
    let by_another = world.idn.party.next(&first, world.mys.now(), renamed("Rival"));
    let (held, of_another) = (world.mys.descriptor(), world.idn.descriptor());
    let (unsigned, shows_ours) = ("and shows one that its roots did not sign", "and shows the one that is held here");
    for (shown, words) in [
        (of_one_root, unsigned),
        (by_another, unsigned),
        (first.envelope().clone(), unsigned),
        (of_another.envelope().clone(), unsigned),
        (pb::Envelope::default(), unsigned),
        (held.envelope().clone(), shows_ours),
    ] {
        world.idn_shows(ContentId::new([7; 32]), vec![shown]);
        world.aus.refresh(world.idn.id()).await.unwrap();
        world.federation.clock.turn(Duration::from_secs(20));
        assert_eq!(world.state_of(&world.mys), PeerState::Approved);
        let book = world.aus.book();
        let fault = world.aus.comparison(book.peer(world.idn.id()).unwrap()).last_descriptor_fault.unwrap().0;
        assert_eq!(fault, format!("claims another descriptor 2 of MYS {words}"));
    }
    for _ in 0..3 {
        world.aus.refresh(world.idn.id()).await.unwrap();
    }
    let told = world.aus.refresh(world.idn.id()).await;
    assert!(matches!(told, Err(RefreshError::Call(CallError::Unreachable(_)))), "each lie was a fault: {told:?}");
    assert_eq!(world.aus.equivocations(&operator()).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn claim_without_an_envelope_freezes_nobody() {
    let world = World::new().await;
    world.idn_shows(selat_seal::content_id(&world.rival), Vec::new());
    world.aus.refresh(world.idn.id()).await.unwrap();
    assert_eq!(world.state_of(&world.mys), PeerState::Approved);
    assert_eq!(world.aus.equivocations(&operator()).await.unwrap(), []);
    // Said of itself it is a fault: who has a newest descriptor can show it.
    let claimed = Edition { version: 2, hash: ContentId::new([7; 32]) };
    let manners = Manners {
        hello: Box::new(move |honest| Ok(Greeting { own: claimed, ..honest })),
        descriptors: Box::new(|_, _, _| Ok(Vec::new())),
        ..Manners::default()
    };
    world.federation.wire.mannered(world.mys.id(), manners);
    let told = world.aus.refresh(world.mys.id()).await;
    assert!(matches!(told, Err(RefreshError::Contradicts(2))), "{told:?}");
    assert_eq!(world.state_of(&world.mys), PeerState::Approved);
}

#[tokio::test(flavor = "multi_thread")]
async fn fork_whose_evidence_is_not_given_is_refused_and_a_fault_all_the_same() {
    let world = World::new().await;
    let first = world.aus.kept(&world.mys, 1).await;
    let rival = first.accept_next(&world.rival, world.mys.now()).unwrap();
    let third = world.mys.party.next(&rival, world.mys.now(), renamed("Third"));
    let claimed = Edition { version: 3, hash: selat_seal::content_id(&third) };
    let manners = Manners {
        hello: Box::new(move |honest| Ok(Greeting { own: claimed, ..honest })),
        descriptors: Box::new(move |_, from, _| if from == 3 { Ok(vec![third.clone()]) } else { Err(CallError::Late) }),
        ..Manners::default()
    };
    world.federation.wire.mannered(world.mys.id(), manners);
    let told = world.aus.refresh(world.mys.id()).await.unwrap_err();
    assert!(told.to_string().starts_with("descriptor 3 of MYS: does not carry the hash of version 2"), "{told}");
    let book = world.aus.book();
    let fault = world.aus.comparison(book.peer(world.mys.id()).unwrap()).last_descriptor_fault;
    assert_eq!(fault.unwrap().0, told.to_string());
    assert_eq!(world.state_of(&world.mys), PeerState::Approved);
}

#[tokio::test(flavor = "multi_thread")]
async fn claims_of_one_peer_are_looked_into_a_few_at_a_time() {
    let codes = ["AUS", "IDN", "MYS", "NRU", "PHL", "SGP", "THA", "VNM"];
    let (federation, nodes) = Federation::of(codes).await;
    let hello = move |mut honest: Greeting| {
        honest.held.iter_mut().for_each(|(_, edition)| edition.hash = ContentId::new([7; 32]));
        let many = honest.held.clone().into_iter().cycle().take(1000);
        Ok(Greeting { held: many.collect(), ..honest })
    };
    let shows_none = |_: &_, _, _| Ok(Vec::new());
    let manners = Manners { hello: Box::new(hello), descriptors: Box::new(shows_none), ..Manners::default() };
    federation.wire.mannered(nodes[1].id(), manners);
    federation.wire.calls();
    nodes[0].refresh(nodes[1].id()).await.unwrap();
    assert_eq!(federation.wire.calls().len(), 1 + 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn peer_that_holds_an_older_version_of_another_is_well() {
    let world = World::new().await;
    world.aus.refresh(world.idn.id()).await.unwrap();
    assert_eq!(world.idn.holds_of(&world.mys), 1);
    assert_eq!(world.state_of(&world.mys), PeerState::Approved);
    let book = world.aus.book();
    assert_eq!(world.aus.comparison(book.peer(world.idn.id()).unwrap()).last_descriptor_fault, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn newer_version_is_taken_from_whoever_shows_it_and_its_owner_is_asked_too() {
    let world = World::new().await;
    world.mys.publish_next(renamed("Third")).await.unwrap();
    world.idn.refresh(world.mys.id()).await.unwrap();
    world.aus.refresh(world.idn.id()).await.unwrap();
    let called = world.aus.refresh_call_of(world.mys.id());
    tokio::select! {
        biased;
        () = called.notified() => {}
        () = std::future::ready(()) => panic!("it was not called for"),
    }
    assert_eq!(world.aus.holds_of(&world.mys), 3, "its roots have signed it, whoever shows it");
}

#[tokio::test(flavor = "multi_thread")]
async fn rival_of_our_own_descriptor_is_kept_as_evidence() {
    let (federation, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    let rival = aus.draft(renamed("Rival"));
    aus.publish_next(renamed("Second")).await.unwrap();
    idn.announced(aus.id(), &rival).await.unwrap();
    let told = aus.refresh(idn.id()).await;
    assert!(matches!(told, Err(RefreshError::HoldsUnknown(2))), "{told:?}");
    let aus = federation.restart(&aus).await;
    let [proof] = aus.equivocations(&operator()).await.unwrap().try_into().unwrap();
    assert_eq!((proof.participant.as_str(), proof.rival), ("AUS", rival.encode_to_vec()));
    assert_eq!(proof.shown_by, id("IDN"));
    assert_eq!(aus.book().peer(idn.id()).unwrap().row.state, PeerState::Approved);
}

#[tokio::test(flavor = "multi_thread")]
async fn frozen_participant_stays_frozen_until_a_new_ceremony() {
    let world = World::new().await;
    world.aus.announced(world.mys.id(), &world.rival).await.unwrap();
    assert!(world.aus.refresh(world.mys.id()).await.is_err());
    assert!(world.aus.resume(&operator(), world.mys.id(), "please").await.is_err());
    let receipt = world.aus.hold(person("Budi Contoh")).await;
    assert_eq!(receipt.releases.len(), 1, "to IDN alone");
    // Others are still shown the version that was held: it is half of the proof.
    let shown = world.aus.descriptors_for(world.idn.id(), world.mys.id(), 2).await.unwrap();
    assert_eq!(shown, [world.mys.descriptor().envelope().clone()]);
    world.aus.remove(&operator(), world.mys.id(), "new roots were made").await.unwrap();
    world.aus.join(&operator(), world.mys.party.descriptor(3)).await.unwrap();
    world.aus.approve_by_phone(world.mys.id()).await;
    assert_eq!(world.state_of(&world.mys), PeerState::Approved);
    assert_eq!(world.aus.equivocations(&operator()).await.unwrap().len(), 1, "the evidence stays");
    assert!(world.aus.equivocations(&actor(selat_policy::Role::Officer)).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn record_that_was_decided_before_the_freeze_is_not_released_after_it() {
    let world = World::new().await;
    let (freezing, mys, rival) = (world.aus.clone(), world.mys.id().clone(), world.rival.clone());
    world.aus.bench.at_commit(1, When::Before, async move { _ = freezing.announced(&mys, &rival).await.unwrap() });
    let receipt = world.aus.hold(person("Budi Contoh")).await;
    let released: Vec<_> = receipt.releases.iter().map(|release| release.peer.as_str()).collect();
    assert_eq!(released, ["IDN"]);
    assert_eq!(world.aus.released(world.mys.id()).await, []);
}
