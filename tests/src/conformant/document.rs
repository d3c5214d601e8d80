//! The structure of one document ("Document Structure").

use serde_json::{Map, Value as Json};

/// The URI of the one extension.
const ATOMIC: &str = "https://jsonapi.org/ext/atomic";

/// Collects what is wrong, each with its place.
struct Checker<'a> {
    problems: &'a mut Vec<String>,
}

/// Checks everything that can be told from the document and its media type.
pub(super) fn check(document: &Json, media_type: &str, problems: &mut Vec<String>) {
    let mut checker = Checker { problems };
    match document {
        Json::Object(top) => checker.top(top, media_type),
        _ => checker.wrong("", "is no object"),
    }
}

impl Checker<'_> {
    fn wrong(&mut self, place: &str, what: &str) {
        self.problems.push(format!("{place:?} {what}"));
    }

    fn top(&mut self, top: &Map<String, Json>, media_type: &str) {
        let has = |name: &str| top.contains_key(name);
        let atomic = media_type.contains(&format!("ext=\"{ATOMIC}\""));
        self.members(
            "",
            top,
            &["jsonapi", "links", "data", "included", "errors", "meta", "atomic:results"],
            &["data", "errors", "meta", "atomic:results"],
        );
        if has("errors") && (has("data") || has("atomic:results")) {
            self.wrong("", "has errors beside data");
        }
        if has("included") && !has("data") {
            self.wrong("", "has included without data");
        }
        if has("atomic:results") && (!atomic || has("data") || has("included")) {
            self.wrong("", "has results beside data or without the extension");
        }
        self.jsonapi(top.get("jsonapi"), media_type);
        self.meta("", top);
        let allowed = ["self", "related", "describedby", "first", "prev", "next", "last"];
        self.links("", top, &allowed);
        let own = top.get("links").map_or(&Json::Null, |links| &links["self"]);
        if media_type.contains("profile=") && own["type"] != media_type {
            self.wrong("/links/self", "does not name the media type with its profile");
        }
        if let Some(data) = top.get("data") {
            self.primary(data);
        }
        if let Some(results) = top.get("atomic:results") {
            self.results(results);
        }
        match top.get("included").map(Json::as_array) {
            None => {}
            Some(Some(included)) => {
                for (n, resource) in included.iter().enumerate() {
                    self.resource(&format!("/included/{n}"), resource);
                }
            }
            Some(None) => self.wrong("/included", "is no array"),
        }
    }

    /// `ext` and `profile` say what the media type says.
    fn jsonapi(&mut self, jsonapi: Option<&Json>, media_type: &str) {
        let Some(jsonapi) = jsonapi else { return };
        let Json::Object(members) = jsonapi else { return self.wrong("/jsonapi", "is no object") };
        self.members("/jsonapi", members, &["version", "ext", "profile", "meta"], &[]);
        if jsonapi["version"] != "1.1" {
            self.wrong("/jsonapi/version", "is not 1.1");
        }
        for name in ["ext", "profile"] {
            let uris = jsonapi[name].as_array().into_iter().flatten().filter_map(Json::as_str);
            let uris = uris.collect::<Vec<_>>().join(" ");
            let named = media_type.split_once(&format!("{name}=\"")).map_or("", |(_, rest)| rest);
            let named = named.split('"').next().unwrap_or_default();
            // Errors about operations point into a document of the extension: the media type says so, the document uses no member of it.
            if uris != named && !(name == "ext" && uris.is_empty()) {
                self.wrong(&format!("/jsonapi/{name}"), "is not what the media type names");
            }
        }
    }

    fn primary(&mut self, data: &Json) {
        match data {
            Json::Null => {}
            Json::Array(items) => {
                for (n, item) in items.iter().enumerate() {
                    self.resource(&format!("/data/{n}"), item);
                }
            }
            one => self.resource("/data", one),
        }
    }

    fn results(&mut self, results: &Json) {
        let Json::Array(results) = results else { return self.wrong("/atomic:results", "is no array") };
        for (n, result) in results.iter().enumerate() {
            let place = format!("/atomic:results/{n}");
            let Json::Object(members) = result else { return self.wrong(&place, "is no object") };
            self.members(&place, members, &["data", "meta"], &[]);
            self.meta(&place, members);
            if let Some(data) = members.get("data") {
                self.resource(&format!("{place}/data"), data);
            }
        }
    }

    /// A resource object; a resource identifier object is one without fields.
    fn resource(&mut self, place: &str, resource: &Json) {
        let Json::Object(members) = resource else { return self.wrong(place, "is no object") };
        self.members(place, members, &["type", "id", "attributes", "relationships", "links", "meta"], &[]);
        self.identity(place, members);
        self.meta(place, members);
        self.links(place, members, &["self"]);
        let mut fields: Vec<&String> = Vec::new();
        for name in ["attributes", "relationships"] {
            match members.get(name) {
                None => {}
                Some(Json::Object(named)) => fields.extend(named.keys()),
                Some(_) => self.wrong(&format!("{place}/{name}"), "is no object"),
            }
        }
        for (n, name) in fields.iter().enumerate() {
            if !is_member_name(name) || ["type", "id"].contains(&name.as_str()) {
                self.wrong(place, &format!("has a field that may not be called {name:?}"));
            }
            if fields.iter().skip(n + 1).any(|other| other == name) {
                self.wrong(place, &format!("has two fields called {name:?}"));
            }
        }
        for (name, relationship) in
            members.get("relationships").and_then(Json::as_object).into_iter().flatten()
        {
            self.relationship(&format!("{place}/relationships/{name}"), relationship);
        }
    }

    fn identity(&mut self, place: &str, members: &Map<String, Json>) {
        match members.get("type").and_then(Json::as_str) {
            Some(ty) if is_member_name(ty) => {}
            _ => self.wrong(place, "has no type that is a name"),
        }
        if !members.get("id").is_some_and(Json::is_string) {
            self.wrong(place, "has no id that is a text");
        }
    }

    fn relationship(&mut self, place: &str, relationship: &Json) {
        let Json::Object(members) = relationship else { return self.wrong(place, "is no object") };
        let known = ["links", "data", "meta"];
        self.members(place, members, &known, &known);
        self.meta(place, members);
        self.links(place, members, &["self", "related"]);
        match members.get("data") {
            None | Some(Json::Null) => {}
            Some(Json::Array(many)) => {
                for (n, one) in many.iter().enumerate() {
                    self.identifier(&format!("{place}/data/{n}"), one);
                }
            }
            Some(one) => self.identifier(&format!("{place}/data"), one),
        }
    }

    fn identifier(&mut self, place: &str, identifier: &Json) {
        let Json::Object(members) = identifier else { return self.wrong(place, "is no object") };
        self.members(place, members, &["type", "id", "meta"], &[]);
        self.identity(place, members);
        self.meta(place, members);
    }

    /// No other members than these, and one of some at least.
    fn members(&mut self, place: &str, members: &Map<String, Json>, known: &[&str], one_of: &[&str]) {
        for name in members.keys().filter(|name| !known.contains(&name.as_str())) {
            self.wrong(place, &format!("has a member {name:?}"));
        }
        if !one_of.is_empty() && !one_of.iter().any(|name| members.contains_key(*name)) {
            self.wrong(place, &format!("has none of {one_of:?}"));
        }
    }

    fn meta(&mut self, place: &str, of: &Map<String, Json>) {
        match of.get("meta") {
            None => {}
            Some(Json::Object(meta)) => {
                for name in meta.keys().filter(|name| !is_member_name(name)) {
                    self.wrong(&format!("{place}/meta"), &format!("has a member called {name:?}"));
                }
                if meta.get("page").is_some_and(|page| !page.is_object()) {
                    self.wrong(&format!("{place}/meta/page"), "is no object");
                }
            }
            Some(_) => self.wrong(&format!("{place}/meta"), "is no object"),
        }
    }

    /// Each link is a URI reference, an object with one, or null.
    fn links(&mut self, place: &str, of: &Map<String, Json>, known: &[&str]) {
        let Some(links) = of.get("links") else { return };
        let place = format!("{place}/links");
        let Json::Object(links) = links else { return self.wrong(&place, "is no object") };
        self.members(&place, links, known, known);
        for (name, link) in links {
            let reference = match link {
                Json::Object(link) => link.get("href").and_then(Json::as_str),
                link => link.as_str(),
            };
            let may_miss = ["first", "prev", "next", "last"].contains(&name.as_str());
            let sound = reference.map_or(link.is_null() && may_miss, is_uri_reference);
            if !sound {
                self.wrong(&format!("{place}/{name}"), &format!("is no link: {link}"));
            }
        }
    }
}

/// "Member Names".
pub(super) fn is_member_name(name: &str) -> bool {
    let outside = |c: char| c.is_ascii_alphanumeric() || c >= '\u{80}';
    let inside = |c: char| outside(c) || ['-', '_', ' '].contains(&c);
    name.starts_with(outside) && name.ends_with(outside) && name.chars().all(inside)
}

/// RFC 3986, as far as single characters tell.
fn is_uri_reference(text: &str) -> bool {
    let reserved = b"-._~:/?#@!$&'()*+,;=%";
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || reserved.contains(&b))
}
