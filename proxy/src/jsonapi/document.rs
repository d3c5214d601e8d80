//! The body of a POST or PATCH → a [`ResourceDocument`]: syntax alone, nothing looked up.
//!
//! Members that the specification tells servers to ignore are ignored; everything else that does not belong is refused with a JSON
//! pointer to it. A name that stands twice in one object is refused: which of the two was meant cannot be known.

mod operations;
pub(super) mod tree;

use serde_json::{Map, Value as Json};

pub use operations::{OperationDocument, Target, Verb, operations};

pub(crate) use tree::read as read_json;

use crate::{Error, ErrorCode, Errors, Result};

/// A resource object as sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResourceDocument {
    /// `type`.
    pub ty: String,
    /// `id`, where given.
    pub id: Option<String>,
    /// `lid`, where given.
    pub lid: Option<String>,
    /// `attributes`, in the order sent.
    pub attributes: Map<String, Json>,
    /// `relationships`, in the order sent.
    pub relationships: Vec<(String, Linkage)>,
    /// `meta.etag`, where given.
    pub etag: Option<String>,
}

/// What a relationship object says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Linkage {
    /// It has no `data`: links or meta alone.
    Absent,
    /// `null`.
    Null,
    /// One resource.
    One(Identifier),
    /// An array.
    Many(Vec<Identifier>),
}

/// A resource identifier object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identifier {
    /// `type`.
    pub ty: String,
    /// `id` or `lid`.
    pub name: Name,
}

/// What names a resource of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// `id`.
    Id(String),
    /// `lid`: the local id of a resource that the same request adds.
    Lid(String),
}

/// The document that a relationship's own URL takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkageDocument {
    /// `data`.
    pub linkage: Linkage,
    /// `meta.etag`, where given: of the resource whose relationship it is.
    pub etag: Option<String>,
}

/// Reads a document with linkage (JSON:API 1.1, "Updating Relationships").
pub fn relationship(body: &[u8], depth_max: usize) -> Result<LinkageDocument> {
    let Json::Object(mut top) = tree::parse(body, depth_max)? else {
        return Err(malformed("", "The document must be an object."));
    };
    let etag = etag(&mut top, "")?;
    match linkage(Json::Object(top), "")? {
        Linkage::Absent => Err(malformed("", "The document needs a member `data` with the linkage.")),
        linkage => Ok(LinkageDocument { linkage, etag }),
    }
}

/// Reads a document with one resource object (JSON:API 1.1, "Creating Resources", "Updating Resources").
pub fn resource(body: &[u8], depth_max: usize) -> Result<ResourceDocument> {
    let document = tree::parse(body, depth_max)?;
    let Json::Object(mut top) = document else {
        return Err(malformed("", "The document must be an object."));
    };
    match top.remove("data") {
        Some(Json::Object(data)) => resource_object(data),
        Some(_) => Err(malformed("/data", "`data` must be one resource object.")),
        None => Err(malformed("", "The document needs a member `data` with a resource object.")),
    }
}

fn resource_object(mut data: Map<String, Json>) -> Result<ResourceDocument> {
    let ty = match data.remove("type") {
        Some(Json::String(ty)) => ty,
        Some(_) => return Err(malformed("/data/type", "`type` must be a string.")),
        None => return Err(malformed("/data", "The resource object needs a member `type`.")),
    };
    Ok(ResourceDocument {
        ty,
        id: text(&mut data, "id")?,
        lid: text(&mut data, "lid")?,
        attributes: object(&mut data, "/data", "attributes")?,
        relationships: relationships(object(&mut data, "/data", "relationships")?)?,
        etag: etag(&mut data, "/data")?,
    })
}

fn text(data: &mut Map<String, Json>, name: &str) -> Result<Option<String>> {
    match data.remove(name) {
        None => Ok(None),
        Some(Json::String(text)) => Ok(Some(text)),
        Some(_) => Err(malformed(&format!("/data/{name}"), &format!("`{name}` must be a string."))),
    }
}

/// `meta.etag` of what stands at the pointer.
fn etag(of: &mut Map<String, Json>, pointer: &str) -> Result<Option<String>> {
    match object(of, pointer, "meta")?.remove("etag") {
        None => Ok(None),
        Some(Json::String(etag)) => Ok(Some(etag)),
        Some(_) => Err(malformed(&format!("{pointer}/meta/etag"), "`etag` must be a string.")),
    }
}

/// A member of what stands at the pointer, without its @-members: they are nobody's business ("@-Members").
fn object(of: &mut Map<String, Json>, pointer: &str, name: &str) -> Result<Map<String, Json>> {
    match of.remove(name) {
        None => Ok(Map::new()),
        Some(Json::Object(mut members)) => {
            members.retain(|name, _| !name.starts_with('@'));
            Ok(members)
        }
        Some(_) => Err(malformed(&format!("{pointer}/{name}"), &format!("`{name}` must be an object."))),
    }
}

fn relationships(members: Map<String, Json>) -> Result<Vec<(String, Linkage)>> {
    let mut errors = Vec::new();
    let mut relationships = Vec::new();
    for (name, value) in members {
        let pointer = format!("/data/relationships/{}", escape(&name));
        match linkage(value, &pointer) {
            Ok(linkage) => relationships.push((name, linkage)),
            Err(refused) => errors.extend(refused),
        }
    }
    match Errors::from_vec(errors) {
        Some(errors) => Err(errors),
        None => Ok(relationships),
    }
}

