//! The schema: rules that the `.proto` syntax cannot state and that other implementers rely on.
//!
//! A payload is signed as bytes, so two encoders must make the same bytes of it: that is why a oneof's tags lie
//! together, why there is no map, float, `Any` or `optional` in a payload, and why fields are declared in the order of
//! their numbers. Leaves out what the compiler refuses by itself: a number used twice or reserved.

use protox::Compiler;
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};
use protox::prost_reflect::prost_types::field_descriptor_proto::Type;
use protox::prost_reflect::prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto,
};
use selat_record::{Payload, pb};

use crate::finding::{Finding, assert_found, assert_tidy};
use crate::tree;

const FOLDER: &str = "proto/selat/v1";

#[test]
fn schema_keeps_the_rules_of_canonical_payloads() {
    let files = compiled();
    assert!(files.iter().any(is_payload_file), "no payload*.proto in {FOLDER}");
    assert_tidy(&files.iter().flat_map(review).collect::<Vec<_>>());
}

#[test]
fn every_payload_opens_with_its_header_and_states_its_type_and_bound() {
    let files = compiled();
    let payloads = [
        Stated::by::<pb::Descriptor>("Descriptor"),
        Stated::by::<pb::Acceptance>("Acceptance"),
        Stated::by::<pb::Record>("Record"),
        Stated::by::<pb::Query>("Query"),
        Stated::by::<pb::Answer>("Answer"),
    ];
    let declared =
        tree::read("crates/record/src/payload.rs").lines().filter(|line| line.starts_with("payload!(")).count();
    assert_eq!(payloads.len(), declared, "list here each payload of crates/record/src/payload.rs");
    assert_tidy(&payloads.iter().flat_map(|payload| payload.review(&files)).collect::<Vec<_>>());
}

/// What the code says of a payload, to hold the schema's words against.
struct Stated {
    message: &'static str,
    payload_type: &'static str,
    max_bytes: usize,
}

impl Stated {
    fn by<P: Payload>(message: &'static str) -> Self {
        Self { message, payload_type: P::TYPE, max_bytes: P::MAX_BYTES }
    }

    fn review(&self, files: &[FileDescriptorProto]) -> Vec<Finding> {
        let message =
            |file: &FileDescriptorProto| file.message_type.iter().find(|it| it.name() == self.message).cloned();
        let Some((file, message)) = files.iter().find_map(|file| Some((file, message(file)?))) else {
            return vec![Finding::new(FOLDER, format!("message {} is missing", self.message), "add it")];
        };
        let at = format!("proto/{}", file.name());
        let mut findings = Vec::new();
        if !message.field.first().is_some_and(|field| field.number() == 1 && field.type_name() == ".selat.v1.Header") {
            let mend = "its first field is `Header header = 1`, so that all of the header is signed";
            findings.push(Finding::new(&at, format!("payload {} has no header", self.message), mend));
        }
        let text = tree::read(&at);
        let bound = format!("At most {} bytes", grouped(self.max_bytes));
        for words in [format!("\"{}\"", self.payload_type), bound] {
            if !text.replace("\n// ", " ").contains(&words) {
                let what = format!("nowhere says {words} of {}", self.message);
                findings.push(Finding::new(&at, what, "say in the schema what the code holds others to"));
            }
        }
        findings
    }
}

/// With commas between thousands, as the schema writes numbers.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().filter_map(|group| str::from_utf8(group).ok()).collect();
    groups.join(",")
}

fn compiled() -> Vec<FileDescriptorProto> {
    let mut compiler = Compiler::new([tree::root().join("proto")]).expect("the folder proto exists");
    for path in tree::files(FOLDER, ".proto") {
        let opened = compiler.open_file(path.trim_start_matches("proto/"));
        assert!(opened.is_ok(), "{path} does not compile: {:?}", opened.err());
    }
    compiler.file_descriptor_set().file
}

fn is_payload_file(file: &FileDescriptorProto) -> bool {
    file.name().starts_with("selat/v1/payload")
}

fn review(file: &FileDescriptorProto) -> Vec<Finding> {
    let review = Review { file };
    let messages = file.message_type.iter().flat_map(|message| review.message(message));
    let enums = file.enum_type.iter().flat_map(|kind| review.enumeration(kind));
    messages.chain(enums).collect()
}

struct Review<'a> {
    file: &'a FileDescriptorProto,
}

