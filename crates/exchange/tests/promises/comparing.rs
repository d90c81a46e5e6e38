//! Comparing descriptors with a peer: what either lacks is brought, step by step; what was said is durable before it
//! counts; what is refused changes nothing and is told.

use std::time::Duration;

use selat_exchange::{CallError, Edition, ExchangeError, Greeting, RefreshError, Refreshed};
use selat_record::pb::AuditAction;
use selat_record::{ContentId, pb};
use selat_store::repositories::PeerState;
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use crate::kit::{Call, Federation, Manners, Node, Party, When, by_name, id, operator, person, renamed};

async fn two() -> (Federation, Node, Node) {
    let (federation, [aus, idn]) = Federation::of(["AUS", "IDN"]).await;
    (federation, aus, idn)
}

async fn compare(node: &Node, with: &Node) -> Result<Refreshed, RefreshError> {
    node.refresh(with.id()).await
}

fn fault_of(node: &Node, peer: &Node) -> Option<String> {
    let book = node.book();
    let comparison = node.comparison(book.peer(peer.id()).unwrap());
    comparison.last_descriptor_fault.map(|(what, _)| what)
}

/// What `from` says to `to` with another edition of its own.
fn saying(edition: impl Fn(Edition) -> Edition + Send + Sync + 'static) -> Manners {
    let hello = move |honest: Greeting| Ok(Greeting { own: edition(honest.own), ..honest });
    Manners { hello: Box::new(hello), ..Manners::default() }
}

// ---- what either side lacks -----------------------------------------------------------------------------------------

