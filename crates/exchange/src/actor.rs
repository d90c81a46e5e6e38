//! Who does something at the desk, and why. Both go to the audit log before the answer is given.

use selat_policy::Role;
use selat_record::{Faults, OfficerId, pb::Purpose};

/// Longest case reference in characters.
const CASE_REFERENCE_MAX: usize = 80;

/// A local officer, operator or system with the roles that the configuration gives it.
#[derive(Debug, Clone)]
pub struct Actor {
    /// As the configuration names it.
    pub officer: OfficerId,
    /// At least one.
    pub roles: Vec<Role>,
}

impl Actor {
    /// The roles in words, for the audit log.
    pub(crate) fn role_names(&self) -> String {
        self.roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(",")
    }
}

/// Purpose and case of an act: no access without both.
#[derive(Debug, Clone)]
pub struct Reason {
    purpose: Purpose,
    case_reference: String,
}

impl Reason {
    /// Refuses an unknown purpose and a case reference that is empty, longer than 80 characters or holds control
    /// characters.
    pub fn new(purpose: i32, case_reference: &str) -> Result<Self, Faults> {
        let purpose = match Purpose::try_from(purpose) {
            Ok(Purpose::Unspecified) | Err(_) => {
                return Err(Faults::one("reason.purpose", "is not given or not known"));
            }
            Ok(purpose) => purpose,
        };
        let case_reference = case_reference.trim();
        let length = case_reference.chars().count();
        if length == 0 || length > CASE_REFERENCE_MAX || case_reference.chars().any(char::is_control) {
            return Err(Faults::one("reason.case_reference", "is not 1 to 80 characters of plain text"));
        }
        Ok(Self { purpose, case_reference: case_reference.to_owned() })
    }

    /// Why.
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// For which case.
    pub fn case_reference(&self) -> &str {
        &self.case_reference
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reason_without_purpose_or_case_is_refused() {
        assert!(Reason::new(1, "CASE-7").is_ok());
        for (purpose, case) in [(0, "CASE-7"), (99, "CASE-7"), (1, " "), (1, "a\nb")] {
            assert!(Reason::new(purpose, case).is_err(), "{purpose} {case:?}");
        }
        assert!(Reason::new(1, &"x".repeat(81)).is_err());
    }
}
