//! A rogue peer calls too much, too slowly, or does not read. Promises: what it can hold of a node is bounded, the others
//! are served meanwhile, and it is cut off and named where it goes on.

use std::time::Duration;

use futures::future::join_all;
use prost::Message as _;
use selat_tests::hostile::{Stage, eventually, framed, grpc, put};
use selat_wire::peer::follow_event::Event;
use selat_wire::peer::{FollowEvent, FollowRequest};
use tokio::net::TcpStream;
use tonic::Streaming;

/// Calls after which a rogue that is not cut off never will be.
const CALLS_MAX: usize = 500;
const DAY: Duration = Duration::from_secs(86_400);

/// The rogue is cut off at its nth fault, for good.
async fn cut_off_at(faults: u32) -> Stage {
    Stage::set(|exchange| {
        exchange.faults_before_cut_off = faults;
        exchange.cut_off = DAY;
    })
    .await
}

async fn next(stream: &mut Streaming<FollowEvent>) -> Option<Event> {
    stream.message().await.expect("the stream is whole").and_then(|event| event.event)
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_calls_cut_the_caller_off_while_others_are_served() {
    let stage = cut_off_at(50).await;
    let client = stage.rogue.client().await;
    let flood = join_all((0..2000).map(async |_| client.clone().hello(stage.rogue.hello()).await.is_ok()));
    let (served, ()) = tokio::join!(flood, stage.others_go_on());
    assert!(served.into_iter().filter(|served| *served).count() < 1000, "most calls are refused");
    stage.cut_off_for("calls too often").await;
    stage.others_go_on().await;
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn follower_that_claims_more_than_was_logged_is_at_fault() {
    let stage = cut_off_at(2).await;
    for index in [1, u64::MAX] {
        let request = FollowRequest { from_index: index };
        let stream = stage.rogue.client().await.follow(request).await;
        let ended = async { stream?.into_inner().message().await };
        assert!(ended.await.is_err());
    }
    stage.cut_off_for("claims more log entries than were made").await;
    stage.others_go_on().await;
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn newest_of_many_follow_streams_goes_on_and_the_others_end() {
    let stage = cut_off_at(1).await;
    let mut client = stage.rogue.client().await;
    let mut older = client.follow(FollowRequest::default()).await.unwrap().into_inner();
    for _ in 0..30 {
        let newer = client.follow(FollowRequest::default()).await.unwrap().into_inner();
        assert_eq!(next(&mut older).await, None);
        older = newer;
    }
    put(stage.victim(), "for whoever still follows").await;
    assert!(matches!(next(&mut older).await, Some(Event::Segment(segment)) if segment.entries.len() == 1));
    assert!(stage.rogue_status().await.cut_off.is_none());
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn follow_streams_that_are_left_unread_are_few() {
    let stage = cut_off_at(2).await;
    put(stage.victim(), "nobody reads this").await;
    let mut http2 = stage.rogue.http2(0).await;
    let mut open = Vec::new();
    // A stream that a newer one ended before it had anything to hold gives its place back: so it is called until the end,
    // which may come as a refusal or as a connection that breaks.
    for _ in 0..CALLS_MAX {
        if stage.rogue_status().await.cut_off.is_some() {
            break;
        }
        open.extend(stage.rogue.call(&mut http2, grpc("/selat.v1.Peer/Follow"), framed(b"")).await);
    }
    assert!(open.len() >= 4, "{} streams were opened", open.len());
    stage.cut_off_for("opens follow streams and does not read them").await;
    stage.others_go_on().await;
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn follower_that_stops_reading_is_given_up_and_holds_up_nobody() {
    let stage = cut_off_at(1).await;
    let mut http2 = stage.rogue.http2(0).await;
    let stream = stage.rogue.call(&mut http2, grpc("/selat.v1.Peer/Follow"), framed(b"")).await.unwrap();
    for n in 0..20 {
        put(stage.victim(), &format!("not read {n}")).await;
    }
    stage.others_go_on().await;
    // Two segments wait in the queue, one before it; no more is read from the store for somebody who does not read.
    eventually("the queue is full", async || (stage.rogue_status().await.release_log.1 >= 3).then_some(())).await;
    assert!(stage.rogue_status().await.release_log.1 <= 20);
    eventually("its time is over", async || {
        stage.clock.turn(Duration::from_secs(60));
        stage.rogue_status().await.cut_off
    })
    .await;
    stage.cut_off_for("does not read what it follows").await;
    drop(stream);
    stage.others_go_on().await;
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn call_that_does_not_arrive_in_time_is_given_up() {
    let stage = cut_off_at(1).await;
    let mut http2 = stage.rogue.http2(65_535).await.ready().await.unwrap();
    let (response, mut body) = http2.send_request(grpc("/selat.v1.Peer/Ask"), false).unwrap();
    body.send_data(framed(&[0; 1000])[..100].to_vec().into(), false).unwrap();
    eventually("the victim loses patience", async || {
        stage.clock.turn(Duration::from_secs(30));
        stage.rogue_status().await.cut_off
    })
    .await;
    stage.cut_off_for("calls too slowly").await;
    drop((response, body));
    stage.others_go_on().await;
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_without_end_are_refused() {
    let stage = cut_off_at(2).await;
    let call = async |bytes| {
        let mut request = grpc("/selat.v1.Peer/Hello");
        request.headers_mut().insert("x-long", "x".repeat(bytes).parse().unwrap());
        stage.rogue.post(request, framed(b"")).await
    };
    call(40_000).await.expect_err("more than 16 KiB of headers");
    assert!(stage.rogue_status().await.cut_off.is_none());
    call(4 << 20).await.expect_err("the connection ends");
    call(4 << 20).await.expect_err("the connection ends");
    stage.cut_off_for("does not speak HTTP/2").await;
    stage.others_go_on().await;
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ninth_connection_of_a_peer_is_refused() {
    let stage = cut_off_at(1).await;
    let mut open = Vec::new();
    for _ in 0..8 {
        // The place of a connection that was closed just now may take a moment to be free.
        let served = eventually("there is room", async || {
            let mut http2 = stage.rogue.http2(65_535).await;
            let hello = framed(&stage.rogue.hello().encode_to_vec());
            stage.rogue.call(&mut http2, grpc("/selat.v1.Peer/Hello"), hello).await.ok().map(|_| http2)
        });
        open.push(served.await);
    }
    eventually("the ninth is refused", async || stage.rogue.knock().await.err()).await;
    stage.named_in_log("has 8 connections already");
    stage.others_go_on().await;
    drop(open);
    eventually("there is room again", async || stage.rogue.knock().await.ok()).await;
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handshakes_held_open_do_not_hold_up_the_peers_that_are_connected() {
    let stage = cut_off_at(1).await;
    let held = join_all((0..100).map(|_| TcpStream::connect(stage.victim_address()))).await;
    stage.others_go_on().await;
    drop(held);
    stage.rogue.knock().await.expect("there is room again");
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn participant_that_is_not_approved_gets_no_connection() {
    let stage = Stage::set_before_approval(|_| {}).await;
    let refused = stage.rogue.knock().await.expect_err("it is not approved");
    assert!(selat_node::calls::words(&refused).contains("no participant that it has approved"), "{refused:?}");
    stage.named_in_log("not an approved peer");
    stage.approve_rogue().await;
    eventually("the victim lets it in", async || stage.rogue.knock().await.ok()).await;
    stage.others_go_on().await;
    stage.strike().await;
}
