//! How far a source and what it says can be trusted (NATO/Admiralty grades), and the grade below which nobody acts.

use crate::pb::{self, EvaluationScheme};
use crate::spot::Spot;
use crate::text::quoted;

macro_rules! grades {
    ($(#[$doc:meta])* $type:ident: $($(#[$grade_doc:meta])* $grade:ident = $letter:literal),+ $(,)?) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $type {
            $($(#[$grade_doc])* $grade,)+
        }

        impl $type {
            /// The grade as the schema writes it.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$grade => $letter,)+
                }
            }

            fn from_letter(letter: &str) -> Option<Self> {
                match letter {
                    $($letter => Some(Self::$grade),)+
                    _ => None,
                }
            }
        }
    };
}

grades! {
    /// How far the source can be trusted. It has no order: F is not the worst grade.
    Reliability:
    /// Completely reliable.
    A = "A",
    /// Usually reliable.
    B = "B",
    /// Fairly reliable.
    C = "C",
    /// Not usually reliable.
    D = "D",
    /// Unreliable.
    E = "E",
    /// Cannot be judged.
    F = "F",
}

grades! {
    /// How far what the source says can be trusted. It has no order: 6 is not the worst grade.
    Credibility:
    /// Confirmed by other sources.
    Confirmed = "1",
    /// Probably true.
    ProbablyTrue = "2",
    /// Possibly true.
    PossiblyTrue = "3",
    /// Doubtful.
    Doubtful = "4",
    /// Improbable.
    Improbable = "5",
    /// Cannot be judged.
    CannotBeJudged = "6",
}

/// The grades of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evaluation {
    scheme: EvaluationScheme,
    reliability: Reliability,
    credibility: Credibility,
}

impl Evaluation {
    /// The scheme that the grades belong to.
    pub fn scheme(&self) -> EvaluationScheme {
        self.scheme
    }

    /// How far the source can be trusted.
    pub fn reliability(&self) -> Reliability {
        self.reliability
    }

    /// How far what it says can be trusted.
    pub fn credibility(&self) -> Credibility {
        self.credibility
    }

    pub(crate) fn read(at: &Spot<'_>, message: &pb::Evaluation) -> Option<Self> {
        let scheme = at.field("scheme").choice(message.scheme);
        let reliability = read_reliability(&at.field("reliability"), &message.reliability);
        let credibility = read_credibility(&at.field("credibility"), &message.credibility);
        Some(Self { scheme: scheme?, reliability: reliability?, credibility: credibility? })
    }
}

/// Nobody acts on a record that is graded below this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActionMinimum {
    reliability: Reliability,
    credibility: Credibility,
}

impl ActionMinimum {
    /// A to E.
    pub fn reliability(&self) -> Reliability {
        self.reliability
    }

    /// 1 to 5.
    pub fn credibility(&self) -> Credibility {
        self.credibility
    }

    pub(crate) fn read(at: &Spot<'_>, message: &pb::ActionMinimum) -> Option<Self> {
        let reliability = read_reliability(&at.field("reliability"), &message.reliability);
        let credibility = read_credibility(&at.field("credibility"), &message.credibility);
        if reliability == Some(Reliability::F) {
            at.field("reliability").fault("\"F\" (cannot be judged) is not a minimum");
        }
        if credibility == Some(Credibility::CannotBeJudged) {
            at.field("credibility").fault("\"6\" (cannot be judged) is not a minimum");
        }
        Some(Self { reliability: reliability?, credibility: credibility? })
    }

    pub(crate) fn to_message(self) -> pb::ActionMinimum {
        pb::ActionMinimum {
            reliability: self.reliability.as_str().to_owned(),
            credibility: self.credibility.as_str().to_owned(),
        }
    }
}

fn read_reliability(at: &Spot<'_>, letter: &str) -> Option<Reliability> {
    let grade = Reliability::from_letter(letter);
    if grade.is_none() {
        at.fault(format!("{} is not a grade from A to F", quoted(letter)));
    }
    grade
}

fn read_credibility(at: &Spot<'_>, digit: &str) -> Option<Credibility> {
    let grade = Credibility::from_letter(digit);
    if grade.is_none() {
        at.fault(format!("{} is not a grade from 1 to 6", quoted(digit)));
    }
    grade
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spot::faults_of;

    #[test]
    fn grades_outside_the_scheme_are_refused() {
        for (scheme, reliability, credibility, expected) in [
            (1, "A", "1", ""),
            (1, "F", "6", ""),
            (0, "A", "1", "it.scheme: is not given"),
            (2, "A", "1", "it.scheme: 2 is not a value that the schema lists"),
            (1, "G", "1", "it.reliability: \"G\" is not a grade from A to F"),
            (1, "a", "1", "it.reliability: \"a\" is not a grade from A to F"),
            (1, "A", "0", "it.credibility: \"0\" is not a grade from 1 to 6"),
            (
                1,
                "",
                "7",
                "it.reliability: \"\" is not a grade from A to F; it.credibility: \"7\" is not a grade from 1 to 6",
            ),
        ] {
            let message = pb::Evaluation { scheme, reliability: reliability.into(), credibility: credibility.into() };
            assert_eq!(faults_of(|at| _ = Evaluation::read(at, &message)), expected);
        }
    }

    #[test]
    fn minimum_cannot_be_a_grade_that_judges_nothing() {
        let minimum = |reliability: &str, credibility: &str| {
            let message = pb::ActionMinimum { reliability: reliability.into(), credibility: credibility.into() };
            faults_of(|at| _ = ActionMinimum::read(at, &message))
        };
        assert_eq!(minimum("E", "5"), "");
        assert_eq!(minimum("F", "5"), "it.reliability: \"F\" (cannot be judged) is not a minimum");
        assert_eq!(minimum("E", "6"), "it.credibility: \"6\" (cannot be judged) is not a minimum");
    }
}
