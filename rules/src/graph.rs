//! Rules as a picture: which columns follow from which, as a Mermaid flow chart that GitHub and many editors draw.
//!
//! ```text
//! flowchart LR
//!   subgraph t0["customers"]
//!     t0c2("balance")
//!     t0c3["credit_limit"]
//!     check0{{"balance #60;= credit_limit"}}
//!   end
//!   t1c3 -->|sum| t0c2
//! ```
//!
//! Tables are frames, columns boxes (rounded where a rule sets them), rules labelled arrows, checks hexagons, transitions flags. The same rules
//! over the same schema give the same text.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use introspect::{ColumnId, Schema, TableId};

use crate::compile::reads::{Column, Reads};
use crate::rule::{AggregateFunction, Constraint, Derivation, DerivationKind, RuleSet, Transition};

/// The whole picture.
pub fn mermaid(schema: &Schema, rules: &RuleSet) -> String {
    let mut graph = Graph { schema, frames: BTreeMap::new(), derived: BTreeMap::new(), arrows: Vec::new() };
    rules.derivations.iter().for_each(|derivation| graph.derivation(derivation));
    rules.constraints.iter().enumerate().for_each(|(n, constraint)| graph.constraint(n, constraint));
    rules.transitions.iter().enumerate().for_each(|(n, transition)| graph.transition(n, transition));
    graph.text()
}

struct Graph<'a> {
    schema: &'a Schema,
    frames: BTreeMap<TableId, Frame>,
    /// What rules set, and how it is called where nothing leads to it.
    derived: BTreeMap<Column, Option<&'static str>>,
    arrows: Vec<String>,
}

/// What stands in the frame of a table.
#[derive(Default)]
struct Frame {
    columns: BTreeSet<ColumnId>,
    checks: Vec<String>,
}

impl Graph<'_> {
    fn derivation(&mut self, derivation: &Derivation) {
        let target = (derivation.table, derivation.column);
        let inputs = inputs(&Reads::of_derivation(self.schema, derivation));
        let word = word(&derivation.kind);
        self.show(target);
        self.derived.insert(target, inputs.is_empty().then_some(word));
        // A step reads its own column as it was: that is no arrow.
        for input in inputs.into_iter().filter(|input| *input != target) {
            self.show(input);
            self.arrows.push(format!("{} -->|{word}| {}", id(input), id(target)));
        }
    }

    fn constraint(&mut self, n: usize, constraint: &Constraint) {
        let table = &self.schema[constraint.table].name;
        let check = constraint.name.strip_prefix(table).and_then(|rest| rest.strip_prefix(": "));
        let check = escaped(check.unwrap_or(&constraint.name));
        self.frame(constraint.table).checks.push(format!("check{n}{{{{\"{check}\"}}}}"));
        for input in inputs(&Reads::of_constraint(self.schema, constraint)) {
            self.show(input);
            self.arrows.push(format!("{} -.-> check{n}", id(input)));
        }
    }

    fn transition(&mut self, n: usize, transition: &Transition) {
        let input = (transition.table, transition.column);
        self.show(input);
        self.frame(transition.table).checks.push(format!("transition{n}>\"transition\"]"));
        self.arrows.push(format!("{} -.-> transition{n}", id(input)));
    }

    fn show(&mut self, (table, column): Column) {
        self.frame(table).columns.insert(column);
    }

    fn frame(&mut self, table: TableId) -> &mut Frame {
        self.frames.entry(table).or_default()
    }

    fn text(&self) -> String {
        let mut text = String::from("flowchart LR\n");
        for (table, frame) in &self.frames {
            let name = escaped(&self.schema[*table].name);
            let _ = writeln!(text, "  subgraph t{}[\"{name}\"]", table.0);
            for column in &frame.columns {
                let _ = writeln!(text, "    {}", self.node((*table, *column)));
            }
            for check in &frame.checks {
                let _ = writeln!(text, "    {check}");
            }
            text.push_str("  end\n");
        }
        for arrow in &self.arrows {
            let _ = writeln!(text, "  {arrow}");
        }
        text
    }

    fn node(&self, at: Column) -> String {
        let name = escaped(&self.schema[at.0][at.1].name);
        match self.derived.get(&at) {
            None => format!("{}[\"{name}\"]", id(at)),
            Some(None) => format!("{}(\"{name}\")", id(at)),
            Some(Some(word)) => format!("{}(\"{name} ({word})\")", id(at)),
        }
    }
}

