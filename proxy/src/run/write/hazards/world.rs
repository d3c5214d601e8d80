//! A small shop in a database of its own, and the sessions that meet in it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use dialects::{Dialect, Options, Pool, Rows, Script, Statement, Step, ValueType};
use http::{HeaderMap, Method};
use serde_json::{Value as Json, json};
use tokio::task::JoinHandle;

use crate::exchange::Request;
use crate::jsonapi::media;
use crate::jsonapi::query::ReadRequest;
use crate::observe::Metrics;
use crate::pipeline;
use crate::pipeline::answer::Terms;
use crate::pipeline::write::answer;
use crate::plan::write::{Verb, WriteRequest};
use crate::run::write::{Context, Watch};
use crate::state::{ApiSettings, Limits, Snapshot};

/// Totals and extremes over three levels, a formula that reads a parent, and one whose foreign key names the parent by a code.
pub(super) const DERIVED: &str = "
derive:
  customers.balance: sum(orders.amount where shipped is null)
  customers.order_count: count(orders)
  customers.least: min(orders.amount where shipped is null)
  customers.waiting: exists(orders where shipped is null)
  orders.amount: sum(items.amount)
  orders.dearest: max(items.amount)
  items.amount: quantity * product.price
  parcels.weight: pieces * products.weight
  shelves.held: sum(parcels.weight)
";

/// The same with a check that reads a parent, whose own total its rows feed.
pub(super) const CHECKED: &str = "
derive:
  customers.balance: sum(orders.amount where shipped is null)
  customers.order_count: count(orders)
  customers.least: min(orders.amount where shipped is null)
  customers.waiting: exists(orders where shipped is null)
  orders.amount: sum(items.amount)
  orders.dearest: max(items.amount)
  items.amount: quantity * product.price
  parcels.weight: pieces * products.weight
  shelves.held: sum(parcels.weight)
constrain:
  orders:
    - check: amount <= customer.credit_limit
      message: too much
  customers:
    - check: balance <= 3 * credit_limit
      message: too much in all
";

/// Months come where spendings name them.
pub(super) const MISSING: &str = "
derive:
  months.spent: {as: sum(spendings.amount), insert_parent: true}
";

/// Likewise, and they add up to a year that all of them share.
pub(super) const MISSING_BELOW: &str = "
derive:
  months.spent: {as: sum(spendings.amount), insert_parent: true}
  years.spent: sum(months.spent)
";

const TABLES: &str = "
create table products (id int primary key, code varchar(20) not null unique, price decimal(12,2) not null, weight decimal(12,2) not null);
create table tags (id varchar(36) primary key default (uuid()), label varchar(20));
create table customers (id int primary key, name varchar(20), credit_limit decimal(12,2) not null, balance decimal(12,2) not null, order_count int not null,
    least decimal(12,2), waiting boolean not null);
create table orders (id int primary key, customer_id int not null, shipped int, amount decimal(12,2) not null, dearest decimal(12,2),
    foreign key (customer_id) references customers (id));
create table items (id int primary key, order_id int not null, product_id int not null, quantity int not null, amount decimal(12,2) not null,
    foreign key (order_id) references orders (id) on delete cascade, foreign key (product_id) references products (id));
create table shelves (id int primary key, held decimal(12,2) not null);
create table parcels (id int primary key, product_code varchar(20) not null, shelf_id int not null, pieces int not null, weight decimal(12,2) not null,
    foreign key (product_code) references products (code), foreign key (shelf_id) references shelves (id));
create table years (id int primary key, spent decimal(12,2) not null);
create table months (id int primary key, spent decimal(12,2) not null, year_id int not null default 1, foreign key (year_id) references years (id));
create table spendings (id int primary key, month_id int not null, amount decimal(12,2) not null, foreign key (month_id) references months (id));
insert into years values (1, 0), (2, 0);
insert into products values (1, 'a', 2.00, 1.00), (2, 'b', 5.00, 2.00), (3, 'c', 1.00, 1.00);
insert into customers values (1, 'Ash', 1000, 20.00, 2, 10.00, true), (2, 'Birch', 1000, 10.00, 1, 10.00, true);
insert into orders values (1, 1, null, 10.00, 10.00), (2, 1, null, 10.00, 10.00), (3, 2, null, 10.00, 10.00);
insert into items values (1, 1, 1, 5, 10.00), (2, 2, 2, 2, 10.00), (3, 3, 2, 2, 10.00);
insert into shelves values (1, 3.00), (2, 0);
insert into parcels values (1, 'a', 1, 1, 1.00), (2, 'b', 1, 1, 2.00);
";

