//! Error numbers → kinds. Names are read from the message, the only place that has them.
//! <https://mariadb.com/kb/en/mariadb-error-code-reference/>

use mysql_async::{DriverError, Error as MysqlError, ServerError};

use crate::{Error, Kind};

/// An error of a statement in our words.
pub(super) fn translate(error: &MysqlError) -> Error {
    match error {
        MysqlError::Server(server) => from_server(server),
        MysqlError::Io(_) => Error::new(Kind::Unavailable, error.to_string()),
        MysqlError::Driver(driver) => Error::new(driver_kind(driver), error.to_string()),
        MysqlError::Other(_) | MysqlError::Url(_) => Error::new(Kind::Other, error.to_string()),
    }
}

/// An error of connecting: whatever it is, there is no connection.
pub(super) fn translate_connect(error: &MysqlError) -> Error {
    let translated = translate(error);
    let kind = if translated.kind == Kind::Exhausted { Kind::Exhausted } else { Kind::Unavailable };
    Error { kind, ..translated }
}

/// Whether the connection is of no more use.
pub(super) fn is_lost(error: &MysqlError) -> bool {
    match error {
        MysqlError::Server(server) => kind(server.code) == Kind::Unavailable,
        MysqlError::Driver(
            DriverError::StmtParamsMismatch { .. } | DriverError::StmtParamsNumberExceedsLimit { .. },
        ) => false,
        _ => true,
    }
}

fn driver_kind(error: &DriverError) -> Kind {
    match error {
        DriverError::ConnectionClosed | DriverError::PoolDisconnected => Kind::Unavailable,
        DriverError::PacketTooLarge => Kind::Data,
        _ => Kind::Other,
    }
}

fn from_server(error: &ServerError) -> Error {
    let mut translated = Error::new(kind(error.code), format!("error {}: {}", error.code, error.message));
    name(&mut translated, error);
    translated
}

fn kind(code: u16) -> Kind {
    match code {
        1022 | 1062 | 1169 | 1586 => Kind::Unique,
        1216 | 1452 | 1761 | 1762 => Kind::ForeignKey,
        1217 | 1451 | 1557 => Kind::Referenced,
        1048 | 1263 | 1364 => Kind::NotNull,
        // The last is what a trigger or function signals by its own decision.
        3819 | 4025 | 1644 => Kind::Check,
        1264 | 1265 | 1292 | 1365 | 1366 | 1367 | 1406 | 1411 | 1416 | 1441 | 1690 | 3140 | 3141 | 4078
        | 1153 => Kind::Data,
        // Deadlock, lock time-out, changed since the snapshot, must be prepared again.
        1213 | 1205 | 1020 | 1615 | 3572 => Kind::Conflict,
        1317 | 1969 | 3024 => Kind::Timeout,
        1040 | 1203 | 1226 => Kind::Exhausted,
        1290 | 1792 | 1836 => Kind::ReadOnly,
        // Of a database, table, column, routine; of the server.
        1044 | 1045 | 1142 | 1143 | 1227 | 1370 => Kind::Privilege,
        1021 | 1114 => Kind::Full,
        1053 | 1080 | 1129 | 1130 | 1152 | 1184 | 1927 | 2006 | 2013 | 3169 => Kind::Unavailable,
        _ => Kind::Other,
    }
}

fn name(translated: &mut Error, error: &ServerError) {
    let message = error.message.as_str();
    match error.code {
        // MySQL 8 puts the table before the key: `t.name`.
        1062 | 1586 => {
            let key = between(message, "for key '", "'");
            translated.constraint = key.map(|key| key.rsplit('.').next().unwrap_or(key).to_owned());
        }
        1451 | 1452 => {
            translated.constraint = between(message, "CONSTRAINT `", "`").map(str::to_owned);
            let table = between(message, "fails (`", "`, CONSTRAINT");
            translated.table = table.and_then(|table| table.rsplit('`').next()).map(str::to_owned);
        }
        3819 => translated.constraint = between(message, "constraint '", "'").map(str::to_owned),
        4025 => translated.constraint = between(message, "CONSTRAINT `", "`").map(str::to_owned),
        1048 => translated.column = between(message, "Column '", "'").map(str::to_owned),
        1364 => translated.column = between(message, "Field '", "'").map(str::to_owned),
        1264 | 1265 | 1292 | 1366 | 1406 => translated.column = column(message).map(str::to_owned),
        _ => {}
    }
}

/// `… for column 'a' at row 1`, ``… for column `db`.`t`.`a` at row 1``
fn column(message: &str) -> Option<&str> {
    between(message, "column '", "'").or_else(|| between(message, "column `", "` at")?.rsplit('`').next())
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(inner, _)| inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_from_messages() {
        for (code, message, constraint, column) in [
            (1062, "Duplicate entry '1' for key 'PRIMARY'", Some("PRIMARY"), None),
            (1062, "Duplicate entry 'for' for key 't.email'", Some("email"), None),
            (4025, "CONSTRAINT `t.qty` failed for `db`.`t`", Some("t.qty"), None),
            (1048, "Column 'name' cannot be null", None, Some("name")),
            (1366, "Incorrect integer value: 'x' for column `db`.`t`.`qty` at row 1", None, Some("qty")),
        ] {
            let state = "HY000".to_owned();
            let error = from_server(&ServerError { code, message: message.to_owned(), state });
            assert_eq!(
                (error.constraint.as_deref(), error.column.as_deref()),
                (constraint, column),
                "{message}"
            );
        }
        let message = "Cannot add or update a child row: a foreign key constraint fails (`db`.`items`, CONSTRAINT `fk` \
                       FOREIGN KEY (`o`) REFERENCES `orders` (`id`))";
        let error = from_server(&ServerError { code: 1452, message: message.into(), state: "23000".into() });
        assert_eq!((error.constraint.as_deref(), error.table.as_deref()), (Some("fk"), Some("items")));
    }
}
