//! The vectors in `proto/vectors` that other implementers test against, made again and compared.
//!
//! `SELAT_REGENERATE_VECTORS=1` writes them instead. A change there is a change of the protocol.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that stumbles shall fail")]

mod kit;

use std::path::PathBuf;

use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::{Scalar, clamp_integer};
use kit::{NOW_MS, Party, federation, header, moment, participant, query, query_over, trust, uuid_v7};
use prost::Message;
use selat_record::pb::{self, KeyPurpose, KeyStatus};
use selat_record::{ContentId, Payload};
use selat_seal::descriptor::{describe_key, sign_with_roots};
use selat_seal::{AcceptedDescriptor, KeyError, PublicKey, SafetyPhrase, SecretKey, Signer, content_id, pae, verify};
use serde_json::{Value, json};
use sha2::{Digest, Sha512};

/// Compares with the file, or writes it when asked to.
fn check_file(name: &str, made: &Value) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../proto/vectors").join(name);
    if std::env::var_os("SELAT_REGENERATE_VECTORS").is_some() {
        std::fs::write(&path, serde_json::to_string_pretty(made).unwrap() + "\n").unwrap();
    }
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(&kept, made, "{name} is not what this code makes");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A record that uses what encoders get wrong: negative zigzag numbers, packed enums, text beyond ASCII.
fn record() -> pb::Record {
    pb::Record {
        header: Some(pb::Header { audience: "*".to_owned(), expires_ms: 0, ..header("AUS") }),
        record_id: uuid_v7(3).to_vec(),
        version: 1,
        evaluation: Some(pb::Evaluation {
            scheme: pb::EvaluationScheme::Admiralty.into(),
            reliability: "B".to_owned(),
            credibility: "2".to_owned(),
        }),
        handling: Some(pb::Handling {
            releasable_to: Some(pb::Audience {
                kind: pb::AudienceKind::Named.into(),
                participants: vec!["IDN".to_owned(), "MYS".to_owned()],
            }),
            purposes: vec![pb::Purpose::BorderControl.into(), pb::Purpose::Protection.into()],
            onward: pb::Onward::None.into(),
            tlp: pb::Tlp::Amber.into(),
            sensitivity: 2,
            ..pb::Handling::default()
        }),
        legal_basis: "Example Act, s. 1".to_owned(),
        body: Some(pb::record::Body::Incident(pb::Incident {
            kind: pb::IncidentKind::Rescue.into(),
            when: Some(pb::When {
                from: Some(pb::PartialDate { year: 2026, month: 1, ..pb::PartialDate::default() }),
                ..pb::When::default()
            }),
            place: Some(pb::Place {
                name: "Côte d’exemple".to_owned(),
                coordinates: Some(pb::Coordinates {
                    latitude_e7: -105_000_000,
                    longitude_e7: 1_101_234_567,
                    precision: pb::CoordinatePrecision::Region.into(),
                }),
                ..pb::Place::default()
            }),
            rescued: Some(pb::Tally { number: 300, at_least: true }),
            ..pb::Incident::default()
        })),
        ..pb::Record::default()
    }
}

fn envelope_vector(name: &str, envelope: &pb::Envelope, keys: &[&SecretKey]) -> Value {
    let signers: Vec<_> = keys
        .iter()
        .zip(&envelope.signatures)
        .map(|(key, signature)| {
            json!({
                "seed": hex(key.seed()),
                "public_key": hex(key.public().as_bytes()),
                "key_id": hex(&signature.key_id),
                "signature": hex(&signature.sig),
            })
        })
        .collect();
    json!({
        "name": name,
        "payload_type": envelope.payload_type,
        "payload": hex(&envelope.payload),
        "signed": hex(&pae(&envelope.payload_type, &envelope.payload)),
        "content_id": content_id(envelope).to_string(),
        "signers": signers,
        "envelope": hex(&envelope.encode_to_vec()),
    })
}

fn working_vector<P: Payload>(name: &str, payload: &P) -> Value {
    let key = Party::aus().key(P::PURPOSE);
    let sealed = Signer::new(P::PURPOSE, key.clone()).sign(payload).unwrap();
    let verified = verify::<P>(&trust(), &sealed.envelope, &participant("AUS"), kit::now()).unwrap();
    assert_eq!(verified.content_id(), sealed.content_id);
    envelope_vector(name, &sealed.envelope, &[&key])
}

