//! Tokens that have been found sound, so that the next request of the same one costs a hash.
//!
//! What is remembered never outlives the token, nor the keys that it was checked with: keys have a generation, and an entry counts for its own alone.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lru::LruCache;
use ring::digest::{SHA256, digest};
use rules::policy::Actor;

/// Most tokens that are remembered.
pub(super) const TOKENS_MAX: usize = 10_000;

/// Parts with a lock each.
const PARTS: usize = 16;

/// The whole token, as far as anybody can tell tokens apart.
pub(super) type Digest = [u8; 32];

/// Tokens that have been found sound.
pub(super) struct Cache(Vec<Mutex<LruCache<Digest, Entry>>>);

struct Entry {
    actor: Arc<Actor>,
    /// The moment from which it counts no longer, in seconds since 1970.
    until: u64,
    /// Of the keys.
    generation: u64,
}

/// What a token is remembered by.
pub(super) fn digest_of(token: &str) -> Digest {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    bytes
}

impl Cache {
    pub(super) fn new() -> Self {
        let most = NonZeroUsize::new(TOKENS_MAX / PARTS).unwrap_or(NonZeroUsize::MIN);
        Self((0..PARTS).map(|_| Mutex::new(LruCache::new(most))).collect())
    }

    /// Who it speaks of, where it was found sound with these keys and still holds.
    pub(super) fn find(&self, token: &Digest, generation: u64, now: u64) -> Option<Arc<Actor>> {
        let mut part = self.part(token)?;
        let entry = part.get(token)?;
        match entry.generation == generation && now < entry.until {
            true => Some(entry.actor.clone()),
            false => {
                part.pop(token);
                None
            }
        }
    }

    /// Remembers it.
    pub(super) fn keep(&self, token: Digest, actor: Arc<Actor>, until: u64, generation: u64) {
        if let Some(mut part) = self.part(&token) {
            part.put(token, Entry { actor, until, generation });
        }
    }

    fn part(&self, token: &Digest) -> Option<MutexGuard<'_, LruCache<Digest, Entry>>> {
        let [first, ..] = token;
        let part = self.0.get(usize::from(*first) % PARTS)?;
        Some(part.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_remembered_until_its_end_and_while_the_keys_are_the_same() {
        let (cache, token) = (Cache::new(), digest_of("a"));
        let keep = || cache.keep(token, Arc::default(), 100, 1);
        for (generation, now, expect) in [(1, 99, true), (1, 100, false), (2, 99, false), (0, 99, false)] {
            keep();
            assert_eq!(cache.find(&token, generation, now).is_some(), expect, "{generation} {now}");
        }
        keep();
        assert!(cache.find(&digest_of("b"), 1, 0).is_none());
    }

    #[test]
    fn no_more_than_the_most_are_remembered() {
        let cache = Cache::new();
        for n in 0..2 * TOKENS_MAX {
            cache.keep(digest_of(&n.to_string()), Arc::default(), 100, 1);
        }
        let kept: usize = cache.0.iter().map(|part| part.lock().unwrap().len()).sum();
        assert!(kept <= TOKENS_MAX && kept > TOKENS_MAX / 2, "{kept}");
    }
}
