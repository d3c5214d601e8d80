//! The log of a test whose server runs on its own thread, as lines of JSON.

use std::io::Write;
use std::sync::{Arc, Mutex};

use serde_json::Value as Json;
use tracing::Dispatch;
use tracing::subscriber::{DefaultGuard, NoSubscriber, set_default};
use tracing_subscriber::filter::LevelFilter;

/// Keeps the lines from info up, as long as it lives.
pub struct Log {
    lines: Lines,
    _own: DefaultGuard,
    _second: Dispatch,
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Begins to.
    pub fn start() -> Self {
        let lines = Lines::default();
        let writer = lines.clone();
        let log = tracing_subscriber::fmt().json().flatten_event(true).with_max_level(LevelFilter::INFO);
        // Of two subscribers neither is asked in the name of other threads, which have none.
        let _second = Dispatch::new(NoSubscriber::default());
        let _own = set_default(log.with_writer(move || writer.clone()).finish());
        Self { lines, _own, _second }
    }

    /// All of it.
    pub fn text(&self) -> String {
        String::from_utf8(self.lines.0.lock().unwrap().clone()).unwrap()
    }

    /// The lines of one target.
    pub fn of(&self, target: &str) -> Vec<Json> {
        let lines =
            self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Json>>();
        lines.into_iter().filter(|line| line["target"] == target).collect()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
