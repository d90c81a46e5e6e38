//! A desk that replies as it was told to, on a socket of its own.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use clap::Parser;
use futures::stream::BoxStream;
use futures::{StreamExt, stream};
use selat_complaint::Exit;
use selat_link::Now;
use selat_record::Timestamp;
use selat_wire::RefusedCall;
use selat_wire::desk::desk_server::{Desk, DeskServer};
use selat_wire::desk::*;
use tokio::net::UnixListener;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::UnixListenerStream;
use tonic::transport::Server;
use tonic::{Code, Request, Response, Status, Streaming};

use super::{Counted, Said, captured, words};
use crate::cli::{Command, Globals};

/// A reply in the making: messages, then perhaps a refusal.
pub(crate) type Script<T> = VecDeque<Result<T, Status>>;

/// What the desk replies. What it was not told it refuses.
#[derive(Default)]
pub(crate) struct FakeDesk {
    pub(crate) status: Option<StatusReply>,
    pub(crate) search: Script<SearchEvent>,
    pub(crate) records: Script<StoredRecord>,
    pub(crate) receipt: Option<RecordReceipt>,
    pub(crate) peers: Vec<PeerView>,
    pub(crate) steps: Vec<PingStep>,
    pub(crate) keys: Option<KeyStatusReply>,
    pub(crate) plan: Option<KeyPlan>,
    pub(crate) applied: Option<KeyApplyReply>,
    /// What is to be signed anew.
    pub(crate) doubtful: Option<KeyResignReply>,
    /// What each step of signing anew did.
    pub(crate) resigned: VecDeque<KeyResignReply>,
    pub(crate) certificate: Option<CertView>,
    pub(crate) acks: Option<DescriptorAcksReply>,
    pub(crate) chain: Option<DescriptorChainReply>,
    pub(crate) findings: Option<DoctorReply>,
    pub(crate) metrics: Option<MetricsReply>,
    /// Ends the import after so many rows.
    pub(crate) import_rows_max: Option<usize>,
    /// Holds the outcomes of an import back until it has so many chunks.
    pub(crate) import_holds_chunks: usize,
}

/// What the desk was asked.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) searches: Vec<SearchRequest>,
    pub(crate) puts: Vec<PutRecordRequest>,
    pub(crate) amendments: Vec<AmendRecordRequest>,
    pub(crate) releases: Vec<ReleaseRecordRequest>,
    pub(crate) listings: Vec<ListRecordsRequest>,
    pub(crate) approvals: Vec<PeerApproveRequest>,
    /// Peers suspended, resumed or removed.
    pub(crate) standings: Vec<PeerStandingRequest>,
    /// What was planned, applied, and signed anew.
    pub(crate) plans: Vec<KeyGoal>,
    pub(crate) applied: Vec<KeyApplyRequest>,
    pub(crate) resigns: Vec<KeyResignRequest>,
    pub(crate) renewals: usize,
    pub(crate) published: Vec<String>,
    /// Whose descriptors were asked for.
    pub(crate) chains: Vec<String>,
    pub(crate) examinations: Vec<DoctorRequest>,
    /// Rows of each chunk of an import.
    pub(crate) chunks: Vec<Vec<ImportRow>>,
}

/// A desk that is being served until this is dropped.
pub(crate) struct Running {
    folder: tempfile::TempDir,
    server: JoinHandle<()>,
    seen: Arc<Mutex<Seen>>,
}

/// The doctor's words, which the program hangs beside its own.
#[derive(Parser)]
enum Doctor {
    Doctor(crate::cli::DoctorArgs),
}

#[derive(Parser)]
struct DoctorProgram {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    word: Doctor,
}

#[derive(Parser)]
struct Program {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

impl FakeDesk {
    /// Serves the desk.
    pub(crate) fn serve(self) -> Running {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("desk.sock")).unwrap();
        let seen = Arc::<Mutex<Seen>>::default();
        let service = DeskServer::new(Service { replies: Mutex::new(self), seen: Arc::clone(&seen) });
        let server = Server::builder().add_service(service).serve_with_incoming(UnixListenerStream::new(listener));
        let server = tokio::spawn(async move { server.await.unwrap() });
        Running { folder, server, seen }
    }
}

