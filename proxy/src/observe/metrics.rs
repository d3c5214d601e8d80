//! Counters, gauges and histograms in Prometheus' text format. Names are part of the contract with users.
//!
//! ```text
//! rulegate_http_requests_total{operation="read",resource="orders",status="200"} 3
//! ```

use std::time::Duration;

use prometheus::core::Collector;
use prometheus::{
    Gauge, GaugeVec, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry,
    Result, TextEncoder,
};

use super::Observation;

/// From half a millisecond to the default request time-out, in seconds.
const DURATION_BUCKETS: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Everything that is counted.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    request_duration: HistogramVec,
    requests_running: IntGauge,
    exports_cut: IntCounterVec,
    query_duration: HistogramVec,
    pool_connections: GaugeVec,
    replicas: GaugeVec,
    database_up: IntGauge,
    rules_fired: IntCounterVec,
    transactions: IntCounterVec,
    retries: IntCounterVec,
    lock_conflicts: IntCounter,
    snapshot_info: GaugeVec,
    snapshot_successful: IntGauge,
    snapshot_time: IntGauge,
    spans: IntCounterVec,
    build_info: GaugeVec,
    resident_memory: Gauge,
    open_descriptors: Gauge,
}

/// What a metric is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// Its name, with the prefix.
    pub name: String,
    /// `counter`, `gauge` or `histogram`.
    pub kind: String,
    /// The labels of its series.
    pub labels: Vec<String>,
    /// What it counts or measures.
    pub help: String,
}

/// How a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Committed.
    Committed,
    /// Rolled back: the request was refused (a rule, a constraint, a bad value).
    Refused,
    /// Rolled back: the database failed, or tries were used up.
    Failed,
    /// Whether it was committed is not known.
    Unknown,
}

/// Why a transaction was tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryReason {
    /// A deadlock, a serialization failure or a lock time-out.
    Conflict,
    /// Rows had changed between discovery and lock, so that the rules need other rows.
    Restart,
}

