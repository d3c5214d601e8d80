//! Access files over the shop: what they become, and what is said about the wrong ones.

use dialects::Dialect;
use introspect::RelationshipId;
use introspect::schema::{Action as OnDelete, ColumnDefault};

use super::*;
use crate::fixture::{self, INT, Sketch, TEXT};
use crate::policy::{Authority, Grants, Rows, TableAuthority};

/// The shop with tenants, a view over its orders, a hidden table and a virtual attribute of products.
fn shop() -> (Schema, RuleSet) {
    let mut tables = fixture::shop_tables();
    for name in ["customers", "orders"] {
        let at = tables.iter().position(|sketch| sketch.table.name == name).unwrap();
        let sketch =
            tables.remove(at).column("tenant_id", INT).column("region", TEXT).column("created_by", TEXT);
        tables.insert(at, sketch);
    }
    tables.push(Sketch::new("open_orders").column("region", TEXT).with(|table| table.view = true));
    tables.push(Sketch::new("secrets").column("tenant_id", INT).with(|table| table.hidden = true));
    tables.push(Sketch::new("log").column("line", TEXT).with(|table| table.key.clear()));
    tables.push(
        Sketch::new("notes")
            .parent("order_id", "orders", OnDelete::Cascade)
            .column("line", INT)
            .column("text", TEXT)
            .column("words", INT)
            .column("renewed", TEXT)
            .with(|table| {
                table.key = vec![ColumnId(1), ColumnId(2)];
                table.columns[0].default = ColumnDefault::None;
                table.columns[3].nullable = false;
                table.columns[4].generated = Some("length(text)".into());
                table.columns[5].renewed = true;
            }),
    );
    let schema = fixture::schema(Dialect::Postgres, tables);
    let rules = fixture::rules(
        &schema,
        &format!(
            "{}\nstamp:\n  orders.notes: actor.id\n",
            fixture::SHOP_RULES
                .replace("derive:", "derive:\n  products.twice: {as: unit_price * 2, virtual: true}")
        ),
    );
    (rules.with_virtuals(schema), rules)
}

fn checked(text: &str) -> Result<CheckedAccess, Vec<Problem>> {
    let (schema, rules) = shop();
    check(&schema, &rules, &[("access/a.yaml".to_owned(), text.to_owned())])
}

/// All problems, or all warnings, without the file's name.
fn said(text: &str) -> String {
    let problems = checked(text).map_or_else(|problems| problems, |checked| checked.warnings);
    problems
        .iter()
        .map(|problem| problem.to_string().replace("access/a.yaml:", ""))
        .collect::<Vec<_>>()
        .join("\n")
}

