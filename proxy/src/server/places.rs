//! How many connections are served at once: as many as there are descriptors for, so that some are left for the database, health and files.
//!
//! Who finds no seat may stand, for as long as it takes to be told to come again; and for each of those the connection that has been idle longest
//! gives way. Who finds no room to stand waits for its place, and the others in the kernel's queue.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// Descriptors for what is neither a connection of a client nor one of the database: standard streams, listeners, the runtime, files that are read,
/// the admin listener's connections, and those who stand at either.
const RESERVED: usize = 44;

/// How many may stand at once.
const STANDING: usize = 8;

/// Connections, however few descriptors there are.
const SEATS_MIN: usize = 4;

/// How long a client's connection is idle before it gives way.
const RESTED: Duration = Duration::from_millis(300);

/// The places of a listener.
#[derive(Clone, Debug)]
pub(super) struct Places {
    seats: Arc<Semaphore>,
    standing: Arc<Semaphore>,
    wanted: Arc<Notify>,
    rested: Duration,
}

/// One of them; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    /// Whoever has none is turned away.
    pub(super) is_seat: bool,
    _permit: OwnedSemaphorePermit,
}

impl Places {
    /// So many seats, which are given up by whoever has been idle for so long.
    pub(super) fn new(seats: usize, rested: Duration) -> Self {
        Self {
            seats: Arc::new(Semaphore::new(seats.min(Semaphore::MAX_PERMITS))),
            standing: Arc::new(Semaphore::new(STANDING)),
            wanted: Arc::default(),
            rested,
        }
    }

    /// As many as this process may have descriptors, of which the database takes so many and each connection needs `each`.
    pub(super) fn of_process(database: usize, each: usize) -> Self {
        let seats = descriptors().map_or(Semaphore::MAX_PERMITS, |most| seats(most, database, each));
        Self::new(seats, RESTED)
    }

    /// The next one.
    pub(super) async fn take(&self) -> Place {
        let (seat, standing) = (self.seats.clone(), self.standing.clone());
        if let Ok(seat) = seat.clone().try_acquire_owned() {
            return Place { is_seat: true, _permit: seat };
        }
        self.wanted.notify_one();
        // An error is impossible: they are never closed.
        tokio::select! {
            biased;
            Ok(seat) = seat.acquire_owned() => Place { is_seat: true, _permit: seat },
            Ok(standing) = standing.acquire_owned() => Place { is_seat: false, _permit: standing },
            else => std::future::pending().await,
        }
    }

    /// Ends when a connection that has been idle since it asked should give way to another.
    pub(super) async fn wanted(&self) {
        tokio::time::sleep(self.rested).await;
        self.wanted.notified().await;
    }
}

fn seats(descriptors: usize, database: usize, each: usize) -> usize {
    (descriptors.saturating_sub(RESERVED + database) / each.max(1)).max(SEATS_MIN)
}

/// How many this process may have; nothing where there is no bound, or nobody says.
fn descriptors() -> Option<usize> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn who_finds_no_seat_stands_and_who_cannot_even_stand_waits() {
        let places = Places::new(1, RESTED);
        let seat = places.take().await;
        assert!(seat.is_seat);
        let mut standing = Vec::new();
        for _ in 0..STANDING {
            standing.push(places.take().await);
        }
        assert!(standing.iter().all(|place| !place.is_seat));
        assert!(places.take().now_or_never().is_none());
        drop(seat);
        assert!(places.take().await.is_seat);
    }

    #[test]
    fn descriptors_are_left_for_everything_else() {
        assert_eq!(seats(64, 8, 1), 12);
        assert_eq!(seats(1024, 16, 2), 482);
        assert_eq!(seats(10, 16, 1), SEATS_MIN);
        assert!(descriptors().is_none_or(|most| most > RESERVED));
    }
}
