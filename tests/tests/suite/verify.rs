//! Verification: what is stored against what the rules say, found exactly, on every database.

use std::ops::ControlFlow;

use dialects::Dialect;
use proxy::plan::verify::RuleKind;
use proxy::run::verify::memory::{self, Trust};
use proxy::run::verify::{self, Context, Failure, Finding, News, Options, Report};
use rules::expr::eval::show;
use tests::Service;
use tests::database::ALL;
use tests::service::Fixture;
use tests::shop::SHOP;

/// Every way in which a stored value can depend on others: text and composite keys, parents two levels up, rounding, nulls, truth
/// values, texts that a collation takes for equal.
const LEDGER: Fixture = Fixture { sql: ledger, rules: &[("rules/ledger.yaml", RULES)] };

const RULES: &str = r#"
derive:
  entries.value:   pieces * accounts.rate / 3
  entries.label:   upper(note)
  entries.large:   pieces > 10
  entries.share:   pieces / parts
  entries.region:  accounts.banks.region
  accounts.total:  sum(entries.value where pieces > 0)
  accounts.number: count(entries)
  accounts.opened: copy(banks.region)
default:
  entries.pieces: 1
transition:
  banks.region: {Coast: [Hills]}
constrain:
  accounts:
    - check: total <= ceiling
      when: ceiling is not null
      message: too much
    - check: ceiling >= old.ceiling
      message: ceilings never fall
  entries:
    - check: value <= accounts.banks.most
      message: more than the bank allows
    - check: pieces >= 0
      operations: [insert]
      message: negative
"#;

fn ledger(dialect: Dialect) -> String {
    let text = if dialect == Dialect::Sqlite { "text" } else { "varchar(40)" };
    format!(
        "create table banks (code {text} not null primary key, region {text}, most decimal(12,2) not null);
         create table accounts (bank_code {text} not null, number_at integer not null, rate decimal(12,3),
             ceiling decimal(12,2), total decimal(12,2) not null default 0, number integer not null default 0, opened {text},
             primary key (bank_code, number_at), foreign key (bank_code) references banks (code));
         create table entries (id integer not null primary key, bank_code {text}, number_at integer, pieces integer not null,
             parts integer not null default 1, note {text}, value decimal(12,2), label {text}, large boolean, share decimal(12,4),
             region {text},
             foreign key (bank_code, number_at) references accounts (bank_code, number_at));
         insert into banks values ('a', 'Coast', 100), ('b', null, 100);
         insert into accounts values ('a', 1, 1.000, 50, 6.67, 2, 'Coast'), ('a', 2, null, null, 0, 1, 'x'), ('b', 1, 2.500, 0, 0, 0, null);
         insert into entries values
             (1, 'a', 1, 20, 3, 'Tea', 6.67, 'TEA', {yes}, 6.6667, 'Coast'),
             (2, 'a', 1, -1, 1, null, -0.33, null, {no}, -1, 'Coast'),
             (3, 'a', 2, 5, 1, 'x ', null, 'X ', {no}, 5, 'Coast'),
             (4, null, null, 7, 1, '', null, '', {no}, 7, null);",
        yes = if dialect == Dialect::Postgres { "true" } else { "1" },
        no = if dialect == Dialect::Postgres { "false" } else { "0" },
    )
}

/// What a run finds, in lines: `orders.item_count 7: 1 > 0`.
fn lines(report: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    for rule in &report.rules {
        for exception in &rule.listed {
            let what = match &exception.finding {
                Finding::Differs { stored, expected } => format!("{} > {}", show(stored), show(expected)),
                Finding::Uncomputable(_) => "no value".into(),
                Finding::Breaks(values) => {
                    values.iter().map(|(name, v)| format!("{name}={}", show(v))).collect::<Vec<_>>().join(" ")
                }
            };
            lines.push(format!("{} {}: {what}", rule.name, exception.id));
        }
    }
    lines
}

async fn verify(service: &Service, options: Options) -> Report {
    let context = Context { pool: &service.database.pool, snapshot: service.snapshot() };
    verify::run(context, options, &mut |_| ControlFlow::Continue(())).await.unwrap()
}

/// Plants errors, one after the other, and looks for exactly what each brings; batches of every size find the same.
async fn check(fixture: Fixture, cases: &[(&str, &[&str])]) {
    for dialect in ALL {
        let service = Service::start(dialect, fixture).await;
        assert_eq!(lines(&verify(&service, Options::default()).await), Vec::<String>::new(), "{dialect}");
        for (planted, expect) in cases {
            let service = Service::start(dialect, fixture).await;
            service.database.execute(planted).await;
            for batch_rows in [1, 2, 10_000] {
                let report = verify(&service, Options { batch_rows, ..Options::default() }).await;
                assert_eq!(lines(&report), *expect, "{dialect}, {batch_rows} at a time, after {planted}");
            }
            mends(&service, planted).await;
        }
    }
}

