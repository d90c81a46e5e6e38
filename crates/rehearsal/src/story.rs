//! The story: records released and followed, a search with each peer's outcome as it comes, a peer that is down, a release
//! that is refused. Told as lines, with bars while something moves.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use futures::future::try_join_all;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use selat_exchange::{Clock, Ending, Exchange, Search, SearchEvent};
use selat_record::pb::{self, record::Body};
use selat_record::{Draft, ParticipantId};

use crate::federation::{Federation, RehearsalError, officer, operator, reason};
use crate::made_up;
use crate::report::{Holding, Outcome, Refusal, Report, SearchReport};

/// Records that are on their way into one node at a time.
const SIDE_BY_SIDE: usize = 64;
/// Most hits asked of one peer.
const HITS_MAX: u32 = 20;

/// Where the story is told. Silent when the result is wanted as JSON.
pub struct Teller {
    silent: bool,
}

impl Teller {
    /// Tells to standard output, or nothing at all.
    pub fn new(silent: bool) -> Self {
        Self { silent }
    }

    /// One line of the story. A reader that is gone misses the rest of it, nothing more.
    pub fn say(&self, line: impl AsRef<str>) {
        if !self.silent {
            let _ = writeln!(io::stdout(), "{}", line.as_ref());
        }
    }

    /// A bar on standard error, if somebody looks at it.
    fn bar(&self, what: &'static str, total: u64) -> ProgressBar {
        if self.silent || !io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let style = ProgressStyle::with_template("  {msg:20} [{bar:36}] {pos}/{len}")
            .expect("the template is constant and well-formed")
            .progress_chars("=> ");
        ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr()).with_style(style).with_message(what)
    }
}

/// Fills every node with made-up records, each signed, durable and released as its handling says.
pub async fn fill(
    federation: &Federation,
    teller: &Teller,
    seed: u64,
    per_node: usize,
    report: &mut Report,
) -> Result<(), RehearsalError> {
    let everybody = federation.participants();
    let total = u64::try_from(everybody.len() * per_node).unwrap_or(u64::MAX);
    let bar = teller.bar("records made", total);
    for participant in &everybody {
        let others: Vec<_> = everybody.iter().filter(|other| *other != participant).cloned().collect();
        let drafts = made_up::drafts(seed, participant, &others, per_node);
        let exchange = federation.exchange(participant)?;
        for chunk in drafts.chunks(SIDE_BY_SIDE) {
            let receipts = try_join_all(chunk.iter().map(|draft| put(exchange, draft))).await?;
            report.records += u64::try_from(receipts.len()).unwrap_or_default();
            report.released += receipts.iter().sum::<u64>();
            bar.inc(u64::try_from(chunk.len()).unwrap_or_default());
        }
    }
    bar.finish_and_clear();
    Ok(())
}

/// Puts one record; says to how many peers it was released.
async fn put(exchange: &Arc<Exchange>, draft: &pb::Record) -> Result<u64, RehearsalError> {
    let draft = Draft::check(draft.clone())?;
    let receipt = exchange.put(&officer(), &reason(), draft, 0).await?;
    let released = receipt.releases.iter().filter(|release| release.result.is_ok()).count();
    Ok(u64::try_from(released).unwrap_or_default())
}

/// Shows how the recipients catch up, until all hold what was released to them.
pub async fn follow(federation: &Federation, teller: &Teller, clock: &dyn Clock) -> Result<(), RehearsalError> {
    let (made, _) = federation.progress().await?;
    let bar = teller.bar("releases followed", made);
    loop {
        let (made, held) = federation.progress().await?;
        bar.set_length(made);
        bar.set_position(held);
        if held >= made {
            bar.finish_and_clear();
            return federation.settled().await;
        }
        clock.sleep(Duration::from_millis(50)).await;
    }
}

/// What each node holds, as a table.
pub async fn holdings(federation: &Federation, teller: &Teller) -> Result<Vec<Holding>, RehearsalError> {
    teller.say("  node   own   from peers   audit entries");
    let mut holdings = Vec::new();
    for participant in federation.participants() {
        let status = federation.exchange(&participant)?.status(&operator()).await?;
        teller.say(format!(
            "  {participant:<4} {:>5} {:>12} {:>15}",
            status.own_records, status.peer_records, status.audit_log
        ));
        holdings.push(Holding {
            participant: participant.to_string(),
            own: status.own_records,
            from_peers: status.peer_records,
            audit_log: status.audit_log,
        });
    }
    Ok(holdings)
}

/// A name that more than one node knows something about: the Latin name of a person that `of` made for all.
pub fn well_known_name(seed: u64, of: &ParticipantId, others: &[ParticipantId], per_node: usize) -> String {
    let drafts = made_up::drafts(seed, of, others, per_node);
    let open = |record: &&pb::Record| {
        let handling = record.handling.as_ref();
        let kind = handling.and_then(|handling| handling.releasable_to.as_ref()).map(pb::Audience::kind);
        record.protection.is_none() && kind == Some(pb::AudienceKind::All)
    };
    let latin = |record: &pb::Record| match &record.body {
        Some(Body::Person(person)) => person.names.last().map(|name| name.text.clone()),
        _ => None,
    };
    drafts.iter().filter(open).find_map(latin).unwrap_or_else(|| "Somchai Thongwari".into())
}

