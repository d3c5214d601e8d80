//! Claims of the actor: one value or several, and where an access rule may speak of what.

use super::*;

/// A claim that is a list.
pub(super) fn several(texts: &[&str]) -> Claim {
    Claim::List(texts.iter().map(|text| Claim::Value(Value::text(*text))).collect())
}

#[test]
fn a_value_is_looked_for_among_the_values_of_a_claim() {
    check(
        Context::Policy,
        &[
            ("quantity in actor.claim('limits')", "true"),
            ("quantity in (actor.claim('limits'))", "true"),
            ("quantity in ((actor.claim('limits')))", "true"),
            ("quantity not in actor.claim('limits')", "false"),
            ("not quantity in actor.claim('limits') or id = 7", "false"),
            ("quantity in actor.claim('limits') and id in actor.claim('limits')", "null"),
            ("id in actor.claim('limits')", "null"),
            ("id not in actor.claim('limits')", "null"),
            ("'x' in actor.claim('limits')", "true"),
            ("'y' in actor.claim('limits')", "false"),
            ("actor.claim('limit') in actor.claim('limits')", "false"),
            ("quantity in actor.claim('nobody')", "false"),
            ("amount in actor.claim('nobody')", "false"),
            ("amount in actor.claim('limits')", "null"),
            ("quantity in actor.claim('none')", "null"),
            ("quantity not in actor.claim('none')", "null"),
            ("quantity in actor.claim('limit')", "true"),
            ("quantity in (actor.claim('limits'), 3)", "true"),
            ("quantity in (actor.claim('limits'), 4)", "null"),
            ("quantity = actor.claim('limits')", "null"),
            ("order.customer_id in actor.claim('limits')", "null"),
            ("case when quantity in actor.claim('limits') then 1 else 2 end = 1", "true"),
        ],
    );
}

#[test]
fn a_claim_has_the_type_of_what_it_is_looked_for() {
    let shop = fixture::shop();
    let items = shop.find("items").unwrap();
    for (text, ty) in [
        ("quantity in actor.claim('c')", Type::Integer),
        ("order.date_shipped in actor.claim('c')", Type::Date),
        ("order.notes in actor.claim('c')", Type::Text),
        ("null in actor.claim('c')", Type::Text),
    ] {
        let (expr, _) = expression(&shop, items, text, Context::Policy).unwrap();
        assert!(matches!(&expr, Expr::InClaim(_, name, found) if name == "c" && *found == ty), "{expr:?}");
    }
}

#[test]
fn what_is_wrong_about_a_claim_is_said_where_it_stands() {
    check(
        Context::Policy,
        &[
            (
                "quantty in actor.claim('xs')",
                "[quantty] items has no column `quantty` (did you mean `quantity`?)",
            ),
            (
                "quantity in actor.claim('xs') and amnt = 1",
                "[amnt] items has no column `amnt` (did you mean `amount`?)",
            ),
            (
                "quantity in actor.claim(\"xs\")",
                "[actor.claim] a name in single quotes is missing in the brackets (write actor.claim('name'))",
            ),
            (
                "quantity = actor.id",
                "[actor.id] in a comparison, a number and a text do not go together (actor.id is a text; actor.claim('sub') is the same, converted to what it is compared with)",
            ),
            (
                "quantity in actor.claims('xs')",
                "[actor.claims] the actor has no such member (there are actor.id, actor.claim('name') and actor.has_role('name'))",
            ),
        ],
    );
}

#[test]
fn access_rules_speak_of_rows_and_the_actor_and_presets_of_the_actor_alone() {
    let policy = "it holds of a row as it is and as it will be; what a change may do is said by a constraint";
    let preset = "it is the same for every row: there are actor, now() and today";
    for (context, text, expected) in [
        (Context::Policy, "order.customer.credit_limit = 9 and today is not null", "true".to_owned()),
        (Context::Policy, "actor.has_role('sales') and actor.id = 'ann'", "true".into()),
        (
            Context::Policy,
            "quantity",
            "[quantity] a condition is needed, this is a number (compare it with something)".into(),
        ),
        (
            Context::Policy,
            "old.quantity = 1",
            format!("[old.quantity] `old.` is not allowed in an access rule ({policy})"),
        ),
        (
            Context::Policy,
            "inserting",
            format!("[inserting] `inserting` is not allowed in an access rule ({policy})"),
        ),
        (
            Context::Policy,
            "changed(quantity)",
            format!("[changed] `changed()` is not allowed in an access rule ({policy})"),
        ),
        (Context::Preset, "actor.id", "ann".into()),
        (Context::Preset, "coalesce(actor.claim('limit'), 'x')", "3".into()),
        (Context::Preset, "today", "2024-02-29".into()),
        (
            Context::Preset,
            "quantity + 1",
            format!("[quantity] a column is not allowed in a preset ({preset})"),
        ),
        (Context::Preset, "order.notes", format!("[order] a column is not allowed in a preset ({preset})")),
        (
            Context::Preset,
            "old.quantity",
            format!("[old.quantity] `old.` is not allowed in a preset ({preset})"),
        ),
    ] {
        assert_eq!(answer("items", text, context), expected, "{text}");
    }
}
