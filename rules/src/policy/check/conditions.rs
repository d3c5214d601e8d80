//! What an entry says of each action -> which rows of each of its resources are meant.

use dialects::Value;
use introspect::{ColumnId, TableId};

use super::{Checker, Targets};
use crate::compile::fitness::known_too_late;
use crate::expr::resolve::{Context, resolve};
use crate::expr::{Expr, parse};
use crate::file::Text;
use crate::policy::Rows;
use crate::policy::action::{Action, ByAction};
use crate::policy::file::{Entry, Extent, Said};
use crate::problem::ExprProblem;

/// What to do about a condition that cannot be judged in time.
const LATE: &str =
    "a row that comes or changes is judged before that: grant by itself what may be read and deleted";

impl Checker<'_> {
    /// For each resource, in their order.
    pub(super) fn conditions(&mut self, entry: &Entry, targets: &Targets) -> Vec<ByAction<Option<Rows>>> {
        let mut all = vec![ByAction::default(); targets.tables.len()];
        for said in &entry.said {
            let extents = self.extents(said, entry, targets);
            let Some(extents) = extents else { continue };
            for ((table, rows), extent) in targets.tables.iter().zip(&mut all).zip(extents) {
                let writable = !self.schema[*table].view;
                let actions = Action::ALL.into_iter().filter(|action| said.is_about(*action));
                for action in actions.filter(|action| writable || *action == Action::Read) {
                    *rows.of_mut(action) = Some(extent.clone());
                }
            }
        }
        all
    }

    fn extents(&mut self, said: &Said, entry: &Entry, targets: &Targets) -> Option<Vec<Rows>> {
        let every = |rows: Rows| Some(vec![rows; targets.tables.len()]);
        match &said.extent {
            Extent::All => every(Rows::All),
            Extent::None(_) => every(Rows::None),
            Extent::Where(text) => {
                let exprs = self.exprs(text, targets)?;
                self.known_in_time(text, said, targets, &exprs);
                let rows: Vec<Rows> = exprs.into_iter().map(extent).collect();
                let nothing = rows.first() == Some(&if entry.is_filter() { Rows::All } else { Rows::None });
                if nothing {
                    let nothing = if entry.is_filter() { "filters" } else { "grants" };
                    self.problems.at(text, format!("this {nothing} nothing"), "leave it out");
                }
                Some(rows)
            }
        }
    }

    /// The condition over each resource.
    fn exprs(&mut self, text: &Text, targets: &Targets) -> Option<Vec<Expr>> {
        let tree = match parse::scalar(&text.value) {
            Ok(tree) => tree,
            Err(problem) => {
                self.problems.inside(text, 0, problem);
                return None;
            }
        };
        let (mut exprs, mut misfits) = (Vec::new(), Vec::new());
        for table in &targets.tables {
            match resolve(self.schema, *table, &text.value, &tree, Context::Policy, None) {
                Ok((expr, _)) => exprs.push(expr),
                Err(problems) => misfits.push((*table, problems)),
            }
        }
        let fits = misfits.is_empty();
        self.misfits(text, targets, misfits);
        fits.then_some(exprs)
    }

    /// A row that comes or changes is judged before the database has it.
    fn known_in_time(&mut self, text: &Text, said: &Said, targets: &Targets, exprs: &[Expr]) {
        if !(said.is_about(Action::Create) || said.is_about(Action::Update)) {
            return;
        }
        let creates = said.is_about(Action::Create);
        let whole = 0..text.value.len();
        let late = |(table, expr): (&TableId, &Expr)| {
            let message = self.late(*table, expr, creates)?;
            Some((*table, vec![ExprProblem::new(whole.clone(), message).hint(LATE)]))
        };
        let misfits: Vec<_> = targets.tables.iter().zip(exprs).filter_map(late).collect();
        self.misfits(text, targets, misfits);
    }

    /// What of the row an expression reads too early; what is drawn when a row comes is known when it changes.
    fn late(&self, table: TableId, expr: &Expr, creates: bool) -> Option<String> {
        let here = &self.schema[table];
        let anew = |column: &ColumnId| here[*column].generated.is_some() || here[*column].renewed;
        let own = expr.places().into_iter().filter(|place| place.path.is_empty() && !here.view);
        let judged = own.map(|place| place.column).filter(|column| creates || anew(column));
        { judged }.find_map(|column| known_too_late(self.schema, (table, column))).map(|(message, _)| message)
    }
}

fn extent(expr: Expr) -> Rows {
    match expr {
        Expr::Literal(Value::Bool(true)) => Rows::All,
        Expr::Literal(Value::Bool(false) | Value::Null) => Rows::None,
        expr => Rows::Where(expr),
    }
}
