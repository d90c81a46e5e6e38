//! Small made-up files through small mappings: one promise at a time.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::Mapping;

/// The beginning of every mapping here; what is tested comes behind it.
const HEAD: &str = r#"
name = "Test"
source = "test"
constants.evaluation = { scheme = "admiralty", reliability = "F", credibility = "6" }
constants.handling = { purposes = ["statistics"], tlp = "green", onward = "none", sensitivity = 1 }
"#;

const INCIDENT: &str = r#"
[[record]]
key = ["id"]
notes = "incident.summary"
constants.incident.kind = "landing"
"#;

const CSV: &str = "[file]\nformat = \"csv\"\nempty = [\"NA\"]\n";

fn mapping(text: &str) -> Mapping {
    Mapping::parse(text).unwrap_or_else(|faults| panic!("{faults:#?}\n{text}"))
}

fn read_with(text: &str, file: &str, joins: &[(&str, &str)]) -> Vec<Row> {
    let joins = joins.iter().map(|(name, text)| {
        let source: Box<dyn Read + Send> = Box::new(io::Cursor::new((*text).to_owned()));
        ((*name).to_owned(), source)
    });
    let rows = mapping(text).read(io::Cursor::new(file.to_owned()), joins.collect(), None).unwrap();
    rows.map(Result::unwrap).collect()
}

/// Rows of an incident mapping: its fields are `fields`.
fn read(fields: &str, file: &str) -> Vec<Row> {
    read_with(&format!("{HEAD}{CSV}{INCIDENT}{fields}"), file, &[])
}

/// The body of the record that a row became, in the JSON form.
fn body(row: &Row) -> Value {
    let draft = row.draft.as_ref().unwrap_or_else(|faults| panic!("{faults:?}"));
    let json = crate::to_json(draft);
    ["incident", "person", "conveyance"].into_iter().find_map(|body| json.get(body).cloned()).unwrap()
}

fn faults(row: &Row) -> Vec<(&str, &str, &str)> {
    let faults = row.draft.as_ref().expect_err("must be refused").iter();
    faults.map(|fault| (fault.column.as_str(), fault.value.as_str(), fault.reason.as_str())).collect()
}

/// One field of one row becomes this body (beside its kind).
fn check(field: &str, header: &str, row: &str, expected: Value) {
    let rows = read(&format!("[[record.field]]\n{field}\n"), &format!("id,{header}\n1,{row}\n"));
    let mut found = body(&rows[0]);
    found.as_object_mut().unwrap().remove("kind");
    assert_eq!(found, expected, "{field}");
}

/// One field of one row is refused for this reason.
fn check_refused(field: &str, header: &str, row: &str, expected: (&str, &str, &str)) {
    let rows = read(&format!("[[record.field]]\n{field}\n"), &format!("id,{header}\n1,{row}\n"));
    assert_eq!(faults(&rows[0]), [expected]);
}

#[test]
fn columns_are_found_by_name_and_by_position() {
    check("to = \"incident.method\"\nfrom = \"how\"", "how", "by night", json!({"method": "by night"}));
    check("to = \"incident.method\"\nfrom = \"2\"", "how", "by night", json!({"method": "by night"}));
    let headless = CSV.to_owned() + "header = false\ncolumns = [\"id\", \"how\"]\ndelimiter = \";\"\nquote = \"'\"\n";
    let field = "[[record.field]]\nto = \"incident.method\"\nfrom = \"how\"\n";
    let rows = read_with(&format!("{HEAD}{headless}{INCIDENT}{field}"), "1;'on; foot'\n", &[]);
    assert_eq!(body(&rows[0])["method"], "on; foot");
}

#[test]
fn missing_columns_are_named_all_at_once() {
    let fields = "[[record.field]]\nto = \"incident.method\"\nfrom = \"how\"\n[[record.field]]\nto = \"incident.source\"\nfrom = \"who\"\n";
    let mapping = mapping(&format!("{HEAD}{CSV}{INCIDENT}{fields}"));
    let opened = mapping.read(io::Cursor::new("id,hwo,x,x\n"), BTreeMap::new(), None);
    let error = opened.err().unwrap().to_string();
    assert_eq!(
        error,
        "main file does not have the columns that the mapping wants: \"how\" (did you mean \"hwo\"); \"who\" (did you mean \"hwo\")"
    );
}

