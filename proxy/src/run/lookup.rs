//! Answers to lookups → what the engine knows.

use std::collections::{HashMap, HashSet};

use dialects::{Dialect, Statement, Value, render};
use introspect::{ColumnId, TableId};
use rules::change::{Image, Key};
use rules::engine::{ChildList, Extreme, Finder, Hold, Lookup, Of, PathLookup, Rows};

use crate::plan::lower::lookup::{self, Fetch, Subject};
use crate::state::Snapshot;

/// One wave on its way: its queries and how many statements each became.
#[derive(Debug, Default)]
pub struct Wave {
    subjects: Vec<(Subject, usize)>,
}

/// Rows as they become known, over the waves of one write.
#[derive(Debug, Default)]
pub struct Knowledge {
    /// What the engine reads.
    pub rows: Rows,
    /// What the database matched with a row of another spelling: asked one by one, so that it is clear which row answers which.
    alone: Alone,
}

/// What is asked one by one.
#[derive(Debug, Default)]
struct Alone {
    finders: HashSet<Finder>,
    lists: HashSet<ChildList>,
}

impl Wave {
    /// Lowers and renders a wave.
    pub fn new(
        snapshot: &Snapshot,
        knowledge: &Knowledge,
        lookups: &[Lookup],
        paths: &[PathLookup],
        locking: bool,
    ) -> (Self, Vec<Statement>) {
        let (alone, together): (Vec<Lookup>, Vec<Lookup>) =
            lookups.iter().cloned().partition(|lookup| knowledge.alone.contains(lookup));
        let mut fetches = lookup::lookups(snapshot, &together, paths, locking);
        for one in alone {
            fetches.extend(lookup::lookups(snapshot, &[one], &[], locking));
        }
        let mut wave = Self::default();
        let mut statements = Vec::new();
        for Fetch { query, subject } in fetches {
            let rendered = render::render(snapshot.schema.dialect, &query);
            wave.subjects.push((subject, rendered.len()));
            statements.extend(rendered);
        }
        (wave, statements)
    }
}

impl Knowledge {
    /// Takes in the answers to a wave; tells which rows came by a way alone. `locked`: they were read inside the transaction, after its
    /// locks.
    pub fn absorb(
        &mut self,
        snapshot: &Snapshot,
        wave: Wave,
        answers: &[dialects::Rows],
        locked: bool,
    ) -> Vec<(TableId, Key)> {
        let mut rest = answers;
        let mut by_path = Vec::new();
        for (subject, count) in wave.subjects {
            let (mine, others) = rest.split_at(count.min(rest.len()));
            rest = others;
            by_path.extend(self.absorb_one(snapshot, subject, mine, locked));
        }
        by_path
    }

    /// Starts again with what is known, without any lock.
    pub fn unlock(&mut self) {
        self.rows.unlock();
    }

    fn absorb_one(
        &mut self,
        snapshot: &Snapshot,
        subject: Subject,
        answers: &[dialects::Rows],
        locked: bool,
    ) -> Vec<(TableId, Key)> {
        match subject {
            Subject::Lock => {}
            Subject::Defaults(wanted) => {
                if let Some(told) = answers.first().filter(|rows| !rows.is_empty()) {
                    for (at, of) in wanted.into_iter().enumerate() {
                        self.rows.add_default(of, told.cell(0, at).into_value());
                    }
                }
            }
            Subject::Children { lists, columns } => {
                self.absorb_children(snapshot, lists, &columns, answers, locked);
            }
            Subject::Extremes { asked, of } => self.absorb_extremes(asked, &of, answers, locked),
            Subject::Rows { table, columns, finders, by_path } => {
                let images = images(snapshot, table, &columns, answers);
                let rest = self.absorb_named(snapshot, table, images, finders, locked);
                if let Some(asked) = by_path {
                    return self.absorb_by_path(snapshot, table, rest, asked, locked);
                }
            }
        }
        Vec::new()
    }

    /// Rows that nobody named by their key.
    fn absorb_by_path(
        &mut self,
        snapshot: &Snapshot,
        table: TableId,
        images: Vec<Image>,
        asked: Hold,
        locked: bool,
    ) -> Vec<(TableId, Key)> {
        let mut keys = Vec::new();
        for image in images {
            keys.extend(image.key(&snapshot.schema, table).map(|key| (table, key)));
            self.rows.add(&snapshot.schema, None, table, image, hold(snapshot, asked, locked));
        }
        keys
    }

