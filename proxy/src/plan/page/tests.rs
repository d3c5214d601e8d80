use serde_json::{Value as Json, json};

use super::*;
use crate::jsonapi::media::{CURSOR_PAGINATION, MAX_SIZE_EXCEEDED};
use crate::jsonapi::query;
use crate::state::ApiSettings;

/// The fingerprint of the order, which has one term.
const ORDER: u64 = 7;

fn asked(query: &str, profile: Option<&'static str>) -> crate::Result<Page> {
    let request = query::parse(query).unwrap();
    let api = ApiSettings { page_size_max: 100, ..ApiSettings::default() };
    build(&api, Asked { parameters: &request.page, profile, order: Some((ORDER, 1)) })
}

fn page(query: &str) -> Page {
    asked(query, None).unwrap()
}

fn cursor(id: i64) -> String {
    Cursor::Row(vec![dialects::Value::Int(id)]).text(ORDER).unwrap()
}

fn seen(rows: u64, more: bool, counted: Option<u64>) -> Seen {
    Seen {
        rows,
        more,
        counted,
        estimated: None,
        ends: (rows > 0).then(|| (cursor(1), cursor(rows.cast_signed()))),
    }
}

#[test]
fn pages_are_asked_for_by_number_or_by_offset() {
    let check = |query: &str, offset: u64, size: u64| {
        let page = page(query);
        assert_eq!((page.offset(), page.size, page.between()), (offset, size, None), "{query}");
    };
    check("", 0, 20);
    check("page[number]=3", 40, 20);
    check("page[number]=3&page[size]=5", 10, 5);
    check("page[offset]=7&page[limit]=5", 7, 5);
    check("page[offset]=7&page[size]=5", 7, 5);
    check("page[limit]=100", 0, 100);
}

#[test]
fn cursors_are_used_where_one_is_given_or_the_profile_is_asked_for() {
    let check = |query: &str, profile, expect: Option<(u64, bool)>| {
        let page = asked(query, profile).unwrap();
        assert_eq!(page.between().map(|between| (page.size, between.backward())), expect, "{query}");
    };
    let profile = Some(CURSOR_PAGINATION);
    let (after, before) = (format!("page[after]={}", cursor(1)), format!("page[before]={}", cursor(9)));
    check("page[size]=5", None, None);
    check("page[size]=5", profile, Some((5, false)));
    check("page[number]=2", profile, None);
    check("page[offset]=2", profile, None);
    check(&after, None, Some((20, false)));
    check(&format!("{before}&page[size]=3"), None, Some((3, true)));
    check(&format!("{after}&{before}"), None, Some((100, false)));
    check(&format!("{after}&{before}&page[limit]=2"), profile, Some((2, false)));
}

#[test]
fn a_page_beyond_the_bounds_is_refused() {
    let foreign = Cursor::Row(vec![dialects::Value::Int(1)]).text(ORDER + 1).unwrap();
    for (query, part) in [
        ("page[size]=101", "from 1 to 100"),
        ("page[size]=0", "from 1 to 100"),
        ("page[size]=-1", "from 1 to 100"),
        ("page[size]=%2B1", "from 1 to 100"),
        ("page[number]=0", "from 1 up"),
        ("page[number]=x", "from 1 up"),
        ("page[number]=18446744073709551615", "too large"),
        ("page[offset]=9223372036854775808", "too large"),
        ("page[number]=1&page[offset]=0", "exclude"),
        (&format!("page[number]=1&page[after]={}", cursor(1)), "exclude"),
        (&format!("page[before]={}&page[offset]=0", cursor(1)), "exclude"),
        ("page[size]=1&page[limit]=1", "the same"),
        ("page[siz]=1", "Did you mean \"size\"?"),
        ("page[aftr]=1", "Did you mean \"after\"?"),
        ("page[after]=x", "no cursor"),
        ("page[before]=", "no cursor"),
        (&format!("page[before]={foreign}"), "another"),
        ("page[total]=maybe", "true, false or estimate"),
    ] {
        let errors = asked(query, None).unwrap_err();
        let error = errors.iter().next().unwrap();
        assert!(error.detail.contains(part), "{query}: {}", error.detail);
        assert!(
            matches!(&error.source, crate::error::Source::Parameter(name) if query.contains(name)),
            "{query}"
        );
    }
}

#[test]
fn a_page_that_is_too_large_is_the_profiles_error_with_the_maximum() {
    let errors = asked("page[size]=101", None).unwrap_err();
    let error = errors.iter().next().unwrap();
    assert_eq!((&error.meta["maximum"], &error.meta["page"]), (&json!(100), &json!({"maxSize": 100})));
    assert_eq!(error.ty, Some(MAX_SIZE_EXCEEDED));
}

fn found(query: &str, profile: Option<&'static str>, seen: &Seen) -> [String; 4] {
    let request = query::parse(query).unwrap();
    let page = asked(query, profile).unwrap();
    let mut out = b"{".to_vec();
    links(&mut out, "/api/t", &request.pairs, &page, seen);
    out.push(b'}');
    let links: Json = serde_json::from_slice(&out).unwrap();
    ["first", "prev", "next", "last"].map(|name| links[name].as_str().unwrap_or("null").to_owned())
}