#[test]
fn a_position_beyond_the_header_is_missing_and_a_header_without_end_is_refused() {
    let wants_third = format!("{HEAD}{CSV}{INCIDENT}[[record.field]]\nto = \"incident.method\"\nfrom = \"3\"\n");
    let open = |header: String| mapping(&wants_third).read(io::Cursor::new(header), BTreeMap::new(), None).err();
    assert!(open("id,a,b\n".to_owned()).is_none());
    assert!(matches!(open("id,a\n".to_owned()), Some(ReadError::Columns { missing, .. }) if missing == ["\"3\""]));
    assert!(matches!(open("id,".repeat(COLUMNS_MAX)), Some(ReadError::TooMany { what: "columns", .. })));
}

#[test]
fn rows_may_be_read_on_another_thread() {
    fn is_send<T: Send>() {}
    is_send::<Rows>();
}

#[test]
fn empty_values_say_nothing() {
    let field = "to = \"incident.method\"\nfrom = \"how\"";
    for nothing in ["NA", " NA ", "", "  ", "\u{feff}"] {
        check(field, "how", nothing, json!({}));
    }
}

#[test]
fn dates_are_as_exact_as_their_source() {
    let date = "to = \"incident.when.from\"\nfrom = \"day\"\ndate = [\"%d.%m.%Y\", \"%m/%Y\", \"%Y\"]";
    check(date, "day", "5.12.2020", json!({"when": {"from": "2020-12-05"}}));
    check(date, "day", "12/2020", json!({"when": {"from": "2020-12"}}));
    check(date, "day", "2020", json!({"when": {"from": "2020"}}));
    check_refused(date, "day", "around 2020", ("day", "around 2020", "does not read as %d.%m.%Y or %m/%Y or %Y"));
    let exact = "to = \"incident.when.from\"\nfrom = \"day\"\ndate = \"%Y-%m-%d\"\nprecision_column = \"p\"";
    check(exact, "day,p", "2020-12-05,month", json!({"when": {"from": "2020-12"}}));
    check(exact, "day,p", "2020-12-05,NA", json!({"when": {"from": "2020-12-05"}}));
    let reason = "has the precision \"decade\", which is none of day, month, year";
    check_refused(exact, "day,p", "2020-12-05,decade", ("day", "2020-12-05", reason));
    let always =
        "to = \"incident.when.from\"\nfrom = \"day\"\ndate = \"%Y-%m-%d\"\nprecision = \"year\"\napproximate = true";
    check(always, "day", "2020-12-05", json!({"when": {"from": "2020~"}}));
}

#[test]
fn exact_moments_bring_their_day() {
    let field = "to = \"incident.when.from_time\"\nfrom = \"at\"\nmoment = [\"%Y-%m-%dT%H:%M:%S%:z\"]";
    let expected = json!({"when": {"from": "2020-12-04", "from_time": "2020-12-04T23:30:00Z"}});
    check(field, "at", "2020-12-05T06:30:00+07:00", expected);
}

#[test]
fn numbers_and_coordinates_are_exact() {
    check("to = \"incident.dead\"\nfrom = \"n\"", "n", "0", json!({"dead": 0}));
    check("to = \"incident.dead\"\nfrom = \"n\"\nthousands = \",\"", "n", "\"1,200\"", json!({"dead": 1200}));
    let at_least = json!({"dead": {"number": 3, "at_least": true}});
    check("to = \"incident.dead\"\nfrom = \"n\"\nat_least = true", "n", "3", at_least);
    check_refused("to = \"incident.dead\"\nfrom = \"n\"", "n", "-2", ("n", "-2", "is below zero"));
    let place = "[[record.field]]\nto = \"incident.place.coordinates.latitude\"\nfrom = \"lat\"\n\
                 [[record.field]]\nto = \"incident.place.coordinates.longitude\"\nfrom = \"lon\"\n\
                 [[record.field]]\nto = \"incident.place.coordinates.precision\"\nvalue = \"locality\"\n\
                 skip_when = [{ column = \"lat\", empty = true }]\n";
    let rows = read(place, "id,lat,lon\n1,37.2832,27\n2,NA,NA\n3,91,0\n4,N 37,0\n");
    assert_eq!(
        body(&rows[0])["place"]["coordinates"],
        json!({"latitude": 37.2832, "longitude": 27.0, "precision": "locality"})
    );
    assert_eq!(body(&rows[1]), json!({"kind": "landing"}));
    assert_eq!(faults(&rows[2])[0].0, "lat");
    assert_eq!(faults(&rows[3]), [("lat", "N 37", "\"N 37\" is not decimal degrees such as -8.6705")]);
}

