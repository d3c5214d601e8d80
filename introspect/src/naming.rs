//! Database names → names of resource types, attributes and relationships.
//!
//! A name stays as it is wherever the JSON:API allows it; `Order Details` becomes `Order_Details`. Names that need no change are
//! given first, so that adding an oddly named neighbour never renames them. Example: columns `a b`, `a_b` → `a_b_2`, `a_b`.

use std::collections::HashSet;

use crate::catalog;

/// Stands in for a name without a single legal character.
const UNNAMED: &str = "unnamed";

/// The names taken in one place.
#[derive(Default)]
pub(crate) struct Names {
    taken: HashSet<String>,
}

impl Names {
    /// A place where some names are taken from the start.
    pub(crate) fn reserving<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self { taken: names.into_iter().map(str::to_owned).collect() }
    }

    /// Whether a name can no longer be given.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.taken.contains(name)
    }

    /// Gives a name away, with `_2`, `_3`, … when it is taken.
    pub(crate) fn claim(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        let mut n = 2u32;
        while !self.taken.insert(name.clone()) {
            name = format!("{wanted}_{n}");
            n = n.saturating_add(1);
        }
        name
    }
}

/// A member name: illegal characters are `_`, and neither `_` nor `-` stands at the ends (JSON:API 1.1, "Member Names").
pub(crate) fn legal(name: &str) -> String {
    let replaced: String = name.chars().map(|c| if allowed_inside(c) { c } else { '_' }).collect();
    match replaced.trim_matches(['_', '-']) {
        "" => UNNAMED.to_owned(),
        trimmed => trimmed.to_owned(),
    }
}

/// Letters, digits, hyphen, underscore, and whatever is beyond ASCII. (Spaces are allowed but not recommended: they go.)
fn allowed_inside(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_') || c >= '\u{80}'
}

/// The resource types of tables, in the same order. `operations` is the path of the Atomic Operations extension.
pub(crate) fn types(tables: &[catalog::Table]) -> Vec<String> {
    let wanted = tables.iter().map(wanted_type).collect();
    assign(Names::reserving(["operations"]), wanted)
}

fn wanted_type(table: &catalog::Table) -> Wanted {
    let name = &table.name.name;
    match &table.name.schema {
        Some(schema) if !table.in_default_schema => Wanted::changed(legal(&format!("{schema}_{name}"))),
        _ => Wanted::of(name, legal(name)),
    }
}

/// The attributes of columns, in the same order. `type` and `id` belong to the resource object; a single-column key is its `id`.
pub(crate) fn attributes(columns: &[&str], key: &[&str]) -> Vec<String> {
    let wanted = columns.iter().map(|name| wanted_attribute(name, key)).collect();
    assign(Names::default(), wanted)
}

fn wanted_attribute(name: &str, key: &[&str]) -> Wanted {
    match name {
        "id" if key != ["id"] => Wanted::changed("id_col".to_owned()),
        "type" => Wanted::changed("type_col".to_owned()),
        _ => Wanted::of(name, legal(name)),
    }
}

/// A name someone would like to have.
struct Wanted {
    name: String,
    verbatim: bool,
}

impl Wanted {
    fn of(original: &str, name: String) -> Self {
        Self { verbatim: original == name, name }
    }

    fn changed(name: String) -> Self {
        Self { name, verbatim: false }
    }
}

/// Gives names: to those that keep theirs first, then to the others in order.
fn assign(mut names: Names, wanted: Vec<Wanted>) -> Vec<String> {
    let mut given: Vec<Option<String>> =
        wanted.iter().map(|w| w.verbatim.then(|| names.claim(&w.name))).collect();
    for (slot, wanted) in given.iter_mut().zip(&wanted) {
        slot.get_or_insert_with(|| names.claim(&wanted.name));
    }
    given.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn illegal_characters_become_underscores_and_ends_are_trimmed() {
        let cases = [
            ("Order Details", "Order_Details"),
            ("_hidden-", "hidden"),
            ("größe", "größe"),
            ("a.b\"c", "a_b_c"),
            ("100%", "100"),
            ("日付", "日付"),
            ("!!", "unnamed"),
        ];
        for (name, expect) in cases {
            assert_eq!(legal(name), expect);
        }
    }

    #[test]
    fn names_that_need_no_change_come_first() {
        assert_eq!(attributes(&["a b", "a_b", "a?b"], &["x"]), ["a_b_2", "a_b", "a_b_3"]);
    }

    #[test]
    fn type_and_id_are_the_resources_own() {
        assert_eq!(attributes(&["id", "type"], &["id"]), ["id", "type_col"]);
        assert_eq!(attributes(&["id", "type", "id_col"], &["type"]), ["id_col_2", "type_col", "id_col"]);
        assert_eq!(attributes(&["id", "n"], &["id", "n"]), ["id_col", "n"]);
    }

    #[test]
    fn tables_of_other_schemas_carry_their_name() {
        let table = |schema: &str, name: &str| catalog::tests::table(Some(schema), name, &[], &[]);
        let tables = [table("crm", "orders"), table("public", "crm_orders"), table("public", "operations")];
        assert_eq!(types(&tables), ["crm_orders_2", "crm_orders", "operations_2"]);
    }
}
