//! Peers: one row each, all that is known of one, and the steps of a ping.

use selat_complaint::{Complaint, clean};
use selat_wire::desk::{Following, Freshness, PeerFingerprintReply, PeerState, PeerView, PingResult, PingStep};
use serde_json::{Value, json};

use super::table::Rows;
use super::wrap::hanging;
use super::{SHAPE_VERSION, acceptance, words};
use crate::cli::{PEER_COLUMNS, PEER_USUAL_COLUMNS};
use crate::screen::Tone;

/// Column at which the text of [`lines`] begins.
const INDENT: usize = 12;

/// A table of peers with the columns that are `wanted`, else the usual ones.
pub(crate) fn rows(wanted: &[String]) -> Result<Rows, Complaint> {
    Rows::usually(PEER_COLUMNS, PEER_USUAL_COLUMNS, wanted)
}

/// Adds the row of a peer.
pub(crate) fn push(rows: &mut Rows, peer: &PeerView) {
    let following = peer.following.clone().unwrap_or_default();
    rows.push([
        peer.participant.clone(),
        peer.unit.clone(),
        words::peer_state(peer.state),
        if following.connected { "yes" } else { "no" }.to_owned(),
        following.held.to_string(),
        lag(peer).to_string(),
        format!("{}/{}", peer.release_log_sent, peer.release_log_size),
        words::moment_or_nothing(following.last_contact_ms),
        peer.descriptor_version.to_string(),
        freshness(peer),
        words::moment_or_nothing(peer.refreshed_ms),
        version_or_nothing(peer.acknowledged_version),
        peer.clock_skew_ms.map_or_else(|| words::NOTHING.to_owned(), words::offset),
        trouble(peer).unwrap_or_else(|| words::NOTHING.to_owned()),
    ]);
}

/// All that is known of a peer; long text is broken to `width`.
pub(crate) fn lines(peer: &PeerView, width: u16) -> Vec<String> {
    let mut lines = vec![clean(&format!("{}  {}", peer.participant, peer.unit))];
    lines.extend(parts(peer).iter().flat_map(|(head, text)| hanging(head, INDENT, &clean(text), width)));
    lines
}

fn parts(peer: &PeerView) -> Vec<(&'static str, String)> {
    let mut parts = vec![
        ("state", state(peer)),
        ("descriptor", format!("version {}, {}", peer.descriptor_version, words::hex(&peer.descriptor_hash))),
        ("fresh", refreshed(peer)),
        ("holds", acknowledged(peer)),
        ("clock", clock(peer)),
        ("endpoints", peer.endpoints.join(", ")),
        ("contact", peer.contact.clone()),
        ("following", following(&peer.following.clone().unwrap_or_default())),
        ("sent", format!("{} of {} entries of our release log", peer.release_log_sent, peer.release_log_size)),
    ];
    if let Some(when) = words::moment(peer.approved_ms) {
        parts.push(("approved", format!("{when} by {} over {}", peer.approved_by, peer.approved_channel)));
        parts.extend(acceptance::parts(&peer.acceptance));
    }
    parts.extend(trouble(peer).map(|trouble| ("trouble", trouble)));
    parts
}

fn following(following: &Following) -> String {
    format!(
        "{}, {} of {} entries held, {} quarantined, last contact {}",
        if following.connected { "connected" } else { "not connected" },
        following.held,
        following.size,
        following.quarantined,
        words::moment_or_nothing(following.last_contact_ms)
    )
}

fn state(peer: &PeerView) -> String {
    let word = words::peer_state(peer.state);
    if peer.standing_reason.is_empty() { word } else { format!("{word}: {}", peer.standing_reason) }
}

fn freshness(peer: &PeerView) -> String {
    match peer.freshness() {
        _ if peer.state() != PeerState::Approved => words::NOTHING.to_owned(),
        Freshness::Unspecified => words::NOTHING.to_owned(),
        Freshness::Fresh | Freshness::Ageing | Freshness::Stale => words::freshness(peer.freshness),
    }
}

