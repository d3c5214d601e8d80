//! From a database and a project's files to a [`Snapshot`], or every problem found. Nothing is kept of a load that fails.

use std::path::{Path, PathBuf};

use dialects::Pool;
use introspect::{Overlay, Problem, Schema};
use rules::policy::{self, Access, CheckedAccess};
use rules::problem::{Place, sorted};
use rules::{Checked, RuleSet};
use xxhash_rust::xxh3::Xxh3;

use super::{ApiSettings, Limits, Snapshot, privileges};

/// What a snapshot is made from, besides the database.
#[derive(Clone, Debug, Default)]
pub struct Blueprint {
    /// The model file.
    pub overlay: Option<Overlay>,
    /// The rule files, name and text, in the order of their names.
    pub rule_files: Vec<(String, String)>,
    /// The access files, likewise.
    pub access_files: Vec<(String, String)>,
    /// Whether it is known who asks: then nothing is allowed that the access files do not grant.
    pub auth: bool,
    /// How the API looks.
    pub api: ApiSettings,
    /// Bounds on requests.
    pub limits: Limits,
}

/// A snapshot, and what names it in metrics.
#[derive(Debug)]
pub struct Loaded {
    /// The snapshot.
    pub snapshot: Snapshot,
    /// Of everything that it is made from.
    pub hash: String,
    /// What is allowed in the rule files and the access files, but hardly meant.
    pub warnings: Vec<Problem>,
    /// What rules need and the role in the database may not do, a sentence each.
    pub privileges: Vec<String>,
    /// Who may do what.
    pub access: Access,
}

/// Why there is no snapshot.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The database did not answer, or not as expected: it may be another time.
    #[error("{0}")]
    Database(introspect::Error),
    /// The files do not fit the database: a text for people, all problems in it.
    #[error("{}", rules::problem::render(.problems, .files, false))]
    Problems {
        /// The problems with their places.
        problems: Vec<Problem>,
        /// Names and texts of the files.
        files: Vec<(String, String)>,
    },
}

/// Reads the database and puts the snapshot together.
pub async fn load(pool: &Pool, blueprint: &Blueprint) -> Result<Loaded, LoadError> {
    let schema = read_schema(pool, blueprint).await?;
    let (rules, access) = check(&schema, blueprint)?;
    let hash = hash(&schema, blueprint);
    let privileges = privileges_missing(pool, &schema, &rules.rules).await;
    let warnings = sorted([rules.warnings, access.warnings].concat());
    let snapshot = Snapshot::new(schema, rules.rules, blueprint.api.clone(), blueprint.limits.clone());
    let access = access.access;
    let snapshot = if blueprint.auth { snapshot.guarded_by(access.clone()) } else { snapshot };
    Ok(Loaded { snapshot, hash, warnings, privileges, access })
}

/// Likewise, for a server.
pub async fn load_to_serve(pool: &Pool, blueprint: &Blueprint) -> Result<Loaded, LoadError> {
    blueprint.servable()?;
    load(pool, blueprint).await
}

impl Blueprint {
    /// Access files without authentication are a problem for a server: whoever wrote them believes that they hold.
    pub fn servable(&self) -> Result<(), LoadError> {
        let Some((file, _)) = self.access_files.first().filter(|_| !self.auth) else { return Ok(()) };
        let message =
            "there are access files, and no authentication: nobody is known for whom they could hold";
        let hint =
            "configure `auth` in rulegate.yaml, or take the files out of access/ to leave everything open";
        let problem = Problem {
            file: file.clone(),
            place: Place::START,
            message: message.into(),
            hint: Some(hint.into()),
        };
        Err(LoadError::Problems { problems: vec![problem], files: self.files() })
    }

    /// The files that are checked against the database, name and text.
    pub fn files(&self) -> Vec<(String, String)> {
        [self.rule_files.as_slice(), self.access_files.as_slice()].concat()
    }
}

async fn read_schema(pool: &Pool, blueprint: &Blueprint) -> Result<Schema, LoadError> {
    introspect::introspect(pool, blueprint.overlay.as_ref()).await.map_err(|error| match error {
        introspect::Error::Problems(problems) => {
            let files = blueprint.overlay.iter().map(Overlay::source).collect();
            LoadError::Problems { problems, files }
        }
        error => LoadError::Database(error),
    })
}

/// What rules need and the role may not do. Where the database cannot be asked, writes will tell.
async fn privileges_missing(pool: &Pool, schema: &Schema, rules: &RuleSet) -> Vec<String> {
    match introspect::privileges::read(pool).await {
        Ok(held) => held.map(|held| privileges::missing(schema, rules, &held)).unwrap_or_default(),
        Err(error) => {
            tracing::debug!(%error, "it is not known what the role may do");
            Vec::new()
        }
    }
}

/// The rules and the access rules of the files, checked against the schema; the problems of all of them.
fn check(schema: &Schema, blueprint: &Blueprint) -> Result<(Checked, CheckedAccess), LoadError> {
    let (files, access_files) = (&blueprint.rule_files, &blueprint.access_files);
    let rules = rules::check(schema, files);
    let access = match &rules {
        Ok(Checked { rules, .. }) => policy::check(&rules.with_virtuals(schema.clone()), rules, access_files),
        Err(_) => policy::check(&rules::with_virtuals(schema, files), &RuleSet::empty(schema), access_files),
    };
    let problems = match (rules, access) {
        (Ok(rules), Ok(access)) => return Ok((rules, access)),
        (rules, access) => [rules.err(), access.err()].into_iter().flatten().flatten().collect(),
    };
    Err(LoadError::Problems { problems: sorted(problems), files: blueprint.files() })
}

/// The same for the same schema, files and settings, whatever the process.
fn hash(schema: &Schema, blueprint: &Blueprint) -> String {
    let mut hash = Xxh3::new();
    hash.update(introspect::print::print(schema).as_bytes());
    hash.update(format!("{:?}{:?}{}", blueprint.api, blueprint.limits, blueprint.auth).as_bytes());
    let model = blueprint.overlay.iter().map(Overlay::source);
    for (name, text) in blueprint.files().into_iter().chain(model) {
        hash.update(name.as_bytes());
        hash.update(text.as_bytes());
    }
    format!("{:016x}", hash.digest())
}

/// The folder of a project's rule files.
pub const RULES: &str = "rules";

/// The folder of its access files.
pub const ACCESS: &str = "access";

/// The files in a folder of a project: `rules/*.yaml` and `rules/*.yml`, named relative to it. A project without that folder has none.
pub fn read_files(project: &Path, folder: &str) -> std::io::Result<Vec<(String, String)>> {
    let paths = file_paths(project, folder)?;
    paths.iter().map(|path| Ok((name(project, path), std::fs::read_to_string(path)?))).collect()
}

/// Where they are, in the order of their names.
pub fn file_paths(project: &Path, folder: &str) -> std::io::Result<Vec<PathBuf>> {
    let folder = project.join(folder);
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let entries: Result<Vec<PathBuf>, _> = folder.read_dir()?.map(|entry| entry.map(|e| e.path())).collect();
    let mut paths: Vec<PathBuf> = entries?.into_iter().filter(|path| is_yaml(path)).collect();
    paths.sort();
    Ok(paths)
}

fn is_yaml(path: &Path) -> bool {
    let yaml = path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
    yaml && path.is_file()
}

fn name(project: &Path, path: &Path) -> String {
    path.strip_prefix(project).unwrap_or(path).display().to_string()
}