#[test]
fn texts_are_refused_or_cut_as_the_mapping_says() {
    let long = "x".repeat(600);
    let field = "to = \"incident.method\"\nfrom = \"how\"";
    let shown = format!("{}…", "x".repeat(80));
    let by_the_schema = "incident.method: has 600 characters, at most 500 are allowed";
    check_refused(field, "how", &long, ("how", &shown, by_the_schema));
    check_refused(
        &format!("{field}\nmax = 10"),
        "how",
        &long,
        ("how", &shown, "has 600 characters, at most 10 are taken"),
    );
    check(&format!("{field}\nmax = 5\ntoo_long = \"cut\""), "how", &long, json!({"method": "xxxx…"}));
    check(&format!("{field}\ncase = \"upper\""), "how", "été", json!({"method": "ÉTÉ"}));
}

#[test]
fn values_are_combined_and_taken_apart() {
    check(
        "to = \"incident.method\"\nfrom = [\"a\", \"b\", \"c\"]\nwith = \", \"",
        "a,b,c",
        "x,NA,z",
        json!({"method": "x, z"}),
    );
    check("to = \"incident.method\"\ntemplate = \"{a}[ ({b})]\"", "a,b", "x,", json!({"method": "x"}));
    let last = "to = \"incident.method\"\nfrom = \"a\"\npattern = [\"{...}, {value}\", \"{value}\"]";
    check(last, "a", "\"one, two, three\"", json!({"method": "three"}));
    check(last, "a", "one", json!({"method": "one"}));
    check("to = \"incident.method\"\nfrom = \"a\"\npattern = \"No {value}\"", "a", "Number 7", json!({}));
}

const COUNTRIES: &str = "[tables.c]\nbase = \"iso3166-names\"\nrows = { \"Burma\" = \"MMR\", \"Mixed\" = \"\" }\n";

/// A country column with this policy for what is in no table.
fn country(policy: &str, value: &str) -> Row {
    let field =
        format!("[[record.field]]\nto = \"incident.place.country\"\nfrom = \"land\"\ntable = \"c\"\n{policy}\n");
    let summary = "[[record.field]]\nto = \"incident.summary\"\nfrom = \"s\"\n";
    let text = format!("{HEAD}{COUNTRIES}{CSV}{INCIDENT}{field}{summary}");
    read_with(&text, &format!("id,land,s\n1,{value},words\n"), &[]).remove(0)
}

#[test]
fn tables_turn_values_into_codes_and_say_what_they_do_not_know() {
    assert_eq!(body(&country("", "burma"))["place"]["country"], "MMR");
    assert_eq!(body(&country("", "Mixed")).get("place"), None);
    assert_eq!(faults(&country("", "Atlantis")), [("land", "Atlantis", "is in no row of the table c")]);
    assert_eq!(body(&country("on_invalid = \"omit\"", "Atlantis")), json!({"kind": "landing", "summary": "words"}));
    assert_eq!(body(&country("on_invalid = \"use\"\nuse = \"IDN\"", "Atlantis"))["place"]["country"], "IDN");
    let noted = body(&country("on_invalid = \"note\"", "Atlantis"));
    assert_eq!(noted["summary"], "words\nNot taken over: land \"Atlantis\" (is in no row of the table c)");
}

