//! What an authority is, and what it may issue.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, GeneralSubtree, IsCa, KeyUsagePurpose,
    NameConstraints,
};
use selat_link::{
    Authority, AuthorityError, AuthorityFault, Leaf, NODE_LEAF_LIFE_MAX, Roots, TrustedPeer, check_authority,
};
use selat_record::Timestamp;
use selat_seal::{PublicKey, SecretKey};

use crate::support::{Clock, Counting, Country, DAY, HOUR, YEAR, federation, key_of, participant, signer};

fn check(der: &[u8], country: &Country) -> Result<selat_link::AuthorityFacts, AuthorityFault> {
    check_authority(der, &country.authority.public_key(), &country.id, &federation())
}

/// A self-signed authority of AUS, good but for `change`.
fn altered(country: &Country, change: impl FnOnce(&mut CertificateParams)) -> Vec<u8> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "aus.demo.internal");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params.name_constraints = Some(confined(&["aus.demo.internal"]));
    change(&mut params);
    params.self_signed(&key_of(&country.seed)).unwrap().der().to_vec()
}

fn confined(subtrees: &[&str]) -> NameConstraints {
    let permitted_subtrees = subtrees.iter().map(|subtree| GeneralSubtree::DnsName((*subtree).to_owned())).collect();
    NameConstraints { permitted_subtrees, excluded_subtrees: Vec::new() }
}

#[test]
fn authority_made_here_is_good_and_holds_its_key() {
    let clock = Clock::new();
    let aus = Country::new("AUS", &clock);
    let facts = check(aus.authority.certificate(), &aus).unwrap();
    assert_eq!(facts.not_before, clock.time().minus(HOUR));
    assert_eq!(facts.not_after, clock.time().plus(YEAR));
    let key: PublicKey = SecretKey::from_seed(aus.seed).public();
    assert_eq!(facts.public_key.as_slice(), key.as_bytes());
}

#[test]
fn authority_beside_another_key_is_refused() {
    let clock = Clock::new();
    let (aus, other) = (Country::new("AUS", &clock), Country::with_seed("AUS", 2, &clock));
    assert_eq!(check(other.authority.certificate(), &aus), Err(AuthorityFault::OtherKey));
}

#[test]
fn authority_of_another_participant_or_federation_is_refused() {
    let clock = Clock::new();
    let aus = Country::new("AUS", &clock);
    let (der, key) = (aus.authority.certificate(), aus.authority.public_key());
    for (who, where_) in [("IDN", "demo"), ("AUS", "other")] {
        let refused = check_authority(der, &key, &participant(who), &where_.parse().unwrap());
        assert!(matches!(refused, Err(AuthorityFault::NotConfined { .. })), "{who} {where_}");
    }
}

#[test]
fn authority_that_could_do_more_than_issue_own_leaves_is_refused() {
    let aus = Country::new("AUS", &Clock::new());
    assert!(check(&altered(&aus, |_| ()), &aus).is_ok());
    let not_leaf: [fn(&mut CertificateParams); 4] = [
        |params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained),
        |params| params.is_ca = IsCa::Ca(BasicConstraints::Constrained(1)),
        |params| params.is_ca = IsCa::ExplicitNoCa,
        |params| params.key_usages = vec![KeyUsagePurpose::DigitalSignature],
    ];
    for change in not_leaf {
        assert_eq!(check(&altered(&aus, change), &aus), Err(AuthorityFault::NotLeafAuthority));
    }
    let not_confined: [fn(&mut CertificateParams); 4] = [
        |params| params.name_constraints = None,
        |params| params.name_constraints = Some(confined(&["demo.internal"])),
        |params| params.name_constraints = Some(confined(&["aus.demo.internal", "idn.demo.internal"])),
        |params| params.name_constraints = Some(confined(&["idn.demo.internal"])),
    ];
    for change in not_confined {
        let refused = check(&altered(&aus, change), &aus);
        assert!(matches!(refused, Err(AuthorityFault::NotConfined { .. })), "{refused:?}");
    }
}

#[test]
fn authority_with_any_bit_changed_is_refused() {
    let aus = Country::new("AUS", &Clock::new());
    let good = aus.authority.certificate().to_vec();
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut changed = good.clone();
            changed[at] ^= 1 << bit;
            assert!(check(&changed, &aus).is_err(), "byte {at} bit {bit}");
        }
    }
    for cut in 0..good.len() {
        assert!(check(&good[..cut], &aus).is_err(), "cut to {cut} bytes");
    }
    assert!(check(&[good.as_slice(), &[0]].concat(), &aus).is_err());
    assert!(check(&vec![0x30; 5000], &aus).is_err());
}

