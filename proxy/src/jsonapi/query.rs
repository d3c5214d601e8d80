//! Query string → [`ReadRequest`]: syntax only, names are not looked up.
//!
//! Every parameter keeps its name as the client wrote it, so that an error can point at it. What is not understood is refused,
//! and so is a parameter that comes twice.

mod aggregate;
mod filter;
mod operator;
mod pairs;

pub use aggregate::{AggregateTerm, Function};
pub use filter::{Filter, FilterTerm, Operand, placed};
pub use operator::Operator;
pub use pairs::{Pair, pairs};

use super::media::Form;
use crate::suggest::did_you_mean;
use crate::{Error, ErrorCode, Errors, Result};

/// What a read asks for, in the client's words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadRequest {
    /// All of these hold.
    pub filters: Vec<Parameter<Filter>>,
    /// The sort order.
    pub sort: Option<Parameter<Vec<SortName>>>,
    /// `page[key]=value`, by key.
    pub page: Vec<Parameter<(String, String)>>,
    /// The relationship paths to include.
    pub include: Option<Parameter<Vec<String>>>,
    /// The members of each type.
    pub fields: Vec<Parameter<Fieldset>>,
    /// What is told of the rows in place of themselves.
    pub aggregate_of: Option<Parameter<Vec<AggregateTerm>>>,
    /// By which paths the rows are grouped then.
    pub group_by: Option<Parameter<Vec<String>>>,
    /// Everything, in its order: links repeat it.
    pub pairs: Vec<Pair>,
    /// The Cursor Pagination profile, where the headers ask for it, as they spell it.
    pub profile: Option<&'static str>,
    /// The form that the headers ask for.
    pub form: Form,
}

/// A part of the request and the parameter it came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter<T> {
    /// The parameter's name.
    pub name: String,
    /// What it says.
    pub value: T,
}

/// A sort term.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SortName {
    /// As in a filter.
    pub path: String,
    /// Written with a minus.
    pub descending: bool,
}

/// `fields[type]=a,b`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fieldset {
    /// The type.
    pub ty: String,
    /// Its members.
    pub members: Vec<String>,
}

/// Reads a query string. All that is wrong with it is told at once.
pub fn parse(query: &str) -> Result<ReadRequest> {
    let mut request = ReadRequest { pairs: pairs(query)?, ..ReadRequest::default() };
    let mut errors = Vec::new();
    for pair in std::mem::take(&mut request.pairs) {
        if let Err(refused) = request.take(&pair) {
            errors.extend(refused);
        }
        request.pairs.push(pair);
    }
    errors.extend(request.groups_of_nothing());
    Errors::from_vec(errors).map_or(Ok(request), Err)
}

impl ReadRequest {
    fn take(&mut self, pair: &Pair) -> Result<()> {
        let duplicate = self.pairs.iter().any(|before| before.name == pair.name);
        let keys: Vec<&str> = pair.keys.iter().map(String::as_str).collect();
        let list = pair.base == "filter" && keys.last() == Some(&"");
        if duplicate && !list {
            let detail = format!("{} is given twice; join its values with commas.", pair.name);
            return Err(Error::new(ErrorCode::InvalidParameter, detail).parameter(&pair.name).into());
        }
        match (pair.base.as_str(), keys.as_slice()) {
            ("filter", keys) => self.filter(pair, keys)?,
            ("sort", []) => self.sort = Some(named(pair, sort_names(pair)?)),
            ("include", []) => self.include = Some(named(pair, items(&pair.value))),
            ("aggregateOf", []) => self.aggregate_of = Some(named(pair, aggregates(pair)?)),
            ("groupBy", []) => self.group_by = Some(named(pair, paths(pair)?)),
            ("page", [key]) if !key.is_empty() => {
                self.page.push(named(pair, ((*key).to_owned(), pair.value.clone())));
            }
            ("fields", [ty]) if !ty.is_empty() => {
                self.fields.push(named(pair, Fieldset { ty: (*ty).to_owned(), members: items(&pair.value) }));
            }
            _ => return Err(unknown(pair).into()),
        }
        Ok(())
    }

