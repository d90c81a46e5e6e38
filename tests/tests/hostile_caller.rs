//! A rogue peer calls a node. Promises: what it sends that no honest node sends is refused, held against it by name, and
//! in the end cuts it off for a while; the node and the other peers go on.

use std::time::Duration;

use prost::Message as _;
use selat_record::pb::{self, AnswerOutcome, RefusalClass};
use selat_tests::hostile::{Script, Stage, ask, eventually, framed, grpc};
use selat_wire::peer::peer_client::PeerClient;
use selat_wire::peer::{AnnounceRequest, AskRequest, DescriptorsRequest, HeldDescriptor, HelloRequest};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

const CUT_OFF: Duration = Duration::from_secs(5);

/// The rogue is cut off at its second fault.
async fn strict() -> Stage {
    Stage::set(|exchange| {
        exchange.faults_before_cut_off = 2;
        exchange.cut_off = CUT_OFF;
    })
    .await
}

/// What the rogue does is refused with `code`, held against it as `why`, and forgiven when its time is over.
async fn check(stage: &Stage, code: Code, why: &str, call: impl AsyncFn(PeerClient<Channel>) -> Result<(), Status>) {
    let refused = call(stage.rogue.client().await).await.expect_err(why);
    assert_eq!(refused.code(), code, "{why}: {refused:?}");
    // The second time its connection may be cut before the refusal is through.
    call(stage.rogue.client().await).await.expect_err(why);
    served_again_after(stage, why).await;
}

/// The rogue is cut off for `why`: it is told so when it calls, and served again when its time is over.
async fn served_again_after(stage: &Stage, why: &str) {
    let cut_off = stage.cut_off_for(why).await;
    let refused = stage.rogue.client().await.hello(stage.rogue.hello()).await.expect_err("it is cut off");
    assert_eq!(refused.code(), Code::Unavailable, "{refused:?}");
    assert!(refused.message().contains(&cut_off.until.to_string()), "{refused:?}");
    stage.clock.turn(CUT_OFF);
    assert!(stage.rogue_status().await.cut_off.is_none(), "{why}");
    stage.rogue.client().await.hello(stage.rogue.hello()).await.expect("its time is over");
}

/// Sends bytes on a connection of its own and reads until the victim hangs up, which it may do before it has read all.
async fn send_bytes(stage: &Stage, bytes: &[u8]) {
    let mut stream = stage.rogue.connect().await.expect("the victim listens");
    let _ = stream.write_all(bytes).await;
    let _ = stream.flush().await;
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
}