impl Review<'_> {
    fn message(&self, message: &DescriptorProto) -> Vec<Finding> {
        let mut findings: Vec<Finding> = self.order(message).into_iter().collect();
        findings.extend(self.oneofs(message));
        let names = message.field.iter().map(|field| field.name());
        findings.extend(self.reserved(message.name(), &message.reserved_name, names));
        if is_payload_file(self.file) {
            findings.extend(message.field.iter().filter_map(|field| self.payload_field(message, field)));
        }
        findings.extend(message.enum_type.iter().flat_map(|kind| self.enumeration(kind)));
        let maps_aside = message.nested_type.iter().filter(|nested| !is_map_entry(nested));
        findings.extend(maps_aside.flat_map(|nested| self.message(nested)));
        findings
    }

    fn order(&self, message: &DescriptorProto) -> Option<Finding> {
        let pairs = message.field.iter().zip(message.field.iter().skip(1));
        let (before, after) = pairs.into_iter().find(|(before, after)| before.number() >= after.number())?;
        let what = format!("{}.{} stands after .{}", message.name(), after.name(), before.name());
        Some(self.finding(what, "declare fields in the order of their numbers: that is the order of the bytes"))
    }

    fn oneofs(&self, message: &DescriptorProto) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (index, oneof) in (0..).zip(&message.oneof_decl) {
            let members = message.field.iter().filter(|field| field.oneof_index == Some(index));
            let mut tags: Vec<i32> = members.map(FieldDescriptorProto::number).collect();
            tags.sort_unstable();
            if tags.iter().zip(tags.iter().skip(1)).any(|(tag, next)| tag + 1 != *next) {
                let what = format!("the tags of oneof {}.{} are {tags:?}", message.name(), oneof.name());
                findings.push(self.finding(what, "make them contiguous: encoders place oneofs differently"));
            }
        }
        findings
    }

    fn payload_field(&self, message: &DescriptorProto, field: &FieldDescriptorProto) -> Option<Finding> {
        let map = message.nested_type.iter().any(|nested| is_map_entry(nested) && is_of_type(field, nested.name()));
        let (kind, mend) = match field.r#type() {
            Type::Float | Type::Double => ("a float", "use a scaled integer and name its unit"),
            _ if map => ("a map", "use a repeated message that is sorted by its key"),
            _ if field.type_name() == ".google.protobuf.Any" => ("an Any", "name the messages in a oneof"),
            _ if field.proto3_optional() => ("optional", "a set default would be sent; wrap it in a message"),
            _ if field.options.as_ref().is_some_and(|options| options.packed == Some(false)) => {
                ("not packed", "take the option away: repeated scalars are packed")
            }
            _ => return None,
        };
        Some(self.finding(format!("{}.{} is {kind}", message.name(), field.name()), mend))
    }

    /// The compiler refuses reserved numbers, not reserved names: a name that comes back misleads the JSON form.
    fn reserved<'a>(&self, of: &str, reserved: &[String], names: impl Iterator<Item = &'a str>) -> Vec<Finding> {
        let again = names.filter(|name| reserved.iter().any(|old| old == name));
        again.map(|name| self.finding(format!("{of}.{name} was reserved"), "take another name")).collect()
    }

    fn enumeration(&self, kind: &EnumDescriptorProto) -> Vec<Finding> {
        let prefix = screaming(kind.name());
        let zero = kind.value.iter().find(|value| value.number() == 0);
        let names = kind.value.iter().map(|value| value.name());
        let mut findings = self.reserved(kind.name(), &kind.reserved_name, names);
        if zero.map(|value| value.name()) != Some(&format!("{prefix}_UNSPECIFIED")) {
            let mend = format!("call it {prefix}_UNSPECIFIED: zero is what is sent when nothing is given");
            findings.push(self.finding(format!("zero of enum {} has a meaning", kind.name()), &mend));
        }
        for value in kind.value.iter().filter(|value| !value.name().starts_with(&format!("{prefix}_"))) {
            let mend = format!("begin it with {prefix}_: the values of all enums share one name space");
            findings.push(self.finding(format!("{} belongs to enum {}", value.name(), kind.name()), &mend));
        }
        findings
    }

    fn finding(&self, what: String, mend: &str) -> Finding {
        Finding::new(format!("proto/{}", self.file.name()), what, mend)
    }
}

fn is_map_entry(message: &DescriptorProto) -> bool {
    message.options.as_ref().is_some_and(|options| options.map_entry())
}