#[test]
fn envelopes() {
    selat_record::Record::check(record()).unwrap();
    let roots = [Party::aus().root(1), Party::aus().root(2)];
    let roots: Vec<_> = roots.iter().collect();
    let descriptor = sign_with_roots(&Party::aus().descriptor(), &roots);
    AcceptedDescriptor::accept_first(&federation(), &descriptor, moment(NOW_MS)).unwrap();
    check_file(
        "envelopes.json",
        &json!([
            envelope_vector("descriptor of AUS, two of three roots", &descriptor, &roots),
            working_vector("record of AUS", &record()),
            working_vector("query of AUS to IDN", &query()),
        ]),
    );
}

/// One step along a chain, and what comes of it for whoever holds `held`.
fn step_vector(name: &str, held: &AcceptedDescriptor, offered: &pb::Descriptor, roots: &[u8]) -> Value {
    let roots: Vec<_> = roots.iter().map(|n| Party::aus().root(*n)).collect();
    let offered = sign_with_roots(offered, &roots.iter().collect::<Vec<_>>());
    let outcome = held.accept_next(&offered, moment(NOW_MS));
    json!({
        "name": name,
        "held": hex(&held.envelope().encode_to_vec()),
        "offered": hex(&offered.encode_to_vec()),
        "verdict": outcome.map_or_else(|error| error.code(), |_| "OK"),
    })
}

/// The key of this purpose, changed in the version after `held`.
fn with_key(held: &AcceptedDescriptor, purpose: KeyPurpose, change: impl Fn(&mut pb::Key)) -> pb::Descriptor {
    Party::aus().next(held, |next| next.keys.iter_mut().filter(|key| key.purpose() == purpose).for_each(change))
}

#[test]
fn descriptor_chain() {
    let first = Party::aus().accepted(|_| {});
    let second = Party::aus().step(&first, |_| {});
    let (record, since) = (KeyPurpose::Record, second.created().ms());
    let compromise = |key: &mut pb::Key| {
        key.set_status(KeyStatus::Compromised);
        key.compromised_since_ms = since;
    };
    let retire = |key: &mut pb::Key| {
        key.set_status(KeyStatus::Retired);
        key.valid_until_ms = since + 1;
    };
    let step = |change: &dyn Fn(&mut pb::Key)| {
        let next = Party::aus().sign_descriptor(&with_key(&second, record, change));
        second.accept_next(&next, moment(NOW_MS)).unwrap()
    };
    let (compromised, retired) = (step(&compromise), step(&retire));
    let next = |change: fn(&mut pb::Descriptor)| Party::aus().next(&second, change);
    let numbered = |next: &mut pb::Descriptor, version| {
        next.version = version;
        next.header.as_mut().unwrap().descriptor_version = version;
    };
    let jump = |version: u64| Party::aus().next(&second, |next| numbered(next, version));
    let created = |ms: i64| Party::aus().next(&second, |next| next.header.as_mut().unwrap().created_ms = ms);
    let active = |key: &mut pb::Key| {
        key.set_status(KeyStatus::Active);
        (key.valid_until_ms, key.compromised_since_ms) = (0, 0);
    };
    let vectors = [
        step_vector("the next version", &second, &next(|_| {}), &[1, 2]),
        step_vector("a version is skipped", &second, &jump(4), &[1, 2]),
        step_vector("far ahead", &second, &jump(1 << 63), &[1, 2]),
        step_vector("rolled back", &second, first.message(), &[1, 2]),
        step_vector("another under the same number", &second, &jump(2), &[1, 2]),
        step_vector("another hash", &second, &next(|next| next.previous[0] ^= 1), &[1, 2]),
        step_vector("one root", &second, &next(|_| {}), &[3]),
        step_vector("one root twice", &second, &next(|_| {}), &[1, 1]),
        step_vector("new roots alone", &second, &next(replace_roots), &[4, 5]),
        step_vector("old roots alone", &second, &next(replace_roots), &[1, 2]),
        step_vector("old roots and new", &second, &next(replace_roots), &[1, 2, 4, 5]),
        step_vector("older than the one before", &second, &created(since - 1), &[1, 2]),
        step_vector("five minutes ahead", &second, &created(NOW_MS + 300_000), &[1, 2]),
        step_vector("more than five minutes ahead", &second, &created(NOW_MS + 300_001), &[1, 2]),
        step_vector("a key is compromised", &second, &with_key(&second, record, compromise), &[1, 2]),
        step_vector("a compromised key comes back", &compromised, &with_key(&compromised, record, active), &[1, 2]),
        step_vector(
            "a compromised key leaves",
            &compromised,
            &Party::aus().next(&compromised, |next| next.keys.retain(|key| key.purpose() != KeyPurpose::Record)),
            &[1, 2],
        ),
        step_vector("a retired key comes back", &retired, &with_key(&retired, record, active), &[1, 2]),
        step_vector(
            "a retired key gets more time",
            &retired,
            &with_key(&retired, record, |key| key.valid_until_ms += 1),
            &[1, 2],
        ),
        step_vector("a key begins earlier", &second, &with_key(&second, record, |key| key.valid_from_ms -= 1), &[1, 2]),
        step_vector(
            "a key changes its purpose",
            &second,
            &with_key(&second, record, |key| key.set_purpose(KeyPurpose::Query)),
            &[1, 2],
        ),
    ];
    check_file("descriptor_chain.json", &json!({ "federation": "demo", "now_ms": NOW_MS, "cases": vectors }));
}

