//! The floor case by case, and as a whole: every combination of what the rules look at, against an oracle that was
//! written from the words of DESIGN.md and not from the code.

use selat_record::pb;

use super::*;

const NOW_MS: i64 = 1_700_000_000_000;

/// One combination of what the rules look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Situation {
    audience: To,
    protection: Guard,
    ends: Ends,
    hit_only: bool,
    approved: bool,
    fresh: bool,
    tlp: Tlp,
    purpose_allowed: bool,
    originated_here: bool,
    shows_hidden: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum To {
    Nobody,
    NamesPeer,
    NamesAnother,
    All,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Guard {
    None,
    NamesNoState,
    HidesFromPeer,
    HidesFromAnother,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ends {
    Never,
    Later,
    Now,
    Before,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Release,
    Answer,
}

const TLPS: [Tlp; 5] = [Tlp::Clear, Tlp::Green, Tlp::Amber, Tlp::AmberStrict, Tlp::Red];

/// A record that the peer may have in full.
const OPEN: Situation = Situation {
    audience: To::NamesPeer,
    protection: Guard::None,
    ends: Ends::Later,
    hit_only: false,
    approved: true,
    fresh: true,
    tlp: Tlp::Amber,
    purpose_allowed: true,
    originated_here: true,
    shows_hidden: false,
};

fn every_situation() -> Vec<Situation> {
    let mut all = Vec::new();
    for audience in [To::Nobody, To::NamesPeer, To::NamesAnother, To::All] {
        for protection in [Guard::None, Guard::NamesNoState, Guard::HidesFromPeer, Guard::HidesFromAnother] {
            for ends in [Ends::Never, Ends::Later, Ends::Now, Ends::Before] {
                for tlp in TLPS {
                    for bits in 0..64_u8 {
                        let [hit_only, approved, fresh, purpose_allowed, originated_here, shows_hidden] =
                            [1, 2, 4, 8, 16, 32].map(|bit| bits & bit != 0);
                        all.push(Situation {
                            audience,
                            protection,
                            ends,
                            hit_only,
                            approved,
                            fresh,
                            tlp,
                            purpose_allowed,
                            originated_here,
                            shows_hidden,
                        });
                    }
                }
            }
        }
    }
    all
}

impl Situation {
    fn decide(self, way: Way) -> Decision {
        let handling = self.handling();
        let protection = self.guard();
        let peer: ParticipantId = "IDN".parse().unwrap();
        let label = Label {
            handling: &handling,
            protection: protection.as_ref(),
            valid_until: self.valid_until(),
            originated_here: self.originated_here,
        };
        let peer = PeerFacts { participant: &peer, approved: self.approved, fresh: self.fresh };
        let now = Timestamp::from_ms(NOW_MS).unwrap();
        let asked = (way == Way::Answer).then_some(Purpose::BorderControl);
        let shows_hidden = self.shows_hidden;
        let decision = decide(&Case { label, peer, asked, shows_hidden, now });
        if way == Way::Answer && !shows_hidden {
            let ask = AskFacts { peer, purpose: Purpose::BorderControl };
            assert_eq!(may_know(label, &ask, now), decision.effect() != Effect::Nothing, "{self:?}");
        }
        decision
    }

    fn handling(self) -> Handling {
        let (kind, participants) = match self.audience {
            To::Nobody => (pb::AudienceKind::Nobody, vec![]),
            To::NamesPeer => (pb::AudienceKind::Named, vec!["IDN".to_owned(), "NZL".to_owned()]),
            To::NamesAnother => (pb::AudienceKind::Named, vec!["NZL".to_owned()]),
            To::All => (pb::AudienceKind::All, vec![]),
        };
        let purpose = if self.purpose_allowed { Purpose::BorderControl } else { Purpose::Visa };
        let message = pb::Handling {
            releasable_to: Some(pb::Audience { kind: kind.into(), participants }),
            purposes: vec![purpose.into()],
            onward: pb::Onward::None.into(),
            tlp: self.tlp.into(),
            sensitivity: 2,
            obligations: vec![pb::Obligation { kind: pb::ObligationKind::ContactDeskFirst.into(), days: 0 }],
            hit_only: self.hit_only,
            ..pb::Handling::default()
        };
        Handling::check(&message, "handling").unwrap()
    }

    fn guard_message(self) -> Option<pb::Protection> {
        let hidden_from = match self.protection {
            Guard::None => return None,
            Guard::NamesNoState => vec![],
            Guard::HidesFromPeer => vec!["IDN".to_owned()],
            Guard::HidesFromAnother => vec!["MMR".to_owned()],
        };
        Some(pb::Protection { kinds: vec![pb::ProtectionKind::Asylum.into()], hidden_from })
    }

    fn guard(self) -> Option<Protection> {
        // Protection is only made with its record, and a record for all would be refused: this one stays at home.
        let record = pb::Record { protection: self.guard_message(), ..record_for_nobody() };
        Record::check(record).unwrap().protection().cloned()
    }

    /// A record with these conditions that ends shortly after now.
    fn record(self) -> Record {
        let handling = Some(self.handling().to_message());
        Record::check(pb::Record { handling, protection: self.guard_message(), ..record_for_nobody() }).unwrap()
    }

    fn valid_until(self) -> Option<Timestamp> {
        match self.ends {
            Ends::Never => None,
            Ends::Later => Timestamp::from_ms(NOW_MS + 1),
            Ends::Now => Timestamp::from_ms(NOW_MS),
            Ends::Before => Timestamp::from_ms(NOW_MS - 1),
        }
    }

    fn decided(self, way: Way) -> Result<Effect, Rule> {
        self.decide(way).permit().map(|permit| permit.effect()).map_err(|refusal| refusal.rule())
    }
}

fn record_for_nobody() -> pb::Record {
    let id = selat_record::ids::mint_uuid(Timestamp::from_ms(NOW_MS).unwrap(), [7; 10]).as_bytes().to_vec();
    let handling = Situation { audience: To::Nobody, ..OPEN }.handling();
    pb::Record {
        header: Some(pb::Header {
            federation: "demo".into(),
            issuer: "AUS".into(),
            audience: "*".into(),
            id: id.clone(),
            created_ms: NOW_MS - 10,
            expires_ms: NOW_MS + 10,
            descriptor_version: 1,
        }),
        record_id: id,
        version: 1,
        evaluation: Some(pb::Evaluation { scheme: 1, reliability: "B".into(), credibility: "2".into() }),
        handling: Some(handling.to_message()),
        body: Some(pb::record::Body::Bulletin(pb::Bulletin {
            kind: pb::BulletinKind::Warning.into(),
            title: "A warning".into(),
            text: "Made up.".into(),
            ..Default::default()
        })),
        ..Default::default()
    }
}

/// Who is reached at all: rows are the audience, columns the protection (none, names no state, hides from the peer,
/// hides from another).
const REACHED: [(To, &str); 4] =
    [(To::Nobody, "...."), (To::NamesPeer, "yy.y"), (To::NamesAnother, "...."), (To::All, "y...")];

fn oracle(situation: Situation, way: Way) -> Effect {
    let column = match situation.protection {
        Guard::None => 0,
        Guard::NamesNoState => 1,
        Guard::HidesFromPeer => 2,
        Guard::HidesFromAnother => 3,
    };
    let row = REACHED.iter().find(|(audience, _)| *audience == situation.audience).unwrap().1;
    let reached = row.as_bytes()[column] == b'y';
    let alive = situation.ends == Ends::Never || situation.ends == Ends::Later;
    let ours_to_give = situation.originated_here && situation.approved && situation.fresh;
    let red_ok = situation.tlp != Tlp::Red || situation.audience == To::NamesPeer;
    if !(reached && alive && ours_to_give && red_ok) || situation.shows_hidden {
        return Effect::Nothing;
    }
    match (way, situation.hit_only, situation.purpose_allowed) {
        (Way::Release, true, _) | (Way::Answer, _, false) => Effect::Nothing,
        (Way::Answer, true, true) => Effect::HitOnly,
        (Way::Release, false, _) | (Way::Answer, false, true) => Effect::Full,
    }
}

#[test]
fn every_situation_is_decided_as_the_oracle_says() {
    let all = every_situation();
    assert_eq!(all.len(), 4 * 4 * 4 * 5 * 64);
    for situation in all {
        for way in [Way::Release, Way::Answer] {
            assert_eq!(situation.decide(way).effect(), oracle(situation, way), "{way:?} {situation:?}");
        }
    }
}

#[test]
fn protection_that_hides_from_the_peer_dominates_everything() {
    for situation in every_situation().into_iter().filter(|s| s.protection == Guard::HidesFromPeer) {
        for way in [Way::Release, Way::Answer] {
            assert_eq!(situation.decided(way), Err(Rule::HiddenFromPeer), "{way:?} {situation:?}");
        }
    }
}

/// What makes a situation stricter, one step each.
const TIGHTEN: [fn(&mut Situation); 13] = [
    |s| s.audience = To::Nobody,
    |s| s.audience = To::NamesAnother,
    |s| s.protection = Guard::HidesFromPeer,
    |s| s.ends = Ends::Now,
    |s| s.ends = Ends::Before,
    |s| s.hit_only = true,
    |s| s.approved = false,
    |s| s.fresh = false,
    |s| s.tlp = Tlp::Red,
    |s| s.purpose_allowed = false,
    |s| s.originated_here = false,
    |s| s.shows_hidden = true,
    |s| {
        if s.protection == Guard::None {
            s.protection = Guard::NamesNoState;
        }
    },
];

#[test]
fn adding_a_caveat_never_opens_anything() {
    for situation in every_situation() {
        for tighten in TIGHTEN {
            let mut tighter = situation;
            tighten(&mut tighter);
            for way in [Way::Release, Way::Answer] {
                let (before, after) = (situation.decide(way).effect(), tighter.decide(way).effect());
                assert!(after <= before, "{way:?} {situation:?} -> {tighter:?}");
            }
        }
    }
}

/// Changes a record that the peer may have, and compares what each way then gives.
#[track_caller]
fn check(change: impl Fn(&mut Situation), release: Result<Effect, Rule>, answer: Result<Effect, Rule>) {
    let mut situation = OPEN;
    change(&mut situation);
    assert_eq!((situation.decided(Way::Release), situation.decided(Way::Answer)), (release, answer), "{situation:?}");
}

#[track_caller]
fn check_refused(change: impl Fn(&mut Situation), rule: Rule) {
    check(change, Err(rule), Err(rule));
}

#[track_caller]
fn check_open(change: impl Fn(&mut Situation)) {
    check(change, Ok(Effect::Full), Ok(Effect::Full));
}

#[test]
fn peer_that_is_not_approved_is_refused() {
    check_open(|_| ());
    check_refused(|s| s.approved = false, Rule::PeerNotApproved);
}

#[test]
fn peer_whose_descriptor_could_not_be_refreshed_is_refused() {
    check_refused(|s| s.fresh = false, Rule::PeerNotFresh);
    check_refused(|s| (s.fresh, s.approved) = (false, false), Rule::PeerNotApproved);
    check_refused(|s| (s.fresh, s.protection) = (false, Guard::HidesFromPeer), Rule::HiddenFromPeer);
}

#[test]
fn record_ends_at_the_moment_that_it_names() {
    check_open(|s| s.ends = Ends::Never);
    check_open(|s| s.ends = Ends::Later);
    check_refused(|s| s.ends = Ends::Now, Rule::Expired);
    check_refused(|s| s.ends = Ends::Before, Rule::Expired);
}

#[test]
fn audience_says_who_is_reached() {
    check_open(|s| s.audience = To::All);
    check_refused(|s| s.audience = To::Nobody, Rule::NotInAudience);
    check_refused(|s| s.audience = To::NamesAnother, Rule::NotInAudience);
}

#[test]
fn protection_that_names_no_state_lets_through_only_who_is_named() {
    check_open(|s| s.protection = Guard::NamesNoState);
    for audience in [To::All, To::NamesAnother, To::Nobody] {
        check_refused(|s| (s.protection, s.audience) = (Guard::NamesNoState, audience), Rule::ProtectedNotNamed);
    }
}

#[test]
fn protection_that_names_states_lets_through_others_that_are_named() {
    check_open(|s| s.protection = Guard::HidesFromAnother);
    check_refused(|s| (s.protection, s.audience) = (Guard::HidesFromAnother, To::All), Rule::ProtectedForAll);
    check_refused(|s| s.protection = Guard::HidesFromPeer, Rule::HiddenFromPeer);
}

#[test]
fn hit_only_record_is_answered_as_a_hit_and_never_released() {
    check(|s| s.hit_only = true, Err(Rule::HitOnly), Ok(Effect::HitOnly));
}

#[test]
fn purpose_is_looked_at_in_answers_alone() {
    check(|s| s.purpose_allowed = false, Ok(Effect::Full), Err(Rule::PurposeNotAllowed));
}

#[test]
fn red_goes_only_to_who_is_named() {
    check_open(|s| s.tlp = Tlp::Red);
    check_open(|s| (s.tlp, s.audience) = (Tlp::AmberStrict, To::All));
    check_refused(|s| (s.tlp, s.audience) = (Tlp::Red, To::All), Rule::RedNotNamed);
}

#[test]
fn record_of_a_peer_is_never_given_onward() {
    check_refused(|s| s.originated_here = false, Rule::NotOriginator);
    check_refused(|s| (s.originated_here, s.audience) = (false, To::All), Rule::NotOriginator);
}

#[test]
fn link_to_what_the_peer_could_not_be_given_is_the_last_reason_to_refuse() {
    check_refused(|s| s.shows_hidden = true, Rule::LinksToHidden);
    check_refused(|s| (s.shows_hidden, s.audience) = (true, To::Nobody), Rule::NotInAudience);
}

#[test]
fn permit_names_peer_rules_and_obligations() {
    let permit = OPEN.decide(Way::Release).permit().unwrap();
    assert_eq!(permit.peer().as_str(), "IDN");
    assert_eq!(permit.rules(), [Rule::NamedInAudience]);
    assert_eq!(permit.obligations(), [Obligation::ContactDeskFirst]);

    let hit = Situation { audience: To::All, hit_only: true, ..OPEN }.decide(Way::Answer).permit().unwrap();
    assert_eq!(hit.rules(), [Rule::AudienceIsAll, Rule::HitOnly]);
}

#[test]
fn permit_goes_with_what_it_permits() {
    let permitted = OPEN.decide(Way::Release).permit().unwrap().over("a record");
    assert_eq!((permitted.get(), permitted.permit().effect()), (&"a record", Effect::Full));
    assert_eq!(permitted.into_inner(), "a record");
}

#[test]
fn record_is_decided_by_its_own_label() {
    let peer = "IDN".parse().unwrap();
    let facts = PeerFacts { participant: &peer, approved: true, fresh: true };
    let ask = |purpose| AskFacts { peer: facts, purpose };
    let now = |ms| Timestamp::from_ms(NOW_MS + ms).unwrap();
    let to_peer = OPEN.handling().to_message();
    let open = Record::check(pb::Record { handling: Some(to_peer), ..record_for_nobody() }).unwrap();
    let closed = Record::check(record_for_nobody()).unwrap();

    assert_eq!(decide_release(&open, true, &facts, now(9)).effect(), Effect::Full);
    assert_eq!(decide_release(&open, true, &facts, now(10)).effect(), Effect::Nothing);
    assert_eq!(decide_release(&open, false, &facts, now(9)).effect(), Effect::Nothing);
    assert_eq!(decide_release(&closed, true, &facts, now(9)).effect(), Effect::Nothing);
    assert_eq!(decide_answer(&open, true, &ask(Purpose::BorderControl), now(9)).effect(), Effect::Full);
    assert_eq!(decide_answer(&open, true, &ask(Purpose::Statistics), now(9)).effect(), Effect::Nothing);
    assert_eq!(decide_answer(&open, false, &ask(Purpose::BorderControl), now(9)).effect(), Effect::Nothing);
}

#[test]
fn linked_records_are_decided_by_their_own_labels() {
    let peer = "IDN".parse().unwrap();
    let facts = PeerFacts { participant: &peer, approved: true, fresh: true };
    let now = Timestamp::from_ms(NOW_MS).unwrap();
    let decided = |linked: &[Situation]| {
        let linked: Vec<_> = linked.iter().map(|situation| situation.record()).collect();
        let decision = decide_linked_release(&OPEN.record(), &linked, &facts, now);
        decision.permit().map(|permit| permit.effect()).map_err(|refusal| refusal.rule())
    };
    assert_eq!(decided(&[]), Ok(Effect::Full));
    assert_eq!(decided(&[OPEN, Situation { audience: To::All, ..OPEN }]), Ok(Effect::Full));
    for hidden in [
        Situation { audience: To::Nobody, ..OPEN },
        Situation { audience: To::NamesAnother, ..OPEN },
        Situation { protection: Guard::HidesFromPeer, ..OPEN },
        Situation { hit_only: true, ..OPEN },
    ] {
        assert_eq!(decided(&[OPEN, hidden]), Err(Rule::LinksToHidden), "{hidden:?}");
    }
}

#[test]
fn reply_goes_only_to_approved_peers_that_are_fresh() {
    let peer: ParticipantId = "IDN".parse().unwrap();
    let approved = decide_reply(&PeerFacts { participant: &peer, approved: true, fresh: true });
    assert_eq!(approved.permit().unwrap().peer(), &peer);
    for (approved, fresh, rule) in
        [(false, true, Rule::PeerNotApproved), (false, false, Rule::PeerNotApproved), (true, false, Rule::PeerNotFresh)]
    {
        let refused = decide_reply(&PeerFacts { participant: &peer, approved, fresh });
        assert_eq!(refused.permit().unwrap_err().rule(), rule);
    }
}
