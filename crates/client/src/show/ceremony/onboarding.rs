//! Onboarding: two people get to know each other's node.

use super::{BOTH, Page, Part, Sides, step};

/// Two people get to know each other's node.
pub(crate) fn onboarding(sides: &Sides) -> Page {
    let Sides { us, them } = sides;
    Page {
        name: "onboarding",
        title: format!("Onboarding: {us} and {them}"),
        opening:
            "Two people, one at each node. The files may travel by mail or on a stick. The words go over a second \
                  channel that does not depend on the two nodes: a video call, a telephone, a meeting."
                .to_owned(),
        parts: vec![before_the_day(sides), on_the_call(sides), afterwards(sides), when_the_words_differ(sides)],
    }
}

fn before_the_day(sides: &Sides) -> Part {
    let Sides { us, them } = sides;
    Part {
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
    }
}

fn on_the_call(sides: &Sides) -> Part {
    let Sides { us, them } = sides;
    Part {
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
    }
}

fn afterwards(sides: &Sides) -> Part {
    let Sides { us, them } = sides;
    Part {
        heading: "AFTERWARDS",
        steps: vec![
            step(BOTH, "Every step is ok.", [format!("selat peer ping {them}"), format!("selat peer ping {us}")]),
            step(
                BOTH,
                "State approved, by whom, when, over which channel. Print it, sign it, file it.",
                [format!("selat peer show {them}"), format!("selat peer show {us}")],
            ),
        ],
    }
}

fn when_the_words_differ(sides: &Sides) -> Part {
    let Sides { us, them } = sides;
    Part {
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
    }
}