    /// Children by the rows that they name. Where one names none of them in its very spelling, or there are more than may be touched, it
    /// cannot be told which is whose: asked alone, all are that row's; too many are too many for each.
    fn absorb_children(
        &mut self,
        snapshot: &Snapshot,
        lists: Vec<ChildList>,
        columns: &[ColumnId],
        answers: &[dialects::Rows],
        locked: bool,
    ) {
        let Some(ChildList { table, columns: named_by, .. }) = lists.first().cloned() else { return };
        let mut keys: Vec<Key> = Vec::new();
        let mut by_name: HashMap<Key, Vec<Key>> = HashMap::new();
        for image in images(snapshot, table, columns, answers) {
            if let (Some(key), Some(name)) = (image.key(&snapshot.schema, table), image.values(&named_by)) {
                keys.push(key.clone());
                by_name.entry(name).or_default().push(key);
            }
            self.rows.add(&snapshot.schema, None, table, image, hold(snapshot, Hold::PLAIN, locked));
        }
        if lists.len() == 1 || keys.len() > snapshot.limits.transaction_rows {
            return lists.into_iter().for_each(|list| self.rows.add_list(list, keys.clone(), locked));
        }
        let own: Vec<Vec<Key>> =
            lists.iter().map(|list| by_name.remove(&list.values).unwrap_or_default()).collect();
        match by_name.is_empty() {
            true => {
                lists.into_iter().zip(own).for_each(|(list, keys)| self.rows.add_list(list, keys, locked))
            }
            false => self.alone.lists.extend(lists),
        }
    }

    /// A row that is not there any more has no children.
    fn absorb_extremes(&mut self, asked: Vec<Extreme>, of: &[Of], answers: &[dialects::Rows], locked: bool) {
        let rows: Vec<Vec<Value>> =
            answers.iter().flat_map(|rows| (0..rows.len()).map(move |n| rows.values(n))).collect();
        for extreme in asked {
            let place = of.iter().position(|of| *of == extreme.of);
            let row = rows.iter().find(|row| row.starts_with(&extreme.key));
            let value = row.zip(place).and_then(|(row, place)| row.get(extreme.key.len() + place));
            let value = value.cloned().unwrap_or(Value::Null);
            self.rows.add_extreme(extreme, value, locked);
        }
    }

    /// Rows by what named them; those that are left over.
    fn absorb_named(
        &mut self,
        snapshot: &Snapshot,
        table: TableId,
        images: Vec<Image>,
        finders: Vec<(Finder, Hold)>,
        locked: bool,
    ) -> Vec<Image> {
        let named_by = finders.first().map(|(finder, _)| finder.columns.clone()).unwrap_or_default();
        let mut by_name: HashMap<Key, Image> = HashMap::new();
        let mut rest = Vec::new();
        for image in images {
            match image.values(&named_by) {
                Some(values) => rest.extend(by_name.insert(values, image)),
                None => rest.push(image),
            }
        }
        let mut unmatched = Vec::new();
        for (finder, asked) in finders {
            match by_name.remove(&finder.values) {
                Some(image) => {
                    let hold = hold(snapshot, asked, locked);
                    self.rows.add(&snapshot.schema, Some(finder), table, image, hold);
                }
                None => unmatched.push((finder, asked)),
            }
        }
        rest.extend(by_name.into_values());
        self.absorb_unmatched(snapshot, table, rest, unmatched, locked)
    }

    /// A finder without a row of its very spelling: where it was asked alone, the row that came answers it; where nothing is left over,
    /// there is none; else it is asked again, alone.
    fn absorb_unmatched(
        &mut self,
        snapshot: &Snapshot,
        table: TableId,
        mut images: Vec<Image>,
        unmatched: Vec<(Finder, Hold)>,
        locked: bool,
    ) -> Vec<Image> {
        for (finder, asked) in unmatched {
            if images.is_empty() {
                self.rows.add_absent(finder);
            } else if self.alone.finders.contains(&finder) {
                if let Some(image) = images.pop() {
                    let hold = hold(snapshot, asked, locked);
                    self.rows.add(&snapshot.schema, Some(finder), table, image, hold);
                }
            } else {
                self.alone.finders.insert(finder);
            }
        }
        images
    }
}

impl Alone {
    fn contains(&self, lookup: &Lookup) -> bool {
        match lookup {
            Lookup::Row(row) => self.finders.contains(&row.finder),
            Lookup::Children { list, .. } => self.lists.contains(list),
            Lookup::Extreme(_) | Lookup::Default(_) => false,
        }
    }
}

/// How firmly a row is held after it was read so. SQLite's writer is alone: inside its transaction everything is held.
fn hold(snapshot: &Snapshot, asked: Hold, locked: bool) -> Hold {
    match (snapshot.schema.dialect, locked) {
        (Dialect::Sqlite, true) => Hold::ALL,
        (_, true) => asked,
        (_, false) => Hold::PLAIN,
    }
}

fn images(
    snapshot: &Snapshot,
    table: TableId,
    columns: &[ColumnId],
    answers: &[dialects::Rows],
) -> Vec<Image> {
    let width = snapshot.schema[table].columns.len();
    let image = |values: Vec<Value>| {
        let mut image = Image::empty(width);
        columns.iter().zip(values).for_each(|(column, value)| image.set(*column, value));
        image
    };
    answers.iter().flat_map(|rows| (0..rows.len()).map(move |n| rows.values(n))).map(image).collect()
}
