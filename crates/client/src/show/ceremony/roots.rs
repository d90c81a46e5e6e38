//! New roots: the root keys are replaced, or their holders change.

use super::{BOTH, OPERATOR, Page, Part, Sides, step};

/// The root keys are replaced.
pub(crate) fn roots(sides: &Sides) -> Page {
    let us = &sides.us;
    Page {
        name: "roots",
        title: format!("New root keys of {us}"),
        opening: "The old holders, the new holders, one who drafts, and the operator. Files go from hand to hand on a \
                  stick; root keys never leave their owners' machines and never touch the node."
            .to_owned(),
        parts: vec![making(sides), drafting(sides), signing(sides), when_too_few_are_left()],
    }
}

fn making(sides: &Sides) -> Part {
    let us = &sides.us;
    Part {
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
    }
}

fn drafting(sides: &Sides) -> Part {
    let us = &sides.us;
    Part {
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
    }
}

fn signing(sides: &Sides) -> Part {
    let us = &sides.us;
    Part {
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
    }
}

fn when_too_few_are_left() -> Part {
    Part {
        heading: "WHEN TOO FEW OLD ROOT KEYS ARE LEFT",
        steps: vec![step(
            BOTH,
            "No version can follow. Make a new node with new roots; every peer removes the old one and does the \
             onboarding ceremony again.",
            [],
        )],
    }
}