fn refreshed(peer: &PeerView) -> String {
    let when = words::moment(peer.refreshed_ms);
    if peer.state() != PeerState::Approved {
        let last = when.map(|when| format!("; last compared {when}"));
        return format!("only the descriptors of approved peers are compared{}", last.unwrap_or_default());
    }
    let Some(when) = when else { return "its descriptor was not compared with it yet".to_owned() };
    match peer.freshness() {
        Freshness::Fresh | Freshness::Unspecified => format!("yes: compared with it {when}"),
        Freshness::Ageing => format!("ageing: last compared with it {when}"),
        Freshness::Stale => format!("STALE, nothing new is disclosed to it: last compared with it {when}"),
    }
}

fn acknowledged(peer: &PeerView) -> String {
    match peer.acknowledged_version {
        0 => "no version of our descriptor that we know of".to_owned(),
        version => format!("version {version} of our descriptor"),
    }
}

fn clock(peer: &PeerView) -> String {
    match peer.clock_skew_ms {
        None => "not compared yet".to_owned(),
        Some(-99..=99) => "the same as ours".to_owned(),
        Some(skew) => format!("{} against ours", words::offset(skew)),
    }
}

fn version_or_nothing(version: u64) -> String {
    if version == 0 { words::NOTHING.to_owned() } else { version.to_string() }
}

/// A peer as JSON, without the shape's version: it stands inside other shapes too.
pub(crate) fn json(peer: &PeerView) -> Value {
    let following = peer.following.as_ref();
    json!({
        "peer": peer.participant,
        "unit": peer.unit,
        "state": words::peer_state(peer.state),
        "standing_reason": peer.standing_reason,
        "descriptor_version": peer.descriptor_version,
        "descriptor": words::hex(&peer.descriptor_hash),
        "freshness": words::freshness(peer.freshness),
        "refreshed": words::moment(peer.refreshed_ms),
        "descriptor_fault": peer.descriptor_fault,
        "descriptor_fault_at": words::moment(peer.descriptor_fault_ms),
        "acknowledged_version": peer.acknowledged_version,
        "clock_skew_ms": peer.clock_skew_ms,
        "endpoints": peer.endpoints,
        "contact": peer.contact,
        "following": following.map(|following| json!({
            "connected": following.connected,
            "held": following.held,
            "size": following.size,
            "lag": lag(peer),
            "quarantined": following.quarantined,
            "last_contact": words::moment(following.last_contact_ms),
            "last_error": following.last_error,
            "last_error_at": words::moment(following.last_error_ms),
        })),
        "release_log": { "size": peer.release_log_size, "sent": peer.release_log_sent },
        "approved": words::moment(peer.approved_ms).map(|when| json!({
            "by": peer.approved_by, "at": when, "channel": peer.approved_channel,
        })),
        "acceptance": acceptance::json(&peer.acceptance),
        "cut_off_until": words::moment(peer.cut_off_until_ms),
        "cut_off_reason": peer.cut_off_reason,
    })
}

/// What keeps a peer from working as it should, if anything does.
pub(crate) fn trouble(peer: &PeerView) -> Option<String> {
    let following = peer.following.as_ref();
    if let Some(until) = words::moment(peer.cut_off_until_ms) {
        return Some(format!("cut off until {until}: {}", peer.cut_off_reason));
    }
    match peer.state() {
        PeerState::Frozen => return Some(format!("frozen, nothing of it is accepted: {}", peer.standing_reason)),
        PeerState::Suspended => return Some(format!("suspended: {}", peer.standing_reason)),
        PeerState::Approved | PeerState::Pending | PeerState::Unspecified => {}
    }
    if peer.freshness() == Freshness::Stale && peer.state() == PeerState::Approved {
        return Some("stale, nothing new is disclosed to it: its descriptor cannot be refreshed".to_owned());
    }
    let error = following.filter(|following| !following.connected && !following.last_error.is_empty());
    if let Some(following) = error {
        return Some(following.last_error.clone());
    }
    if !peer.descriptor_fault.is_empty() {
        return Some(format!("its descriptor was refused: {}", peer.descriptor_fault));
    }
    let quarantined = following.map_or(0, |following| following.quarantined);
    (quarantined > 0)
        .then(|| format!("{quarantined} in quarantine: selat record quarantine --peer {}", peer.participant))
}