/// Mends all derived values; a second look finds none that differs.
async fn mends(service: &Service, planted: &str) {
    let repair = Options { repair: true, batch_rows: 2, ..Options::default() };
    let report = verify(service, repair).await;
    let left = |report: &Report| {
        let derivations = report.rules.iter().filter(|rule| rule.kind == RuleKind::Derivation);
        derivations.map(|rule| rule.left()).sum::<u64>()
    };
    assert_eq!(left(&report), 0, "after {planted}: {report:#?}");
    let again = verify(service, Options::default()).await;
    assert_eq!(left(&again), 0, "after {planted}: {again:#?}");
}

#[tokio::test]
async fn a_wrong_value_is_found_where_it_is_and_nowhere_else() {
    check(
        SHOP,
        &[
            (
                "update items set amount = amount + 0.01 where id = 2",
                &["items.amount 2: 21.01 > 21.00", "orders.amount_total 1: 146.00 > 146.01"],
            ),
            ("update orders set item_count = 1 where id = 7", &["orders.item_count 7: 1 > 0"]),
            (
                "update customers set balance = 0.01 where id = 6",
                &[
                    "customers.balance 6: 0.01 > 0.00",
                    "customers: balance <= credit_limit 6: balance=0.01 credit_limit=0.00",
                ],
            ),
            (
                "update customers set credit_limit = 145 where id = 1",
                &["customers: balance <= credit_limit 1: balance=146.00 credit_limit=145.00"],
            ),
            (
                "update items set quantity = 0, amount = 0, unit_price = 3 where id = 2",
                &["orders.amount_total 1: 146.00 > 125.00", "items: quantity > 0 2: quantity=0"],
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn nulls_rounding_parents_texts_and_composite_keys_are_compared_as_the_engine_would() {
    check(
        LEDGER,
        &[
            (
                "update entries set value = 6.66 where id = 1",
                &["entries.value 1: 6.66 > 6.67", "accounts.total a~1: 6.67 > 6.66"],
            ),
            ("update entries set value = 0 where id = 3", &["entries.value 3: 0.00 > null"]),
            ("update entries set value = null where id = 2", &["entries.value 2: null > -0.33"]),
            ("update entries set label = 'tea' where id = 1", &["entries.label 1: tea > TEA"]),
            ("update entries set label = 'X' where id = 3", &["entries.label 3: X > X "]),
            ("update entries set large = null where id = 4", &["entries.large 4: null > false"]),
            ("update entries set region = 'coast' where id = 1", &["entries.region 1: coast > Coast"]),
            (
                "update accounts set number = 3 where bank_code = 'a'",
                &["accounts.number a~1: 3 > 2", "accounts.number a~2: 3 > 1"],
            ),
            (
                "update accounts set ceiling = 6 where number_at = 1",
                &["accounts: total <= ceiling a~1: ceiling=6.00 total=6.67"],
            ),
            (
                "update banks set most = 6 where code = 'a'",
                &["entries: value <= accounts.banks.most 1: value=6.67 accounts.banks.most=6.00"],
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_row_for_which_a_rule_has_no_value_stands_alone() {
    for dialect in ALL {
        let service = Service::start(dialect, LEDGER).await;
        service.database.execute("update entries set parts = 0 where id in (2, 3)").await;
        let report = verify(&service, Options::default()).await;
        let found = lines(&report);
        let expect = [2, 3].map(|id| format!("entries.share {id}: no value"));
        assert_eq!(found, expect, "{dialect}");
        service.database.execute("update entries set share = 1 where id = 4").await;
        let report = verify(&service, Options { repair: true, ..Options::default() }).await;
        let share = report.rules.iter().find(|rule| rule.name == "entries.share").unwrap();
        assert_eq!((share.exceptions, share.mended, report.is_fine()), (3, Some(1), false), "{dialect}");
        let left: Vec<_> = share.listed.iter().map(|row| row.left.as_deref()).collect();
        let why = Some("entries.share: a division by zero");
        assert_eq!(left, [why, why, None], "{dialect}");
    }
}

#[tokio::test]
async fn what_holds_for_the_moment_of_a_write_alone_is_said_to_be_unverifiable() {
    let service = Service::start(Dialect::Sqlite, LEDGER).await;
    let report = verify(&service, Options::default()).await;
    let mut unverifiable: Vec<_> = report
        .rules
        .iter()
        .filter(|rule| rule.unverifiable.is_some())
        .map(|rule| rule.name.as_str())
        .collect();
    unverifiable.sort_unstable();
    let expect = [
        "accounts.opened",
        "accounts: ceiling >= old.ceiling",
        "banks.region: transition",
        "entries.pieces",
        "entries: pieces >= 0",
    ];
    assert_eq!(unverifiable, expect);
}

#[tokio::test]
async fn only_the_first_rows_are_listed_and_all_are_counted() {
    let service = Service::start(Dialect::Sqlite, SHOP).await;
    service.database.execute("update items set amount = amount + 1").await;
    let report = verify(&service, Options { listed_max: 2, batch_rows: 3, ..Options::default() }).await;
    let items = report.rules.iter().find(|rule| rule.name == "items.amount").unwrap();
    assert_eq!(items.listed.len(), 2);
    assert_eq!(items.exceptions, items.rows);
    assert!(items.rows > 3);
}

async fn trust(service: &Service) -> Option<Trust> {
    memory::trust(&service.database.pool, service.snapshot()).await.unwrap()
}

#[tokio::test]
async fn what_was_verified_is_remembered_where_setup_made_the_table() {
    for dialect in ALL {
        let service = Service::start(dialect, SHOP).await;
        assert_eq!(trust(&service).await, Some(Trust::Unknown), "{dialect}");
        assert!(!verify(&service, Options::default()).await.remembered);
        assert!(memory::create(&service.database.pool).await.unwrap(), "{dialect}");
        assert!(!memory::create(&service.database.pool).await.unwrap(), "{dialect}");
        let Some(Trust::Known { never, broken }) = trust(&service).await else { panic!("{dialect}") };
        assert_eq!((never.len(), broken.len()), (7, 0), "{dialect}: {never:?}");

        service.database.execute("update orders set item_count = 1 where id = 7").await;
        assert!(verify(&service, Options::default()).await.remembered);
        let broken = vec!["orders.item_count".to_owned()];
        assert_eq!(trust(&service).await, Some(Trust::Known { never: Vec::new(), broken }), "{dialect}");

        service.database.execute("update orders set item_count = 0 where id = 7").await;
        verify(&service, Options::default()).await;
        let fine = Some(Trust::Known { never: Vec::new(), broken: Vec::new() });
        assert_eq!(trust(&service).await, fine, "{dialect}");

        let changed = [("rules.yaml", "derive: {orders.item_count: count(items where quantity > 1)}")];
        let served = Service::serve(service.database.again(), &changed).await;
        let never = vec!["orders.item_count".to_owned()];
        assert_eq!(trust(&served).await, Some(Trust::Known { never, broken: Vec::new() }), "{dialect}");
        served.database.pool.close().await;
    }
}

#[tokio::test]
async fn the_products_own_tables_are_no_part_of_the_schema() {
    for dialect in ALL {
        let service = Service::start(dialect, SHOP).await;
        let before = introspect::introspect(&service.database.pool, None).await.unwrap();
        memory::create(&service.database.pool).await.unwrap();
        let after = introspect::introspect(&service.database.pool, None).await.unwrap();
        assert_eq!(introspect::print::print(&before), introspect::print::print(&after), "{dialect}");
    }
}

/// Verifies two rows at a time, and stops after so many batches.
async fn interrupted(service: &Service, batches: usize, resume: bool) -> Report {
    let context = Context { pool: &service.database.pool, snapshot: service.snapshot() };
    let options = Options { batch_rows: 2, resume, ..Options::default() };
    let mut left = batches;
    let mut watch = |news: News<'_>| {
        left -= usize::from(matches!(news, News::Batch(_)));
        if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    verify::run(context, options, &mut watch).await.unwrap()
}

#[tokio::test]
async fn a_run_that_was_interrupted_goes_on_where_it_stopped() {
    for dialect in ALL {
        let service = Service::start(dialect, SHOP).await;
        memory::create(&service.database.pool).await.unwrap();
        service.database.execute("update items set amount = amount + 1 where id in (1, 2, 5)").await;
        let whole = verify(&service, Options::default()).await;
        let mut seen = interrupted(&service, 2, false).await;
        let mut listed = lines(&seen);
        for _ in 0..20 {
            if !seen.stopped {
                break;
            }
            seen = interrupted(&service, 3, true).await;
            assert!(seen.resumed, "{dialect}");
            listed.extend(lines(&seen));
        }
        assert!(!seen.stopped, "{dialect}");
        assert_eq!(listed, lines(&whole), "{dialect}");
        for (resumed, whole) in seen.rules.iter().zip(&whole.rules) {
            assert_eq!((resumed.rows, resumed.exceptions), (whole.rows, whole.exceptions), "{}", whole.name);
        }
        assert!(!verify(&service, Options { resume: true, ..Options::default() }).await.resumed, "{dialect}");
    }
}

#[tokio::test]
async fn going_on_needs_the_table() {
    let service = Service::start(Dialect::Sqlite, SHOP).await;
    let context = Context { pool: &service.database.pool, snapshot: service.snapshot() };
    let options = Options { resume: true, ..Options::default() };
    let ended = verify::run(context, options, &mut |_| ControlFlow::Continue(())).await;
    assert!(matches!(ended, Err(Failure::NothingRemembered)));
}

#[tokio::test]
async fn first_runs_that_meet_both_end_and_are_remembered() {
    for dialect in ALL {
        let service = Service::start(dialect, LEDGER).await;
        memory::create(&service.database.pool).await.unwrap();
        let runs = [(); 4].map(|()| verify(&service, Options::default()));
        let reports = futures_util::future::join_all(runs).await;
        assert!(reports.iter().all(|report| report.remembered), "{dialect}");
        let trust = memory::trust(&service.database.pool, service.snapshot()).await.unwrap();
        assert!(
            matches!(&trust, Some(Trust::Known { never, .. }) if never.is_empty()),
            "{dialect}: {trust:?}"
        );
    }
}