#[test]
fn what_the_records_own_rules_refuse_is_treated_as_the_mapping_says() {
    let vessel = |policy: &str| {
        format!(
            "{HEAD}{CSV}[[record]]\nkey = [\"id\"]\nnotes = \"conveyance.remarks\"\nconstants.conveyance.kind = \"vessel\"\n\
             [[record.field]]\nto = \"conveyance.names[]\"\nfrom = \"name\"\n\
             [[record.field]]\nto = \"conveyance.imo\"\nfrom = \"imo\"\n{policy}\n"
        )
    };
    let file = "id,name,imo\n1,Sea Star,9074729\n2,Sea Moon,9074728\n";
    let rows = read_with(&vessel("on_invalid = \"note\""), file, &[]);
    assert_eq!(body(&rows[0])["imo"], "9074729");
    assert_eq!(body(&rows[1]).get("imo"), None);
    let remarks = "Not taken over: imo \"9074728\" (9074728 does not end in the check digit of an IMO number)";
    assert_eq!(body(&rows[1])["remarks"], remarks);
    let rows = read_with(&vessel(""), file, &[]);
    let reason = "conveyance.imo: 9074728 does not end in the check digit of an IMO number";
    assert_eq!(faults(&rows[1]), [("imo", "9074728", reason)]);
}

const PERSON: &str = r#"
[[record]]
only_when = [{ column = "type", is = "individual" }]
key = ["id"]
notes = "person.descriptions[]"
constants.person.roles = ["suspect"]

[[record.pieces]]
from = "remarks"
by = ";"
trim = "."
rest = "other"
[[record.pieces.take]]
as = "passport"
patterns = ["[alt. ]Passport {number}[ ({issuer})]"]
[[record.pieces.take]]
as = "born"
patterns = ["DOB {date}"]
keep = true
[[record.pieces.take]]
as = "nationality"
patterns = ["nationality {country}"]

[[record.list]]
to = "person.names"
constants.kind = "primary"
field = [
  { to = "text", from = "name" },
  { to = "family", from = "name", pattern = "{value}, {}" },
  { to = "given", from = "name", pattern = "{}, {value}" },
]
[[record.list]]
to = "person.names"
each = "alt"
require = ["text"]
max_items = 3
overflow = "note"
field = [{ to = "text", from = "alt.name" }, { to = "kind", from = "alt.kind", table = "kinds" }]

[[record.list]]
to = "person.documents"
each = "passport"
require = ["number"]
constants.type = "passport"
field = [
  { to = "number", from = "passport.number", on_invalid = "omit" },
  { to = "issuer", from = "passport.issuer", table = "c", on_invalid = "omit" },
]
[[record.field]]
to = "person.birth"
from = "born.date"
date = ["%d %b %Y", "%Y"]
on_invalid = "omit"
[[record.field]]
to = "person.birth"
from = "born.date"
pattern = "circa {value}"
date = "%Y"
approximate = true
[[record.field]]
to = "person.nationalities[]"
from = "nationality.country"
table = "c"
on_invalid = "note"
[[record.field]]
to = "person.descriptions[]"
from = "other"

[[record]]
only_when = [{ column = "type", is = ["vessel", "aircraft"] }]
skip_when = [{ column = "name", is = "X" }]
key = ["type", "id"]
constants.conveyance.kind = "vessel"
[[record.field]]
to = "conveyance.names[]"
from = "name"
[[record.field]]
to = "conveyance.names[]"
from = "alt.name"
"#;

const ALIASES: &str = "[joins.alt]\nfile = \"alt.csv\"\nformat = \"csv\"\nkey = \"who\"\nto = \"id\"\nempty = [\"-0-\"]\n\
                       [tables.kinds]\nrows = { aka = \"alias\", fka = \"former\" }\n";

fn read_list(main: &str, alt: &str) -> Vec<Row> {
    let text = format!("{HEAD}{COUNTRIES}{ALIASES}{CSV}{PERSON}");
    read_with(&text, &format!("id,type,name,remarks\n{main}"), &[("alt", &format!("who,kind,name\n{alt}"))])
}

#[test]
fn a_row_becomes_the_kind_of_record_that_its_conditions_say() {
    let rows = read_list("1,individual,\"DOE, Jane\",\n2,company,Acme,\n3,vessel,Sea Star,\n4,vessel,X,\n", "");
    assert_eq!(
        rows.iter().map(|row| (row.number, row.source_key.as_str())).collect::<Vec<_>>(),
        [(2, "1"), (4, "vessel / 3")]
    );
    assert_eq!(
        body(&rows[0])["names"],
        json!([{"text": "DOE, Jane", "family": "DOE", "given": "Jane", "kind": "primary"}])
    );
    assert_eq!(body(&rows[1])["names"], json!(["Sea Star"]));
}

