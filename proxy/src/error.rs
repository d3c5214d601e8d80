//! The catalogue of errors, and the one place that turns them into HTTP.
//!
//! An [`ErrorCode`] is what a client can rely on: a stable word, a status, a fixed title and a sentence of help. An [`Error`] is one
//! occurrence with its place; a request is refused with [`Errors`], never empty.

use std::fmt;

use serde_json::{Map, Value as Json};

/// One thing wrong with a request, or with serving it.
#[derive(Clone, Debug, PartialEq)]
pub struct Error {
    /// Which.
    pub code: ErrorCode,
    /// What happened here and what to do, in a sentence for the client.
    pub detail: String,
    /// Where in the request.
    pub source: Source,
    /// Further members for machines (`attribute`, `message`, `maximum`, …).
    pub meta: Map<String, Json>,
    /// A URI for the type of error, where a profile defines one (`links.type`).
    pub ty: Option<&'static str>,
    /// For the log alone: the database's words.
    pub log: Option<String>,
}

/// Where in the request an error lies (JSON:API 1.1, "Error Objects", `source`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// Nowhere in particular.
    #[default]
    None,
    /// A JSON pointer into the request document.
    Pointer(String),
    /// A query parameter.
    Parameter(String),
    /// A header.
    Header(String),
}

/// All that is wrong with a request: one error or more.
#[derive(Clone, Debug, PartialEq)]
pub struct Errors {
    errors: Vec<Error>,
    /// The `meta` of the document that tells them (`trace`).
    pub meta: Map<String, Json>,
}

/// The result of serving a request or a part of it.
pub type Result<T> = std::result::Result<T, Errors>;

