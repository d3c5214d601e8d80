//! A shop of two tenants: who asks, what the access rules grant, and what that comes to in plain SQL.

use std::collections::{BTreeMap, BTreeSet};

use dialects::Value;
use introspect::Schema;
use rules::policy::{Access, Actor, Claim};
use tests::{Client, Database, Guarded};

const TABLES: &str = "
create table tenants (id integer primary key, name varchar(40) not null);
create table customers (id integer primary key, tenant_id integer not null, name varchar(40) not null, region varchar(10),
  credit_limit decimal(12,2), balance decimal(12,2) not null, foreign key (tenant_id) references tenants(id));
create table orders (id integer primary key, tenant_id integer not null, customer_id integer not null, owner varchar(40), note varchar(100),
  amount_total decimal(12,2) not null, foreign key (tenant_id) references tenants(id), foreign key (customer_id) references customers(id));
create table products (id integer primary key, name varchar(40) not null, price decimal(12,2) not null, cost decimal(12,2));
create table items (id integer primary key, tenant_id integer not null, order_id integer not null, product_id integer, quantity integer not null,
  amount decimal(12,2) not null, foreign key (tenant_id) references tenants(id), foreign key (order_id) references orders(id) on delete cascade,
  foreign key (product_id) references products(id));
create table tags (id integer primary key, word varchar(20) not null, internal integer not null);
create table order_tags (order_id integer not null, tag_id integer not null, primary key (order_id, tag_id),
  foreign key (order_id) references orders(id) on delete cascade, foreign key (tag_id) references tags(id));
";

/// Order 12 is of one tenant, its customer of the other.
const ROWS: &str = "
delete from order_tags; delete from tags; delete from items; delete from products; delete from orders; delete from customers; delete from tenants;
insert into tenants values (1, 'one'), (2, 'two');
insert into customers values (1, 1, 'Ada', 'north', 54321.5, 0), (2, 1, 'Ben', 'north', null, 0), (3, 1, 'Cyd', 'south', 54321.5, 0), (4, 1, 'Dee', null, 54321.5, 0),
  (5, 2, 'Eve', 'north', 54321.5, 0), (6, 2, 'Fay', 'south', 54321.5, 0);
insert into orders values (1, 1, 1, 'ann', 'n1', 0), (2, 1, 1, 'bob', 'n2', 0), (3, 1, 2, null, 'n3', 0), (4, 1, 3, 'ann', 'n4', 0), (5, 1, 3, 'bob', null, 0),
  (6, 1, 4, 'ann', 'n6', 0), (7, 2, 5, 'ann', 'n7', 0), (8, 2, 5, 'bob', 'n8', 0), (9, 2, 6, 'ann', 'n9', 0), (10, 2, 6, null, null, 0),
  (11, 1, 2, 'bob', 'n11', 0), (12, 1, 5, 'ann', 'n12', 0);
insert into products values (1, 'Anchor', 10.5, 4), (2, 'Bell', 3, null), (3, 'Cord', 0.25, 0.1);
insert into items values (1, 1, 1, 1, 2, 0), (2, 1, 1, 2, 1, 0), (3, 1, 2, 3, 8, 0), (4, 1, 3, 1, 1, 0), (5, 1, 4, 2, 3, 0), (6, 1, 6, 1, 1, 0),
  (7, 2, 7, 2, 2, 0), (8, 2, 8, 3, 4, 0), (9, 2, 9, 1, 5, 0), (10, 1, 11, null, 7, 0), (11, 1, 12, 2, 9, 0);
insert into tags values (1, 'red', 0), (2, 'blue', 0), (3, 'secret', 1);
insert into order_tags values (1, 1), (1, 3), (2, 2), (4, 3), (7, 1), (7, 3), (12, 1), (12, 3);
update items set amount = quantity * coalesce((select price from products where products.id = items.product_id), 0);
update orders set amount_total = coalesce((select sum(amount) from items where items.order_id = orders.id), 0);
update customers set balance = coalesce((select sum(amount_total) from orders where orders.customer_id = customers.id), 0);
";

const RULES: &str = "
derive:
  items.amount: quantity * coalesce(product.price, 0)
  orders.amount_total: sum(items.amount)
  customers.balance: sum(orders.amount_total)
constrain:
  customers:
    - check: balance <= credit_limit
      message: 'the balance {balance} of {name} exceeds {credit_limit}'
";