#[test]
fn links_keep_the_other_parameters_and_say_null_where_nothing_is_known() {
    let check = |query: &str, rows: u64, more: bool, counted: Option<u64>, expect: [&str; 4]| {
        assert_eq!(found(query, None, &seen(rows, more, counted)), expect, "{query}");
    };
    let number = |n: u32| format!("/api/t?sort=a,-b%2Cc&page%5Bsize%5D=5&page%5Bnumber%5D={n}");
    let query = "page[number]=2&sort=a,-b%2Cc&page[size]=5";
    check(query, 5, true, None, [&number(1), &number(1), &number(3), "null"]);
    check(query, 5, true, Some(23), [&number(1), &number(1), &number(3), &number(5)]);
    check(query, 5, true, Some(25), [&number(1), &number(1), &number(3), &number(5)]);
    check(query, 3, false, None, [&number(1), &number(1), "null", &number(2)]);
    check(query, 0, false, None, [&number(1), &number(1), "null", "null"]);
    let query = "page[number]=9&sort=a,-b%2Cc&page[size]=5";
    check(query, 0, false, Some(12), [&number(1), &number(3), "null", &number(3)]);
    let offset = |n: u32| format!("/api/t?page%5Boffset%5D={n}");
    check("page[offset]=7", 20, true, Some(50), [&offset(0), &offset(0), &offset(27), &offset(47)]);
    check("", 0, false, None, ["/api/t?page%5Bnumber%5D=1", "null", "null", "null"]);
}

#[test]
fn links_between_cursors_lead_on_from_the_first_and_the_last_row() {
    let profile = Some(CURSOR_PAGINATION);
    let at = |key: &str, cursor: &str| format!("/api/t?sort=a+b&page%5Bsize%5D=3&page%5B{key}%5D={cursor}");
    let start = "/api/t?sort=a+b&page%5Bsize%5D=3";
    let end = Cursor::End.text(ORDER).unwrap();
    let (first, third, last) = (cursor(1), cursor(3), at("before", &end));
    let check = |query: &str, rows: u64, more: bool, expect: [&str; 3]| {
        let query = format!("sort=a+b&page[size]=3{query}");
        let [from, rest @ ..] = found(&query, profile, &seen(rows, more, None));
        assert_eq!(from, start);
        assert_eq!(rest, expect, "{query} {rows} {more}");
    };
    let (prev, next) = (at("before", &first), at("after", &third));
    let (prev, next, last) = (prev.as_str(), next.as_str(), last.as_str());
    check("", 3, true, ["null", next, last]);
    check("", 3, false, ["null", "null", last]);
    check("", 0, false, ["null", "null", "null"]);
    let after = format!("&page[after]={}", cursor(0));
    check(&after, 3, true, [prev, next, last]);
    check(&after, 3, false, [prev, "null", last]);
    check(&after, 0, false, [last, "null", "null"]);
    let before = format!("&page[before]={}", cursor(9));
    check(&before, 3, true, [prev, next, last]);
    check(&before, 3, false, ["null", next, last]);
    check(&before, 0, false, ["null", start, "null"]);
    check(&format!("&page[before]={end}"), 3, true, [prev, "null", last]);
    let range = format!("{after}{before}");
    check(&range, 3, true, [prev, next, last]);
    check(&range, 3, false, [prev, next, last]);
    check(&range, 0, false, [&at("before", &cursor(9)), &at("after", &cursor(0)), "null"]);
    check(&format!("{after}&page[before]={end}"), 3, false, [prev, "null", last]);
}

#[test]
fn the_total_is_told_when_it_is_known() {
    let check = |query: &str, profile, seen: Seen, expect: Json| {
        let page = asked(query, profile).unwrap();
        assert_eq!(Json::Object(page.meta(&seen)), expect, "{query}");
    };
    let profile = Some(CURSOR_PAGINATION);
    let query = "page[number]=2&page[size]=5";
    check(query, None, seen(5, true, None), json!({}));
    let last = json!({"number": 2, "size": 5, "pages": 2, "total": 8});
    check(query, None, seen(3, false, None), json!({"total": 8, "count": 8, "page": last}));
    check("", profile, seen(3, false, None), json!({"total": 3, "count": 3, "page": {"total": 3}}));
    let after = format!("page[after]={}", cursor(1));
    check(&after, None, seen(3, false, None), json!({}));
    check(&after, None, seen(3, false, Some(9)), json!({"total": 9, "count": 9, "page": {"total": 9}}));
    let range = format!("{after}&page[before]={}", cursor(9));
    check(&range, None, seen(3, false, None), json!({}));
    check(&range, None, seen(3, true, None), json!({"page": {"rangeTruncated": true}}));
}

#[test]
fn an_estimate_is_told_as_one_and_never_below_what_has_shown() {
    let check = |query: &str, profile, estimated: u64, seen: Seen, expect: Json| {
        let page = asked(query, profile).unwrap();
        let seen = Seen { estimated: Some(estimated), ..seen };
        assert_eq!(Json::Object(page.meta(&seen)), expect, "{query}");
        let [.., last] = found(query, profile, &seen);
        assert_eq!(last == "null", page.total(&seen).is_none() && profile.is_none(), "{query}");
    };
    let guess = |guess: u64| json!({"bestGuess": guess});
    let page = json!({"number": 2, "size": 5, "estimatedTotal": guess(70)});
    let query = "page[total]=estimate&page[number]=2&page[size]=5";
    check(query, None, 70, seen(5, true, None), json!({"total": 70, "count": 70, "page": page}));
    let page = json!({"number": 2, "size": 5, "estimatedTotal": guess(11)});
    check(query, None, 3, seen(5, true, None), json!({"total": 11, "count": 11, "page": page}));
    let page = json!({"number": 2, "size": 5, "total": 8, "pages": 2});
    check(query, None, 70, seen(3, false, None), json!({"total": 8, "count": 8, "page": page}));
    let page = json!({"estimatedTotal": guess(70)});
    let query = "page[total]=estimate&page[size]=5";
    check(
        query,
        Some(CURSOR_PAGINATION),
        70,
        seen(5, true, None),
        json!({"total": 70, "count": 70, "page": page}),
    );
}