macro_rules! catalogue {
    ($($(#[$doc:meta])* $name:ident $status:literal $code:literal $title:literal $help:literal;)*) => {
        /// The closed list of what a client can be told. Codes and titles are never renamed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorCode { $($(#[$doc])* #[doc = $title] $name,)* }

        impl ErrorCode {
            /// All of them, for documentation.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The HTTP status.
            pub fn status(self) -> u16 { match self { $(Self::$name => $status,)* } }
            /// The stable word.
            pub fn code(self) -> &'static str { match self { $(Self::$name => $code,)* } }
            /// The fixed title.
            pub fn title(self) -> &'static str { match self { $(Self::$name => $title,)* } }
            /// What a client can do about it.
            pub fn help(self) -> &'static str { match self { $(Self::$name => $help,)* } }
        }
    };
}

catalogue! {
    MalformedRequest 400 "malformed-request" "The request is malformed" "Correct the request line or headers.";
    MalformedJson 400 "malformed-json" "The document is not JSON" "Send one JSON document in UTF-8.";
    MalformedDocument 400 "malformed-document" "The document is not JSON:API" "Follow the structure of JSON:API 1.1.";
    UnknownParameter 400 "unknown-parameter" "Unknown query parameter" "Use the parameters listed in the documentation.";
    InvalidParameter 400 "invalid-parameter" "Invalid query parameter" "Correct the value of the parameter.";
    InvalidFilter 400 "invalid-filter" "Invalid filter" "Filter by attributes of the resource, with known operators and fitting values.";
    InvalidSort 400 "invalid-sort" "Invalid sort" "Sort by attributes of the resource.";
    InvalidInclude 400 "invalid-include" "Invalid include" "Include relationships of the resource.";
    InvalidFields 400 "invalid-fields" "Invalid sparse fieldset" "Name attributes and relationships of the type.";
    InvalidPage 400 "invalid-page" "Invalid page" "Use whole numbers within the limits.";
    TooManyIncluded 400 "too-many-included" "Too many included resources" "Include less, or ask for smaller pages.";
    TooManyOperations 400 "too-many-operations" "Too many operations" "Send fewer operations in one request.";
    UnknownLocalId 400 "unknown-local-id" "Unknown local id" "Add the resource by an operation that stands before, with this `lid`.";
    IdempotencyNotSetUp 400 "idempotency-not-set-up" "Repeated requests cannot be told here" "Leave the header out, or have the operator run `rulegate setup`.";
    Unauthorized 401 "unauthorized" "Not authenticated" "Send a valid bearer token.";
    InvalidToken 401 "invalid-token" "The token is not accepted" "Get a new token from whoever issues them.";
    Forbidden 403 "forbidden" "Not allowed" "Ask for a role that may do this.";
    ClientIdForbidden 403 "client-id-forbidden" "Client-generated ids are not accepted here" "Leave the id out: the database draws it.";
    ReadOnly 403 "read-only" "This cannot be changed through the API" "Leave it out.";
    RelationshipRequired 403 "relationship-required" "The related resource cannot be taken away" "Give it another one, or remove it.";
    NotFound 404 "not-found" "Not found" "Check the type, the id and the path.";
    RelatedNotFound 404 "related-not-found" "The related resource does not exist" "Refer to a resource that exists.";
    MethodNotAllowed 405 "method-not-allowed" "Method not allowed" "Use one of the methods in the Allow header.";
    NotAcceptable 406 "not-acceptable" "Not acceptable" "Accept application/vnd.api+json.";
    TypeConflict 409 "type-conflict" "The type does not fit the endpoint" "Send resources of the collection's type.";
    IdConflict 409 "id-conflict" "The id does not fit the endpoint" "Send the id that is in the URL.";
    Duplicate 409 "duplicate" "A unique value is taken" "Choose another value.";
    StillReferenced 409 "still-referenced" "Other resources still refer to this one" "Remove or change them first.";
    VersionConflict 409 "version-conflict" "The resource has changed" "Read it again and repeat the change.";
    PreconditionFailed 412 "precondition-failed" "The resource has changed" "Read it again and repeat the change.";
    BodyTooLarge 413 "body-too-large" "The body is too large" "Send less at once.";
    UriTooLong 414 "uri-too-long" "The URL is too long" "Shorten the query.";
    UnsupportedMediaType 415 "unsupported-media-type" "Unsupported media type" "Send application/vnd.api+json without other parameters than ext and profile.";
    UnknownAttribute 422 "unknown-attribute" "Unknown attribute" "Use the attributes of the type.";
    UnknownRelationship 422 "unknown-relationship" "Unknown relationship" "Use the relationships of the type.";
    InvalidValue 422 "invalid-value" "The value does not fit" "Send a value of the attribute's type and size.";
    Required 422 "required" "A value is required" "Give the attribute a value.";
    DerivedOnly 422 "derived-only" "Only derived attributes were sent" "Derived attributes follow from rules: change what they are derived from.";
    ConstraintViolated 422 "constraint-violated" "A rule does not allow this" "Change the values as the message says.";
    TransitionViolated 422 "transition-violated" "No step leads to this state" "Take one of the steps that the message names.";
    StepConflict 422 "step-conflict" "A rule moves this value in the same change" "Set the value in a request that changes none of what the rule reads.";
    DatabaseConstraint 422 "database-constraint" "The database does not allow this" "Change the values so that the constraint holds.";
    DerivedOverflow 422 "derived-overflow" "A derived value does not fit its column" "Use smaller values.";
    Uncomputable 422 "uncomputable" "A rule cannot be computed with these values" "Change the values that the rule reads.";
    TooManyRows 422 "too-many-rows" "The change reaches too many rows" "Split it into smaller changes.";
    OperationsConflict 422 "operations-conflict" "Operations of one request contradict each other" "Ask for one outcome for each resource.";
    IdempotencyKeyReused 422 "idempotency-key-reused" "The key belongs to another request" "Choose a new key for each request.";
    PreconditionRequired 428 "precondition-required" "A precondition is required" "Send If-Match with the resource's ETag.";
    TooManyRequests 429 "too-many-requests" "Too many requests" "Wait as Retry-After says.";
    HeadersTooLarge 431 "headers-too-large" "The headers are too large" "Send smaller headers.";
    TriggerInterfered 500 "trigger-interfered" "A trigger changed what was written" "Have the operator look at the table's triggers: nothing was written.";
    DatabasePrivilege 500 "database-privilege" "The database's privileges do not allow this" "Tell the operator: the role that the service connects with needs a grant. Repeating does not help.";
    Internal 500 "internal" "Internal error" "Report the error's id to the operator.";
    NotInThisVersion 501 "not-in-this-version" "Not in this version" "See the documentation for what is served.";
    UpstreamFailed 502 "upstream-failed" "The application behind failed" "Try again later, or tell the operator.";
    IdentityUnavailable 503 "identity-unavailable" "Tokens cannot be checked" "Try again as Retry-After says.";
    Unavailable 503 "unavailable" "The database is not available" "Try again as Retry-After says.";
    NoWrites 503 "no-writes" "The database takes no writes" "Try again as Retry-After says, or tell the operator: it can only be read.";
    Overloaded 503 "overloaded" "The server is busy" "Try again as Retry-After says.";
    Contention 503 "contention" "Too many concurrent changes of the same rows" "Try again as Retry-After says.";
    CommitUnknown 503 "commit-unknown" "It is not known whether the change was made" "Read the resource to see whether it was.";
    Timeout 504 "timeout" "The request took too long" "Ask for less, or try again later.";
    UpstreamTimeout 504 "upstream-timeout" "The application behind took too long" "Try again later, or tell the operator.";
    StorageFull 507 "storage-full" "The database has no room" "Tell the operator: nothing was written.";
}

impl Error {
    /// An error of a code, with the sentence for the client.
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), source: Source::None, meta: Map::new(), ty: None, log: None }
    }

    /// Its place: a JSON pointer.
    pub fn at(mut self, pointer: impl Into<String>) -> Self {
        self.source = Source::Pointer(pointer.into());
        self
    }

    /// Its place: a query parameter.
    pub fn parameter(mut self, name: impl Into<String>) -> Self {
        self.source = Source::Parameter(name.into());
        self
    }

    /// Its place: a header.
    pub fn header(mut self, name: impl Into<String>) -> Self {
        self.source = Source::Header(name.into());
        self
    }

    /// A member of `meta`.
    pub fn with_meta(mut self, name: &str, value: impl Into<Json>) -> Self {
        self.meta.insert(name.into(), value.into());
        self
    }

    /// The attribute it is about, for clients that show errors at fields, with the sentence beside it.
    pub fn about(self, attribute: &str) -> Self {
        let message = self.detail.clone();
        self.with_meta("attribute", attribute).with_meta("message", message)
    }

    /// The type of error that a profile defines.
    pub fn of_type(mut self, uri: &'static str) -> Self {
        self.ty = Some(uri);
        self
    }

    /// The words for the log.
    pub fn logged(mut self, words: impl Into<String>) -> Self {
        self.log = Some(words.into());
        self
    }
}

