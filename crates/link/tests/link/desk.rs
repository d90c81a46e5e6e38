//! Who comes in at the desk of MYS.

use selat_link::{
    CertificateFault, DeskAccess, DeskListener, DeskSetup, DialError, DialLimits, HandshakeFault, Leaf, Limits,
    LiveLeaf, OfficerGate, OfficerRoots,
};

use crate::support::{Called, Caller, Clock, Country, DAY, HOUR, Served, address_of, dns, federation, forge, loopback};

struct Desk {
    clock: Clock,
    mys: Country,
    served: Served<OfficerGate>,
}

impl Desk {
    async fn new() -> Self {
        let clock = Clock::new();
        let mys = Country::new("MYS", &clock);
        let authorities = [mys.officers.certificate().clone()];
        let setup = DeskSetup {
            leaf: LiveLeaf::new(mys.leaf(&clock)).unwrap(),
            officers: OfficerRoots::new(mys.id.clone(), federation(), &authorities).unwrap(),
            now: clock.now(),
            limits: Limits::default(),
        };
        let served = Served::echo(DeskListener::bind(loopback(), setup).await.unwrap());
        Self { clock, mys, served }
    }

    async fn call(&self, leaf: &Leaf) -> Called {
        Caller::with(leaf).call(self.served.listener.local_addr()).await
    }

    fn access(&self, leaf: Leaf, authorities: &Country) -> DeskAccess {
        DeskAccess {
            leaf: LiveLeaf::new(leaf).unwrap(),
            participant: self.mys.id.clone(),
            federation: federation(),
            authorities: vec![authorities.authority.certificate().clone()],
            now: self.clock.now(),
        }
    }
}

#[tokio::test]
async fn officer_of_the_participant_comes_in_under_the_own_name() {
    let mut desk = Desk::new().await;
    assert!(desk.call(&desk.mys.officer_leaf("j-tan", &desk.clock)).await.is_echoed());
    assert_eq!(desk.served.callers.recv().await.unwrap().officer().as_str(), "j-tan");
}

#[tokio::test]
async fn officer_reaches_the_desk_through_the_client_side() {
    let desk = Desk::new().await;
    let access = desk.access(desk.mys.officer_leaf("j-tan", &desk.clock), &desk.mys);
    let dialer = access.dialer(DialLimits::default()).unwrap();
    let address = address_of(&desk.mys.node(), desk.served.listener.local_addr());
    assert_eq!(dialer.probe_tls(&address).await.unwrap().name, desk.mys.node());
}

#[tokio::test]
async fn officer_does_not_believe_a_desk_of_another_authority() {
    let desk = Desk::new().await;
    let other = Country::with_seed("MYS", 2, &desk.clock);
    let access = desk.access(desk.mys.officer_leaf("j-tan", &desk.clock), &other);
    let dialer = access.dialer(DialLimits::default()).unwrap();
    let refused = dialer.probe_tls(&address_of(&desk.mys.node(), desk.served.listener.local_addr())).await;
    let Err(DialError::Tls { fault: HandshakeFault::Certificate(fault), .. }) = refused else { panic!("{refused:?}") };
    assert!(matches!(fault, CertificateFault::UnknownIssuer { .. }));
}

#[tokio::test]
async fn node_is_refused_whoever_issued_its_certificate() {
    let desk = Desk::new().await;
    let by_officers = forge(&desk.mys.officers_seed, "officer.mys.demo.internal", &desk.clock, |params| {
        params.subject_alt_names = dns(&["node1.mys.demo.internal"]);
    });
    for leaf in [desk.mys.leaf(&desk.clock), by_officers] {
        assert!(!desk.call(&leaf).await.is_echoed());
        assert!(matches!(desk.served.certificate_refusal(), CertificateFault::Name(_)));
    }
}

#[tokio::test]
async fn officer_name_from_the_authority_for_nodes_is_refused() {
    let desk = Desk::new().await;
    let leaf = desk.mys.forge_for(&["j-tan.officer.mys.demo.internal"], &desk.clock);
    assert!(!desk.call(&leaf).await.is_echoed());
    assert!(matches!(desk.served.certificate_refusal(), CertificateFault::UnknownIssuer { .. }));
}

#[tokio::test]
async fn officer_of_another_participant_is_refused() {
    let desk = Desk::new().await;
    let aus = Country::new("AUS", &desk.clock);
    assert!(!desk.call(&aus.officer_leaf("j-tan", &desk.clock)).await.is_echoed());
    assert!(matches!(desk.served.certificate_refusal(), CertificateFault::UnknownParticipant { .. }));
}

#[tokio::test]
async fn officer_certificate_past_its_end_is_refused() {
    let desk = Desk::new().await;
    let leaf = desk.mys.officer_leaf("j-tan", &desk.clock);
    desk.clock.advance(7 * DAY + HOUR);
    assert!(!desk.call(&leaf).await.is_echoed());
    assert!(matches!(desk.served.certificate_refusal(), CertificateFault::Expired { .. }));
}

#[tokio::test]
async fn closing_an_officer_ends_the_live_connection() {
    let desk = Desk::new().await;
    let access = desk.access(desk.mys.officer_leaf("j-tan", &desk.clock), &desk.mys);
    let dialer = access.dialer(DialLimits::default()).unwrap();
    let address = address_of(&desk.mys.node(), desk.served.listener.local_addr());
    let mut stream = dialer.connect(&address).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stream, b"p").await.unwrap();
    tokio::io::AsyncReadExt::read_u8(&mut stream).await.unwrap();
    assert_eq!(desk.served.listener.close_officer(&"j-tan".parse().unwrap()), 1);
    assert!(tokio::io::AsyncReadExt::read_u8(&mut stream).await.is_err());
}

#[test]
fn authority_for_nodes_is_not_taken_for_officers() {
    let clock = Clock::new();
    let mys = Country::new("MYS", &clock);
    let nodes = [mys.authority.certificate().clone()];
    assert!(OfficerRoots::new(mys.id, federation(), &nodes).is_err());
}
