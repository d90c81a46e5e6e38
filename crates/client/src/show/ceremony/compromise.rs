//! Compromise: a key was stolen, or may have been.

use super::{BOTH, HOLDERS, OPERATOR, Page, Part, Sides, publish, sign, step};

/// A key was stolen, or may have been.
pub(crate) fn compromise(sides: &Sides) -> Page {
    let us = &sides.us;
    Page {
        name: "compromise",
        title: format!("A key of {us} was stolen, or may have been"),
        opening: "Do not wait for certainty: what is signed with the key from the moment that you name can be signed \
                  anew, what a thief signs cannot be called back."
            .to_owned(),
        parts: vec![of_a_working_key(sides), of_few_roots(), of_many_roots(sides), at_a_peer()],
    }
}

fn of_a_working_key(sides: &Sides) -> Part {
    let us = &sides.us;
    Part {
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
    }
}

fn of_few_roots() -> Part {
    Part {
        heading: "FEWER ROOT KEYS THAN THE THRESHOLD",
        steps: vec![step(
            HOLDERS,
            "The thief cannot make a version alone. Replace the root keys on the same day, and say so in the draft: \
                 add --compromise KEY=SINCE to it.",
            ["selat ceremony script --for roots".to_owned()],
        )],
    }
}

fn of_many_roots(sides: &Sides) -> Part {
    let us = &sides.us;
    Part {
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
    }
}

fn at_a_peer() -> Part {
    Part {
        heading: "A PEER TELEPHONES, OR SHOWS TWO DESCRIPTORS UNDER ONE VERSION",
        steps: vec![step(
            OPERATOR,
            "A node freezes such a peer by itself and keeps both. Call back a number known from elsewhere before \
                 you believe anything. It comes back only by the onboarding ceremony.",
            ["selat peer list".to_owned(), "selat peer suspend PEER --reason 'called by its duty officer'".to_owned()],
        )],
    }
}
