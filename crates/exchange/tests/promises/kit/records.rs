//! Drafts, reasons and questions for the tests to spoil. The persons in them are made up.

use selat_exchange::{Actor, Reason};
use selat_policy::Role;
use selat_record::pb::{self, AudienceKind, record::Body};
use selat_record::{Audience, Draft, ParticipantId, Purpose};

pub fn actor(role: Role) -> Actor {
    Actor { officer: format!("{role}-1").parse().unwrap(), roles: vec![role] }
}

pub fn officer() -> Actor {
    actor(Role::Officer)
}

pub fn operator() -> Actor {
    actor(Role::Operator)
}

pub fn reason() -> Reason {
    Reason::new(Purpose::BorderControl.into(), "CASE-7").unwrap()
}

/// A person by that name, for all, for border control.
pub fn person(name: &str) -> pb::Record {
    let handling = pb::Handling {
        releasable_to: Some(pb::Audience { kind: AudienceKind::All.into(), participants: Vec::new() }),
        purposes: vec![Purpose::BorderControl.into()],
        onward: pb::Onward::None.into(),
        tlp: pb::Tlp::Amber.into(),
        sensitivity: 2,
        ..Default::default()
    };
    let person = pb::Person {
        names: vec![pb::PersonName { text: name.to_owned(), ..Default::default() }],
        nationalities: vec!["IDN".into()],
        roles: vec![pb::PersonRole::Suspect.into()],
        ..Default::default()
    };
    pb::Record {
        evaluation: Some(pb::Evaluation { scheme: 1, reliability: "B".into(), credibility: "2".into() }),
        handling: Some(handling),
        legal_basis: "Smuggling Protocol Art. 10".into(),
        body: Some(Body::Person(person)),
        ..Default::default()
    }
}

/// Changes to a record, to be chained.
pub trait Conditions {
    fn to(self, names: &[&str]) -> Self;
    fn to_nobody(self) -> Self;
    fn hit_only(self) -> Self;
    fn purpose(self, purpose: Purpose) -> Self;
    fn hidden_from(self, states: &[&str]) -> Self;
    fn because(self, reason: &str) -> Self;
    fn draft(self) -> Draft;
}

impl Conditions for pb::Record {
    fn to(mut self, names: &[&str]) -> Self {
        let named = Audience::Named(names.iter().map(|name| name.parse().unwrap()).collect());
        handling(&mut self).releasable_to = Some(named.to_message());
        self
    }

    fn to_nobody(mut self) -> Self {
        handling(&mut self).releasable_to = Some(Audience::Nobody.to_message());
        self
    }

    fn hit_only(mut self) -> Self {
        handling(&mut self).hit_only = true;
        self
    }

    fn purpose(mut self, purpose: Purpose) -> Self {
        handling(&mut self).purposes = vec![purpose.into()];
        self
    }

    fn hidden_from(mut self, states: &[&str]) -> Self {
        let hidden_from = states.iter().map(|state| (*state).to_owned()).collect();
        self.protection = Some(pb::Protection { kinds: vec![pb::ProtectionKind::Asylum.into()], hidden_from });
        self
    }

    fn because(self, reason: &str) -> Self {
        Self { amendment_reason: reason.to_owned(), ..self }
    }

    fn draft(self) -> Draft {
        Draft::check(self).unwrap()
    }
}

fn handling(record: &mut pb::Record) -> &mut pb::Handling {
    record.handling.as_mut().unwrap()
}

pub fn find(name: &str) -> pb::Find {
    pb::Find { name: name.to_owned(), limit: 20, ..Default::default() }
}

pub fn id(code: &str) -> ParticipantId {
    code.parse().unwrap()
}