/// The phrase to read out: three lines of four words, and the digits.
pub(crate) fn phrase_lines(reply: &PeerFingerprintReply) -> Vec<String> {
    let mut lines: Vec<String> = reply.words.chunks(4).map(|words| clean(&words.join("  "))).collect();
    lines.push(format!("digits: {}", clean(&reply.digits)));
    lines
}

/// The phrase as JSON.
pub(crate) fn phrase_json(reply: &PeerFingerprintReply) -> Value {
    json!({ "version": SHAPE_VERSION, "peer": reply.peer, "words": reply.words, "digits": reply.digits })
}

/// A step of a ping and its tone; a failed one with its mend on a line of its own.
pub(crate) fn step_lines(step: &PingStep) -> (Tone, Vec<String>) {
    let (tone, word) = match step.result() {
        PingResult::Ok => (Tone::Good, "ok"),
        PingResult::NotTried => (Tone::Wary, "not tried"),
        PingResult::Failed | PingResult::Unspecified => (Tone::Bad, "FAILED"),
    };
    let line = format!("{:<12}  {word:<9}  {}", clean(&step.name), clean(&step.detail));
    let mut lines = vec![line.trim_end().to_owned()];
    if !step.mend.is_empty() && tone == Tone::Bad {
        lines.push(format!("              mend: {}", clean(&step.mend)));
    }
    (tone, lines)
}

/// A step of a ping as JSON.
pub(crate) fn step_json(step: &PingStep) -> Value {
    json!({
        "step": step.name,
        "result": words::ping_result(step.result),
        "detail": step.detail,
        "mend": step.mend,
    })
}