/// How many stored values differ from what they are derived from, or break a check.
const WRONG: &str = "
select (select count(*) from items i join products p on p.id = i.product_id where i.amount <> i.quantity * p.price)
    + (select count(*) from orders o where o.amount <> (select coalesce(sum(amount), 0) from items where order_id = o.id))
    + (select count(*) from customers c where c.order_count <> (select count(*) from orders where customer_id = c.id))
    + (select count(*) from customers c where c.balance <> (select coalesce(sum(amount), 0) from orders
        where customer_id = c.id and shipped is null))
    + (select count(*) from customers c where coalesce(c.least, -1) <> (select coalesce(min(amount), -1) from orders
        where customer_id = c.id and shipped is null))
    + (select count(*) from customers c where c.waiting <> exists (select 1 from orders where customer_id = c.id and shipped is null))
    + (select count(*) from orders o where coalesce(o.dearest, -1) <> (select coalesce(max(amount), -1) from items where order_id = o.id))
    + (select count(*) from parcels a join products p on p.code = a.product_code where a.weight <> a.pieces * p.weight)
    + (select count(*) from shelves s where s.held <> (select coalesce(sum(weight), 0) from parcels where shelf_id = s.id))
    + (select count(*) from months m where m.spent <> (select coalesce(sum(amount), 0) from spendings where month_id = m.id))
    + (select count(*) from orders o join customers c on c.id = o.customer_id where o.amount > c.credit_limit)
    + (select count(*) from customers c where c.balance > 3 * c.credit_limit)";

/// What a world is made of.
#[derive(Clone, Copy)]
pub(super) struct Case<'a> {
    /// SQL in words that all databases know.
    pub(super) tables: &'a str,
    /// A rule file.
    pub(super) rules: &'a str,
    /// A model file.
    pub(super) model: &'a str,
    /// A query of one number: how much is wrong.
    pub(super) wrong: &'a str,
}

/// How a write ended: done, or the codes of its errors.
pub(super) type Ended = Result<(), Vec<&'static str>>;

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// The shop.
pub(super) struct World {
    pub(super) pool: Arc<Pool>,
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) metrics: Arc<Metrics>,
    wrong: String,
    /// The server and the database's name there; SQLite's is in memory.
    place: Option<(Pool, String)>,
}

/// A plain session in the middle of a transaction.
pub(super) struct Held {
    /// The next statement; none: commit.
    next: mpsc::Sender<Option<String>>,
    done: tokio::sync::mpsc::UnboundedReceiver<()>,
    session: JoinHandle<dialects::Result<()>>,
}

struct Holding {
    next: mpsc::Receiver<Option<String>>,
    done: tokio::sync::mpsc::UnboundedSender<()>,
    state: Stage,
}

enum Stage {
    Begin,
    Within,
    Over,
}

impl World {
    pub(super) async fn new(dialect: Dialect, rules: &str) -> Self {
        Self::with(dialect, rules, Options::default().lock_timeout).await
    }

    pub(super) async fn with(dialect: Dialect, rules: &str, lock_timeout: Duration) -> Self {
        let tables = TABLES
            .replace("uuid()", if dialect == Dialect::Postgres { "gen_random_uuid()" } else { "uuid()" });
        let case = Case { tables: &tables, rules, model: "", wrong: WRONG };
        Self::open(dialect, case, lock_timeout).await
    }

    pub(super) async fn of(dialect: Dialect, case: Case<'_>) -> Self {
        Self::open(dialect, case, Options::default().lock_timeout).await
    }

    async fn open(dialect: Dialect, case: Case<'_>, lock_timeout: Duration) -> Self {
        let (url, place) = place(dialect).await;
        let patient = Options {
            connections_max: 24,
            acquire_timeout: Duration::from_secs(20),
            lock_timeout,
            ..Options::default()
        };
        let pool = Pool::open(&url, patient).unwrap();
        pool.execute_script(case.tables).await.unwrap();
        let model = introspect::Overlay::parse("model.yaml", case.model).unwrap();
        let schema = introspect::introspect(&pool, Some(&model)).await.unwrap();
        let rules = rules::compile(&schema, &[("rules.yaml".to_owned(), case.rules.to_owned())]).unwrap();
        let limits = Limits { tries: 20, ..Limits::default() };
        let snapshot = Arc::new(Snapshot::new(schema, rules, ApiSettings::default(), limits));
        let (metrics, wrong) = (Arc::new(Metrics::new().unwrap()), case.wrong.to_owned());
        Self { pool: Arc::new(pool), snapshot, metrics, wrong, place }
    }

