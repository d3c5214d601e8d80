//! `aggregateOf` and `groupBy` → [`AggregatePlan`]: what is told of the rows in place of themselves, and in which groups.
//!
//! The rows are those that a read without these parameters finds. A group that a path to one leads to nothing from is null.

use dialects::ValueType;
use introspect::TableId;
use rules::expr::Place;

use super::filter;
use super::names::{self, Named};
use super::page::{self, Asked, Page};
use super::read::{self, ReadPlan};
use crate::jsonapi::query::{AggregateTerm, Function, Parameter, ReadRequest, SortName};
use crate::route::Endpoint;
use crate::state::Snapshot;
use crate::suggest::did_you_mean;
use crate::{Error, ErrorCode, Errors, Result};

/// Most aggregates, and most paths to group by.
const TERMS_MAX: usize = 32;

/// Aggregates, resolved.
#[derive(Clone, Debug, PartialEq)]
pub struct AggregatePlan {
    /// The rows; nothing of them is shown.
    pub rows: ReadPlan,
    /// What tells their groups apart; nothing: all of them are one.
    pub groups: Vec<Group>,
    /// What is told of each group.
    pub aggregates: Vec<Aggregate>,
    /// In which order the groups come; each is part of it, so that it is the only one.
    pub order: Vec<OrderTerm>,
    /// Which of them, where there are groups.
    pub page: Option<Page>,
}

/// What tells groups apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// As the client spells it.
    pub name: String,
    /// The columns.
    pub places: Vec<Place>,
    /// What they are shown as.
    pub shown: Shown,
}

/// What the value of a group is shown as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// An attribute.
    Attribute,
    /// An id of one part.
    Id,
    /// An id of several parts: the key of this table.
    Key(TableId),
}

/// What is told of a group.
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregate {
    /// As it is asked for.
    pub name: String,
    /// What is made.
    pub function: Function,
    /// Of which values; nothing: of the rows.
    pub place: Option<Place>,
    /// The type of what is made; of an average that of the sum.
    pub ty: ValueType,
}

/// One term of the order of groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderTerm {
    /// What is sorted by.
    pub by: By,
    /// From the greatest down.
    pub descending: bool,
}

/// What groups are sorted by: the n-th of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum By {
    Group(usize),
    Aggregate(usize),
}

/// Plans the aggregates of an endpoint. Errors: 404 for what does not exist by name or by form, 400 for what the query asks wrongly.
pub fn build(
    snapshot: &Snapshot,
    endpoint: &Endpoint,
    asked: &Parameter<Vec<AggregateTerm>>,
    request: &ReadRequest,
) -> Result<AggregatePlan> {
    let rows = read::build(snapshot, endpoint, &ReadRequest::default())?;
    if rows.page.is_none() {
        return Err(refusal(asked, "aggregateOf applies to collections alone.").into());
    }
    let mut errors = out_of_place(request);
    let mut keep = |problems: Errors| errors.extend(problems);
    let table = rows.table;
    let filter = filter::build(snapshot, table, &request.filters).map_err(&mut keep).unwrap_or_default();
    let aggregates = each(asked, |term| aggregate(snapshot, table, term)).map_err(&mut keep).ok();
    let groups = match &request.group_by {
        Some(paths) => each(paths, |path| group(snapshot, table, path)).map_err(&mut keep).ok(),
        None => Some(Vec::new()),
    };
    let known = aggregates.as_deref().zip(groups.as_deref());
    let order = known.and_then(|known| order(known, request).map_err(&mut keep).ok()).unwrap_or_default();
    let page = page(snapshot, request).map_err(&mut keep).unwrap_or_default();
    let (aggregates, groups) = (aggregates.unwrap_or_default(), groups.unwrap_or_default());
    let plan =
        AggregatePlan { rows: ReadPlan { filter, page: None, ..rows }, groups, aggregates, order, page };
    Errors::from_vec(errors).map_or(Ok(plan), Err)
}

