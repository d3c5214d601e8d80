//! Method and path → [`Endpoint`]. One closed list, so that documentation and tests can name them all.
//!
//! Segments are decoded one by one, so that an id may hold an encoded slash; a trailing slash means the same as none.

use http::Method;
use percent_encoding::percent_decode_str;

use crate::jsonapi::media::Extension;
use crate::{Error, ErrorCode, Result};

/// What a request addresses. Type, id and relationship are decoded but not yet looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// `*`: the server itself, which is only asked for its options.
    Server,
    /// Beside the API, for people and their tools.
    Page(Page),
    /// `/api/`: the list of resources.
    Index,
    /// `/api/operations`: several operations in one transaction.
    Operations,
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

/// What is not JSON:API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Page {
    /// `/`.
    Home,
    /// `/openapi.json`.
    OpenApi,
    /// `/docs`, from which the links of the page below would lead astray.
    DocsFolder,
    /// `/docs/` and what its page loads, by name.
    Docs(String),
    /// `/docs/errors`: what the codes of errors mean; `links.about` of every error leads here.
    Errors,
}

impl Endpoint {
    /// The type that is addressed, as the client wrote it.
    pub fn ty(&self) -> Option<&str> {
        match self {
            Self::Server | Self::Page(_) | Self::Index | Self::Operations => None,
            Self::Collection { ty }
            | Self::Resource { ty, .. }
            | Self::Related { ty, .. }
            | Self::Linkage { ty, .. } => Some(ty),
        }
    }

    /// The relationship that is addressed, as the client wrote it.
    pub fn relationship(&self) -> Option<&str> {
        match self {
            Self::Related { relationship, .. } | Self::Linkage { relationship, .. } => Some(relationship),
            _ => None,
        }
    }

    /// The kind of path, in words of the product alone.
    pub fn template(&self) -> &'static str {
        match self {
            Self::Server => "*",
            Self::Page(Page::Home) => "/",
            Self::Page(Page::OpenApi) => "/openapi.json",
            Self::Page(_) => "/docs",
            Self::Index => "/api",
            Self::Operations => "/api/operations",
            Self::Collection { .. } => "/api/{type}",
            Self::Resource { .. } => "/api/{type}/{id}",
            Self::Related { .. } => "/api/{type}/{id}/{relationship}",
            Self::Linkage { .. } => "/api/{type}/{id}/relationships/{relationship}",
        }
    }

    /// The extension in which it is spoken to.
    pub fn extension(&self) -> Extension {
        match self {
            Self::Operations => Extension::Atomic,
            _ => Extension::None,
        }
    }

    /// The methods it answers, as the `Allow` header lists them.
    pub fn allow(&self) -> &'static str {
        match self {
            Self::Server => "OPTIONS",
            Self::Page(_) | Self::Index | Self::Related { .. } => "GET, HEAD, OPTIONS",
            Self::Operations => "OPTIONS, POST",
            Self::Collection { .. } => "GET, HEAD, OPTIONS, POST",
            Self::Resource { .. } => "GET, HEAD, OPTIONS, PATCH, DELETE",
            Self::Linkage { .. } => "GET, HEAD, OPTIONS, POST, PATCH, DELETE",
        }
    }
}

/// What a path addresses. Errors: 404 for what is not ours, 400 for a path that is not UTF-8.
pub fn endpoint(prefix: &str, path: &str) -> Result<Endpoint> {
    if path == "*" {
        return Ok(Endpoint::Server);
    }
    if let Some(page) = page(path) {
        return Ok(Endpoint::Page(page));
    }
    let rest = path.strip_prefix(prefix.trim_end_matches('/')).ok_or_else(|| nothing_at(path))?;
    let segments = match rest.strip_suffix('/').unwrap_or(rest) {
        "" => return Ok(Endpoint::Index),
        rest => rest.strip_prefix('/').ok_or_else(|| nothing_at(path))?,
    };
    let segments: Vec<String> = segments.split('/').map(decoded).collect::<Result<_>>()?;
    addressed(segments).ok_or_else(|| nothing_at(path).into())
}

/// Whether a path is answered here; all others are for the application behind, where there is one. What the contract names and this version lacks is
/// kept free.
pub fn is_ours(prefix: &str, path: &str) -> bool {
    let below =
        |folder: &str| path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let kept = ["/docs", "/admin", "/auth"];
    path == "*"
        || path == "/openapi.json"
        || below(prefix.trim_end_matches('/'))
        || kept.into_iter().any(below)
}

/// The page at a path, whatever the settings.
pub fn page(path: &str) -> Option<Page> {
    match path {
        "/" => Some(Page::Home),
        "/openapi.json" => Some(Page::OpenApi),
        "/docs" => Some(Page::DocsFolder),
        "/docs/errors" | "/docs/errors/" => Some(Page::Errors),
        _ => path.strip_prefix("/docs/").map(|name| Page::Docs(name.to_owned())),
    }
}

