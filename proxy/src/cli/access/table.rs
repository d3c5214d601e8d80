//! Who may do what, as a table: resources down, roles across, in each cell the first letters of what may be done. Conditions and attributes
//! are too long for a cell: conditions have numbers, `r cu(1)`, and both are listed below.

use std::fmt::Write as _;

use introspect::{Schema, TableId};
use rules::policy::{Action, Entitlement, Permit};

use super::Column;

/// Widest line of a table, where the roles allow it.
const WIDTH_MAX: usize = 100;

/// Most names in a line of those that nobody may use.
const NAMES_MAX: usize = 20;

const LEGEND: &str = "r read, c create, u update, d delete; (1): where condition 1 holds; -: nothing";

/// The cells, and the conditions that their numbers stand for.
struct Cells {
    /// For each resource that somebody may use: its name, and a cell for each role.
    rows: Vec<(String, Vec<String>)>,
    conditions: Vec<String>,
    /// Resource, roles, what of the attributes.
    attributes: Vec<(String, Vec<String>, String)>,
    /// Resources that nobody may use.
    unused: Vec<String>,
}

/// For a terminal.
pub(super) fn text(schema: &Schema, columns: &[Column]) -> String {
    let cells = Cells::new(schema, columns);
    let mut text = format!("{LEGEND}\n");
    for roles in cells.blocks(columns) {
        text.push('\n');
        let widths: Vec<usize> = roles.iter().map(|at| cells.width(columns, *at)).collect();
        let head = roles.iter().filter_map(|at| columns.get(*at)).map(Column::name).collect();
        text.push_str(&cells.line("resource", head, &widths));
        for (name, row) in &cells.rows {
            let row = roles.iter().filter_map(|at| row.get(*at)).map(String::as_str).collect();
            text.push_str(&cells.line(name, row, &widths));
        }
    }
    let mut section = |title: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            let _ = write!(text, "\n{title}\n{}\n", lines.join("\n"));
        }
    };
    section("conditions", cells.numbered().map(|(n, condition)| format!("  ({n}) {condition}")).collect());
    section("attributes", cells.told().map(|line| format!("  {line}")).collect());
    section(
        "nobody may do anything with",
        cells.unused().map(|names| format!("  {names}")).into_iter().collect(),
    );
    text
}

/// For a document.
pub(super) fn markdown(schema: &Schema, columns: &[Column]) -> String {
    let cells = Cells::new(schema, columns);
    let mut text = format!("{LEGEND}\n\n");
    let row = |name: &str, cells: Vec<&str>| {
        let cells: Vec<String> = std::iter::once(name).chain(cells).map(escaped).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    text.push_str(&row("resource", columns.iter().map(Column::name).collect()));
    text.push_str(&row("---", vec!["---"; columns.len()]));
    for (name, cells) in &cells.rows {
        text.push_str(&row(name, cells.iter().map(String::as_str).collect()));
    }
    let mut section = |title: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            let _ = write!(text, "\n{title}\n\n{}\n", lines.join("\n"));
        }
    };
    section("Conditions:", cells.numbered().map(|(n, condition)| format!("{n}. `{condition}`")).collect());
    section("Attributes:", cells.told().map(|line| format!("- {line}")).collect());
    section("Nobody may do anything with:", cells.unused().into_iter().collect());
    text
}

impl Cells {
    fn new(schema: &Schema, columns: &[Column]) -> Self {
        let mut cells =
            Self { rows: Vec::new(), conditions: Vec::new(), attributes: Vec::new(), unused: Vec::new() };
        let tables: Vec<TableId> = columns.first().map_or(Vec::new(), |column| {
            column.entitlements.iter().map(|entitlement| entitlement.table).collect()
        });
        for (at, table) in tables.into_iter().enumerate() {
            let name = schema[table].name.clone();
            let row: Vec<(&Column, &Entitlement)> =
                columns.iter().filter_map(|column| Some((column, column.entitlements.get(at)?))).collect();
            if row.iter().all(|(_, entitlement)| entitlement.is_nothing()) {
                cells.unused.push(name);
                continue;
            }
            let shown = row.iter().map(|(_, entitlement)| cells.cell(entitlement)).collect();
            for (column, entitlement) in row {
                cells.add(&name, column.name(), attributes(entitlement));
            }
            cells.rows.push((name, shown));
        }
        cells
    }