/// Roots 4 and 5 in place of 1 to 3.
fn replace_roots(next: &mut pb::Descriptor) {
    let created_ms = next.header.as_ref().unwrap().created_ms;
    for root in next.keys.iter_mut().filter(|key| key.purpose() == KeyPurpose::Root) {
        root.set_status(KeyStatus::Retired);
        root.valid_until_ms = created_ms;
    }
    for n in [4, 5] {
        next.keys.push(describe_key(KeyPurpose::Root, &Party::aus().root(n).public(), moment(created_ms)));
    }
}

/// Encodings of one small query: the first is canonical, each other one goes wrong in one way.
fn encodings() -> Vec<(&'static str, Vec<u8>)> {
    let header = header("AUS").encode_to_vec();
    let header = [&[0x0a, u8::try_from(header.len()).unwrap()], header.as_slice()].concat();
    let (purpose, case): (&[u8], &[u8]) = (&[0x10, 0x01], &[0x1a, 0x01, b'C']);
    let join = |rest: &[&[u8]]| [header.as_slice(), &rest.concat()].concat();
    vec![
        ("canonical", join(&[purpose, case])),
        ("canonical, with a packed field", join(&[purpose, case, &[0x52, 0x04, 0x0a, 0x02, 0x01, 0x02]])),
        ("default value present", join(&[purpose, case, &[0x22, 0x00]])),
        ("fields out of order", join(&[case, purpose])),
        ("scalar twice", join(&[purpose, purpose, case])),
        ("unknown field", join(&[purpose, case, &[0x98, 0x06, 0x01]])),
        ("over-long varint", join(&[&[0x10, 0x81, 0x00], case])),
        ("over-long length", join(&[purpose, &[0x1a, 0x81, 0x00, b'C']])),
        ("message in two parts", join(&[&[0x0a, 0x02, 0x38, 0x01], purpose, case])),
        ("repeated scalar unpacked", join(&[purpose, case, &[0x52, 0x02, 0x08, 0x01]])),
        ("oneof twice", join(&[purpose, case, &[0x52, 0x00, 0x52, 0x00]])),
        ("length beyond the end", join(&[purpose, &[0x1a, 0x05, b'C']])),
        ("text that is not UTF-8", join(&[purpose, &[0x1a, 0x01, 0xff]])),
    ]
}

#[test]
fn payload_encodings() {
    let verdict = |payload: &[u8]| {
        let outcome = verify::<pb::Query>(&trust(), &query_over(payload), &participant("AUS"), kit::now());
        outcome.map_or_else(|error| error.code(), |_| "OK")
    };
    let vectors: Vec<_> = encodings()
        .into_iter()
        .map(|(name, payload)| json!({ "name": name, "payload": hex(&payload), "verdict": verdict(&payload) }))
        .collect();
    check_file("payloads.json", &json!({ "payload_type": pb::Query::TYPE, "cases": vectors }));
}

/// A signer who keeps to the equation but to nothing else of the rule.
struct Tinkerer {
    secret: Scalar,
    public: EdwardsPoint,
}

impl Tinkerer {
    /// An honest key with `added` on its public point.
    fn with(added: EdwardsPoint) -> Self {
        let expanded = Sha512::digest([0x51; 32]);
        let secret = Scalar::from_bytes_mod_order(clamp_integer(expanded[..32].try_into().unwrap()));
        Self { secret, public: ED25519_BASEPOINT_POINT * secret + added }
    }

    fn public(&self) -> [u8; 32] {
        self.public.compress().to_bytes()
    }

