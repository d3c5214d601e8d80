//! A table in a database, its rows in memory, and what an expression is worth here and there.

use chrono::NaiveDateTime;
use dialects::sql::{Alias, Expr as Sql, Item, Order, Query, Select};
use dialects::{Dialect, IntKind, Value, ValueType, render};
use introspect::{ColumnId, Schema, Table, TableId};
use proxy::plan::lower::scope::{Comparison, Scope};
use rules::Expr;
use rules::expr::eval::{EvalError, Scope as Values, eval, show};
use rules::expr::resolve::{Context, expression};
use rules::expr::{Event, Place, Type};
use rules::policy::Actor;
use tests::Database;

use super::spelled;

pub(super) struct World {
    database: Database,
    schema: Schema,
    rows: Vec<Row>,
}

/// The values of a row, as the database gave them.
struct Row(Vec<Value>, Actor);

impl Values for Row {
    fn column(&self, place: &Place) -> Result<Value, EvalError> {
        Ok(self.0[place.column.0 as usize].clone())
    }
    fn old(&self, _: ColumnId) -> Result<Value, EvalError> {
        Ok(Value::Null)
    }
    fn event(&self) -> Event {
        Event::Updating
    }
    fn now(&self) -> NaiveDateTime {
        NaiveDateTime::default()
    }
    fn actor(&self) -> &Actor {
        &self.1
    }
}

const TABLE: TableId = TableId(0);

impl World {
    pub(super) async fn create(dialect: Dialect, sql: &str, fill: impl FnOnce(&Table) -> Query) -> Self {
        let database = Database::create(dialect).await;
        database.execute(&spelled(sql, dialect)).await;
        let schema = introspect::introspect(&database.pool, None).await.unwrap();
        database.pool.run(render::render(dialect, &fill(&schema[TABLE]))).await.unwrap();
        let mut world = Self { database, schema, rows: Vec::new() };
        world.rows = world.stored().await;
        world
    }

    async fn stored(&self) -> Vec<Row> {
        let table = &self.schema[TABLE];
        let item = |column: &introspect::Column| Item {
            expr: Sql::column(Alias(0), column.db_name.clone()),
            ty: column.ty,
        };
        let items = table.columns.iter().map(item).collect();
        let rows = self.run(Select { items, ..self.all() }).await.unwrap();
        rows.into_iter().map(|values| Row(values, Actor::anonymous())).collect()
    }

    /// Whether an expression is taken at all.
    pub(super) fn accepts(&self, text: &str) -> bool {
        expression(&self.schema, TABLE, text, Context::Message).is_ok()
    }

    /// Where the database and memory differ about an expression; one line each.
    pub(super) async fn differences(&self, text: &str) -> Vec<String> {
        let (expr, ty) = match expression(&self.schema, TABLE, text, Context::Message) {
            Ok(resolved) => resolved,
            Err(problems) => {
                let digits =
                    problems.iter().all(|p| p.message.contains("more digits than the database keeps"));
                assert!(digits && self.schema.dialect == Dialect::Mysql, "{text}: {problems:?}");
                return Vec::new();
            }
        };
        let sql = Scope::new(&self.schema, TABLE, Alias(0), Comparison::Exact).expr(&expr).unwrap();
        let select = Select { items: vec![Item { expr: sql.clone(), ty: decoded(ty) }], ..self.all() };
        let found = match self.run(select.clone()).await {
            Ok(values) => values.into_iter().map(|mut row| Ok(row.remove(0))).collect(),
            Err(_) => self.one_by_one(select).await,
        };
        let pairs = self.rows.iter().zip(found);
        let dialect = self.schema.dialect;
        let shown = pairs.filter_map(|(row, found)| difference(dialect, text, &expr, row, found));
        let mut differences: Vec<String> = shown.collect();
        if ty == Type::Bool {
            differences.extend(self.filtered(text, &expr, sql).await);
        }
        differences
    }

    /// A condition as a filter: the rows for which it is true, and no error that it does not have in memory.
    async fn filtered(&self, text: &str, expr: &Expr, sql: Sql) -> Vec<String> {
        let mut differences = Vec::new();
        for row in &self.rows {
            let is_row = Sql::eq(Sql::column(Alias(0), "id"), Sql::Param(row.0[0].clone(), None));
            let items = vec![Item { expr: Sql::Number(1), ty: ValueType::Int(IntKind::I32) }];
            let filter = Some(Sql::And(vec![is_row, sql.clone()]));
            let found = self.run(Select { items, filter, ..self.all() }).await.map(|rows| rows.len() == 1);
            let expected = eval(expr, row).map(|value| value == Value::Bool(true));
            if !matches!((&expected, &found), (Err(_), Ok(false) | Err(_)))
                && expected.ok() != found.clone().ok()
            {
                let values: Vec<String> = row.0.iter().map(show).collect();
                let dialect = self.schema.dialect;
                differences
                    .push(format!("{dialect:?}: where {text}\n  found    {found:?}\n  row      {values:?}"));
            }
        }
        differences
    }

    /// One row's error must not hide what the others are worth.
    async fn one_by_one(&self, select: Select) -> Vec<Result<Value, String>> {
        let mut found = Vec::new();
        for row in &self.rows {
            let is_row = Sql::eq(Sql::column(Alias(0), "id"), Sql::Param(row.0[0].clone(), None));
            let answer = self.run(Select { filter: Some(is_row), ..select.clone() }).await;
            found.push(answer.map(|mut rows| rows.remove(0).remove(0)));
        }
        found
    }

    fn all(&self) -> Select {
        let by_id = Order { expr: Sql::column(Alias(0), "id"), descending: false, nullable: false };
        let from = Some((self.schema[TABLE].db.clone().into(), Alias(0)));
        Select { from, order: vec![by_id], ..Select::default() }
    }

    async fn run(&self, select: Select) -> Result<Vec<Vec<Value>>, String> {
        let statements = render::render(self.schema.dialect, &Query::Select(select));
        let text = statements[0].text.clone();
        let answer = self.database.pool.run(statements).await;
        let rows = answer.map_err(|error| format!("{error:?} in {text}"))?.remove(0);
        Ok((0..rows.len()).map(|row| rows.values(row)).collect())
    }
}

fn difference(
    dialect: Dialect,
    text: &str,
    expr: &Expr,
    row: &Row,
    found: Result<Value, String>,
) -> Option<String> {
    let expected = eval(expr, row);
    let same = match (&expected, &found) {
        (Ok(expected), Ok(found)) => expected == found,
        (Err(_), Err(_)) => true,
        _ => false,
    };
    let row: Vec<String> = row.0.iter().map(show).collect();
    let expected = expected.map(|value| show(&value));
    let found = found.map(|value| show(&value));
    (!same).then(|| {
        format!("{dialect:?}: {text}\n  database {found:?}\n  memory   {expected:?}\n  row      {row:?}")
    })
}

/// How an expression's value is read: numbers at the digits that they have.
fn decoded(ty: Type) -> ValueType {
    match ty {
        Type::Bool => ValueType::Bool,
        Type::Integer | Type::Decimal(_) => ValueType::Decimal { precision: None, scale: None },
        Type::Date => ValueType::Date,
        Type::Time => ValueType::Time,
        Type::Timestamp => ValueType::Timestamp,
        Type::TimestampTz => ValueType::TimestampTz,
        _ => ValueType::Text { length: None },
    }
}
