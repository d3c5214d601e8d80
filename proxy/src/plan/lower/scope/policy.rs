//! Policies on the tables of a client's statement.
//!
//! ```text
//! from orders as t0 left join customers as t1 on (t0.customer_id = t1.id and t1.region = $1)
//! where t0.region = $2 and …
//! ```
//!
//! The rows of the first table are restricted in WHERE. A row that is joined and may not be seen is as if it were not there, so that its
//! policy stands in ON. A policy that itself follows paths is asked there by `exists`, over the same row once more.

use dialects::sql::{BinaryOp, CastType, Expr};
use introspect::{RelationshipId, TableId};
use rules::Expr as Rule;
use rules::policy::Grants;

use super::{Alias, Reader, Scope};

/// The condition of a client's statement, of which the policy of its first table is a part.
#[derive(Clone, Debug)]
pub struct Seen(Option<Expr>);

impl From<Seen> for Option<Expr> {
    fn from(seen: Seen) -> Self {
        seen.0
    }
}

impl<'a> Scope<'a> {
    /// With the policy of the first table.
    pub(super) fn restricted(mut self) -> Self {
        if let Some(grants) = self.limits(self.table) {
            self.policy = Some(self.granted(grants));
            self.restricted = true;
        }
        self
    }

    /// Whether what the statement tells leaves out rows.
    pub(in crate::plan::lower) fn is_restricted(&self) -> bool {
        self.restricted
    }

    /// Those rows of the first table that may be read, and meet all of these: what the address says of them, and what the client asks.
    pub(in crate::plan::lower) fn seen(
        &self,
        tied: Vec<Expr>,
        asked: impl IntoIterator<Item = Expr>,
    ) -> Seen {
        let mut all: Vec<Expr> = self.policy.iter().cloned().collect();
        all.extend(tied);
        match self.policy.is_none() && self.guards.is_empty() {
            true => all.extend(asked),
            false => self.add_guarded(&mut all, asked),
        }
        Seen((!all.is_empty()).then_some(Expr::And(all)))
    }

    /// What can fail is asked of no row that may not be read: its failure would tell of that row. Nor is beside it anything asked of joined
    /// rows: where a database sees that there must be one, it takes the outer join for an inner one, and what stands in ON is no more true of
    /// all rows than what stands in WHERE.
    fn add_guarded(&self, all: &mut Vec<Expr>, asked: impl IntoIterator<Item = Expr>) {
        let asked: Vec<Expr> = asked.into_iter().flat_map(terms).collect();
        if asked.iter().all(is_plain) {
            return all.extend(asked);
        }
        let outside = |term: &Expr| is_plain(term) && (self.guards.is_empty() || self.is_own(term));
        let (plain, inside): (Vec<Expr>, Vec<Expr>) = asked.into_iter().partition(outside);
        all.extend(plain);
        let guards = self.policy.iter().chain(&self.guards).cloned().collect();
        let arm = (Expr::And(guards), Expr::And(inside));
        all.push(Expr::Case(vec![arm], Some(Box::new(Expr::Bool(false)))));
    }

    /// Whether a term reads nothing but the first table's row.
    fn is_own(&self, term: &Expr) -> bool {
        match term {
            Expr::Column(alias, _) => *alias == self.root,
            Expr::Exists(_) | Expr::Scalar(_) => false,
            other => other.inside().into_iter().all(|inner| self.is_own(inner)),
        }
    }

