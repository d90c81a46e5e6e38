//! The handlers of the desk.

use std::pin::Pin;
use std::sync::Arc;

use futures::Stream;
use selat_exchange::{Actor, Exchange, ROWS_MAX, SearchEvent};
use selat_link::PeerListener;
use selat_policy::{DeskAct, may};
use selat_record::Timestamp;
use selat_wire::desk::desk_server::Desk;
use selat_wire::desk::{self as wire};
use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::{actor_of, bad, messages, peers, reason_of, records, refused, search};
use crate::calls::Calls;
use crate::certificates::Certificates;
use crate::officer::Callers;
use crate::ping::ping;
use crate::watch::Watch;

/// Most lines of the quarantine in one reply.
const QUARANTINE_MAX: usize = 10_000;
/// Outcomes of an import on their way to a slow reader.
const OUTCOMES_QUEUED: usize = 2 * ROWS_MAX;

pub(super) type Reply<T> = Result<Response<T>, Status>;
type Replies<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// The service behind the desk listeners.
#[derive(Clone)]
pub struct DeskRpc {
    /// The use-cases.
    pub exchange: Arc<Exchange>,
    /// The way to the peers, for trying it.
    pub calls: Arc<Calls>,
    /// Officers with certificates.
    pub callers: Arc<Callers>,
    /// Where peers come in, for what it refused.
    pub listener: Arc<PeerListener>,
    /// Our certificate and its renewal.
    pub certificates: Arc<Certificates>,
    /// When the officer authority ends, and with it the certificates of officers.
    pub officer_authority_until: Timestamp,
    /// What the node knows of itself.
    pub watch: Arc<Watch>,
    /// Label of this node.
    pub node: String,
    /// When the node started.
    pub started: Timestamp,
}

impl DeskRpc {
    pub(super) fn actor<T>(&self, request: &Request<T>) -> Result<Actor, Status> {
        actor_of(request, &self.callers)
    }

    pub(super) async fn view(&self, entry: selat_exchange::PeerEntry) -> Result<wire::PeerView, Status> {
        Ok(messages::peer(self.exchange.peer_status(entry).await.map_err(refused)?))
    }
}

#[tonic::async_trait]
impl Desk for DeskRpc {
    async fn status(&self, request: Request<wire::StatusRequest>) -> Reply<wire::StatusReply> {
        let status = self.exchange.status(&self.actor(&request)?).await.map_err(refused)?;
        let descriptor = self.exchange.descriptor();
        let handshakes = self.listener.handshakes().summary();
        let expires = self.certificates.facts().not_after;
        let last = handshakes.recent.last().map(|last| format!("{} from {}: {}", last.at, last.remote, last.fault));
        Ok(Response::new(wire::StatusReply {
            federation: self.exchange.federation().to_string(),
            participant: self.exchange.participant().to_string(),
            unit: descriptor.message().unit.clone(),
            node: self.node.clone(),
            software: format!("selat {}", env!("CARGO_PKG_VERSION")),
            now_ms: self.exchange.clock().now().ms(),
            started_ms: self.started.ms(),
            descriptor_version: descriptor.version(),
            descriptor_hash: descriptor.content_id().as_bytes().to_vec(),
            leaf_certificate_expires_ms: expires.ms(),
            own_records: status.own_records,
            peer_records: status.peer_records,
            quarantined: status.peers.iter().map(|peer| peer.quarantined).sum(),
            audit_log_size: status.audit_log,
            index_lag: status.index_lag,
            store_bytes: status.store_bytes,
            peers: status.peers.into_iter().map(messages::peer).collect(),
            handshakes_refused: handshakes.refused,
            last_handshake_refusal: last.unwrap_or_default(),
        }))
    }

    async fn put_record(&self, request: Request<wire::PutRecordRequest>) -> Reply<wire::RecordReceipt> {
        let actor = self.actor(&request)?;
        let request = request.into_inner();
        let (reason, draft) = (reason_of(request.reason.as_ref())?, records::draft(request.draft)?);
        let receipt = self.exchange.put(&actor, &reason, draft, request.valid_days).await.map_err(refused)?;
        Ok(Response::new(messages::receipt(receipt)))
    }

    async fn amend_record(&self, request: Request<wire::AmendRecordRequest>) -> Reply<wire::RecordReceipt> {
        let actor = self.actor(&request)?;
        let request = request.into_inner();
        let (reason, draft) = (reason_of(request.reason.as_ref())?, records::draft(request.draft)?);
        let target = (records::record_id(&request.record_id)?, request.from_version);
        let receipt = self.exchange.amend(&actor, &reason, target, draft, request.valid_days).await.map_err(refused)?;
        Ok(Response::new(messages::receipt(receipt)))
    }

    async fn release_record(&self, request: Request<wire::ReleaseRecordRequest>) -> Reply<wire::RecordReceipt> {
        let actor = self.actor(&request)?;
        let request = request.into_inner();
        let (reason, to) = (reason_of(request.reason.as_ref())?, records::audience(request.to.as_ref())?);
        let id = records::record_id(&request.record_id)?;
        let receipt = self.exchange.release(&actor, &reason, id, to).await.map_err(refused)?;
        Ok(Response::new(messages::receipt(receipt)))
    }

