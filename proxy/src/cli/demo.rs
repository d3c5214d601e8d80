//! `rulegate demo`: a sample shop with its rules, and three lines to try.

use std::path::{Path, PathBuf};

use clap::Args;
use dialects::{Options, Pool};

use super::serving::Serving;
use super::{Failure, ListenArgs, announce, open, runtime};
use crate::config::project::Project;
use crate::config::{ADMIN_LISTEN, Config, DatabaseUrl, LISTEN};
use crate::server::Settings;
use crate::state::Snapshot;
use crate::state::load::Blueprint;

/// Tables and rows.
const SHOP: &str = include_str!("../../demo/shop.sql");

/// The rules, as they would stand in a project's folder.
const RULES: [(&str, &str); 2] = [
    ("rules/check_credit.yaml", include_str!("../../demo/rules/check_credit.yaml")),
    ("rules/shop.yaml", include_str!("../../demo/rules/shop.yaml")),
];

/// Serve a sample shop from a temporary SQLite file, with rules, and print lines to try. Nothing is kept.
#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    #[command(flatten)]
    listen: ListenArgs,
}

pub(super) fn run(args: DemoArgs) -> Result<(), Failure> {
    let folder = Folder::new().map_err(|error| Failure::problems(format!("a temporary folder: {error}")))?;
    let config = config(args.listen, &folder.0.join("shop.db"));
    runtime()?.block_on(async {
        let pool = open(&config)?;
        fill(&pool).await?;
        let serving = Serving::start(&config, Project::fixed(config.clone()), pool)?;
        let api = announce::shown(serving.api());
        announce::listening(&config, &serving);
        let loaded = async |_: &Pool, snapshot: &Snapshot| {
            announce::loaded(&config, snapshot);
            outln!("{}", lines_to_try(&format!("http://{api}{}", config.blueprint.api.prefix)));
        };
        serving.until_stopped(&config.blueprint, loaded).await
    })
}

fn config(listen: ListenArgs, file: &Path) -> Config {
    Config {
        database_url: DatabaseUrl::from(format!("sqlite://{}?mode=rwc", file.display())),
        database: Options::default(),
        listen: listen.listen.unwrap_or_else(|| LISTEN.into()),
        admin_listen: listen.admin_listen.unwrap_or_else(|| ADMIN_LISTEN.into()),
        server: Settings::default(),
        tls: None,
        replicas: Vec::new(),
        tracing: None,
        auth: None,
        strays: Vec::new(),
        blueprint: Blueprint {
            rule_files: RULES.iter().map(|(name, text)| ((*name).into(), (*text).into())).collect(),
            ..Blueprint::default()
        },
    }
}

async fn fill(pool: &Pool) -> Result<(), Failure> {
    let filled = pool.execute_script(SHOP).await;
    filled.map_err(|error| Failure::problems(format!("the sample shop cannot be loaded: {error}")))
}

/// A folder that goes with the process.
struct Folder(PathBuf);

impl Folder {
    fn new() -> std::io::Result<Self> {
        let name = format!("rulegate-demo-{}-{:08x}", std::process::id(), fastrand::u32(..));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be deleted is left to whoever cleans temporary files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A read, a write that rolls up, and a write that a rule refuses.
fn lines_to_try(api: &str) -> String {
    let json = "-H 'Content-Type: application/vnd.api+json'";
    format!(
        r#"
Read an order with its customer and its items:

  curl '{api}/orders/115?include=customer,items'

Add two teapots to it. Price and amount follow, the order's total, and the customer's balance, which the second line shows:

  curl -X POST '{api}/items' {json} -d '{{"data": {{"type": "items", "attributes": {{"quantity": 2}},
    "relationships": {{"order": {{"data": {{"type": "orders", "id": "115"}}}}, "product": {{"data": {{"type": "products", "id": "7"}}}}}}}}}}'
  curl '{api}/customers/13'

Order more than the customer's credit limit allows. It is refused, and nothing is written:

  curl -X PATCH '{api}/items/239' {json} -d '{{"data": {{"type": "items", "id": "239",
    "attributes": {{"quantity": 1000}}}}}}'

Stop with Ctrl-C; nothing is kept.
"#
    )
}