impl Metrics {
    /// A registry of its own. Errors: a name is registered twice, which is a bug.
    pub fn new() -> Result<Self> {
        let registry = Registry::new();
        let metrics = Self::unregistered(registry)?;
        metrics.register()?;
        metrics.build_info.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1.0);
        metrics.snapshot_successful.set(1);
        // From the beginning, so that the first one is an increase.
        for outcome in Outcome::ALL {
            metrics.transactions.with_label_values(&[outcome.word()]).inc_by(0);
        }
        Ok(metrics)
    }

    fn unregistered(registry: Registry) -> Result<Self> {
        Ok(Self {
            registry,
            requests: counters(
                "http_requests_total",
                "Answered requests.",
                &["resource", "operation", "status"],
            )?,
            request_duration: durations(
                "http_request_duration_seconds",
                "Time to answer a request.",
                &["operation"],
            )?,
            requests_running: gauge("http_requests_running", "Requests being served.")?,
            exports_cut: counters(
                "exports_cut_total",
                "Exports that ended before their end, by who ended them.",
                &["by"],
            )?,
            query_duration: durations(
                "db_query_duration_seconds",
                "Time of one call of the database.",
                &["operation"],
            )?,
            pool_connections: gauges(
                "db_pool_connections",
                "Database connections by state; of PostgreSQL those that one request has to itself.",
                &["state"],
            )?,
            replicas: gauges("db_replicas", "Replicas that are read from, and that are away.", &["state"])?,
            database_up: gauge("db_up", "Whether the database answered when last asked.")?,
            rules_fired: counters("rules_fired_total", "Rules that set a column or refused.", &["rule"])?,
            transactions: counters(
                "transactions_total",
                "Write transactions by how they ended.",
                &["outcome"],
            )?,
            retries: counters("transaction_retries_total", "Write transactions tried again.", &["reason"])?,
            lock_conflicts: IntCounter::with_opts(opts(
                "lock_conflicts_total",
                "Locks that could not be had.",
            ))?,
            snapshot_info: gauges("snapshot_info", "The snapshot that is served.", &["hash"])?,
            snapshot_successful: gauge(
                "snapshot_last_reload_successful",
                "Whether files and schema were taken over when they were last read: 0 where they were refused, else 1.",
            )?,
            snapshot_time: gauge(
                "snapshot_last_reload_success_timestamp_seconds",
                "When the snapshot that is served was loaded.",
            )?,
            spans: counters("trace_spans_total", "Spans of traces by what became of them.", &["outcome"])?,
            build_info: gauges("build_info", "The version that runs.", &["version"])?,
            resident_memory: Gauge::new("process_resident_memory_bytes", "Resident memory size in bytes.")?,
            open_descriptors: Gauge::new("process_open_fds", "Number of open file descriptors.")?,
        })
    }

    fn register(&self) -> Result<()> {
        self.collectors().into_iter().try_for_each(|collector| self.registry.register(collector))
    }

    fn collectors(&self) -> [Box<dyn Collector>; 19] {
        [
            Box::new(self.requests.clone()),
            Box::new(self.request_duration.clone()),
            Box::new(self.requests_running.clone()),
            Box::new(self.exports_cut.clone()),
            Box::new(self.query_duration.clone()),
            Box::new(self.pool_connections.clone()),
            Box::new(self.replicas.clone()),
            Box::new(self.database_up.clone()),
            Box::new(self.rules_fired.clone()),
            Box::new(self.transactions.clone()),
            Box::new(self.retries.clone()),
            Box::new(self.lock_conflicts.clone()),
            Box::new(self.snapshot_info.clone()),
            Box::new(self.snapshot_successful.clone()),
            Box::new(self.snapshot_time.clone()),
            Box::new(self.spans.clone()),
            Box::new(self.build_info.clone()),
            Box::new(self.resident_memory.clone()),
            Box::new(self.open_descriptors.clone()),
        ]
    }

    /// Every metric, whether it has a series yet or not, for the reference.
    pub fn described(&self) -> Vec<Described> {
        self.collectors().iter().flat_map(|collector| described(collector.as_ref())).collect()
    }

    /// Counts an answered request.
    pub fn request(&self, seen: &Observation<'_>) {
        let status = seen.status.to_string();
        self.requests.with_label_values(&[seen.resource.unwrap_or(""), seen.operation, &status]).inc();
        self.request_duration.with_label_values(&[seen.operation]).observe(seen.elapsed.as_secs_f64());
        if let Some(cut) = seen.cut.filter(|_| seen.operation == "export") {
            self.exports_cut.with_label_values(&[cut.by.word()]).inc();
        }
    }

    /// Counts a running request; its end is when what this returns is dropped.
    pub fn running(&self) -> Running {
        self.requests_running.inc();
        Running(self.requests_running.clone())
    }

    /// Times one call of the database: a flush of statements or a whole transaction. `operation` is a word of a closed list.
    pub fn query(&self, operation: &'static str, elapsed: Duration) {
        self.query_duration.with_label_values(&[operation]).observe(elapsed.as_secs_f64());
    }

    /// Sets how many database connections are in a state.
    pub fn connections(&self, state: &'static str, count: usize) {
        self.pool_connections.with_label_values(&[state]).set(count as f64);
    }

    /// Sets how many replicas are read from, and how many are away.
    pub fn replicas(&self, up: usize, away: usize) {
        self.replicas.with_label_values(&["up"]).set(up as f64);
        self.replicas.with_label_values(&["away"]).set(away as f64);
    }

    /// Notes whether the database answered.
    pub fn database(&self, up: bool) {
        self.database_up.set(i64::from(up));
    }

    /// Counts how often a rule set a column or refused. `rule` is a name from the rule files.
    pub fn rule_fired(&self, rule: &str, times: u64) {
        self.rules_fired.with_label_values(&[rule]).inc_by(times);
    }

    /// Counts a finished write.
    pub fn transaction(&self, outcome: Outcome) {
        self.transactions.with_label_values(&[outcome.word()]).inc();
    }

    /// Counts a repeated write.
    pub fn retry(&self, reason: RetryReason) {
        self.retries.with_label_values(&[reason.word()]).inc();
    }

    /// Counts a lock that could not be had.
    pub fn lock_conflict(&self) {
        self.lock_conflicts.inc();
    }

    /// Spans of traces: `exported`, or `dropped` because the collector did not take them.
    pub(crate) fn spans(&self) -> IntCounterVec {
        self.spans.clone()
    }

    /// Notes which snapshot is served from now on.
    pub fn snapshot(&self, hash: &str) {
        self.snapshot_info.reset();
        self.snapshot_info.with_label_values(&[hash]).set(1.0);
        self.snapshot_successful.set(1);
        self.snapshot_time.set(chrono::Utc::now().timestamp());
    }

    /// Notes that there is no snapshot of what files and schema say now.
    pub fn snapshot_failed(&self) {
        self.snapshot_successful.set(0);
    }

    /// Everything in the text format.
    pub fn render(&self) -> Result<String> {
        self.measure_process();
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }

    /// Linux only; elsewhere the gauges stay 0.
    fn measure_process(&self) {
        if let Some(bytes) = resident_bytes() {
            self.resident_memory.set(bytes as f64);
        }
        if let Ok(descriptors) = std::fs::read_dir("/proc/self/fd") {
            self.open_descriptors.set(descriptors.count() as f64);
        }
    }
}