    /// Groups show nothing by themselves.
    fn groups_of_nothing(&self) -> Option<Error> {
        let parameter = self.group_by.as_ref()?;
        let alone = !self.pairs.iter().any(|pair| pair.base == "aggregateOf");
        let detail =
            "groupBy goes with aggregateOf, which says what is told of each group: aggregateOf=count(*).";
        alone.then(|| Error::new(ErrorCode::InvalidParameter, detail).parameter(&parameter.name))
    }

    /// A list, `filter[path][]=a&filter[path][]=b`, goes on in the filter that it began.
    fn filter(&mut self, pair: &Pair, keys: &[&str]) -> Result<()> {
        match self.filters.iter_mut().find(|filter| filter.name == pair.name) {
            Some(list) => list.value.push(&pair.value),
            None => self.filters.push(named(pair, Filter::parse(pair, keys)?)),
        }
        Ok(())
    }
}

fn named<T>(pair: &Pair, value: T) -> Parameter<T> {
    Parameter { name: pair.name.clone(), value }
}

/// The parts between commas; none for an empty text.
fn items(text: &str) -> Vec<String> {
    match text {
        "" => Vec::new(),
        _ => text.split(',').map(|item| item.trim().to_owned()).collect(),
    }
}

fn sort_names(pair: &Pair) -> Result<Vec<SortName>> {
    let names = items(&pair.value).into_iter().map(|item| match item.strip_prefix('-') {
        Some(path) => SortName { path: path.into(), descending: true },
        None => SortName { path: item, descending: false },
    });
    let names: Vec<SortName> = names.collect();
    if names.is_empty() || names.iter().any(|name| name.path.is_empty()) {
        return Err(Error::new(ErrorCode::InvalidSort, "A sort term is empty.").parameter(&pair.name).into());
    }
    Ok(names)
}

fn aggregates(pair: &Pair) -> Result<Vec<AggregateTerm>> {
    let refuse = |detail: String| Error::new(ErrorCode::InvalidParameter, detail).parameter(&pair.name);
    let (mut terms, mut errors) = (Vec::new(), Vec::new());
    for text in pair.value.split(',') {
        match AggregateTerm::parse(text) {
            Ok(term) if terms.contains(&term) => errors.push(refuse(format!("{term} is asked for twice."))),
            Ok(term) => terms.push(term),
            Err(detail) => errors.push(refuse(detail)),
        }
    }
    Errors::from_vec(errors).map_or(Ok(terms), Err)
}

fn paths(pair: &Pair) -> Result<Vec<String>> {
    let paths = items(&pair.value);
    let refuse = |detail: String| Error::new(ErrorCode::InvalidParameter, detail).parameter(&pair.name);
    if paths.is_empty() || paths.iter().any(String::is_empty) {
        return Err(refuse("A path to group by is empty.".to_owned()).into());
    }
    let twice =
        paths.iter().enumerate().find(|(n, path)| paths.iter().skip(n + 1).any(|other| other == *path));
    match twice {
        Some((_, path)) => Err(refuse(format!("{path:?} is given twice.")).into()),
        None => Ok(paths),
    }
}

fn unknown(pair: &Pair) -> Error {
    let known = ["filter", "sort", "page", "include", "fields", "aggregateOf", "groupBy"];
    let detail = match known.contains(&pair.base.as_str()) {
        true => "Write filter[attribute], filter[attribute][operator], filter, sort, include, page[number], page[size], fields[type], aggregateOf, groupBy."
            .to_owned(),
        false => format!(
            "There is no parameter {:?}.{}",
            pair.name,
            did_you_mean(&pair.base, known.iter().copied())
        ),
    };
    Error::new(ErrorCode::UnknownParameter, detail).parameter(&pair.name)
}

#[cfg(test)]
mod tests;