#[tokio::test(flavor = "multi_thread")]
async fn peer_that_lacks_versions_is_shown_each_and_is_known_to_hold_them() {
    let (_, aus, idn) = two().await;
    aus.publish_next(renamed("Second")).await.unwrap();
    aus.publish_next(renamed("Third")).await.unwrap();
    assert_eq!((aus.acknowledged_by(&idn), idn.holds_of(&aus)), (0, 1));
    let commits = aus.bench.commits();
    let done = compare(&aus, &idn).await.unwrap();
    assert_eq!(done, Refreshed { version: 1, current: true, pulled: 0, pushed: 2 });
    assert_eq!((aus.acknowledged_by(&idn), idn.holds_of(&aus)), (3, 3));
    assert_eq!(aus.bench.commits() - commits, 1, "one write for one comparison");
    let note = idn.audited().await.pop().unwrap();
    assert_eq!((note.action(), note.note.as_str()), (AuditAction::Administration, "accepted descriptor 3"));
    assert_eq!(note.participants, ["AUS"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn version_that_the_peer_has_is_taken_in_and_kept() {
    let (federation, aus, idn) = two().await;
    idn.publish_next(renamed("Second")).await.unwrap();
    let done = compare(&aus, &idn).await.unwrap();
    assert_eq!(done, Refreshed { version: 2, current: true, pulled: 1, pushed: 0 });
    let aus = federation.restart(&aus).await;
    assert_eq!(aus.holds_of(&idn), 2);
    let kept = aus.chain_of(&operator(), Some(idn.id())).await.unwrap();
    assert_eq!(kept, idn.own_chain(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn long_chain_is_walked_part_by_part_up_to_the_bound_and_then_on() {
    let (federation, aus, idn) = two().await;
    for _ in 0..70 {
        idn.publish_next(renamed("Another")).await.unwrap();
    }
    federation.wire.calls();
    let done = compare(&aus, &idn).await.unwrap();
    assert_eq!(done, Refreshed { version: 65, current: false, pulled: 64, pushed: 0 });
    let from = |version| Call::Descriptors(id("IDN"), id("IDN"), version);
    assert_eq!(federation.wire.calls(), [Call::Hello(id("IDN")), from(2), from(18), from(34), from(50)]);
    let called = aus.refresh_call_of(idn.id());
    tokio::select! {
        biased;
        () = called.notified() => {}
        () = std::future::ready(()) => panic!("the next comparison is called for at once"),
    }
    let done = compare(&aus, &idn).await.unwrap();
    assert_eq!(done, Refreshed { version: 71, current: true, pulled: 6, pushed: 0 });
    let kept = aus.chain_of(&operator(), Some(idn.id())).await.unwrap();
    assert_eq!(kept, idn.own_chain(8), "only the latest 64 are kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_decided_by_the_descriptor_before_is_decided_again() {
    let (_, aus, idn) = two().await;
    idn.publish_next(renamed("Second")).await.unwrap();
    let (comparing, peer) = (aus.clone(), idn.id().clone());
    aus.bench.at_commit(1, When::Before, async move { _ = comparing.refresh(&peer).await.unwrap() });
    let receipt = aus.hold(person("Budi Contoh")).await;
    assert!(receipt.releases.iter().all(|release| release.result.is_ok()));
    assert_eq!((aus.holds_of(&idn), aus.released(idn.id()).await.len()), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn descriptors_are_compared_with_approved_peers_only() {
    let (_, aus, idn) = two().await;
    aus.suspend(&operator(), idn.id(), "on leave").await.unwrap();
    let refused = compare(&aus, &idn).await;
    assert!(matches!(refused, Err(RefreshError::Own(ExchangeError::PeerState { .. }))), "{refused:?}");
    let greeting = idn.greeting_for(aus.id());
    assert!(matches!(aus.greeted(idn.id(), &greeting).await, Err(ExchangeError::PeerState { .. })));
    let next = idn.draft(renamed("Second"));
    assert!(matches!(aus.announced(idn.id(), &next).await, Err(ExchangeError::PeerState { .. })));
    assert!(aus.descriptors_for(idn.id(), aus.id(), 1).await.is_err());
    assert!(matches!(aus.refresh(&id("MYS")).await, Err(RefreshError::Own(ExchangeError::UnknownPeer(_)))));
}

// ---- acknowledgements -----------------------------------------------------------------------------------------------

#[tokio::test(flavor = "multi_thread")]
async fn announcement_or_its_reply_that_is_lost_is_made_up_for() {
    for reached in [false, true] {
        let (federation, aus, idn) = two().await;
        aus.publish_next(renamed("Second")).await.unwrap();
        let late = Box::new(|_| Err(CallError::Late));
        let manners = if reached {
            Manners { announced: late, ..Manners::default() }
        } else {
            Manners { loses_announcements: true, ..Manners::default() }
        };
        federation.wire.mannered(idn.id(), manners);
        let lost = compare(&aus, &idn).await;
        assert!(matches!(lost, Err(RefreshError::Call(CallError::Late))), "{lost:?}");
        assert_eq!((aus.acknowledged_by(&idn), idn.holds_of(&aus)), (1, if reached { 2 } else { 1 }));
        federation.wire.honest_again(idn.id());
        compare(&aus, &idn).await.unwrap();
        assert_eq!((aus.acknowledged_by(&idn), idn.holds_of(&aus)), (2, 2));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn node_that_stopped_between_publication_and_push_pushes_after_its_start() {
    let (federation, aus, idn) = two().await;
    aus.publish_next(renamed("Second")).await.unwrap();
    let aus = federation.restart(&aus).await;
    assert_eq!(compare(&aus, &idn).await.unwrap().pushed, 1);
    assert_eq!((aus.acknowledged_by(&idn), idn.holds_of(&aus)), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_peers_hold_and_when_they_were_refreshed_survives_a_restart() {
    let (federation, aus, idn) = two().await;
    aus.publish_next(renamed("Second")).await.unwrap();
    compare(&aus, &idn).await.unwrap();
    let before = aus.acks(&operator()).unwrap();
    assert_eq!((before[0].acknowledged, before[0].acknowledged_at), (2, Some(aus.now())));
    assert_eq!(before[0].refreshed, Some(aus.now()));
    let again = federation.restart(&aus).await;
    assert_eq!(again.acks(&operator()).unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn hello_is_an_acknowledgement_and_is_written_once() {
    let (federation, aus, idn) = two().await;
    let greeting = idn.greeting_for(aus.id());
    let commits = aus.bench.commits();
    aus.greeted(idn.id(), &greeting).await.unwrap();
    assert_eq!((aus.acknowledged_by(&idn), aus.bench.commits() - commits), (1, 1));
    for _ in 0..5 {
        aus.greeted(idn.id(), &greeting).await.unwrap();
    }
    assert_eq!(aus.bench.commits() - commits, 1, "nothing new was said");
    federation.clock.turn(Duration::from_secs(60));
    aus.greeted(idn.id(), &idn.greeting_for(aus.id())).await.unwrap();
    assert_eq!(aus.bench.commits() - commits, 2, "it was current a minute later");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_written_does_not_count() {
    let (_, aus, idn) = two().await;
    aus.publish_next(renamed("Second")).await.unwrap();
    idn.announced(aus.id(), aus.descriptor().envelope()).await.unwrap();
    let greeting = idn.greeting_for(aus.id());
    aus.bench.refuse_commits();
    assert!(aus.greeted(idn.id(), &greeting).await.is_err());
    assert_eq!((aus.acknowledged_by(&idn), aus.acks(&operator()).unwrap()[0].refreshed), (0, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledgement_of_what_we_never_made_counts_for_nothing_and_is_told() {
    let (federation, aus, idn) = two().await;
    aus.publish_next(renamed("Second")).await.unwrap();
    compare(&aus, &idn).await.unwrap();
    let (wrong, unknown) = (ContentId::new([7; 32]), aus.descriptor().content_id());
    for (yours, words) in [
        (Edition { version: 2, hash: wrong }, "claims another descriptor 2 of AUS and shows the one that is held here"),
        (Edition { version: 9, hash: unknown }, "was this node restored from an old copy?"),
    ] {
        let hello = move |honest: Greeting| Ok(Greeting { yours: Some(yours), ..honest });
        federation.wire.mannered(idn.id(), Manners { hello: Box::new(hello), ..Manners::default() });
        let told = compare(&aus, &idn).await;
        assert!(matches!(told, Err(RefreshError::HoldsUnknown(version)) if version == yours.version), "{told:?}");
        assert_eq!(aus.acknowledged_by(&idn), 0);
        assert!(fault_of(&aus, &idn).unwrap().ends_with(words), "{:?}", fault_of(&aus, &idn));
    }
    federation.wire.honest_again(idn.id());
    compare(&aus, &idn).await.unwrap();
    assert_eq!((aus.acknowledged_by(&idn), fault_of(&aus, &idn)), (2, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn hello_calls_for_a_comparison_when_either_side_lacks_something_and_not_after_one_that_failed() {
    let (federation, aus, idn) = two().await;
    let is_called = |node: &Node, peer: &Node| {
        let called = node.refresh_call_of(peer.id());
        async move {
            tokio::select! {
                biased;
                () = called.notified() => true,
                () = std::future::ready(()) => false,
            }
        }
    };
    aus.greeted(idn.id(), &idn.greeting_for(aus.id())).await.unwrap();
    assert!(!is_called(&aus, &idn).await, "neither lacks anything");
    aus.publish_next(renamed("Second")).await.unwrap();
    assert!(is_called(&aus, &idn).await, "a publication calls by itself");
    aus.greeted(idn.id(), &idn.greeting_for(aus.id())).await.unwrap();
    assert!(is_called(&aus, &idn).await, "it lacks our second");
    compare(&aus, &idn).await.unwrap();
    idn.publish_next(renamed("Second")).await.unwrap();
    aus.greeted(idn.id(), &idn.greeting_for(aus.id())).await.unwrap();
    assert!(is_called(&aus, &idn).await, "we lack its second");
    federation
        .wire
        .mannered(idn.id(), Manners { descriptors: Box::new(|_, _, _| Ok(Vec::new())), ..Manners::default() });
    compare(&aus, &idn).await.unwrap_err();
    aus.greeted(idn.id(), &idn.greeting_for(aus.id())).await.unwrap();
    assert!(!is_called(&aus, &idn).await, "calling again would bring nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn clock_of_the_peer_is_told_as_it_was_at_its_last_hello() {
    let (_, aus, idn) = two().await;
    let greeting = idn.greeting_for(aus.id());
    aus.greeted(idn.id(), &Greeting { now_ms: greeting.now_ms - 90_000, ..greeting }).await.unwrap();
    let status = aus.status(&operator()).await.unwrap();
    assert_eq!(status.peers[0].comparison.clock_skew_ms, Some(-90_000));
}

// ---- what is refused ------------------------------------------------------------------------------------------------

#[tokio::test(flavor = "multi_thread")]
async fn descriptor_that_is_announced_and_not_the_next_is_refused_with_its_rule() {
    let (_, aus, idn) = two().await;
    let first = idn.descriptor();
    let second = idn.draft(renamed("Second"));
    let accepted = first.accept_next(&second, idn.now()).unwrap();
    let third = idn.party.next(&accepted, idn.now(), renamed("Third"));
    let of_one_root = idn.party.signed_by_roots(&first, idn.now(), renamed("Second"), &[3]);
    let of_a_stranger = Party::new("MYS").next(&first, idn.now(), renamed("Second"));
    let of_another = Party::new("MYS").descriptor(1).envelope().clone();
    let ahead = idn.party.next(&first, idn.now().plus(Duration::from_secs(301)), renamed("Second"));
    let no_descriptor = pb::Envelope { payload: b"hello".to_vec(), ..second.clone() };
    let commits = aus.bench.commits();
    for (envelope, words) in [
        (third, "descriptor 3 of IDN: skips versions"),
        (of_one_root, "descriptor 2 of IDN: needs the signatures of 2 distinct root keys"),
        (of_a_stranger, "descriptor 2 of IDN: needs the signatures of 2 distinct root keys"),
        (of_another, "descriptor 1 of MYS: does not follow on a descriptor of IDN"),
        (ahead, "descriptor 2 of IDN: created more than five minutes in the future"),
        (no_descriptor, "malformed"),
        (pb::Envelope::default(), "payload type is not"),
    ] {
        let held = aus.announced(idn.id(), &envelope).await.unwrap();
        assert_eq!(held, Edition::of(&first), "{words}");
        let fault = fault_of(&aus, &idn).unwrap();
        assert!(fault.starts_with(words), "{fault}");
    }
    assert_eq!(aus.bench.commits(), commits, "nothing was written");
    assert!(aus.conduct().cut_off(idn.id(), aus.now()).is_some(), "each was a fault");
    assert_eq!(aus.announced(idn.id(), &second).await.unwrap().version, 2);
    assert_eq!(fault_of(&aus, &idn), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn descriptor_that_is_announced_again_changes_nothing() {
    let (_, aus, idn) = two().await;
    let first = idn.descriptor().envelope().clone();
    let second = idn.draft(renamed("Second"));
    aus.announced(idn.id(), &second).await.unwrap();
    let commits = aus.bench.commits();
    for envelope in [&second, &first, &second] {
        assert_eq!(aus.announced(idn.id(), envelope).await.unwrap().version, 2);
    }
    assert_eq!((aus.bench.commits(), fault_of(&aus, &idn)), (commits, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn next_version_that_does_not_hold_is_not_pulled_and_counts_as_a_fault() {
    let (federation, aus, idn) = two().await;
    let first = idn.descriptor();
    idn.publish_next(renamed("Second")).await.unwrap();
    let of_one_root = idn.party.signed_by_roots(&first, idn.now(), renamed("Second"), &[1]);
    let descriptors = move |_: &_, _, _| Ok(vec![of_one_root.clone()]);
    federation.wire.mannered(idn.id(), Manners { descriptors: Box::new(descriptors), ..Manners::default() });
    let refused = compare(&aus, &idn).await.unwrap_err();
    assert!(matches!(refused, RefreshError::Refused(_)), "{refused:?}");
    assert!(refused.to_string().starts_with("descriptor 2 of IDN: needs the signatures of 2"), "{refused}");
    assert_eq!(fault_of(&aus, &idn), Some(refused.to_string()));
    assert_eq!((aus.holds_of(&idn), aus.acknowledged_by(&idn)), (1, 1), "what it holds of ours counts all the same");
    assert_eq!(aus.acks(&operator()).unwrap()[0].refreshed, None);
    let status = aus.status(&operator()).await.unwrap();
    assert_eq!(status.peers[0].comparison.last_descriptor_fault, Some((refused.to_string(), aus.now())));
}

#[tokio::test(flavor = "multi_thread")]
async fn peer_that_says_it_went_back_is_not_current() {
    let (federation, aus, idn) = two().await;
    let first = Edition::of(&idn.descriptor());
    idn.publish_next(renamed("Second")).await.unwrap();
    compare(&aus, &idn).await.unwrap();
    federation.clock.turn(Duration::from_secs(3600));
    let refreshed = aus.acks(&operator()).unwrap()[0].refreshed;
    federation.wire.mannered(idn.id(), saying(move |_| first));
    let told = compare(&aus, &idn).await.unwrap_err();
    assert_eq!(told.to_string(), "it says that descriptor 1 is its newest, and 2 is held here");
    assert_eq!((aus.holds_of(&idn), aus.acks(&operator()).unwrap()[0].refreshed), (2, refreshed));
    assert_eq!(fault_of(&aus, &idn), Some(told.to_string()));
    // The same at hello.
    aus.greeted(idn.id(), &Greeting { own: first, ..idn.greeting_for(aus.id()) }).await.unwrap();
    assert_eq!(aus.acks(&operator()).unwrap()[0].refreshed, refreshed);
}

#[tokio::test(flavor = "multi_thread")]
async fn peer_that_announces_its_next_version_while_it_is_asked_has_not_gone_back() {
    let (federation, aus, idn) = two().await;
    let (asking, peer, second) = (aus.clone(), idn.id().clone(), idn.draft(renamed("Second")));
    let hello = move |honest| {
        let announced = asking.announced(&peer, &second);
        block_in_place(|| Handle::current().block_on(announced)).unwrap();
        Ok(honest)
    };
    federation.wire.mannered(idn.id(), Manners { hello: Box::new(hello), ..Manners::default() });
    let done = compare(&aus, &idn).await.unwrap();
    assert_eq!(done, Refreshed { version: 2, current: false, pulled: 0, pushed: 0 });
    assert_eq!((aus.holds_of(&idn), fault_of(&aus, &idn)), (2, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn chain_that_is_claimed_and_not_given_is_a_fault() {
    let (federation, aus, idn) = two().await;
    let first = idn.descriptor().envelope().clone();
    let nothing = |_: &_, _, _| Ok(Vec::new());
    let (same, many) = (vec![first.clone()], vec![first; 17]);
    let replies: [Box<dyn Fn(&_, _, _) -> _ + Send + Sync>; 3] =
        [Box::new(nothing), Box::new(move |_, _, _| Ok(same.clone())), Box::new(move |_, _, _| Ok(many.clone()))];
    for descriptors in replies {
        let manners = saying(|own| Edition { version: own.version + 8, ..own });
        federation.wire.mannered(idn.id(), Manners { descriptors, ..manners });
        let told = compare(&aus, &idn).await;
        assert!(matches!(told, Err(RefreshError::Withheld { said: 9, wanted: 2 })), "{told:?}");
        assert_eq!(aus.holds_of(&idn), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn peer_that_does_not_take_in_our_version_is_told_of_and_not_known_to_hold_it() {
    let (federation, aus, idn) = two().await;
    let first = Edition::of(&aus.descriptor());
    aus.publish_next(renamed("Second")).await.unwrap();
    federation.wire.mannered(idn.id(), Manners { announced: Box::new(move |_| Ok(first)), ..Manners::default() });
    let told = compare(&aus, &idn).await;
    assert!(matches!(told, Err(RefreshError::NotTaken(2))), "{told:?}");
    assert_eq!(aus.acknowledged_by(&idn), 1);
    assert_eq!(fault_of(&aus, &idn).unwrap(), "it did not take in descriptor 2 of ours");
}

#[tokio::test(flavor = "multi_thread")]
async fn peer_whose_first_descriptor_has_the_highest_number_there_is_has_no_next() {
    let federation = Federation::new();
    let (aus, idn) = (federation.node("AUS").await, Party::new("IDN"));
    let last = idn.next(&idn.descriptor(1), aus.now(), |next| {
        next.version = u64::MAX;
        next.header.as_mut().unwrap().descriptor_version = u64::MAX;
    });
    let last = selat_seal::AcceptedDescriptor::accept_first(aus.federation(), &last, aus.now()).unwrap();
    aus.join(&operator(), last.clone()).await.unwrap();
    aus.approve_by_phone(&idn.id).await;
    for envelope in [last.envelope(), idn.descriptor(1).envelope()] {
        assert_eq!(aus.announced(&idn.id, envelope).await.unwrap(), Edition::of(&last));
    }
    let greeting = Greeting { now_ms: i64::MIN, own: Edition::of(&last), yours: None, held: Vec::new() };
    aus.greeted(&idn.id, &greeting).await.unwrap();
    assert_eq!(aus.descriptors_for(&idn.id, aus.id(), u64::MAX).await.unwrap(), []);
}

// ---- whom chains are given to ---------------------------------------------------------------------------------------

#[tokio::test(flavor = "multi_thread")]
async fn chains_are_given_to_peers_and_only_of_participants_that_may_be_named() {
    let (_, [aus, idn, mys]) = Federation::of(["AUS", "IDN", "MYS"]).await;
    let held = |node: &Node, to: &Node| {
        let held = node.greeting_for(to.id()).held;
        held.into_iter().map(|(participant, _)| participant.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(held(&aus, &idn), ["MYS"]);
    assert_eq!(aus.descriptors_for(idn.id(), mys.id(), 1).await.unwrap(), mys.own_chain(1));
    mys.publish_next(|next| next.may_be_named = false).await.unwrap();
    compare(&aus, &mys).await.unwrap();
    assert_eq!(held(&aus, &idn), Vec::<String>::new());
    assert_eq!(aus.descriptors_for(idn.id(), mys.id(), 1).await.unwrap(), []);
    assert_eq!(aus.descriptors_for(idn.id(), &id("NRU"), 1).await.unwrap(), [], "just as of somebody unknown");
    assert!(aus.descriptors_for(&id("NRU"), aus.id(), 1).await.is_err(), "a stranger is given none");
}

#[tokio::test(flavor = "multi_thread")]
async fn participant_that_nobody_vouched_for_is_not_named() {
    let (federation, aus, idn) = two().await;
    let mys = federation.node("MYS").await;
    aus.join(&operator(), mys.descriptor().as_ref().clone()).await.unwrap();
    assert_eq!(aus.book().peer(mys.id()).unwrap().row.state, PeerState::Pending);
    assert_eq!(aus.greeting_for(idn.id()).held, []);
    assert_eq!(aus.descriptors_for(idn.id(), mys.id(), 1).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn chain_is_given_from_the_version_asked_for_and_at_most_sixteen() {
    let (_, aus, idn) = two().await;
    for _ in 0..20 {
        aus.publish_next(renamed("Another")).await.unwrap();
    }
    let given = |from| {
        let aus = aus.clone();
        async move { aus.descriptors_for(&id("IDN"), aus.id(), from).await.unwrap() }
    };
    assert_eq!(given(1).await, aus.own_chain(1)[..16]);
    assert_eq!(given(20).await, aus.own_chain(20)[..]);
    assert_eq!((given(22).await, given(0).await), (Vec::new(), Vec::new()));
    assert_eq!(idn.holds_of(&aus), 1);
}

// ---- exchange goes on -----------------------------------------------------------------------------------------------

#[tokio::test(flavor = "multi_thread")]
async fn questions_are_answered_while_one_side_is_versions_ahead() {
    let (_, aus, idn) = two().await;
    aus.hold(person("Budi Contoh")).await;
    for _ in 0..3 {
        aus.publish_next(renamed("Another")).await.unwrap();
    }
    let query = idn.query(aus.id(), by_name("Budi Contoh"));
    let (answer, _) = aus.asked_by(&idn, &query).await.unwrap();
    assert!(idn.believes::<pb::Answer>(&aus, &answer));
    assert_eq!(idn.follow(&aus).await.unwrap().accepted, 1);
}
