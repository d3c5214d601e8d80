//! Parents that come because their children name them: `insert_parent`, over keys of several columns and three levels.

use dialects::Dialect;
use serde_json::Value as Json;
use tests::document::{add, update};
use tests::service::Fixture;
use tests::shop::spelled;
use tests::{Document, Service, on_every_database};

const BUDGET: Fixture = Fixture {
    sql: |dialect| spelled(include_str!("../../fixtures/budget.sql"), dialect),
    rules: &[("budget.yaml", include_str!("../../fixtures/budget.yaml"))],
};

/// A spending in a month of 2024 or another year.
fn spending(year: i64, month: i64, amount: i64) -> Document {
    in_month(Document::of("spendings").attribute("amount", amount), year, month)
}

fn in_month(document: Document, year: i64, month: i64) -> Document {
    document.to_one("months", "months", &format!("{year}~{}~{month}", (month + 2) / 3))
}

/// What the spendings add up to, and what is stored: totals by month, quarter, year and account, all rows in the order of their keys.
async fn assert_added_up(service: &Service) {
    for (stored, summed) in [
        (
            "select m.year, m.quarter, m.month, round(m.total * 100), m.spending_count, round((m.budget - m.remaining) * 100) from months m",
            "select m.year, m.quarter, m.month, coalesce(sum(round(s.amount * 100)), 0), count(s.id), coalesce(sum(round(s.amount * 100)), 0)
             from months m left join spendings s on s.year = m.year and s.quarter = m.quarter and s.month = m.month
             group by m.year, m.quarter, m.month",
        ),
        (
            "select q.year, q.quarter, 0, round(q.total * 100), 0, 0 from quarters q",
            "select q.year, q.quarter, 0, coalesce(sum(round(m.total * 100)), 0), 0, 0
             from quarters q left join months m on m.year = q.year and m.quarter = q.quarter group by q.year, q.quarter",
        ),
        (
            "select y.year, 0, 0, round(y.total * 100), y.quarter_count, 0 from years y",
            "select y.year, 0, 0, coalesce(sum(round(q.total * 100)), 0), count(q.quarter), 0
             from years y left join quarters q on q.year = y.year group by y.year",
        ),
        (
            "select 0, 0, a.id, round(a.total * 100), 0, 0 from accounts a",
            "select 0, 0, a.id, coalesce(sum(round(s.amount * 100)), 0), 0, 0
             from accounts a left join spendings s on s.code = a.code group by a.id",
        ),
    ] {
        let ordered = |query: &str| format!("{query} order by 1, 2, 3");
        let whole = |rows: Vec<Vec<String>>| {
            let number = |cell: &String| cell.parse::<f64>().unwrap();
            rows.iter().map(|row| row.iter().map(number).collect()).collect::<Vec<Vec<f64>>>()
        };
        let (stored, summed) = (service.database.rows(&ordered(stored), 6).await, service.database.rows(&ordered(summed), 6).await);
        assert_eq!(whole(stored), whole(summed), "{:?}", service.database.dialect());
    }
}

/// How many months, quarters, years and accounts there are.
async fn counts(service: &Service) -> Vec<usize> {
    let mut counts = Vec::new();
    for ty in ["months", "quarters", "years", "accounts"] {
        let all = service.get(&format!("/api/{ty}")).await.expect(200);
        counts.push(all["data"].as_array().unwrap().len());
    }
    counts
}

#[tokio::test]
async fn a_spending_in_a_month_that_is_missing_makes_the_month() {
    on_every_database(BUDGET, async |budget| {
        let made = budget.post("/api/spendings", spending(2024, 3, 7)).await.expect(201);
        assert_eq!(made["data"]["relationships"]["months"]["data"]["id"], "2024~1~3");
        let month = budget.get("/api/months/2024~1~3").await.expect(200);
        let shown = |name: &str| month["data"]["attributes"][name].to_string();
        assert_eq!((shown("total"), shown("budget")), ("7.00".into(), "100.00".into()));
        assert_eq!((shown("remaining"), shown("spending_count")), ("93.00".into(), "1".into()));
        assert_eq!(budget.attribute("/api/quarters/2024~1", "total").await, "57.00");
        assert_eq!(budget.attribute("/api/years/2024", "total").await, "57.00");
        budget.post("/api/spendings", spending(2024, 3, 1)).await.expect(201);
        assert_eq!(budget.attribute("/api/months/2024~1~3", "total").await, "8.00");
        assert_eq!(counts(budget).await, [2, 1, 1, 1]);
        assert_added_up(budget).await;
    })
    .await;
}

