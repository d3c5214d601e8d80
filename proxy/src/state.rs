//! What one request sees: schema, rules and settings that never change while it runs.
//!
//! A reload builds the next [`Snapshot`] completely, then swaps it in.

pub(crate) mod health;
pub mod load;

mod privileges;
mod views;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use introspect::Schema;
use rules::policy::{Access, Actor, Authority};
use rules::{Engine, Facts, RuleSet};

pub use health::Readiness;
use views::Views;

/// The immutable set one request sees.
#[derive(Debug)]
pub struct Snapshot {
    /// The database's schema under its API names, as far as it is shown to whoever asks.
    pub schema: Schema,
    /// The rules.
    pub rules: Arc<RuleSet>,
    /// What follows from both, worked out once.
    pub facts: Arc<Facts>,
    /// What the roles of whoever asks may do.
    pub authority: Arc<Authority>,
    /// How the API looks.
    pub api: ApiSettings,
    /// Bounds on what one request may ask.
    pub limits: Limits,
    /// The OpenAPI document, once somebody has asked for it.
    pub openapi: OnceLock<Bytes>,
    /// Who may do what; nothing where no access rules are configured.
    access: Option<Access>,
    views: Views,
}

impl Snapshot {
    /// Puts a snapshot together, in which everything is allowed.
    pub fn new(schema: Schema, rules: RuleSet, api: ApiSettings, limits: Limits) -> Self {
        let schema = rules.with_virtuals(schema);
        let facts = Arc::new(Facts::new(&schema, &rules));
        Self {
            schema,
            rules: Arc::new(rules),
            facts,
            authority: Arc::new(Authority::open()),
            api,
            limits,
            openapi: OnceLock::new(),
            access: None,
            views: Views::default(),
        }
    }

    /// The same, in which nothing is allowed but what is granted.
    pub fn guarded_by(self, access: Access) -> Self {
        Self { access: Some(access), authority: Arc::new(Authority::new(Vec::new())), ..self }
    }

    /// Whether what is answered depends on who asks.
    pub fn is_guarded(&self) -> bool {
        !self.authority.is_open()
    }

    /// The engine over this snapshot's rules.
    pub fn engine(&self) -> Engine<'_> {
        Engine { schema: &self.schema, rules: &self.rules, facts: &self.facts }
    }

    /// The snapshot as an actor sees it. What is granted to nobody is not there by its name.
    pub fn view(self: &Arc<Self>, actor: &Actor) -> Arc<Self> {
        match &self.access {
            None => self.clone(),
            Some(access) => self.views.view(self, access, actor),
        }
    }

    /// The snapshot as whoever has this authority sees it.
    pub fn seen_with(&self, authority: Authority) -> Self {
        Self {
            schema: views::seen(&self.schema, &self.api, &authority),
            rules: self.rules.clone(),
            facts: self.facts.clone(),
            authority: Arc::new(
                authority.noted(&self.schema, self.rules.virtuals.iter().map(|shown| &shown.expr)),
            ),
            api: self.api.clone(),
            limits: self.limits.clone(),
            openapi: OnceLock::new(),
            access: None,
            views: Views::default(),
        }
    }
}

/// The `api` part of the configuration.
#[derive(Clone, Debug)]
pub struct ApiSettings {
    /// Where the API lives: `/api`.
    pub prefix: String,
    /// Prefix of links (`https://shop.example`); empty: links are path-absolute.
    pub public_url: String,
    /// Rows on a page when the client does not say.
    pub page_size: u64,
    /// Most rows on a page.
    pub page_size_max: u64,
    /// Most relationships in an include path.
    pub include_depth: usize,
    /// Whether collections always count.
    pub totals_exact: bool,
    /// How numbers are shown.
    pub numbers: Numbers,
    /// Whether foreign key columns are shown as attributes too.
    pub foreign_key_attributes: bool,
    /// Whether writes need, may have or ignore `If-Match`.
    pub optimistic_locking: OptimisticLocking,
    /// Whether answers say how long they took.
    pub server_timing: bool,
    /// The roles that may ask for a trace; none: everybody where it is not known who asks, else nobody.
    pub trace_roles: Vec<String>,
}

/// How numbers are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbers {
    /// JSON numbers where a double holds every value of the column, else strings.
    Safe,
    /// Always JSON numbers.
    Number,
    /// Always strings.
    String,
}

/// The `optimistic_locking` setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum OptimisticLocking {
    Off,
    Optional,
    Required,
}

/// The `limits` part of the configuration that the pipeline itself minds.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Deepest nesting of a JSON document.
    pub json_depth: usize,
    /// Most filter terms.
    pub filter_terms: usize,
    /// Most included resources.
    pub include_rows: usize,
    /// Most operations in one request.
    pub operations: usize,
    /// Most rows one write may touch.
    pub transaction_rows: usize,
    /// How often a write is tried.
    pub tries: u32,
    /// Whether a derived attribute in a write is always refused.
    pub strict_derived: bool,
    /// Statements that take so long are logged.
    pub slow_statement: Option<Duration>,
}

impl Default for ApiSettings {
    fn default() -> Self {
        Self {
            prefix: "/api".into(),
            public_url: String::new(),
            page_size: 20,
            page_size_max: 1000,
            include_depth: 5,
            totals_exact: false,
            numbers: Numbers::Safe,
            foreign_key_attributes: false,
            optimistic_locking: OptimisticLocking::Optional,
            server_timing: false,
            trace_roles: Vec::new(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            json_depth: 32,
            filter_terms: 100,
            include_rows: 10_000,
            operations: 100,
            transaction_rows: 10_000,
            tries: 5,
            strict_derived: false,
            slow_statement: Some(Duration::from_secs(1)),
        }
    }
}
