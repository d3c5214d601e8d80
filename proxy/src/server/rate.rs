//! How many requests one actor, or one address of those who show no identity, may send in a second.
//!
//! A token bucket each, as the moment at which it will be full again (GCRA): a bucket that is full is the same as none, and so only full ones are ever
//! forgotten. Where there is no room for another one, newcomers share one bucket: nobody gets a fresh one by pushing others out. Actors
//! and addresses have rooms of their own, so that strangers cannot crowd out those who are known.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::{Error, ErrorCode};

/// At once, where a second's worth is less.
const BURST_MIN: u32 = 5;

/// Buckets of each kind at most: two megabytes or so.
const BUCKETS_MAX: usize = 65_536;

/// The rate of everybody; nothing where there is none.
pub(super) struct Rate(Option<Limit>);

struct Limit {
    per_second: u32,
    started: Instant,
    actors: Buckets,
    addresses: Buckets,
}

/// The buckets of one kind.
struct Buckets {
    /// Of keys nobody but us knows, so that nobody can choose two that meet.
    hasher: RandomState,
    room: Mutex<Room>,
    most: usize,
}

/// Moments are times since the start.
#[derive(Default)]
struct Room {
    full_at: HashMap<u64, Duration>,
    /// Of all for whom there is no room.
    shared: Duration,
    /// When it is worth while to look for full ones again.
    sweep_at: Duration,
}

/// How fast a bucket fills, and how much it holds.
#[derive(Clone, Copy)]
struct Pace {
    one: Duration,
    all: Duration,
}

impl Rate {
    /// So many requests a second; 0: as many as come.
    pub(super) fn new(per_second: u32) -> Self {
        Self((per_second > 0).then(|| Limit {
            per_second,
            started: Instant::now(),
            actors: Buckets::new(BUCKETS_MAX),
            addresses: Buckets::new(BUCKETS_MAX),
        }))
    }

    /// Takes one request from an actor's bucket, or from that of an address where nobody is known. Errors: it is empty.
    pub(super) fn take(&self, actor: Option<&str>, address: Option<IpAddr>) -> crate::Result<()> {
        let Some(limit) = &self.0 else { return Ok(()) };
        let (now, pace) = (limit.started.elapsed(), Pace::of(limit.per_second));
        let taken = match actor {
            Some(id) => limit.actors.take(id, pace, now),
            None => limit.addresses.take(&address.map(network), pace, now),
        };
        if taken { Ok(()) } else { Err(too_many(limit.per_second).into()) }
    }
}

impl Pace {
    fn of(per_second: u32) -> Self {
        let one = Duration::from_secs(1) / per_second.max(1);
        Self { one, all: one * per_second.max(BURST_MIN) }
    }
}

impl Buckets {
    fn new(most: usize) -> Self {
        Self { hasher: RandomState::new(), room: Mutex::default(), most }
    }

    /// Whether there was one to take.
    fn take(&self, key: &(impl Hash + ?Sized), pace: Pace, now: Duration) -> bool {
        let key = self.hasher.hash_one(key);
        let mut room = self.room();
        if !room.full_at.contains_key(&key) && room.full_at.len() >= self.most {
            room.sweep(pace, now);
        }
        let spacious = room.full_at.len() < self.most;
        match room.full_at.get_mut(&key) {
            Some(full_at) => take(full_at, pace, now),
            None if spacious => take(room.full_at.entry(key).or_default(), pace, now),
            None => take(&mut room.shared, pace, now),
        }
    }

    /// What a panic has left behind is a number too many or too few.
    fn room(&self) -> MutexGuard<'_, Room> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Room {
    /// Forgets the full ones, at most once while one fills: a look at all of them costs a millisecond.
    fn sweep(&mut self, pace: Pace, now: Duration) {
        if now >= self.sweep_at {
            self.full_at.retain(|_, full_at| *full_at > now);
            self.sweep_at = now + pace.all;
        }
    }
}

/// Takes one out of a bucket, if there is one.
fn take(full_at: &mut Duration, pace: Pace, now: Duration) -> bool {
    let after = (*full_at).max(now) + pace.one;
    let taken = after - now <= pace.all;
    if taken {
        *full_at = after;
    }
    taken
}

/// What one client has: an address of IPv4, or a /64 of IPv6, within which it may choose.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & (!0 << 64)).into()),
        address => address,
    }
}

fn too_many(per_second: u32) -> Error {
    let detail = format!("More requests have come than {per_second} a second.");
    Error::new(ErrorCode::TooManyRequests, detail).with_meta("maximum", per_second)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// How many of a hundred are let through at a moment.
    fn taken(buckets: &Buckets, key: &str, per_second: u32, now: Duration) -> usize {
        (0..100).filter(|_| buckets.take(key, Pace::of(per_second), now)).count()
    }

    #[test]
    fn a_bucket_holds_a_seconds_worth_and_fills_at_its_pace() {
        let buckets = Buckets::new(10);
        assert_eq!(taken(&buckets, "a", 10, at(0)), 10);
        assert_eq!(taken(&buckets, "a", 10, at(99)), 0);
        assert_eq!(taken(&buckets, "a", 10, at(100)), 1);
        assert_eq!(taken(&buckets, "a", 10, at(650)), 5);
        assert_eq!(taken(&buckets, "b", 10, at(650)), 10, "everybody has one");
        assert_eq!(taken(&buckets, "a", 10, at(60_000)), 10, "it holds no more");
        assert_eq!(taken(&buckets, "c", 1, at(60_000)), BURST_MIN as usize, "a page asks more than once");
    }

    #[test]
    fn nobody_gets_a_fresh_bucket_by_filling_the_room() {
        let buckets = Buckets::new(3);
        assert_eq!(taken(&buckets, "a", 10, at(0)), 10);
        assert_eq!(taken(&buckets, "b", 10, at(0)), 10);
        assert!(buckets.take("c", Pace::of(10), at(0)));
        assert_eq!(
            taken(&buckets, "d", 10, at(10)) + taken(&buckets, "e", 10, at(10)),
            10,
            "newcomers share"
        );
        assert_eq!(taken(&buckets, "a", 10, at(10)), 0);
        // That of c is full again, and goes; those of a and b are not.
        assert_eq!(taken(&buckets, "f", 10, at(999)), 9, "nobody has looked for a full one yet");
        assert_eq!(taken(&buckets, "f", 10, at(1010)), 10);
        assert!(buckets.room().full_at.len() <= 3);
    }

    #[test]
    fn a_client_is_an_address_or_the_network_within_which_it_chooses() {
        let same = |a: &str, b: &str| network(a.parse().unwrap()) == network(b.parse().unwrap());
        assert!(same("::ffff:10.0.0.1", "10.0.0.1"));
        assert!(same("2001:db8::1", "2001:db8::ffff:1"));
        assert!(!same("2001:db8::1", "2001:db8:0:1::1"));
        assert!(!same("10.0.0.1", "10.0.0.2"));
    }

    #[test]
    fn without_a_rate_nobody_is_counted() {
        let rate = Rate::new(0);
        assert!((0..1000).all(|_| rate.take(Some("a"), None).is_ok()));
        let rate = Rate::new(1);
        assert_eq!((0..1000).filter(|_| rate.take(None, None).is_ok()).count(), BURST_MIN as usize);
    }
}
