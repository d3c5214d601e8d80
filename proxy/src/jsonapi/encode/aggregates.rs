//! The document that answers aggregates: links, and in `meta.aggregates` an object for each group. Nothing of the rows is shown, so that
//! there is no `data`.
//!
//! ```text
//! {"group":{"customer.region":"Coast"},"count(*)":3,"sum(amount_total)":"178.50"}
//! ```

use dialects::{Cell, Decimal, Rows, Value, ValueType, exact};
use introspect::Column;

use super::begin;
use super::cell::cell;
use super::document::links;
use super::text::text;
use crate::jsonapi::query::{Function, Pair};
use crate::jsonapi::{id, json};
use crate::plan::aggregate::{Aggregate, AggregatePlan, Group, Shown};
use crate::plan::names;
use crate::plan::page::Seen;
use crate::route::Endpoint;
use crate::state::Snapshot;

/// How many digits after the point an average has more than what it is the average of.
const AVERAGE_DIGITS: u32 = 4;

/// What aggregates have come to.
pub struct AggregateAnswer<'a> {
    /// The set that the request sees.
    pub snapshot: &'a Snapshot,
    /// What was addressed.
    pub endpoint: &'a Endpoint,
    /// The parameters, as they came.
    pub pairs: &'a [Pair],
    /// What was planned.
    pub plan: &'a AggregatePlan,
    /// A row for each group.
    pub rows: &'a Rows,
    /// What the page has shown, where there are groups.
    pub seen: Option<Seen>,
}

impl AggregateAnswer<'_> {
    /// Its document.
    pub fn document(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(1024);
        begin(&mut out);
        let page = self.plan.page.as_ref().zip(self.seen.as_ref());
        links(&mut out, self.snapshot, (self.endpoint, self.pairs), page);
        out.extend_from_slice(br#","meta":{"aggregates":["#);
        let shown = self.seen.as_ref().map_or(self.rows.len(), |seen| seen.rows as usize);
        for row in 0..shown {
            json::comma(&mut out);
            self.row(&mut out, &mut (0..self.rows.width()).map(|column| self.rows.cell(row, column)));
        }
        out.extend_from_slice(b"]}}");
        out
    }

    /// One group, from its cells as they come.
    fn row<'c>(&self, out: &mut Vec<u8>, cells: &mut dyn Iterator<Item = Cell<'c>>) {
        out.extend_from_slice(br#"{"group":{"#);
        for group in &self.plan.groups {
            json::comma(out);
            json::name(out, &group.name);
            self.group(out, group, cells.take(group.places.len()).collect());
        }
        out.push(b'}');
        for aggregate in &self.plan.aggregates {
            json::comma(out);
            json::name(out, &aggregate.name);
            self.aggregate(out, aggregate, cells);
        }
        out.push(b'}');
    }

    fn group(&self, out: &mut Vec<u8>, group: &Group, cells: Vec<Cell<'_>>) {
        if cells.iter().any(|cell| matches!(cell, Cell::Null)) {
            return out.extend_from_slice(b"null");
        }
        let first = group.places.first().map(|place| self.column(place).ty).zip(cells.first());
        let mut id = Vec::new();
        match (group.shown, first) {
            (Shown::Attribute, Some((ty, value))) => {
                return cell(out, ty, self.snapshot.api.numbers, value);
            }
            (Shown::Key(table), _) => {
                id::write(&mut id, &self.snapshot.schema[table], &mut cells.iter().cloned());
            }
            (_, Some((ty, value))) => text(&mut id, ty, value),
            (_, None) => {}
        }
        json::string(out, &String::from_utf8_lossy(&id));
    }

    fn column(&self, place: &rules::expr::Place) -> &Column {
        names::column(&self.snapshot.schema, self.plan.rows.table, place)
    }

    fn aggregate<'c>(
        &self,
        out: &mut Vec<u8>,
        aggregate: &Aggregate,
        cells: &mut dyn Iterator<Item = Cell<'c>>,
    ) {
        let numbers = self.snapshot.api.numbers;
        let first = cells.next().unwrap_or(Cell::Null);
        match (aggregate.function, &first) {
            // As in `meta.total`: no count is too large for a number.
            (Function::Count | Function::CountDistinct, Cell::Int(count)) => json::integer(out, *count),
            (Function::Avg, _) => {
                let count = cells.next().unwrap_or(Cell::Null);
                let average = average(first.into_value(), &count, aggregate.ty);
                cell(out, aggregate.ty, numbers, &average.cell());
            }
            _ => cell(out, aggregate.ty, numbers, &first),
        }
    }
}

/// A sum divided by a count: decimals half away from zero, to four digits more than they are declared with; where they are declared with none,
/// to as many as a quotient has, without zeros at the end. A sum that is no number stays as it is.
fn average(sum: Value, count: &Cell<'_>, ty: ValueType) -> Value {
    let Cell::Int(count @ 1..) = count else { return Value::Null };
    match (&sum, ty) {
        (Value::Float(float), _) => Value::Float(float / *count as f64),
        (_, ValueType::Decimal { scale, .. }) => {
            let Some(number) = sum.decimal() else { return sum };
            let count = Decimal::from(*count);
            let average = match scale {
                Some(scale) => exact::quotient_to(&number, &count, scale.saturating_add(AVERAGE_DIGITS)),
                None => exact::quotient(&number, &count).map(|average| average.normalized()),
            };
            average.map_or(Value::Null, Value::Decimal)
        }
        _ => sum,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn averages_are_rounded_once_half_away_from_zero() {
        let of = |scale| ValueType::Decimal { precision: None, scale };
        for (sum, count, scale, expect) in [
            ("10", 3, Some(0), "3.3333"),
            ("-0.01", 8, Some(2), "-0.001250"),
            ("0.0000005", 10, Some(2), "0.000000"),
            ("5.00", 1, Some(2), "5.000000"),
            ("1", 8, None, "0.125"),
            ("200", 2, None, "100"),
            ("2", 3, None, "0.66666666666666666667"),
            ("27670116110564327421", 3, Some(0), "9223372036854775807.0000"),
        ] {
            let average = average(Value::Decimal(sum.parse().unwrap()), &Cell::Int(count), of(scale));
            let Value::Decimal(average) = average else { panic!("{sum} / {count}: {average:?}") };
            assert_eq!(average.to_plain_string(), expect, "{sum} / {count}");
        }
    }

    #[test]
    fn of_no_value_there_is_no_average_and_of_no_number_it_is_none() {
        let ty = ValueType::Decimal { precision: None, scale: Some(2) };
        assert_eq!(average(Value::Null, &Cell::Int(0), ty), Value::Null);
        assert_eq!(average(Value::text("NaN"), &Cell::Int(2), ty), Value::text("NaN"));
        assert_eq!(
            average(Value::Float(1.0), &Cell::Int(4), ValueType::Float { bits: 64 }),
            Value::Float(0.25)
        );
    }
}
