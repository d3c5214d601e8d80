//! The order of derivations: each after all that it reads; what depends on itself is refused, rule by rule.

use std::collections::HashMap;

use super::reads::{Column, Reads};
use super::{Compiler, full_name};
use crate::file::ColumnRule;
use crate::rule::{Derivation, DerivationKind};

impl Compiler<'_> {
    /// The derivations in an order that works, as near to the order of the files as can be.
    pub(super) fn ordered(&mut self, declared: Vec<(&ColumnRule, Derivation)>) -> Vec<Derivation> {
        let reads: Vec<Vec<Column>> = declared
            .iter()
            .map(|(_, derivation)| Reads::of_derivation(self.schema, derivation).all().collect())
            .collect();
        let mut setters: HashMap<Column, Vec<usize>> = HashMap::new();
        for (n, (_, derivation)) in declared.iter().enumerate() {
            setters.entry(derivation.target()).or_default().push(n);
        }
        let needs: Vec<Vec<usize>> = reads
            .iter()
            .map(|columns| {
                columns.iter().filter_map(|column| setters.get(column)).flatten().copied().collect()
            })
            .collect();
        let (order, cycles) = sort(&needs);
        for cycle in &cycles {
            self.cycle(cycle, &declared);
        }
        let mut derivations: Vec<Option<Derivation>> =
            declared.into_iter().map(|(_, derivation)| Some(derivation)).collect();
        order.into_iter().filter_map(|n| derivations.get_mut(n)?.take()).collect()
    }

    fn cycle(&mut self, cycle: &[usize], declared: &[(&ColumnRule, Derivation)]) {
        let members: Vec<_> = cycle.iter().filter_map(|n| declared.get(*n)).collect();
        let Some((first, derivation)) = members.first() else { return };
        if members.len() == 1 {
            return self.itself(first, derivation);
        }
        let next = members.iter().cycle().skip(1);
        let links: Vec<String> = members
            .iter()
            .zip(next)
            .map(|((rule, from), (_, to))| {
                format!("{} reads {} ({})", from.name, to.name, self.problems.place(&rule.target))
            })
            .collect();
        let message = format!("`{}` depends on itself", derivation.name);
        self.problems.at(&first.target, message, links.join("; "));
    }

    /// A rule that reads the column that it sets: of the same row, or of another row of the table.
    fn itself(&mut self, rule: &ColumnRule, derivation: &Derivation) {
        let reads = Reads::of_derivation(self.schema, derivation);
        let name = full_name(self.schema, derivation.target());
        let table = &self.schema[derivation.table];
        if reads.tables().any(|table| table == derivation.table) {
            let message = format!("`{name}` recurses through the self-referencing table `{}`", table.name);
            self.problems.at(&rule.expression, message, "this version does not derive up or down a tree");
        } else {
            let column = &table[derivation.column].name;
            let hint = match derivation.kind {
                DerivationKind::Default(_) => String::new(),
                _ => format!("the value before the change is `old.{column}`"),
            };
            self.problems.at(&rule.expression, format!("`{name}` reads itself"), hint);
        }
    }
}

/// The numbers in an order in which each stands after those that it needs, and the cycles that have none.
fn sort(needs: &[Vec<usize>]) -> (Vec<usize>, Vec<Vec<usize>>) {
    let (mut order, mut cycles) = (Vec::new(), Vec::new());
    let mut placed = vec![false; needs.len()];
    while order.len() < needs.len() {
        let open = |n: usize| placed.get(n) == Some(&false);
        let free = |n: &usize| open(*n) && needs.get(*n).is_some_and(|ns| !ns.iter().any(|n| open(*n)));
        let next = match (0..needs.len()).find(free) {
            Some(next) => vec![next],
            None => {
                let cycle = find_cycle(needs, &open);
                cycles.push(cycle.clone());
                cycle
            }
        };
        if next.is_empty() {
            break;
        }
        for n in next {
            placed.get_mut(n).into_iter().for_each(|placed| *placed = true);
            order.push(n);
        }
    }
    (order, cycles)
}

/// Follows the first open need until one comes again. INVARIANT: every open number needs an open one.
fn find_cycle(needs: &[Vec<usize>], open: &impl Fn(usize) -> bool) -> Vec<usize> {
    let mut path: Vec<usize> = Vec::new();
    let mut here = (0..needs.len()).find(|n| open(*n));
    while let Some(n) = here {
        if let Some(start) = path.iter().position(|seen| *seen == n) {
            let mut cycle = path.split_off(start);
            let first = cycle.iter().enumerate().min_by_key(|(_, n)| **n).map_or(0, |(at, _)| at);
            cycle.rotate_left(first);
            return cycle;
        }
        path.push(n);
        here = needs.get(n).and_then(|ns| ns.iter().copied().find(|n| open(*n)));
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stands_after_what_it_needs() {
        for (needs, order, cycles) in [
            (vec![vec![], vec![], vec![]], vec![0, 1, 2], vec![]),
            (vec![vec![1], vec![2], vec![]], vec![2, 1, 0], vec![]),
            (vec![vec![2], vec![], vec![]], vec![1, 2, 0], vec![]),
            (vec![vec![1], vec![0], vec![]], vec![2, 0, 1], vec![vec![0, 1]]),
            (vec![vec![1], vec![2], vec![1]], vec![1, 2, 0], vec![vec![1, 2]]),
            (vec![vec![0], vec![1]], vec![0, 1], vec![vec![0], vec![1]]),
        ] {
            assert_eq!(sort(&needs), (order, cycles), "{needs:?}");
        }
    }
}
