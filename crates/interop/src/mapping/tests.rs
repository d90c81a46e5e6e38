//! What a mapping may say, and what is said about a wrong one.

use proptest::prelude::*;

use super::*;

/// A mapping that is right, to be broken in one place.
const GOOD: &str = r#"name = "Landings"
source = "landings"

[file]
format = "csv"

[tables.countries]
base = "iso3166-names"
rows = { "Holland" = "NLD" }

[[record]]
key = ["id"]
constants.incident.kind = "landing"

[[record.field]]
to = "incident.place.country"
from = "country"
table = "countries"
"#;

/// The faults of a mapping, as `line:column problem; mend`.
fn faults(text: &str) -> Vec<String> {
    let faults = Mapping::parse(text).expect_err("must be refused");
    faults.iter().map(|fault| format!("{}:{} {}; {}", fault.line, fault.column, fault.problem, fault.mend)).collect()
}

/// Replaces a part of the good mapping and expects exactly these faults.
fn check(old: &str, new: &str, expected: &[&str]) {
    assert!(GOOD.contains(old), "{old}");
    assert_eq!(faults(&GOOD.replace(old, new)), expected);
}

/// Adds a section at the end of the good mapping and expects exactly these faults.
fn check_added(section: &str, expected: &[&str]) {
    assert_eq!(faults(&format!("{GOOD}{section}")), expected);
}

#[test]
fn a_good_mapping_is_accepted() {
    let mapping = Mapping::parse(GOOD).unwrap_or_else(|faults| panic!("{faults:#?}"));
    assert_eq!((mapping.name(), mapping.source(), mapping.valid_days()), ("Landings", "landings", None));
    assert_eq!(mapping.joins().count(), 0);
}

#[test]
fn all_faults_are_found_at_once_in_the_order_of_the_text() {
    let text = GOOD
        .replace("source =", "sauce =")
        .replace("format = \"csv\"", "format = \"xlsx\"")
        .replace("\"landing\"", "\"party\"");
    assert_eq!(
        faults(&text),
        [
            "1:1 source is missing; add source = \"coast-guard-incidents\"",
            "5:10 format cannot be \"xlsx\"; use one of csv, jsonl",
        ]
    );
    let text =
        GOOD.replace("sauce =", "source =").replace("\"landing\"", "\"party\"").replace("to = \"inc", "to = \"unc");
    assert_eq!(
        faults(&text.replace("source =", "sauce =")),
        [
            "1:1 source is missing; add source = \"coast-guard-incidents\"",
            "2:1 \"sauce\" is not a key of this section; did you mean source",
            "13:27 incident.kind: \"party\" is not one of death_or_disappearance, interception, landing, rescue, \
             illegal_entry, refused_entry, other; see the manual for names and values",
            "16:6 \"uncident\" is not a field of Record, did you mean \"incident\"; see the manual for the names of the fields",
        ]
    );
}

#[test]
fn what_is_no_toml_is_said_with_its_place() {
    let found = faults("name = \nsource = \"x");
    assert!(found.len() >= 2 && found[0].starts_with("1:8 ") && found[1].starts_with("2:"), "{found:?}");
}

#[test]
fn a_mapping_too_long_is_refused_unread() {
    let found = faults(&"#".repeat(MAPPING_BYTES_MAX + 1));
    assert_eq!(found, ["1:1 the mapping is longer than 1048576 bytes; is this the right file?"]);
}

#[test]
fn keys_and_types_are_checked() {
    check("base =", "bass =", &["8:1 \"bass\" is not a key of this section; did you mean base"]);
    check(
        "base = \"iso3166-names\"",
        "base = \"iso\"",
        &["8:8 base cannot be \"iso\"; use one of iso3166-names, iso3166-alpha2, iso3166-alpha3"],
    );
    check(
        "from = \"country\"",
        "from = 3",
        &["17:8 from must be text in quotes, or a list of texts, not integer; \
         give from text in quotes, or a list of texts"],
    );
    check(
        "format = \"csv\"",
        "format = \"csv\"\ndelimiter = \"::\"",
        &["6:13 delimiter must be one ASCII character; write delimiter = \";\""],
    );
    check(
        "format = \"csv\"",
        "format = \"csv\"\ncolumns = [\"id\"]",
        &["6:11 a file with a header line names its columns itself; take columns out, or write header = false"],
    );
    check(
        "[\"id\"]",
        "[\"id\"]\nnotes = \"incident.kind\"",
        &["13:9 notes must go into a text; name a text field, for example incident.summary"],
    );
    check(
        "source = \"landings\"",
        "source = \"landings\"\nvalid_days = 0",
        &[
            "3:14 valid_days must be a whole number from 1 to 36500, not integer; give valid_days a whole number from 1 to 36500",
        ],
    );
}