impl Running {
    /// Runs a command line against the desk with nobody at the terminal. Single quotes as in a shell.
    pub(crate) async fn run(&self, line: &str) -> (Exit, Said) {
        self.run_with(line, None).await
    }

    /// Runs the doctor against the desk; `files` is what it finds without a node.
    pub(crate) async fn doctor(&self, line: &str, files: &[Finding]) -> (Exit, Said) {
        let socket = self.path("desk.sock");
        let before = ["selat".to_owned(), "--socket".to_owned(), socket.to_str().unwrap().to_owned()];
        let program = DoctorProgram::try_parse_from(before.into_iter().chain(words(line)))
            .unwrap_or_else(|fault| panic!("{line}: {fault}"));
        let (mut screen, said) = captured(None);
        let now: Now = Arc::new(|| Timestamp::from_ms(1_700_000_000_000).unwrap());
        let (Doctor::Doctor(args), globals) = (program.word, program.globals);
        let files = async || files.to_vec();
        let exit = crate::doctor(&args, &globals, &mut screen, &now, &Counted::default(), files).await;
        (exit, said)
    }

    /// The same, with a person who types `answers`.
    pub(crate) async fn run_with(&self, line: &str, answers: Option<&str>) -> (Exit, Said) {
        let socket = self.path("desk.sock");
        let before = ["selat".to_owned(), "--socket".to_owned(), socket.to_str().unwrap().to_owned()];
        let program = Program::try_parse_from(before.into_iter().chain(words(line)))
            .unwrap_or_else(|fault| panic!("{line}: {fault}"));
        let (mut screen, said) = captured(answers);
        let now: Now = Arc::new(|| Timestamp::from_ms(1_700_000_000_000).unwrap());
        let exit = crate::run(program.command, &program.globals, &mut screen, &now, &Counted::default()).await;
        (exit, said)
    }

    /// A path in the desk's folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file into the desk's folder and says where it lies.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// What the desk was asked so far.
    pub(crate) fn seen<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        look(&self.seen.lock().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.server.abort();
    }
}

struct Service {
    replies: Mutex<FakeDesk>,
    seen: Arc<Mutex<Seen>>,
}

impl Service {
    fn note(&self, note: impl FnOnce(&mut Seen)) {
        note(&mut self.seen.lock().unwrap());
    }

    fn reply<T>(&self, take: impl FnOnce(&mut FakeDesk) -> Option<T>) -> Reply<T> {
        take(&mut self.replies.lock().unwrap()).map(Response::new).ok_or_else(untold)
    }

    fn stream<T: Send + 'static>(&self, take: impl FnOnce(&mut FakeDesk) -> &mut Script<T>) -> Reply<Events<T>> {
        let script = std::mem::take(take(&mut self.replies.lock().unwrap()));
        if script.is_empty() { Err(untold()) } else { Ok(Response::new(stream::iter(script).boxed())) }
    }
}

type Reply<T> = Result<Response<T>, Status>;
type Events<T> = BoxStream<'static, Result<T, Status>>;

fn untold() -> Status {
    let cause = "the fake desk was not told what to reply".to_owned();
    RefusedCall { code: "SLT-0001".into(), cause, mend: "tell it".into() }.into_status(Code::PermissionDenied)
}

/// A new record for each odd row, a rejection for rows whose key is "bad".
fn outcome(row: &ImportRow) -> ImportOutcome {
    let rejected = row.source_key == "bad";
    let faults = if rejected {
        vec![FieldFault { field: "incident.when".into(), problem: "is missing".into() }]
    } else {
        vec![]
    };
    let result = match row.row % 3 {
        _ if rejected => ImportResult::Rejected,
        0 => ImportResult::Unchanged,
        1 => ImportResult::New,
        _ => ImportResult::Amended,
    };
    ImportOutcome { row: row.row, result: result.into(), faults, released: 2, ..Default::default() }
}

