//! The JSON form of records, made for people and derived from the schema.
//!
//! - Names are those of the schema. A moment `*_ms` is RFC 3339 text under its name without `_ms` (`header.created`), or
//!   with `_time` where that name is taken (`when.from_time`). Degrees `*_e7` are decimal numbers under their name
//!   without `_e7`.
//! - Enum values are written without their prefix, in lower case: `border_control`.
//! - Ids are UUID text, digests are hexadecimal.
//! - A partial date is `"1974-08-12"`, `"1974-08"` or `"1974"`, with `~` at the end when it is an estimate. A tally is `3`
//!   or `{"number": 3, "at_least": true}`. An audience is `"all"`, `"nobody"` or `["IDN", "MYS"]`. A value that its short
//!   form cannot say is written as an object of its fields.
//! - What is not given is left out; `null` means not given.
//!
//! Promises: [`draft_from_json`] undoes [`to_json`]; text comes in as NFC; all faults are named at once. Leaves out what
//! makes a record valid (required fields, lengths): `selat_record` judges that.

pub(crate) mod read;
pub(crate) mod schema;
pub(crate) mod short;
mod write;

use prost::Message;
use prost_reflect::DynamicMessage;
use selat_record::{Faults, fault::FaultList, pb};
use serde_json::Value;

/// The record as JSON for people.
pub fn to_json(message: &pb::Record) -> Value {
    let bytes = message.encode_to_vec();
    let dynamic = DynamicMessage::decode(schema::record(), bytes.as_slice())
        .expect("the generated record type and the descriptors come from the same schema");
    write::message(&dynamic)
}

/// The record that JSON describes. Header and ids are read when present; whether a draft may have them is for
/// `selat_record` to say.
pub fn draft_from_json(value: &Value) -> Result<pb::Record, Faults> {
    let mut faults = FaultList::default();
    let dynamic = read::message(&schema::record(), value, "", &mut faults);
    let bytes = faults.into_result(dynamic.encode_to_vec())?;
    let record = pb::Record::decode(bytes.as_slice())
        .expect("the generated record type and the descriptors come from the same schema");
    Ok(record)
}

#[cfg(test)]
mod tests;
