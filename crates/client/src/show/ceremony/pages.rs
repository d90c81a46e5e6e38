//! The four ceremonies.

use super::{Page, Part, Sides, step};

/// Who acts at both sides alike.
const BOTH: &str = "both";
const OPERATOR: &str = "node";
const HOLDERS: &str = "roots";

/// Two people get to know each other's node.
pub(crate) fn onboarding(sides: &Sides) -> Page {
    let Sides { us, them } = sides;
    let before = Part {
        heading: "BEFORE THE DAY",
        steps: vec![
            step(BOTH, "Clock, keys and certificate are in order.", ["selat doctor".to_owned()]),
            step(
                us,
                &format!("Send the file to {them}, by any way."),
                [format!("selat peer invite --file {us}.descriptor")],
            ),
            step(
                them,
                &format!("Send the file to {us}, by any way."),
                [format!("selat peer invite --file {them}.descriptor")],
            ),
            step(
                us,
                "Unit, contact point and address are as expected. Then take it in; no traffic yet.",
                [format!("selat descriptor show {them}.descriptor"), format!("selat peer join {them}.descriptor")],
            ),
            step(
                them,
                "The same.",
                [format!("selat descriptor show {us}.descriptor"), format!("selat peer join {us}.descriptor")],
            ),
        ],
    };
    let call = Part {
        heading: "ON THE CALL",
        steps: vec![
            step(BOTH, "Each knows the other by face or voice, or calls back a number known from elsewhere.", []),
            step(
                BOTH,
                "Twelve words appear, the same at both sides. Without a common language read the digits.",
                [format!("selat peer fingerprint {them}"), format!("selat peer fingerprint {us}")],
            ),
            step(
                us,
                &format!("{them} reads its twelve words aloud. Type what you hear, not what your screen shows."),
                [format!("selat peer approve {them} --channel 'video call'")],
            ),
            step(
                them,
                &format!("{us} reads, {them} types."),
                [format!("selat peer approve {us} --channel 'video call'")],
            ),
        ],
    };
    let after = Part {
        heading: "AFTERWARDS",
        steps: vec![
            step(BOTH, "Every step is ok.", [format!("selat peer ping {them}"), format!("selat peer ping {us}")]),
            step(
                BOTH,
                "State approved, by whom, when, over which channel. Print it, sign it, file it.",
                [format!("selat peer show {them}"), format!("selat peer show {us}")],
            ),
        ],
    };
    let wrong = Part {
        heading: "WHEN THE WORDS DIFFER",
        steps: vec![
            step(
                BOTH,
                "STOP. Approve nothing. Read out version and content id of both files: the file that differs was \
                 changed on its way, or a newer version was published meanwhile.",
                [format!("selat descriptor show {us}.descriptor"), format!("selat descriptor show {them}.descriptor")],
            ),
            step(
                BOTH,
                "Forget the other side, send the file again by another way, and begin anew. If the words differ \
                 again, somebody stands between you: tell both heads of unit, and do not exchange.",
                [
                    format!("selat peer remove {them} --reason 'words differed'"),
                    format!("selat peer remove {us} --reason 'words differed'"),
                ],
            ),
        ],
    };
    Page {
        name: "onboarding",
        title: format!("Onboarding: {us} and {them}"),
        opening:
            "Two people, one at each node. The files may travel by mail or on a stick. The words go over a second \
                  channel that does not depend on the two nodes: a video call, a telephone, a meeting."
                .to_owned(),
        parts: vec![before, call, after, wrong],
    }
}

