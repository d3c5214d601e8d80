//! The text of statements → a few words about them: `SELECT orders`, of a low number of kinds.

/// Longest text that is told: lists of placeholders are long where there are no array parameters.
const TEXT_MAX: usize = 4096;

/// Statements as one text, cut where it is too long.
pub(super) fn text(texts: &[String]) -> String {
    let mut text = texts.join("; ");
    if text.len() > TEXT_MAX {
        text.truncate(text.floor_char_boundary(TEXT_MAX));
        text.push('…');
    }
    text
}

/// What statements do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Summary {
    /// `SELECT`, or `BATCH SELECT` of several alike, or `BATCH`.
    pub(super) operation: String,
    /// The table, where all of them have the same.
    pub(super) table: Option<String>,
    /// Both.
    pub(super) words: String,
}

impl Summary {
    /// Of statements that were sent at once.
    pub(super) fn of(texts: &[String]) -> Self {
        let verb = same(texts.iter().map(|text| verb(text)));
        let table = same(texts.iter().map(|text| table(text))).flatten();
        let operation = match (texts, verb) {
            ([_], Some(verb)) => verb,
            (_, Some(verb)) => format!("BATCH {verb}"),
            (_, None) => "BATCH".to_owned(),
        };
        let words = table.as_ref().map_or(operation.clone(), |table| format!("{operation} {table}"));
        Self { operation, table, words }
    }
}

/// What all are, if they are alike.
fn same<T: PartialEq>(mut all: impl Iterator<Item = T>) -> Option<T> {
    let first = all.next()?;
    all.all(|other| other == first).then_some(first)
}

fn verb(text: &str) -> String {
    text.split(' ').next().unwrap_or_default().to_ascii_uppercase()
}

/// The table that a statement of the renderer names first.
fn table(text: &str) -> Option<String> {
    let before = [" from ", "insert into ", "update ", "delete from "];
    let places = before.iter().filter_map(|word| Some(text.find(word)? + word.len()));
    let mut rest = text.get(places.min()?..)?;
    loop {
        let (name, after) = quoted(rest)?;
        match after.strip_prefix('.') {
            Some(next) => rest = next,
            None => return Some(name),
        }
    }
}

/// A quoted name, and what comes behind it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '`'))?;
    let (mut name, mut rest) = (String::new(), text.get(1..)?);
    loop {
        let (part, after) = rest.split_once(quote)?;
        name.push_str(part);
        match after.strip_prefix(quote) {
            Some(next) => {
                name.push(quote);
                rest = next;
            }
            None => return Some((name, after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_names_the_operation_and_the_table() {
        for (texts, expect) in [
            (&[r#"select "t0"."id" from "orders" as t0 where "t0"."id" = $1"#][..], "SELECT orders"),
            (&["select `t0`.`a` from `shop`.`odd ``name` as `t0`"], "SELECT odd `name"),
            (&[r#"insert into "items" ("id") values ($1)"#], "INSERT items"),
            (&[r#"update "items" set "a" = $1"#], "UPDATE items"),
            (&[r#"delete from "items" where "id" = $1"#], "DELETE items"),
            (&["select 1"], "SELECT"),
            (&[r#"select 1 from "a""#, r#"select 2 from "a""#], "BATCH SELECT a"),
            (&[r#"select 1 from "a""#, r#"select 2 from "b""#], "BATCH SELECT"),
            (&[r#"select 1 from "a""#, r#"update "b" set"#], "BATCH"),
        ] {
            let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
            assert_eq!(Summary::of(&texts).words, expect);
        }
    }
}
