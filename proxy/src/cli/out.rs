//! Standard output.

use std::fmt::Display;
use std::io::{ErrorKind, Write as _};

/// Writes to standard output. Whoever has stopped reading wants no more of it; the command goes on, and ends as it would.
pub(super) fn write(text: impl Display) {
    let mut out = std::io::stdout().lock();
    match write!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            eprintln!("standard output cannot be written to: {error}");
            std::process::exit(1);
        }
        _ => {}
    }
}

/// Writes a line to standard output.
macro_rules! outln {
    ($($text:tt)*) => { $crate::cli::out::write(format_args!("{}\n", format_args!($($text)*))) };
}