/// Resolves what a parameter lists.
fn each<T, R>(
    parameter: &Parameter<Vec<T>>,
    resolve: impl Fn(&T) -> std::result::Result<R, String>,
) -> Result<Vec<R>> {
    if parameter.value.len() > TERMS_MAX {
        let error = refusal(parameter, format!("{} takes at most {TERMS_MAX} terms.", parameter.name));
        return Err(error.with_meta("maximum", TERMS_MAX).into());
    }
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    for term in &parameter.value {
        match resolve(term) {
            Ok(resolved) => found.push(resolved),
            Err(detail) => errors.push(refusal(parameter, detail)),
        }
    }
    Errors::from_vec(errors).map_or(Ok(found), Err)
}

fn refusal<T>(parameter: &Parameter<T>, detail: impl Into<String>) -> Error {
    Error::new(ErrorCode::InvalidParameter, detail).parameter(&parameter.name)
}

/// What is said of resources, where none are shown, and of groups, where there are none.
fn out_of_place(request: &ReadRequest) -> Vec<Error> {
    let grouped = request.group_by.is_some();
    let no_resources = |name: &str| format!("{name} does not go with aggregateOf, which shows no resources.");
    let no_groups =
        |name: &str| format!("With aggregateOf, {name} says something of groups alone: add groupBy.");
    let refuse = |name: &str, code, detail: String| Error::new(code, detail).parameter(name);
    let include =
        request.include.iter().map(|p| refuse(&p.name, ErrorCode::InvalidInclude, no_resources(&p.name)));
    let fields =
        request.fields.iter().map(|p| refuse(&p.name, ErrorCode::InvalidFields, no_resources(&p.name)));
    let sort = request.sort.iter().filter(|_| !grouped);
    let sort = sort.map(|p| refuse(&p.name, ErrorCode::InvalidSort, no_groups(&p.name)));
    let page = request.page.iter().filter_map(|p| {
        let detail = match p.value.0.as_str() {
            _ if !grouped => no_groups(&p.name),
            "after" | "before" => "Groups are paged by number or offset, not by cursors.".to_owned(),
            "total" => "Groups are not counted: where there are no more, links.next is null.".to_owned(),
            _ => return None,
        };
        Some(refuse(&p.name, ErrorCode::InvalidPage, detail))
    });
    include.chain(fields).chain(sort).chain(page).collect()
}

/// The error is a sentence.
fn group(snapshot: &Snapshot, table: TableId, path: &str) -> std::result::Result<Group, String> {
    let (places, shown) = match names::path(snapshot, table, path)? {
        Named::Id(of, places) => (places, Shown::Key(of)),
        Named::Column(place) if is_id(snapshot, table, path, &place) => (vec![place], Shown::Id),
        Named::Column(place) => (vec![place], Shown::Attribute),
    };
    if places.iter().any(|place| !names::column(&snapshot.schema, table, place).ty.has_order()) {
        return Err(format!("{path:?} has no order, and cannot be grouped by."));
    }
    Ok(Group { name: path.to_owned(), places, shown })
}

/// Whether a path is the id of a row, not an attribute of it.
fn is_id(snapshot: &Snapshot, table: TableId, path: &str, place: &Place) -> bool {
    path.rsplit('.').next() != Some(&names::column(&snapshot.schema, table, place).name)
}

