//! Whether a row that was written holds nothing but what the client knows already: what it sent, and what was there before.
//!
//! Only then may an answer be left out (`Prefer: return=minimal`). Hidden columns do not count: no answer shows them.

use dialects::Value;
use rules::change::Action;

use crate::plan::write::PlannedOperation;
use crate::state::Snapshot;

/// `before`: the row as it was; without it, no column but those that were sent can have moved, unless the database computes it.
pub(super) fn as_sent(
    snapshot: &Snapshot,
    operation: &PlannedOperation,
    before: Option<&[Value]>,
    after: &[Value],
) -> bool {
    let table = &snapshot.schema[operation.id.table];
    let sent = match &operation.action {
        Action::Insert(values) | Action::Update(values) => values,
        Action::Delete | Action::Relate(_) => return true,
    };
    let new = matches!(operation.action, Action::Insert(_));
    let mut stored = table.stored().filter(|(_, column)| !column.hidden).zip(after);
    operation.ignored.is_empty()
        && !operation.preset
        && !table.has_virtual()
        && stored.all(|((id, column), value)| match (sent.get(&id), before) {
            (Some(given), _) => given == value,
            (None, _) if new => value.is_null(),
            (None, Some(before)) => before.get(id.0 as usize) == Some(value),
            (None, None) => column.generated.is_none(),
        })
}
