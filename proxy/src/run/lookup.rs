//! Answers to lookups → what the engine knows.

use std::collections::HashSet;

use dialects::{Dialect, Statement, Value, render};
use introspect::{ColumnId, TableId};
use rules::change::{Image, Key};
use rules::engine::{ChildList, Finder, Hold, Lookup, Rows};

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
    /// Finders that the database matched with a row of another spelling: asked one by one, so that it is clear which row answers which.
    alone: HashSet<Finder>,
}

impl Wave {
    /// Lowers and renders a wave.
    pub fn new(
        snapshot: &Snapshot,
        knowledge: &Knowledge,
        lookups: &[Lookup],
        locking: bool,
    ) -> (Self, Vec<Statement>) {
        let (alone, together): (Vec<Lookup>, Vec<Lookup>) = lookups
            .iter()
            .cloned()
            .partition(|l| matches!(l, Lookup::Row(row) if knowledge.alone.contains(&row.finder)));
        let mut fetches = lookup::lookups(snapshot, &together, locking);
        for one in alone {
            fetches.extend(lookup::lookups(snapshot, &[one], locking));
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
    /// Takes in the answers to a wave. `locked`: they were read inside the transaction, after its locks.
    pub fn absorb(&mut self, snapshot: &Snapshot, wave: Wave, answers: &[dialects::Rows], locked: bool) {
        let mut rest = answers;
        for (subject, count) in wave.subjects {
            let (mine, others) = rest.split_at(count.min(rest.len()));
            rest = others;
            self.absorb_one(snapshot, subject, mine, locked);
        }
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
    ) {
        match subject {
            Subject::Lock => {}
            Subject::Default { table, column } => {
                if let Some(value) =
                    answers.first().filter(|rows| !rows.is_empty()).map(|rows| rows.cell(0, 0).into_value())
                {
                    self.rows.add_default(table, column, value);
                }
            }
            Subject::Children { list, columns } => {
                self.absorb_children(snapshot, list, &columns, answers, locked)
            }
            Subject::Rows { table, columns, finders } => {
                let images = images(snapshot, table, &columns, answers);
                self.absorb_rows(snapshot, table, images, finders, locked);
            }
        }
    }

    fn absorb_children(
        &mut self,
        snapshot: &Snapshot,
        list: ChildList,
        columns: &[ColumnId],
        answers: &[dialects::Rows],
        locked: bool,
    ) {
        let table = list.table;
        let mut keys: Vec<Key> = Vec::new();
        for image in images(snapshot, table, columns, answers) {
            keys.extend(image.key(&snapshot.schema, table));
            self.rows.add(&snapshot.schema, None, table, image, hold(snapshot, Hold::PLAIN, locked));
        }
        self.rows.add_list(list, keys, locked);
    }

    fn absorb_rows(
        &mut self,
        snapshot: &Snapshot,
        table: TableId,
        mut images: Vec<Image>,
        finders: Vec<(Finder, Hold)>,
        locked: bool,
    ) {
        let mut unmatched = Vec::new();
        for (finder, asked) in finders {
            let exact = |image: &Image| image.values(&finder.columns).as_ref() == Some(&finder.values);
            match images.iter().position(exact) {
                Some(n) => {
                    let image = images.swap_remove(n);
                    self.rows.add(
                        &snapshot.schema,
                        Some(finder),
                        table,
                        image,
                        hold(snapshot, asked, locked),
                    );
                }
                None => unmatched.push((finder, asked)),
            }
        }
        self.absorb_unmatched(snapshot, table, images, unmatched, locked);
    }

    /// A finder without a row of its very spelling: the one row that is left answers it, or there is none; where that is not plain, it is
    /// asked again alone.
    fn absorb_unmatched(
        &mut self,
        snapshot: &Snapshot,
        table: TableId,
        mut images: Vec<Image>,
        unmatched: Vec<(Finder, Hold)>,
        locked: bool,
    ) {
        let plain = images.is_empty() || unmatched.len() == 1;
        for (finder, asked) in unmatched {
            match (plain, images.pop()) {
                (true, Some(image)) => {
                    self.rows.add(
                        &snapshot.schema,
                        Some(finder),
                        table,
                        image,
                        hold(snapshot, asked, locked),
                    );
                }
                (true, None) => self.rows.add_absent(finder),
                (false, image) => {
                    images.extend(image);
                    self.alone.insert(finder);
                }
            }
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
