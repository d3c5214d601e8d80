//! Changes of to-many relationships as what they mean for the foreign keys, one after the other.

use std::collections::{BTreeMap, BTreeSet};

use dialects::Value;
use dialects::value::Drawn;
use introspect::{ColumnId, Relationship};

use super::Bad;
use crate::change::{Action, Membership, Operation, Relating, Request, RowId, RowRef};
use crate::engine::tests::database::Database;

/// The rows as far as the operations so far have come.
struct State<'a> {
    before: &'a Database,
    set: BTreeMap<RowId, BTreeMap<ColumnId, Value>>,
    gone: BTreeSet<RowId>,
    plain: Vec<Operation>,
}

/// The request with updates in the place of changed relationships.
pub(super) fn plain(before: &Database, request: &Request) -> Result<Request, Bad> {
    let mut state = State { before, set: BTreeMap::new(), gone: BTreeSet::new(), plain: Vec::new() };
    for operation in &request.operations {
        match &operation.action {
            Action::Relate(relating) => state.relate(&operation.id, relating)?,
            _ => state.keep(operation.clone()),
        }
    }
    Ok(Request { operations: state.plain, ..request.clone() })
}

impl State<'_> {
    fn keep(&mut self, operation: Operation) {
        match &operation.action {
            Action::Insert(values) | Action::Update(values) => {
                self.set.entry(operation.id.clone()).or_default().extend(values.clone());
            }
            _ => _ = self.gone.insert(operation.id.clone()),
        }
        self.plain.push(operation);
    }

    fn relate(&mut self, id: &RowId, relating: &Relating) -> Result<(), Bad> {
        self.must_be(id)?;
        let there = self.before.schema[id.table][relating.relationship].clone();
        let parent = match &id.row {
            RowRef::Existing(key) => key[0].clone(),
            RowRef::New(row) => {
                let given = self.set.get(id).and_then(|values| values.get(&ColumnId(0)));
                given.cloned().unwrap_or(Value::Drawn(Drawn { row: *row, column: 0 }))
            }
            RowRef::Created(_) => panic!("no operation speaks of it"),
        };
        if relating.how != Membership::Remove {
            relating.rows.iter().try_for_each(|row| self.must_be(row))?;
        }
        for row in self.children(&there) {
            let (is_there, named) = (self.holds(&row, &there) == parent, relating.rows.contains(&row));
            match relating.how {
                Membership::Add | Membership::Replace if named && !is_there => {
                    self.move_to(&row, &there, parent.clone());
                }
                Membership::Replace if is_there && !named => self.move_to(&row, &there, Value::Null),
                Membership::Remove if is_there && named => self.move_to(&row, &there, Value::Null),
                _ => {}
            }
        }
        Ok(())
    }

    fn must_be(&self, id: &RowId) -> Result<(), Bad> {
        let stored = id.key().is_none_or(|key| self.before.rows.contains_key(&(id.table, key.clone())));
        if stored && !self.gone.contains(id) { Ok(()) } else { Err("no such row".into()) }
    }

    /// All rows of the other table, stored and new.
    fn children(&self, there: &Relationship) -> Vec<RowId> {
        let stored =
            self.before.table(there.target).map(|((table, key), _)| RowId::existing(*table, key.clone()));
        let new = self.set.keys().filter(|id| id.table == there.target && id.key().is_none()).cloned();
        stored.chain(new).filter(|id| !self.gone.contains(id)).collect()
    }

    fn holds(&self, row: &RowId, there: &Relationship) -> Value {
        let column = there.target_columns[0];
        let stored = row.key().and_then(|key| self.before.rows.get(&(row.table, key.clone())));
        let set = self.set.get(row).and_then(|values| values.get(&column));
        set.or(stored.and_then(|image| image.value(column))).cloned().unwrap_or(Value::Null)
    }

    fn move_to(&mut self, row: &RowId, there: &Relationship, value: Value) {
        let values = BTreeMap::from([(there.target_columns[0], value)]);
        self.keep(Operation { id: row.clone(), action: Action::Update(values) });
    }
}
