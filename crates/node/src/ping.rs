//! `selat peer ping`: tries a peer step by step, so that an operator learns which step fails and what mends it.

use std::time::Duration;

use selat_exchange::{CallError, Exchange, PeerEntry};
use selat_link::PeerAddress;
use selat_record::ContentId;
use selat_seal::AcceptedDescriptor;
use selat_wire::desk::{PingResult, PingStep};
use selat_wire::peer::HelloReply;

use crate::calls::{Calls, addresses, words};
use crate::greetings::PROTOCOL;

/// Every step in its order.
const STEPS: [&str; 6] = ["reachability", "tls", "clock", "protocol", "descriptor", "permissions"];
/// Clocks further apart than this are worth a look.
const CLOCK_WARN_MS: u64 = 2_000;
/// How long the operator waits for the answer to a hello.
const HELLO_MAX: Duration = Duration::from_secs(10);
/// Clocks further apart than this break exchange.
const CLOCK_FAIL_MS: u64 = 60_000;

/// The steps so far; once one fails, the rest is not tried.
struct Ping(Vec<PingStep>);

impl Ping {
    fn ok(&mut self, detail: impl Into<String>) {
        self.step(PingResult::Ok, detail.into(), String::new());
    }

    fn failed(&mut self, detail: impl Into<String>, mend: impl Into<String>) {
        self.step(PingResult::Failed, detail.into(), mend.into());
    }

    fn step(&mut self, result: PingResult, detail: String, mend: String) {
        let name = STEPS.get(self.0.len()).copied().unwrap_or_default().to_owned();
        self.0.push(PingStep { name, result: result.into(), detail, mend });
    }

    fn finish(mut self) -> Vec<PingStep> {
        while self.0.len() < STEPS.len() {
            self.step(PingResult::NotTried, "an earlier step failed".into(), String::new());
        }
        self.0
    }
}

/// Tries `peer` from reachability to permissions. Of one that is not approved here only reachability can be tried.
pub async fn ping(exchange: &Exchange, calls: &Calls, peer: &PeerEntry) -> Vec<PingStep> {
    let mut ping = Ping(Vec::new());
    let (approved, peer) = (peer.is_approved(), &peer.descriptor);
    let Some(address) = reach(&mut ping, calls, peer).await else { return ping.finish() };
    if !approved {
        let name = peer.participant();
        let mend = format!("selat peer fingerprint {name}, compare the words, then selat peer approve {name}");
        ping.failed("we have not approved this peer", mend);
        return ping.finish();
    }
    if !shake_hands(&mut ping, calls, &address).await {
        return ping.finish();
    }
    match hello(exchange, calls, peer).await {
        Ok((reply, waited_ms)) => judge(&mut ping, exchange, peer, &reply, waited_ms),
        Err(error) => refused(&mut ping, &error),
    }
    ping.finish()
}

async fn reach(ping: &mut Ping, calls: &Calls, peer: &AcceptedDescriptor) -> Option<PeerAddress> {
    let mut why = "its descriptor names no endpoint".to_owned();
    for address in addresses(peer) {
        match calls.dialer().probe_tcp(&address).await {
            Ok(at) => {
                ping.ok(format!("{}:{} answers at {at}", address.host, address.port));
                return Some(address);
            }
            Err(error) => why = words(&error),
        }
    }
    ping.failed(why, "check that the peer's node runs, and the firewall, routing and DNS between you");
    None
}

async fn shake_hands(ping: &mut Ping, calls: &Calls, address: &PeerAddress) -> bool {
    match calls.dialer().probe_tls(address).await {
        Ok(facts) => {
            let until = facts.not_after;
            ping.ok(format!("{} {}, certificate of {} until {until}", facts.protocol, facts.key_exchange, facts.name));
            true
        }
        Err(error) => {
            let mend =
                "if it refuses our certificate, ask the peer to approve us; if we refuse its, compare descriptors";
            ping.failed(words(&error), mend);
            false
        }
    }
}

