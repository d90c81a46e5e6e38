//! A rogue peer is asked. Promises: what it answers is believed only if it is signed, bound to the question and within its
//! bounds; otherwise its outcome says so, and it is a fault; the other peers' answers come all the same.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use prost::Message as _;
use selat_exchange::{Clock as _, Ending, PeerOutcome};
use selat_record::{Payload as _, pb};
use selat_seal::content_id;
use selat_tests::hostile::{Rogue, Script, Served, Stage, ask, signed_with};
use selat_wire::peer::AskReply;
use tonic::Status;

const CUT_OFF: Duration = Duration::from_secs(5);
const PATIENT: Duration = Duration::from_secs(20);

type Reply = BoxFuture<'static, Result<AskReply, Status>>;
type Answering = Box<dyn Fn(Arc<Rogue>, pb::Envelope) -> Reply + Send>;

/// A stage on which the rogue answers as a test says.
struct Asked {
    stage: Stage,
    answering: Arc<Mutex<Answering>>,
    _served: Served,
}

impl Asked {
    /// The rogue is cut off at its first fault.
    async fn of_rogue() -> Self {
        let stage = Stage::set_before_approval(|exchange| {
            exchange.faults_before_cut_off = 1;
            exchange.cut_off = CUT_OFF;
        })
        .await;
        let silent: Answering = Box::new(|_, _| std::future::pending().boxed());
        let answering = Arc::new(Mutex::new(silent));
        let (rogue, answers) = (stage.rogue.clone(), answering.clone());
        let answer = move |query| (answers.lock().expect("nothing panics under it"))(rogue.clone(), query);
        let served = stage.rogue.serve(Script::quiet(&stage.rogue).asked(answer)).await;
        stage.approve_rogue().await;
        Self { stage, answering, _served: served }
    }

    /// Asks everybody, with a rogue that answers like this; gives how the rogue's part ended. The honest peer's part is an
    /// answer in any case.
    async fn ending<F>(
        &self,
        deadline: Duration,
        answer: impl Fn(Arc<Rogue>, pb::Envelope) -> F + Send + 'static,
    ) -> Ending
    where
        F: Future<Output = Result<AskReply, Status>> + Send + 'static,
    {
        *self.answering.lock().expect("nothing panics under it") =
            Box::new(move |rogue, query| answer(rogue, query).boxed());
        let mut outcomes = ask(self.stage.victim(), Vec::new(), "somebody", deadline).await;
        outcomes.sort_by_key(|outcome| outcome.peer == self.stage.rogue.participant);
        let [honest, rogues] = <[PeerOutcome; 2]>::try_from(outcomes).expect("both were asked");
        assert!(matches!(honest.ending, Ending::Answered { .. } | Ending::Busy), "{honest:?}");
        rogues.ending
    }

    /// What the rogue makes of a query is not believed for `why`, and held against it.
    async fn spoilt(&self, why: &str, make: impl Fn(&Rogue, pb::Envelope) -> pb::Envelope + Send + 'static) {
        let answer = move |rogue: Arc<Rogue>, query| {
            let answer = Some(make(&rogue, query));
            std::future::ready(Ok(AskReply { answer }))
        };
        let ending = self.ending(PATIENT, answer).await;
        assert!(matches!(&ending, Ending::BadSignature(said) if said.contains(why)), "{why}: {ending:?}");
        self.stage.cut_off_for("answer").await;
        self.stage.clock.turn(CUT_OFF);
    }

    /// The same for a good answer that is changed and then signed.
    async fn disbelieved(&self, why: &str, change: fn(&mut pb::Answer)) {
        self.spoilt(why, move |rogue, query| {
            let mut answer = good(rogue, &query);
            change(&mut answer);
            signed(rogue, &answer)
        })
        .await;
    }

    async fn strike(self) {
        self.stage.others_go_on().await;
        self.stage.strike().await;
    }
}

/// A good answer to a query.
fn good(rogue: &Rogue, query: &pb::Envelope) -> pb::Answer {
    let outcome = pb::AnswerOutcome::NoHit.into();
    let header = Some(rogue.header(Duration::from_secs(60)));
    pb::Answer { header, query: content_id(query).as_bytes().to_vec(), outcome, ..Default::default() }
}

fn signed(rogue: &Rogue, answer: &pb::Answer) -> pb::Envelope {
    signed_with(&rogue.query, pb::Answer::TYPE, answer.encode_to_vec())
}

