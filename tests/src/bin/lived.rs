//! The product's own program under another name, which cargo builds whenever it builds the tests: they start it, limit it and send it signals.

use std::process::ExitCode;

fn main() -> ExitCode {
    proxy::cli::main()
}