#[tonic::async_trait]
impl Desk for Service {
    type ImportRecordsStream = Events<ImportOutcome>;
    type ListRecordsStream = Events<StoredRecord>;
    type SearchStream = Events<SearchEvent>;
    type ListQuarantineStream = Events<QuarantinedRecord>;

    async fn status(&self, _: Request<StatusRequest>) -> Reply<StatusReply> {
        self.reply(|desk| desk.status.clone())
    }

    async fn put_record(&self, request: Request<PutRecordRequest>) -> Reply<RecordReceipt> {
        self.note(|seen| seen.puts.push(request.into_inner()));
        self.reply(|desk| desk.receipt.clone())
    }

    async fn amend_record(&self, request: Request<AmendRecordRequest>) -> Reply<RecordReceipt> {
        self.note(|seen| seen.amendments.push(request.into_inner()));
        self.reply(|desk| desk.receipt.clone())
    }

    async fn release_record(&self, request: Request<ReleaseRecordRequest>) -> Reply<RecordReceipt> {
        self.note(|seen| seen.releases.push(request.into_inner()));
        self.reply(|desk| desk.receipt.clone())
    }

    async fn import_records(&self, request: Request<Streaming<ImportChunk>>) -> Reply<Events<ImportOutcome>> {
        let (max, held) = {
            let replies = self.replies.lock().unwrap();
            (replies.import_rows_max.unwrap_or(usize::MAX), replies.import_holds_chunks)
        };
        let seen = Arc::clone(&self.seen);
        let mut chunks = request.into_inner().map(move |chunk| {
            let rows = chunk.unwrap().rows;
            seen.lock().unwrap().chunks.push(rows.clone());
            rows
        });
        let outcomes = async move {
            let first: Vec<Vec<ImportRow>> = chunks.by_ref().take(held).collect().await;
            stream::iter(first).chain(chunks).flat_map(|rows| stream::iter(rows).map(|row| Ok(outcome(&row))))
        };
        let outcomes = stream::once(outcomes).flatten();
        Ok(Response::new(outcomes.take(max).boxed()))
    }

    async fn get_record(&self, _: Request<GetRecordRequest>) -> Reply<StoredRecord> {
        self.reply(|desk| desk.records.pop_front().and_then(Result::ok))
    }

    async fn list_records(&self, request: Request<ListRecordsRequest>) -> Reply<Events<StoredRecord>> {
        self.note(|seen| seen.listings.push(request.into_inner()));
        self.stream(|desk| &mut desk.records)
    }

    async fn record_history(&self, _: Request<GetRecordRequest>) -> Reply<RecordHistoryReply> {
        self.reply(|desk| Some(RecordHistoryReply { versions: desk.records.drain(..).flatten().collect() }))
    }

    async fn search(&self, request: Request<SearchRequest>) -> Reply<Events<SearchEvent>> {
        self.note(|seen| seen.searches.push(request.into_inner()));
        self.stream(|desk| &mut desk.search)
    }

    async fn list_quarantine(&self, request: Request<ListQuarantineRequest>) -> Reply<Events<QuarantinedRecord>> {
        let peer = request.into_inner().peer;
        let entry = QuarantinedRecord { peer, index: 7, code: "BAD_SIGNATURE".into(), ..Default::default() };
        Ok(Response::new(stream::iter([Ok(entry)]).boxed()))
    }

    async fn peer_invite(&self, _: Request<PeerInviteRequest>) -> Reply<PeerInviteReply> {
        Ok(Response::new(PeerInviteReply { descriptor: "-----BEGIN SELAT DESCRIPTOR-----\nAQID\n".into() }))
    }

    async fn peer_join(&self, _: Request<PeerJoinRequest>) -> Reply<PeerView> {
        self.reply(|desk| desk.peers.first().cloned())
    }

    async fn peer_fingerprint(&self, request: Request<PeerNameRequest>) -> Reply<PeerFingerprintReply> {
        let words = (1..=12).map(|n| format!("word{n}")).collect();
        Ok(Response::new(PeerFingerprintReply { peer: request.into_inner().peer, words, digits: "0001 0002".into() }))
    }