#[test]
fn a_record_needs_a_key_and_a_file_a_record() {
    check(
        "key = [\"id\"]",
        "",
        &["11:1 key is missing; add key = [\"id\"]: the columns that tell one record from another"],
    );
    let none = "name = \"x\"\nsource = \"y\"\n[file]\nformat = \"csv\"\n";
    assert_eq!(faults(none), ["1:1 there is no [[record]]; add one for each kind of record"]);
    assert_eq!(faults("name = \"x\"\nsource = \"y\"\n"), ["1:1 [file] is missing; add [file] with format = \"csv\""]);
}

#[test]
fn a_table_must_exist_and_give_what_the_field_takes() {
    check(
        "table = \"countries\"",
        "table = \"country\"",
        &["18:9 there is no table \"country\"; did you mean \"countries\""],
    );
    let wrong = faults(
        &GOOD.replace("\"incident.place.country\"", "\"incident.kind\"").replace("base = \"iso3166-names\"\n", ""),
    );
    assert_eq!(
        wrong,
        ["17:9 the table gives what does not fit: kind: \"NLD\" is not one of death_or_disappearance, interception, \
         landing, rescue, illegal_entry, refused_entry, other; correct the row of [tables.countries.rows]"]
    );
}

#[test]
fn paths_follow_the_schema() {
    let to = "to = \"incident.place.country\"\nfrom = \"country\"\ntable = \"countries\"";
    for (path, problem) in [
        ("incident.place", "place is a group of fields"),
        ("incident.counts", "counts is a list: write [] after it, or use [[record.list]]"),
        ("incident.counts.number", "counts is a list: fill it with [[record.list]]"),
        ("incident.dead.number", "dead is a single value and has no fields"),
        ("incident.method[]", "method is no list: take [] away"),
        ("incident.methd", "\"methd\" is not a field of Incident, did you mean \"method\""),
    ] {
        let found = faults(&GOOD.replace(to, &format!("to = \"{path}\"\nfrom = \"country\"")));
        assert!(found.len() == 1 && found[0].contains(problem), "{path}: {found:?}");
    }
}

#[test]
fn a_field_has_one_source() {
    check(
        "from = \"country\"\n",
        "",
        &["15:1 a field has one source; give one of from = \"column\", template = \"...\", value = ..."],
    );
    check(
        "from = \"country\"",
        "from = \"country\"\nvalue = \"NLD\"",
        &["15:1 a field has one source; give one of from = \"column\", template = \"...\", value = ..."],
    );
    check_added(
        "[[record.field]]\nto = \"incident.method\"\ntemplate = \"{a\"\n",
        &["21:12 the template has a { that is never closed; see the manual for how templates are written"],
    );
    check_added(
        "[[record.field]]\nto = \"incident.dead\"\nvalue = \"many\"\n",
        &["21:9 dead: must be a whole number, or an object with number and at_least, not text; correct the value"],
    );
}

#[test]
fn keys_that_do_not_fit_the_kind_of_field_are_refused() {
    check_added(
        "[[record.field]]\nto = \"incident.dead\"\nfrom = \"dead\"\nmax = 3\n",
        &["22:1 \"max\" is not a key of this section; known here are at_least, from, on_invalid, only_when, pattern, \
         skip_when, template, thousands, to, value, with"],
    );
    check_added(
        "[[record.field]]\nto = \"incident.when.from\"\nfrom = \"day\"\n",
        &["19:1 date is missing; add date = \"%Y-%m-%d\""],
    );
    let both = "date = \"%Y\"\nprecision = \"year\"\nprecision_column = \"p\"\n";
    check_added(
        &format!("[[record.field]]\nto = \"incident.when.from\"\nfrom = \"day\"\n{both}"),
        &["24:20 a date has one precision; take precision or precision_column away"],
    );
}

#[test]
fn what_is_done_with_invalid_values_must_be_possible() {
    check(
        "table = \"countries\"",
        "table = \"countries\"\non_invalid = \"note\"",
        &["19:14 the record has no place for notes; add notes = \"<a text field>\" to the [[record]]"],
    );
    check(
        "table = \"countries\"",
        "table = \"countries\"\non_invalid = \"use\"",
        &["19:14 use is missing; add use = \"the value to use instead\""],
    );
    check(
        "table = \"countries\"",
        "table = \"countries\"\non_invalid = \"drop\"",
        &["19:14 on_invalid cannot be \"drop\"; use one of error, omit, note, use"],
    );
}

