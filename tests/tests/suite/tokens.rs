//! Who asks, over the wire: good tokens of every algorithm, bad ones of every kind, and keys that change.

mod bad;
mod edge;
mod good;
mod issuers;
mod rotation;

use std::path::PathBuf;
use std::sync::Arc;

use dialects::Dialect;
use proxy::app::App;
use proxy::auth::Authenticator;
use proxy::server::Settings;
use proxy::state::load::Blueprint;
use tests::Database;
use tests::server::Server;
use tests::shop::SHOP;

/// A secret that is just long enough for HS256.
const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("rg-tokens-{:016x}", fastrand::u64(..)));
        std::fs::create_dir(&folder).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn shop() -> Database {
    let database = Database::create(Dialect::Sqlite).await;
    database.execute(&(SHOP.sql)(Dialect::Sqlite)).await;
    database
}

/// A server that asks who it is, and lets whoever is somebody do everything.
async fn start(database: &Database, authenticator: Authenticator) -> Server {
    start_with(database, authenticator, Settings::default(), &Blueprint::default()).await
}

async fn start_with(
    database: &Database,
    authenticator: Authenticator,
    settings: Settings,
    blueprint: &Blueprint,
) -> Server {
    let app = App::new(database.pool.clone(), settings).unwrap().authenticating(Some(authenticator));
    app.start(blueprint).await.unwrap();
    Server::of(Arc::new(app))
}
