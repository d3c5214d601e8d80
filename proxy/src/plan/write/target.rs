//! What an operation is about: named by `ref`, by `href` or by its `data`.

use crate::jsonapi::document::{self, Name, OperationDocument, ResourceDocument};
use crate::route::{self, Endpoint};
use crate::state::ApiSettings;
use crate::{Error, ErrorCode, Result};

/// A target as named, nothing looked up.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Target {
    pub(super) ty: String,
    /// `None`: the collection.
    pub(super) name: Option<Name>,
    pub(super) relationship: Option<String>,
    /// Which member of the operation says so.
    member: Member,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Member {
    Ref,
    Href,
    Data,
}

impl Target {
    /// What `ref` or `href` names.
    pub(super) fn given(api: &ApiSettings, document: &OperationDocument) -> Result<Option<Self>> {
        match &document.target {
            None => Ok(None),
            Some(document::Target::Ref { ty, name, relationship }) => {
                let (ty, name, relationship) = (ty.clone(), name.clone(), relationship.clone());
                Ok(Some(Self { ty, name, relationship, member: Member::Ref }))
            }
            Some(document::Target::Href(href)) => by_href(api, href).map(Some),
        }
    }

    /// What the data names.
    pub(super) fn of_data(data: &ResourceDocument) -> Self {
        let lid = || data.lid.clone().map(Name::Lid);
        let name = data.id.clone().map(Name::Id).or_else(lid);
        Self { ty: data.ty.clone(), name, relationship: None, member: Member::Data }
    }

    /// The place of the type.
    pub(super) fn ty_at(&self) -> &'static str {
        self.at("/ref/type", "/data/type")
    }

    /// The place of the id or local id.
    pub(super) fn name_at(&self) -> &'static str {
        match &self.name {
            Some(Name::Id(_)) => self.at("/ref/id", "/data/id"),
            Some(Name::Lid(_)) => self.at("/ref/lid", "/data/lid"),
            None => self.at("/ref", "/data"),
        }
    }

    /// The place of the relationship.
    pub(super) fn relationship_at(&self) -> &'static str {
        self.at("/ref/relationship", "")
    }

    fn at(&self, of_ref: &'static str, of_data: &'static str) -> &'static str {
        match self.member {
            Member::Ref => of_ref,
            Member::Href => "/href",
            Member::Data => of_data,
        }
    }

    /// Refuses data that is another resource.
    pub(super) fn agree(&self, data: &ResourceDocument) -> Result<()> {
        let of_data = Self::of_data(data);
        if self.ty != of_data.ty {
            let detail = format!("The operation is about a `{}`, `data` is a `{}`.", self.ty, of_data.ty);
            return Err(Error::new(ErrorCode::TypeConflict, detail).at("/data/type").into());
        }
        match (&self.name, &of_data.name) {
            (Some(named), Some(of_data)) if named != of_data => {
                let detail = "The operation and its `data` name different resources.";
                Err(Error::new(ErrorCode::IdConflict, detail).at("/data").into())
            }
            _ => Ok(()),
        }
    }
}

fn by_href(api: &ApiSettings, href: &str) -> Result<Target> {
    let unfit = |detail: &str| Error::new(ErrorCode::MalformedDocument, detail).at("/href").into();
    if href.contains(['?', '#']) {
        return Err(unfit("The target of an operation has no query and no fragment."));
    }
    let path = path(api, href).ok_or_else(|| elsewhere(href))?;
    let endpoint = route::endpoint(&api.prefix, &path).map_err(|errors| errors.map(|e| e.at("/href")))?;
    let target = |ty, id: Option<String>, relationship| {
        Ok(Target { ty, name: id.map(Name::Id), relationship, member: Member::Href })
    };
    match endpoint {
        Endpoint::Collection { ty } => target(ty, None, None),
        Endpoint::Resource { ty, id } => target(ty, Some(id), None),
        Endpoint::Linkage { ty, id, relationship } => target(ty, Some(id), Some(relationship)),
        _ => Err(unfit("An operation's target is a collection, a resource or a relationship.")),
    }
}

/// The path of a reference (RFC 3986, section 5.2), seen from where operations are sent to. `None`: it leads to another server.
fn path(api: &ApiSettings, href: &str) -> Option<String> {
    let public = api.public_url.trim_end_matches('/');
    let absolute = href.strip_prefix(public).filter(|_| !public.is_empty()).unwrap_or(href);
    match absolute.split('/').collect::<Vec<_>>().as_slice() {
        ["", "", ..] => None,
        ["", ..] => Some(without_dots(absolute)),
        [first, ..] if first.contains(':') || absolute != href => None,
        _ => Some(without_dots(&format!("{}/{href}", api.prefix.trim_end_matches('/')))),
    }
}

fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "." => {}
            ".." if kept.len() > 1 => _ = kept.pop(),
            ".." => {}
            segment => kept.push(segment),
        }
    }
    kept.join("/")
}

fn elsewhere(href: &str) -> Error {
    Error::new(ErrorCode::NotFound, format!("{href:?} leads to another server.")).at("/href")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(public_url: &str, href: &str, expect: Option<&str>) {
        let api = ApiSettings { public_url: public_url.into(), ..ApiSettings::default() };
        assert_eq!(path(&api, href).as_deref(), expect, "{href}");
    }

    #[test]
    fn references_are_resolved_from_where_operations_are_sent_to() {
        for (href, expect) in [
            ("/api/orders/1", Some("/api/orders/1")),
            ("orders/1", Some("/api/orders/1")),
            ("./orders", Some("/api/orders")),
            ("../api/orders/1/relationships/items", Some("/api/orders/1/relationships/items")),
            ("/../../api/orders", Some("/api/orders")),
            ("/elsewhere", Some("/elsewhere")),
            ("//other/api/orders", None),
            ("https://other/api/orders", None),
        ] {
            check("", href, expect);
        }
        check("https://shop.example", "https://shop.example/api/orders", Some("/api/orders"));
        check("https://shop.example", "/api/orders", Some("/api/orders"));
        check("https://shop.example", "https://shop.example.evil/api/orders", None);
    }
}