impl Errors {
    /// All of these, or nothing when there are none.
    pub fn from_vec(errors: Vec<Error>) -> Option<Self> {
        (!errors.is_empty()).then(|| Self { errors, meta: Map::new() })
    }

    /// Each of them changed.
    pub fn map(self, change: impl Fn(Error) -> Error) -> Self {
        Self { errors: self.errors.into_iter().map(change).collect(), ..self }
    }

    /// Places within a part of the document become places in the document.
    pub fn under(self, part: &str) -> Self {
        self.map(|mut error| {
            if let Source::Pointer(pointer) = &mut error.source {
                pointer.insert_str(0, part);
            }
            error
        })
    }

    /// Of a request without a document, where there is nothing to point at.
    pub fn without_pointers(self) -> Self {
        self.map(|error| match error.source {
            Source::Pointer(_) => Error { source: Source::None, ..error },
            _ => error,
        })
    }

    /// Them, to be changed.
    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, Error> {
        self.errors.iter_mut()
    }

    /// Them, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Error> {
        self.errors.iter()
    }

    /// The status of the answer: the one they share, else the most general that fits (JSON:API 1.1, "Processing Errors").
    pub fn status(&self) -> u16 {
        let mut statuses = self.errors.iter().map(|e| e.code.status());
        let first = statuses.next().unwrap_or(500);
        let rest: Vec<u16> = statuses.collect();
        match rest.iter().all(|s| *s == first) {
            true => first,
            false if first >= 500 || rest.iter().any(|s| *s >= 500) => 500,
            false => 400,
        }
    }
}

