//! The body of a request for several operations (JSON:API extension Atomic Operations) → [`OperationDocument`]s: syntax alone.
//!
//! ```json
//! {"atomic:operations": [{"op": "add", "data": {"type": "orders", "lid": "o", "attributes": {}}},
//!                        {"op": "update", "ref": {"type": "orders", "lid": "o", "relationship": "items"}, "data": [{"type": "items", "id": "7"}]},
//!                        {"op": "remove", "href": "/api/items/8"}]}
//! ```

use serde_json::Value as Json;

use super::{Linkage, Name, ResourceDocument, identifiers, malformed, resource_object, tree};
use crate::{Error, ErrorCode, Errors, Result};

/// One operation as sent.
#[derive(Clone, Debug, PartialEq)]
pub struct OperationDocument {
    /// `op`.
    pub verb: Verb,
    /// What it is about, where that is said beside the data.
    pub target: Option<Target>,
    /// `data`, as it stands.
    pub data: Option<Json>,
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

/// What names the target of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// `ref`.
    Ref {
        /// `type`.
        ty: String,
        /// `id` or `lid`; without it, the type's collection.
        name: Option<Name>,
        /// `relationship`.
        relationship: Option<String>,
    },
    /// `href`: a URI reference.
    Href(String),
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
    let verb = verb(operation.remove("op"))?;
    let target = target(operation.remove("ref"), operation.remove("href"))?;
    let etag = super::etag(&mut operation, "")?;
    Ok(OperationDocument { verb, target, data: operation.remove("data"), etag })
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

fn target(reference: Option<Json>, href: Option<Json>) -> Result<Option<Target>> {
    match (reference, href) {
        (None, None) => Ok(None),
        (Some(reference), None) => self::reference(reference).map(Some),
        (None, Some(Json::String(href))) => Ok(Some(Target::Href(href))),
        (None, Some(_)) => Err(malformed("/href", "`href` must be a string.")),
        (Some(_), Some(_)) => Err(malformed("/href", "An operation has `ref` or `href`, not both.")),
    }
}

fn reference(json: Json) -> Result<Target> {
    let Json::Object(mut reference) = json else {
        return Err(malformed("/ref", "`ref` must be an object."));
    };
    let mut text = |name: &str| match reference.remove(name) {
        None => Ok(None),
        Some(Json::String(text)) => Ok(Some(text)),
        Some(_) => Err(malformed(&format!("/ref/{name}"), &format!("`{name}` must be a string."))),
    };
    let (ty, relationship) = (text("type")?, text("relationship")?);
    let name = match (text("id")?, text("lid")?) {
        (Some(_), Some(_)) => return Err(malformed("/ref", "`ref` has `id` or `lid`, not both.")),
        (Some(id), None) => Some(Name::Id(id)),
        (None, lid) => lid.map(Name::Lid),
    };
    match ty {
        Some(ty) => Ok(Target::Ref { ty, name, relationship }),
        None => Err(malformed("/ref", "`ref` needs the member `type`.")),
    }
}

impl OperationDocument {
    /// `data` as a resource object. `None`: it is left out, as it may be where something is removed.
    pub fn resource(&self) -> Result<Option<ResourceDocument>> {
        match (&self.data, self.verb, &self.target) {
            (Some(Json::Object(data)), _, _) => resource_object(data.clone()).map(Some),
            (None, Verb::Remove, Some(_)) => Ok(None),
            (None, Verb::Remove, None) => {
                Err(malformed("", "`remove` needs `ref` or `href`: the resource that goes."))
            }
            (None, ..) => Err(malformed("", "The operation needs `data`: a resource object.")),
            (Some(_), ..) => Err(malformed("/data", "`data` must be one resource object.")),
        }
    }

    /// `data` as linkage.
    pub fn linkage(&self) -> Result<Linkage> {
        match &self.data {
            Some(data) => identifiers(data.clone(), "/data"),
            None => Err(malformed("", "The operation needs `data`: the linkage.")),
        }
    }
}

#[cfg(test)]
mod tests {
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
        assert_eq!(read[0].resource().unwrap().unwrap().lid.as_deref(), Some("o"));
        let (ty, name) = ("items".to_owned(), Some(Name::Id("7".into())));
        assert_eq!(read[1].target, Some(Target::Ref { ty, name, relationship: None }));
        assert_eq!((read[1].etag.as_deref(), read[1].resource()), (Some("x"), Ok(None)));
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
        ] {
            assert_eq!(first(read(body).unwrap_err()), (code, place.into()), "{body}");
        }
        for (operation, place) in [
            (r#"{"op": "put"}"#, "/op"),
            (r#"{"op": "remove", "href": 1}"#, "/href"),
            (r#"{"op": "remove", "href": "/api/orders/1", "ref": {"type": "orders", "id": "1"}}"#, "/href"),
            (r#"{"op": "remove", "ref": []}"#, "/ref"),
            (r#"{"op": "remove", "ref": {"id": "1"}}"#, "/ref"),
            (r#"{"op": "remove", "ref": {"type": "a", "id": 1}}"#, "/ref/id"),
            (r#"{"op": "remove", "ref": {"type": "a", "id": "1", "lid": "1"}}"#, "/ref"),
            (r#"{"op": "remove", "ref": {"type": "a", "id": "1"}, "meta": {"etag": 1}}"#, "/meta/etag"),
        ] {
            let place = format!("/atomic:operations/0{place}");
            let errors = read(&format!(r#"{{"atomic:operations": [{operation}]}}"#)).unwrap_err();
            assert_eq!(first(errors), (ErrorCode::MalformedDocument, place), "{operation}");
        }
    }

    #[test]
    fn data_that_does_not_fit_is_refused_with_its_place() {
        for (operation, place) in [
            (r#"{"op": "add"}"#, ""),
            (r#"{"op": "remove"}"#, ""),
            (r#"{"op": "add", "data": []}"#, "/data"),
            (r#"{"op": "add", "data": {"type": 1}}"#, "/data/type"),
        ] {
            let read = read(&format!(r#"{{"atomic:operations": [{operation}]}}"#)).unwrap();
            let refused = first(read[0].resource().unwrap_err());
            assert_eq!(refused, (ErrorCode::MalformedDocument, place.into()), "{operation}");
        }
        for (data, place) in
            [(r#"{"op": "add"}"#, ""), (r#"{"op": "add", "data": [{"id": "1"}]}"#, "/data/0")]
        {
            let read = read(&format!(r#"{{"atomic:operations": [{data}]}}"#)).unwrap();
            let refused = first(read[0].linkage().unwrap_err());
            assert_eq!(refused, (ErrorCode::MalformedDocument, place.into()), "{data}");
        }
    }

    fn first(errors: Errors) -> (ErrorCode, String) {
        let first = errors.iter().next().unwrap();
        match &first.source {
            Source::Pointer(place) => (first.code, place.clone()),
            other => panic!("{other:?}"),
        }
    }
}
