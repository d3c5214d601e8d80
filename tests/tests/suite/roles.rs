//! Two relationships between the same two tables, and a formula that reads two levels up.

use serde_json::Value as Json;
use tests::service::Fixture;
use tests::shop::spelled;
use tests::{Document, Service, on_every_database};

const STAFF: Fixture = Fixture {
    sql: |dialect| spelled(include_str!("../../fixtures/staff.sql"), dialect),
    rules: &[("staff.yaml", include_str!("../../fixtures/staff.yaml"))],
};

/// Every stored value that differs from its recomputation, in hundredths of hundredths.
const WRONG: &str = "
select 'bonus', e.id from employees e join departments d on d.id = e.works_for_id left join regions r on r.id = d.region_id
    where coalesce(round(e.bonus * 10000), -1) <> coalesce(round(e.salary * r.factor * 10000), -1)
union all select 'salary_total', d.id from departments d where round(d.salary_total * 100) <>
    (select coalesce(sum(round(salary * 100)), 0) from employees where works_for_id = d.id)
union all select 'loan_total', d.id from departments d where round(d.loan_total * 100) <>
    (select coalesce(sum(round(salary * 100)), 0) from employees where on_loan_id = d.id)
union all select 'loan_count', d.id from departments d where d.loan_count <> (select count(*) from employees where on_loan_id = d.id)
union all select 'bonus_total', d.id from departments d where round(d.bonus_total * 10000) <>
    (select coalesce(sum(round(bonus * 10000)), 0) from employees where works_for_id = d.id)";

/// The totals of a department: salaries, loans, how many on loan, bonuses.
async fn totals(staff: &Service, department: i64) -> Vec<String> {
    assert_eq!(
        staff.database.rows(WRONG, 2).await,
        Vec::<Vec<String>>::new(),
        "{:?}",
        staff.database.dialect()
    );
    let mut totals = Vec::new();
    for name in ["salary_total", "loan_total", "loan_count", "bonus_total"] {
        totals.push(staff.attribute(&format!("/api/departments/{department}"), name).await);
    }
    totals
}

fn employee(id: &str) -> Document {
    Document::of("employees").id(id)
}

#[tokio::test]
async fn who_comes_counts_in_both_roles() {
    on_every_database(STAFF, async |staff| {
        let new = Document::of("employees")
            .attribute("salary", 500)
            .to_one("works_for", "departments", "2")
            .to_one("on_loan", "departments", "1");
        let made = staff.post("/api/employees", new).await.expect(201);
        assert_eq!(made["data"]["attributes"]["bonus"].to_string(), "100.0000");
        assert_eq!(totals(staff, 1).await, ["3000.00", "500.00", "1", "300.0000"]);
        assert_eq!(totals(staff, 2).await, ["5500.00", "1000.00", "1", "1100.0000"]);
        let at_home = Document::of("employees")
            .attribute("salary", 70)
            .to_one("works_for", "departments", "3")
            .to_one("on_loan", "departments", "3");
        let made = staff.post("/api/employees", at_home).await.expect(201);
        assert_eq!(made["data"]["attributes"]["bonus"], Json::Null);
        assert_eq!(totals(staff, 3).await, ["70.00", "70.00", "1", "0.0000"]);
    })
    .await;
}

#[tokio::test]
async fn either_role_moves_by_itself_and_both_at_once() {
    on_every_database(STAFF, async |staff| {
        staff
            .patch("/api/employees/1", employee("1").to_one("works_for", "departments", "2"))
            .await
            .expect(200);
        assert_eq!(totals(staff, 1).await, ["2000.00", "0.00", "0", "200.0000"]);
        assert_eq!(totals(staff, 2).await, ["6000.00", "1000.00", "1", "1200.0000"]);
        staff
            .patch("/api/employees/1", employee("1").to_one("on_loan", "departments", "1"))
            .await
            .expect(200);
        assert_eq!(totals(staff, 1).await, ["2000.00", "1000.00", "1", "200.0000"]);
        assert_eq!(totals(staff, 2).await, ["6000.00", "0.00", "0", "1200.0000"]);
        let swapped =
            employee("1").to_one("works_for", "departments", "1").to_one("on_loan", "departments", "2");
        staff.patch("/api/employees/1", swapped).await.expect(200);
        assert_eq!(totals(staff, 1).await, ["3000.00", "0.00", "0", "300.0000"]);
        staff.patch("/api/employees/1", employee("1").to_none("on_loan")).await.expect(200);
        assert_eq!(totals(staff, 2).await, ["5000.00", "0.00", "0", "1000.0000"]);
        staff
            .patch("/api/employees/1", employee("1").to_one("on_loan", "departments", "3"))
            .await
            .expect(200);
        assert_eq!(totals(staff, 3).await, ["0.00", "1000.00", "1", "0.0000"]);
    })
    .await;
}

