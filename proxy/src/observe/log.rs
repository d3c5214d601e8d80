//! Log lines: text for people, JSON for machines, to standard error. Never a query string, a body, a header or a secret.

use std::io::IsTerminal as _;
use std::sync::OnceLock;

use introspect::Schema;
use rules::Trace;
use rules::trace::Step;
use tracing_subscriber::EnvFilter;

use super::{CutBy, Observation};

/// How lines look (`RULEGATE_LOG_FORMAT`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// The format of this process's lines: a line for people is indented, one for machines has fields.
static FORMAT: OnceLock<LogFormat> = OnceLock::new();

/// Starts logging for the whole process. `level` is a filter of `tracing` (`info`, `debug`, `proxy=debug,warn`); what cannot be
/// read is refused. A second call changes nothing.
pub fn start(format: LogFormat, level: &str) -> Result<(), String> {
    let filter = EnvFilter::try_new(level).map_err(|e| format!("log level {level:?}: {e}"))?;
    let colour = std::io::stderr().is_terminal();
    let format = *FORMAT.get_or_init(|| format);
    let lines =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colour);
    // An error here means that a log is there already: tests start several servers in one process.
    let _ = match format {
        LogFormat::Text => lines.with_target(false).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).with_target(false).try_init(),
    };
    Ok(())
}

/// A line for an answered request. A bug is an error, what could not be served, or not to its end, a warning; what the client got wrong is
/// neither.
pub(super) fn request(seen: &Observation<'_>) {
    let elapsed_ms = seen.elapsed.as_secs_f64() * 1000.0;
    let errors = seen.errors.map(words);
    let errors = errors.as_deref().or(seen.cut.map(|cut| cut.words.as_str()));
    let cut_by = seen.cut.map(|cut| cut.by.word());
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(
                request_id = seen.request_id,
                method = seen.method,
                path = seen.path,
                operation = seen.operation,
                status = seen.status,
                elapsed_ms,
                cut_by,
                errors,
                "request"
            )
        };
    }
    match seen.status {
        500 => line!(error),
        501.. => line!(warn),
        _ if seen.cut.is_some_and(|cut| cut.by != CutBy::Client) => line!(warn),
        _ => line!(debug),
    }
}

/// Whether steps of rules are logged: at debug, under a target of their own (`info,rules=debug` shows them alone).
pub(super) fn explains() -> bool {
    tracing::enabled!(target: "rules", tracing::Level::DEBUG)
}

/// A line for each step, or one that there is none: which rule, which row, the value before and after, and what made it necessary.
pub(super) fn explain(request_id: &str, schema: &Schema, trace: &Trace) {
    if !explains() {
        return;
    }
    if trace.steps.is_empty() {
        tracing::debug!(target: "rules", request_id, "no rule looks at what this write changes");
    }
    let json = FORMAT.get() == Some(&LogFormat::Json);
    for step in &trace.steps {
        match json {
            true => step_fields(request_id, schema, trace, step),
            false => tracing::debug!(target: "rules", request_id, "{}", trace.line(schema, step)),
        }
    }
    if trace.left_out > 0 {
        tracing::debug!(target: "rules", request_id, steps = trace.left_out, "further steps are left out");
    }
}

fn step_fields(request_id: &str, schema: &Schema, trace: &Trace, step: &Step) {
    let words = trace.words(schema, step);
    tracing::debug!(
        target: "rules",
        request_id,
        by = step.by.words(),
        row = words.row,
        effect = step.effect.word(),
        attribute = words.attribute,
        old = words.old,
        new = words.new,
        because = words.because,
        depth = step.depth,
        "step"
    );
}

fn words(errors: &crate::Errors) -> String {
    let all: Vec<String> = errors.iter().map(ToString::to_string).collect();
    all.join("; ")
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use dialects::{Options, Pool, Value};
    use introspect::ColumnId;
    use rules::change::RowId;
    use rules::trace::{By, Effect};

    use super::*;

    /// Keeps the lines.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(filter: &str, schema: &Schema, trace: &Trace) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let log = tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new(filter))
            .with_writer(move || writer.clone())
            .with_ansi(false)
            .with_target(false)
            .without_time();
        tracing::subscriber::with_default(log.finish(), || explain("r1", schema, trace));
        String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
    }

    #[tokio::test]
    async fn steps_are_logged_at_debug_indented_by_their_depth() {
        let pool = Pool::open("sqlite::memory:", Options::default()).unwrap();
        pool.execute_script("create table t (id integer primary key, a integer, b integer)").await.unwrap();
        let schema = introspect::introspect(&pool, None).await.unwrap();
        let row = RowId::existing(schema.find("t").unwrap(), vec![Value::Int(7)]);
        let step = |by, column, causes, depth| {
            let effect = Effect::Set { column: ColumnId(column), old: Value::Int(1), new: Value::Int(2) };
            Step { row: row.clone(), by, effect, causes, depth }
        };
        let steps = vec![step(By::Request, 1, vec![], 0), step(By::Rule("t.b".into()), 2, vec![0], 1)];
        let trace = Trace { steps, left_out: 0 };
        let lines = logged("info,rules=debug", &schema, &trace);
        assert_eq!(
            lines,
            "DEBUG t 7: a 1 -> 2, by the request request_id=\"r1\"\n\
             DEBUG   t 7: b 1 -> 2, by `t.b`, because of t 7: a request_id=\"r1\"\n"
        );
        assert_eq!(logged("info", &schema, &trace), "");
        assert_eq!(
            logged("info,rules=debug", &schema, &Trace::default()),
            "DEBUG no rule looks at what this write changes request_id=\"r1\"\n"
        );
        assert_eq!(logged("info", &schema, &Trace::default()), "");
    }
}
