//! Request documents, built in the words of JSON:API.
//!
//! ```ignore
//! Document::of("orders").attribute("order_date", "2026-03-04").to_one("customer", "customers", "1")
//! ```

use serde_json::{Map, Value as Json, json};

/// A document with one resource object.
#[derive(Clone, Debug, Default)]
pub struct Document {
    data: Map<String, Json>,
    attributes: Map<String, Json>,
    relationships: Map<String, Json>,
}

impl Document {
    /// A resource of a type, still without id.
    pub fn of(ty: &str) -> Self {
        let mut document = Self::default();
        document.data.insert("type".into(), ty.into());
        document
    }

    /// The type.
    pub fn ty(&self) -> &str {
        self.data.get("type").and_then(Json::as_str).unwrap_or_default()
    }

    /// With an id.
    pub fn id(mut self, id: &str) -> Self {
        self.data.insert("id".into(), id.into());
        self
    }

    /// With a local id.
    pub fn lid(mut self, lid: &str) -> Self {
        self.data.insert("lid".into(), lid.into());
        self
    }

    /// With an attribute.
    pub fn attribute(mut self, name: &str, value: impl Into<Json>) -> Self {
        self.attributes.insert(name.into(), value.into());
        self
    }

    /// With a to-one relationship.
    pub fn to_one(mut self, name: &str, ty: &str, id: &str) -> Self {
        self.relationships.insert(name.into(), json!({"data": {"type": ty, "id": id}}));
        self
    }

    /// With a to-one relationship to a resource that the same request adds.
    pub fn to_new(mut self, name: &str, ty: &str, lid: &str) -> Self {
        self.relationships.insert(name.into(), json!({"data": {"type": ty, "lid": lid}}));
        self
    }

    /// With a to-many relationship to the resources of these ids.
    pub fn to_many(mut self, name: &str, ty: &str, ids: &[&str]) -> Self {
        self.relationships.insert(name.into(), json!({"data": linkage(ty, ids)}));
        self
    }

    /// With a relationship to nothing.
    pub fn to_none(mut self, name: &str) -> Self {
        self.relationships.insert(name.into(), json!({"data": null}));
        self
    }

    /// With `meta` in the resource object.
    pub fn meta(mut self, meta: Json) -> Self {
        self.data.insert("meta".into(), meta);
        self
    }

    /// As JSON.
    pub fn json(self) -> Json {
        let mut data = self.data;
        if !self.attributes.is_empty() {
            data.insert("attributes".into(), self.attributes.into());
        }
        if !self.relationships.is_empty() {
            data.insert("relationships".into(), self.relationships.into());
        }
        json!({"data": data})
    }
}

impl From<Document> for Json {
    fn from(document: Document) -> Self {
        document.json()
    }
}

/// The operation that adds a resource.
pub fn add(document: Document) -> Json {
    json!({"op": "add", "data": document.json()["data"]})
}

/// The operation that changes a resource.
pub fn update(document: Document) -> Json {
    json!({"op": "update", "data": document.json()["data"]})
}

/// The operation that removes a resource.
pub fn remove(ty: &str, id: &str) -> Json {
    json!({"op": "remove", "ref": {"type": ty, "id": id}})
}

/// The identifiers of resources of a type.
pub fn linkage(ty: &str, ids: &[&str]) -> Json {
    ids.iter().map(|id| json!({"type": ty, "id": id})).collect()
}
