//! The own records that a record links to: whoever is given the one learns that the others exist.

use selat_record::fault::FaultList;
use selat_record::pb::{self, record::Body};
use selat_record::{Record, RecordId};
use selat_store::Batch;
use selat_store::repositories::Head;

use crate::{Exchange, ExchangeError};

/// The current versions of the own records that a record links to.
pub(crate) struct Linked {
    /// As the floor judges them.
    pub(crate) records: Vec<Record>,
    heads: Vec<Head>,
}

impl Exchange {
    /// What `record` links to of this node's own. A link to an own record that is not held is a fault: whose audience it
    /// has cannot be said. Links to records of others are theirs to answer for.
    pub(crate) async fn linked(&self, record: &Record) -> Result<Linked, ExchangeError> {
        let own = self.participant();
        let mut faults = FaultList::default();
        let mut linked = Linked { records: Vec::new(), heads: Vec::new() };
        for (path, link) in links_of(record.message()) {
            // A record that links to itself shows nothing that it does not show anyway.
            if link.originator != own.as_str() || link.record_id == record.id().as_bytes() {
                continue;
            }
            let id = RecordId::from_slice(&link.record_id)?;
            match self.store.records.head(own, id).await? {
                None => faults.push(format!("{path}.record_id"), "is not held here"),
                Some(head) => {
                    linked.records.push(self.load(own, id, head.content_id).await?);
                    linked.heads.push(head);
                }
            }
        }
        Ok(faults.into_result(linked)?)
    }

    /// Demands that the linked records are still what was judged.
    pub(crate) fn require_linked(&self, batch: &mut Batch, linked: &Linked) {
        for (record, head) in linked.records.iter().zip(&linked.heads) {
            self.store.records.require_head(batch, self.participant(), record.id(), head);
        }
    }
}

/// Every link in a record with its path.
fn links_of(record: &pb::Record) -> impl Iterator<Item = (String, &pb::Link)> {
    let sides = match &record.body {
        Some(Body::Verdict(verdict)) => [("verdict.left", &verdict.left), ("verdict.right", &verdict.right)].into(),
        _ => Vec::new(),
    };
    let sides = sides.into_iter().filter_map(|(path, link)| Some((path.to_owned(), link.as_ref()?)));
    record.links.iter().enumerate().map(|(n, link)| (format!("links[{n}]"), link)).chain(sides)
}