fn hit() -> pb::Hit {
    pb::Hit { kind: pb::RecordKind::Person.into(), reference: vec![1; 16], score: 900, ..Default::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn good_answer_is_believed() {
    let asked = Asked::of_rogue().await;
    let ending = asked
        .ending(PATIENT, |rogue, query| {
            let answer =
                pb::Answer { hits: vec![hit()], outcome: pb::AnswerOutcome::Hit.into(), ..good(&rogue, &query) };
            let answer = Some(signed(&rogue, &answer));
            std::future::ready(Ok(AskReply { answer }))
        })
        .await;
    assert!(matches!(&ending, Ending::Answered { hits, .. } if hits.len() == 1), "{ending:?}");
    assert!(asked.stage.rogue_status().await.cut_off.is_none());
    asked.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_do_not_verify_are_bad_signatures() {
    let asked = Asked::of_rogue().await;
    asked
        .spoilt("signature does not hold", |rogue, query| {
            let mut answer = signed(rogue, &good(rogue, &query));
            answer.payload[50] ^= 1;
            answer
        })
        .await;
    asked
        .spoilt("purpose", |rogue, query| {
            signed_with(&rogue.record, pb::Answer::TYPE, good(rogue, &query).encode_to_vec())
        })
        .await;
    asked.spoilt("payload type", |_, query| query).await;
    asked.spoilt("malformed", |rogue, _| signed_with(&rogue.query, pb::Answer::TYPE, vec![0xff; 500])).await;
    asked.spoilt("at most", |rogue, _| signed_with(&rogue.query, pb::Answer::TYPE, vec![1; 3 << 20])).await;
    asked
        .spoilt("canonical", |rogue, query| {
            let payload = [good(rogue, &query).encode_to_vec(), vec![0xf8, 7, 1]].concat();
            signed_with(&rogue.query, pb::Answer::TYPE, payload)
        })
        .await;
    let no_header = |answer: &mut pb::Answer| answer.header = None;
    asked.disbelieved("header is missing", no_header).await;
    asked.disbelieved("names an issuer other", |answer| header(answer).issuer = "IDN".into()).await;
    asked.disbelieved("another federation", |answer| header(answer).federation = "other".into()).await;
    asked
        .disbelieved("in the future", |answer| {
            header(answer).created_ms += 600_000;
            header(answer).expires_ms += 600_000;
        })
        .await;
    asked.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_not_to_the_question_are_bad_signatures() {
    let asked = Asked::of_rogue().await;
    asked.disbelieved("not bound to the question", |answer| answer.query = vec![7; 32]).await;
    asked.disbelieved("not bound to the question", |answer| answer.query.clear()).await;
    asked.disbelieved("not bound to the question", |answer| header(answer).audience = "IDN".into()).await;
    asked.disbelieved("out of bounds", |answer| answer.hits = vec![hit(); 6]).await;
    asked.disbelieved("out of bounds", |answer| answer.hits = vec![pb::Hit { kind: 99, ..hit() }]).await;
    asked
        .disbelieved("out of bounds", |answer| answer.hits = vec![pb::Hit { reference: vec![1; 5000], ..hit() }])
        .await;
    asked.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replies_that_are_none_are_bad_signatures() {
    let asked = Asked::of_rogue().await;
    let none = asked.ending(PATIENT, |_, _| std::future::ready(Ok(AskReply { answer: None }))).await;
    assert!(matches!(&none, Ending::BadSignature(why) if why.contains("answer: is missing")), "{none:?}");
    asked.stage.cut_off_for("answer cannot be read").await;
    asked.stage.clock.turn(CUT_OFF);
    asked.spoilt("too large", |rogue, _| signed_with(&rogue.query, pb::Answer::TYPE, vec![1; 5 << 20])).await;
    asked.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answer_that_comes_too_late_is_late_and_no_fault() {
    let asked = Asked::of_rogue().await;
    for _ in 0..3 {
        let never = |_, _| std::future::pending::<Result<AskReply, Status>>();
        let ending = asked.ending(Duration::from_millis(600), never).await;
        assert!(matches!(ending, Ending::Late), "{ending:?}");
    }
    assert!(asked.stage.rogue_status().await.cut_off.is_none());
    asked.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn peer_that_is_cut_off_is_not_asked_until_its_time_is_over() {
    let asked = Asked::of_rogue().await;
    asked.stage.victim().conduct().fault(&asked.stage.rogue.participant, "did something", asked.stage.clock.now());
    let good = |rogue: Arc<Rogue>, query: pb::Envelope| {
        let answer = Some(signed(&rogue, &good(&rogue, &query)));
        std::future::ready(Ok(AskReply { answer }))
    };
    let while_cut_off = asked.ending(PATIENT, good).await;
    assert!(
        matches!(&while_cut_off, Ending::Unreachable(why) if why.contains("cut off until") && why.contains("did something")),
        "{while_cut_off:?}"
    );
    asked.stage.clock.turn(CUT_OFF);
    let afterwards = asked.ending(PATIENT, good).await;
    assert!(matches!(afterwards, Ending::Answered { .. }), "{afterwards:?}");
    asked.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_told_apart_and_are_no_faults() {
    let asked = Asked::of_rogue().await;
    let refused = |status: Status| {
        move |_: Arc<Rogue>, _: pb::Envelope| {
            let status = Status::new(status.code(), status.message());
            std::future::ready(Err::<AskReply, _>(status))
        }
    };
    let busy = asked.ending(PATIENT, refused(Status::unavailable("restarting"))).await;
    assert!(matches!(busy, Ending::Unreachable(_)), "{busy:?}");
    let no = asked.ending(PATIENT, refused(Status::permission_denied("\u{1b}[2Jno"))).await;
    assert!(matches!(no, Ending::Refused(_)), "{no:?}");
    assert!(asked.stage.rogue_status().await.cut_off.is_none());
    asked.strike().await;
}

fn header(answer: &mut pb::Answer) -> &mut pb::Header {
    answer.header.get_or_insert_default()
}
