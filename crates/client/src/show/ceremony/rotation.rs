//! Rotation: a working key is replaced with overlap.

use super::{OPERATOR, Page, Part, Sides, publish, sign, step};

/// A working key is replaced with overlap.
pub(crate) fn rotation(sides: &Sides) -> Page {
    let us = &sides.us;
    Page {
        name: "rotation",
        title: format!("Rotation of a working key of {us}"),
        opening: "The operator at the node, and as many holders of root keys as the threshold says, each on a machine \
                  that is on no network. Nothing stops meanwhile: both keys count while the turn lasts."
            .to_owned(),
        parts: vec![announcing(sides), taking_over(sides), when_it_goes_wrong(sides)],
    }
}

fn announcing(sides: &Sides) -> Part {
    let us = &sides.us;
    Part {
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
    }
}

fn taking_over(sides: &Sides) -> Part {
    let us = &sides.us;
    Part {
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
    }
}

fn when_it_goes_wrong(sides: &Sides) -> Part {
    let us = &sides.us;
    Part {
        heading: "WHEN SOMETHING GOES WRONG",
        steps: vec![
            step(OPERATOR, "Any command may be run again: it goes on where it stopped.", []),
            step(
                OPERATOR,
                "Undo a turn that has been begun. If its successor was announced already, this makes a draft that \
                 drops it: have it signed and publish it.",
                [format!("selat key rotate record --abandon --file {us}-c.draft")],
            ),
        ],
    }
}