/// The error is a sentence.
fn aggregate(
    snapshot: &Snapshot,
    table: TableId,
    term: &AggregateTerm,
) -> std::result::Result<Aggregate, String> {
    let (name, function) = (term.to_string(), term.function);
    let number = ValueType::Int(dialects::IntKind::I64);
    let Some(path) = &term.path else { return Ok(Aggregate { name, function, place: None, ty: number }) };
    let Named::Column(place) = names::path(snapshot, table, path)? else {
        return Err(format!("{name} cannot be told: {path:?} is an id of several parts."));
    };
    let column = names::column(&snapshot.schema, table, &place);
    let id = is_id(snapshot, table, path, &place);
    let (ty, takes) = match function {
        Function::Count => (Some(number), ""),
        Function::CountDistinct => {
            (Some(number).filter(|_| column.ty.has_equality()), "attributes whose values can be compared")
        }
        Function::Sum | Function::Avg => (sum_type(column.ty).filter(|_| !id), "attributes that are numbers"),
        Function::Min | Function::Max => (
            Some(column.ty).filter(|ty| has_extremes(*ty) && !id),
            "attributes that are numbers, texts, dates or times",
        ),
    };
    let ty = ty.ok_or_else(|| format!("{name} cannot be told: {} takes {takes}.", function.word()))?;
    Ok(Aggregate { name, function, place: Some(place), ty })
}

/// What a sum is of: of whole numbers and decimals exact, of any size.
fn sum_type(ty: ValueType) -> Option<ValueType> {
    match ty {
        ValueType::Int(_) => Some(ValueType::Decimal { precision: None, scale: Some(0) }),
        ValueType::Decimal { scale, .. } => Some(ValueType::Decimal { precision: None, scale }),
        ValueType::Float { .. } => Some(ValueType::Float { bits: 64 }),
        _ => None,
    }
}

/// What has a least and a greatest value on every database.
fn has_extremes(ty: ValueType) -> bool {
    matches!(
        ty,
        ValueType::Int(_)
            | ValueType::Decimal { .. }
            | ValueType::Float { .. }
            | ValueType::Text { .. }
            | ValueType::Date
            | ValueType::Time
            | ValueType::Timestamp
            | ValueType::TimestampTz
    )
}

/// As `sort` says, then by the groups that it does not name.
fn order((aggregates, groups): (&[Aggregate], &[Group]), request: &ReadRequest) -> Result<Vec<OrderTerm>> {
    let (mut terms, mut errors) = (Vec::new(), Vec::new());
    for parameter in request.sort.iter().filter(|_| !groups.is_empty()) {
        for name in &parameter.value {
            match sorted(aggregates, groups, name) {
                Ok(by) => terms.push(OrderTerm { by, descending: name.descending }),
                Err(detail) => {
                    errors.push(Error::new(ErrorCode::InvalidSort, detail).parameter(&parameter.name))
                }
            }
        }
    }
    let rest = (0..groups.len()).map(|n| OrderTerm { by: By::Group(n), descending: false });
    let mut order: Vec<OrderTerm> = Vec::new();
    for term in terms.into_iter().chain(rest) {
        if !order.iter().any(|before| before.by == term.by) {
            order.push(term);
        }
    }
    Errors::from_vec(errors).map_or(Ok(order), Err)
}

/// The error is a sentence.
fn sorted(aggregates: &[Aggregate], groups: &[Group], name: &SortName) -> std::result::Result<By, String> {
    let spelled =
        AggregateTerm::parse(&name.path).map_or_else(|_| name.path.clone(), |term| term.to_string());
    let group = groups.iter().position(|group| group.name == spelled).map(By::Group);
    let aggregate = || aggregates.iter().position(|a| a.name == spelled).map(By::Aggregate);
    group.or_else(aggregate).ok_or_else(|| {
        let known = groups.iter().map(|group| &group.name).chain(aggregates.iter().map(|a| &a.name));
        let hint = did_you_mean(&spelled, known.map(String::as_str));
        format!("Groups are sorted by what groupBy and aggregateOf name, not by {spelled:?}.{hint}")
    })
}

fn page(snapshot: &Snapshot, request: &ReadRequest) -> Result<Option<Page>> {
    if request.group_by.is_none() {
        return Ok(None);
    }
    let refused = |key: &str| matches!(key, "after" | "before" | "total");
    let parameters: Vec<_> = request.page.iter().filter(|p| !refused(&p.value.0)).cloned().collect();
    let asked = Asked { parameters: &parameters, profile: None, order: None };
    page::build(&snapshot.api, asked).map(Some)
}