    /// Starts a write through the product; `id` is the client's for a creation.
    pub(super) fn start(
        &self,
        verb: Verb,
        ty: &str,
        id: &str,
        attributes: Json,
        relationships: Json,
    ) -> JoinHandle<Ended> {
        let (pool, snapshot, metrics) = (self.pool.clone(), self.snapshot.clone(), self.metrics.clone());
        let mut body =
            json!({"data": {"type": ty, "attributes": attributes, "relationships": relationships}});
        if !id.is_empty() {
            body["data"]["id"] = id.into();
        }
        let path_id = if verb == Verb::Create { String::new() } else { id.to_owned() };
        let table = snapshot.schema.find(ty).unwrap();
        tokio::spawn(async move {
            let watch = Watch::default();
            let context = Context {
                pool: &pool,
                snapshot: &snapshot,
                metrics: &metrics,
                watch: &watch,
                spans: None,
                actor: &Arc::default(),
            };
            let body = body.to_string();
            let request = WriteRequest { id: &path_id, body: body.as_bytes(), if_match: None };
            match answer(context, table, verb, &ReadRequest::default(), request, &Terms::default()).await {
                Ok(_) => Ok(()),
                Err(errors) => Err(errors.iter().map(|error| error.code.code()).collect()),
            }
        })
    }

    /// Starts a change of a resource that is to be as it was when it had this ETag.
    pub(super) fn edit(&self, path: &str, etag: &str, document: Json) -> JoinHandle<Ended> {
        let request = request(Method::PATCH, path, media::JSON_API, document);
        self.ask(Request { headers: with(request.headers, http::header::IF_MATCH, etag), ..request })
    }

    /// Starts several operations in one request.
    pub(super) fn operations(&self, operations: Json) -> JoinHandle<Ended> {
        let document = json!({"atomic:operations": operations});
        self.ask(request(Method::POST, "/api/operations", media::JSON_API_ATOMIC, document))
    }

    fn ask(&self, request: Request) -> JoinHandle<Ended> {
        let (pool, snapshot, metrics) = (self.pool.clone(), self.snapshot.clone(), self.metrics.clone());
        tokio::spawn(async move {
            match pipeline::answer(&pool, &snapshot, &metrics, &Arc::default(), None, request).await.errors {
                None => Ok(()),
                Some(errors) => Err(errors.iter().map(|error| error.code.code()).collect()),
            }
        })
    }

    /// The ETag of a resource as it is now.
    pub(super) async fn etag(&self, path: &str) -> String {
        let request = request(Method::GET, path, media::JSON_API, Json::Null);
        let answer =
            pipeline::answer(&self.pool, &self.snapshot, &self.metrics, &Arc::default(), None, request).await;
        answer.response.headers[http::header::ETAG].to_str().unwrap().to_owned()
    }

    /// Runs a statement in a session of its own and stays in its transaction.
    pub(super) async fn hold(&self, statement: &str) -> Held {
        let (done, is_done) = tokio::sync::mpsc::unbounded_channel();
        let (next, coming) = mpsc::channel();
        let holding = Holding { next: coming, done, state: Stage::Begin };
        let pool = self.pool.clone();
        let session = tokio::spawn(async move { pool.transact(holding).await? });
        let mut held = Held { next, done: is_done, session };
        held.then(statement).await;
        held
    }

