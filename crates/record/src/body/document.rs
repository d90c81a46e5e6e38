//! Travel documents. Check digits of the machine-readable zone are not demanded: that they are wrong may be the
//! intelligence.

use super::person::{DOCUMENT_NUMBER_MAX, check_name};
use super::unless_empty;
use crate::pb::{self, DocumentStatus, DocumentType, Sex};
use crate::spot::Spot;
use crate::{codes, date};

/// Characters in a line of a machine-readable zone (Doc 9303 parts 4 to 7).
const MRZ_LINES: [usize; 3] = [30, 36, 44];
/// Lines in a machine-readable zone: three in the smallest format, two in the others.
const MRZ_LINES_MAX: usize = 3;

/// Notes what is wrong with a travel document.
pub(super) fn check(at: &Spot<'_>, document: &pb::TravelDocument) {
    at.field("type").choice::<DocumentType>(document.r#type);
    at.field("number").text(&document.number, 1..=DOCUMENT_NUMBER_MAX);
    codes::check_issuer(&at.field("issuer"), &document.issuer);
    at.field("status").choice::<DocumentStatus>(document.status);
    date::check_optional(&at.field("issued"), document.issued.as_ref());
    date::check_optional(&at.field("expires"), document.expires.as_ref());
    date::check_optional(&at.field("status_since"), document.status_since.as_ref());
    if let Some(holder) = &document.holder {
        check_holder(&at.field("holder"), holder);
    }
    unless_empty(&at.field("mrz"), &document.mrz, check_mrz);
    at.field("remarks").text(&document.remarks, 0..=1000);
}

fn check_holder(at: &Spot<'_>, holder: &pb::Holder) {
    if let Some(name) = &holder.name {
        check_name(&at.field("name"), name);
    }
    date::check_optional(&at.field("birth"), holder.birth.as_ref());
    at.field("sex").known::<Sex>(holder.sex);
    unless_empty(&at.field("nationality"), &holder.nationality, codes::check_nationality);
}

fn check_mrz(at: &Spot<'_>, mrz: &str) {
    let lines = mrz.split('\n').count();
    if lines > MRZ_LINES_MAX {
        at.fault(format!("has {lines} lines, at most {MRZ_LINES_MAX} are allowed"));
        return;
    }
    for (n, line) in mrz.split('\n').enumerate() {
        if !line.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'<') {
            at.fault(format!("holds other characters than A-Z, 0-9 and < in line {}", n + 1));
        } else if !MRZ_LINES.contains(&line.len()) {
            at.fault(format!("has {} characters in line {}, which is not 30, 36 or 44", line.len(), n + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use crate::spot::faults_of;

    /// Changes a good document and compares what is found.
    fn check(change: impl FnOnce(&mut pb::TravelDocument), expected: &str) {
        let mut document = sample::travel_document();
        change(&mut document);
        assert_eq!(faults_of(|at| super::check(at, &document)), expected);
    }

    #[test]
    fn document_says_what_it_is_and_what_became_of_it() {
        check(|_| (), "");
        check(|d| d.r#type = 0, "it.type: is not given");
        check(|d| d.status = 0, "it.status: is not given");
        check(|d| d.number.clear(), "it.number: is empty");
        check(|d| d.issuer.clear(), "it.issuer: is empty");
        check(|d| d.issuer = "XPO".into(), "");
        check(|d| d.issuer = "UTO".into(), "it.issuer: UTO stands for specimens, not for a state");
        check(|d| d.expires = Some(sample::date(2030, 0, 1)), "it.expires: 2030-00-01 is not a date");
        check(|d| d.remarks = "x".repeat(1001), "it.remarks: has 1001 characters, at most 1000 are allowed");
    }

    #[test]
    fn holder_is_checked_like_a_person() {
        let holder = |holder: pb::Holder| move |d: &mut pb::TravelDocument| d.holder = Some(holder);
        check(holder(pb::Holder::default()), "");
        check(
            holder(pb::Holder { name: Some(pb::PersonName::default()), ..Default::default() }),
            "it.holder.name.text: is empty",
        );
        check(
            holder(pb::Holder { nationality: "Indonesia".into(), ..Default::default() }),
            "it.holder.nationality: \"Indonesia\" is not an ISO 3166-1 alpha-3 code or an ICAO special for a nationality",
        );
    }

    #[test]
    fn machine_readable_zone_has_lines_of_known_length() {
        let zone = |text: String| move |d: &mut pb::TravelDocument| d.mrz = text;
        let line = |length: usize| "A<".repeat(length / 2);
        check(zone(String::new()), "");
        check(zone(line(44)), "");
        check(zone([line(44), line(44)].join("\n")), "");
        check(zone([line(30), line(30), line(30)].join("\n")), "");
        check(zone([line(30), line(30), line(30), line(30)].join("\n")), "it.mrz: has 4 lines, at most 3 are allowed");
        check(zone([line(44), line(42)].join("\n")), "it.mrz: has 42 characters in line 2, which is not 30, 36 or 44");
        check(zone(line(44) + "\n"), "it.mrz: has 0 characters in line 2, which is not 30, 36 or 44");
        check(zone(line(44).to_lowercase()), "it.mrz: holds other characters than A-Z, 0-9 and < in line 1");
    }
}