#[tokio::test]
async fn month_quarter_and_year_come_together_where_all_are_missing() {
    on_every_database(BUDGET, async |budget| {
        budget.post("/api/spendings", spending(2025, 12, 7)).await.expect(201);
        for (path, total) in
            [("months/2025~4~12", "7.00"), ("quarters/2025~4", "7.00"), ("years/2025", "7.00")]
        {
            assert_eq!(budget.attribute(&format!("/api/{path}"), "total").await, total, "{path}");
        }
        assert_eq!(budget.attribute("/api/years/2025", "quarter_count").await, "1");
        assert_eq!(budget.attribute("/api/years/2025", "note").await, "\"by itself\"");
        budget.post("/api/spendings", spending(2025, 1, 5)).await.expect(201);
        assert_eq!(budget.attribute("/api/years/2025", "total").await, "12.00");
        assert_eq!(budget.attribute("/api/years/2025", "quarter_count").await, "2");
        assert_eq!(counts(budget).await, [3, 3, 2, 1]);
        assert_added_up(budget).await;
    })
    .await;
}

#[tokio::test]
async fn a_spending_that_moves_to_a_missing_month_makes_it_and_leaves_the_old_one_there() {
    on_every_database(BUDGET, async |budget| {
        let moved = in_month(Document::of("spendings").id("1"), 2024, 8);
        budget.patch("/api/spendings/1", moved.attribute("amount", 35)).await.expect(200);
        assert_eq!(budget.attribute("/api/months/2024~3~8", "total").await, "35.00");
        assert_eq!(budget.attribute("/api/months/2024~1~2", "total").await, "20.00");
        assert_eq!(budget.attribute("/api/years/2024", "total").await, "55.00");
        let nowhere = Document::of("spendings").id("1").to_none("months");
        budget.patch("/api/spendings/1", nowhere).await.expect(200);
        let back = in_month(Document::of("spendings").id("1"), 2026, 1);
        budget.patch("/api/spendings/1", back).await.expect(200);
        assert_eq!(budget.attribute("/api/months/2024~3~8", "total").await, "0.00");
        assert_eq!(counts(budget).await, [3, 3, 2, 1]);
        assert_added_up(budget).await;
    })
    .await;
}

#[tokio::test]
async fn one_part_of_a_key_is_enough_to_name_another_month_and_a_null_part_names_none() {
    on_every_database(BUDGET, async |budget| {
        let part = |value: Json| Document::of("spendings").id("2").attribute("month", value);
        budget.patch("/api/spendings/2", part(1.into())).await.expect(200);
        assert_eq!(budget.attribute("/api/months/2024~1~1", "total").await, "20.00");
        budget.patch("/api/spendings/2", part(Json::Null)).await.expect(200);
        assert_eq!(budget.attribute("/api/years/2024", "total").await, "30.00");
        let partly = Document::of("spendings").attribute("year", 2030).attribute("amount", 1);
        budget.post("/api/spendings", partly).await.expect(201);
        assert_eq!(counts(budget).await, [2, 1, 1, 1]);
        assert_added_up(budget).await;
    })
    .await;
}

#[tokio::test]
async fn a_month_whose_last_spending_goes_stays_empty() {
    on_every_database(BUDGET, async |budget| {
        let made = budget.post("/api/spendings", spending(2025, 6, 7)).await.id();
        budget.delete(&format!("/api/spendings/{made}")).await.expect(204);
        assert_eq!(budget.attribute("/api/months/2025~2~6", "total").await, "0.00");
        assert_eq!(budget.attribute("/api/months/2025~2~6", "remaining").await, "100.00");
        assert_eq!(counts(budget).await, [2, 2, 2, 1]);
        assert_added_up(budget).await;
    })
    .await;
}