    type ImportRecordsStream = Replies<wire::ImportOutcome>;

    async fn import_records(&self, request: Request<Streaming<wire::ImportChunk>>) -> Reply<Self::ImportRecordsStream> {
        let actor = self.actor(&request)?;
        may(&actor.roles, DeskAct::ImportRecords).map_err(|refusal| refused(refusal.into()))?;
        let mut chunks = request.into_inner();
        let exchange = self.exchange.clone();
        let (sender, receiver) = mpsc::channel(OUTCOMES_QUEUED);
        // Ends with the last chunk, or when the caller hangs up.
        self.exchange.spawn(async move {
            while let Some(chunk) = chunks.next().await {
                let outcomes = match chunk {
                    Ok(chunk) => import_chunk(&exchange, &actor, chunk).await,
                    Err(status) => Err(status),
                };
                let failed = outcomes.is_err();
                let outcomes =
                    outcomes.map_or_else(|status| vec![Err(status)], |all| all.into_iter().map(Ok).collect());
                for outcome in outcomes {
                    if sender.send(outcome).await.is_err() {
                        return;
                    }
                }
                if failed {
                    return;
                }
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }

    async fn get_record(&self, request: Request<wire::GetRecordRequest>) -> Reply<wire::StoredRecord> {
        let actor = self.actor(&request)?;
        let request = request.into_inner();
        let (reason, id) = (reason_of(request.reason.as_ref())?, records::record_id(&request.record_id)?);
        let held = self.exchange.get(&actor, &reason, id, request.version).await.map_err(refused)?;
        Ok(Response::new(messages::stored(held)))
    }

    type ListRecordsStream = Replies<wire::StoredRecord>;

    async fn list_records(&self, request: Request<wire::ListRecordsRequest>) -> Reply<Self::ListRecordsStream> {
        let actor = self.actor(&request)?;
        let request = request.into_inner();
        let (reason, listing) = (reason_of(request.reason.as_ref())?, records::listing(request)?);
        let listed = self.exchange.list(&actor, &reason, listing).await.map_err(refused)?;
        let stored = ReceiverStream::new(listed).map(|held| held.map(messages::stored).map_err(refused));
        Ok(Response::new(Box::pin(stored)))
    }

    async fn record_history(&self, request: Request<wire::GetRecordRequest>) -> Reply<wire::RecordHistoryReply> {
        let actor = self.actor(&request)?;
        let request = request.into_inner();
        let (reason, id) = (reason_of(request.reason.as_ref())?, records::record_id(&request.record_id)?);
        let versions = self.exchange.history(&actor, &reason, id).await.map_err(refused)?;
        let versions = versions.into_iter().map(messages::stored).collect();
        Ok(Response::new(wire::RecordHistoryReply { versions }))
    }

    type SearchStream = Replies<wire::SearchEvent>;

    async fn search(&self, request: Request<wire::SearchRequest>) -> Reply<Self::SearchStream> {
        let actor = self.actor(&request)?;
        let request = request.into_inner();
        let (reason, search) = (reason_of(request.reason.as_ref())?, search::search(request)?);
        let events = self.exchange.search(&actor, &reason, search).await.map_err(refused)?;
        let events =
            ReceiverStream::new(events).map(|event| Ok(wire::SearchEvent { event: Some(search_event(event)) }));
        Ok(Response::new(Box::pin(events)))
    }

    type ListQuarantineStream = Replies<wire::QuarantinedRecord>;

    async fn list_quarantine(
        &self,
        request: Request<wire::ListQuarantineRequest>,
    ) -> Reply<Self::ListQuarantineStream> {
        let actor = self.actor(&request)?;
        let request = request.into_inner();
        let peer = records::optional_participant(&request.peer)?;
        let limit = match usize::try_from(request.limit).unwrap_or(QUARANTINE_MAX) {
            0 => QUARANTINE_MAX,
            limit => limit.min(QUARANTINE_MAX),
        };
        let rows = self.exchange.quarantine(&actor, peer.as_ref(), limit).await.map_err(refused)?;
        let rows = tokio_stream::iter(rows).map(|row| Ok(messages::quarantined(row)));
        Ok(Response::new(Box::pin(rows)))
    }

    async fn peer_invite(&self, request: Request<wire::PeerInviteRequest>) -> Reply<wire::PeerInviteReply> {
        let descriptor = self.exchange.invite(&self.actor(&request)?).await.map_err(refused)?;
        Ok(Response::new(wire::PeerInviteReply { descriptor }))
    }

    async fn peer_join(&self, request: Request<wire::PeerJoinRequest>) -> Reply<wire::PeerView> {
        let actor = self.actor(&request)?;
        let invitation = self.exchange.read_invitation(&request.into_inner().descriptor).map_err(refused)?;
        peers::check_authorities(invitation.newest())?;
        let entry = self.exchange.accept_invitation(&actor, invitation).await.map_err(refused)?;
        Ok(Response::new(self.view(entry).await?))
    }

    async fn peer_fingerprint(&self, request: Request<wire::PeerNameRequest>) -> Reply<wire::PeerFingerprintReply> {
        let actor = self.actor(&request)?;
        let peer = records::participant(&request.into_inner().peer)?;
        let phrase = self.exchange.fingerprint(&actor, &peer).map_err(refused)?;
        let words = phrase.words().iter().map(|word| (*word).to_owned()).collect();
        Ok(Response::new(wire::PeerFingerprintReply { peer: peer.to_string(), words, digits: phrase.digits() }))
    }

    async fn peer_approve(&self, request: Request<wire::PeerApproveRequest>) -> Reply<wire::PeerView> {
        let actor = self.actor(&request)?;
        let request = request.into_inner();
        let peer = records::participant(&request.peer)?;
        let approved = self.exchange.approve(&actor, &peer, &request.words, &request.channel).await;
        Ok(Response::new(self.view(approved.map_err(refused)?).await?))
    }

    async fn peer_list(&self, request: Request<wire::PeerListRequest>) -> Reply<wire::PeerListReply> {
        let peers = self.exchange.peers(&self.actor(&request)?).await.map_err(refused)?;
        Ok(Response::new(wire::PeerListReply { peers: peers.into_iter().map(messages::peer).collect() }))
    }

    async fn peer_ping(&self, request: Request<wire::PeerNameRequest>) -> Reply<wire::PeerPingReply> {
        let actor = self.actor(&request)?;
        may(&actor.roles, DeskAct::PingPeer).map_err(|refusal| refused(refusal.into()))?;
        let peer = records::participant(&request.into_inner().peer)?;
        let book = self.exchange.book();
        let peer = book.peer(&peer).map_err(refused)?;
        Ok(Response::new(wire::PeerPingReply { steps: ping(&self.exchange, &self.calls, peer).await }))
    }

    async fn peer_suspend(&self, request: Request<wire::PeerStandingRequest>) -> Reply<wire::PeerView> {
        self.suspend(request).await
    }

    async fn peer_resume(&self, request: Request<wire::PeerStandingRequest>) -> Reply<wire::PeerView> {
        self.resume(request).await
    }

    async fn peer_remove(&self, request: Request<wire::PeerStandingRequest>) -> Reply<wire::PeerRemoveReply> {
        self.remove(request).await
    }

    async fn descriptor_chain(
        &self,
        request: Request<wire::DescriptorChainRequest>,
    ) -> Reply<wire::DescriptorChainReply> {
        self.chain(request).await
    }

    async fn descriptor_publish(
        &self,
        request: Request<wire::DescriptorPublishRequest>,
    ) -> Reply<wire::DescriptorPublishReply> {
        self.publish(request).await
    }

    async fn descriptor_acks(&self, request: Request<wire::DescriptorAcksRequest>) -> Reply<wire::DescriptorAcksReply> {
        self.acks(&request)
    }

    async fn key_status(&self, request: Request<wire::KeyStatusRequest>) -> Reply<wire::KeyStatusReply> {
        self.keys(request).await
    }

    async fn key_plan(&self, request: Request<wire::KeyPlanRequest>) -> Reply<wire::KeyPlan> {
        self.plan(request).await
    }

    async fn key_apply(&self, request: Request<wire::KeyApplyRequest>) -> Reply<wire::KeyApplyReply> {
        self.apply(request).await
    }

    async fn key_resign(&self, request: Request<wire::KeyResignRequest>) -> Reply<wire::KeyResignReply> {
        self.resign(request).await
    }

    async fn cert_show(&self, request: Request<wire::CertShowRequest>) -> Reply<wire::CertView> {
        self.certificate(&request)
    }

    async fn cert_renew(&self, request: Request<wire::CertRenewRequest>) -> Reply<wire::CertView> {
        self.renew(request).await
    }

    async fn doctor(&self, request: Request<wire::DoctorRequest>) -> Reply<wire::DoctorReply> {
        self.find(request).await
    }

    async fn metrics(&self, request: Request<wire::MetricsRequest>) -> Reply<wire::MetricsReply> {
        self.measure(request).await
    }
}

async fn import_chunk(
    exchange: &Arc<Exchange>,
    actor: &Actor,
    chunk: wire::ImportChunk,
) -> Result<Vec<wire::ImportOutcome>, Status> {
    let reason = reason_of(chunk.reason.as_ref())?;
    if chunk.rows.is_empty() {
        return Err(bad(selat_record::Faults::one("rows", "is empty")));
    }
    let rows = records::import_rows(chunk.rows)?;
    let numbers: Vec<_> = rows.iter().map(|row| row.row).collect();
    let results = exchange.import(actor, &reason, rows).await.map_err(refused)?;
    Ok(numbers.into_iter().zip(results).map(|(row, result)| messages::imported(row, result)).collect())
}

fn search_event(event: SearchEvent) -> wire::search_event::Event {
    match event {
        SearchEvent::Outcome(outcome) => wire::search_event::Event::Outcome(messages::outcome(outcome)),
        SearchEvent::Done(summary) => wire::search_event::Event::Summary(messages::summary(summary)),
    }
}