#[test]
fn joined_rows_become_items_up_to_a_bound() {
    let alt = "1,aka,Jeanne\n9,aka,Nobody\n1,fka,Joan\n1,-0-,-0-\n1,aka,Juana\n3,aka,Stella\n";
    let rows = read_list("1,individual,Jane,\n3,vessel,Sea Star,\n", alt);
    let person = body(&rows[0]);
    let names = json!([
        {"text": "Jane", "kind": "primary"},
        {"text": "Jeanne", "kind": "alias"},
        {"text": "Joan", "kind": "former"},
    ]);
    assert_eq!(person["names"], names);
    assert_eq!(
        person["descriptions"],
        json!(["Not taken over: person.names (at most 3 are taken, 1 more are in the file)"])
    );
    assert_eq!(body(&rows[1])["names"], json!(["Sea Star", "Stella"]));
}

#[test]
fn remarks_are_taken_apart_and_nothing_of_them_is_lost() {
    let remarks = "Passport A1 (Burma); DOB circa 1951; alt. Passport 77; nationality Nepal; nationality Atlantis; \
                   nationality Burma; wears a hat.";
    let person = body(&read_list(&format!("1,individual,Jane,{remarks}\n"), "")[0]);
    let documents = json!([
        {"type": "passport", "number": "A1", "issuer": "MMR"},
        {"type": "passport", "number": "77"},
    ]);
    assert_eq!(person["documents"], documents);
    assert_eq!((&person["birth"], &person["nationalities"]), (&json!("1951~"), &json!(["MMR", "NPL"])));
    let noted = "Not taken over: nationality.country \"Atlantis\" (is in no row of the table c)";
    assert_eq!(person["descriptions"], json!(["DOB circa 1951; wears a hat", noted]));
}

#[test]
fn an_item_that_lost_what_it_must_have_goes_as_a_whole() {
    let remarks = format!("Passport {} (Burma); Passport 5", "9".repeat(41));
    let person = body(&read_list(&format!("1,individual,Jane,{remarks}\n"), "")[0]);
    assert_eq!(person["documents"], json!([{"type": "passport", "number": "5"}]));
}

#[test]
fn the_first_field_that_gives_a_value_counts() {
    let fields = "[[record.field]]\nto = \"incident.method\"\nfrom = \"a\"\n[[record.field]]\nto = \"incident.method\"\nfrom = \"b\"\n";
    let rows = read(fields, "id,a,b\n1,x,y\n2,NA,y\n");
    assert_eq!((&body(&rows[0])["method"], &body(&rows[1])["method"]), (&json!("x"), &json!("y")));
}

#[test]
fn every_fault_of_a_row_is_named_and_stops_no_other_row() {
    let fields = "[[record.field]]\nto = \"incident.dead\"\nfrom = \"n\"\n[[record.field]]\nto = \"incident.missing\"\nfrom = \"m\"\n";
    let rows = read(fields, "id,n,m\n1,x,y\n2,1\n3,\u{1}\u{1b}[31m,2\nNA,1,1\n4,1,1\n4,1,1\n");
    let number = "is not a whole number from 0 to 4294967295";
    assert_eq!(faults(&rows[0]), [("n", "x", number), ("m", "y", number)]);
    assert_eq!(faults(&rows[1]), [("", "2", "has 2 columns, the header has 3")]);
    assert_eq!(faults(&rows[2]), [("n", "\\u{1}\\u{1b}[31m", "holds the control character U+0001")]);
    assert_eq!(faults(&rows[3]), [("id", "", "is part of the key and empty")]);
    assert!(rows[4].draft.is_ok());
    assert_eq!(faults(&rows[5]), [("", "4", "row 6 has the same key")]);
}

#[test]
fn faults_of_the_record_as_a_whole_name_its_field() {
    let text = format!("{HEAD}{CSV}[[record]]\nkey = [\"id\"]\nconstants.incident.method = \"x\"\n");
    let rows = read_with(&text, "id\n1\n", &[]);
    assert_eq!(faults(&rows[0]), [("", "", "incident.kind: is not given")]);
    let long_key = read("", &format!("id\n{}\n", "k".repeat(201)));
    assert!(faults(&long_key[0])[0].2.starts_with("makes a key of 201 characters"));
}

