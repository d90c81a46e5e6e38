//! Vessels, vehicles and aircraft, and the identifiers that tell a typing error.

use super::{NAME_MAX, unless_empty};
use crate::check_digits::{imo_holds, vin_check_character};
use crate::codes;
use crate::pb::{self, ConveyanceKind};
use crate::spot::Spot;
use crate::text::quoted;

/// Notes what is wrong with a conveyance.
pub(super) fn check(at: &Spot<'_>, conveyance: &pb::Conveyance) {
    at.field("kind").choice::<ConveyanceKind>(conveyance.kind);
    at.field("names").each(&conveyance.names, 0..=32, |at, name| at.text(name, 1..=NAME_MAX));
    if conveyance.names.is_empty() && identifiers(conveyance).all(str::is_empty) {
        at.fault("has neither a name nor an identifier");
    }
    unless_empty(&at.field("flag"), &conveyance.flag, codes::check_state);
    unless_empty(&at.field("imo"), &conveyance.imo, check_imo);
    unless_empty(&at.field("mmsi"), &conveyance.mmsi, check_mmsi);
    unless_empty(&at.field("call_sign"), &conveyance.call_sign, check_call_sign);
    at.field("registration").text(&conveyance.registration, 0..=20);
    unless_empty(&at.field("vin"), &conveyance.vin, check_vin);
    at.field("model").text(&conveyance.model, 0..=100);
    at.field("owner").text(&conveyance.owner, 0..=200);
    at.field("remarks").text(&conveyance.remarks, 0..=1000);
}

/// All identifiers, given or empty.
pub(crate) fn identifiers(conveyance: &pb::Conveyance) -> impl Iterator<Item = &str> {
    let pb::Conveyance { imo, mmsi, call_sign, registration, vin, .. } = conveyance;
    [imo, mmsi, call_sign, registration, vin].into_iter().map(String::as_str)
}

fn check_imo(at: &Spot<'_>, imo: &str) {
    if !is_digits(imo, 7) {
        at.fault(format!("{} is not seven digits", quoted(imo)));
    } else if !imo_holds(imo) {
        at.fault(format!("{imo} does not end in the check digit of an IMO number"));
    }
}

/// A maritime identification digits code begins with 2 to 7, the region of the world (ITU-R M.585).
fn check_mmsi(at: &Spot<'_>, mmsi: &str) {
    if !is_digits(mmsi, 9) {
        at.fault(format!("{} is not nine digits", quoted(mmsi)));
    } else if !mmsi.starts_with(|c| ('2'..='7').contains(&c)) {
        at.fault(format!("{mmsi} does not begin with maritime identification digits (2 to 7 first)"));
    }
}

fn check_call_sign(at: &Spot<'_>, sign: &str) {
    if !(3..=10).contains(&sign.len()) || !sign.bytes().all(|b| b.is_ascii_alphanumeric()) {
        at.fault(format!("{} is not 3 to 10 letters and digits", quoted(sign)));
    }
}

/// North American makers, whose numbers begin with 1 to 5, must use the check digit; elsewhere the ninth place is free.
fn check_vin(at: &Spot<'_>, vin: &str) {
    let Some(expected) = vin_check_character(vin) else {
        at.fault(format!("{} is not 17 upper-case letters and digits without I, O and Q", quoted(vin)));
        return;
    };
    let north_american = vin.starts_with(|c| ('1'..='5').contains(&c));
    if north_american && vin.chars().nth(8) != Some(expected) {
        at.fault(format!("{vin} does not have its check digit {expected} in the ninth place"));
    }
}

fn is_digits(text: &str, count: usize) -> bool {
    text.len() == count && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use crate::spot::faults_of;

    /// Changes a good conveyance and compares what is found.
    fn check(change: impl FnOnce(&mut pb::Conveyance), expected: &str) {
        let mut conveyance = sample::conveyance();
        change(&mut conveyance);
        assert_eq!(faults_of(|at| super::check(at, &conveyance)), expected);
    }

    #[test]
    fn conveyance_has_a_name_or_an_identifier() {
        check(|_| (), "");
        check(|c| c.names.clear(), "");
        check(|c| *c = pb::Conveyance { kind: 1, names: vec!["Sea Star".into()], ..Default::default() }, "");
        check(
            |c| *c = pb::Conveyance { kind: 1, flag: "PAN".into(), ..Default::default() },
            "it: has neither a name nor an identifier",
        );
        check(|c| c.kind = 0, "it.kind: is not given");
        check(|c| c.names = vec![String::new()], "it.names[0]: is empty");
    }

    #[test]
    fn imo_number_ends_in_its_check_digit() {
        let imo = |number: &'static str| move |c: &mut pb::Conveyance| c.imo = number.into();
        check(imo("9074729"), "");
        check(imo(""), "");
        check(imo("9074728"), "it.imo: 9074728 does not end in the check digit of an IMO number");
        check(imo("IMO 9074729"), "it.imo: \"IMO 9074729\" is not seven digits");
    }

    #[test]
    fn mmsi_is_nine_digits_of_a_region() {
        let mmsi = |number: &'static str| move |c: &mut pb::Conveyance| c.mmsi = number.into();
        check(mmsi("525000001"), "");
        check(mmsi("52500000"), "it.mmsi: \"52500000\" is not nine digits");
        check(
            mmsi("025000001"),
            "it.mmsi: 025000001 does not begin with maritime identification digits (2 to 7 first)",
        );
    }

    #[test]
    fn vin_check_digit_counts_for_north_american_makers_alone() {
        let vin = |number: &'static str| move |c: &mut pb::Conveyance| c.vin = number.into();
        check(vin("1M8GDM9AXKP042788"), "");
        check(vin("1M8GDM9A1KP042788"), "it.vin: 1M8GDM9A1KP042788 does not have its check digit X in the ninth place");
        // The same number from a maker elsewhere.
        check(vin("WM8GDM9A1KP042788"), "");
        check(
            vin("1M8GDM9AXKP04278O"),
            "it.vin: \"1M8GDM9AXKP04278O\" is not 17 upper-case letters and digits without I, O and Q",
        );
    }

    #[test]
    fn call_sign_and_registration_are_short() {
        check(|c| c.call_sign = "YB".into(), "it.call_sign: \"YB\" is not 3 to 10 letters and digits");
        check(|c| c.call_sign = "YB-123".into(), "it.call_sign: \"YB-123\" is not 3 to 10 letters and digits");
        check(|c| c.registration = "x".repeat(21), "it.registration: has 21 characters, at most 20 are allowed");
        check(|c| c.flag = "XXX".into(), "it.flag: \"XXX\" is not an ISO 3166-1 alpha-3 code");
    }
}