/// Refuses a method that an endpoint does not answer (405).
pub fn check_method(endpoint: &Endpoint, method: &Method) -> Result<()> {
    let allow = endpoint.allow();
    if allow.split(", ").any(|allowed| allowed == method.as_str()) {
        return Ok(());
    }
    let detail = format!("{method} is not answered here; {allow} are.");
    Err(Error::new(ErrorCode::MethodNotAllowed, detail).with_meta("allow", allow).into())
}

fn addressed(segments: Vec<String>) -> Option<Endpoint> {
    if segments.iter().any(String::is_empty) {
        return None;
    }
    let mut segments = segments.into_iter();
    match (segments.next()?, segments.next(), segments.next(), segments.next(), segments.next()) {
        (word, None, ..) if word == "operations" => Some(Endpoint::Operations),
        (ty, None, ..) => Some(Endpoint::Collection { ty }),
        (ty, Some(id), None, ..) => Some(Endpoint::Resource { ty, id }),
        (ty, Some(id), Some(relationship), None, _) => Some(Endpoint::Related { ty, id, relationship }),
        (ty, Some(id), Some(word), Some(relationship), None) if word == "relationships" => {
            Some(Endpoint::Linkage { ty, id, relationship })
        }
        _ => None,
    }
}

fn decoded(segment: &str) -> Result<String> {
    let text = percent_decode_str(segment).decode_utf8();
    text.map(Into::into).map_err(|_| Error::new(ErrorCode::MalformedRequest, "The path is not UTF-8.").into())
}

fn nothing_at(path: &str) -> Error {
    Error::new(ErrorCode::NotFound, format!("There is nothing at {path}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expect: Option<Endpoint>) {
        assert_eq!(endpoint("/api", path).ok(), expect, "{path}");
    }

    #[test]
    fn paths_address_endpoints() {
        let (ty, id, relationship) = ("orders".to_owned(), "7".to_owned(), "items".to_owned());
        check("*", Some(Endpoint::Server));
        check("/docs/errors/", Some(Endpoint::Page(Page::Errors)));
        check("/", Some(Endpoint::Page(Page::Home)));
        check("/openapi.json", Some(Endpoint::Page(Page::OpenApi)));
        check("/docs", Some(Endpoint::Page(Page::DocsFolder)));
        check("/docs/", Some(Endpoint::Page(Page::Docs(String::new()))));
        check("/docs/errors", Some(Endpoint::Page(Page::Errors)));
        check("/api", Some(Endpoint::Index));
        check("/api/", Some(Endpoint::Index));
        check("/api/operations/", Some(Endpoint::Operations));
        check("/api/orders", Some(Endpoint::Collection { ty: ty.clone() }));
        check("/api/orders/", Some(Endpoint::Collection { ty: ty.clone() }));
        check("/api/orders/7/", Some(Endpoint::Resource { ty: ty.clone(), id: id.clone() }));
        check(
            "/api/orders/7/items",
            Some(Endpoint::Related { ty: ty.clone(), id: id.clone(), relationship: relationship.clone() }),
        );
        check(
            "/api/orders/7/relationships/items",
            Some(Endpoint::Linkage { ty: ty.clone(), id, relationship }),
        );
        check("/api/orders/a%2Fb%20c", Some(Endpoint::Resource { ty, id: "a/b c".into() }));
    }

    #[test]
    fn other_paths_are_not_found() {
        for path in [
            "/apiary",
            "/other",
            "/api//",
            "/api/orders//",
            "/api/orders/7/links/items",
            "/api/a/b/relationships/c/d",
            "/api/%FF",
        ] {
            check(path, None);
        }
    }

    #[test]
    fn what_is_not_ours_is_for_the_application_behind() {
        for path in [
            "*",
            "/api",
            "/api/",
            "/api/orders/7",
            "/api//x",
            "/openapi.json",
            "/docs",
            "/docs/x",
            "/admin/",
            "/auth/x",
        ] {
            assert!(is_ours("/api", path), "{path}");
        }
        for path in [
            "/",
            "/apiary",
            "//api",
            "/%61pi",
            "/API",
            "/x/../api",
            "/openapi.json/",
            "/docsy",
            "/administrator",
            "",
        ] {
            assert!(!is_ours("/api", path), "{path}");
        }
        assert!(is_ours("/v1/shop", "/v1/shop/orders") && !is_ours("/v1/shop", "/v1"));
    }

    #[test]
    fn a_method_that_is_not_answered_is_named_with_those_that_are() {
        let index = Endpoint::Index;
        assert!(check_method(&index, &Method::HEAD).is_ok());
        let errors = check_method(&index, &Method::DELETE).unwrap_err();
        assert_eq!(errors.status(), 405);
        assert_eq!(errors.iter().next().unwrap().meta["allow"], "GET, HEAD, OPTIONS");
    }
}
