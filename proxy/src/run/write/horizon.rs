//! The lock order of one try: how far it has come, and whether a wave keeps to it.

use introspect::TableId;
use rules::change::Key;
use rules::engine::Lookup;

use crate::plan::lower::lookup;
use crate::state::Snapshot;

/// The furthest lock taken so far.
#[derive(Debug, Default)]
pub(super) struct Horizon(Option<(u32, Key)>);

impl Horizon {
    /// Whether every lock of a wave stands behind those taken before; then it moves the horizon.
    pub(super) fn in_order(&mut self, snapshot: &Snapshot, lookups: &[Lookup]) -> bool {
        let dialect = snapshot.schema.dialect;
        let locks: Vec<(u32, Key)> = lookups
            .iter()
            .filter_map(|lookup| match lookup {
                Lookup::Row(row) if lookup::waits(dialect, row.hold) => {
                    Some((lookup::rank(snapshot, row.finder.table), row.finder.values.clone()))
                }
                _ => None,
            })
            .collect();
        let ordered = self.0.as_ref().is_none_or(|horizon| locks.iter().all(|lock| lock > horizon));
        self.0 = self.0.take().into_iter().chain(locks).max();
        ordered
    }

    /// Rows that were locked by the way to them, and were told their keys only then.
    pub(super) fn reached(&mut self, snapshot: &Snapshot, rows: Vec<(TableId, Key)>) {
        let locked = rows.into_iter().map(|(table, key)| (lookup::rank(snapshot, table), key));
        self.0 = self.0.take().into_iter().chain(locked).max();
    }
}
