use super::*;
use crate::jsonapi::query;

fn page(query: &str) -> std::result::Result<Page, String> {
    let request = query::parse(query).unwrap();
    let api = ApiSettings { page_size_max: 100, ..ApiSettings::default() };
    build(&api, &request.page).map_err(|errors| errors.iter().next().unwrap().detail.clone())
}

#[test]
fn pages_are_asked_for_by_number_or_by_offset() {
    let check = |query: &str, offset: u64, size: u64| {
        let page = page(query).unwrap();
        assert_eq!((page.offset, page.size), (offset, size), "{query}");
    };
    check("", 0, 20);
    check("page[number]=3", 40, 20);
    check("page[number]=3&page[size]=5", 10, 5);
    check("page[offset]=7&page[limit]=5", 7, 5);
    check("page[offset]=7&page[size]=5", 7, 5);
    check("page[limit]=100", 0, 100);
}

#[test]
fn a_page_beyond_the_bounds_is_refused() {
    for (query, part) in [
        ("page[size]=101", "from 1 to 100"),
        ("page[size]=0", "from 1 to 100"),
        ("page[size]=-1", "from 1 to 100"),
        ("page[number]=0", "from 1 up"),
        ("page[number]=x", "from 1 up"),
        ("page[number]=18446744073709551615", "too large"),
        ("page[offset]=9223372036854775808", "too large"),
        ("page[number]=1&page[offset]=0", "exclude"),
        ("page[size]=1&page[limit]=1", "the same"),
        ("page[siz]=1", "Did you mean \"size\"?"),
        ("page[after]=x", "not served"),
        ("page[total]=maybe", "true or false"),
    ] {
        let detail = page(query).unwrap_err();
        assert!(detail.contains(part), "{query}: {detail}");
    }
}

#[test]
fn links_keep_the_other_parameters_and_say_null_where_nothing_is_known() {
    let check = |query: &str, rows: u64, more: bool, counted: Option<u64>, expect: [&str; 4]| {
        let request = query::parse(query).unwrap();
        let page = build(&ApiSettings::default(), &request.page).unwrap();
        let mut out = b"{".to_vec();
        page.links(&mut out, "/api/t", &request.pairs, Seen { rows, more, counted });
        out.push(b'}');
        let links: Json = serde_json::from_slice(&out).unwrap();
        let found =
            ["first", "prev", "next", "last"].map(|name| links[name].as_str().unwrap_or("null").to_owned());
        assert_eq!(found, expect, "{query}");
    };
    let number = |n: u32| format!("/api/t?sort=a,-b&page%5Bsize%5D=5&page%5Bnumber%5D={n}");
    let query = "page[number]=2&sort=a,-b&page[size]=5";
    check(query, 5, true, None, [&number(1), &number(1), &number(3), "null"]);
    check(query, 5, true, Some(23), [&number(1), &number(1), &number(3), &number(5)]);
    check(query, 3, false, None, [&number(1), &number(1), "null", &number(2)]);
    check(query, 0, false, None, [&number(1), &number(1), "null", "null"]);
    let offset = |n: u32| format!("/api/t?page%5Boffset%5D={n}");
    check("page[offset]=7", 20, true, Some(50), [&offset(0), &offset(0), &offset(27), &offset(47)]);
    check("", 0, false, None, ["/api/t?page%5Bnumber%5D=1", "null", "null", "/api/t?page%5Bnumber%5D=1"]);
}

#[test]
fn the_total_is_told_when_it_is_known() {
    let page = page("page[number]=2&page[size]=5").unwrap();
    let meta = |rows, more, counted| Json::Object(page.meta(Seen { rows, more, counted }));
    assert_eq!(meta(5, true, None), json!({}));
    let expect = json!({"total": 8, "count": 8, "page": {"number": 2, "size": 5, "total": 8, "pages": 2}});
    assert_eq!(meta(3, false, None), expect);
}