    async fn peer_approve(&self, request: Request<PeerApproveRequest>) -> Reply<PeerView> {
        self.note(|seen| seen.approvals.push(request.into_inner()));
        self.reply(|desk| desk.peers.first().cloned())
    }

    async fn peer_list(&self, _: Request<PeerListRequest>) -> Reply<PeerListReply> {
        self.reply(|desk| Some(PeerListReply { peers: desk.peers.clone() }))
    }

    async fn peer_ping(&self, _: Request<PeerNameRequest>) -> Reply<PeerPingReply> {
        self.reply(|desk| Some(PeerPingReply { steps: desk.steps.clone() }))
    }

    async fn peer_suspend(&self, request: Request<PeerStandingRequest>) -> Reply<PeerView> {
        self.note(|seen| seen.standings.push(request.into_inner()));
        self.reply(|desk| desk.peers.first().cloned())
    }

    async fn peer_resume(&self, request: Request<PeerStandingRequest>) -> Reply<PeerView> {
        self.note(|seen| seen.standings.push(request.into_inner()));
        self.reply(|desk| desk.peers.first().cloned())
    }

    async fn peer_remove(&self, request: Request<PeerStandingRequest>) -> Reply<PeerRemoveReply> {
        let request = request.into_inner();
        self.note(|seen| seen.standings.push(request.clone()));
        Ok(Response::new(PeerRemoveReply { peer: request.peer }))
    }

    async fn descriptor_chain(&self, request: Request<DescriptorChainRequest>) -> Reply<DescriptorChainReply> {
        self.note(|seen| seen.chains.push(request.into_inner().peer));
        self.reply(|desk| desk.chain.clone())
    }

    async fn descriptor_publish(&self, request: Request<DescriptorPublishRequest>) -> Reply<DescriptorPublishReply> {
        self.note(|seen| seen.published.push(request.into_inner().descriptor));
        Ok(Response::new(DescriptorPublishReply { version: 2, hash: vec![0xab; 32] }))
    }

    async fn descriptor_acks(&self, _: Request<DescriptorAcksRequest>) -> Reply<DescriptorAcksReply> {
        self.reply(|desk| desk.acks.clone())
    }

    async fn key_status(&self, _: Request<KeyStatusRequest>) -> Reply<KeyStatusReply> {
        self.reply(|desk| desk.keys.clone())
    }

    async fn key_plan(&self, request: Request<KeyPlanRequest>) -> Reply<KeyPlan> {
        let goal = request.into_inner().goal;
        self.note(|seen| seen.plans.extend(goal.clone()));
        self.reply(|desk| desk.plan.clone().map(|plan| KeyPlan { goal, ..plan }))
    }

    async fn key_apply(&self, request: Request<KeyApplyRequest>) -> Reply<KeyApplyReply> {
        self.note(|seen| seen.applied.push(request.into_inner()));
        self.reply(|desk| desk.applied.clone())
    }

    async fn key_resign(&self, request: Request<KeyResignRequest>) -> Reply<KeyResignReply> {
        let request = request.into_inner();
        self.note(|seen| seen.resigns.push(request));
        self.reply(|desk| if request.list_only { desk.doubtful.clone() } else { desk.resigned.pop_front() })
    }

    async fn cert_show(&self, _: Request<CertShowRequest>) -> Reply<CertView> {
        self.reply(|desk| desk.certificate.clone())
    }

    async fn cert_renew(&self, _: Request<CertRenewRequest>) -> Reply<CertView> {
        self.note(|seen| seen.renewals += 1);
        self.reply(|desk| desk.certificate.clone())
    }

    async fn doctor(&self, request: Request<DoctorRequest>) -> Reply<DoctorReply> {
        self.note(|seen| seen.examinations.push(request.into_inner()));
        self.reply(|desk| desk.findings.clone())
    }

    async fn metrics(&self, _: Request<MetricsRequest>) -> Reply<MetricsReply> {
        self.reply(|desk| desk.metrics.clone())
    }
}