    /// What limits the rows of a table that whoever asks may read; nothing where they may read all.
    fn limits(&self, table: TableId) -> Option<&'a Grants> {
        let grants = &self.who?.authority.table(table)?.read;
        (!grants.is_everything()).then_some(grants)
    }

    /// How many hops of a path there are up to the last that the asker goes and that leads to a restricted table: beyond it, it makes no
    /// difference who goes.
    pub(super) fn restricted_hops(&self, path: &[RelationshipId], asked: usize) -> usize {
        if self.who.is_none_or(|who| who.authority.is_open()) {
            return 0;
        }
        let (mut at, mut last) = (self.table, 0);
        for (hop, n) in path.iter().take(asked).zip(1..) {
            at = self.schema[at][*hop].target;
            last = if self.limits(at).is_some() { n } else { last };
        }
        last
    }

    /// The condition under which a row that was joined may be read; nothing: always.
    pub(super) fn visible(&mut self, alias: Alias, table: TableId) -> Option<Expr> {
        let grants = self.limits(table)?;
        Some(self.of_joined(alias, table, |row| row.granted(grants)))
    }

    /// Likewise, of what a client's expressions read. Where nothing was joined, `there` is null.
    pub(super) fn guarded(&mut self, alias: Alias, table: TableId, there: Option<Expr>) -> Option<Expr> {
        let visible = self.visible(alias, table)?;
        let nothing = there.map(|there| Expr::IsNull(Box::new(there), true));
        self.guards.push(Expr::Or(nothing.into_iter().chain([visible.clone()]).collect()));
        Some(visible)
    }

    /// The condition under which a row of a join table ties two others. It needs no grant of its own, but what limits grants and filters say
    /// holds of it.
    pub(super) fn links(&mut self, alias: Alias, table: TableId) -> Option<Expr> {
        let grants = self.limits(table)?.of_links();
        (!grants.is_everything()).then(|| self.of_joined(alias, table, |row| row.granted(&grants)))
    }

    /// A condition on a row that was joined, with the rules' authority.
    fn of_joined(&mut self, alias: Alias, table: TableId, condition: impl Fn(&mut Self) -> Expr) -> Expr {
        self.restricted = true;
        let mut row = self.over(table, alias);
        let plain = condition(&mut row);
        match row.joins.is_empty() {
            true => {
                self.next = row.next;
                plain
            }
            false => self.once_more(alias, table, condition),
        }
    }

    /// There is such a row with the same key.
    fn once_more(&mut self, alias: Alias, table: TableId, condition: impl Fn(&mut Self) -> Expr) -> Expr {
        let again = self.alias();
        let mut row = self.over(table, again);
        let condition = condition(&mut row);
        let same = row.key(again, table).into_iter().zip(row.key(alias, table));
        let mut all: Vec<Expr> = same.map(|(one, other)| Expr::eq(one, other)).collect();
        if all.is_empty() {
            return Expr::Bool(false);
        }
        all.push(condition);
        self.next = row.next;
        Expr::Exists(Box::new(row.into_select(Seen(Some(Expr::And(all))))))
    }

    /// A statement inside this one.
    pub(super) fn over(&self, table: TableId, root: Alias) -> Self {
        let inner = Self::new(self.schema, table, root, self.comparison);
        Self { virtuals: self.virtuals, who: self.who, next: self.next, ..inner }
    }

    fn key(&self, alias: Alias, table: TableId) -> Vec<Expr> {
        let table = &self.schema[table];
        table.key.iter().map(|column| Expr::column(alias, &table[*column].db_name)).collect()
    }

    /// What grants say of the first table's row: every filter, and any of the grants.
    fn granted(&mut self, grants: &Grants) -> Expr {
        if grants.any.is_empty() {
            return Expr::Bool(false);
        }
        let mut all = self.rules(&grants.filters);
        let limited: Option<Vec<&Rule>> = grants.any.iter().map(|grant| grant.rows.as_ref()).collect();
        all.extend(limited.map(|any| Expr::Or(self.rules(any))));
        Expr::And(all)
    }

    fn rules<'r>(&mut self, rules: impl IntoIterator<Item = &'r Rule>) -> Vec<Expr> {
        rules.into_iter().map(|rule| self.rule(rule)).collect()
    }

    /// A rule about the first table's row.
    fn rule(&mut self, rule: &Rule) -> Expr {
        let rules = Reader::Rules { base: Vec::new(), asked: 0 };
        let reader = std::mem::replace(&mut self.reader, rules);
        let condition = self.exact(rule);
        self.reader = reader;
        // INVARIANT: what a database cannot compute was refused when the rules were loaded.
        condition.unwrap_or(Expr::Bool(false))
    }
}

/// The terms of a conjunction.
fn terms(expr: Expr) -> Vec<Expr> {
    match expr {
        Expr::And(all) => all.into_iter().flat_map(terms).collect(),
        other => vec![other],
    }
}

/// Whether computing it fails of no row, whatever the row holds.
fn is_plain(expr: &Expr) -> bool {
    use BinaryOp::{Eq, Ge, Gt, Le, Lt, Ne};
    let itself = match expr {
        Expr::Binary(op, ..) => matches!(op, Eq | Ne | Lt | Le | Gt | Ge),
        Expr::Cast(_, to) => matches!(to, CastType::Text | CastType::Shown),
        Expr::Exists(select) => select.filter.as_ref().is_none_or(is_plain),
        Expr::Column(..) | Expr::Param(..) | Expr::Null | Expr::Bool(_) | Expr::Number(_) => true,
        Expr::And(_) | Expr::Or(_) | Expr::Not(_) | Expr::IsNull(..) | Expr::Distinct(..) => true,
        Expr::In(..) | Expr::InExprs(..) | Expr::KeyIn(..) | Expr::Like { .. } => true,
        Expr::Kept(..) | Expr::Exact(_) | Expr::Decimal(_) => true,
        _ => false,
    };
    itself && expr.inside().into_iter().all(is_plain)
}
