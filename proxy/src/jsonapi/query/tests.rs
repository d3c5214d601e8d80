use super::*;

fn refused(query: &str) -> Vec<(ErrorCode, String)> {
    parse(query).unwrap_err().iter().map(|error| (error.code, error.detail.clone())).collect()
}

fn filter(query: &str) -> Filter {
    let mut filters = parse(query).unwrap().filters;
    assert_eq!(filters.len(), 1, "{query}");
    filters.remove(0).value
}

fn term(path: &str, operator: Operator, values: &[&str]) -> Filter {
    let operands = values.iter().map(|value| Operand::Text((*value).to_owned())).collect();
    Filter::Term(FilterTerm { path: path.into(), operator, operands, at: String::new() })
}

#[test]
fn filters_compare_with_one_value_or_any_of_several() {
    for (query, expect) in [
        ("filter[a]=x", term("a", Operator::Eq, &["x"])),
        ("filter[a]=", term("a", Operator::Eq, &[""])),
        ("filter%5Ba%5D=x%2Cy", term("a", Operator::In, &["x", "y"])),
        ("filter[a][]=x,1&filter[a][]=y", term("a", Operator::In, &["x,1", "y"])),
        ("filter[a.b][gte]=1,5", term("a.b", Operator::Ge, &["1,5"])),
        ("filter[a][nin]=1,5", term("a", Operator::NotIn, &["1", "5"])),
        ("filter[a][isnull]=true", term("a", Operator::Null, &["true"])),
        ("filter[a b][eq]=x+y%2B", term("a b", Operator::Eq, &["x y+"])),
        ("filter[search][eq]=x", term("search", Operator::Eq, &["x"])),
        ("filter[where][]=x", term("where", Operator::In, &["x"])),
        ("filter[where]=a %3D 1", Filter::Where("a = 1".into())),
        ("filter[search]=a,b", Filter::Search("a,b".into())),
    ] {
        assert_eq!(filter(query), expect, "{query}");
    }
}

#[test]
fn json_filters_nest() {
    let at = |place: &str, filter: Filter| match filter {
        Filter::Term(term) => Filter::Term(FilterTerm { at: place.into(), ..term }),
        other => other,
    };
    let json = r#"filter={"and":[{"name":"a.b","op":"ge","val":1.50},{"not":{"or":[{"name":"c","op":"in","val":["x",true]}]}}]}"#;
    let first = at("/and/0", term("a.b", Operator::Ge, &["1.50"]));
    let second = at("/and/1/not/or/0", term("c", Operator::In, &["x", "true"]));
    let expect = Filter::All(vec![first, Filter::Not(Box::new(Filter::Any(vec![second])))]);
    assert_eq!(filter(json), expect);
    let safrs = r#"filter=[{"name":"a","op":"eq","val":null}]"#;
    let null = FilterTerm {
        path: "a".into(),
        operator: Operator::Eq,
        operands: vec![Operand::Null],
        at: "/0".into(),
    };
    assert_eq!(filter(safrs), Filter::Any(vec![Filter::Term(null)]));
}

#[test]
fn json_filters_that_say_something_else_are_refused_with_their_place() {
    let deep = format!("{}1{}", r#"{"not":"#.repeat(40), "}".repeat(40));
    for (json, part) in [
        ("", "cannot be read as JSON"),
        ("{", "cannot be read as JSON"),
        (r#"{"and":[],"and":[]}"#, "stands twice"),
        (deep.as_str(), "nested too deeply"),
        ("[]", "at least one"),
        ("1", "is an object"),
        ("{}", "\"name\", \"op\" and \"val\""),
        (r#"{"or":[]}"#, "At /or: An array of filters needs at least one."),
        (r#"{"or":{}}"#, "At /or: An array"),
        (r#"{"and":[[]]}"#, "At /and/0: A filter is an object"),
        (r#"{"nott":{}}"#, "no member \"nott\". Did you mean \"not\"?"),
        (r#"{"name":"a","op":"eq"}"#, "\"name\", \"op\" and \"val\""),
        (r#"{"name":"a","op":"eq","val":1,"not":{}}"#, "\"name\", \"op\" and \"val\""),
        (r#"{"name":1,"op":"eq","val":1}"#, "At /name: \"name\" must be a string."),
        (
            r#"[{"name":"a","op":"eqq","val":1}]"#,
            "At /0/op: There is no filter operator \"eqq\". Did you mean",
        ),
        (r#"{"name":"a","op":"eq","val":[1]}"#, "At /val: eq takes one value"),
        (r#"{"name":"a","op":"in","val":1}"#, "At /val: in takes an array"),
        (r#"{"name":"a","op":"in","val":[{}]}"#, "At /val/0: A value is"),
    ] {
        let (code, detail) = refused(&format!("filter={json}")).remove(0);
        assert_eq!(code, ErrorCode::InvalidFilter, "{json}");
        assert!(detail.contains(part), "{json}: {detail}");
    }
}

#[test]
fn the_other_parameters_keep_their_names() {
    let request = parse("sort=a,-b.c&include=x.y,z&page[size]=5&fields[t]=a,b&fields[u]=").unwrap();
    let sort: Vec<_> =
        request.sort.unwrap().value.into_iter().map(|name| (name.path, name.descending)).collect();
    assert_eq!(sort, [("a".to_owned(), false), ("b.c".to_owned(), true)]);
    assert_eq!(request.include.unwrap().value, ["x.y", "z"]);
    assert_eq!(request.page[0], Parameter { name: "page[size]".into(), value: ("size".into(), "5".into()) });
    assert_eq!(request.fields[0].value, Fieldset { ty: "t".into(), members: vec!["a".into(), "b".into()] });
    assert!(request.fields[1].value.members.is_empty());
}

#[test]
fn what_is_not_understood_is_refused_with_a_hint() {
    let check = |query: &str, code: ErrorCode, part: &str| {
        let (found, detail) = refused(query).remove(0);
        assert_eq!(found, code, "{query}");
        assert!(detail.contains(part), "{query}: {detail}");
    };
    check("filters[a]=1", ErrorCode::UnknownParameter, "Did you mean \"filter\"?");
    check("filter[a][like_]=1", ErrorCode::InvalidFilter, "Did you mean \"like\"?");
    check("sort=a&sort=b", ErrorCode::InvalidParameter, "given twice");
    check("filter[a]=1&filter[a]=2", ErrorCode::InvalidParameter, "given twice");
    check("sort=a,,b", ErrorCode::InvalidSort, "empty");
    check("sort=", ErrorCode::InvalidSort, "empty");
    check("filter[]=a", ErrorCode::UnknownParameter, "Write filter");
    check("filter[a=1", ErrorCode::UnknownParameter, "brackets");
    check("filter[a]b]=1", ErrorCode::UnknownParameter, "brackets");
    check("filter[a][b][c]=1", ErrorCode::UnknownParameter, "Write filter");
    check("page=1", ErrorCode::UnknownParameter, "page[number]");
    check("sort=%FF", ErrorCode::MalformedRequest, "UTF-8");
    assert_eq!(refused("x=1&y=2").len(), 2);
}