    /// Signs with the nonce point `nonce * B + added`.
    fn sign(&self, message: &[u8], nonce: Scalar, added: EdwardsPoint) -> [u8; 64] {
        let point = (ED25519_BASEPOINT_POINT * nonce + added).compress().to_bytes();
        let challenge = Sha512::new().chain_update(point).chain_update(self.public()).chain_update(message).finalize();
        let s = nonce + Scalar::from_bytes_mod_order_wide(&challenge.into()) * self.secret;
        [point, s.to_bytes()].concat().try_into().unwrap()
    }
}

/// S + L in place of S.
fn plus_order(mut signature: [u8; 64]) -> [u8; 64] {
    let order_minus_one = (-Scalar::ONE).to_bytes();
    let mut carry = 1u16;
    for (byte, add) in signature[32..].iter_mut().zip(order_minus_one) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        *byte = (sum & 0xff) as u8;
        carry = sum >> 8;
    }
    signature
}

/// A message whose signature under a key with torsion passes a strict verifier that does not check the key.
fn ground_message(tinkerer: &Tinkerer, nonce: Scalar) -> Vec<u8> {
    let key = ed25519_dalek::VerifyingKey::from_bytes(&tinkerer.public()).unwrap();
    let messages = (0u32..).map(|n| format!("message {n}").into_bytes());
    let passes = |message: &Vec<u8>| {
        let signature = ed25519_dalek::Signature::from_bytes(&tinkerer.sign(message, nonce, EIGHT_TORSION[0]));
        key.verify_strict(message, &signature).is_ok()
    };
    messages.into_iter().find(passes).unwrap()
}

fn signature_vector(name: &str, key: &[u8], message: &[u8], signature: &[u8]) -> Value {
    let checked = PublicKey::check(key);
    let key_verdict = match &checked {
        Ok(_) => "OK",
        Err(KeyError::SmallOrder) => "SMALL_ORDER",
        Err(KeyError::Torsion) => "TORSION",
        Err(KeyError::NotCanonical) => "NOT_CANONICAL",
        Err(other) => panic!("{name}: {other}"),
    };
    json!({
        "name": name,
        "public_key": hex(key),
        "message": hex(message),
        "signature": hex(signature),
        "key": key_verdict,
        "accepted": checked.is_ok_and(|key| key.holds(message, signature)),
    })
}

#[test]
fn signatures() {
    let none = EIGHT_TORSION[0];
    let (honest, mixed) = (Tinkerer::with(none), Tinkerer::with(EIGHT_TORSION[4]));
    let nonce = Scalar::from(0x1234_5678_9abc_def0u64);
    let message = b"message";
    let good = honest.sign(message, nonce, none);
    let ground = ground_message(&mixed, nonce);
    let small = EIGHT_TORSION[1].compress().to_bytes();
    // y = p + 1 stands for y = 1, the identity.
    let mut long_identity = [0xff; 32];
    (long_identity[0], long_identity[31]) = (0xee, 0x7f);
    let of_nobody = [EIGHT_TORSION[0].compress().to_bytes(), [0; 32]].concat();
    let key = honest.public();
    check_file(
        "signatures.json",
        &json!([
            signature_vector("good", &key, message, &good),
            signature_vector("another message", &key, b"massage", &good),
            signature_vector("S + L", &key, message, &plus_order(good)),
            signature_vector("R is the identity", &key, message, &honest.sign(message, Scalar::ZERO, none)),
            signature_vector("R of order two", &key, message, &honest.sign(message, Scalar::ZERO, EIGHT_TORSION[4])),
            signature_vector("R with torsion", &key, message, &honest.sign(message, nonce, EIGHT_TORSION[4])),
            signature_vector("63 bytes", &key, message, &good[..63]),
            signature_vector(
                "key with torsion, the equation holds",
                &mixed.public(),
                &ground,
                &mixed.sign(&ground, nonce, none)
            ),
            signature_vector("key of small order", &small, message, &of_nobody),
            signature_vector("key in a longer encoding", &long_identity, message, &of_nobody),
        ]),
    );
}

#[test]
fn safety_phrases() {
    let vector = |one: [u8; 32], other: [u8; 32]| {
        let (one, other) = (ContentId::new(one), ContentId::new(other));
        let phrase = SafetyPhrase::between(&one, &other);
        json!({
            "one": one.to_string(),
            "other": other.to_string(),
            "words": phrase.words(),
            "digits": phrase.digits(),
        })
    };
    let id = |party: Party| *content_id(&party.sign_descriptor(&party.descriptor())).as_bytes();
    let (aus, idn) = (id(Party::aus()), id(Party::idn()));
    check_file(
        "safety_phrases.json",
        &json!([vector(aus, idn), vector(idn, aus), vector([0; 32], [0xff; 32]), vector([0xff; 32], [0; 32])]),
    );
}