/// A working key is replaced with overlap.
pub(crate) fn rotation(sides: &Sides) -> Page {
    let us = &sides.us;
    let begin = Part {
        heading: "ANNOUNCE THE SUCCESSOR",
        steps: vec![
            step(
                OPERATOR,
                "Nothing else is wrong. Which key: record, query, log or tls-ca; here record.",
                ["selat doctor".to_owned(), "selat key rotate record --plan".to_owned()],
            ),
            step(
                OPERATOR,
                "The descriptor in force; then the successor, and a draft that lists it as pending.",
                [
                    format!("selat peer invite --file {us}.descriptor"),
                    format!("selat key rotate record --file {us}-a.draft"),
                ],
            ),
            sign(&format!("{us}.descriptor"), &format!("{us}-a")),
            publish(&format!("{us}.descriptor"), &format!("{us}-a")),
            step(
                OPERATOR,
                "Wait until every peer has acknowledged the version and the time in the plan has come, usually a day. \
                 A peer that is down holds the turn up; suspend or remove it, or wait.",
                ["selat descriptor acks".to_owned()],
            ),
        ],
    };
    let turn = Part {
        heading: "LET IT TAKE OVER",
        steps: vec![
            step(
                OPERATOR,
                "The same command goes on: the next draft makes the successor active and retires the old key. Publish \
                 it within 12 hours: the old key ends after 24.",
                [format!("selat key rotate record --file {us}-b.draft")],
            ),
            sign(&format!("{us}-a.descriptor"), &format!("{us}-b")),
            publish(&format!("{us}-a.descriptor"), &format!("{us}-b")),
            step(
                OPERATOR,
                "The node signs with the old key until every peer holds the version, then by itself with the new one. \
                 When the old key has ended, the same command destroys it and says that nothing is left.",
                ["selat key rotate record".to_owned(), "selat key status".to_owned()],
            ),
            step(
                OPERATOR,
                "The keys have changed, so back them up.",
                ["selat key backup --file keys.backup".to_owned()],
            ),
        ],
    };
    let wrong = Part {
        heading: "WHEN SOMETHING GOES WRONG",
        steps: vec![
            step(OPERATOR, "Any command may be run again: it goes on where it stopped.", []),
            step(
                OPERATOR,
                "Undo a turn that has been begun; a draft that was not published needs nothing more.",
                ["selat key rotate record --abandon".to_owned()],
            ),
        ],
    };
    Page {
        name: "rotation",
        title: format!("Rotation of a working key of {us}"),
        opening: "The operator at the node, and as many holders of root keys as the threshold says, each on a machine \
                  that is on no network. Nothing stops meanwhile: both keys count while the turn lasts."
            .to_owned(),
        parts: vec![begin, turn, wrong],
    }
}

/// The root keys are replaced.
pub(crate) fn roots(sides: &Sides) -> Page {
    let us = &sides.us;
    let make = Part {
        heading: "MAKE THE NEW ROOT KEYS",
        steps: vec![
            step(
                "each new",
                "On a machine that is on no network; the passphrase has six words or more and is known to you alone.",
                [
                    format!("selat key generate root --participant {us} --file root-NAME.key"),
                    "selat key export-public root-NAME.key --file root-NAME.pub".to_owned(),
                ],
            ),
            step(
                "each new",
                "Copy the key file to a second medium, kept elsewhere. Write the key id from the screen on paper.",
                [],
            ),
        ],
    };
    let draft = Part {
        heading: "DRAFT THE NEXT VERSION",
        steps: vec![
            step(OPERATOR, "The version that peers hold now.", [format!("selat peer invite --file {us}.descriptor")]),
            step(
                "drafter",
                "Offline. All new root keys, and how many of them must sign from now on.",
                [format!(
                    "selat descriptor draft --from {us}.descriptor --file {us}-next.draft --roots root-A.pub \
                         --roots root-B.pub --roots root-C.pub --root-threshold 2"
                )],
            ),
            step(
                "each new",
                "Compare the key ids on paper with those in the draft.",
                [format!("selat descriptor diff {us}.descriptor {us}-next.draft")],
            ),
        ],
    };
    let both = Part {
        heading: "SIGN: THRESHOLD OF THE OLD AND THRESHOLD OF THE NEW",
        steps: vec![
            step(
                "old, new",
                "Each on their own machine, with their own file name; read what is shown before you type.",
                [format!(
                    "selat descriptor sign {us}-next.draft --previous {us}.descriptor --key root-NAME.key \
                         --file {us}-next.NAME"
                )],
            ),
            step(
                "drafter",
                "It says who is missing, for the old and for the new root keys.",
                [
                    format!(
                        "selat descriptor combine {us}-next.A {us}-next.B {us}-next.X {us}-next.Y \
                         --previous {us}.descriptor --file {us}-next.descriptor"
                    ),
                    format!("selat descriptor verify {us}-next.descriptor --previous {us}.descriptor"),
                ],
            ),
            step(
                OPERATOR,
                "Peers are told at once; a peer that is down asks later.",
                [format!("selat descriptor publish {us}-next.descriptor")],
            ),
            step(
                "old",
                "Keep the old key files until every peer has acknowledged; then destroy them.",
                ["selat descriptor acks".to_owned()],
            ),
        ],
    };
    let wrong = Part {
        heading: "WHEN TOO FEW OLD ROOT KEYS ARE LEFT",
        steps: vec![step(
            BOTH,
            "No version can follow. Make a new node with new roots; every peer removes the old one and does the \
             onboarding ceremony again.",
            [],
        )],
    };
    Page {
        name: "roots",
        title: format!("New root keys of {us}"),
        opening: "The old holders, the new holders, one who drafts, and the operator. Files go from hand to hand on a \
                  stick; root keys never leave their owners' machines and never touch the node."
            .to_owned(),
        parts: vec![make, draft, both, wrong],
    }
}

