//! What a listener gives to whom, and what it takes back.

use std::time::Duration;

use selat_link::{HandshakeFault, Limits};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::support::{Caller, Scene};

#[tokio::test]
async fn caller_that_says_nothing_is_cut_off() {
    let handshake = Duration::from_millis(50);
    let scene = Scene::with_limits(Limits { handshake, ..Limits::default() }).await;
    let mut silent = TcpStream::connect(scene.address()).await.unwrap();
    assert_eq!(silent.read(&mut [0; 1]).await.unwrap(), 0);
    assert_eq!(scene.served.refusal(), HandshakeFault::TimedOut(handshake));
}

#[tokio::test]
async fn caller_beyond_its_connections_is_refused_until_one_ends() {
    let scene = Scene::with_limits(Limits { connections_per_caller_max: 2, ..Limits::default() }).await;
    let dialer = scene.dialer(&scene.aus, &[&scene.mys]);
    let address = scene.as_node_of(&scene.mys);
    let mut first = dialer.connect(&address).await.unwrap();
    let mut second = dialer.connect(&address).await.unwrap();
    for stream in [&mut first, &mut second] {
        echo(stream).await.unwrap();
    }
    assert!(!scene.call(&scene.aus.leaf(&scene.clock)).await.is_echoed());
    let fault = HandshakeFault::TooManyConnections { caller: "AUS".to_owned(), max: 2 };
    assert_eq!(scene.served.refusal(), fault);
    assert!(scene.call(&scene.idn.leaf(&scene.clock)).await.is_echoed(), "others are not affected");

    first.shutdown().await.unwrap();
    while scene.served.listener.connections().count(&scene.aus.id) == 2 {
        tokio::task::yield_now().await;
    }
    assert!(scene.call(&scene.aus.leaf(&scene.clock)).await.is_echoed());
}

#[tokio::test]
async fn address_beyond_its_handshakes_is_closed_at_once() {
    let scene = Scene::with_limits(Limits { handshakes_per_address_max: 1, ..Limits::default() }).await;
    let _silent = TcpStream::connect(scene.address()).await.unwrap();
    assert!(!Caller::with(&scene.aus.leaf(&scene.clock)).call(scene.address()).await.is_echoed());
    assert_eq!(scene.served.refusal(), HandshakeFault::TooManyHandshakes { max: 1 });
}

/// Opens as many idle connections as there are handshakes, all from one address that is not the callers'.
async fn crowd(scene: &Scene) -> Vec<TcpStream> {
    let mut idle = Vec::new();
    for _ in 0..Limits::default().handshakes_max {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
        idle.push(socket.connect(scene.address()).await.unwrap());
    }
    idle
}

#[tokio::test]
async fn idle_connections_from_one_address_leave_room_for_others() {
    let handshake = Duration::from_secs(600);
    let scene = Scene::with_limits(Limits { handshake, ..Limits::default() }).await;
    let idle = crowd(&scene).await;
    let called = timeout(handshake / 10, scene.call(&scene.aus.leaf(&scene.clock))).await;
    assert!(called.expect("the crowd does not hold it up").is_echoed());
    let max = Limits::default().handshakes_per_address_max;
    assert_eq!(scene.served.refusal(), HandshakeFault::TooManyHandshakes { max });
    drop(idle);
}

#[tokio::test]
async fn loopback_that_stands_for_many_is_not_counted_as_one_address() {
    let limits = Limits { handshakes_per_address_max: 1, loopback_is_many: true, ..Limits::default() };
    let scene = Scene::with_limits(limits).await;
    let _silent = TcpStream::connect(scene.address()).await.unwrap();
    assert!(scene.call(&scene.aus.leaf(&scene.clock)).await.is_echoed());
}

#[tokio::test]
async fn callers_beyond_all_handshakes_wait_for_their_turn() {
    let handshake = Duration::from_secs(1);
    let scene = Scene::with_limits(Limits { handshakes_max: 1, handshake, ..Limits::default() }).await;
    let _silent = TcpStream::connect(scene.address()).await.unwrap();
    assert!(scene.call(&scene.aus.leaf(&scene.clock)).await.is_echoed());
    assert_eq!(scene.served.refusal(), HandshakeFault::TimedOut(handshake));
}

#[tokio::test]
async fn closing_a_peer_ends_its_live_connections_and_no_others() {
    let scene = Scene::new().await;
    let address = scene.as_node_of(&scene.mys);
    let mut aus = scene.dialer(&scene.aus, &[&scene.mys]).connect(&address).await.unwrap();
    let mut idn = scene.dialer(&scene.idn, &[&scene.mys]).connect(&address).await.unwrap();
    echo(&mut aus).await.unwrap();
    echo(&mut idn).await.unwrap();

    scene.roots.swap((*scene.roots.load()).clone().without(&scene.aus.id));
    assert_eq!(scene.served.listener.close_peer(&scene.aus.id), 1);

    assert!(echo(&mut aus).await.is_err());
    echo(&mut idn).await.unwrap();
    assert_eq!(scene.served.listener.connections().count(&scene.aus.id), 0);
    assert!(!scene.call(&scene.aus.leaf(&scene.clock)).await.is_echoed(), "nor does it come back");
}

#[tokio::test]
async fn stopped_listener_breaks_off_handshakes_and_frees_its_port() {
    let mut scene = Scene::new().await;
    let address = scene.address();
    let mut silent = TcpStream::connect(address).await.unwrap();
    assert!(scene.call(&scene.aus.leaf(&scene.clock)).await.is_echoed(), "the silent one has been accepted by now");
    scene.served.callers.recv().await.unwrap();

    scene.served.listener.stop().await;

    assert_eq!(silent.read(&mut [0; 1]).await.unwrap_or(0), 0);
    assert!(scene.served.callers.recv().await.is_none(), "the stream of connections has ended");
    assert!(TcpStream::connect(address).await.is_err());
}

async fn echo(stream: &mut selat_link::DialedStream) -> std::io::Result<()> {
    let mut answer = [0; 4];
    stream.write_all(b"ping").await?;
    stream.flush().await?;
    stream.read_exact(&mut answer).await?;
    assert_eq!(&answer, b"ping");
    Ok(())
}
