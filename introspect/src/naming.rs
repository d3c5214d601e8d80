//! Database names → names of resource types, attributes and relationships.
//!
//! A name stays as it is wherever the JSON:API allows it; `Order Details` becomes `Order_Details`. Names that need no change are
//! given first, so that adding an oddly named neighbour never renames them. Example: columns `a b`, `a_b` → `a_b_2`, `a_b`.

use std::collections::HashSet;

use crate::catalog;

/// Stands in for a name without a single legal character.
const UNNAMED: &str = "unnamed";

/// How default names are spelled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Style {
    /// As in the database.
    #[default]
    Verbatim,
    /// `order_details`, `ORDER_DETAILS` and `OrderDetails` are `orderDetails`.
    CamelCase,
}

/// The names taken in one place.
pub(crate) struct Names {
    style: Style,
    taken: HashSet<String>,
}

impl Names {
    /// A place where some names are taken from the start.
    pub(crate) fn reserving<'a>(style: Style, names: impl IntoIterator<Item = &'a str>) -> Self {
        Self { style, taken: names.into_iter().map(str::to_owned).collect() }
    }

    /// Whether a name can no longer be given.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.taken.contains(&self.style.spell(name))
    }

    /// Whether someone gets the very name that the database has.
    fn keeps(&self, wanted: &Wanted) -> bool {
        wanted.verbatim && self.style.spell(&wanted.name) == wanted.name
    }

    /// Gives a name away, with `_2`, `_3`, … when it is taken.
    pub(crate) fn claim(&mut self, wanted: &str) -> String {
        let wanted = self.style.spell(wanted);
        let mut name = wanted.clone();
        let mut n = 2u32;
        while !self.taken.insert(name.clone()) {
            name = format!("{wanted}_{n}");
            n = n.saturating_add(1);
        }
        name
    }
}

impl Style {
    /// A legal name in this style.
    fn spell(self, name: &str) -> String {
        match self {
            Self::Verbatim => name.to_owned(),
            Self::CamelCase => camel(name),
        }
    }
}

fn camel(name: &str) -> String {
    let mut words = name.split(['_', '-']).filter(|word| !word.is_empty()).map(lower_if_shouted);
    let first = words.next().map(|word| recased(&word, char::to_lowercase)).unwrap_or_default();
    words.fold(first, |name, word| name + &recased(&word, char::to_uppercase))
}

fn lower_if_shouted(word: &str) -> String {
    if word.chars().any(char::is_lowercase) { word.to_owned() } else { word.to_lowercase() }
}

/// A word with another first letter.
fn recased<C: Iterator<Item = char>>(word: &str, case: fn(char) -> C) -> String {
    let mut letters = word.chars();
    letters.next().into_iter().flat_map(case).chain(letters).collect()
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
pub(crate) fn types(tables: &[catalog::Table], style: Style) -> Vec<String> {
    let wanted = tables.iter().map(wanted_type).collect();
    assign(Names::reserving(style, ["operations"]), wanted)
}

fn wanted_type(table: &catalog::Table) -> Wanted {
    let name = &table.name.name;
    match &table.name.schema {
        Some(schema) if !table.in_default_schema => Wanted::changed(legal(&format!("{schema}_{name}"))),
        _ => Wanted::of(name, legal(name)),
    }
}

/// The attributes of columns, in the same order. `type` and `id` belong to the resource object; a single-column key is its `id`.
pub(crate) fn attributes(columns: &[&str], key: &[&str], style: Style) -> Vec<String> {
    let wanted = columns.iter().map(|name| wanted_attribute(name, key, style)).collect();
    assign(Names::reserving(style, []), wanted)
}

fn wanted_attribute(name: &str, key: &[&str], style: Style) -> Wanted {
    let legal = legal(name);
    match style.spell(&legal).as_str() {
        "id" if key != [name] => Wanted::changed("id_col".to_owned()),
        "type" => Wanted::changed("type_col".to_owned()),
        _ => Wanted::of(name, legal),
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
        wanted.iter().map(|w| names.keeps(w).then(|| names.claim(&w.name))).collect();
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
        assert_eq!(attributes(&["a b", "a_b", "a?b"], &["x"], Style::Verbatim), ["a_b_2", "a_b", "a_b_3"]);
    }

    #[test]
    fn type_and_id_are_the_resources_own() {
        assert_eq!(attributes(&["id", "type"], &["id"], Style::Verbatim), ["id", "type_col"]);
        assert_eq!(
            attributes(&["id", "type", "id_col"], &["type"], Style::Verbatim),
            ["id_col_2", "type_col", "id_col"]
        );
        assert_eq!(attributes(&["id_", "n"], &["n"], Style::Verbatim), ["id_col", "n"]);
        assert_eq!(attributes(&["id", "n"], &["id", "n"], Style::Verbatim), ["id_col", "n"]);
    }

    #[test]
    fn camel_case_is_the_same_from_every_habit() {
        for name in ["order_details", "ORDER_DETAILS", "OrderDetails", "order-details", "orderDetails"] {
            assert_eq!(camel(name), "orderDetails");
        }
        assert_eq!(
            attributes(&["ID", "type", "id"], &["x"], Style::CamelCase),
            ["idCol", "typeCol", "idCol_2"]
        );
    }

    #[test]
    fn tables_of_other_schemas_carry_their_name() {
        let table = |schema: &str, name: &str| catalog::tests::table(Some(schema), name, &[], &[]);
        let tables = [table("crm", "orders"), table("public", "crm_orders"), table("public", "operations")];
        assert_eq!(types(&tables, Style::Verbatim), ["crm_orders_2", "crm_orders", "operations_2"]);
    }
}
