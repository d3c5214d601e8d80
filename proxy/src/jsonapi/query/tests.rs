use super::*;

fn refused(query: &str) -> Vec<(ErrorCode, String)> {
    parse(query).unwrap_err().iter().map(|error| (error.code, error.detail.clone())).collect()
}

fn filter(query: &str) -> Vec<(String, Operator, Vec<String>)> {
    parse(query).unwrap().filters.into_iter().map(|term| (term.path, term.operator, term.values)).collect()
}

fn term(path: &str, operator: Operator, values: &[&str]) -> (String, Operator, Vec<String>) {
    (path.into(), operator, values.iter().map(|value| (*value).to_owned()).collect())
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
    ] {
        assert_eq!(filter(query), vec![expect], "{query}");
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
    check("filter={}", ErrorCode::InvalidFilter, "not served in this version");
    check("filter[where]=a", ErrorCode::InvalidFilter, "not served in this version");
    check("filter[a=1", ErrorCode::UnknownParameter, "brackets");
    check("filter[a]b]=1", ErrorCode::UnknownParameter, "brackets");
    check("filter[a][b][c]=1", ErrorCode::UnknownParameter, "Write filter");
    check("page=1", ErrorCode::UnknownParameter, "page[number]");
    check("sort=%FF", ErrorCode::MalformedRequest, "UTF-8");
    assert_eq!(refused("x=1&y=2").len(), 2);
}
