//! One line of `transition` -> a [`Transition`].

use dialects::{Value, ValueType};
use introspect::Column;

use super::reads::Reads;
use super::{Compiler, full_name};
use crate::expr::eval::{accept, show};
use crate::expr::noun;
use crate::expr::resolve::of_column;
use crate::file::{State, Text, TransitionRule};
use crate::problem::did_you_mean;
use crate::rule::Transition;

impl<'a> Compiler<'a> {
    pub(super) fn transition(&mut self, rule: &'a TransitionRule) -> Option<Transition> {
        let target = self.target(&rule.target, None)?;
        let name = full_name(self.schema, target);
        if let Some(first) = self.moved.insert(target, &rule.target) {
            let hint = format!("first at {}", self.problems.place(first));
            self.problems.at(&rule.target, format!("`{name}` has two transitions"), hint);
            return None;
        }
        let reads = Reads { values: vec![target], ..Reads::default() };
        let fit = self.fit(&rule.target, target.0, &reads);
        let schema = self.schema;
        let column = &schema[target.0][target.1];
        if !self.has_states(&rule.target, &name, column) {
            return None;
        }
        let edges = self.edges(rule, column);
        let initial = match &rule.initial {
            Some(states) => self.states(states, column).into_iter().map(|(state, _)| state).collect(),
            None => mentioned(&edges),
        };
        if initial.is_empty() || rule.edges.is_empty() {
            self.problems.at(
                &rule.target,
                "no state is declared",
                "write `from: [to]`, [] where nothing follows",
            );
        }
        let name = format!("{name}: transition");
        fit.then_some(Transition { name, table: target.0, column: target.1, initial, edges })
    }

    fn has_states(&mut self, text: &Text, name: &str, column: &Column) -> bool {
        let states = matches!(
            column.ty,
            ValueType::Text { .. } | ValueType::Enum | ValueType::Int(_) | ValueType::Bool
        );
        if !states {
            let holds = noun(of_column(column.ty));
            let hint = "states are texts, words of an enum, whole numbers or true and false";
            self.problems.at(text, format!("`{name}` holds {holds}: that is no state"), hint);
        }
        states
    }

    /// Each state with those that follow it; what is declared twice names both places.
    fn edges(&mut self, rule: &TransitionRule, column: &Column) -> Vec<(Value, Vec<Value>)> {
        let mut edges: Vec<(Value, &Text, Vec<Value>)> = Vec::new();
        for (text, states) in &rule.edges {
            let from = self.state(text, column);
            let to = self.states(states, column).into_iter().map(|(state, _)| state).collect();
            let Some(from) = from else { continue };
            match edges.iter().find(|(known, ..)| *known == from) {
                Some((_, first, _)) => self.twice(text, &from, first),
                None => edges.push((from, text, to)),
            }
        }
        edges.into_iter().map(|(from, _, to)| (from, to)).collect()
    }

    fn states<'b>(&mut self, states: &'b [State], column: &Column) -> Vec<(Value, Option<&'b Text>)> {
        let mut found: Vec<(Value, Option<&Text>)> = Vec::new();
        for state in states {
            let (value, text) = match state {
                State::Null => (Some(Value::Null), None),
                State::Named(text) => (self.state(text, column), Some(text)),
            };
            let Some(value) = value else { continue };
            match (found.iter().find(|(known, _)| *known == value), text) {
                (Some((_, Some(first))), Some(text)) => self.twice(text, &value, first),
                (Some(_), _) => {}
                (None, text) => found.push((value, text)),
            }
        }
        found
    }

    fn twice(&mut self, text: &Text, state: &Value, first: &Text) {
        let hint = format!("first at {}", self.problems.place(first));
        self.problems.at(text, format!("`{}` stands here twice", show(state)), hint);
    }

    /// A state as the column holds it.
    fn state(&mut self, text: &Text, column: &Column) -> Option<Value> {
        match accept(literal(&text.value, column.ty), column) {
            Ok(value) => Some(value),
            Err(error) => {
                let hint = did_you_mean(&text.value, column.enum_values.iter().map(String::as_str));
                let message = format!("`{}` is no state: `{}` {error}", text.value, column.name);
                self.problems.at(text, message, hint.unwrap_or_default());
                None
            }
        }
    }
}

/// What cannot be read as the type stays a text, which the column will not accept.
fn literal(text: &str, ty: ValueType) -> Value {
    let read = match ty {
        ValueType::Int(_) => text.parse().ok().map(Value::Int),
        ValueType::Bool => text.parse().ok().map(Value::Bool),
        _ => None,
    };
    read.unwrap_or_else(|| Value::text(text))
}

/// Every state that occurs, and none: what a row may begin with where nothing else is said.
fn mentioned(edges: &[(Value, Vec<Value>)]) -> Vec<Value> {
    let mut states: Vec<Value> = Vec::new();
    for state in edges.iter().flat_map(|(from, to)| std::iter::once(from).chain(to)) {
        if !states.contains(state) && !state.is_null() {
            states.push(state.clone());
        }
    }
    states.push(Value::Null);
    states
}
