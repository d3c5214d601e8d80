//! ReadRequest + Schema → [`ReadPlan`]: every name is an id, every value is typed, every bound is checked.

use std::collections::BTreeMap;

use dialects::Value;
use introspect::{RelationshipId, TableId};
use rules::expr::Place;

use super::filter::{self, Filter};
use super::include::{self, Included};
use super::page::{self, Asked, Page};
use super::{names, sort};
use crate::jsonapi::id;
use crate::jsonapi::media::Form;
use crate::jsonapi::query::ReadRequest;
use crate::jsonapi::shape::Shape;
use crate::route::Endpoint;
use crate::state::Snapshot;
use crate::suggest::did_you_mean;
use crate::{Error, ErrorCode, Errors, Result};

/// A read, resolved.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadPlan {
    /// The table of the primary data.
    pub table: TableId,
    /// Which of its rows.
    pub scope: Scope,
    /// What the client filters by.
    pub filter: Option<Filter>,
    /// In which order; the key is part of it, so that it is the only one.
    pub sort: Vec<SortTerm>,
    /// The page, where the primary data is a collection that is read by pages.
    pub page: Option<Page>,
    /// The form of the answer: all but documents hold all of a collection.
    pub form: Form,
    /// What each type shows.
    pub shapes: BTreeMap<TableId, Shape>,
    /// What is included, parents before children.
    pub includes: Vec<Include>,
    /// Resource identifiers instead of resources.
    pub identifiers: bool,
    /// The resources of these identifiers are included.
    pub primary_included: bool,
    /// Fieldsets or includes make the answer another thing than the resource: no ETag.
    pub partial: bool,
}

/// Which rows are the primary data.
#[derive(Clone, Debug, PartialEq)]
pub enum Scope {
    /// All of the table.
    All,
    /// One, by its key.
    Row(Vec<Value>),
    /// Those that a row's relationship leads to.
    Related(Origin),
    /// The row itself, of which one to-one relationship's linkage is shown.
    Linkage(Vec<Value>, RelationshipId),
}

/// A row and one of its relationships.
#[derive(Clone, Debug, PartialEq)]
pub struct Origin {
    /// The row's table.
    pub table: TableId,
    /// The row's key.
    pub key: Vec<Value>,
    /// The relationship.
    pub relationship: RelationshipId,
}

/// One sort term.
#[derive(Clone, Debug, PartialEq)]
pub struct SortTerm {
    /// What is sorted by.
    pub place: Place,
    /// From the greatest down.
    pub descending: bool,
}

/// One relationship of an include path.
#[derive(Clone, Debug, PartialEq)]
pub struct Include {
    /// Where it starts: an include before this one, or the primary data.
    pub parent: Option<usize>,
    /// The table it starts from.
    pub from: TableId,
    /// The relationship.
    pub relationship: RelationshipId,
    /// The table it leads to.
    pub table: TableId,
    /// Its place in its path, from 1.
    pub depth: usize,
}

impl ReadPlan {
    /// Whether the primary data is a collection, which has an order.
    pub fn is_collection(&self) -> bool {
        self.page.is_some() || self.form != Form::Document
    }
}

/// Plans a read of an endpoint. Errors: 404 for what does not exist by name or by form, 400 for what the query asks wrongly.
pub fn build(snapshot: &Snapshot, endpoint: &Endpoint, request: &ReadRequest) -> Result<ReadPlan> {
    let Target { table, scope, collection, identifiers } = target(snapshot, endpoint, request)?;
    let form = request.form;
    let mut errors = match (collection, form) {
        (false, _) => collection_parameters(request),
        (true, Form::Document) => Vec::new(),
        (true, _) => beyond_exports(request),
    };
    let mut keep = |problems: Errors| errors.extend(problems);
    let filter = filter::build(snapshot, table, &request.filters).map_err(&mut keep).unwrap_or_default();
    let sort = sort::build(snapshot, table, request.sort.as_ref()).map_err(&mut keep).ok();
    let page = match collection && form == Form::Document {
        true => page(snapshot, table, request, sort.as_deref()).map_err(&mut keep).ok(),
        false => None,
    };
    let sort = sort.unwrap_or_default();
    let of = identifiers.then(|| endpoint.relationship()).flatten();
    let included = include::build(snapshot, table, request.include.as_ref(), of);
    let Included { includes, primary } = included.map_err(&mut keep).unwrap_or_default();
    let whole = primary || !identifiers;
    let shapes = shapes(snapshot, table, request, &includes, whole);
    let shapes = match form {
        Form::Csv => shapes.and_then(|shapes| flat(snapshot, table, request, shapes)),
        _ => shapes,
    };
    let shapes = shapes.map_err(&mut keep).unwrap_or_default();
    let partial = request.include.is_some() || !request.fields.is_empty();
    let primary_included = primary;
    let plan = ReadPlan {
        table,
        scope,
        filter,
        sort,
        page,
        form,
        shapes,
        includes,
        identifiers,
        primary_included,
        partial,
    };
    Errors::from_vec(errors).map_or(Ok(plan), Err)
}