const ACCESS: &str = "
access:
  - role: admin
    resource: '*'
    all: true
  - role: sales
    resource: customers
    read: region = actor.claim('region')
    create: region = actor.claim('region')
    update: region = actor.claim('region')
    attributes: {hidden: [credit_limit], read_only: [name]}
    set: {tenant_id: actor.claim('tenant')}
  - role: sales
    resource: orders
    all: customer.region = actor.claim('region')
    set: {tenant_id: actor.claim('tenant'), owner: actor.id}
  - role: sales
    resource: items
    all: order.customer.region = actor.claim('region')
    set: {tenant_id: actor.claim('tenant')}
  - role: [sales, clerk]
    resource: products
    read: true
    attributes: {hidden: [cost]}
  - role: [sales, clerk]
    resource: tags
    read: internal = 0
  - role: clerk
    resource: orders
    read: owner = actor.id
    update: owner = actor.id
    attributes: {read_only: [customer, owner, tags]}
  - role: clerk
    resource: items
    read: order.owner = actor.id
    create: order.owner = actor.id
    set: {tenant_id: actor.claim('tenant')}
  - role: auditor
    resource: [customers, orders, items]
    read: true
  - role: auditor
    resource: tenants
    read: id = actor.claim('tenant')
  - every_role_but: [admin]
    every_resource_with: tenant_id
    all: tenant_id = actor.claim('tenant')
";

/// Everything that is served.
pub(super) const TYPES: [&str; 6] = ["tenants", "customers", "orders", "items", "products", "tags"];

/// Somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Who {
    pub(super) roles: &'static [&'static str],
    pub(super) tenant: Option<u32>,
    pub(super) region: Option<&'static str>,
    pub(super) id: Option<&'static str>,
}

const fn who(
    roles: &'static [&'static str],
    tenant: Option<u32>,
    region: Option<&'static str>,
    id: Option<&'static str>,
) -> Who {
    Who { roles, tenant, region, id }
}

/// All who ask.
pub(super) const EVERYBODY: [Who; 13] = [
    who(&["admin"], None, None, Some("root")),
    who(&["sales"], Some(1), Some("north"), Some("bob")),
    who(&["sales"], Some(1), Some("south"), Some("ann")),
    who(&["sales"], Some(2), Some("north"), Some("bob")),
    who(&["sales"], Some(1), None, Some("bob")),
    who(&["sales"], None, Some("north"), Some("bob")),
    who(&["clerk"], Some(1), None, Some("ann")),
    who(&["clerk"], Some(2), None, Some("ann")),
    who(&["clerk"], Some(1), None, None),
    who(&["auditor"], Some(1), None, None),
    who(&["auditor"], Some(2), None, None),
    who(&["sales", "clerk"], Some(1), Some("south"), Some("bob")),
    who(&["guest"], Some(1), Some("north"), Some("ann")),
];

/// What somebody may do with rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Read,
    Create,
    Update,
    Delete,
}

impl Who {
    fn actor(self) -> Actor {
        let mut claims = BTreeMap::new();
        if let Some(tenant) = self.tenant {
            claims.insert("tenant".to_owned(), Claim::Value(Value::Int(tenant.into())));
        }
        if let Some(region) = self.region {
            claims.insert("region".to_owned(), Claim::Value(Value::text(region)));
        }
        let roles = self.roles.iter().map(|role| (*role).to_owned()).collect();
        Actor { id: self.id.map(str::to_owned), roles, claims }
    }

    pub(super) fn is(self, role: &str) -> bool {
        self.roles.contains(&role)
    }

    /// Whether an action on a type is granted at all.
    pub(super) fn may(self, action: Action, table: &str) -> bool {
        !self.grants(action, table).is_empty()
    }

    /// Which rows of a table an action is granted on: a condition in SQL over its columns.
    pub(super) fn rows(self, action: Action, table: &str) -> String {
        let grants = self.grants(action, table);
        let granted = if grants.is_empty() { "1 = 0".to_owned() } else { grants.join(" or ") };
        let tenant = match self.tenant {
            _ if self.is("admin") || !["customers", "orders", "items"].contains(&table) => "1 = 1".to_owned(),
            Some(tenant) => format!("tenant_id = {tenant}"),
            None => "1 = 0".to_owned(),
        };
        format!("({granted}) and {tenant}")
    }

    /// The rows of a table that may be read, as a table.
    pub(super) fn readable(self, table: &str) -> String {
        format!("(select * from {table} where {})", self.rows(Action::Read, table))
    }

    /// Whether anything is granted about a type.
    pub(super) fn may_anything(self, table: &str) -> bool {
        [Action::Read, Action::Create, Action::Update, Action::Delete]
            .iter()
            .any(|action| self.may(*action, table))
    }

    /// Which orders may be changed so that they are of this customer. A clerk may not change that.
    pub(super) fn moved_order(self, customer: &str) -> String {
        let tenant = self.tenant.map_or("1 = 0".to_owned(), |tenant| format!("tenant_id = {tenant}"));
        let region = self.region.map_or("1 = 0".to_owned(), |region| format!("region = '{region}'"));
        match () {
            () if self.is("admin") => "1 = 1".to_owned(),
            () if self.is("sales") => {
                format!(
                    "{tenant} and exists (select 1 from customers c where c.id = {customer} and {region})"
                )
            }
            () => "1 = 0".to_owned(),
        }
    }