async fn asking(stage: &Stage, code: Code, why: &str, query: Option<pb::Envelope>) {
    check(stage, code, why, async |mut client| client.ask(AskRequest { query: query.clone() }).await.map(drop)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_not_http2_break_the_connection_and_name_the_peer() {
    let stage = strict().await;
    for garbage in [&b"GET / HTTP/1.1\r\nhost: node\r\n\r\n"[..], &[0xff; 100_000], b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n"]
    {
        send_bytes(&stage, garbage).await;
        send_bytes(&stage, garbage).await;
        served_again_after(&stage, "does not speak HTTP/2").await;
    }
    stage.others_go_on().await;
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_that_break_http2_name_the_peer() {
    let stage = strict().await;
    let opening = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";
    let data_on_stream_0 = b"\x00\x00\x01\x00\x00\x00\x00\x00\x00x";
    let frames = [&opening[..], data_on_stream_0].concat();
    send_bytes(&stage, &frames).await;
    send_bytes(&stage, &frames).await;
    served_again_after(&stage, "does not speak HTTP/2").await;
    stage.others_go_on().await;
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_opened_and_reset_without_end_cut_the_peer_off() {
    let stage = strict().await;
    for _ in 0..2 {
        let mut http2 = stage.rogue.http2(65_535).await;
        while let Ok(mut ready) = http2.ready().await {
            let Ok((_, mut body)) = ready.send_request(grpc("/selat.v1.Peer/Hello"), false) else { break };
            body.send_reset(h2::Reason::CANCEL);
            http2 = ready;
        }
    }
    eventually("the rogue is cut off", async || stage.rogue_status().await.cut_off).await;
    stage.others_go_on().await;
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_no_service_offers_are_faults() {
    let stage = strict().await;
    for path in ["/selat.v1.Desk/Status", "/selat.v1.Peer/Shutdown", "/nothing", "/"] {
        let called = async |_| stage.rogue.post(grpc(path), framed(b"")).await;
        check(&stage, Code::Unimplemented, "calls what is not offered", called).await;
    }
    let compressed = async |mut client: PeerClient<Channel>| {
        let mut request = Request::new(stage.rogue.hello());
        request.metadata_mut().insert("grpc-encoding", "gzip".parse().unwrap());
        client.hello(request).await.map(drop)
    };
    check(&stage, Code::Unimplemented, "calls what is not offered", compressed).await;
    stage.others_go_on().await;
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_malformed_are_faults() {
    let stage = strict().await;
    let question = stage.rogue.signed(&stage.rogue.question());
    asking(&stage, Code::InvalidArgument, "query: is missing", None).await;
    let too_much = |bytes| Some(pb::Envelope { payload: vec![1; bytes], ..question.clone() });
    asking(&stage, Code::OutOfRange, "too large", too_much(100_000)).await;
    asking(&stage, Code::OutOfRange, "too large", too_much(5 << 20)).await;
    asking(&stage, Code::Unauthenticated, "at most 16384", too_much(20_000)).await;
    let garbage = async |_| stage.rogue.post(grpc("/selat.v1.Peer/Ask"), framed(&[0xff; 4])).await;
    check(&stage, Code::Internal, "cannot be read", garbage).await;
    stage.others_go_on().await;
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn talk_of_descriptors_that_is_malformed_is_a_fault() {
    let stage = strict().await;
    let greeting = async |why: &str, spoil: fn(&mut HelloRequest)| {
        let mut hello = stage.rogue.hello();
        spoil(&mut hello);
        check(&stage, Code::InvalidArgument, why, async |mut client| client.hello(hello.clone()).await.map(drop)).await;
    };
    let named = |participant: &str| HeldDescriptor { participant: participant.into(), version: 1, hash: vec![1; 32] };
    greeting("descriptor_hash: is not 32 bytes", |hello| hello.descriptor_hash.truncate(31)).await;
    greeting("your_descriptor_hash: is of version 0", |hello| hello.your_descriptor_hash = vec![1; 32]).await;
    let many = |hello: &mut HelloRequest| hello.held = vec![HeldDescriptor::default(); 129];
    greeting("held: names more than 128", many).await;
    let asked = DescriptorsRequest { participant: String::new(), from_version: 0 };
    let descriptors = async |mut client: PeerClient<Channel>| client.descriptors(asked.clone()).await.map(drop);
    check(&stage, Code::InvalidArgument, "from_version: is not at least 1", descriptors).await;
    let announced = async |mut client: PeerClient<Channel>| client.announce(AnnounceRequest::default()).await.map(drop);
    check(&stage, Code::InvalidArgument, "descriptor: is missing", announced).await;

    // What it claims to hold of others moves nobody without an envelope.
    let mut hello = stage.rogue.hello();
    hello.held = vec![named(stage.honest().participant().as_str()), named("NZL")];
    stage.rogue.client().await.hello(hello).await.expect("claims are no faults");
    stage.others_go_on().await;
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn descriptors_that_are_not_the_next_are_faults_and_change_nothing() {
    let stage = strict().await;
    let rogue = &stage.rogue;
    let held = stage.rogue_status().await.entry.descriptor.content_id();
    let announcing = async |why: &str, descriptor: pb::Envelope| {
        for _ in 0..2 {
            let request = AnnounceRequest { descriptor: Some(descriptor.clone()) };
            // The second time its connection may be cut before the reply is through.
            let _ = rogue.client().await.announce(request).await;
        }
        served_again_after(&stage, why).await;
        assert_eq!(stage.rogue_status().await.entry.descriptor.content_id(), held, "{why}");
    };
    announcing("payload type is not", rogue.signed(&rogue.question())).await;
    let garbage = pb::Envelope { payload: vec![0xff; 300], ..rogue.descriptor.envelope().clone() };
    announcing("malformed", garbage).await;
    announcing("does not follow on a descriptor of", rogue.victim.envelope().clone()).await;
    let mut later = rogue.descriptor.message().clone();
    (later.version, later.previous) = (9, vec![1; 32]);
    if let Some(header) = later.header.as_mut() {
        header.descriptor_version = 9;
    }
    let later = pb::Envelope { payload: later.encode_to_vec(), ..rogue.descriptor.envelope().clone() };
    announcing("skips versions", later).await;

    let request = AnnounceRequest { descriptor: Some(rogue.descriptor.envelope().clone()) };
    let told = rogue.client().await.announce(request).await.expect("what is held already is no fault").into_inner();
    assert_eq!((told.version, told.hash.as_slice()), (1, &held.as_bytes()[..]));
    stage.others_go_on().await;
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_that_do_not_verify_are_faults() {
    let stage = strict().await;
    let rogue = &stage.rogue;
    let good = rogue.question();
    let changed = |change: fn(&mut pb::Envelope)| {
        let mut envelope = rogue.signed(&rogue.question());
        change(&mut envelope);
        Some(envelope)
    };
    let refused = Code::Unauthenticated;
    let record_type =
        |envelope: &mut pb::Envelope| envelope.payload_type = "application/vnd.selat.record.v1+proto".into();
    asking(&stage, refused, "payload type", changed(record_type)).await;
    asking(&stage, refused, "signature does not hold", changed(|envelope| envelope.payload[40] ^= 1)).await;
    asking(&stage, refused, "signature does not hold", changed(|envelope| envelope.signatures[0].sig[5] ^= 1)).await;
    asking(&stage, refused, "a working key signs alone", changed(|envelope| envelope.signatures.clear())).await;
    asking(&stage, refused, "not in the descriptor", changed(|envelope| envelope.signatures[0].key_id[0] ^= 1)).await;
    asking(&stage, refused, "canonical", Some(rogue.signed_bytes([good.encode_to_vec(), vec![0xf8, 7, 1]].concat())))
        .await;
    let mut future = good.clone();
    future.header.as_mut().unwrap().created_ms += 600_000;
    future.header.as_mut().unwrap().expires_ms += 600_000;
    asking(&stage, refused, "in the future", Some(rogue.signed(&future))).await;
    let mut other = good.clone();
    other.header.as_mut().unwrap().issuer = "IDN".into();
    asking(&stage, refused, "names an issuer other", Some(rogue.signed(&other))).await;
    other.header = good.header.clone();
    other.header.as_mut().unwrap().audience = "IDN".into();
    asking(&stage, Code::InvalidArgument, "addressed to another", Some(rogue.signed(&other))).await;
    stage.others_go_on().await;
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn query_of_another_participant_is_not_accepted_from_the_rogue() {
    let stage = strict().await;
    // The honest peer has approved the rogue too; what it asks the rogue, the rogue passes on to the victim as its own.
    let (asked, mut questions) = tokio::sync::mpsc::unbounded_channel();
    let script = Script::quiet(&stage.rogue).asked(move |query| {
        let _ = asked.send(query);
        async { Err(Status::unavailable("thank you")) }
    });
    let _served = stage.rogue.serve(script).await;
    stage.approve_rogue_by_honest().await;
    let peers = vec![stage.rogue.participant.clone()];
    let _ = ask(stage.honest(), peers, "somebody", Duration::from_secs(10)).await;
    let stolen = questions.recv().await.unwrap();
    asking(&stage, Code::Unauthenticated, "not in the descriptor", Some(stolen)).await;
    stage.others_go_on().await;
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_out_of_their_time_get_a_signed_refusal_and_an_id_is_answered_once() {
    let stage = strict().await;
    let rogue = &stage.rogue;
    let answered = async |query: &pb::Query| {
        let request = AskRequest { query: Some(rogue.signed(query)) };
        let reply = rogue.client().await.ask(request).await.unwrap().into_inner();
        let answer = pb::Answer::decode(reply.answer.unwrap().payload.as_slice()).unwrap();
        (answer.outcome(), answer.refusal())
    };
    let good = rogue.question();
    let mut expired = rogue.question();
    let header = expired.header.as_mut().unwrap();
    header.created_ms -= 20_000;
    header.expires_ms = header.created_ms + 10_000;
    let long = pb::Query { header: Some(rogue.header(Duration::from_secs(601))), ..good.clone() };
    let nothing = pb::Query { ask: None, ..rogue.question() };
    assert_eq!(answered(&good).await, (AnswerOutcome::NoHit, RefusalClass::Unspecified));
    assert_eq!(answered(&good).await, (AnswerOutcome::Refused, RefusalClass::Replayed));
    assert_eq!(answered(&expired).await, (AnswerOutcome::Refused, RefusalClass::Expired));
    assert_eq!(answered(&long).await, (AnswerOutcome::Refused, RefusalClass::Malformed));
    assert_eq!(answered(&nothing).await, (AnswerOutcome::Refused, RefusalClass::Malformed));
    assert!(stage.rogue_status().await.cut_off.is_none());
    stage.strike().await;
}