#[test]
fn leaf_is_not_an_authority() {
    let clock = Clock::new();
    let aus = Country::new("AUS", &clock);
    assert!(check(aus.leaf(&clock).certificate(), &aus).is_err());
}

#[test]
fn peer_with_one_bad_authority_among_good_ones_is_not_trusted() {
    let clock = Clock::new();
    let (aus, idn) = (Country::new("AUS", &clock), Country::new("IDN", &clock));
    let authorities = [&aus, &idn].map(|country| country.windowed(Timestamp::EPOCH, None)).into();
    let mixed = TrustedPeer { participant: aus.id.clone(), authorities };
    assert!(Roots::new(federation()).with(mixed).is_err());
    let none = TrustedPeer { participant: aus.id, authorities: Vec::new() };
    assert_eq!(Roots::new(federation()).with(none).unwrap_err(), AuthorityFault::Count(0));
}

#[test]
fn leaf_lives_no_longer_than_asked_allowed_and_its_authority() {
    let clock = Clock::new();
    let (aus, entropy) = (Country::new("AUS", &clock), Counting::default());
    let ends = |life| {
        let leaf = aus.authority.issue(&aus.node(), clock.time(), life, &entropy).unwrap();
        leaf.validity().unwrap().1
    };
    assert_eq!(ends(DAY), clock.time().plus(DAY));
    assert_eq!(ends(30 * DAY), clock.time().plus(NODE_LEAF_LIFE_MAX));
    let last = clock.time().plus(YEAR);
    clock.advance(YEAR - HOUR);
    assert_eq!(aus.authority.issue(&aus.node(), clock.time(), DAY, &entropy).unwrap().validity().unwrap().1, last);
    clock.advance(HOUR);
    let late = aus.authority.issue(&aus.node(), clock.time(), DAY, &entropy);
    assert!(matches!(late, Err(AuthorityError::OutOfDate { .. })));
}

#[test]
fn each_leaf_has_its_own_key_and_serial() {
    let clock = Clock::new();
    let aus = Country::new("AUS", &clock);
    let (one, two) = (aus.leaf(&clock), aus.leaf(&clock));
    assert_ne!(one.to_pem(), two.to_pem());
    assert_ne!(one.certificate(), two.certificate());
}

#[test]
fn name_of_another_participant_is_not_issued() {
    let clock = Clock::new();
    let (aus, idn, entropy) = (Country::new("AUS", &clock), Country::new("IDN", &clock), Counting::default());
    let refused = aus.authority.issue(&idn.node(), clock.time(), DAY, &entropy);
    assert!(matches!(refused, Err(AuthorityError::NotOurs { .. })));
}

#[test]
fn authority_is_taken_up_again_only_with_its_own_seed() {
    let clock = Clock::new();
    let (aus, entropy) = (Country::new("AUS", &clock), Counting::default());
    let open = |seed| Authority::open(aus.id.clone(), federation(), signer(seed), aus.authority.certificate().clone());
    let again = open(&aus.seed).unwrap();
    assert!(again.issue(&aus.node(), clock.time(), DAY, &entropy).is_ok());
    assert!(matches!(open(&[3; 32]).err(), Some(AuthorityError::Certificate(AuthorityFault::OtherKey))));
}

#[test]
fn leaf_file_is_read_back_and_anything_else_is_refused() {
    let clock = Clock::new();
    let leaf = Country::new("AUS", &clock).leaf(&clock);
    let text = leaf.to_pem();
    let again = Leaf::from_pem(&text).unwrap();
    assert_eq!((again.certificate(), again.to_pem()), (leaf.certificate(), text.clone()));
    let turned = {
        let at = text.find("-----BEGIN PRIVATE").unwrap();
        format!("{}{}", &text[at..], &text[..at])
    };
    for bad in ["", "hello", &turned, &text.repeat(2), &text.replace("PRIVATE KEY", "PUBLIC KEY"), &" ".repeat(40_000)]
    {
        assert!(Leaf::from_pem(bad).is_err());
    }
    assert!(!format!("{leaf:?}").contains("pkcs8"), "the key stays out of logs");
}