/// A request that is being served.
#[derive(Debug)]
pub struct Running(IntGauge);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Outcome {
    const ALL: [Self; 4] = [Self::Committed, Self::Refused, Self::Failed, Self::Unknown];

    fn word(self) -> &'static str {
        match self {
            Self::Committed => "committed",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

impl RetryReason {
    fn word(self) -> &'static str {
        match self {
            Self::Conflict => "conflict",
            Self::Restart => "restart",
        }
    }
}

fn opts(name: &str, help: &str) -> Opts {
    Opts::new(name, help).namespace("rulegate")
}

fn counters(name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec> {
    IntCounterVec::new(opts(name, help), labels)
}

fn gauges(name: &str, help: &str, labels: &[&str]) -> Result<GaugeVec> {
    GaugeVec::new(opts(name, help), labels)
}

fn gauge(name: &str, help: &str) -> Result<IntGauge> {
    IntGauge::with_opts(opts(name, help))
}

fn durations(name: &str, help: &str, labels: &[&str]) -> Result<HistogramVec> {
    let options = HistogramOpts { common_opts: opts(name, help), buckets: DURATION_BUCKETS.to_vec() };
    HistogramVec::new(options, labels)
}

/// A collector has one metric here; its type is told with its series.
fn described(collector: &dyn Collector) -> Vec<Described> {
    let kinds =
        collector.collect().into_iter().map(|family| format!("{:?}", family.get_field_type()).to_lowercase());
    let metrics = collector.desc().into_iter().zip(kinds);
    metrics
        .map(|(desc, kind)| Described {
            name: desc.fq_name.clone(),
            kind,
            labels: desc.variable_labels.clone(),
            help: desc.help.clone(),
        })
        .collect()
}

/// `VmRSS:     1234 kB` of `/proc/self/status`.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().trim_end_matches("kB").trim_end().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_format_passes_the_linter_of_prometheus() {
        let metrics = Metrics::new().unwrap();
        metrics.request(&observation());
        metrics.query("select", Duration::from_millis(2));
        metrics.rule_fired("customers.balance", 2);
        metrics.transaction(Outcome::Committed);
        metrics.retry(RetryReason::Conflict);
        metrics.connections("idle", 3);
        metrics.snapshot("abc");
        lint(&metrics.render().unwrap());
    }

    #[test]
    fn a_request_is_counted_under_its_type_operation_and_status() {
        let metrics = Metrics::new().unwrap();
        metrics.request(&observation());
        let line = r#"rulegate_http_requests_total{operation="read",resource="orders",status="200"} 1"#;
        let text = metrics.render().unwrap();
        assert!(text.contains(line), "{text}");
    }

    #[test]
    fn every_way_in_which_a_transaction_can_end_is_counted_from_the_beginning() {
        let text = Metrics::new().unwrap().render().unwrap();
        for outcome in ["committed", "refused", "failed", "unknown"] {
            let line = format!("rulegate_transactions_total{{outcome=\"{outcome}\"}} 0");
            assert!(text.contains(&line), "{text}");
        }
    }

    #[test]
    fn only_the_snapshot_that_is_served_is_shown() {
        let metrics = Metrics::new().unwrap();
        metrics.snapshot("old");
        metrics.snapshot("new");
        let text = metrics.render().unwrap();
        assert!(text.contains(r#"hash="new""#) && !text.contains(r#"hash="old""#), "{text}");
    }

    fn observation() -> Observation<'static> {
        Observation {
            request_id: "r",
            trace: None,
            method: "GET",
            path: "/api/orders",
            resource: Some("orders"),
            operation: "read",
            status: 200,
            elapsed: Duration::from_millis(3),
            errors: None,
            cut: None,
            denied: None,
        }
    }

    /// `promtool check metrics` (Debian: prometheus), where it is installed.
    fn lint(text: &str) {
        use std::io::Write as _;
        use std::process::{Command, Stdio};
        let Ok(mut child) = Command::new("promtool").args(["check", "metrics"]).stdin(Stdio::piped()).spawn()
        else {
            return;
        };
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
    }
}