/// A key was stolen, or may have been.
pub(crate) fn compromise(sides: &Sides) -> Page {
    let us = &sides.us;
    let stop = Part {
        heading: "A WORKING KEY: WITHIN THE HOUR",
        steps: vec![
            step(
                OPERATOR,
                "The descriptor in force, to sign against.",
                [format!("selat peer invite --file {us}.descriptor")],
            ),
            step(
                OPERATOR,
                "Since when may it have been in strange hands? Take the earliest moment that is possible. The \
                 successor takes over at once. Here record; tls-ca, query and log alike.",
                [format!(
                    "selat key rotate record --emergency --reason 'disk stolen' --compromised-since \
                         2026-11-20T06:00:00Z --file {us}-a.draft"
                )],
            ),
            sign(&format!("{us}.descriptor"), &format!("{us}-a")),
            publish(&format!("{us}.descriptor"), &format!("{us}-a")),
            step(
                OPERATOR,
                "Telephone the contact point of every peer that has not acknowledged within the hour.",
                ["selat descriptor acks".to_owned(), "selat peer show PEER".to_owned()],
            ),
            step(
                OPERATOR,
                "Records that were signed with it since then lie in quarantine at every peer. See which are yours; \
                 sign those anew.",
                ["selat key resign --list".to_owned(), "selat key resign".to_owned()],
            ),
        ],
    };
    let root = Part {
        heading: "FEWER ROOT KEYS THAN THE THRESHOLD",
        steps: vec![step(
            HOLDERS,
            "The thief cannot make a version alone. Replace the root keys on the same day, and say so in the draft: \
                 add --compromise KEY=SINCE to it.",
            ["selat ceremony script --for roots".to_owned()],
        )],
    };
    let all = Part {
        heading: "AS MANY ROOT KEYS AS THE THRESHOLD, OR MORE",
        steps: vec![
            step(
                "peers",
                "The thief can speak for us. Telephone every peer; each suspends us at once.",
                [format!("selat peer suspend {us} --reason 'root keys stolen'")],
            ),
            step(
                BOTH,
                "Make a new node with new roots. Each peer removes the old one; then the onboarding ceremony.",
                [format!("selat peer remove {us} --reason 'root keys stolen'"), "selat ceremony script".to_owned()],
            ),
        ],
    };
    let peer = Part {
        heading: "A PEER TELEPHONES, OR SHOWS TWO DESCRIPTORS UNDER ONE VERSION",
        steps: vec![step(
            OPERATOR,
            "A node freezes such a peer by itself and keeps both. Call back a number known from elsewhere before \
                 you believe anything. It comes back only by the onboarding ceremony.",
            ["selat peer list".to_owned(), "selat peer suspend PEER --reason 'called by its duty officer'".to_owned()],
        )],
    };
    Page {
        name: "compromise",
        title: format!("A key of {us} was stolen, or may have been"),
        opening: "Do not wait for certainty: what is signed with the key from the moment that you name can be signed \
                  anew, what a thief signs cannot be called back."
            .to_owned(),
        parts: vec![stop, root, all, peer],
    }
}

fn sign(previous: &str, name: &str) -> super::Step {
    step(
        HOLDERS,
        "Each on their own machine, with their own file name. Read what is shown before you type.",
        [format!("selat descriptor sign {name}.draft --previous {previous} --key root-NAME.key --file {name}.NAME")],
    )
}

fn publish(previous: &str, name: &str) -> super::Step {
    step(
        OPERATOR,
        "Peers are told at once; a peer that is down asks later.",
        [
            format!("selat descriptor combine {name}.A {name}.B --previous {previous} --file {name}.descriptor"),
            format!("selat descriptor publish {name}.descriptor"),
        ],
    )
}