fn linkage(value: Json, pointer: &str) -> Result<Linkage> {
    let Json::Object(mut relationship) = value else {
        return Err(malformed(pointer, "A relationship must be an object with `data`, `links` or `meta`."));
    };
    match relationship.remove("data") {
        None => Ok(Linkage::Absent),
        Some(data) => identifiers(data, &format!("{pointer}/data")),
    }
}

/// `data` of linkage, which stands at the pointer.
fn identifiers(data: Json, pointer: &str) -> Result<Linkage> {
    match data {
        Json::Null => Ok(Linkage::Null),
        Json::Array(many) => {
            let numbered = many.into_iter().enumerate();
            let many: Result<Vec<Identifier>> =
                numbered.map(|(n, value)| identifier(value, &format!("{pointer}/{n}"))).collect();
            many.map(Linkage::Many)
        }
        one => identifier(one, pointer).map(Linkage::One),
    }
}

fn identifier(value: Json, pointer: &str) -> Result<Identifier> {
    let Json::Object(mut identifier) = value else {
        return Err(malformed(pointer, "A resource identifier must be an object with `type` and `id`."));
    };
    match (identifier.remove("type"), identifier.remove("id"), identifier.remove("lid")) {
        (Some(Json::String(ty)), Some(Json::String(id)), None) => Ok(Identifier { ty, name: Name::Id(id) }),
        (Some(Json::String(ty)), None, Some(Json::String(lid))) => {
            Ok(Identifier { ty, name: Name::Lid(lid) })
        }
        _ => Err(malformed(pointer, "A resource identifier needs `type` and `id` (or `lid`), both strings.")),
    }
}

/// A name as a token of a JSON pointer (RFC 6901, section 3).
pub fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn malformed(pointer: &str, detail: &str) -> Errors {
    Error::new(ErrorCode::MalformedDocument, detail).at(pointer).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(body: &str) -> (ErrorCode, crate::error::Source) {
        let errors = resource(body.as_bytes(), 8).unwrap_err();
        let first = errors.iter().next().unwrap();
        (first.code, first.source.clone())
    }

    #[test]
    fn a_resource_object_is_read_whole() {
        let body = r#"{"data": {"type": "orders", "id": "7", "attributes": {"notes": "soon", "weight": 1.50},
            "relationships": {"customer": {"data": {"type": "customers", "id": "1"}}, "rep": {"data": null}, "items": {"links": {}}},
            "links": {"self": "/x"}, "meta": {"etag": "\"a.b\""}}, "jsonapi": {}}"#;
        let document = resource(body.as_bytes(), 32).unwrap();
        assert_eq!(document.ty, "orders");
        assert_eq!(document.id.as_deref(), Some("7"));
        assert_eq!(document.attributes["weight"].to_string(), "1.50");
        let customer = Identifier { ty: "customers".into(), name: Name::Id("1".into()) };
        let expect = [
            ("customer".to_owned(), Linkage::One(customer)),
            ("rep".to_owned(), Linkage::Null),
            ("items".to_owned(), Linkage::Absent),
        ];
        assert_eq!(document.relationships, expect);
        assert_eq!(document.etag.as_deref(), Some("\"a.b\""));
    }

    #[test]
    fn at_members_are_no_attributes_and_no_relationships() {
        let body = r#"{"@a": 1, "data": {"@a": 1, "type": "orders", "attributes": {"@a": 1, "a": 2}, "relationships": {"@a": 1}, "meta": {"@a": 1}}}"#;
        let document = resource(body.as_bytes(), 8).unwrap();
        assert_eq!(document.attributes.keys().collect::<Vec<_>>(), ["a"]);
        assert_eq!((document.relationships, document.etag), (Vec::new(), None));
    }

    #[test]
    fn what_is_no_document_is_refused_with_its_place() {
        let at = |pointer: &str| crate::error::Source::Pointer(pointer.into());
        for (body, code, source) in [
            ("", ErrorCode::MalformedJson, crate::error::Source::None),
            ("{", ErrorCode::MalformedJson, crate::error::Source::None),
            ("{} x", ErrorCode::MalformedJson, crate::error::Source::None),
            (r#"{"data": {"type": "a", "type": "b"}}"#, ErrorCode::MalformedJson, crate::error::Source::None),
            ("[[[[[[[[[[1]]]]]]]]]]", ErrorCode::MalformedJson, crate::error::Source::None),
            ("[]", ErrorCode::MalformedDocument, at("")),
            ("{}", ErrorCode::MalformedDocument, at("")),
            (r#"{"data": []}"#, ErrorCode::MalformedDocument, at("/data")),
            (r#"{"data": {}}"#, ErrorCode::MalformedDocument, at("/data")),
            (r#"{"data": {"type": 1}}"#, ErrorCode::MalformedDocument, at("/data/type")),
            (r#"{"data": {"type": "a", "id": 1}}"#, ErrorCode::MalformedDocument, at("/data/id")),
            (
                r#"{"data": {"type": "a", "attributes": []}}"#,
                ErrorCode::MalformedDocument,
                at("/data/attributes"),
            ),
            (
                r#"{"data": {"type": "a", "relationships": {"b/c": 1}}}"#,
                ErrorCode::MalformedDocument,
                at("/data/relationships/b~1c"),
            ),
            (
                r#"{"data": {"type": "a", "relationships": {"b": {"data": {"id": "1"}}}}}"#,
                ErrorCode::MalformedDocument,
                at("/data/relationships/b/data"),
            ),
        ] {
            assert_eq!(refused(body), (code, source), "{body}");
        }
    }
}
