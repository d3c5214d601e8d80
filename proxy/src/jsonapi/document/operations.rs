//! The body of a request for several operations (JSON:API extension Atomic Operations) → [`OperationDocument`]s: syntax alone.
//!
//! ```json
//! {"atomic:operations": [{"op": "add", "data": {"type": "orders", "lid": "o", "attributes": {}}},
//!                        {"op": "remove", "ref": {"type": "items", "id": "7"}}]}
//! ```

use serde_json::{Map, Value as Json};

use super::{Identifier, ResourceDocument, identifier, malformed, resource_object, tree};
use crate::{Error, ErrorCode, Errors, Result};

/// One operation as sent.
#[derive(Clone, Debug, PartialEq)]
pub struct OperationDocument {
    /// `op`.
    pub verb: Verb,
    /// `ref`, where given.
    pub target: Option<Identifier>,
    /// `data`, where given.
    pub data: Option<ResourceDocument>,
    /// `meta.etag` of the operation, where given.
    pub etag: Option<String>,
}

/// The values of `op`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Verb {
    Add,
    Update,
    Remove,
}

/// Reads the document: all operations, or everything that is wrong with them.
pub fn operations(body: &[u8], depth_max: usize, operations_max: usize) -> Result<Vec<OperationDocument>> {
    let Json::Object(mut top) = tree::parse(body, depth_max)? else {
        return Err(malformed("", "The document must be an object."));
    };
    for name in ["data", "included", "errors"] {
        if top.contains_key(name) {
            return Err(malformed(
                &format!("/{name}"),
                &format!("A document with operations has no `{name}`."),
            ));
        }
    }
    match top.remove("atomic:operations") {
        Some(Json::Array(operations)) if operations.is_empty() => {
            Err(malformed(PLACE, "At least one operation is needed."))
        }
        Some(Json::Array(operations)) if operations.len() > operations_max => {
            let detail = format!("There are {} operations, the most is {operations_max}.", operations.len());
            let error = Error::new(ErrorCode::TooManyOperations, detail).at(PLACE);
            Err(error.with_meta("maximum", operations_max).into())
        }
        Some(Json::Array(operations)) => all(operations),
        Some(_) => Err(malformed(PLACE, "`atomic:operations` must be an array.")),
        None => Err(malformed("", "The document needs a member `atomic:operations`.")),
    }
}

/// Where the operations stand.
const PLACE: &str = "/atomic:operations";

fn all(operations: Vec<Json>) -> Result<Vec<OperationDocument>> {
    let (mut read, mut errors) = (Vec::new(), Vec::new());
    for (n, json) in operations.into_iter().enumerate() {
        match operation(json) {
            Ok(operation) => read.push(operation),
            Err(refused) => errors.extend(refused.under(&format!("{PLACE}/{n}"))),
        }
    }
    Errors::from_vec(errors).map_or(Ok(read), Err)
}

fn operation(json: Json) -> Result<OperationDocument> {
    let Json::Object(mut operation) = json else {
        return Err(malformed("", "An operation must be an object."));
    };
    if operation.contains_key("href") {
        return Err(later(
            "/href",
            "Operations name resources by `ref` or `data` in this version, not by `href`.",
        ));
    }
    let verb = verb(operation.remove("op"))?;
    let target = operation.remove("ref").map(reference).transpose()?;
    let etag = super::etag(&mut operation).map_err(|errors| errors.map(|error| error.at("/meta/etag")))?;
    let data = data(verb, &mut operation, target.is_some())?;
    Ok(OperationDocument { verb, target, data, etag })
}

fn verb(op: Option<Json>) -> Result<Verb> {
    match op.as_ref().map(Json::as_str) {
        Some(Some("add")) => Ok(Verb::Add),
        Some(Some("update")) => Ok(Verb::Update),
        Some(Some("remove")) => Ok(Verb::Remove),
        None => Err(malformed("", "An operation needs the member `op`.")),
        Some(_) => Err(malformed("/op", "`op` must be \"add\", \"update\" or \"remove\".")),
    }
}

fn reference(json: Json) -> Result<Identifier> {
    match &json {
        Json::Object(members) if members.contains_key("relationship") => {
            let detail = "Operations change relationships in the resource's `data` in this version.";
            Err(later("/ref/relationship", detail))
        }
        _ => identifier(json, "/ref"),
    }
}