#[tokio::test]
async fn a_raise_reaches_both_departments() {
    on_every_database(STAFF, async |staff| {
        staff.patch("/api/employees/1", employee("1").attribute("salary", 1500)).await.expect(200);
        assert_eq!(totals(staff, 1).await, ["3500.00", "0.00", "0", "350.0000"]);
        assert_eq!(totals(staff, 2).await, ["5000.00", "1500.00", "1", "1000.0000"]);
    })
    .await;
}

#[tokio::test]
async fn a_formula_follows_its_grandparent_its_parent_and_the_keys_on_the_way() {
    on_every_database(STAFF, async |staff| {
        let factor = |value: Json| Document::of("regions").id("1").attribute("factor", value);
        staff.patch("/api/regions/1", factor("0.15".into())).await.expect(200);
        assert_eq!(totals(staff, 1).await, ["3000.00", "0.00", "0", "450.0000"]);
        assert_eq!(staff.attribute("/api/employees/2", "bonus").await, "300.0000");
        let elsewhere = Document::of("departments").id("1").to_one("region", "regions", "2");
        staff.patch("/api/departments/1", elsewhere).await.expect(200);
        assert_eq!(totals(staff, 1).await, ["3000.00", "0.00", "0", "600.0000"]);
        staff.patch("/api/regions/1", factor("0.50".into())).await.expect(200);
        assert_eq!(totals(staff, 1).await, ["3000.00", "0.00", "0", "600.0000"]);
        staff
            .patch("/api/departments/1", Document::of("departments").id("1").to_none("region"))
            .await
            .expect(200);
        assert_eq!(staff.attribute("/api/employees/1", "bonus").await, "null");
        assert_eq!(totals(staff, 1).await, ["3000.00", "0.00", "0", "0.0000"]);
        let back = Document::of("departments").id("1").to_one("region", "regions", "1");
        staff.patch("/api/departments/1", back).await.expect(200);
        assert_eq!(totals(staff, 1).await, ["3000.00", "0.00", "0", "1500.0000"]);
        staff.patch("/api/regions/1", factor(Json::Null)).await.expect(200);
        assert_eq!(totals(staff, 1).await, ["3000.00", "0.00", "0", "0.0000"]);
    })
    .await;
}

#[tokio::test]
async fn who_goes_leaves_both_roles_and_so_do_those_whose_department_goes() {
    on_every_database(STAFF, async |staff| {
        staff.delete("/api/employees/2").await.expect(204);
        assert_eq!(totals(staff, 1).await, ["1000.00", "0.00", "0", "100.0000"]);
        staff.delete("/api/departments/1").await.expect(204);
        staff.get("/api/employees/1").await.refused(404, "not-found");
        assert_eq!(totals(staff, 2).await, ["5000.00", "0.00", "0", "1000.0000"]);
        staff.patch("/api/employees/3", employee("3").to_one("on_loan", "departments", "3")).await.expect(200);
        staff.delete("/api/departments/3").await.expect(204);
        assert_eq!(staff.get("/api/employees/3?include=on_loan").await.expect(200)["data"]["relationships"]["on_loan"]["data"], Json::Null);
        let refused = staff.delete("/api/regions/2").await.refused(409, "still-referenced");
        assert_eq!(refused["meta"]["relationship"], "departments");
        assert_eq!(totals(staff, 2).await, ["5000.00", "0.00", "0", "1000.0000"]);
    })
    .await;
}