    /// The orders to which items may be added.
    pub(super) fn items_for(self) -> String {
        let region = self.region.map_or("1 = 0".to_owned(), |region| format!("region = '{region}'"));
        let owner = self.id.map_or("1 = 0".to_owned(), |id| format!("owner = '{id}'"));
        let sales = format!("customer_id in (select id from customers where {region})");
        let granted: Vec<String> = self
            .roles
            .iter()
            .map(|role| match *role {
                "admin" => "1 = 1".to_owned(),
                "sales" => sales.clone(),
                "clerk" => owner.clone(),
                _ => "1 = 0".to_owned(),
            })
            .collect();
        let of_tenant = self.is("admin") || self.tenant.is_some();
        format!(
            "select * from orders where ({}) and {}",
            granted.join(" or "),
            if of_tenant { "1 = 1" } else { "1 = 0" }
        )
    }

    fn grants(self, action: Action, table: &str) -> Vec<String> {
        self.roles.iter().filter_map(|role| self.grant(role, action, table)).collect()
    }

    fn grant(self, role: &str, action: Action, table: &str) -> Option<String> {
        use Action::{Create, Delete, Read, Update};
        let equals = |column: &str, value: Option<&str>| match value {
            Some(value) => format!("{column} = '{value}'"),
            None => "1 = 0".to_owned(),
        };
        let region = equals("region", self.region);
        let of_region = format!("select id from customers where {region}");
        let owner = equals("owner", self.id);
        match (role, table, action) {
            ("admin", ..) => Some("1 = 1".to_owned()),
            ("sales", "customers", Read | Create | Update) => Some(region),
            ("sales", "orders", _) => Some(format!("customer_id in ({of_region})")),
            ("sales", "items", _) => {
                Some(format!("order_id in (select id from orders where customer_id in ({of_region}))"))
            }
            ("sales" | "clerk", "products", Read) => Some("1 = 1".to_owned()),
            ("sales" | "clerk", "tags", Read) => Some("internal = 0".to_owned()),
            ("clerk", "orders", Read | Update) => Some(owner),
            ("clerk", "items", Read | Create) => {
                Some(format!("order_id in (select id from orders where {owner})"))
            }
            ("auditor", "customers" | "orders" | "items", Read) => Some("1 = 1".to_owned()),
            ("auditor", "tenants", Read) => {
                Some(self.tenant.map_or("1 = 0".to_owned(), |tenant| format!("id = {tenant}")))
            }
            (_, _, Create | Delete | Read | Update) => None,
        }
    }
}

/// The shop on a database.
pub(super) struct World {
    place: Guarded,
}

impl World {
    pub(super) async fn open(dialect: dialects::Dialect) -> Self {
        Self { place: Guarded::open(dialect, &format!("{TABLES}{ROWS}"), RULES, ACCESS).await }
    }

    pub(super) fn database(&self) -> &Database {
        &self.place.database
    }

    /// The whole schema.
    pub(super) fn schema(&self) -> &Schema {
        &self.place.schema
    }

    /// The access rules.
    pub(super) fn access(&self) -> &Access {
        &self.place.access
    }

    /// All rows as they were at first.
    pub(super) async fn reset(&self) {
        self.place.database.execute(ROWS).await;
    }

    pub(super) fn client(&self, who: Who) -> Client {
        self.client_of(who.actor())
    }

    pub(super) fn client_of(&self, actor: Actor) -> Client {
        self.place.client_of(actor)
    }

    /// The one column of a query.
    pub(super) async fn list(&self, query: &str) -> Vec<String> {
        self.place.database.rows(query, 1).await.into_iter().flatten().collect()
    }

    /// Likewise, whatever the order.
    pub(super) async fn set(&self, query: &str) -> BTreeSet<String> {
        self.list(query).await.into_iter().collect()
    }

    /// The ids of a table's rows that an action is granted on.
    pub(super) async fn granted(&self, who: Who, action: Action, table: &str) -> BTreeSet<String> {
        self.set(&format!("select id from {table} where {}", who.rows(action, table))).await
    }

    /// Everything that the database holds.
    pub(super) async fn everything(&self) -> Vec<Vec<Vec<String>>> {
        let mut all = Vec::new();
        for (table, columns) in [("customers", 6), ("orders", 6), ("items", 6), ("products", 4), ("tags", 3)]
        {
            all.push(self.place.database.rows(&format!("select * from {table} order by id"), columns).await);
        }
        all.push(self.place.database.rows("select * from order_tags order by order_id, tag_id", 2).await);
        all
    }
}
