//! A trace as `meta.trace` shows it: one object a step, in order.
//!
//! ```text
//! {"by":"items.amount","type":"items","id":"7","attribute":"amount","effect":"set","old":10.00,"new":30.00,"depth":1,
//!  "causes":[{"by":"request","type":"items","id":"7","attribute":"quantity"}]}
//! ```

use std::collections::{BTreeMap, HashSet};

use dialects::Value;
use introspect::ColumnId;
use rules::Trace;
use rules::change::{RowId, RowRef};
use rules::trace::{By, Effect, Step, shown};
use serde_json::{Map, Value as Json};

use super::cell::cell;
use crate::jsonapi::id;
use crate::state::Snapshot;

/// The ids that new rows were given.
pub type NewIds = BTreeMap<RowId, String>;

/// Every step that whoever asks may see; the last entry says how many are left out of a trace that is too long.
pub fn trace(snapshot: &Snapshot, trace: &Trace, new_ids: &NewIds) -> Json {
    let told = Told { snapshot, new_ids, readable: &trace.readable };
    let shown = trace.steps.iter().filter(|step| told.shows(step));
    let mut steps: Vec<Json> = shown.map(|step| told.step(trace, step)).collect();
    if trace.left_out > 0 {
        steps.push(Json::Object(Map::from_iter([("left_out".to_owned(), trace.left_out.into())])));
    }
    Json::Array(steps)
}

struct Told<'a> {
    snapshot: &'a Snapshot,
    new_ids: &'a NewIds,
    /// The rows that whoever asks may read, of those that the request touches.
    readable: &'a HashSet<RowId>,
}

impl Told<'_> {
    /// Whether a step may be told: not of a row that is kept from whoever asks, nor of such a column.
    fn shows(&self, step: &Step) -> bool {
        let Some(allowed) = self.snapshot.authority.table(step.row.table) else { return true };
        let column = match step.effect {
            Effect::Set { column, .. } => Some(column),
            _ => None,
        };
        let row = allowed.read.is_everything() || self.readable.contains(&step.row);
        row && column.is_none_or(|column| !allowed.hidden.contains(&column)) && self.names(&step.by)
    }

    /// Whether a rule may be named: it is called like what it derives.
    fn names(&self, by: &By) -> bool {
        let By::Rule(name) = by else { return true };
        let derivation = self.snapshot.rules.derivations.iter().find(|derivation| derivation.name == *name);
        derivation.is_none_or(|derivation| {
            let allowed = self.snapshot.authority.table(derivation.table);
            allowed.is_none_or(|allowed| !allowed.hidden.contains(&derivation.column))
        })
    }

    fn step(&self, trace: &Trace, step: &Step) -> Json {
        let mut object = self.head(step);
        object.insert("effect".into(), step.effect.word().into());
        match &step.effect {
            Effect::Set { column, .. } if !shown(&self.snapshot.schema, &step.row, *column) => {
                object.insert("hidden".into(), true.into());
            }
            Effect::Set { column, old, new } => {
                object.insert("old".into(), self.value(&step.row, *column, old));
                object.insert("new".into(), self.value(&step.row, *column, new));
            }
            Effect::Refused(why) => _ = object.insert("message".into(), why.as_str().into()),
            _ => {}
        }
        object.insert("depth".into(), step.depth.into());
        let causes: Vec<Json> = trace
            .causes(step)
            .filter(|cause| self.shows(cause))
            .map(|cause| Json::Object(self.head(cause)))
            .collect();
        if !causes.is_empty() {
            object.insert("causes".into(), causes.into());
        }
        Json::Object(object)
    }

    /// Who, and what of which row.
    fn head(&self, step: &Step) -> Map<String, Json> {
        let table = &self.snapshot.schema[step.row.table];
        let mut head = Map::new();
        let by = match &step.by {
            By::Request => "request",
            By::ForeignKey => "foreign-key",
            By::Default => "default",
            By::Rule(name) => name,
        };
        head.insert("by".into(), by.into());
        head.insert("type".into(), table.name.as_str().into());
        match (self.id(&step.row), &step.row.row) {
            _ if table.hidden => {}
            (Some(id), _) => _ = head.insert("id".into(), id.into()),
            (None, RowRef::Created(n)) => _ = head.insert("missing".into(), (*n).into()),
            (None, RowRef::New(n)) => _ = head.insert("new".into(), (*n).into()),
            (None, RowRef::Existing(_)) => {}
        }
        if let Effect::Set { column, .. } = step.effect {
            head.insert("attribute".into(), table[column].name.as_str().into());
        }
        head
    }

    fn id(&self, row: &RowId) -> Option<String> {
        let known = row.key().map(|key| id::format(&self.snapshot.schema[row.table], key));
        known.or_else(|| self.new_ids.get(row).cloned())
    }

    /// As the attribute is shown elsewhere.
    fn value(&self, row: &RowId, column: ColumnId, value: &Value) -> Json {
        let ty = self.snapshot.schema[row.table][column].ty;
        let mut out = Vec::new();
        cell(&mut out, ty, self.snapshot.api.numbers, &value.cell());
        serde_json::from_slice(&out).unwrap_or(Json::Null)
    }
}
