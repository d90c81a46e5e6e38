//! The desk: who may come in, over the Unix socket and over TLS, and what the two listeners offer.

#![allow(clippy::unwrap_used, reason = "a test that stumbles shall fail, and say where")]

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use h2::client::SendRequest;
use selat_tests::hostile::{Stage, framed, grpc};
use selat_tests::{Node, Scene};
use tokio::net::UnixStream;
use tonic::codegen::Bytes;
use tonic::{Code, Status};

const PROGRAM: &str = env!("CARGO_BIN_EXE_selat-under-test");
const HEALTH: &str = "/grpc.health.v1.Health/Check";
const REFLECTION: &str = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";

/// A node whose desk also listens on TCP; `callers` is added to its configuration. It does not run yet.
fn node_with_tls_desk(scene: &Scene, callers: &str) -> (Node, String) {
    let node = Node::init(&scene.program, "AUS");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let config = node.folder().join("selat.toml");
    let text = fs::read_to_string(&config).unwrap();
    let text = text.replace("[desk]\n", &format!("[desk]\nlisten = \"{address}\"\n")) + callers;
    fs::write(&config, text).unwrap();
    (node, format!("https://{address}"))
}

#[test]
fn officer_with_a_certificate_is_served_over_tls_and_only_as_mapped() {
    let scene = Scene::new(PROGRAM);
    let callers = "\n[[desk.caller]]\nofficer_cert = \"j-tan\"\nofficer = \"j-tan\"\nroles = [\"auditor\"]\n";
    let (mut node, url) = node_with_tls_desk(&scene, callers);
    for officer in ["j-tan", "nobody"] {
        scene.program.run(&format!("officer enrol {officer} --config aus/selat.toml --out {officer}")).ended(0);
    }
    node.start();
    node.does(&format!("status --node {url} --officer-cert j-tan"));
    let listing = "record list --purpose statistics --case T-1";
    node.fails(&format!("{listing} --node {url} --officer-cert j-tan"), 4, "SLT-3001");
    node.fails(&format!("status --node {url} --officer-cert nobody"), 4, "SLT-3301");
    node.stop();
}

#[test]
fn officer_folder_is_never_written_over() {
    let scene = Scene::new(PROGRAM);
    let _node = Node::init(&scene.program, "AUS");
    let enrol = "officer enrol j-tan --config aus/selat.toml --out j-tan";
    scene.program.run(enrol).ended(0);
    let before = fs::read(scene.path("j-tan").join("officer.pem")).unwrap();
    scene.program.run(enrol).ended(2);
    assert_eq!(fs::read(scene.path("j-tan").join("officer.pem")).unwrap(), before);
}

#[test]
fn operator_cannot_read_records_and_user_without_mapping_is_refused() {
    let scene = Scene::new(PROGRAM);
    let mut node = Node::init(&scene.program, "AUS");
    let config = node.folder().join("selat.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("[\"officer\", \"operator\"]", "[\"operator\"]")).unwrap();
    node.start();
    node.does("status");
    node.fails("record list --purpose statistics --case T-1", 4, "SLT-3001");
    node.stop();
    let uid = text.lines().find_map(|line| line.strip_prefix("uid = ")).unwrap();
    let other = uid.parse::<u32>().unwrap() + 1;
    fs::write(&config, text.replace(&format!("uid = {uid}"), &format!("uid = {other}"))).unwrap();
    node.start_refusing();
    node.fails("status", 4, "SLT-3301");
    node.stop();
}

/// HTTP/2 to a desk socket, without a generated client.
async fn knock(socket: &Path) -> SendRequest<Bytes> {
    let stream = UnixStream::connect(socket).await.unwrap();
    let (sender, connection) = h2::client::handshake(stream).await.unwrap();
    // Ends with its last sender.
    tokio::spawn(connection);
    sender
}

/// Posts an empty message; how the call ended.
async fn post(sender: SendRequest<Bytes>, path: &str) -> Result<(), Status> {
    let mut sender = sender.ready().await.unwrap();
    let (response, mut body) = sender.send_request(grpc(path), false).unwrap();
    body.send_data(framed(&[]).into(), true).unwrap();
    let response = response.await.unwrap();
    match Status::from_header_map(response.headers()) {
        Some(status) if status.code() != Code::Ok => Err(status),
        _ => Ok(()),
    }
}

#[tokio::test]
async fn both_listeners_tell_their_health_and_only_the_desk_its_schema() {
    let stage = Stage::set(|_| {}).await;
    let desk = stage.victim_socket();
    assert!(post(knock(&desk).await, HEALTH).await.is_ok());
    assert!(post(knock(&desk).await, REFLECTION).await.is_ok());
    assert!(stage.rogue.post(grpc(HEALTH), framed(&[])).await.is_ok());
    let refused = stage.rogue.post(grpc(REFLECTION), framed(&[])).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unimplemented);
    stage.strike().await;
}
