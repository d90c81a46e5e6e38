//! A registry that is filled once, read once and thrown away.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Metric, Registry, Unit};

/// What tells the samples of one measurement apart.
pub(super) type Labels = Vec<(&'static str, String)>;

/// The unit of spans and moments.
pub(super) const SECONDS: Option<Unit> = Some(Unit::Seconds);

/// The unit of room.
pub(super) fn bytes() -> Option<Unit> {
    Some(Unit::Bytes)
}

/// Labels from fixed names.
pub(super) fn labels<const N: usize>(pairs: [(&'static str, &str); N]) -> Labels {
    pairs.map(|(name, value)| (name, value.to_owned())).to_vec()
}

/// The measurements as they come together.
pub(super) struct Sheet(Registry);

impl Sheet {
    /// Empty.
    pub(super) fn new() -> Self {
        Self(Registry::with_prefix("selat"))
    }

    /// What goes up and down. Without samples the measurement is left out.
    pub(super) fn gauge(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<Unit>,
        samples: impl IntoIterator<Item = (Labels, f64)>,
    ) {
        let samples: Vec<_> = samples.into_iter().collect();
        if let [(labels, value)] = samples.as_slice()
            && labels.is_empty()
        {
            return self.register(name, help, unit, ConstGauge::new(*value));
        }
        let family = Family::<Labels, Gauge<f64, AtomicU64>>::default();
        for (labels, value) in samples {
            family.get_or_create(&labels).set(value);
        }
        self.register(name, help, unit, family);
    }

    /// The same, with the lowest of the samples that have the same labels.
    pub(super) fn lowest(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<Unit>,
        samples: impl IntoIterator<Item = (Labels, f64)>,
    ) {
        let mut lowest = BTreeMap::<Labels, f64>::new();
        for (labels, value) in samples {
            let known = lowest.entry(labels).or_insert(value);
            *known = known.min(value);
        }
        self.gauge(name, help, unit, lowest);
    }

    fn register(&mut self, name: &str, help: &str, unit: Option<Unit>, metric: impl Metric) {
        match unit {
            Some(unit) => self.0.register_with_unit(name, help, unit, metric),
            None => self.0.register(name, help, metric),
        }
    }

    /// What only grows, until the node starts anew.
    pub(super) fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.0.register(name, help, ConstCounter::new(value));
    }

    /// What does not change while the node runs.
    pub(super) fn info(&mut self, name: &str, help: &str, labels: Labels) {
        self.0.register(name, help, Info::new(labels));
    }

    /// The text of the format.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.0).expect("writing to a string does not fail");
        text
    }
}