fn is_of_type(field: &FieldDescriptorProto, name: &str) -> bool {
    field.type_name().rsplit('.').next() == Some(name)
}

/// `RecordKind` as `RECORD_KIND`.
fn screaming(name: &str) -> String {
    let mut screaming = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !screaming.is_empty() {
            screaming.push('_');
        }
        screaming.push(letter.to_ascii_uppercase());
    }
    screaming
}

/// A payload schema that is not in the tree.
struct Sample(String);

impl FileResolver for Sample {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        if name == SAMPLE { File::from_source(name, &self.0) } else { Err(protox::Error::file_not_found(name)) }
    }
}

const SAMPLE: &str = "selat/v1/payload_sample.proto";

fn compile_sample(body: &str) -> Result<FileDescriptorProto, protox::Error> {
    let import = if body.contains("google") { "import \"google/protobuf/any.proto\";" } else { "" };
    let mut resolver = ChainFileResolver::new();
    resolver.add(GoogleFileResolver::new());
    resolver.add(Sample(format!("syntax = \"proto3\"; package selat.v1; {import} {body}")));
    let mut compiler = Compiler::with_file_resolver(resolver);
    compiler.open_file(SAMPLE)?;
    let mut files = compiler.file_descriptor_set().file;
    Ok(files.pop().expect("the sample is the one file that was asked for"))
}

#[test]
fn schema_that_breaks_one_rule_is_found() {
    for (body, what) in [
        ("message A { oneof o { bool a = 1; bool b = 3; } }", "tags of oneof A.o are [1, 3]"),
        ("message A { oneof o { bool a = 1; bool b = 3; } bool c = 4; }", "tags of oneof A.o are [1, 3]"),
        ("message A { bool a = 2; bool b = 1; }", "A.b stands after .a"),
        ("message A { message B { bool a = 2; bool b = 1; } }", "B.b stands after .a"),
        ("message A { map<string, bool> a = 1; }", "A.a is a map"),
        ("message A { repeated float a = 1; }", "A.a is a float"),
        ("message A { double a = 1; }", "A.a is a float"),
        ("message A { google.protobuf.Any a = 1; }", "A.a is an Any"),
        ("message A { optional bool a = 1; }", "A.a is optional"),
        ("message A { repeated int32 a = 1 [packed = false]; }", "A.a is not packed"),
        ("message A { reserved \"a\"; bool a = 1; }", "A.a was reserved"),
        ("enum B { reserved \"B_ONE\"; B_UNSPECIFIED = 0; B_ONE = 1; }", "B.B_ONE was reserved"),
        ("enum BoatKind { BOAT_KIND_RAFT = 0; }", "zero of enum BoatKind has a meaning"),
        ("enum BoatKind { BOAT_KIND_UNSPECIFIED = 0; RAFT = 1; }", "RAFT belongs to enum BoatKind"),
    ] {
        assert_found(&review(&compile_sample(body).expect(body)), what);
    }
    let good = "message A { bool a = 1; oneof o { bool b = 4; bool c = 5; } } enum B { B_UNSPECIFIED = 0; }";
    assert_tidy(&review(&compile_sample(good).expect(good)));
}

#[test]
fn numbers_used_twice_or_reserved_do_not_compile() {
    for body in [
        "message A { bool a = 1; bool b = 1; }",
        "message A { reserved 1; bool a = 1; }",
        "enum B { reserved 1; B_UNSPECIFIED = 0; B_ONE = 1; }",
    ] {
        assert!(compile_sample(body).is_err(), "compiles: {body}");
    }
}

#[test]
fn payload_whose_schema_says_otherwise_than_the_code_is_found() {
    let files = compiled();
    let stated = Stated::by::<pb::Query>("Query");
    assert_found(
        &Stated { max_bytes: stated.max_bytes + 1, ..stated }.review(&files),
        "nowhere says At most 16,385 bytes",
    );
    let typed = Stated { payload_type: "application/vnd.selat.riddle.v1+proto", ..Stated::by::<pb::Query>("Query") };
    assert_found(&typed.review(&files), "nowhere says \"application/vnd.selat.riddle");
    let headless = Stated { message: "Header", ..Stated::by::<pb::Query>("Query") };
    assert!(headless.review(&files).iter().any(|finding| finding.to_string().contains("payload Header has no header")));
    assert_found(&Stated { message: "Riddle", ..Stated::by::<pb::Query>("Query") }.review(&files), "is missing");
}
