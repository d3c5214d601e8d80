//! What an answer must be whatever was asked: every one that the suite is given is held to JSON:API 1.1 here.
//!
//! The rows of docs/conformance.md that bind all documents name [`Exchange::assert_conformant`]'s own test,
//! `an_answer_that_breaks_the_specification_is_seen`. What is no JSON:API (pages, `/openapi.json`, exports) is passed over.

mod document;
mod errors;
mod linkage;
mod schema;

use serde_json::Value as Json;

/// A request and its answer.
pub struct Exchange<'a> {
    /// Method and target, for messages.
    pub asked: &'a str,
    /// The query string.
    pub query: &'a str,
    /// The request's body.
    pub sent: &'a [u8],
    /// The status.
    pub status: u16,
    /// The answer's headers, by names in lower case.
    pub header: &'a dyn Fn(&str) -> Option<String>,
    /// The answer's body, uncoded.
    pub body: &'a [u8],
}

impl Exchange<'_> {
    /// Stops the test where the answer is not as the specification wants it.
    #[track_caller]
    pub fn assert_conformant(&self) {
        let problems = self.problems();
        let body = || String::from_utf8_lossy(self.body).chars().take(4000).collect::<String>();
        assert!(problems.is_empty(), "{}: {}: {}\n{}", self.asked, self.status, problems.join("; "), body());
    }

    /// All that is wrong with the answer.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        self.semantics(&mut problems);
        let media_type = (self.header)("content-type").unwrap_or_default();
        if self.body.is_empty() || !media_type.starts_with("application/vnd.api+json") {
            if self.status >= 400 && !self.asked.starts_with("HEAD ") {
                problems.push(format!("an error without a document, but {media_type:?}"));
            }
            return problems;
        }
        match serde_json::from_slice::<Json>(self.body) {
            Ok(document) => self.document(&document, &media_type, &mut problems),
            Err(error) => problems.push(format!("no JSON: {error}")),
        }
        problems
    }

    /// What HTTP wants.
    fn semantics(&self, problems: &mut Vec<String>) {
        let has = |name: &str| (self.header)(name).is_some();
        let mut want = |holds: bool, what: &str| {
            if !holds {
                problems.push(what.to_owned());
            }
        };
        want(!matches!(self.status, 204 | 304) || self.body.is_empty(), "a body where there is none");
        want(self.status != 201 || has("location"), "201 without Location");
        want(self.status != 405 || has("allow"), "405 without Allow");
    }

    fn document(&self, document: &Json, media_type: &str, problems: &mut Vec<String>) {
        let vary = (self.header)("vary").unwrap_or_default();
        if !vary.split(", ").any(|name| name == "Accept") {
            problems.push("no Vary: Accept".into());
        }
        document::check(document, media_type, problems);
        linkage::check(document, self.query, problems);
        if self.status >= 400 || document.get("errors").is_some() {
            errors::check(self, document, problems);
        }
        let location = (self.header)("location").filter(|_| self.status == 201);
        let own = document.pointer("/data/links/self").and_then(Json::as_str);
        if location.as_deref().zip(own).is_some_and(|(location, own)| location != own) {
            problems.push("Location and links.self differ".into());
        }
        schema::check(document, problems);
    }
}

#[cfg(test)]
mod tests;