#[test]
fn broken_rows_of_joined_files_are_listed_first() {
    let rows = read_list("1,individual,Jane,\n", "1,aka,J\u{7}\n1,aka\n1,aka,Joan\n");
    assert_eq!(faults(&rows[0]), [("alt:name", "J\\u{7}", "holds the control character U+0007")]);
    assert_eq!(faults(&rows[1]), [("alt:", "1", "has 2 columns, the header has 3")]);
    assert_eq!(body(&rows[2])["names"].as_array().unwrap().len(), 2);
}

#[test]
fn the_mark_at_the_end_of_dos_files_is_no_row() {
    assert_eq!(read("", "id\r\n1\r\n\u{1a}").len(), 1);
    assert_eq!(read("", "\u{feff}id\n1\n\n\u{1a}\n").len(), 1);
}

#[test]
fn json_lines_are_rows_too() {
    let head = format!("{HEAD}{COUNTRIES}[file]\nformat = \"jsonl\"\nempty = [\"NA\"]\n{INCIDENT}");
    let fields = "[[record.field]]\nto = \"incident.dead\"\nfrom = \"people.dead\"\n\
                  [[record.pieces]]\nfrom = \"from\"\nby = \";\"\n[[record.pieces.take]]\nas = \"origin\"\npatterns = [\"{land}\"]\n\
                  [[record.list]]\nto = \"incident.counts\"\neach = \"origin\"\nconstants.number = { number = 1, at_least = true }\n\
                  field = [{ to = \"nationality\", from = \"origin.land\", table = \"c\" }]\n";
    let file = "{\"id\": 7, \"people\": {\"dead\": 2}, \"from\": [\"Nepal\", \"NA\", \"Burma\"], \"more\": {}}\n\n\
                {\"id\": \"8\", \"people\": null}\n[1]\n{\"id\": \n{\"id\": {}}\n\
                {\"id\": 123456789012345678901}\n{\"id\": 12345678901234567890}\n";
    let rows = read_with(&format!("{head}{fields}"), file, &[]);
    let at_least = json!({"number": 1, "at_least": true});
    let counts = json!([{"nationality": "NPL", "number": at_least}, {"nationality": "MMR", "number": at_least}]);
    assert_eq!(body(&rows[0]), json!({"kind": "landing", "dead": 2, "counts": counts}));
    assert_eq!((rows[1].number, body(&rows[1])), (3, json!({"kind": "landing"})));
    assert_eq!(faults(&rows[2]), [("", "[1]", "is not a JSON object")]);
    assert!(faults(&rows[3])[0].2.starts_with("is not JSON: "));
    assert_eq!(faults(&rows[4]), [("id", "{}", "is not a single value or a list of them")]);
    let long = "is a number too long to be read exactly: the file must give it as text";
    assert_eq!(faults(&rows[5])[0].2, long);
    assert_eq!(rows[6].source_key, "12345678901234567890");
}

#[test]
fn other_encodings_are_read_when_the_mapping_names_them() {
    let bytes = b"id,how\n1,\xe9t\xe9\n".to_vec();
    let read = |encoding: &str| {
        let field = "[[record.field]]\nto = \"incident.method\"\nfrom = \"how\"\n";
        let text = format!("{HEAD}{CSV}{encoding}{INCIDENT}{field}");
        mapping(&text).read(io::Cursor::new(bytes.clone()), BTreeMap::new(), None).unwrap().next().unwrap().unwrap()
    };
    assert_eq!(body(&read("encoding = \"latin-1\"\n"))["method"], "été");
    assert_eq!(faults(&read("")), [("how", "\u{fffd}t\u{fffd}", "is not UTF-8 (is encoding = \"latin-1\" meant?)")]);
}

#[test]
fn the_audience_is_the_imports_else_the_mappings_else_nobody() {
    let audience = |text: &str, release_to| {
        let rows = mapping(text).read(io::Cursor::new("id\n1\n"), BTreeMap::new(), release_to).unwrap();
        let draft = rows.last().unwrap().unwrap().draft.unwrap();
        crate::to_json(&draft)["handling"]["releasable_to"].clone()
    };
    let plain = format!("{HEAD}{CSV}{INCIDENT}");
    let own = format!("{plain}constants.handling.releasable_to = [\"MYS\"]\n");
    let all = || Some(crate::release_to("all").unwrap());
    assert_eq!(audience(&plain, None), "nobody");
    assert_eq!(audience(&own, None), json!(["MYS"]));
    assert_eq!(audience(&own, all()), "all");
    assert_eq!(audience(&plain, Some(crate::release_to("IDN").unwrap())), json!(["IDN"]));
}

