//! Log lines: text for people, JSON for machines, to standard error. Never a query string, a body, a header or a secret.

use std::io::IsTerminal as _;
use std::sync::OnceLock;
use std::time::Duration;

use dialects::Call;
use introspect::Schema;
use rules::Trace;
use rules::trace::Step;
use tracing_subscriber::EnvFilter;

use super::repeats::Kind;
use super::{CutBy, Denied, Observation, TraceId, sql};

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
        // The target tells `audit` and `rules` from all others.
        LogFormat::Json => {
            std::panic::set_hook(Box::new(|panic| tracing::error!(%panic, "a bug")));
            lines.json().flatten_event(true).try_init()
        }
    };
    Ok(())
}

/// Whether lines are for machines.
pub fn is_json() -> bool {
    FORMAT.get() == Some(&LogFormat::Json)
}

/// A line for an answered request. A bug is an error, what could not be served, or not to its end, a warning; what the client got wrong is
/// neither.
pub(super) fn request(seen: &Observation<'_>) {
    let elapsed_ms = seen.elapsed.as_secs_f64() * 1000.0;
    let errors = seen.errors.map(words);
    let errors = errors.as_deref().or(seen.cut.map(|cut| cut.words.as_str()));
    let trace_id = seen.trace.map(tracing::field::display);
    let cut_by = seen.cut.map(|cut| cut.by.word());
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(
                request_id = seen.request_id,
                trace_id,
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

/// A line for a denied request, at info under a target of its own: who wanted what, and nothing of what was sent (no token, claim, query or
/// body). What others have chosen is quoted where lines are text.
pub(super) fn audit(seen: &Observation<'_>, denied: &Denied<'_>) {
    let codes = seen.errors.map(codes).unwrap_or_default();
    tracing::info!(
        target: "audit",
        request_id = seen.request_id,
        trace_id = seen.trace.map(tracing::field::display),
        client = denied.client.map(tracing::field::display),
        actor = denied.actor.and_then(|actor| actor.id.as_deref()),
        roles = denied.actor.map(|actor| actor.roles.join(",")),
        method = seen.method,
        endpoint = denied.endpoint,
        resource = denied.resource,
        code = codes,
        status = seen.status,
        "denied"
    );
}

/// A line for those of a kind that were not written.
pub(super) fn more(kind: Kind, more: u64, period: Duration) {
    let (status, code, seconds) = (kind.status, kind.code, period.as_secs());
    match kind.audit {
        true => tracing::info!(target: "audit", status, code, more, "{more} more of the same in {seconds} s"),
        false => tracing::warn!(status, code, more, "{more} more of the same in {seconds} s"),
    }
}

/// A line for statements that took long, under a target of its own. Their text holds no values.
pub(super) fn slow(request_id: &str, trace: Option<TraceId>, call: &Call<'_>) {
    tracing::warn!(
        target: "slow",
        request_id,
        trace_id = trace.map(tracing::field::display),
        elapsed_ms = call.elapsed.as_secs_f64() * 1000.0,
        statements = call.texts.len(),
        sql = sql::text(call.texts),
        error = call.error.map(|error| tracing::field::display(error.kind)),
        "slow statement"
    );
}

/// The codes of errors, each once.
fn codes(errors: &crate::Errors) -> String {
    let mut codes: Vec<&str> = errors.iter().map(|error| error.code.code()).collect();
    codes.dedup();
    codes.join(",")
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
    let json = is_json();
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
    use std::time::Duration;

    use dialects::{Options, Pool, Value};
    use introspect::ColumnId;
    use rules::change::RowId;
    use rules::policy::{Actor, Claim};
    use rules::trace::{By, Effect};

    use super::*;
    use crate::{Error, ErrorCode, Errors};

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
        lines(filter, || explain("r1", schema, trace))
    }

    fn lines(filter: &str, log_it: impl FnOnce()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let log = tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new(filter))
            .with_writer(move || writer.clone())
            .with_ansi(false)
            .with_target(false)
            .without_time();
        // Where there is one alone, a thread without any that comes first to a line turns it off for all.
        let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::default());
        tracing::subscriber::with_default(log.finish(), log_it);
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
        let trace = Trace { steps, ..Trace::default() };
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

    #[test]
    fn a_denied_request_is_a_line_that_says_who_wanted_what() {
        let sub = "ann\n\u{1b}[31mWARN".to_owned();
        let roles = vec!["sales".to_owned(), "night shift".to_owned()];
        let claims = [("ssn".to_owned(), Claim::Value(Value::Text("078-05".into())))].into();
        let actor = Actor { id: Some(sub), roles, claims };
        let errors = Errors::from(Error::new(ErrorCode::Forbidden, "Who asks for secret may not."));
        let denied = Denied {
            client: Some([10, 0, 0, 1].into()),
            actor: Some(&actor),
            endpoint: "/{type}/{id}",
            resource: Some("orders"),
        };
        let seen = Observation {
            request_id: "r1",
            trace: None,
            method: "PATCH",
            path: "/api/orders/7",
            resource: None,
            operation: "update",
            status: 403,
            elapsed: Duration::ZERO,
            errors: Some(&errors),
            cut: None,
            denied: Some(denied),
        };
        let line = " INFO denied request_id=\"r1\" client=10.0.0.1 actor=\"ann\\n\\u{1b}[31mWARN\" \
            roles=\"sales,night shift\" method=\"PATCH\" endpoint=\"/{type}/{id}\" resource=\"orders\" code=\"forbidden\" \
            status=403\n";
        assert_eq!(lines("info", || audit(&seen, &denied)), line);
        assert_eq!(lines("warn,audit=info", || audit(&seen, &denied)), line);
        assert_eq!(lines("info,audit=off", || audit(&seen, &denied)), "");
        let nobody = Denied { client: None, actor: None, resource: None, ..denied };
        let line = " INFO denied request_id=\"r1\" method=\"PATCH\" endpoint=\"/{type}/{id}\" code=\"forbidden\" status=403\n";
        assert_eq!(lines("info", || audit(&seen, &nobody)), line);
    }
}
