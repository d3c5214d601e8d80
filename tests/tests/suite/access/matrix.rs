//! The matrix of who may do what, from the files alone, and from asking the server: both agree, and stand in a golden file.
//!
//! `R` all rows, `r` some, `-` none; likewise `C` `U` `D`. Then what is hidden, and what is read-only.

use http::Method;
use rules::policy::{Access, Action, Actor, Entitlement, Permit};
use serde_json::{Value as Json, json};
use tests::Client;
use tests::client::{request, with_body};

use super::world::World;

const LETTERS: [(Action, char); 4] =
    [(Action::Read, 'r'), (Action::Create, 'c'), (Action::Update, 'u'), (Action::Delete, 'd')];

/// What the files say.
pub(super) fn told(world: &World, access: &Access, role: &str) -> Vec<String> {
    let schema = world.schema();
    let entitlements = access.entitlements(schema, &[role.to_owned()]);
    let line = |entitlement: &Entitlement| {
        let permits: String = LETTERS
            .iter()
            .map(|(action, letter)| match entitlement.permit(*action) {
                Permit::No => '-',
                Permit::Yes => letter.to_ascii_uppercase(),
                Permit::Where(_) => *letter,
            })
            .collect();
        let name = &schema[entitlement.table].name;
        format!(
            "{role:8} {name:10} {permits} hidden {:?} read-only {:?}",
            entitlement.hidden, entitlement.read_only
        )
    };
    entitlements.iter().map(line).collect()
}

/// What a server answers to somebody of a role. Whether an action is granted on all rows or on some cannot be seen from outside: the files' letter is
/// taken where it is granted at all.
pub(super) async fn asked(world: &World, role: &str, told: &[String]) -> Vec<String> {
    let client = world.client_of(Actor { roles: vec![role.to_owned()], ..Actor::anonymous() });
    let mut lines = Vec::new();
    for line in told {
        let name = line.split_whitespace().nth(1).unwrap();
        let mut line = line.clone();
        for (place, (action, letter)) in LETTERS.into_iter().enumerate() {
            let at = 20 + place;
            let refused = is_forbidden(&client, name, action).await;
            let told = line.as_bytes()[at] as char;
            let found = match (refused, told) {
                (true, _) => '-',
                (false, '-') => letter,
                (false, told) => told,
            };
            line.replace_range(at..=at, &found.to_string());
        }
        lines.push(line);
    }
    lines
}

/// Whether an action on a type is refused for whatever row.
async fn is_forbidden(client: &Client, name: &str, action: Action) -> bool {
    let row = format!("/api/{name}/999");
    let document = |id: &str| json!({"data": {"type": name, "id": id, "attributes": {}}});
    let request = match action {
        Action::Read => request(Method::GET, &format!("/api/{name}")),
        Action::Create => with_body(request(Method::POST, &format!("/api/{name}")), &document("999")),
        Action::Update => with_body(request(Method::PATCH, &row), &document("999")),
        Action::Delete => request(Method::DELETE, &row),
    };
    let answer = client.quietly(request).await;
    let body: Json = serde_json::from_slice(&answer.body).unwrap_or_default();
    answer.status == 403 && body["errors"][0]["code"] == "forbidden"
}

/// Every role of the files, and one that they do not know.
pub(super) async fn compare(world: &World) -> String {
    let access = world.access();
    let mut all = Vec::new();
    for role in access.roles().iter().map(String::as_str).chain(["(other)"]) {
        let told = told(world, access, role);
        assert_eq!(asked(world, role, &told).await, told);
        all.extend(told);
    }
    all.join("\n") + "\n"
}
