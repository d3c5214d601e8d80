//! Whether a server still answers on a connection. It bounds each statement itself, so that one which says nothing for longer than a statement may take
//! says nothing at all: it is stalled, or the network is gone.
//!
//! Those who share a connection are answered in their order. One whose statement takes long, or waits for a lock of a migration, holds up all behind it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How much longer than a statement may take its answer may be under way.
const MARGIN: Duration = Duration::from_millis(500);

/// Those behind a statement that takes longer than this are held up.
const PROMPT: Duration = Duration::from_millis(100);

/// When it was last heard, and who waits for it.
pub(super) struct Pulse {
    state: Mutex<State>,
    patience: Duration,
}

struct State {
    lost: bool,
    /// Since when there has been something to hear, and nothing was.
    heard: Instant,
    waiting: usize,
    /// How many have sent something, and up to which of them all are answered.
    sent: u64,
    answered: u64,
}

/// What came of what was sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Felt<T> {
    Answer(T),
    /// Another's statement is in the way. This one is still answered some time, to nobody.
    HeldUp,
    /// The server is silent, on this connection and to all who share it. From then on it is lost.
    Lost,
}

/// One who waits.
struct Turn<'a> {
    pulse: &'a Pulse,
    number: u64,
}

impl Pulse {
    pub(super) fn new(statement_timeout: Duration) -> Self {
        let state = State { lost: false, heard: Instant::now(), waiting: 0, sent: 0, answered: 0 };
        Self { state: Mutex::new(state), patience: statement_timeout + MARGIN }
    }

    /// The answer to what is sent when `answer` is first polled, however long those before it take.
    pub(super) async fn feel<T>(&self, answer: impl Future<Output = T>) -> Option<T> {
        match self.wait(answer, Duration::MAX).await {
            Felt::Answer(answer) => Some(answer),
            Felt::HeldUp | Felt::Lost => None,
        }
    }

    /// Likewise, unless those before it take long.
    pub(super) async fn feel_promptly<T>(&self, answer: impl Future<Output = T>) -> Felt<T> {
        self.wait(answer, PROMPT).await
    }

    async fn wait<T>(&self, answer: impl Future<Output = T>, prompt: Duration) -> Felt<T> {
        let (mut answer, turn) = (std::pin::pin!(answer), self.turn());
        loop {
            let until = match turn.look(prompt) {
                Felt::Answer(until) => until,
                Felt::HeldUp => return Felt::HeldUp,
                Felt::Lost => return Felt::Lost,
            };
            if let Ok(answer) = tokio::time::timeout_at(until, &mut answer).await {
                turn.answered();
                return Felt::Answer(answer);
            }
        }
    }

    /// Whether it was found silent.
    pub(super) fn is_lost(&self) -> bool {
        self.lock().lost
    }

    /// Whether whoever came now would be held up.
    pub(super) fn is_held_up(&self) -> bool {
        let state = self.lock();
        state.waiting > 0 && state.heard.elapsed() >= PROMPT
    }

    fn turn(&self) -> Turn<'_> {
        let mut state = self.lock();
        if state.waiting == 0 {
            state.heard = Instant::now();
        }
        state.waiting += 1;
        state.sent += 1;
        Turn { pulse: self, number: state.sent }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
    fn answered(&self) {
        let mut state = self.pulse.lock();
        state.heard = Instant::now();
        state.answered = state.answered.max(self.number);
    }

    /// How things stand, and until when they are left so.
    fn look(&self, prompt: Duration) -> Felt<Instant> {
        let mut state = self.pulse.lock();
        let (silent_for, patience) = (state.heard.elapsed(), self.pulse.patience);
        state.lost |= silent_for >= patience;
        match silent_for < prompt {
            _ if state.lost => Felt::Lost,
            true => Felt::Answer(state.heard + prompt.min(patience)),
            false if state.answered + 1 < self.number => Felt::HeldUp,
            // The first of all: it is its own statement that takes long.
            false => Felt::Answer(state.heard + patience),
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.pulse.lock().waiting -= 1;
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test]
    async fn who_is_silent_to_all_is_lost_and_who_answers_others_is_waited_for() {
        let pulse = Pulse::new(Duration::ZERO);
        let slow = tokio::time::sleep(MARGIN * 3);
        let others = async {
            for _ in 0..8 {
                tokio::time::sleep(MARGIN / 2).await;
                pulse.feel(ready(())).await.unwrap();
            }
        };
        let (slow, ()) = tokio::join!(pulse.feel(slow), others);
        assert!(slow.is_some() && !pulse.is_lost());
        let begun = Instant::now();
        assert_eq!(pulse.feel(pending::<()>()).await, None);
        assert!(begun.elapsed() >= MARGIN);
        assert!(pulse.is_lost() && pulse.feel(ready(())).await.is_none());
    }

    #[tokio::test]
    async fn those_behind_one_that_takes_long_are_held_up_and_it_is_not() {
        let pulse = Pulse::new(Duration::from_secs(10));
        let slow = pulse.feel_promptly(tokio::time::sleep(PROMPT * 3));
        let behind = async {
            assert!(!pulse.is_held_up());
            let begun = Instant::now();
            assert_eq!(pulse.feel_promptly(pending::<()>()).await, Felt::HeldUp);
            assert!(begun.elapsed() >= PROMPT && pulse.is_held_up());
        };
        let (slow, ()) = tokio::join!(slow, behind);
        assert_eq!(slow, Felt::Answer(()));
        assert!(!pulse.is_held_up());
    }

    #[tokio::test]
    async fn a_long_line_that_moves_on_holds_up_nobody() {
        let pulse = Pulse::new(Duration::from_secs(10));
        let line = (1..8).map(|place| pulse.feel_promptly(tokio::time::sleep(PROMPT / 2 * place)));
        let line = futures_util::future::join_all(line).await;
        assert!(line.iter().all(|felt| *felt == Felt::Answer(())), "{line:?}");
    }
}
