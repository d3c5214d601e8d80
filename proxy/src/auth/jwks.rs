//! An issuer's keys, from its JWKS URL: the last good set, fetched again every few minutes, and at once when a token names a key that is not in it
//! (the issuer may have a new one), though not more often than every few seconds, whatever tokens are sent.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::algorithm::Algorithm;
use super::fetch::Source;
use super::jwk_set;
use super::key::Key;

/// How often keys are fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// When nothing else asks for it.
    pub every: Duration,
    /// At most.
    pub at_most_every: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { every: Duration::from_secs(300), at_most_every: Duration::from_secs(5) }
    }
}

/// How many requests may wait for keys at once.
const WAITING_MAX: usize = 1000;

/// How many keys that are gone are remembered.
const GONE_MAX: usize = 100;

/// An issuer's keys.
pub(super) struct Jwks {
    /// As it stands in the settings.
    pub(super) url: String,
    source: Source,
    pace: Pace,
    keys: ArcSwapOption<Vec<Key>>,
    generation: AtomicU64,
    fetches: tokio::sync::Mutex<Fetches>,
    waiting: Semaphore,
    /// Names of keys that are no longer in the set: a token that names one of them is no reason to ask for new ones.
    gone: Mutex<VecDeque<String>>,
}

/// What has been fetched.
#[derive(Default)]
struct Fetches {
    /// When the last one began.
    begun: Option<Instant>,
    /// When the last one began that came to its end, good or bad.
    ended: Option<Instant>,
    /// When the last one began that brought keys.
    good: Option<Instant>,
}

/// What the keys say to a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// One of them has signed it.
    Signed,
    /// None of them has.
    NotSigned,
    /// No key that could have signed it is known: there may be a new one.
    UnknownKey,
    /// No keys have been fetched yet.
    NoKeys,
}

impl Jwks {
    /// Nothing is fetched yet. Errors: words about the URL.
    pub(super) fn new(url: &str, pace: Pace) -> Result<Self, String> {
        Ok(Self {
            url: url.to_owned(),
            source: Source::new(url)?,
            pace,
            keys: ArcSwapOption::empty(),
            generation: AtomicU64::new(0),
            fetches: tokio::sync::Mutex::default(),
            waiting: Semaphore::new(WAITING_MAX),
            gone: Mutex::default(),
        })
    }

    /// Another one whenever there are other keys.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// What the keys that are known say.
    pub(super) fn judge(
        &self,
        algorithm: Algorithm,
        id: Option<&str>,
        message: &[u8],
        sent: &[u8],
    ) -> Verdict {
        let Some(keys) = self.keys.load_full() else { return Verdict::NoKeys };
        let mut fitting = keys.iter().filter(|key| key.is_for(algorithm, id));
        if fitting.any(|key| key.verifies(algorithm, message, sent)) {
            return Verdict::Signed;
        }
        match id {
            Some(id) if keys.iter().any(|key| key.id.as_deref() == Some(id)) || self.is_gone(id) => {
                Verdict::NotSigned
            }
            _ => Verdict::UnknownKey,
        }
    }

    /// Fetches the keys, unless they suffice by then, or somebody has done so who began after this was asked for. False: too many wait
    /// already.
    pub(super) async fn fetch_anew(&self, suffice: impl Fn() -> bool) -> bool {
        let asked = Instant::now();
        let Ok(_waiting) = self.waiting.try_acquire() else { return false };
        let mut fetches = self.fetches.lock().await;
        if fetches.ended.is_some_and(|began| began >= asked) || suffice() {
            return true;
        }
        if let Some(begun) = fetches.begun {
            tokio::time::sleep_until(begun + self.pace.at_most_every).await;
        }
        self.fetch(&mut fetches).await;
        true
    }

    /// Fetches the keys when it is time to.
    pub(super) async fn keep_fresh(&self) {
        let mut fetches = self.fetches.lock().await;
        let since = |moment: Option<Instant>| moment.is_none_or(|moment| moment.elapsed() >= self.pace.every);
        let retry = fetches.begun.is_none_or(|begun| begun.elapsed() >= 2 * self.pace.at_most_every);
        if since(fetches.good) && retry {
            self.fetch(&mut fetches).await;
        }
    }

    async fn fetch(&self, fetches: &mut Fetches) {
        let begun = Instant::now();
        // Remembered at once: who goes away meanwhile has asked all the same.
        fetches.begun = Some(begun);
        let fetched = self.source.get().await.and_then(|document| jwk_set::parse(&document));
        fetches.ended = Some(begun);
        match fetched {
            Ok(keys) => {
                fetches.good = Some(begun);
                self.exchange(keys);
            }
            Err(error) => {
                tracing::warn!(
                    url = self.shown(),
                    error,
                    "the keys of auth.jwt.jwks_url cannot be fetched: those that are known stay"
                );
            }
        }
    }

    fn exchange(&self, keys: Vec<Key>) {
        let before = self.keys.load_full();
        if before.as_deref() == Some(&keys) {
            return;
        }
        self.note_gone(before.as_deref().map_or(&[], Vec::as_slice), &keys);
        tracing::info!(
            url = self.shown(),
            keys = keys.len(),
            "the keys of auth.jwt.jwks_url have been fetched"
        );
        self.keys.store(Some(Arc::new(keys)));
        // INVARIANT: after the exchange, so that what was checked with the keys before is never taken for checked with these.
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// The URL for the log: its query may hold what is not for it.
    fn shown(&self) -> &str {
        self.url.split('?').next().unwrap_or_default()
    }

    fn note_gone(&self, before: &[Key], now: &[Key]) {
        let has = |id: &str| now.iter().any(|key| key.id.as_deref() == Some(id));
        let mut gone = self.gone.lock().unwrap_or_else(PoisonError::into_inner);
        gone.retain(|id| !has(id));
        gone.extend(before.iter().filter_map(|key| key.id.clone()).filter(|id| !has(id)));
        while gone.len() > GONE_MAX {
            gone.pop_front();
        }
    }

    fn is_gone(&self, id: &str) -> bool {
        self.gone.lock().unwrap_or_else(PoisonError::into_inner).iter().any(|own| own == id)
    }
}
