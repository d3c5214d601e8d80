//! Keeps why a write came to what it came to, when somebody wants to know: the client (`Rulegate-Trace: 1`) or the log.

use std::sync::{Arc, Mutex, PoisonError};

use rules::Trace;

/// The trace of one request, of the last of its attempts. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    /// The client wants to see it.
    asked: bool,
    /// None: nobody wants to know.
    kept: Option<Arc<Mutex<Option<Trace>>>>,
}

impl Watch {
    /// For the client or the log, or nobody.
    pub fn new(asked: bool, logged: bool) -> Self {
        Self { asked, kept: (asked || logged).then(Arc::default) }
    }

    /// Whether the client wants to see the trace: then even a write that no rule looks at goes through the engine.
    pub fn asked(&self) -> bool {
        self.asked
    }

    /// Keeps the trace of an attempt that came to its end, in place of an earlier one.
    pub(super) fn keep(&self, trace: impl FnOnce() -> Trace) {
        if let Some(kept) = &self.kept {
            *kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(trace());
        }
    }

    /// The trace; `None`: nobody wanted it, or nothing was attempted.
    pub fn trace(&self) -> Option<Trace> {
        self.kept.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