#[test]
fn pieces_and_lists_are_checked() {
    let pieces = "[[record.pieces]]\nfrom = \"remarks\"\nby = \";\"\n";
    check_added(
        &format!("{pieces}[[record.pieces.take]]\nas = \"a.b\"\npatterns = [\"{{x}}\"]\n"),
        &["23:6 \"a.b\" is taken already, empty, or has a full stop; choose another name"],
    );
    check_added(
        &format!("{pieces}[[record.pieces.take]]\nas = \"p\"\npatterns = [\"{{x}} {{x}}\"]\n"),
        &["24:13 the pattern has the slot {x} twice; see the manual for how patterns are written"],
    );
    check_added(
        &format!("{pieces}[[record.pieces.take]]\nas = \"p\"\n"),
        &["22:1 patterns is missing; add patterns = [\"Passport {number}\"]"],
    );
    check_added(
        "[[record.list]]\nto = \"incident.counts\"\neach = \"alt\"\nfield = [{ to = \"number\", from = \"n\" }]\n",
        &["21:8 there are no items called \"alt\"; name a join, or what a [[record.pieces.take]] is called in as"],
    );
    check_added(
        "[[record.list]]\nto = \"incident.modes\"\n",
        &["20:6 incident.modes is a list of single values; write [[record.field]] with to = \"incident.modes[]\""],
    );
    check_added(
        "[[record.list]]\nto = \"incident.counts\"\nrequire = [\"numbr\"]\n",
        &["21:12 \"numbr\" is not a field of PeopleCount, did you mean \"number\"; name fields of the items"],
    );
    check_added(
        "[[record.list]]\nto = \"incident.counts\"\nconstants.sex = \"male?\"\n",
        &["21:17 sex: \"male?\" is not one of female, male, x; correct the value"],
    );
}

#[test]
fn slots_and_columns_named_in_the_mapping_are_known() {
    let take = "[[record.pieces]]\nfrom = \"r\"\n[[record.pieces.take]]\nas = \"p\"\npatterns = [\"{a} {b}\"]\n";
    check_added(
        &format!("{take}[[record.field]]\nto = \"incident.method\"\nfrom = \"p.c\"\n"),
        &["26:8 \"p.c\" is not one of p.a, p.b; correct the name"],
    );
    check(
        "format = \"csv\"",
        "format = \"csv\"\nheader = false\ncolumns = [\"id\", \"county\"]",
        &["19:8 the file has no column \"country\"; did you mean \"county\""],
    );
    check(
        "format = \"csv\"",
        "format = \"csv\"\nheader = false\ncolumns = [\"id\"]",
        &[
            "19:8 the file has no column \"country\"; give its position from 1, or name all columns with columns = [...]",
        ],
    );
}

#[test]
fn a_pattern_of_a_field_keeps_one_part_and_a_condition_has_one_test() {
    check(
        "table = \"countries\"",
        "table = \"countries\"\npattern = \"{a}, {b}\"",
        &[
            "19:11 the pattern of a field keeps exactly one part; name the part to keep, as in \"{}, {value}\"; {} takes what \
         is not kept",
        ],
    );
    check(
        "key = [\"id\"]",
        "key = [\"id\"]\nonly_when = [{ column = \"type\" }]",
        &["13:14 a condition has one test; give one of is = \"...\", is_not = \"...\", empty = true"],
    );
}

#[test]
fn joins_are_checked() {
    let join = "[joins.alt]\nfile = \"alt.csv\"\nformat = \"csv\"\nkey = \"id\"\nto = \"id\"\n";
    let text = format!("{GOOD}{join}");
    let mapping = Mapping::parse(&text).unwrap();
    assert_eq!(mapping.joins().collect::<Vec<_>>(), [("alt", "alt.csv")]);
    check_added(&join.replace("key = \"id\"\n", ""), &["19:1 key is missing; add key = \"person id\""]);
    check_added(
        &join.replace("alt]", "\"a.b\"]"),
        &["19:8 the name of a join has a full stop; choose a name without one"],
    );
}

#[test]
fn a_mapping_nested_beyond_reason_is_refused() {
    for nested in [format!("a = {}", "[".repeat(100_000)), format!("{} = 1", vec!["constants"; 100_000].join("."))] {
        assert!(!faults(&nested).is_empty());
    }
}

proptest! {
    #[test]
    fn a_mapping_with_a_hole_is_accepted_or_its_faults_are_placed(from in 0..GOOD.len(), length in 0_usize..200) {
        let text: String = GOOD.char_indices().filter(|(at, _)| !(from..from + length).contains(at)).map(|(_, c)| c).collect();
        if let Err(faults) = Mapping::parse(&text) {
            prop_assert!(!faults.is_empty());
            prop_assert!(faults.iter().all(|fault| (1..=text.lines().count() + 1).contains(&fault.line)), "{:?}", faults);
        }
    }
}