/// The reply with the time that it took.
async fn hello(exchange: &Exchange, calls: &Calls, peer: &AcceptedDescriptor) -> Result<(HelloReply, u64), CallError> {
    let started_ms = exchange.clock().monotonic_ms();
    let (reply, _) = tokio::select! {
        reply = calls.say_hello(peer, exchange.greeting_for(peer.participant())) => reply?,
        () = exchange.clock().sleep(HELLO_MAX) => return Err(CallError::Late),
    };
    Ok((reply, exchange.clock().monotonic_ms().saturating_sub(started_ms)))
}

fn refused(ping: &mut Ping, error: &CallError) {
    let mend = match error {
        CallError::Refused(_) => "selat status on the peer's node names what it holds against us",
        CallError::Garbled(_) => "its node does not speak our protocol; tell its operator",
        CallError::Unreachable(_) | CallError::Late => "try again; look at the peer's log",
    };
    ping.failed(format!("hello failed: {error}"), mend);
}

fn judge(ping: &mut Ping, exchange: &Exchange, peer: &AcceptedDescriptor, reply: &HelloReply, waited_ms: u64) {
    let apart_ms = reply.now_ms.abs_diff(exchange.clock().now().ms());
    let clock = format!("{apart_ms} ms apart, answered in {waited_ms} ms");
    if apart_ms > CLOCK_FAIL_MS {
        let mend = "set the clock that is wrong; both sides need a time service";
        return ping.failed(format!("{clock}: too far, signatures will be refused"), mend);
    }
    let advice = if apart_ms > CLOCK_WARN_MS { ": more than usual, check both time services" } else { "" };
    ping.ok(format!("{clock}{advice}"));
    let (min, max) = (reply.protocol_min, reply.protocol_max);
    if reply.protocol == 0 {
        let ours = format!("we speak {} to {}", PROTOCOL.0, PROTOCOL.1);
        return ping.failed(format!("the peer speaks {min} to {max}, {ours}"), "upgrade the older node");
    }
    ping.ok(format!("version {} ({})", reply.protocol, reply.software));
    if let Some(fault) = descriptor_fault(exchange, peer, reply) {
        // One version too few on either side is mended by the comparison that the hello has called for.
        let mend =
            "try again in a minute; if it stays so, selat peer show says what is wrong with the peer's descriptor";
        return ping.failed(fault, mend);
    }
    ping.ok(format!("both sides hold the same, theirs is version {}", reply.descriptor_version));
    let may = |allowed: bool| if allowed { "may" } else { "may not" };
    let log = reply.release_log_size;
    ping.ok(format!(
        "we {} follow (its log to us has {log} entries), we {} ask; it may follow and ask us",
        may(reply.may_follow),
        may(reply.may_ask),
    ));
}

fn descriptor_fault(exchange: &Exchange, peer: &AcceptedDescriptor, reply: &HelloReply) -> Option<String> {
    let theirs = ContentId::from_slice(&reply.descriptor_hash).ok();
    let ours = ContentId::from_slice(&reply.your_descriptor_hash).ok();
    if theirs != Some(peer.content_id()) {
        return Some(format!("it uses another descriptor than version {} that we hold", peer.version()));
    }
    (ours != Some(exchange.descriptor().content_id())).then(|| "it holds another descriptor of us".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_after_a_failure_are_not_tried() {
        let mut ping = Ping(Vec::new());
        ping.ok("there");
        ping.failed("refused", "approve");
        let steps = ping.finish();
        let names: Vec<_> = steps.iter().map(|step| step.name.as_str()).collect();
        assert_eq!(names, STEPS);
        let results: Vec<_> = steps.iter().map(PingStep::result).collect();
        assert_eq!(results[..2], [PingResult::Ok, PingResult::Failed]);
        assert!(results[2..].iter().all(|result| *result == PingResult::NotTried));
    }
}