#[tokio::test]
async fn an_account_that_is_named_by_its_code_comes_with_a_key_of_its_own() {
    on_every_database(BUDGET, async |budget| {
        let coded = |code: &str| spending(2024, 2, 5).attribute("code", code);
        budget.post("/api/spendings", coded("food")).await.expect(201);
        budget.post("/api/spendings", coded("food")).await.expect(201);
        budget.post("/api/spendings", coded("rent")).await.expect(201);
        let accounts = budget.get("/api/accounts?sort=code&fields[accounts]=code,total").await.expect(200);
        let totals: Vec<_> = accounts["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|a| a["attributes"]["total"].to_string())
            .collect();
        assert_eq!(totals, ["10.00", "35.00"]);
        let renamed = Document::of("spendings").id("1").attribute("code", "car");
        budget.patch("/api/spendings/1", in_month(renamed, 2023, 5)).await.expect(200);
        assert_eq!(counts(budget).await, [2, 2, 2, 3]);
        assert_added_up(budget).await;
    })
    .await;
}

#[tokio::test]
async fn several_operations_share_the_parents_that_come_and_those_that_they_add() {
    on_every_database(BUDGET, async |budget| {
        let coded =
            |month: i64, amount: i64, code: &str| spending(2025, month, amount).attribute("code", code);
        let account = Document::of("accounts").lid("a").attribute("code", "ink");
        let by_lid = in_month(Document::of("spendings").attribute("amount", 5), 2025, 1);
        let elsewhere = in_month(Document::of("spendings").lid("s"), 2025, 2);
        let operations = vec![
            add(account),
            add(by_lid.to_new("accounts", "accounts", "a")),
            add(coded(1, 7, "ink")),
            add(coded(3, 9, "pen").lid("s")),
            update(elsewhere),
            add(coded(2, 1, "pen")),
            add(Document::of("months").id("2025~2~4").attribute("budget", 50)),
            add(spending(2025, 4, 11)),
        ];
        let results = budget.operations(operations).await.expect(200);
        let of = |n: usize| &results["atomic:results"][n]["data"];
        let shown = |n: usize, name: &str| of(n)["attributes"][name].to_string();
        assert_eq!(shown(0, "total"), "12.00");
        assert_eq!(of(3)["relationships"]["months"]["data"]["id"], "2025~1~2");
        assert_eq!(shown(6, "remaining"), "39.00");
        assert_eq!(budget.attribute("/api/months/2025~1~2", "total").await, "10.00");
        assert_eq!(budget.attribute("/api/years/2025", "total").await, "33.00");
        assert_eq!(counts(budget).await, [4, 3, 2, 3]);
        assert_added_up(budget).await;
    })
    .await;
}

#[tokio::test]
async fn what_is_refused_leaves_no_parent_behind() {
    on_every_database(BUDGET, async |budget| {
        let before = counts(budget).await;
        let refused = budget.post("/api/spendings", spending(2025, 1, 1001)).await;
        assert_eq!(refused.refused(422, "constraint-violated")["detail"], "1001.00 in 2025 is too much");
        let elsewhere =
            Document::of("spendings").attribute("amount", 1).to_one("months", "months", "2025~1~7");
        let refused = budget.post("/api/spendings", elsewhere).await;
        assert_eq!(refused.refused(422, "constraint-violated")["detail"], "month 7 is not in quarter 1");
        let moved = Document::of("spendings").id("1").to_one("months", "months", "2025~1~7");
        budget.patch("/api/spendings/1", moved).await.refused(422, "constraint-violated");
        assert_eq!(counts(budget).await, before);
        assert_added_up(budget).await;
    })
    .await;
}

#[tokio::test]
async fn a_month_can_still_be_made_by_hand_and_only_once() {
    on_every_database(BUDGET, async |budget| {
        let month =
            |number: i64| Document::of("months").id(&format!("2024~1~{number}")).attribute("budget", 5);
        budget.post("/api/months", month(1)).await.expect(201);
        budget.post("/api/spendings", spending(2024, 1, 3)).await.expect(201);
        assert_eq!(budget.attribute("/api/months/2024~1~1", "remaining").await, "2.00");
        budget.post("/api/months", month(2)).await.refused(409, "duplicate");
        let quarter = Document::of("months").id("2031~2~5");
        budget.post("/api/months", quarter).await.expect(201);
        assert_eq!(budget.attribute("/api/years/2031", "quarter_count").await, "1");
        assert_added_up(budget).await;
    })
    .await;
}

const STRICT: Fixture = Fixture {
    sql: BUDGET.sql,
    rules: &[(
        "strict.yaml",
        "derive: {months.total: sum(spendings.amount), accounts.total: {as: sum(spendings.amount), insert_parent: true}}",
    )],
};

#[tokio::test]
async fn without_insert_parent_a_missing_month_is_refused() {
    on_every_database(STRICT, async |budget| {
        let both = spending(2024, 3, 7).attribute("code", "food");
        let refused = budget.post("/api/spendings", both).await.refused(404, "related-not-found");
        assert_eq!(refused["meta"]["relationship"], "months");
        assert_eq!(counts(budget).await, [1, 1, 1, 1]);
    })
    .await;
}

/// Two spellings that the database takes for one key.
fn collated(dialect: Dialect) -> String {
    let (prelude, code) = match dialect {
        Dialect::Postgres => (
            "create collation loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);",
            "varchar(10) collate loose",
        ),
        Dialect::Mysql => ("", "varchar(10) collate utf8mb4_general_ci"),
        Dialect::Sqlite => ("", "varchar(10) collate nocase"),
    };
    let tables = "
        create table labels (code {code} not null primary key, uses int not null default 0);
        create table notes (id {key}, label_code {code},
            constraint notes_label foreign key (label_code) references labels (code));";
    spelled(&format!("{prelude}{}", tables.replace("{code}", code)), dialect)
}

const LABELS: Fixture = Fixture {
    sql: collated,
    rules: &[("labels.yaml", "derive: {labels.uses: {as: count(notes), insert_parent: true}}")],
};

#[tokio::test]
async fn one_missing_parent_in_two_spellings_is_refused_and_one_that_is_there_is_found_by_any() {
    on_every_database(LABELS, async |labels| {
        let note = |code: &str| add(Document::of("notes").attribute("label_code", code));
        let refused = labels.operations(vec![note("new"), note("NEW")]).await.refused(409, "duplicate");
        assert_eq!(refused["source"]["pointer"], "/atomic:operations");
        assert!(refused["detail"].as_str().unwrap().starts_with("The missing `labels` cannot be added"));
        labels.operations(vec![note("new"), note("new")]).await.expect(200);
        labels.operations(vec![note("NEW"), note("New")]).await.expect(200);
        assert_eq!(labels.attribute("/api/labels/new", "uses").await, "4");
    })
    .await;
}