/// What is said about entries that begin in the fourth column of the second line: `- role: …`.
fn refused(cases: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    for (entries, expected) in cases {
        let found = said(&format!("access:\n{entries}\n"));
        if found != *expected {
            wrong.push(format!("{entries}\n  found    {found}\n  expected {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What roles may do with a table.
fn table(text: &str, roles: &[&str], name: &str) -> TableAuthority {
    let (schema, _) = shop();
    let roles: Vec<String> = roles.iter().map(|role| (*role).to_owned()).collect();
    let authority = checked(text).unwrap().access.authority(&schema, &roles);
    authority.table(schema.find(name).unwrap()).unwrap().clone()
}

fn names(table: &str, columns: &BTreeSet<ColumnId>, relationships: &BTreeSet<RelationshipId>) -> Vec<String> {
    let (schema, _) = shop();
    let table = &schema[schema.find(table).unwrap()];
    let columns = columns.iter().map(|column| table[*column].name.clone());
    columns.chain(relationships.iter().map(|id| format!("{}…", table[*id].name))).collect()
}

const SALES: &str = "
access:
  - role: admin
    resource: '*'
    all: true
  - role: [sales, support]
    resource: customers
    read:   region = actor.claim('region')
    update: region = actor.claim('region')
    create: region = actor.claim('region')
    attributes: {hidden: [credit_limit], read_only: [balance, orders]}
    set: {created_by: actor.id, tenant_id: actor.claim('tenant')}
    set_on_update: {created_by: \"'nobody'\"}
  - role: '*'
    resource: [products, open_orders]
    read: true
  - every_role_but: [admin]
    every_resource_with: tenant_id
    all: tenant_id = actor.claim('tenant')
  - every_role_but: []
    resource: orders
    delete: false
";

#[test]
fn the_example_becomes_grants_and_filters() {
    assert_eq!(said(SALES), "");
    assert_eq!(checked(SALES).unwrap().access.roles(), ["admin", "sales", "support"]);
    let count = |grants: &Grants| (grants.any.len(), grants.filters.len());
    let sales = table(SALES, &["sales"], "customers");
    assert_eq!(
        [&sales.read, &sales.create, &sales.update, &sales.delete].map(count),
        [(1, 1), (1, 1), (1, 1), (0, 1)]
    );
    assert!(sales.read.any[0].rows.is_some() && sales.read.any[0].locked.is_empty());
    let create = &sales.create.any[0];
    assert_eq!(
        names("customers", &create.locked, &create.locked_relationships),
        ["balance", "credit_limit", "tenant_id", "created_by", "orders…"]
    );
    assert_eq!((create.presets.len(), sales.update.any[0].presets.len()), (2, 1));
    assert_eq!(names("customers", &sales.hidden, &sales.hidden_relationships), ["credit_limit"]);

    let admin = table(SALES, &["admin"], "customers");
    assert_eq!([&admin.read, &admin.delete].map(count), [(1, 0), (1, 0)]);
    assert_eq!(table(SALES, &["admin"], "orders").delete.filters.len(), 1);
    let both = table(SALES, &["admin", "sales"], "customers");
    assert_eq!((count(&both.read), both.hidden.is_empty()), ((2, 0), true));

    for roles in [&[][..], &["sales"], &["stranger"]] {
        assert_eq!(table(SALES, roles, "products").read.rows(), Rows::All);
        assert!(table(SALES, roles, "products").create.is_nothing());
    }
    assert!(table(SALES, &["stranger"], "customers").is_nothing());
    let view = table(SALES, &["admin"], "open_orders");
    assert!(view.read.rows() == Rows::All && view.create.is_nothing() && view.delete.is_nothing());
    for unseen in ["secrets", "log"] {
        assert!(table(SALES, &["admin"], unseen).is_nothing());
    }
}

#[test]
fn the_examples_of_the_reference_are_right() {
    let page = include_str!("../../../../docs/access.md");
    let blocks = page.split("```yaml\n").skip(1).filter_map(|rest| Some(rest.split_once("```")?.0));
    assert_eq!(blocks.clone().count(), 2);
    for block in blocks {
        assert_eq!(said(block), "", "{block}");
    }
}

#[test]
fn without_files_nothing_is_granted() {
    let (schema, rules) = shop();
    for files in [Vec::new(), vec![("a.yaml".to_owned(), "# nothing yet\n".to_owned())]] {
        let access = check(&schema, &rules, &files).unwrap().access;
        let authority: Authority = access.authority(&schema, &["admin".to_owned()]);
        assert!(schema.iter().all(|(id, _)| authority.table(id).unwrap().is_nothing()));
        assert!(!authority.is_open());
    }
}

#[test]
fn an_attribute_is_shown_by_grants_that_are_enough_for_every_row() {
    let of = |role: &str, read: &str, hidden: &str| {
        format!(
            "  - {{role: {role}, resource: customers, read: \"{read}\", attributes: {{hidden: [{hidden}]}}}}\n"
        )
    };
    let text = format!(
        "access:\n{}{}{}{}{}",
        of("a", "region = 'x'", "balance, orders"),
        of("b", "region = 'x'", "credit_limit"),
        of("c", "region = 'y'", ""),
        of("d", "true", "balance"),
        "  - {role: e, resource: customers, create: true, update: true}\n",
    );
    assert_eq!(
        said(&text),
        "6:50: `e` may update, and not read, customers (who sees no row finds none to change: grant `read`)"
    );
    for (roles, expected) in [
        (&["a"][..], &["balance", "orders…"][..]),
        (&["b"], &["credit_limit"]),
        (&["a", "b"], &[]),
        (&["a", "c"], &["balance", "orders…"]),
        (&["a", "b", "c"], &[]),
        (&["a", "d"], &["balance"]),
        (&["b", "d"], &["balance"]),
        (&["a", "b", "d"], &["balance"]),
        (&["a", "c", "d"], &["balance"]),
        (&["d"], &["balance"]),
        (&["a", "e"], &["balance", "orders…"]),
        (&["e"], &[]),
    ] {
        let found = table(&text, roles, "customers");
        assert_eq!(names("customers", &found.hidden, &found.hidden_relationships), expected, "{roles:?}");
    }
}

#[test]
fn a_relationship_to_one_is_its_foreign_key() {
    let text =
        "access:\n  - {role: a, resource: [orders, items], all: true, attributes: {hidden: [id_of]}}\n";
    assert!(said(text).starts_with("2:"), "{}", said(text));
    let text = "access:\n  - {role: a, resource: orders, all: true, attributes: {hidden: [customer], read_only: [items]}}\n";
    let orders = table(text, &["a"], "orders");
    assert_eq!(names("orders", &orders.hidden, &orders.hidden_relationships), ["customer_id", "customer…"]);
    let update = &orders.update.any[0];
    assert_eq!(
        names("orders", &update.locked, &update.locked_relationships),
        ["customer_id", "customer…", "items…"]
    );
}

#[test]
fn entries_that_do_not_go_together_are_refused() {
    refused(&[
        ("  - {rol: a, resource: orders, read: true}", "2:6: unknown key `rol` (did you mean `role`?)"),
        (
            "  - {resource: orders, read: true}",
            "2:6: this entry does not say for whom it is (write `role: name`, or `every_role_but: [name]` for a filter of all others)",
        ),
        (
            "  - {role: a, read: true}",
            "2:6: this entry does not say for which resources it is (write `resource: name`, `resource: \"*\"` or `every_resource_with: attribute`)",
        ),
        (
            "  - {role: a, every_role_but: [b], resource: orders, read: true}",
            "2:15: an entry is a grant or a filter, not both (a grant has `role`, a filter has `every_role_but`: make two entries)",
        ),
        (
            "  - {role: a, resource: orders, every_resource_with: region, read: true}",
            "2:33: one of them is too many (`every_resource_with` finds resources by an attribute, `resource` names them)",
        ),
        (
            "  - {role: a, resource: orders}",
            "2:6: this entry grants nothing (write read, create, update or delete, or all of them: `all: true`, or a condition)",
        ),
        (
            "  - {every_role_but: [], resource: orders}",
            "2:6: this entry filters nothing (write read, create, update or delete, or all of them: `all: true`, or a condition)",
        ),
        (
            "  - {role: a, resource: orders, all: true, read: region = 'x'}",
            "2:44: `all` says it of `read` already (write read, create, update and delete, each by itself)",
        ),
        (
            "  - {role: a, resource: orders, read: false}",
            "2:39: this grants nothing (what is not granted is not allowed: leave it out)",
        ),
        (
            "  - {role: a, resource: orders, read: 1 = 1 and null, delete: 'false'}",
            "2:63: this grants nothing (leave it out)",
        ),
        (
            "  - {every_role_but: a, resource: orders, read: true}",
            "2:43: this filters nothing (a filter is a condition, which must hold as well)",
        ),
        (
            "  - {every_role_but: '*', resource: orders, read: false}",
            "2:6: this filter would hold for nobody (name the roles that it leaves alone)",
        ),
        (
            "  - {every_role_but: a, resource: orders, read: region = 'x', attributes: {hidden: [region]}, set: {region: \"'x'\"}}",
            "2:63: `attributes` belongs to a grant, not to a filter (write it where a `role` is granted something)\n\
             2:95: `set` belongs to a grant, not to a filter (write it where a `role` is granted something)",
        ),
        (
            "  - {role: [a, '*'], resource: orders, read: true}",
            "2:16: \"*\" means all: no other name goes beside it",
        ),
        ("  - {role: [a, a], resource: orders, read: true}", "2:16: `a` stands here twice"),
        ("  - {role: [], resource: orders, read: true}", "2:12: a name is missing here (\"*\" means all)"),
        (
            "  - {role: a, role: b, resource: orders, read: true}",
            "2:15: `role` stands here twice (first at 2:6)",
        ),
        ("  - all", "2:5: a grant is needed here (write `- role: …`, `resource: …` and what may be done)"),
        (
            "  - {role: a, resource: orders, read: }",
            "2:37: a text is missing here (null itself, where it is meant, stands in quotes)",
        ),
        (
            "  - {}\n  -",
            "2:5: a grant is needed here (write `- role: …`, `resource: …` and what may be done)\n\
             3:4: a grant is needed here (write `- role: …`, `resource: …` and what may be done)",
        ),
        ("  a: b", "1:1: a list of grants is needed (write `- role: …`, `resource: …` and what may be done)"),
    ]);
    assert_eq!(said("acces: []"), "1:1: unknown key `acces` (did you mean `access`?)");
}

#[test]
fn resources_and_conditions_are_checked_against_the_schema() {
    refused(&[
        (
            "  - {role: a, resource: ordres, read: true}",
            "2:25: `ordres` is no resource (did you mean `orders`?)",
        ),
        (
            "  - {role: a, resource: [secrets, log], read: true}",
            "2:26: `secrets` is hidden by the model file: nobody can ask for it (leave it out)\n\
             2:35: `log` is no resource: it has no key (name one in model.yaml: `key: [column]`)",
        ),
        (
            "  - {role: a, every_resource_with: tenat_id, all: true}",
            "2:36: no resource has an attribute `tenat_id` (did you mean `tenant_id`?)",
        ),
        (
            "  - {role: a, resource: open_orders, read: true, create: true}",
            "2:25: `open_orders` is a view: nobody can create in it (write an entry of its own for it, with `read` alone)",
        ),
        (
            "  - {role: a, resource: orders, read: regoin = 'x'}",
            "2:39: orders has no column `regoin` (did you mean `region`?)",
        ),
        (
            "  - {role: a, resource: '*', read: region = 'x'}",
            "2:36: items has no column `region` (of 6 resources it does not fit: items, notes, products)",
        ),
        (
            "  - {role: a, resource: [orders, items], read: customer.region = 'x'}",
            "2:48: items has no relationship `customer` (there are: order, product; of 2 resources it does not fit: items)",
        ),
        (
            "  - {role: a, resource: orders, read: tenant_id = actor.id}",
            "2:51: in a comparison, a number and a text do not go together (actor.id is a text; actor.claim('sub') is the same, converted to what it is compared with)",
        ),
        (
            "  - {role: a, resource: orders, read: region}",
            "2:39: a condition is needed, this is a text (compare it with something)",
        ),
        (
            "  - {role: a, resource: orders, update: old.region = 'x'}",
            "2:41: `old.` is not allowed in an access rule (it holds of a row as it is and as it will be; what a change may do is said by a constraint)",
        ),
        (
            "  - {role: a, resource: products, read: twice > 2}",
            "2:41: `twice` is computed when its row is read (write here what it is computed from)",
        ),
        (
            "  - {role: a, resource: orders, all: id = actor.claim('order')}",
            "2:38: `orders.id` is drawn by the database: known only after the row is written (a row that comes or changes is judged before that: grant by itself what may be read and deleted)",
        ),
        ("  - {role: a, resource: orders, read: id = 1, update: id = 1, delete: id = 1}", ""),
        (
            "  - {role: a, resource: notes, read: true, update: words > 3}",
            "2:52: `notes.words` is computed by the database: known only after the row is written (a row that comes or changes is judged before that: grant by itself what may be read and deleted)",
        ),
    ]);
}

#[test]
fn attributes_and_presets_are_checked_against_the_schema() {
    refused(&[
        (
            "  - {role: a, resource: customers, all: true, attributes: {hidden: [credit_limt], readonly: [name]}}",
            "2:69: customers has no attribute or relationship `credit_limt` (did you mean `credit_limit`?)\n\
             2:83: unknown key `readonly` (did you mean `read_only`?)",
        ),
        (
            "  - {role: a, resource: customers, all: true, attributes: {hidden: [credit_limt]}}",
            "2:69: customers has no attribute or relationship `credit_limt` (did you mean `credit_limit`?)",
        ),
        (
            "  - {role: a, resource: [customers, orders, items], all: true, attributes: {hidden: [credit_limit]}}",
            "2:86: orders, items have no attribute or relationship `credit_limit`",
        ),
        ("  - {role: a, resource: '*', read: true, attributes: {hidden: [credit_limit]}}", ""),
        (
            "  - {role: a, resource: '*', read: true, attributes: {hidden: [credit_limits]}}",
            "2:64: none of the resources has an attribute or relationship `credit_limits` (did you mean `credit_limit`?)",
        ),
        (
            "  - {role: a, resource: orders, read: true, attributes: {hidden: [id]}}",
            "2:67: `id` is part of the key of orders (every resource shows its id: it cannot be hidden)",
        ),
        (
            "  - {role: a, resource: notes, read: true, attributes: {hidden: [order]}}",
            "2:66: the foreign key of `order` is part of the key of notes (every resource shows its id: it cannot be hidden)",
        ),
        (
            "  - {role: a, resource: orders, create: true, update: true, attributes: {hidden: [region]}}",
            "2:83: this entry hides nothing: it does not grant `read` (write it where that is granted)",
        ),
        (
            "  - {role: a, resource: orders, read: true, attributes: {read_only: [region]}, set: {region: \"'x'\"}, set_on_update: {region: \"'x'\"}}",
            "2:70: this entry needs no `read_only`: it grants neither `create` nor `update` (write it where that is granted)\n\
             2:86: this entry sets nothing on create: it does not grant it (write it where that is granted)\n\
             2:118: this entry sets nothing on update: it does not grant it (write it where that is granted)",
        ),
        (
            "  - {role: a, resource: orders, all: true, attributes: {hidden: [region], read_only: [region]}}",
            "2:87: `region` is hidden already (what is hidden cannot be written either)",
        ),
        (
            "  - {role: a, resource: orders, all: true, set: {amount_total: 1, notes: \"'x'\", tenant_id: actor.id}}",
            "2:50: `amount_total` of orders is set by a rule (it cannot be preset)\n\
             2:67: `notes` of orders is set by a rule (it cannot be preset)\n\
             2:92: `tenant_id` holds a number, this is a text (actor.id is a text; actor.claim('sub') is the same, converted to what the column holds)",
        ),
        (
            "  - {role: a, resource: orders, all: true, set: {region: tenant_id, customer: actor.claim('customer')}}",
            "2:58: a column is not allowed in a preset (it is the same for every row: there are actor, now() and today)",
        ),
        (
            "  - {role: a, resource: products, all: true, set: {twice: 2, id: 1}, set_on_update: {id: 1}}",
            "2:52: `twice` of products is computed when its row is read (it cannot be preset)\n\
             2:86: `id` of products is part of the key, which never changes (it cannot be preset)",
        ),
        (
            "  - {role: a, resource: notes, all: true, set: {words: 2, line: 1.5, text: 'x'}}",
            "2:49: `words` of notes is computed by the database (it cannot be preset)\n\
             2:65: this constant does not fit: `line` must be a whole number\n\
             2:77: a column is not allowed in a preset (YAML takes the outer quotes away: for the text, write \"'x'\")",
        ),
        (
            "  - {role: a, resource: orders, all: true, set: {customer: 1, customer_id: 2}, set_on_update: {region: 'null'}}",
            "2:63: `customer_id` is set by two lines (a relationship is its foreign key)",
        ),
        (
            "  - {role: a, resource: notes, all: true, set: {text: 'null'}}",
            "2:56: `text` is never null (YAML takes the outer quotes away: for the text, write \"'null'\")",
        ),
        (
            "  - {role: a, resource: '*', all: true, set: {createdby: actor.id}}",
            "2:47: none of the resources has an attribute `createdby` (did you mean `created_by`?)",
        ),
        ("  - {role: a, resource: '*', all: true, set: {created_by: actor.id, date_shipped: today}}", ""),
    ]);
}

#[test]
fn what_is_hardly_meant_is_warned_of() {
    refused(&[
        (
            "  - {role: a, resource: notes, all: true, attributes: {read_only: [text]}}",
            "2:68: `text` of notes is required, and whoever has this grant cannot give it (preset it: `set: {text: …}`, or grant no `create` here)",
        ),
        (
            "  - {role: a, resource: notes, all: true, attributes: {read_only: [text]}, set: {text: actor.id}}",
            "",
        ),
        (
            "  - {role: a, resource: orders, create: true}\n  - {role: a, resource: items, delete: true}",
            "2:33: nobody may read orders (grant `read` to somebody)\n3:32: nobody may read items (grant `read` to somebody)",
        ),
        (
            "  - {role: a, resource: orders, update: true}\n  - {role: b, resource: orders, read: true}",
            "2:33: `a` may update, and not read, orders (who sees no row finds none to change: grant `read`)",
        ),
        ("  - {role: a, resource: orders, update: true}\n  - {role: '*', resource: orders, read: true}", ""),
        (
            "  - {role: a, resource: [orders, items], read: id = null, delete: id is not null}",
            "2:48: this condition never holds (it grants nothing: leave it out)\n\
             2:67: this condition always holds (write `true`, where that is meant)",
        ),
        (
            "  - {every_role_but: [], resource: orders, read: 1 = 2, delete: id is not null}",
            "2:50: this condition never holds (write `false`, where that is meant)\n\
             2:65: this condition always holds (it filters nothing: leave it out)",
        ),
        (
            "  - {role: admin, resource: orders, read: true}\n  - {every_role_but: [admn], resource: orders, all: region = 'x'}",
            "3:23: nothing is granted to the role `admn` (did you mean `admin`?)",
        ),
    ]);
}
