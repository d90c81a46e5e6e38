//! How a refused call travels: a gRPC status whose trailers carry the SLT code and the mend.

use tonic::metadata::MetadataValue;
use tonic::{Code, Status};

const CODE_TRAILER: &str = "selat-code";
/// Text may be in any script, so the trailer is binary.
const MEND_TRAILER: &str = "selat-mend-bin";
/// Longest message or mend in bytes: headers are bounded.
const TEXT_BYTES_MAX: usize = 4096;

/// A refused call in the terms of the desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedCall {
    /// For example "SLT-3002".
    pub code: String,
    /// What is wrong.
    pub cause: String,
    /// What to do about it.
    pub mend: String,
}

impl RefusedCall {
    /// The status that carries it.
    pub fn into_status(self, class: Code) -> Status {
        let mut status = Status::new(class, bounded(&self.cause));
        if let Ok(code) = MetadataValue::try_from(self.code.as_str()) {
            status.metadata_mut().insert(CODE_TRAILER, code);
        }
        let mend = MetadataValue::from_bytes(bounded(&self.mend).as_bytes());
        status.metadata_mut().insert_bin(MEND_TRAILER, mend);
        status
    }

    /// Reads it back; `None` when the status did not come from a Selat node's use-cases.
    pub fn from_status(status: &Status) -> Option<Self> {
        let code = status.metadata().get(CODE_TRAILER)?.to_str().ok()?.to_owned();
        let mend = status.metadata().get_bin(MEND_TRAILER).and_then(|mend| mend.to_bytes().ok());
        let mend = mend.map(|mend| String::from_utf8_lossy(&mend).into_owned()).unwrap_or_default();
        Some(Self { code, cause: status.message().to_owned(), mend })
    }
}

fn bounded(text: &str) -> String {
    if text.len() <= TEXT_BYTES_MAX {
        return text.to_owned();
    }
    let cut = (0..=TEXT_BYTES_MAX).rev().find(|cut| text.is_char_boundary(*cut)).unwrap_or(0);
    format!("{}…", text.get(..cut).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusal_survives_the_status_in_any_script() {
        let refusal = RefusedCall { code: "SLT-3002".into(), cause: "tidak ada".into(), mend: "検索 again".into() };
        assert_eq!(RefusedCall::from_status(&refusal.clone().into_status(Code::NotFound)), Some(refusal));
        assert_eq!(RefusedCall::from_status(&Status::internal("x")), None);
    }

    #[test]
    fn long_text_is_cut_at_a_character() {
        let refusal = RefusedCall { code: "SLT-1".into(), cause: "é".repeat(5000), mend: String::new() };
        assert!(refusal.into_status(Code::Internal).message().len() <= TEXT_BYTES_MAX + 3);
    }
}
