//! Commands on descriptors, run whole on files.

use selat_complaint::Exit;
use selat_record::pb::KeyStatus;
use serde_json::Value;

use crate::testing::descriptors::{NOW_MS, digits, first, next, record_key, root, signed};
use crate::testing::{FakeDesk, Running};

fn files() -> Running {
    FakeDesk::default().serve()
}

async fn json(files: &Running, line: &str) -> Value {
    let (exit, said) = files.run(&format!("{line} -o json")).await;
    assert_eq!(exit, Exit::Ok, "{line}: {}", said.talk());
    serde_json::from_str(&said.data()).unwrap()
}

/// Runs a line that must fail, and says how.
async fn refused(files: &Running, line: &str) -> (Exit, String) {
    let (exit, said) = files.run(line).await;
    assert_ne!(exit, Exit::Ok, "{line}: {}", said.data());
    assert!(!said.talk().contains('\u{1b}') && said.talk().contains("mend:"), "{line}: {}", said.talk());
    (exit, said.talk())
}

#[tokio::test]
async fn descriptor_is_shown_with_its_keys_and_who_signed() {
    let files = files();
    let file = files.chain("AUS.descriptor", &[signed(&first(), &[1, 3])]);
    let (exit, said) = files.run(&format!("descriptor show {file} -o table")).await;
    assert_eq!(exit, Exit::Ok, "{}", said.talk());
    let text = said.data();
    assert!(text.starts_with("AUS  descriptor 1\n"), "{text}");
    for part in
        ["Immigration Intelligence Centre", "2 of 3 root keys, 2 needed", "node1 at aus.example:7443", "every hour"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(text.contains(&format!("record  {}  active from 2023-11-12", digits(&record_key()))), "{text}");

    let shape = json(&files, &format!("descriptor show {file}")).await;
    assert_eq!((&shape["descriptor_version"], &shape["draft"]), (&1.into(), &false.into()));
    assert_eq!((&shape["keys"][6]["purpose"], &shape["keys"][6]["status"]), (&"tls_ca".into(), &"active".into()));
    assert_eq!(shape["signed"]["not_by"], serde_json::json!([root(2).id().to_string()]));
}

#[tokio::test]
async fn hostile_files_are_refused_with_what_is_wrong() {
    let files = files();
    let good = selat_seal::descriptor::write_chain(&[signed(&first(), &[1, 2])]);
    let check = async |text: &[u8], wanted: (Exit, &str)| {
        let path = files.path("hostile");
        std::fs::write(&path, text).unwrap();
        for command in ["show", "verify"] {
            let (exit, talk) = refused(&files, &format!("descriptor {command} {}", path.display())).await;
            assert_eq!(exit, wanted.0, "{command}: {talk}");
            assert!(talk.contains(wanted.1), "{command}: {talk}");
        }
    };
    check(b"", (Exit::Usage, "SLT-2211")).await;
    check(b"\xff\xfe\x00binary", (Exit::Usage, "SLT-2202")).await;
    check(b"\x1b]0;pwned\x07-----BEGIN SELAT DESCRIPTOR-----", (Exit::Usage, "SLT-2211")).await;
    check(&vec![b'x'; 16 * 1024 * 1024 + 1], (Exit::Usage, "SLT-2203")).await;
    check(good.replace("DESCRIPTOR", "SECRET KEY").as_bytes(), (Exit::Usage, "SLT-2211")).await;
    let middle = good.lines().nth(4).unwrap();
    check(good.replace(middle, "").as_bytes(), (Exit::Integrity, "damaged")).await;
    check(good.replace(middle, "%%%%").as_bytes(), (Exit::Integrity, "damaged")).await;
    let cut = &good[..good.len() / 2];
    check(cut.as_bytes(), (Exit::Usage, "does not end with")).await;
}

#[tokio::test]
async fn text_in_a_descriptor_cannot_steer_the_terminal() {
    let files = files();
    let mut hostile = first();
    hostile.unit = "Unit\u{1b}[2J\u{202e}\nAUS  descriptor 9".to_owned();
    let file = files.chain("hostile", &[signed(&hostile, &[1, 2])]);
    let (exit, talk) = refused(&files, &format!("descriptor show {file}")).await;
    assert_eq!(exit, Exit::Integrity, "{talk}");
    assert!(talk.contains("unit: holds control characters"), "{talk}");
}

#[tokio::test]
async fn whole_chain_is_verified_and_each_version_named() {
    let files = files();
    let two = next(&first(), |two| two.unit = "Another name".to_owned());
    let three = next(&two, |three| three.refresh_hint_s = 60);
    let chain = [signed(&first(), &[1, 2]), signed(&two, &[2, 3]), signed(&three, &[1, 2, 3])];
    let file = files.chain("chain", &chain);
    let (exit, said) = files.run(&format!("descriptor verify {file} -o table")).await;
    assert_eq!(exit, Exit::Ok, "{}", said.talk());
    assert!(said.data().contains("AUS  descriptor 3 holds, made 2023-11-14T21:13:20Z"), "{}", said.data());
    assert!(said.data().contains("by those of 2   3 of 3 root keys, 2 needed"), "{}", said.data());

    let previous = files.chain("one", &chain[..1]);
    let rest = files.chain("rest", &chain[1..]);
    let shape = json(&files, &format!("descriptor verify {rest} --previous {previous}")).await;
    assert_eq!(shape["versions"].as_array().unwrap().len(), 2);
    let shape = json(&files, &format!("descriptor verify {file} --previous {previous}")).await;
    assert_eq!(shape["versions"][0]["descriptor_version"], 2);
}

#[tokio::test]
async fn chain_that_breaks_a_rule_ends_with_7_and_names_rule_and_version() {
    let files = files();
    let one = signed(&first(), &[1, 2]);
    let two = next(&first(), |_| {});
    let check = async |versions: &[selat_record::pb::Envelope], wanted: &str| {
        let file = files.chain("broken", versions);
        let (exit, talk) = refused(&files, &format!("descriptor verify {file}")).await;
        assert_eq!(exit, Exit::Integrity, "{talk}");
        assert!(talk.contains("descriptor 2 of AUS") && talk.contains(wanted), "{talk}");
    };
    check(&[one.clone(), signed(&two, &[1])], "has 1").await;
    let future = next(&first(), |two| two.header.as_mut().unwrap().created_ms = NOW_MS + 600_000);
    check(&[one.clone(), signed(&future, &[1, 2])], "set the clock of this machine").await;
    let elsewhere = next(&first(), |two| two.previous = vec![9; 32]);
    check(&[one.clone(), signed(&elsewhere, &[1, 2])], "does not").await;
    let revived = next(&first(), |two| two.keys[3].valid_from_ms += 1);
    check(&[one, signed(&revived, &[1, 2])], "its beginning cannot change").await;
}

#[tokio::test]
async fn expiry_is_judged_at_the_given_moment_and_of_the_last_version_alone() {
    let files = files();
    let mut short = first();
    short.header.as_mut().unwrap().expires_ms = NOW_MS + 1000;
    let two = next(&short, |two| two.header.as_mut().unwrap().expires_ms = NOW_MS + 86_400_000);
    let alone = files.chain("alone", &[signed(&short, &[1, 2])]);
    let both = files.chain("both", &[signed(&short, &[1, 2]), signed(&two, &[1, 2])]);
    json(&files, &format!("descriptor verify {alone}")).await;
    json(&files, &format!("descriptor verify {both} --at 2023-11-15")).await;
    let (exit, talk) = refused(&files, &format!("descriptor verify {alone} --at 2023-11-15")).await;
    assert_eq!(exit, Exit::Integrity);
    assert!(talk.contains("descriptor 1 of AUS: has expired at 2023-11-14T22:13:21Z"), "{talk}");
}

#[tokio::test]
async fn draft_is_signed_by_its_holders_and_combined_when_both_thresholds_are_met() {
    let files = files();
    let previous = files.chain("AUS.descriptor", &[signed(&first(), &[1, 2])]);
    let two = next(&first(), |two| two.unit = "Another name".to_owned());
    let draft = files.draft("AUS-2.draft", &signed(&two, &[]));
    let (key, other) = (files.root_file(1), files.root_file(2));
    let [one, more, whole] = ["signed-1", "signed-2", "AUS-2.descriptor"].map(|name| files.path(name));
    let (one, more, whole) = (one.display(), more.display(), whole.display());

    let line = format!("descriptor sign {draft} --previous {previous} --key {key} --file {one} -o table");
    let (exit, said) = files.run_with(&line, Some("AUS\n")).await;
    assert_eq!(exit, Exit::Ok, "{}", said.talk());
    assert!(said.talk().contains("Immigration Intelligence Centre -> Another name"), "{}", said.talk());
    assert!(said.data().contains("by those of 1   1 of 3 root keys, 2 needed, 1 MISSING"), "{}", said.data());
    let combine = format!("descriptor combine {one} --previous {previous} --file {whole}");
    let (exit, talk) = refused(&files, &combine).await;
    assert_eq!(exit, Exit::Attention, "{talk}");
    assert!(
        talk.contains("1 signature by root keys of the version before, 1 signature by its own root keys"),
        "{talk}"
    );

    json(&files, &format!("descriptor sign {draft} --previous {previous} --key {other} --file {more} --yes")).await;
    let combine = format!("descriptor combine {one} {more} --previous {previous} --file {whole}");
    let shape = json(&files, &combine).await;
    assert_eq!((&shape["enough"], &shape["descriptor_version"]), (&true.into(), &2.into()));
    json(&files, &format!("descriptor verify {whole} --previous {previous}")).await;
    let (exit, talk) = refused(&files, &combine).await;
    assert_eq!(exit, Exit::Usage, "nothing is written over: {talk}");
}

#[tokio::test]
async fn nothing_is_signed_that_was_not_confirmed_or_by_a_key_that_does_not_count() {
    let files = files();
    let previous = files.chain("AUS.descriptor", &[signed(&first(), &[1, 2])]);
    let draft = files.draft("AUS-2.draft", &signed(&next(&first(), |_| {}), &[]));
    let out = files.path("signed");
    let sign =
        |key: &str| format!("descriptor sign {draft} --previous {previous} --key {key} --file {}", out.display());
    let (key, strange) = (files.root_file(1), files.root_file(9));
    let (exit, said) = files.run_with(&sign(&key), Some("yes\n")).await;
    assert_eq!(exit, Exit::Usage, "{}", said.talk());
    let (exit, talk) = refused(&files, &sign(&key)).await;
    assert!(exit == Exit::Usage && talk.contains("SLT-2205"), "{talk}");
    let (exit, talk) = refused(&files, &format!("{} --yes", sign(&strange))).await;
    assert!(exit == Exit::Usage && talk.contains("SLT-2216"), "{talk}");
    let open = files.file("open.key", "whatever");
    let (_, talk) = refused(&files, &format!("{} --yes", sign(&open))).await;
    assert!(talk.contains("SLT-2218") && talk.contains("chmod 600"), "{talk}");
    let garbage = files.secret_file("garbage.key", "-----BEGIN SELAT SECRET KEY-----\nnothing");
    let (exit, talk) = refused(&files, &format!("{} --yes", sign(&garbage))).await;
    assert!(exit == Exit::Integrity && talk.contains("SLT-2218"), "{talk}");
    assert!(!out.exists());
}

#[tokio::test]
async fn draft_that_no_peer_would_take_is_refused_before_it_is_signed() {
    let files = files();
    let previous = files.chain("AUS.descriptor", &[signed(&first(), &[1, 2])]);
    let three = next(&next(&first(), |_| {}), |_| {});
    let skipped = files.draft("skipped", &signed(&three, &[1, 2]));
    let key = files.root_file(1);
    let out = files.path("out");
    for command in [format!("sign {skipped} --key {key} --yes"), format!("combine {skipped}")] {
        let line = format!("descriptor {command} --previous {previous} --file {}", out.display());
        let (exit, talk) = refused(&files, &line).await;
        assert_eq!(exit, Exit::Integrity, "{talk}");
        assert!(talk.contains("descriptor 3 of AUS: skips versions"), "{talk}");
    }
    assert!(!out.exists());
}

#[tokio::test]
async fn combine_joins_only_what_says_the_same_and_keeps_the_rest_as_a_draft() {
    let files = files();
    let previous = files.chain("AUS.descriptor", &[signed(&first(), &[1, 2])]);
    let (two, other) = (next(&first(), |_| {}), next(&first(), |two| two.unit = "Another".to_owned()));
    let (one, strange) = (files.draft("one", &signed(&two, &[1])), files.draft("other", &signed(&other, &[2])));
    let out = files.path("out");
    let out = out.display();
    let (exit, talk) =
        refused(&files, &format!("descriptor combine {one} {strange} --previous {previous} --file {out}")).await;
    assert!(exit == Exit::Conflict && talk.contains("SLT-2217"), "{talk}");
    let (exit, talk) = refused(&files, &format!("descriptor combine {one} --file {out}")).await;
    assert!(exit == Exit::Usage && talk.contains("SLT-2214"), "{talk}");

    let (exit, said) = files.run(&format!("descriptor combine {one} --partial --file {out}")).await;
    assert_eq!(exit, Exit::Attention, "{}", said.talk());
    let shape = json(&files, &format!("descriptor show {out}")).await;
    assert_eq!((&shape["draft"], &shape["signed"]["enough"]), (&true.into(), &false.into()));
    let (exit, talk) = refused(&files, &format!("descriptor verify {out}")).await;
    assert!(exit == Exit::Usage && talk.contains("holds a draft, not a descriptor"), "{talk}");
}

#[tokio::test]
async fn differences_are_told_in_words_and_in_json() {
    let files = files();
    let two = next(&first(), |two| {
        two.keys[3].status = KeyStatus::Compromised.into();
        two.keys[3].compromised_since_ms = NOW_MS - 7_200_000;
        two.contact.as_mut().unwrap().phone = "+61 2 5550 0199".to_owned();
    });
    let old = files.chain("old", &[signed(&first(), &[1, 2])]);
    let new = files.draft("new", &signed(&two, &[]));
    let (exit, said) = files.run(&format!("descriptor diff {old} {new} -o table")).await;
    assert_eq!(exit, Exit::Ok, "{}", said.talk());
    assert!(said.data().starts_with("AUS  descriptor 1 -> draft of descriptor 2\n"), "{}", said.data());
    assert!(said.data().contains("quarantine"), "{}", said.data());
    let shape = json(&files, &format!("descriptor diff {old} {new}")).await;
    let whats: Vec<&str> = shape["changes"].as_array().unwrap().iter().map(|c| c["what"].as_str().unwrap()).collect();
    assert_eq!(whats, ["key_compromised", "contact_phone"]);
    let (_, said) = files.run(&format!("descriptor diff {old} {old} -o table")).await;
    assert!(said.talk().contains("nothing differs"), "{}", said.talk());
}

/// Drafts the version after [`first`] with these options.
async fn drafted(files: &Running, options: &str) -> (Exit, String, String) {
    let from = files.chain("AUS.descriptor", &[signed(&first(), &[1, 2])]);
    let file = files.path("AUS-2.draft");
    let _ = std::fs::remove_file(&file);
    let line = format!("descriptor draft --from {from} {options} --file {} -o json", file.display());
    let (exit, said) = files.run(&line).await;
    (exit, said.data(), said.talk())
}

#[tokio::test]
async fn everything_that_a_descriptor_says_can_be_changed() {
    let files = files();
    let record = digits(&record_key());
    for (options, wanted) in [
        ("--unit 'Another name'".to_owned(), vec!["unit"]),
        ("--endpoint node1=a.example:1 --endpoint node2=[::1]:2".to_owned(), vec!["endpoints"]),
        (
            "--contact-title Desk --contact-phone 1 --contact-email a@b".to_owned(),
            vec!["contact_title", "contact_phone", "contact_email"],
        ),
        (
            "--contact-language en --contact-language id --contact-hours '24/7'".to_owned(),
            vec!["contact_languages", "contact_hours"],
        ),
        (
            "--refresh-hint 30m --may-be-named yes --protocol 1-2".to_owned(),
            vec!["refresh_hint", "may_be_named", "protocol"],
        ),
        ("--expires 365d".to_owned(), vec!["expires"]),
        ("--payload-type application/vnd.selat.record.v1+proto".to_owned(), vec!["payload_types"]),
        ("--root-threshold 3".to_owned(), vec!["root_threshold"]),
        (format!("--retire {record}"), vec!["key_retired"]),
        (format!("--retire {record}=2023-12-24"), vec!["key_retired"]),
        (format!("--compromise {record}=2023-11-14"), vec!["key_compromised"]),
        (format!("--drop {record}"), vec!["key_dropped"]),
        (format!("--drop {}", digits(&root(3))), vec!["key_dropped"]),
    ] {
        let (exit, data, talk) = drafted(&files, &options).await;
        assert_eq!(exit, Exit::Ok, "{options}: {talk}");
        let shape: Value = serde_json::from_str(&data).unwrap();
        let whats: Vec<&str> =
            shape["changes"].as_array().unwrap().iter().map(|c| c["what"].as_str().unwrap()).collect();
        assert_eq!(whats, wanted, "{options}");
        assert!(talk.contains("needs 2 of the"), "{talk}");
    }
}

#[tokio::test]
async fn roots_are_replaced_from_files_of_public_keys_and_both_sets_must_sign() {
    let files = files();
    let keys = [7, 8, 9].map(|number| files.root_file(number)).join(" ");
    let public = files.path("roots.pub");
    let public = public.display();
    let (exit, said) = files.run(&format!("key export-public {keys} --file {public}")).await;
    assert_eq!(exit, Exit::Ok, "{}", said.talk());
    let (exit, data, talk) = drafted(&files, &format!("--roots {public} --root-threshold 3")).await;
    assert_eq!(exit, Exit::Ok, "{talk}");
    assert!(talk.contains("needs 2 of the 3 root keys of version 1 and 3 of its own 3"), "{talk}");
    let shape: Value = serde_json::from_str(&data).unwrap();
    let whats: Vec<&str> = shape["changes"].as_array().unwrap().iter().map(|c| c["what"].as_str().unwrap()).collect();
    assert_eq!(
        whats,
        [["key_retired"; 3], ["key_added"; 3]].concat().into_iter().chain(["root_threshold"]).collect::<Vec<_>>()
    );

    let (exit, data, _) = drafted(&files, &format!("--add-root {public}")).await;
    assert_eq!((exit, data.matches("key_added").count()), (Exit::Ok, 3));
    let (exit, _, talk) = drafted(&files, &format!("--announce {public}")).await;
    assert_eq!(exit, Exit::Usage);
    assert!(talk.contains("SLT-2215") && talk.contains("holds a root key of AUS"), "{talk}");
}

#[tokio::test]
async fn what_cannot_be_drafted_is_refused_and_no_file_is_left() {
    let files = files();
    let record = digits(&record_key());
    let other = files.file("other.pub", "-----BEGIN SELAT PUBLIC KEY-----\nnothing\n-----END SELAT PUBLIC KEY-----\n");
    for (options, code, why) in [
        (String::new(), "SLT-2215", "no change was given"),
        ("--drop 00000000".to_owned(), "SLT-2215", "no key begins with 00000000"),
        (format!("--activate {record}"), "SLT-2215", "is active and cannot become active"),
        ("--root-threshold 4".to_owned(), "SLT-2215", "is 4 with 3 active root keys"),
        ("--unit ''".to_owned(), "SLT-2215", "unit"),
        ("--contact-phone 'a\u{1b}[2Jb'".to_owned(), "SLT-2215", "control characters"),
        (format!("--roots {other}"), "SLT-2211", "does not hold public keys"),
        ("--roots /no/such.pub".to_owned(), "SLT-2202", "no/such.pub"),
    ] {
        let (exit, _, talk) = drafted(&files, &options).await;
        assert_eq!(exit, Exit::Usage, "{options}: {talk}");
        assert!(talk.contains(code) && talk.contains(why) && !talk.contains('\u{1b}'), "{options}: {talk}");
        assert!(!files.path("AUS-2.draft").exists(), "{options}");
    }
}

#[tokio::test]
async fn root_key_is_made_once_and_its_public_half_leaves_alone() {
    let files = files();
    let passphrase = files.secret_file("pass", "six words that nobody else has\n");
    let key = files.path("root-1.key");
    let key = key.display();
    let generate = format!("key generate root --participant AUS --file {key} --passphrase-file {passphrase}");
    let made = json(&files, &generate).await;
    assert_eq!((&made["protected"], &made["purpose"]), (&true.into(), &"root".into()));
    let (exit, talk) = refused(&files, &generate).await;
    assert!(exit == Exit::Usage && talk.contains("is there already"), "{talk}");

    let export = format!("key export-public {key}");
    let (exit, talk) = refused(&files, &export).await;
    assert!(exit == Exit::Usage && talk.contains("SLT-2205"), "nobody to ask for a passphrase: {talk}");
    let wrong = files.secret_file("wrong", "six words that are other words\n");
    let (exit, talk) = refused(&files, &format!("{export} --passphrase-file {wrong}")).await;
    assert!(exit == Exit::Usage && talk.contains("SLT-2218"), "{talk}");
    let short = files.secret_file("short", "short\n");
    let (exit, talk) = refused(&files, &format!("{export} --passphrase-file {short}")).await;
    assert!(exit == Exit::Usage && talk.contains("SLT-2219"), "{talk}");
    for (name, text) in [("large", "x".repeat(1024 * 1024)), ("steering", "\u{1b}]0;pwned\u{7}".to_owned())] {
        let file = files.secret_file(name, &text);
        let (exit, talk) = refused(&files, &format!("key export-public {file}")).await;
        assert!(matches!(exit, Exit::Usage | Exit::Integrity) && talk.contains("SLT-2218"), "{talk}");
    }
    let two = format!("{export} {key} {key} --passphrase-file {short} --passphrase-file {short}");
    let (_, talk) = refused(&files, &two).await;
    assert!(talk.contains("3 keys and 2 passphrase files"), "{talk}");

    let (exit, said) = files.run(&format!("{export} --passphrase-file {passphrase}")).await;
    assert_eq!(exit, Exit::Ok, "{}", said.talk());
    let public = selat_seal::PublicFile::parse_all(&said.data()).unwrap();
    assert_eq!(public[0].public.id().to_string(), made["key"].as_str().unwrap());
}

#[tokio::test]
async fn ceremony_is_printed_with_the_names_of_both_sides() {
    let files = files();
    let (exit, said) = files.run("ceremony script --participant AUS --with IDN").await;
    assert_eq!(exit, Exit::Ok);
    assert!(said.data().starts_with("Onboarding: AUS and IDN\n"), "{}", said.data());
    let shape = json(&files, "ceremony script --for compromise").await;
    assert_eq!(shape["ceremony"], "compromise");
}

#[tokio::test]
async fn combined_version_that_retires_a_key_says_until_when_it_may_be_published() {
    let files = files();
    let previous = files.chain("AUS.descriptor", &[signed(&first(), &[1, 2])]);
    let two = next(&first(), |two| {
        two.keys[3].set_status(KeyStatus::Retired);
        two.keys[3].valid_until_ms = two.header.as_ref().unwrap().created_ms + 86_400_000;
    });
    let draft = files.draft("AUS-2.draft", &signed(&two, &[1, 2]));
    let out = files.path("out");
    let line = format!("descriptor combine {draft} --previous {previous} --file {}", out.display());
    let (exit, said) = files.run(&line).await;
    assert_eq!(exit, Exit::Ok, "{}", said.talk());
    assert!(said.talk().contains("publish it by 2023-11-15T09:13:20Z"), "{}", said.talk());
}
