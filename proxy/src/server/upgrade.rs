//! Whether a connection stops being HTTP/1: a request asks for that, and the answer says `101`.

use tokio::sync::watch;

/// How it stands.
#[derive(Debug)]
pub(super) struct Upgrade {
    asked: bool,
    done: watch::Sender<bool>,
}

impl Default for Upgrade {
    fn default() -> Self {
        Self { asked: false, done: watch::Sender::new(false) }
    }
}

impl Upgrade {
    /// Notes whether the request that is let pass asks.
    pub(super) fn ask(&mut self, asked: bool) {
        self.asked = asked;
    }

    /// Takes note of what is answered: whether this is the answer that says it. Answers before the answer decide nothing.
    pub(super) fn answered(&mut self, bytes: &[u8]) -> bool {
        let done = self.asked && bytes.starts_with(b"HTTP/1.1 101 ");
        if done || !bytes.starts_with(b"HTTP/1.1 1") {
            self.asked = false;
        }
        if done {
            self.done.send_replace(true);
        }
        done
    }

    /// Waits for it.
    pub(super) fn watch(&self) -> watch::Receiver<bool> {
        self.done.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_answer_to_a_request_that_asks_says_it() {
        let mut upgrade = Upgrade::default();
        assert!(!upgrade.answered(b"HTTP/1.1 101 Switching Protocols\r\n"), "nobody has asked");
        upgrade.ask(true);
        assert!(!upgrade.answered(b"HTTP/1.1 103 Early Hints\r\n"));
        assert!(upgrade.answered(b"HTTP/1.1 101 Switching Protocols\r\n"));
        upgrade.ask(true);
        assert!(!upgrade.answered(b"HTTP/1.1 200 OK\r\n"));
        assert!(!upgrade.answered(b"HTTP/1.1 101 Switching Protocols\r\n"), "that is its body");
    }
}
