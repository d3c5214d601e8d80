//! Missing parents: a foreign key that a rule lets create its parent adds the row it names, as if the request had asked for it. Rows of join
//! tables that a relationship is to have come the same way: others may be adding them, too.
//!
//! An attempt learns that a parent is missing at its end, when every foreign key is settled; the new row must be there from the start, so
//! that its own rules run in their order. So the attempt is made again with the row added, until none is missing. Nothing is
//! written before the whole transaction stands: the row is added with the values it ends with, or not at all.

use std::collections::BTreeSet;

use introspect::{RelationshipId, TableId};

use super::attempt::{Attempt, Found, Touched};
use super::rows::Finder;
use crate::change::{Image, Reason, RowId, RowRef};

/// What names the parents that an attempt adds, in the order in which they are written: transactions that add the same ones wait for each
/// other, never crosswise.
pub(super) type Missing = BTreeSet<Finder>;

impl Attempt<'_> {
    /// Adds the parents that are known to be missing, each with what names it.
    pub(super) fn create(&mut self, missing: &Missing) {
        self.add_missing(missing, false);
    }

    /// Likewise, the rows of join tables.
    pub(super) fn join(&mut self, missing: &Missing) {
        self.add_missing(missing, true);
    }

    fn add_missing(&mut self, missing: &Missing, join: bool) {
        let schema = self.engine.schema;
        for (n, finder) in (0..).zip(missing).filter(|(_, finder)| schema[finder.table].join_table == join) {
            let id = RowId { table: finder.table, row: RowRef::Created(n) };
            let mut image = Image::empty(self.engine.schema[finder.table].columns.len());
            finder.columns.iter().zip(&finder.values).for_each(|(c, value)| image.set(*c, value.clone()));
            self.created.insert(finder.clone(), id.clone());
            self.touched.insert(id, Touched { before: None, after: Some(image) });
        }
    }

    /// The row that this attempt adds for whoever names it so.
    pub(super) fn created(&self, finder: &Finder) -> Option<RowId> {
        (!self.created.is_empty()).then(|| self.created.get(&finder.clone().sorted()).cloned())?
    }

    /// A foreign key was set to a row that does not exist: where a rule lets it be added, it will be. Not under the key of one that the same
    /// request removes.
    pub(super) fn create_or_refuse(&mut self, id: RowId, relationship: RelationshipId) {
        let creates = self.engine.rules.created_by(id.table, relationship);
        let image = self.image(&id).filter(|_| creates);
        let finder = image.and_then(|image| self.parent_finder(id.table, image, relationship));
        let Some(finder) = finder.filter(|finder| !self.dangles(finder)) else {
            return self.violate(id, Reason::RelatedNotFound { relationship });
        };
        match self.found(&finder) == Found::Absent && !self.has_passed(&finder) {
            true => _ = self.missing.insert(finder.sorted()),
            false => self.violate(id, Reason::RelatedRemoved { relationship }),
        }
    }

    /// Whether a row of that name came and went.
    fn has_passed(&self, finder: &Finder) -> bool {
        let named = |(table, image): &(TableId, Image)| {
            *table == finder.table && image.values(&finder.columns).as_ref() == Some(&finder.values)
        };
        self.passed.iter().any(named)
    }
}

impl Finder {
    /// With its columns in the table's order, however a foreign key lists them.
    pub(super) fn sorted(self) -> Self {
        let mut pairs: Vec<_> = self.columns.into_iter().zip(self.values).collect();
        pairs.sort_by_key(|(column, _)| *column);
        let (columns, values) = pairs.into_iter().unzip();
        Self { table: self.table, columns, values }
    }
}