#[test]
fn a_row_without_an_end_stops_the_reading() {
    for (format, start) in [("csv", "id\n1\n\""), ("jsonl", "{\"id\": \"1\"}\n{\"id\": \"")] {
        let text = format!("{HEAD}[file]\nformat = \"{format}\"\n{INCIDENT}");
        let endless = io::Cursor::new(start.to_owned()).chain(io::repeat(b'x'));
        let mut rows = mapping(&text).read(endless, BTreeMap::new(), None).unwrap();
        assert!(rows.next().unwrap().unwrap().draft.is_ok());
        assert!(matches!(rows.next(), Some(Err(ReadError::RowTooLong { .. }))), "{format}");
        assert!(rows.next().is_none());
        assert!(rows.bytes_read() < 2 * ROW_BYTES_MAX);
    }
}

#[test]
fn a_join_that_was_not_given_is_named() {
    let text = format!("{HEAD}{COUNTRIES}{ALIASES}{CSV}{PERSON}");
    let opened = mapping(&text).read(io::Cursor::new("id,type,name,remarks\n"), BTreeMap::new(), None);
    assert_eq!(opened.err().unwrap().to_string(), "the mapping joins a file as alt, and none was given");
}

#[test]
fn files_are_opened_beside_one_another() {
    let folder = tempfile::tempdir().unwrap();
    let main = folder.path().join("main.csv");
    std::fs::write(&main, "id,type,name,remarks\n1,individual,Jane,\n").unwrap();
    let mapping = mapping(&format!("{HEAD}{COUNTRIES}{ALIASES}{CSV}{PERSON}"));
    assert!(
        matches!(mapping.open(&main, &BTreeMap::new(), None), Err(ReadError::Open { path, .. }) if path.ends_with("alt.csv"))
    );
    std::fs::write(folder.path().join("alt.csv"), "who,kind,name\n1,aka,Joan\n").unwrap();
    let mut rows = mapping.open(&main, &BTreeMap::new(), None).unwrap();
    assert_eq!(body(&rows.next().unwrap().unwrap())["names"].as_array().unwrap().len(), 2);
    assert_eq!(rows.bytes_read(), 40);
}

proptest! {
    #[test]
    fn no_file_makes_the_reader_panic(main: Vec<u8>, alt: Vec<u8>) {
        let text = format!("{HEAD}{COUNTRIES}{ALIASES}{CSV}header = false\n{PERSON}")
            .replace("format = \"csv\"\nkey = \"who\"", "format = \"csv\"\nheader = false\nkey = \"1\"")
            .replace("alt.name", "alt.2").replace("alt.kind", "alt.3").replace("to = \"id\"", "to = \"1\"")
            .replace("[\"type\", \"id\"]", "[\"1\"]").replace("[\"id\"]", "[\"1\"]").replace("\"type\"", "\"2\"")
            .replace("from = \"name\"", "from = \"3\"").replace("column = \"name\"", "column = \"3\"")
            .replace("from = \"remarks\"", "from = \"4\"").replace("is = \"individual\"", "empty = false");
        let joins = BTreeMap::from([("alt".to_owned(), Box::new(io::Cursor::new(alt)) as Box<dyn Read + Send>)]);
        if let Ok(rows) = mapping(&text).read(io::Cursor::new(main), joins, None) {
            for row in rows.flatten() {
                prop_assert!(row.draft.is_ok() || !row.draft.unwrap_err().is_empty());
            }
        }
    }

    #[test]
    fn any_cells_make_a_record_or_a_fault(cells in proptest::collection::vec("[^\"\r\n]{0,40}", 3)) {
        let line = format!("1,individual,\"{}\",\"Passport {}; DOB {}\"\n", cells[0], cells[1], cells[2]);
        let rows = read_list(&line, "");
        prop_assert_eq!(rows.len(), 1);
        prop_assert!(rows[0].draft.is_ok() || !rows[0].draft.as_ref().unwrap_err().is_empty());
    }
}