/// What an endpoint addresses.
struct Target {
    table: TableId,
    scope: Scope,
    collection: bool,
    identifiers: bool,
}

fn target(snapshot: &Snapshot, endpoint: &Endpoint, request: &ReadRequest) -> Result<Target> {
    match endpoint {
        Endpoint::Server | Endpoint::Page(_) | Endpoint::Index | Endpoint::Operations => {
            Err(Error::new(ErrorCode::NotFound, "This is no type.").into())
        }
        Endpoint::Collection { ty } => {
            let (table, _) = names::table(&snapshot.schema, ty)?;
            Ok(Target { table, scope: Scope::All, collection: true, identifiers: false })
        }
        Endpoint::Resource { ty, id } => {
            let (table, key) = row(snapshot, ty, id)?;
            Ok(Target { table, scope: Scope::Row(key), collection: false, identifiers: false })
        }
        Endpoint::Related { ty, id, relationship } => related(snapshot, (ty, id, relationship), None),
        Endpoint::Linkage { ty, id, relationship } => {
            related(snapshot, (ty, id, relationship), Some(request))
        }
    }
}

/// What a relationship leads to. `linkage`: on its own URL, where the foreign key alone tells a to-one's identifier, unless its resource
/// is included too.
fn related(
    snapshot: &Snapshot,
    (ty, id, name): (&str, &str, &str),
    linkage: Option<&ReadRequest>,
) -> Result<Target> {
    let identifiers = linkage.is_some();
    let (table, key) = row(snapshot, ty, id)?;
    let found = names::relationship(&snapshot.schema, table, name);
    let (relationship, found) = found.map_err(|detail| Error::new(ErrorCode::NotFound, detail))?;
    if found.to_one() && linkage.is_some_and(|request| request.include.is_none()) {
        let scope = Scope::Linkage(key, relationship);
        return Ok(Target { table, scope, collection: false, identifiers });
    }
    let scope = Scope::Related(Origin { table, key, relationship });
    Ok(Target { table: found.target, scope, collection: !found.to_one(), identifiers })
}

fn page(
    snapshot: &Snapshot,
    table: TableId,
    request: &ReadRequest,
    order: Option<&[SortTerm]>,
) -> Result<Page> {
    let order = order.map(|order| (sort::fingerprint(snapshot, table, order), order.len()));
    page::build(&snapshot.api, Asked { parameters: &request.page, profile: request.profile, order })
}

/// The table and key that a type and an id name (404 else).
pub fn row(snapshot: &Snapshot, ty: &str, id: &str) -> Result<(TableId, Vec<Value>)> {
    let (table, found) = names::table(&snapshot.schema, ty)?;
    match id::parse(snapshot.schema.dialect, found, id) {
        Some(key) => Ok((table, key)),
        None => Err(no_such(ty, id).into()),
    }
}

/// The error for a resource that does not exist.
pub fn no_such(ty: &str, id: &str) -> Error {
    Error::new(ErrorCode::NotFound, format!("There is no {ty} with the id {id:?}."))
}

/// What makes sense for a collection alone.
fn collection_parameters(request: &ReadRequest) -> Vec<Error> {
    let filters = request.filters.iter().map(|filter| (&filter.name, ErrorCode::InvalidFilter));
    let sort = request.sort.iter().map(|sort| (&sort.name, ErrorCode::InvalidSort));
    let page = request.page.iter().map(|page| (&page.name, ErrorCode::InvalidPage));
    let refuse = |(name, code): (&String, ErrorCode)| {
        Error::new(code, format!("{name} applies to collections alone.")).parameter(name)
    };
    filters.chain(sort).chain(page).map(refuse).collect()
}

