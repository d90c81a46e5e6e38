//! Why something matched, in words that may travel.

/// One reason: what was compared, and how the two agreed. Fixed words only, so a reason never carries content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reason {
    /// What was compared: "name", "document", "conveyance", "country", "date".
    pub field: &'static str,
    /// How the two agree: "exact", "same words", "all words asked", "overlaps".
    pub how: &'static str,
}

impl Reason {
    /// A document number that is the same.
    pub const DOCUMENT: Self = Self { field: "document", how: "exact" };
    /// An identifier of a conveyance that is the same.
    pub const CONVEYANCE: Self = Self { field: "conveyance", how: "exact" };
    /// A country that is the same.
    pub const COUNTRY: Self = Self { field: "country", how: "exact" };
    /// Dates that can be the same.
    pub const DATE: Self = Self { field: "date", how: "overlaps" };
}
