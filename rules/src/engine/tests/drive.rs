//! Drives the engine as the server does: waves until it is done, first over plain reads, then under locks; and as SQLite's single
//! writer does, with everything held from the start. All ways must come to the same.

use std::collections::BTreeSet;

use introspect::Schema;

use super::database::Database;
use super::declare::Rules;
use super::{notation, oracle};
use crate::change::Request;
use crate::engine::{Engine, Facts, Hold, Lookup, Outcome, Phase, RowLock, Rows};
use crate::fixture;
use crate::rule::RuleSet;
use crate::trace::Effect;

/// Most waves of one phase.
const WAVES_MAX: usize = 40;

/// A database with its rules.
#[derive(Clone)]
pub(super) struct World {
    pub(super) schema: Schema,
    pub(super) rules: RuleSet,
    pub(super) facts: Facts,
    pub(super) database: Database,
}

impl World {
    pub(super) fn new(schema: &Schema, rules: RuleSet, mut database: Database) -> Self {
        database.rules = rules.clone();
        let facts = Facts::new(schema, &rules);
        Self { schema: schema.clone(), rules, facts, database }
    }

    pub(super) fn engine(&self) -> Engine<'_> {
        Engine { schema: &self.schema, rules: &self.rules, facts: &self.facts }
    }

    /// What a request comes to, whichever way it runs.
    pub(super) fn run(&self, request: &Request) -> Outcome {
        let mut rows = Rows::default();
        self.phase(request, &mut rows, Phase::Discover, &mut |l, rows| {
            self.serve(l, rows, Some(Hold::PLAIN))
        });
        rows.unlock();
        let (discovered, waves) =
            self.phase(request, &mut rows, Phase::Locked, &mut |l, rows| self.serve(l, rows, None));
        assert!(waves.len() <= 1, "what was discovered is locked at once: {waves:#?}");
        self.assert_held(&discovered, &rows);
        self.assert_told(request, &discovered, &rows);
        let (locked, _) = self.locked(request, None);
        let (alone, _) = self.locked(request, Some(Hold::ALL));
        let text = self.text(&discovered);
        assert_eq!(text, self.text(&locked), "discovered and locked at once differ");
        assert_eq!(text, self.text(&alone), "discovered and alone differ");
        discovered
    }

    /// From nothing, locks at once.
    pub(super) fn locked(&self, request: &Request, hold: Option<Hold>) -> (Outcome, Vec<String>) {
        let mut rows = Rows::default();
        self.phase(request, &mut rows, Phase::Locked, &mut |l, rows| self.serve(l, rows, hold))
    }

    fn serve(&self, lookup: &Lookup, rows: &mut Rows, hold: Option<Hold>) {
        self.database.serve(lookup, rows, hold, hold != Some(Hold::PLAIN));
    }

    /// Waves until the engine needs nothing more; nothing may be asked for twice.
    pub(super) fn phase(
        &self,
        request: &Request,
        rows: &mut Rows,
        phase: Phase,
        serve: &mut dyn FnMut(&Lookup, &mut Rows),
    ) -> (Outcome, Vec<String>) {
        let (mut asked, mut waves) = (BTreeSet::new(), Vec::new());
        for _ in 0..WAVES_MAX {
            let lookups = match self.engine().attempt(request, rows, phase) {
                Outcome::Need(lookups) => lookups,
                outcome => return (outcome, waves),
            };
            waves.push(notation::wave(&self.schema, &lookups));
            for lookup in lookups {
                serve(&lookup, rows);
                assert!(asked.insert(lookup), "asked for twice: {waves:#?}");
            }
        }
        panic!("too many waves: {waves:#?}");
    }

    /// Every row that is written is locked for it.
    pub(super) fn assert_held(&self, outcome: &Outcome, rows: &Rows) {
        let Outcome::Done(changes) = outcome else { return };
        for change in changes.iter().filter(|change| change.before.is_some()) {
            let lock = if change.after.is_some() { RowLock::Change } else { RowLock::Remove };
            let held = rows.row(change.id.table, change.id.key().unwrap()).unwrap().hold;
            assert!(held.row >= lock, "{} is not locked", notation::name(&self.schema, &change.id));
        }
    }

    /// Every value that is written stands in the trace, last under its column.
    fn assert_told(&self, request: &Request, outcome: &Outcome, rows: &Rows) {
        let Outcome::Done(changes) = outcome else { return };
        let trace = self.engine().explain(request, rows);
        for change in changes.iter().filter(|change| change.after.is_some() && trace.left_out == 0) {
            for column in &change.columns {
                let told = trace.steps.iter().rev().find_map(|step| match &step.effect {
                    Effect::Set { column: set, new, .. } if set == column && step.row == change.id => {
                        Some(new)
                    }
                    _ => None,
                });
                assert_eq!(told, change.value(*column), "{}", self.story(request));
            }
        }
    }

    /// Rules, foreign keys, rows and a request, to be read when they have gone wrong.
    pub(super) fn story(&self, request: &Request) -> String {
        let mut lines = vec![notation::asked(&self.schema, request)];
        lines.extend(self.rules.derivations.iter().map(|d| format!("{} = {:?}", d.name, d.kind)));
        lines.extend(self.rules.constraints.iter().map(|c| format!("{c:?}")));
        lines.extend(self.rules.transitions.iter().map(|t| format!("{t:?}")));
        for (id, table) in self.schema.iter() {
            lines.extend(
                table
                    .foreign_keys
                    .iter()
                    .map(|k| format!("{id:?} {} {:?} {:?}", k.name, k.target, k.on_delete)),
            );
        }
        lines.extend(self.database.rows.iter().map(|((table, _), image)| {
            let values = image.columns().map(|(_, value)| value.map_or("?".into(), crate::expr::eval::show));
            format!("{} {}", self.schema[*table].name, values.collect::<Vec<_>>().join(" "))
        }));
        lines.join("\n")
    }

    pub(super) fn text(&self, outcome: &Outcome) -> Vec<String> {
        match outcome {
            Outcome::Done(changes) => notation::changes(&self.schema, changes),
            Outcome::Violated(violations) => notation::violations(&self.schema, violations),
            Outcome::Need(lookups) => panic!("not done: {}", notation::wave(&self.schema, lookups)),
        }
    }

    /// The changes or violations of some operations; when there are changes they are written and judged.
    pub(super) fn outcome(&self, operations: &str) -> Vec<String> {
        let outcome = self.run(&notation::request(&self.schema, operations));
        if let Outcome::Done(changes) = &outcome {
            let mut after = self.database.clone();
            after.write(changes).unwrap();
            assert_eq!(oracle::wrong(&self.rules, &after), Vec::<String>::new(), "after {operations}");
        }
        self.text(&outcome)
    }
}

/// Rules over some rows.
pub(super) fn world(schema: &Schema, rules: fn(Rules<'_>) -> Rules<'_>, rows: &str) -> World {
    let rules = rules(Rules::on(schema)).set;
    World::new(schema, rules, Database::holding(schema, rows))
}

/// Rules as a file declares them, over some rows.
pub(super) fn declared(schema: &Schema, rules: &str, rows: &str) -> World {
    World::new(schema, fixture::rules(schema, rules), Database::holding(schema, rows))
}

/// Operations and the lines they come to, each starting from the same rows.
pub(super) fn check(world: &World, cases: &[(&str, &[&str])]) {
    for (operations, expect) in cases {
        assert_eq!(world.outcome(operations), *expect, "{operations}");
    }
}