    /// Until so many sessions wait for a lock, or as many writes have ended instead.
    pub(super) async fn until_stopped(&self, sessions: usize, writes: &[&JoinHandle<Ended>]) {
        let waiting = match self.pool.dialect() {
            Dialect::Postgres => {
                "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
            }
            // InnoDB's own list of waits is refreshed only when nobody looks; on so few rows only a lock takes so long.
            _ => {
                "select count(*) from information_schema.processlist
                 where db = database() and command <> 'Sleep' and time_ms > 150 and id <> connection_id()"
            }
        };
        for _ in 0..500 {
            let ended = writes.iter().filter(|write| write.is_finished()).count();
            if self.number(waiting).await.parse::<f64>().unwrap() as usize + ended >= sessions {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("nobody waits");
    }

    /// Until a write has been tried in vain.
    pub(super) async fn until_retried(&self) {
        for _ in 0..500 {
            if self.conflicted() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("nothing is tried again");
    }

    /// One number, as text.
    pub(super) async fn number(&self, sql: &str) -> String {
        let columns = vec![ValueType::Decimal { precision: Some(12), scale: Some(2) }];
        let text = format!("select cast(({sql}) as decimal(12,2))");
        let rows = self.pool.run(vec![Statement { text, params: Vec::new(), columns }]).await.unwrap();
        rows[0].values(0)[0].decimal().unwrap().to_plain_string()
    }

    /// Whether a write has been tried again because it met another.
    pub(super) fn conflicted(&self) -> bool {
        self.metrics.render().unwrap().contains("reason=\"conflict\"")
    }

    /// Everything is right; the database goes.
    pub(super) async fn close(self) {
        assert_eq!(self.number(&self.wrong).await, "0.00", "{}", self.pool.dialect());
        self.pool.close().await;
        if let Some((admin, name)) = self.place {
            let force = if admin.dialect() == Dialect::Postgres { " with (force)" } else { "" };
            admin.execute_script(&format!("drop database {name}{force}")).await.unwrap();
        }
    }
}

/// Where a new database is, and who drops it.
async fn place(dialect: Dialect) -> (String, Option<(Pool, String)>) {
    let (variable, default) = match dialect {
        Dialect::Postgres => ("RULEGATE_TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres"),
        Dialect::Mysql => ("RULEGATE_TEST_MYSQL_URL", "mysql://root@127.0.0.1:3306/mysql"),
        Dialect::Sqlite => return ("sqlite::memory:".to_owned(), None),
    };
    let server = std::env::var(variable).unwrap_or_else(|_| default.into());
    let name = format!("rg_hazards_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let admin = Pool::open(&server, Options::default()).unwrap();
    admin.execute_script(&format!("create database {name}")).await.unwrap();
    (format!("{}/{name}", server.rsplit_once('/').unwrap().0), Some((admin, name)))
}

impl Held {
    /// Runs one more statement.
    pub(super) async fn then(&mut self, statement: &str) {
        self.next.send(Some(statement.to_owned())).unwrap();
        self.done.recv().await.unwrap();
    }

    /// Commits.
    pub(super) async fn release(self) {
        self.next.send(None).unwrap();
        self.session.await.unwrap().unwrap();
    }
}

impl Script for Holding {
    type Output = dialects::Result<()>;

    fn next(&mut self, answer: dialects::Result<Vec<Rows>>) -> Step<Self::Output> {
        match (answer, &self.state) {
            (Err(error), _) => return Step::Done(Err(error)),
            (_, Stage::Over) => return Step::Done(Ok(())),
            (_, Stage::Within) => self.done.send(()).unwrap(),
            (_, Stage::Begin) => {}
        }
        match tokio::task::block_in_place(|| self.next.recv()).unwrap() {
            Some(statement) => {
                self.state = Stage::Within;
                Step::Run(vec![plain(&statement)])
            }
            None => {
                self.state = Stage::Over;
                Step::Commit(Vec::new())
            }
        }
    }
}

fn request(method: Method, path: &str, media_type: &str, document: Json) -> Request {
    let headers = with(HeaderMap::new(), http::header::CONTENT_TYPE, media_type);
    Request {
        method,
        path: path.to_owned(),
        query: String::new(),
        headers,
        body: document.to_string().into(),
    }
}

fn with(mut headers: HeaderMap, name: http::HeaderName, value: &str) -> HeaderMap {
    headers.insert(name, value.parse().unwrap());
    headers
}

/// The order and the product of an item.
pub(super) fn linked(order: i64, product: i64) -> Json {
    json!({
        "order": {"data": {"type": "orders", "id": order.to_string()}},
        "product": {"data": {"type": "products", "id": product.to_string()}},
    })
}

fn plain(text: &str) -> Statement {
    Statement {
        text: text.to_owned(),
        params: Vec::new(),
        columns: vec![ValueType::Int(dialects::IntKind::I64)],
    }
}