    /// Roles of which the same is to be said stand together.
    fn add(&mut self, table: &str, role: &str, what: String) {
        let known = self.attributes.iter_mut().find(|(known, _, said)| known == table && *said == what);
        match known {
            Some((_, roles, _)) => roles.push(role.to_owned()),
            None if what.is_empty() => {}
            None => self.attributes.push((table.to_owned(), vec![role.to_owned()], what)),
        }
    }

    /// `r cu(1)`: what may be done with every row, then what with some, by condition.
    fn cell(&mut self, entitlement: &Entitlement) -> String {
        let letters = |wanted: &Permit| {
            let actions = Action::ALL.into_iter().filter(|action| entitlement.permit(*action) == wanted);
            actions.filter_map(|action| action.name().chars().next()).collect::<String>()
        };
        let mut parts = vec![letters(&Permit::Yes)];
        let mut seen: Vec<&Permit> = Vec::new();
        for permit in Action::ALL.into_iter().map(|action| entitlement.permit(action)) {
            if let Permit::Where(condition) = permit
                && !seen.contains(&permit)
            {
                parts.push(format!("{}({})", letters(permit), self.number(condition)));
                seen.push(permit);
            }
        }
        parts.retain(|part| !part.is_empty());
        if parts.is_empty() { "-".into() } else { parts.join(" ") }
    }

    /// From 1; the same condition has one number.
    fn number(&mut self, condition: &str) -> usize {
        let condition = condition.split('\n').map(str::trim).collect::<Vec<_>>().join(" ");
        if let Some(at) = self.conditions.iter().position(|known| *known == condition) {
            return at + 1;
        }
        self.conditions.push(condition);
        self.conditions.len()
    }

    fn numbered(&self) -> impl Iterator<Item = (usize, &String)> {
        (1..).zip(&self.conditions)
    }

    /// `customers (sales, support): hidden: credit_limit`
    fn told(&self) -> impl Iterator<Item = String> {
        self.attributes.iter().map(|(table, roles, what)| format!("{table} ({}): {what}", roles.join(", ")))
    }

    fn unused(&self) -> Option<String> {
        let names: Vec<&str> = self.unused.iter().take(NAMES_MAX).map(String::as_str).collect();
        let more = self.unused.len() - names.len();
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        (!names.is_empty()).then(|| format!("{}{more}", names.join(", ")))
    }

    /// The roles that stand beside each other, as many as there is room for.
    fn blocks(&self, columns: &[Column]) -> Vec<Vec<usize>> {
        let mut blocks: Vec<Vec<usize>> = Vec::new();
        let mut width = usize::MAX;
        for at in 0..columns.len() {
            let wide = self.width(columns, at) + 2;
            if width.saturating_add(wide) > WIDTH_MAX {
                blocks.push(Vec::new());
                width = self.first_width();
            }
            width += wide;
            if let Some(block) = blocks.last_mut() {
                block.push(at);
            }
        }
        blocks
    }

    /// A row, or the heads of the columns.
    fn line(&self, name: &str, cells: Vec<&str>, widths: &[usize]) -> String {
        let mut line = format!("{name:0$}", self.first_width());
        for (cell, width) in cells.iter().zip(widths) {
            let _ = write!(line, "  {cell:width$}");
        }
        format!("{}\n", line.trim_end())
    }

    fn first_width(&self) -> usize {
        let names = self.rows.iter().map(|(name, _)| name.chars().count());
        names.chain([8]).max().unwrap_or_default()
    }

    fn width(&self, columns: &[Column], at: usize) -> usize {
        let cells = self.rows.iter().filter_map(|(_, row)| row.get(at)).map(|cell| cell.chars().count());
        let head = columns.get(at).map_or(0, |column| column.name().chars().count());
        cells.chain([head]).max().unwrap_or_default()
    }
}

/// `hidden: credit_limit; read-only: balance`
fn attributes(entitlement: &Entitlement) -> String {
    let all = [
        ("hidden", &entitlement.hidden),
        ("read-only", &entitlement.read_only),
        ("set on create", &entitlement.set),
        ("set on update", &entitlement.set_on_update),
    ];
    let said = all.into_iter().filter(|(_, names)| !names.is_empty());
    said.map(|(what, names)| format!("{what}: {}", names.join(", "))).collect::<Vec<_>>().join("; ")
}

fn escaped(cell: &str) -> String {
    cell.replace('|', "\\|")
}