/// One federated search, told as the outcomes come in.
pub async fn search(exchange: &Arc<Exchange>, teller: &Teller, name: &str) -> Result<SearchReport, RehearsalError> {
    let find = pb::Find { name: name.to_owned(), limit: HITS_MAX, ..Default::default() };
    let search = Search { find, peers: Vec::new(), fetch: false, deadline: Duration::from_secs(5), include_own: false };
    let mut events = exchange.search(&officer(), &reason(), search).await?;
    let mut report =
        SearchReport { asked_by: exchange.participant().to_string(), name: name.to_owned(), ..Default::default() };
    while let Some(event) = events.recv().await {
        match event {
            SearchEvent::Outcome(outcome) => {
                let elapsed_ms = u64::try_from(outcome.elapsed.as_millis()).unwrap_or(u64::MAX);
                let (ending, hits, detail) = in_words(&outcome.ending);
                let found = match hits {
                    0 => detail.clone(),
                    1 => "1 hit".to_owned(),
                    hits => format!("{hits} hits"),
                };
                let spoken = ending.replace('_', " ");
                teller.say(format!("  {:<4} {spoken:<12} {elapsed_ms:>5} ms   {found}", outcome.peer.as_str()));
                report.outcomes.push(Outcome { peer: outcome.peer.to_string(), ending, hits, detail, elapsed_ms });
            }
            SearchEvent::Done(summary) => {
                (report.asked, report.answered, report.hits) = (summary.asked, summary.answered, summary.hits);
            }
        }
    }
    let complete = if report.asked == report.answered { "complete" } else { "the answer may be incomplete" };
    teller.say(format!("  {} of {} peers answered; {complete}", report.answered, report.asked));
    Ok(report)
}

fn in_words(ending: &Ending) -> (&'static str, usize, String) {
    match ending {
        Ending::Answered { hits, .. } if hits.is_empty() => ("no_hit", 0, "nothing that we may know of".into()),
        Ending::Answered { hits, .. } => ("hit", hits.len(), String::new()),
        Ending::Refused(why) => ("refused", 0, why.clone()),
        Ending::Busy => ("busy", 0, "no answer in its time".into()),
        Ending::Unreachable(why) => ("unreachable", 0, why.clone()),
        Ending::Late => ("late", 0, "no answer before the deadline".into()),
        Ending::BadSignature(why) => ("bad_signature", 0, why.clone()),
        Ending::NotApproved => ("not_approved", 0, "not an approved peer".into()),
    }
}

/// An asylum-seeker's record whose handling names, by mistake, the very state that must not learn of it.
pub async fn refused_release(
    exchange: &Arc<Exchange>,
    teller: &Teller,
    hidden_from: &ParticipantId,
) -> Result<Refusal, RehearsalError> {
    let mut draft = protected_draft(hidden_from);
    if let Some(handling) = draft.handling.as_mut() {
        handling.releasable_to =
            Some(pb::Audience { kind: pb::AudienceKind::Named.into(), participants: vec![hidden_from.to_string()] });
    }
    let receipt = exchange.put(&officer(), &reason(), Draft::check(draft)?, 0).await?;
    let mut refusal = Refusal { from: exchange.participant().to_string(), ..Default::default() };
    for release in receipt.releases {
        if let (peer, Err((rule, why))) = (&release.peer, release.result)
            && peer == hidden_from
        {
            teller.say(format!("  {} to {peer}: refused by rule {rule}: {why}", exchange.participant()));
            (refusal.to, refusal.rule, refusal.why) = (peer.to_string(), rule, why);
        }
    }
    Ok(refusal)
}

fn protected_draft(hidden_from: &ParticipantId) -> pb::Record {
    let person = pb::Person {
        names: vec![pb::PersonName {
            text: "Layla al-Shamsbur".into(),
            script: "Latn".into(),
            kind: pb::NameKind::Primary.into(),
            ..Default::default()
        }],
        roles: vec![pb::PersonRole::Victim.into()],
        ..Default::default()
    };
    pb::Record {
        evaluation: Some(pb::Evaluation {
            scheme: pb::EvaluationScheme::Admiralty.into(),
            reliability: "B".into(),
            credibility: "2".into(),
        }),
        handling: Some(pb::Handling {
            purposes: vec![pb::Purpose::LawEnforcement.into(), pb::Purpose::Protection.into()],
            onward: pb::Onward::None.into(),
            tlp: pb::Tlp::AmberStrict.into(),
            sensitivity: 4,
            ..Default::default()
        }),
        protection: Some(pb::Protection {
            kinds: vec![pb::ProtectionKind::Asylum.into()],
            hidden_from: vec![hidden_from.to_string()],
        }),
        legal_basis: "Smuggling of Migrants Protocol, Art. 16".into(),
        body: Some(Body::Person(person)),
        ..Default::default()
    }
}
