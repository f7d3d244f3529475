//! What an operator's Prometheus asks for: how often, how fast, how full.

use std::fmt;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabelSet, EncodeMetric, MetricEncoder, NoLabelSet,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::meter::Meter;
use crate::store::{Kept, Work};
use crate::views::Statistics;

/// Seconds that requests are told apart by: from what memory answers to what a password check takes.
const SECONDS: [f64; 12] = [
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5,
];

/// Which request, and how it was answered.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: &'static str,
    /// The route, not the path: there are only so many.
    route: String,
    status: u16,
}

/// What is counted while the server runs.
pub struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    durations: Histogram,
    pictures: Counter,
    renderings: Counter,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics(..)")
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Ones that have counted nothing.
    #[must_use]
    pub fn new() -> Self {
        let requests = Family::<Answered, Counter>::default();
        let durations = Histogram::new(SECONDS);
        let (pictures, renderings) = (Counter::default(), Counter::default());
        let mut registry = Registry::with_prefix("saryno");
        registry.register("requests", "Requests by route and status", requests.clone());
        registry.register_with_unit(
            "request_duration",
            "How long requests took, but for sending the body",
            Unit::Seconds,
            durations.clone(),
        );
        registry.register(
            "pictures_shown",
            "Avatars and icons that were asked for",
            pictures.clone(),
        );
        registry.register(
            "pictures_rendered",
            "Those of them that were not in memory",
            renderings.clone(),
        );
        Self {
            registry,
            requests,
            durations,
            pictures,
            renderings,
        }
    }

    /// Counts an answer.
    pub fn answered(&self, method: &'static str, route: &str, status: u16, took: Duration) {
        let answered = Answered {
            method,
            route: route.to_owned(),
            status,
        };
        self.requests.get_or_create(&answered).inc();
        self.durations.observe(took.as_secs_f64());
    }

    /// Counts a picture that was asked for.
    pub fn picture_shown(&self) {
        self.pictures.inc();
    }

    /// Counts one that had to be rendered for that.
    pub fn picture_rendered(&self) {
        self.renderings.inc();
    }

    /// All of it in the text that Prometheus reads, with what the others know at this moment.
    ///
    /// # Errors
    /// [`Error::Internal`] if it can't be written.
    pub fn text(
        &self,
        meter: &Meter,
        statistics: &Statistics,
        work: Work,
        kept: Kept,
        backup: Option<Timestamp>,
    ) -> Result<String> {
        let failed = |error: fmt::Error| Error::Internal(format!("metrics: {error}"));
        let mut moment = Registry::with_prefix("saryno");
        moment.register_collector(Box::new(Moment {
            uptime: meter.uptime(),
            created: meter.dms().created,
            stood: meter.dms().stood,
            statistics: statistics.clone(),
            work,
            kept,
            backup,
        }));
        let (mut counted, mut now) = (String::new(), String::new());
        encode(&mut counted, &self.registry).map_err(failed)?;
        encode(&mut now, &moment).map_err(failed)?;
        // One document ends once.
        Ok(counted.trim_end_matches("# EOF\n").to_owned() + &now)
    }
}

/// What is known when it is asked for.
#[derive(Debug)]
struct Moment {
    uptime: Duration,
    created: u64,
    stood: u64,
    statistics: Statistics,
    work: Work,
    kept: Kept,
    /// When the newest verified backup was made.
    backup: Option<Timestamp>,
}

impl Collector for Moment {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut tell = |name: &str, help: &str, metric: &dyn EncodeMetric| {
            let metric_encoder =
                encoder.encode_descriptor(name, help, None, metric.metric_type())?;
            metric.encode(metric_encoder)
        };
        let (counts, database) = (self.statistics.counts, &self.statistics.database);
        let bytes = |bytes: u64| gauge(i64::try_from(bytes).unwrap_or(i64::MAX));
        tell(
            "uptime_seconds",
            "Since the start",
            &bytes(self.uptime.as_secs()),
        )?;
        tell(
            "users",
            "Accounts that were not deleted",
            &gauge(counts.users),
        )?;
        tell("communities", "Communities", &gauge(counts.communities))?;
        tell("dm_channels", "DMs", &gauge(counts.dms))?;
        tell("group_channels", "Groups", &gauge(counts.groups))?;
        let (created, stood) = (counter(self.created), counter(self.stood));
        tell("dms_created", "DMs that were made", &created)?;
        tell(
            "dms_reused",
            "DMs that were asked for and stood already",
            &stood,
        )?;
        let (asked, read) = (counter(self.kept.asked), counter(self.kept.read));
        tell(
            "rows_asked",
            "Users, tokens, communities, DMs, and pages of lists that were asked for",
            &asked,
        )?;
        tell("rows_read", "Those of them that had to be read", &read)?;
        tell(
            "database_bytes",
            "The database file",
            &bytes(database.bytes),
        )?;
        tell(
            "wal_bytes",
            "Its write-ahead log",
            &bytes(database.wal_bytes),
        )?;
        // Absent where there is none: an alert on its absence is what an operator wants.
        if let Some(backup) = self.backup {
            let made = gauge(backup.0 / 1_000);
            tell(
                "backup_made_seconds",
                "When the newest verified backup was made, in seconds since the Unix epoch",
                &made,
            )?;
        }
        let waiting = gauge(i64::try_from(self.work.waiting).unwrap_or(i64::MAX));
        tell("writes_waiting", "Writes in the queue", &waiting)?;
        tell(
            "commit_batch_size",
            "Writes that shared a commit",
            &self.work,
        )
    }
}

fn gauge(value: i64) -> ConstGauge<i64> {
    ConstGauge::new(value)
}

fn counter(value: u64) -> ConstCounter<u64> {
    ConstCounter::new(value)
}

impl EncodeMetric for Work {
    #[allow(clippy::cast_precision_loss)] // a sum of more than 2^53 writes need not be exact
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let sizes = (0..)
            .map(|power| f64::from(1_u32 << power))
            .zip(self.batches);
        let (commits, writes) = (self.batches.iter().sum(), self.writes as f64);
        let buckets: Vec<_> = sizes.chain([(f64::INFINITY, 0)]).collect();
        encoder.encode_histogram::<NoLabelSet>(writes, commits, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}