/// `data`: what is added or changed; of a removal, the resource it is about, where `ref` does not say.
fn data(verb: Verb, operation: &mut Map<String, Json>, named: bool) -> Result<Option<ResourceDocument>> {
    match (verb, operation.remove("data")) {
        (Verb::Add, _) if named => Err(malformed(
            "/ref",
            "`add` takes no `ref`: the resource does not exist yet. Its `data` says what it is.",
        )),
        (_, Some(Json::Object(data))) => resource_object(data).map(Some),
        (Verb::Remove, None) if named => Ok(None),
        (Verb::Remove, None) => Err(malformed("", "`remove` needs `ref`: the resource that goes.")),
        (_, None) => Err(malformed("", "The operation needs `data`: a resource object.")),
        (_, Some(_)) => Err(malformed("/data", "`data` must be one resource object.")),
    }
}

fn later(pointer: &str, detail: &str) -> Errors {
    Error::new(ErrorCode::NotInThisVersion, detail).at(pointer).into()
}

#[cfg(test)]
mod tests {
    use super::super::Name;
    use super::*;
    use crate::error::Source;

    fn read(body: &str) -> Result<Vec<OperationDocument>> {
        operations(body.as_bytes(), 12, 2)
    }

    #[test]
    fn operations_are_read_in_their_order() {
        let body = r#"{"atomic:operations": [
            {"op": "add", "data": {"type": "orders", "lid": "o", "relationships": {"rep": {"data": {"type": "employees", "lid": "e"}}}}},
            {"op": "remove", "ref": {"type": "items", "id": "7"}, "meta": {"etag": "x"}}]}"#;
        let read = read(body).unwrap();
        assert_eq!((read[0].verb, read[1].verb), (Verb::Add, Verb::Remove));
        assert_eq!(read[0].data.as_ref().unwrap().lid.as_deref(), Some("o"));
        assert_eq!(read[1].target.as_ref().unwrap().name, Name::Id("7".into()));
        assert_eq!(read[1].etag.as_deref(), Some("x"));
    }

    #[test]
    fn what_is_no_operation_is_refused_with_its_place() {
        for (body, code, place) in [
            (r#"[]"#, ErrorCode::MalformedDocument, ""),
            (r#"{"data": {}}"#, ErrorCode::MalformedDocument, "/data"),
            (r#"{"meta": {}}"#, ErrorCode::MalformedDocument, ""),
            (r#"{"atomic:operations": {}}"#, ErrorCode::MalformedDocument, "/atomic:operations"),
            (r#"{"atomic:operations": []}"#, ErrorCode::MalformedDocument, "/atomic:operations"),
            (r#"{"atomic:operations": [1, 2, 3]}"#, ErrorCode::TooManyOperations, "/atomic:operations"),
            (r#"{"atomic:operations": [1]}"#, ErrorCode::MalformedDocument, "/atomic:operations/0"),
            (
                r#"{"atomic:operations": [{"op": "put"}]}"#,
                ErrorCode::MalformedDocument,
                "/atomic:operations/0/op",
            ),
            (
                r#"{"atomic:operations": [{"op": "add"}]}"#,
                ErrorCode::MalformedDocument,
                "/atomic:operations/0",
            ),
            (
                r#"{"atomic:operations": [{"op": "add", "data": []}]}"#,
                ErrorCode::MalformedDocument,
                "/atomic:operations/0/data",
            ),
            (
                r#"{"atomic:operations": [{"op": "add", "data": {"type": 1}}]}"#,
                ErrorCode::MalformedDocument,
                "/atomic:operations/0/data/type",
            ),
            (
                r#"{"atomic:operations": [{"op": "remove", "href": "/api/orders/1"}]}"#,
                ErrorCode::NotInThisVersion,
                "/atomic:operations/0/href",
            ),
            (
                r#"{"atomic:operations": [{"op": "update", "ref": {"type": "a", "id": "1", "relationship": "b"}, "data": null}]}"#,
                ErrorCode::NotInThisVersion,
                "/atomic:operations/0/ref/relationship",
            ),
            (
                r#"{"atomic:operations": [{"op": "remove", "ref": {"type": "a", "id": "1", "lid": "1"}}]}"#,
                ErrorCode::MalformedDocument,
                "/atomic:operations/0/ref",
            ),
            (
                r#"{"atomic:operations": [{"op": "add", "ref": {"type": "a", "id": "1"}, "data": {"type": "a"}}]}"#,
                ErrorCode::MalformedDocument,
                "/atomic:operations/0/ref",
            ),
            (
                r#"{"atomic:operations": [{"op": "remove", "ref": {"type": "a", "id": "1"}, "meta": {"etag": 1}}]}"#,
                ErrorCode::MalformedDocument,
                "/atomic:operations/0/meta/etag",
            ),
        ] {
            let errors = read(body).unwrap_err();
            let first = errors.iter().next().unwrap();
            assert_eq!((first.code, &first.source), (code, &Source::Pointer(place.into())), "{body}");
        }
    }
}
