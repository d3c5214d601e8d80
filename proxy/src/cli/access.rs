//! `rulegate access`: who may do what, from the project's files and the database's schema alone.

mod table;

use clap::{Args, ValueEnum};
use introspect::Schema;
use introspect::problem::did_you_mean;
use rules::policy::{Access, Action, Entitlement, Permit};
use serde_json::{Value as Json, json};

use super::{Failure, SourceArgs, open, runtime, serving};
use crate::config::Config;
use crate::state::load::load;

/// What stands for all who have no role that the files name.
const OTHERS: &str = "(any other)";

/// Show who may do what: role by role, resource by resource, as the project's access files say
#[derive(Debug, Args)]
pub(super) struct AccessArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// How it is shown
    #[arg(long, default_value = "text")]
    format: Format,
    /// Only this role; may be given several times
    #[arg(long, value_name = "ROLE")]
    role: Vec<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// A table for people
    Text,
    /// Every role with every resource, for programs
    Json,
    /// A table for a document
    Markdown,
}

/// What whoever has one role, and no other, may do.
struct Column {
    /// `None`: whoever has none that the files name.
    role: Option<String>,
    entitlements: Vec<Entitlement>,
}

pub(super) fn run(args: AccessArgs) -> Result<(), Failure> {
    let config = Config::load(args.source.given())?;
    let loaded = runtime()?.block_on(async {
        let pool = open(&config)?;
        load(&pool, &config.blueprint).await.map_err(|error| serving::failure(&error))
    })?;
    if !config.blueprint.auth {
        eprintln!("note: no authentication is configured: nobody is known for whom this could hold");
    }
    let (schema, access) = (&loaded.snapshot.schema, &loaded.access);
    let roles = roles(access, &args.role)?;
    let columns: Vec<Column> = roles.into_iter().map(|role| column(schema, access, role)).collect();
    match args.format {
        Format::Text => super::out::write(table::text(schema, &columns)),
        Format::Markdown => super::out::write(table::markdown(schema, &columns)),
        Format::Json => outln!("{:#}", document(schema, &columns)),
    }
    Ok(())
}

/// Those that are asked for, or all that the files name, and whoever has none of them.
fn roles(access: &Access, asked: &[String]) -> Result<Vec<Option<String>>, Failure> {
    if let Some(role) = asked.iter().find(|role| !access.roles().contains(role)) {
        let near = did_you_mean(role, access.roles().iter().map(String::as_str));
        let near = near.map_or(String::new(), |near| format!(" ({near})"));
        return Err(Failure::usage(format!("no access file names the role `{role}`{near}")));
    }
    if !asked.is_empty() {
        return Ok(asked.iter().cloned().map(Some).collect());
    }
    Ok(access.roles().iter().cloned().map(Some).chain([None]).collect())
}

fn column(schema: &Schema, access: &Access, role: Option<String>) -> Column {
    let roles: Vec<String> = role.iter().cloned().collect();
    Column { role, entitlements: access.entitlements(schema, &roles) }
}

impl Column {
    fn name(&self) -> &str {
        self.role.as_deref().unwrap_or(OTHERS)
    }
}

/// `{"access": [{"role": "sales", "resource": "orders", "read": "region = …", "create": false, …}]}`; the role of all others is null.
fn document(schema: &Schema, columns: &[Column]) -> Json {
    let cell = |column: &Column, entitlement: &Entitlement| {
        let mut cell = json!({
            "role": column.role,
            "resource": schema[entitlement.table].name,
            "hidden": entitlement.hidden,
            "read_only": entitlement.read_only,
            "set": entitlement.set,
            "set_on_update": entitlement.set_on_update,
        });
        if let Json::Object(members) = &mut cell {
            members.extend(
                Action::ALL.map(|action| (action.name().to_owned(), permit(entitlement.permit(action)))),
            );
        }
        cell
    };
    let cells = columns.iter().flat_map(|column| column.entitlements.iter().map(move |it| cell(column, it)));
    json!({"access": cells.collect::<Vec<_>>()})
}

/// True, false, or the condition.
fn permit(permit: &Permit) -> Json {
    match permit {
        Permit::No => Json::Bool(false),
        Permit::Yes => Json::Bool(true),
        Permit::Where(text) => Json::String(text.clone()),
    }
}