fn lag(peer: &PeerView) -> u64 {
    peer.following.as_ref().map_or(0, |following| following.size.saturating_sub(following.held))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn approved() -> PeerView {
        PeerView {
            participant: "IDN".into(),
            unit: "Pusat Intelijen".into(),
            state: PeerState::Approved.into(),
            descriptor_version: 1,
            descriptor_hash: vec![0xab; 32],
            endpoints: vec!["idn.example:7400".into()],
            following: Some(Following { connected: true, held: 10, size: 12, ..Default::default() }),
            release_log_size: 5,
            release_log_sent: 4,
            approved_by: "operator".into(),
            approved_ms: 1_700_000_000_000,
            approved_channel: "video call".into(),
            contact: "duty officer".into(),
            refreshed_ms: 1_700_000_000_000,
            freshness: Freshness::Fresh.into(),
            acknowledged_version: 2,
            clock_skew_ms: Some(-1_250),
            acceptance: acceptance::tests::signed(),
            ..Default::default()
        }
    }

    #[test]
    fn row_shows_state_lag_and_trouble() {
        let mut rows = rows(&[]).unwrap();
        push(&mut rows, &approved());
        let table = rows.render(200).unwrap();
        for part in ["IDN", "approved", "fresh", "yes", " 2 "] {
            assert!(table.contains(part), "{part} in {table}");
        }
        assert_eq!(lag(&approved()), 2);
    }

    #[test]
    fn trouble_names_the_worst_first() {
        let fine = approved();
        assert_eq!(trouble(&fine), None);
        let held_back = PeerView {
            following: Some(Following { quarantined: 3, ..fine.following.clone().unwrap() }),
            ..fine.clone()
        };
        assert!(trouble(&held_back).unwrap().starts_with("3 in quarantine"));
        let gone = Following { connected: false, last_error: "connection refused".into(), ..Default::default() };
        let unreachable = PeerView { following: Some(gone), ..fine.clone() };
        assert_eq!(trouble(&unreachable).unwrap(), "connection refused");
        let refused = PeerView { descriptor_fault: "version 3 is missing".into(), ..fine.clone() };
        assert_eq!(trouble(&refused).unwrap(), "its descriptor was refused: version 3 is missing");
        let cut =
            PeerView { cut_off_until_ms: 1_700_000_000_000, cut_off_reason: "bad signature".into(), ..unreachable };
        assert_eq!(trouble(&cut).unwrap(), "cut off until 2023-11-14T22:13:20Z: bad signature");
    }

    #[test]
    fn suspended_frozen_and_stale_peers_say_why_nothing_flows() {
        let of = |state: PeerState, reason: &str| PeerView {
            state: state.into(),
            standing_reason: reason.into(),
            freshness: Freshness::Stale.into(),
            ..approved()
        };
        assert_eq!(trouble(&of(PeerState::Suspended, "break-in")).unwrap(), "suspended: break-in");
        assert!(trouble(&of(PeerState::Frozen, "two descriptors 4")).unwrap().ends_with(": two descriptors 4"));
        assert!(trouble(&of(PeerState::Approved, "")).unwrap().starts_with("stale"));
        assert!(
            lines(&of(PeerState::Suspended, "break-in"), 80).contains(&"state       suspended: break-in".to_owned())
        );
    }

    #[test]
    fn all_that_is_known_of_a_peer_names_freshness_clock_and_who_accepted_it() {
        let told = lines(&approved(), 100).join("\n");
        for part in [
            "fresh       yes: compared with it 2023-11-14T22:13:20Z",
            "holds       version 2 of our descriptor",
            "clock       -1.2 s against ours",
            "approved    2023-11-14T22:13:20Z by operator over video call",
            "acceptance  signed 2023-11-14T22:13:20Z by AUS",
        ] {
            assert!(told.contains(part), "{part} in {told}");
        }
        let unseen = PeerView { clock_skew_ms: None, acknowledged_version: 0, refreshed_ms: 0, ..approved() };
        let told = lines(&unseen, 100).join("\n");
        for part in [
            "clock       not compared yet",
            "holds       no version",
            "fresh       its descriptor was not compared with it yet",
        ] {
            assert!(told.contains(part), "{part} in {told}");
        }
    }

    #[test]
    fn freshness_is_told_of_approved_peers_alone() {
        let of = |state: PeerState, freshness: Freshness| PeerView {
            state: state.into(),
            freshness: freshness.into(),
            ..approved()
        };
        assert!(refreshed(&of(PeerState::Approved, Freshness::Stale)).starts_with("STALE"));
        assert!(refreshed(&of(PeerState::Approved, Freshness::Ageing)).starts_with("ageing"));
        assert!(refreshed(&of(PeerState::Pending, Freshness::Stale)).starts_with("only the descriptors of approved"));
        assert_eq!(freshness(&of(PeerState::Pending, Freshness::Stale)), "-");
    }

    #[test]
    fn json_of_a_peer_has_the_documented_shape() {
        let shape = json(&approved());
        assert_eq!(shape["following"]["lag"], 2);
        assert_eq!(shape["approved"]["at"], "2023-11-14T22:13:20Z");
        assert_eq!(shape["cut_off_until"], Value::Null);
        assert_eq!(shape["state"], "approved");
        assert_eq!((&shape["freshness"], &shape["clock_skew_ms"]), (&"fresh".into(), &(-1_250).into()));
        assert_eq!(shape["acceptance"]["by"], "operator");
    }

    #[test]
    fn failed_step_comes_with_its_mend() {
        let step = |result: PingResult| PingStep {
            name: "clock".into(),
            result: result.into(),
            detail: "7 min ahead".into(),
            mend: "set the clock".into(),
        };
        assert_eq!(
            step_lines(&step(PingResult::Failed)).1,
            ["clock         FAILED     7 min ahead", "              mend: set the clock"]
        );
        assert_eq!(
            step_lines(&step(PingResult::Ok)),
            (Tone::Good, vec!["clock         ok         7 min ahead".to_owned()])
        );
    }
}
