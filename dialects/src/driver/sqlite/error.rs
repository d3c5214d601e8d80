//! SQLite's extended result codes → kinds. Names are read from the message, the only place that has them.

use rusqlite::{ErrorCode, ffi};

use super::functions;
use crate::{Error, Kind};

/// An error of SQLite in our words.
pub(super) fn translate(error: &rusqlite::Error) -> Error {
    let rusqlite::Error::SqliteFailure(failure, message) = error else {
        return Error::new(other_kind(error), error.to_string());
    };
    let message = message.clone().unwrap_or_else(|| failure.to_string());
    let kind = match message.as_str() {
        refusal if refusal.starts_with(functions::REFUSAL) => Kind::Data,
        // `on delete restrict` comes as the code of a trigger.
        "FOREIGN KEY constraint failed" => Kind::ForeignKey,
        _ => kind(failure),
    };
    let mut translated = Error::new(kind, message);
    name(&mut translated);
    translated
}

/// An error of what commits: after a write to the disk has failed, the transaction may yet be found when the file is next recovered.
/// <https://www.sqlite.org/walformat.html#recovery>
pub(super) fn translate_commit(error: &rusqlite::Error) -> Error {
    let translated = translate(error);
    match error.sqlite_error_code() {
        Some(ErrorCode::SystemIoFailure) => Error { kind: Kind::CommitUnknown, ..translated },
        _ => translated,
    }
}

fn other_kind(error: &rusqlite::Error) -> Kind {
    match error {
        rusqlite::Error::UserFunctionError(_) | rusqlite::Error::ToSqlConversionFailure(_) => Kind::Data,
        _ => Kind::Other,
    }
}

fn kind(failure: &ffi::Error) -> Kind {
    match failure.extended_code {
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => {
            Kind::Unique
        }
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => Kind::ForeignKey,
        ffi::SQLITE_CONSTRAINT_NOTNULL => Kind::NotNull,
        ffi::SQLITE_CONSTRAINT_CHECK | ffi::SQLITE_CONSTRAINT_TRIGGER => Kind::Check,
        ffi::SQLITE_CONSTRAINT_DATATYPE => Kind::Data,
        _ => primary_kind(failure.code),
    }
}

fn primary_kind(code: ErrorCode) -> Kind {
    match code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Kind::Conflict,
        ErrorCode::OperationInterrupted => Kind::Timeout,
        ErrorCode::TypeMismatch | ErrorCode::TooBig => Kind::Data,
        ErrorCode::ReadOnly => Kind::ReadOnly,
        ErrorCode::DiskFull => Kind::Full,
        ErrorCode::CannotOpen
        | ErrorCode::SystemIoFailure
        | ErrorCode::DatabaseCorrupt
        | ErrorCode::NotADatabase
        | ErrorCode::PermissionDenied => Kind::Unavailable,
        _ => Kind::Other,
    }
}

/// `UNIQUE constraint failed: t.a, t.b`, `NOT NULL constraint failed: t.a`, `CHECK constraint failed: name`.
fn name(error: &mut Error) {
    let Some((_, subject)) = error.detail.split_once(" constraint failed: ") else { return };
    let subject = subject.to_owned();
    let first = subject.split(", ").next().and_then(|column| column.split_once('.'));
    match error.kind {
        Kind::Unique => {
            error.table = first.map(|(table, _)| table.to_owned());
            error.constraint = Some(subject);
        }
        Kind::NotNull => {
            error.table = first.map(|(table, _)| table.to_owned());
            error.column = first.map(|(_, column)| column.to_owned());
        }
        _ => error.constraint = Some(subject),
    }
}
