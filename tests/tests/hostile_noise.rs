//! A rogue peer is called and keeps the caller waiting, or talks without end. Promises: no follower waits for ever, noise
//! is a fault, and the status says what is wrong; the other peers go on.

use std::time::Duration;

use futures::StreamExt as _;
use selat_tests::hostile::{Followed, Script, Stage, eventually};
use selat_wire::peer::follow_event::Event;
use selat_wire::peer::{FollowEvent, Heartbeat, HelloReply};
use tonic::Status;

const DAY: Duration = Duration::from_secs(86_400);
/// Longer than any silence is borne.
const LONG: Duration = Duration::from_secs(31);

/// The victim begins to follow a rogue that behaves like this, and is cut off at the first fault.
async fn following(script: impl FnOnce(Script) -> Script) -> (Stage, selat_tests::hostile::Served) {
    let stage = Stage::set_before_approval(|exchange| {
        exchange.faults_before_cut_off = 1;
        exchange.cut_off = DAY;
    })
    .await;
    let served = stage.rogue.serve(script(Script::quiet(&stage.rogue))).await;
    stage.approve_rogue().await;
    (stage, served)
}

/// Turns the clock until the status says that following failed for `why`.
async fn fails_in_time(stage: &Stage, why: &str) {
    eventually(why, async || {
        stage.clock.turn(LONG);
        let error = stage.rogue_status().await.following.last_error;
        error.filter(|(error, _)| error.contains(why))
    })
    .await;
}

fn heartbeat(size: u64) -> FollowEvent {
    FollowEvent { event: Some(Event::Heartbeat(Heartbeat { size, now_ms: 0 })) }
}

#[tokio::test(flavor = "multi_thread")]
async fn stream_that_falls_silent_is_opened_anew() {
    let mut followed = Followed::by_victim(1, DAY).await;
    let first = followed.feed.next().await;
    followed.give(&first, vec![followed.forger.any("before the silence")]).await;
    fails_in_time(&followed.stage, "nothing came for 30 s").await;
    let second = followed.feed.next().await;
    assert_eq!(second.from, 1);
    followed.give(&second, vec![followed.forger.any("after the silence")]).await;
    assert!(followed.stage.rogue_status().await.cut_off.is_none(), "silence is no fault");
    followed.stage.others_go_on().await;
    followed.stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hello_that_is_never_answered_holds_nobody() {
    let (stage, _served) =
        following(|script| script.greeting(std::future::pending::<Result<HelloReply, Status>>)).await;
    stage.others_go_on().await;
    fails_in_time(&stage, "nothing came for 30 s").await;
    stage.others_go_on().await;
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn heartbeats_without_end_cut_the_peer_off() {
    let endless = |_| futures::stream::repeat_with(|| Ok(heartbeat(0))).boxed();
    let (stage, _served) = following(|script| script.followed(endless)).await;
    stage.cut_off_for("heartbeats without end").await;
    stage.others_go_on().await;
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn heartbeat_that_claims_a_huge_log_is_forgotten_with_the_next() {
    let mut followed = Followed::by_victim(1, DAY).await;
    let stream = followed.feed.next().await;
    for size in [u64::MAX, 5] {
        stream.send(heartbeat(size));
        eventually("the size is told", async || {
            (followed.stage.rogue_status().await.following.size == size).then_some(())
        })
        .await;
    }
    followed.stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn peer_that_greets_wrongly_is_named_with_the_reason() {
    for (why, spoil) in [
        ("no protocol version in common", (|hello| hello.protocol = 0) as fn(&mut HelloReply)),
        ("your_descriptor_hash: is not 32 bytes", |hello| hello.your_descriptor_hash = Vec::new()),
        ("descriptor_hash: is of version 0", |hello| hello.descriptor_version = 0),
        ("software: is not at most 64 characters", |hello| hello.software = "x".repeat(65)),
        ("software: is not at most 64 characters", |hello| hello.software = "a\u{1b}[2J".into()),
    ] {
        let stage = Stage::set_before_approval(|_| {}).await;
        let mut greeting = stage.rogue.greeting();
        spoil(&mut greeting);
        let script = Script::quiet(&stage.rogue).greeting(move || std::future::ready(Ok(greeting.clone())));
        let _served = stage.rogue.serve(script).await;
        stage.approve_rogue().await;
        stage.following_failed_for(why).await;
        stage.others_go_on().await;
        stage.strike().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn peer_that_says_it_holds_another_descriptor_of_us_is_told_of_and_followed_all_the_same() {
    let stage = Stage::set_before_approval(|_| {}).await;
    let mut greeting = stage.rogue.greeting();
    greeting.your_descriptor_hash = vec![1; 32];
    let script = Script::quiet(&stage.rogue).greeting(move || std::future::ready(Ok(greeting.clone())));
    let _served = stage.rogue.serve(script).await;
    stage.approve_rogue().await;
    eventually("what it says is told", async || {
        let fault = stage.rogue_status().await.comparison.last_descriptor_fault;
        fault.filter(|(fault, _)| fault.contains("holds a descriptor 1 of ours that this node does not know"))
    })
    .await;
    eventually("it is followed", async || stage.rogue_status().await.following.connected.then_some(())).await;
    stage.others_go_on().await;
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn greeting_that_is_too_large_is_a_fault() {
    let (stage, _served) = following(|script| {
        let large = || HelloReply { software: "x".repeat(5 << 20), ..HelloReply::default() };
        script.greeting(move || std::future::ready(Ok(large())))
    })
    .await;
    stage.cut_off_for("too large").await;
    stage.others_go_on().await;
    stage.strike().await;
}
