//! Dates, times and intervals.

use super::{Context, answer};

#[test]
fn an_interval_is_no_more_than_its_words() {
    let said = |text: &str| answer("items", text, Context::Default);
    assert_eq!(said("today + interval '3 days'"), "2024-03-03");
    for text in [
        "today + interval '3' day (2)",
        "today + interval '3' day to second",
        "now() + interval '3' second (2, 3)",
    ] {
        assert!(said(text).starts_with('['), "{text}: {}", said(text));
    }
}

#[test]
fn an_interval_reaches_over_all_years_and_no_further() {
    let beyond = "error: a date outside of the years 1 to 9999";
    for (most, more) in [
        ("4000000 days", "4000001 days"),
        ("-4000000 days", "-4000001 days"),
        ("133333 months", "133334 months"),
        ("96000000 hours", "96000024 hours"),
    ] {
        let said =
            |interval: &str| answer("items", &format!("now() + interval '{interval}'"), Context::Default);
        assert_eq!(said(most), beyond, "{most}");
        assert!(said(more).contains("this interval is not understood"), "{more}: {}", said(more));
    }
}

#[test]
fn an_interval_of_both_signs_goes_step_by_step() {
    let said = |text: &str| answer("items", text, Context::Default);
    assert_eq!(said("today + interval '1 month -1 day'"), "2024-03-28");
    assert_eq!(said("date '9999-12-31' + interval '1 day -1 month'"), "9999-12-01");
    let beyond = "error: a date outside of the years 1 to 9999";
    assert_eq!(said("date '9999-12-31' + interval '1 month -40 days'"), beyond);
    assert_eq!(said("date '0001-01-01' - interval '1 day -24 hours'"), beyond);
}

#[test]
fn a_time_is_cast_from_a_moment_and_to_itself() {
    let said = |text: &str| answer("items", text, Context::Default);
    assert_eq!(said("cast(cast(now() as time) as time)"), "12:00:00");
    assert!(said("cast(today as time)").contains("cannot be cast"));
    assert!(said("case when cast(now() as time) = 'noon' then 1 end").contains("write times as '13:45:00'"));
}

#[test]
fn the_moment_is_asked_for_without_arguments() {
    let said = |text: &str| answer("items", text, Context::Default);
    assert_eq!(said("now()"), "2024-02-29 12:00:00Z");
    assert_eq!(said("now(3)"), "[now] now takes no arguments, not 1");
}