impl IntoIterator for Errors {
    type Item = Error;
    type IntoIter = std::vec::IntoIter<Error>;

    fn into_iter(self) -> Self::IntoIter {
        self.errors.into_iter()
    }
}

impl From<Error> for Errors {
    fn from(error: Error) -> Self {
        Self { errors: vec![error], meta: Map::new() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.code(), self.detail)?;
        match &self.log {
            Some(words) => write!(f, " ({words})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

impl From<dialects::Error> for Error {
    /// What a failed statement means to a client when nobody nearer to it knows better. The database's words go to the log alone.
    fn from(error: dialects::Error) -> Self {
        use dialects::Kind;
        let (code, detail) = match error.kind {
            Kind::Unique => (ErrorCode::Duplicate, "Another resource has this value already."),
            Kind::ForeignKey | Kind::Referenced => {
                (ErrorCode::StillReferenced, "A foreign key does not allow this.")
            }
            Kind::NotNull => (ErrorCode::Required, "A required value is missing."),
            Kind::Check => (ErrorCode::DatabaseConstraint, "A constraint of the database does not hold."),
            Kind::Data => (ErrorCode::InvalidValue, "A value does not fit its column."),
            Kind::Conflict => (ErrorCode::Contention, "Other changes kept getting in the way."),
            Kind::Timeout => (ErrorCode::Timeout, "The database took too long."),
            Kind::ReadOnly => (ErrorCode::NoWrites, "The database can only be read."),
            Kind::Privilege => {
                (ErrorCode::DatabasePrivilege, "The service's role in the database lacks a privilege.")
            }
            Kind::Full => (ErrorCode::StorageFull, "The disk of the database is full."),
            Kind::Unavailable => (ErrorCode::Unavailable, "The database cannot be reached."),
            Kind::CommitUnknown => (
                ErrorCode::CommitUnknown,
                "The connection or the disk failed while the change was being committed.",
            ),
            Kind::Exhausted => (ErrorCode::Overloaded, "No database connection became free in time."),
            Kind::Other => (ErrorCode::Internal, "The database refused a statement."),
        };
        Self::new(code, detail).logged(error.to_string())
    }
}

impl From<dialects::Error> for Errors {
    fn from(error: dialects::Error) -> Self {
        Error::from(error).into()
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    fn reference() -> String {
        let mut page = String::from(
            "# Error codes\n\nEvery error is a JSON:API error object. `code` and `title` never change; `detail` says what happened in this \
             case.\nThis page is written from the catalogue in `proxy/src/error.rs`.\n\n| code | status | title | what to do |\n| --- | --- | --- | --- |\n",
        );
        for code in ErrorCode::ALL {
            let (word, status, title, help) = (code.code(), code.status(), code.title(), code.help());
            writeln!(page, "| <a id=\"{word}\"></a>`{word}` | {status} | {title} | {help} |").unwrap();
        }
        page
    }

    #[test]
    fn the_reference_lists_every_code() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/errors.md");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(path, reference()).unwrap();
        }
        assert_eq!(
            std::fs::read_to_string(path).unwrap(),
            reference(),
            "UPDATE_GOLDEN=1 rewrites docs/errors.md"
        );
    }

    #[test]
    fn several_errors_have_the_most_general_status_that_fits() {
        let status = |codes: &[ErrorCode]| {
            Errors::from_vec(codes.iter().map(|code| Error::new(*code, "")).collect()).unwrap().status()
        };
        assert_eq!(status(&[ErrorCode::Required, ErrorCode::InvalidValue]), 422);
        assert_eq!(status(&[ErrorCode::Required, ErrorCode::ReadOnly]), 400);
        assert_eq!(status(&[ErrorCode::Required, ErrorCode::Internal]), 500);
    }
}