/// What makes sense for documents alone.
fn beyond_exports(request: &ReadRequest) -> Vec<Error> {
    let refuse = |name: &str, code, what| {
        Error::new(code, format!("{what}: leave it out, or accept application/vnd.api+json.")).parameter(name)
    };
    let include = request.include.iter().map(|include| {
        refuse(&include.name, ErrorCode::InvalidInclude, "An export is of one type, and includes nothing")
    });
    let page = request.page.iter().map(|page| {
        refuse(&page.name, ErrorCode::InvalidPage, "An export is all of the collection, without pages")
    });
    let aggregates = request.aggregate_of.iter().map(|terms| &terms.name);
    let aggregates = aggregates
        .chain(request.group_by.iter().map(|paths| &paths.name))
        .map(|name| refuse(name, ErrorCode::InvalidParameter, "An export is of the resources themselves"));
    include.chain(page).chain(aggregates).collect()
}

/// The shape of rows of text: they have no place for relationships to many, nor for versions.
fn flat(
    snapshot: &Snapshot,
    table: TableId,
    request: &ReadRequest,
    mut shapes: BTreeMap<TableId, Shape>,
) -> Result<BTreeMap<TableId, Shape>> {
    let of = &snapshot.schema[table];
    let to_many = |name: &&String| of.relationships().any(|(_, rel)| rel.name == **name && !rel.to_one());
    for fields in request.fields.iter().filter(|fields| fields.value.ty == of.name) {
        if let Some(name) = fields.value.members.iter().find(to_many) {
            let detail = format!(
                "{name:?} leads to many, and CSV has no column for them: accept application/x-ndjson."
            );
            return Err(Error::new(ErrorCode::InvalidFields, detail).parameter(&fields.name).into());
        }
    }
    if let Some(shape) = shapes.get_mut(&table) {
        shape.relationships.retain(|relationship| of[*relationship].to_one());
        shape.sparse = true;
    }
    Ok(shapes)
}

/// The shape of every type that the answer can hold.
fn shapes(
    snapshot: &Snapshot,
    table: TableId,
    request: &ReadRequest,
    includes: &[Include],
    whole: bool,
) -> Result<BTreeMap<TableId, Shape>> {
    let shown = includes.iter().map(|include| include.table).chain([table]);
    let mut shapes: BTreeMap<TableId, Shape> = match whole {
        true => shown.map(|id| (id, Shape::full(&snapshot.schema, &snapshot.api, id))).collect(),
        false => shown.map(|id| (id, Shape::identifier(id))).collect(),
    };
    let mut errors = Vec::new();
    for parameter in &request.fields {
        match sparse(snapshot, &parameter.value.ty, &parameter.value.members) {
            Ok(sparse) if shapes.contains_key(&sparse.table) && whole => {
                shapes.insert(sparse.table, sparse);
            }
            Ok(_) => {}
            Err(detail) => {
                errors.push(Error::new(ErrorCode::InvalidFields, detail).parameter(&parameter.name))
            }
        }
    }
    Errors::from_vec(errors).map_or(Ok(shapes), Err)
}

/// The shape that a sparse fieldset names. The error is a sentence.
fn sparse(snapshot: &Snapshot, ty: &str, members: &[String]) -> std::result::Result<Shape, String> {
    let unknown = |errors: Errors| errors.into_iter().map(|error| error.detail).collect::<String>();
    let (id, table) = names::table(&snapshot.schema, ty).map_err(unknown)?;
    let mut full = Shape::full(&snapshot.schema, &snapshot.api, id);
    let is_attribute = |name: &String| full.attributes.iter().any(|column| table[*column].name == *name);
    let is_relationship = |name: &String| full.relationships.iter().any(|rel| table[*rel].name == *name);
    if let Some(unknown) = members.iter().find(|name| !is_attribute(name) && !is_relationship(name)) {
        let attributes = full.attributes.iter().map(|column| table[*column].name.as_str());
        let known = attributes.chain(full.relationships.iter().map(|rel| table[*rel].name.as_str()));
        let hint = did_you_mean(unknown, known);
        return Err(format!("{ty} has no attribute or relationship {unknown:?}.{hint}"));
    }
    full.attributes.retain(|column| members.contains(&table[*column].name));
    full.relationships.retain(|rel| members.contains(&table[*rel].name));
    full.sparse = true;
    Ok(full)
}
