//! What the connected role may write. PostgreSQL tells it in one query; of the others it is not asked: MySQL and MariaDB have no function that answers it.

use std::collections::{BTreeSet, HashMap};

use dialects::sql::TableName;
use dialects::{Dialect, Pool, Result, Rows, Statement, Value, ValueType};

/// What a role may write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Privileges {
    /// The role, as it is written in SQL.
    pub role: String,
    tables: HashMap<TableName, Writable>,
}

/// What it may do to the rows of one table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Writable {
    /// The table, as it is written in SQL.
    pub table: String,
    /// Add some.
    pub insert: bool,
    /// Remove them.
    pub delete: bool,
    /// Change these columns. PostgreSQL locks a row for those alone who may change one of them.
    pub update: BTreeSet<String>,
}

/// Asks the database; nothing where it cannot be asked.
pub async fn read(pool: &Pool) -> Result<Option<Privileges>> {
    if pool.dialect() != Dialect::Postgres {
        return Ok(None);
    }
    let text = include_str!("privileges.sql").trim_end().to_owned();
    let columns = vec![ValueType::Text { length: None }; 7];
    let answers = pool.run(vec![Statement { text, params: Vec::new(), columns }]).await?;
    Ok(answers.first().map(privileges))
}

impl Privileges {
    /// Of a table; nothing where it is unknown.
    pub fn of(&self, table: &TableName) -> Option<&Writable> {
        self.tables.get(table)
    }
}

impl Writable {
    /// Whether it may write at all.
    pub fn any(&self) -> bool {
        self.insert || self.delete || !self.update.is_empty()
    }
}

fn privileges(rows: &Rows) -> Privileges {
    let mut privileges = Privileges::default();
    for row in 0..rows.len() {
        let mut words = rows.values(row).into_iter().map(|value| match value {
            Value::Text(text) => text,
            _ => String::new(),
        });
        let mut word = || words.next().unwrap_or_default();
        privileges.role = word();
        let name = TableName { schema: Some(word()), name: word() };
        let (table, insert, delete) = (word(), word() == "true", word() == "true");
        let update = word().split('\u{1}').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        privileges.tables.insert(name, Writable { table, insert, delete, update });
    }
    privileges
}