/// The columns that are read, each once; where only rows are counted, the foreign key by which they are found.
fn inputs(reads: &Reads) -> BTreeSet<Column> {
    match reads.values.is_empty() {
        true => reads.keys.iter().copied().collect(),
        false => reads.values.iter().copied().collect(),
    }
}

/// Names may hold anything; numbers cannot clash.
fn id((table, column): Column) -> String {
    format!("t{}c{}", table.0, column.0)
}

fn word(kind: &DerivationKind) -> &'static str {
    match kind {
        DerivationKind::Aggregate(aggregate) => match aggregate.function {
            AggregateFunction::Sum(_) => "sum",
            AggregateFunction::Count => "count",
            AggregateFunction::Min(_) => "min",
            AggregateFunction::Max(_) => "max",
            AggregateFunction::Exists => "exists",
        },
        DerivationKind::Formula(_) => "formula",
        DerivationKind::Copy { .. } => "copy",
        DerivationKind::Default(_) => "default",
        DerivationKind::Stamp { .. } => "stamp",
        DerivationKind::Step(_) => "step",
    }
}

/// A text as it stands between quotes: what Mermaid, Markdown or HTML would read is written as a number.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '"' | '#' | '<' | '>' | '&' | '`' | '\\' => _ = write!(out, "#{};", u32::from(c)),
            c if c.is_whitespace() || c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use dialects::Dialect;

    use super::*;
    use crate::fixture::{self, INT, Sketch};

    #[test]
    fn the_shop_is_drawn() {
        let expect = r##"flowchart LR
  subgraph t0["customers"]
    t0c2("balance")
    t0c3["credit_limit"]
    check0{{"balance #60;= credit_limit"}}
  end
  subgraph t1["items"]
    t1c1["quantity"]
    t1c2("unit_price")
    t1c3("amount")
  end
  subgraph t2["orders"]
    t2c1["date_shipped"]
    t2c2("amount_total")
  end
  subgraph t3["products"]
    t3c2["unit_price"]
  end
  t3c2 -->|copy| t1c2
  t1c1 -->|formula| t1c3
  t1c2 -->|formula| t1c3
  t1c3 -->|sum| t2c2
  t2c1 -->|sum| t0c2
  t2c2 -->|sum| t0c2
  t0c2 -.-> check0
  t0c3 -.-> check0
"##;
        assert_eq!(mermaid(&fixture::shop(), &fixture::shop_rules()), expect);
    }

    #[test]
    fn odd_names_and_rules_that_read_nothing_are_drawn_too() {
        let schema = fixture::schema(
            Dialect::Postgres,
            vec![Sketch::new("a \"b\" #1").column("<x>", INT).column("end", INT)],
        );
        let rules = fixture::rules(
            &schema,
            "default: {'\"a \"\"b\"\" #1\".end': 7}\nconstrain: {'\"a \"\"b\"\" #1\"': [{check: '\"<x>\" > 0', message: m}]}",
        );
        let expect = r##"flowchart LR
  subgraph t0["a #34;b#34; #35;1"]
    t0c1["#60;x#62;"]
    t0c2("end (default)")
    check0{{"#34;#60;x#62;#34; #62; 0"}}
  end
  t0c1 -.-> check0
"##;
        assert_eq!(mermaid(&schema, &rules), expect);
    }

    #[test]
    fn without_rules_the_picture_is_empty() {
        assert_eq!(mermaid(&fixture::shop(), &RuleSet::default()), "flowchart LR\n");
    }
}
