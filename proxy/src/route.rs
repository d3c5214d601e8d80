//! Method and path → [`Endpoint`]. One closed list, so that documentation and tests can name them all.

/// What a request addresses. Type, id and relationship are decoded but not yet looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// `/`.
    Home,
    /// `/api/`: the list of resources.
    Index,
    /// `/api/{type}`.
    Collection {
        /// The type.
        ty: String,
    },
    /// `/api/{type}/{id}`.
    Resource {
        /// The type.
        ty: String,
        /// The id.
        id: String,
    },
    /// `/api/{type}/{id}/{rel}`.
    Related {
        /// The type.
        ty: String,
        /// The id.
        id: String,
        /// The relationship.
        relationship: String,
    },
    /// `/api/{type}/{id}/relationships/{rel}`.
    Linkage {
        /// The type.
        ty: String,
        /// The id.
        id: String,
        /// The relationship.
        relationship: String,
    },
}
