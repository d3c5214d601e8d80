//! From a database and a project's files to a [`Snapshot`], or every problem found. Nothing is kept of a load that fails.

use std::path::{Path, PathBuf};

use dialects::Pool;
use introspect::{Overlay, Problem, Schema};
use rules::Checked;
use xxhash_rust::xxh3::Xxh3;

use super::{ApiSettings, Limits, Snapshot};

/// What a snapshot is made from, besides the database.
#[derive(Clone, Debug, Default)]
pub struct Blueprint {
    /// The model file.
    pub overlay: Option<Overlay>,
    /// The rule files, name and text, in the order of their names.
    pub rule_files: Vec<(String, String)>,
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
    /// What is allowed in the rule files, but hardly meant.
    pub warnings: Vec<Problem>,
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
    let Checked { rules, warnings } = check(&schema, &blueprint.rule_files)?;
    let hash = hash(&schema, blueprint);
    let snapshot = Snapshot::new(schema, rules, blueprint.api.clone(), blueprint.limits.clone());
    Ok(Loaded { snapshot, hash, warnings })
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

/// The rules of the files, checked against the schema.
fn check(schema: &Schema, files: &[(String, String)]) -> Result<Checked, LoadError> {
    rules::check(schema, files).map_err(|problems| LoadError::Problems { problems, files: files.to_vec() })
}

/// The same for the same schema, files and settings, whatever the process.
fn hash(schema: &Schema, blueprint: &Blueprint) -> String {
    let mut hash = Xxh3::new();
    hash.update(introspect::print::print(schema).as_bytes());
    hash.update(format!("{:?}{:?}", blueprint.api, blueprint.limits).as_bytes());
    let model = blueprint.overlay.iter().map(Overlay::source);
    for (name, text) in blueprint.rule_files.iter().cloned().chain(model) {
        hash.update(name.as_bytes());
        hash.update(text.as_bytes());
    }
    format!("{:016x}", hash.digest())
}

/// The rule files of a project: `rules/*.yaml` and `rules/*.yml`, named relative to it. A project without that folder has no rules.
pub fn read_rule_files(project: &Path) -> std::io::Result<Vec<(String, String)>> {
    let paths = rule_file_paths(project)?;
    paths.iter().map(|path| Ok((name(project, path), std::fs::read_to_string(path)?))).collect()
}

/// Where they are, in the order of their names.
pub fn rule_file_paths(project: &Path) -> std::io::Result<Vec<PathBuf>> {
    let folder = project.join("rules");
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
