//! What a load run came to.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use dialects::Dialect;

use super::Load;
use super::act::Act;

/// One answered write.
#[derive(Clone, Debug)]
pub struct Sample {
    pub(super) act: Act,
    pub(super) status: u16,
    pub(super) elapsed: Duration,
    pub(super) code: Option<String>,
}

/// Figures and findings; shown as a few lines of text.
#[derive(Clone, Debug)]
pub struct Report {
    /// The database.
    pub dialect: Dialect,
    /// What was asked for.
    pub load: Load,
    /// Every write.
    pub samples: Vec<Sample>,
    /// From the first write to the last answer.
    pub elapsed: Duration,
    /// What was tried again and why.
    pub retries: BTreeMap<String, u64>,
    /// Deadlocks by the server's own count.
    pub deadlocks: u64,
    /// How often the reader compared everything meanwhile.
    pub polls: u64,
    /// Totals that differed from their rows in the reader's eyes.
    pub torn: Vec<String>,
    /// Derived values that are wrong afterwards.
    pub differences: Vec<String>,
}

/// At most one answer in so many may be "try again".
const BUSY_SHARE: usize = 100;

impl Report {
    pub(super) fn new(dialect: Dialect, load: Load) -> Self {
        Self {
            dialect,
            load,
            samples: Vec::new(),
            elapsed: Duration::ZERO,
            retries: BTreeMap::new(),
            deadlocks: 0,
            polls: 0,
            torn: Vec::new(),
            differences: Vec::new(),
        }
    }

    /// The promises that were broken; none: all is well.
    pub fn broken(&self) -> Vec<&'static str> {
        let busy = self.samples.iter().filter(|sample| sample.status == 503).count();
        let failed = self.samples.iter().any(|sample| sample.status >= 500 && sample.status != 503);
        let promises = [
            (self.written() == 0, "nothing was written"),
            (!self.differences.is_empty(), "derived values are wrong"),
            (!self.torn.is_empty(), "the reader saw a total that differs from its rows"),
            (self.polls == 0, "the reader never came to compare"),
            (failed, "there were server errors other than 503"),
            (busy * BUSY_SHARE > self.samples.len(), "more than one answer in a hundred was 503"),
        ];
        promises.into_iter().filter(|(broken, _)| *broken).map(|(_, promise)| promise).collect()
    }

    /// Whether everything is as promised.
    pub fn passed(&self) -> bool {
        self.broken().is_empty()
    }

    /// How many writes were committed.
    pub fn written(&self) -> usize {
        self.samples.iter().filter(|sample| sample.status < 300).count()
    }

    fn percentile(&self, share: f64) -> Duration {
        let mut times: Vec<Duration> = self.samples.iter().map(|sample| sample.elapsed).collect();
        times.sort();
        let place = (times.len() as f64 * share) as usize;
        times.get(place.min(times.len().saturating_sub(1))).copied().unwrap_or_default()
    }

    fn tally(&self, key: impl Fn(&Sample) -> String) -> String {
        let mut tally: BTreeMap<String, u64> = BTreeMap::new();
        for sample in &self.samples {
            *tally.entry(key(sample)).or_default() += 1;
        }
        listed(&tally)
    }
}

fn listed(tally: &BTreeMap<String, u64>) -> String {
    tally.iter().map(|(what, number)| format!("{what}: {number}")).collect::<Vec<_>>().join(", ")
}

fn status(sample: &Sample) -> String {
    match &sample.code {
        Some(code) => format!("{} {code}", sample.status),
        None => sample.status.to_string(),
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.elapsed.as_secs_f64();
        let rate = self.samples.len() as f64 / seconds;
        let written = self.written() as f64 / seconds;
        let ms = |share| self.percentile(share).as_secs_f64() * 1000.0;
        writeln!(
            f,
            "{:?}, {} clients, {seconds:.1} s, seed {}",
            self.dialect, self.load.clients, self.load.seed
        )?;
        writeln!(f, "  {} answers: {rate:.0}/s, of them written {written:.0}/s", self.samples.len())?;
        writeln!(
            f,
            "  ms: p50 {:.1}, p95 {:.1}, p99 {:.1}, most {:.1}",
            ms(0.50),
            ms(0.95),
            ms(0.99),
            ms(1.0)
        )?;
        writeln!(f, "  answers: {}", self.tally(status))?;
        writeln!(f, "  writes: {}", self.tally(|sample| sample.act.name().to_owned()))?;
        writeln!(
            f,
            "  retries: {}",
            if self.retries.is_empty() { "none".into() } else { listed(&self.retries) }
        )?;
        writeln!(f, "  deadlocks: {}", self.deadlocks)?;
        writeln!(
            f,
            "  totals that differed from their rows, in {} comparisons meanwhile: {}",
            self.polls,
            self.torn.len()
        )?;
        writeln!(f, "  wrong derived values afterwards: {}", self.differences.len())?;
        let wrong = self.torn.iter().take(20).chain(self.differences.iter().take(20));
        wrong.into_iter().try_for_each(|difference| writeln!(f, "    {difference}"))?;
        self.broken().iter().try_for_each(|promise| writeln!(f, "  BROKEN: {promise}"))
    }
}
