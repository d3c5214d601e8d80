//! `rulegate token`: a token for a test or for an operator.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use serde_json::{Map, Value as Json, json};

use super::Failure;
use crate::auth::{Algorithm, Settings, Signer};
use crate::config::{self, Given};

/// Make a token: `rulegate token --sub ann --role sales` prints one that this project accepts, and nothing else.
///
/// Algorithm, issuer, audience, the claim of the roles and the secret are those of the project's rulegate.yaml, where flags do not say
/// otherwise. A private key is never in a project: name it.
#[derive(Debug, Args)]
pub(super) struct TokenArgs {
    /// Folder with rulegate.yaml [default: the working directory; nothing in it is required]
    #[arg(long, value_name = "DIR", env = "RULEGATE_PROJECT", hide_env_values = true)]
    project: Option<PathBuf>,
    #[command(flatten)]
    key: KeyArgs,
    /// How it is signed [default: the first of the project's that the key is for]
    #[arg(long, value_name = "NAME", value_parser = algorithm)]
    algorithm: Option<Algorithm>,
    /// The name of the key, as the issuer's keys have it
    #[arg(long, value_name = "NAME")]
    kid: Option<String>,
    /// Who it speaks of
    #[arg(long, value_name = "NAME")]
    sub: Option<String>,
    /// A role; several are fine
    #[arg(long = "role", value_name = "NAME")]
    roles: Vec<String>,
    /// Another claim: JSON where it can be read as such, else a text; several are fine
    #[arg(long = "claim", value_name = "NAME=VALUE", value_parser = claim)]
    claims: Vec<(String, Json)>,
    /// Who issues it [default: auth.jwt.issuer]
    #[arg(long, value_name = "NAME")]
    issuer: Option<String>,
    /// For whom it is; several are fine [default: the first of auth.jwt.audience]
    #[arg(long, value_name = "NAME")]
    audience: Vec<String>,
    /// How long it is valid: 90s, 15m, 1h, 7d
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = seconds)]
    expires_in: u64,
}

/// What it is signed with.
#[derive(Debug, Args)]
#[group(multiple = false)]
struct KeyArgs {
    /// A file with the secret [default: auth.jwt.secret_file]
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// An environment variable with the secret [default: auth.jwt.secret_env]
    #[arg(long, value_name = "NAME")]
    secret_env: Option<String>,
    /// A file with a private key in PEM (PKCS #8)
    #[arg(long, value_name = "FILE")]
    private_key_file: Option<PathBuf>,
}

/// Claims that have flags of their own.
const OWN: [&str; 5] = ["sub", "iss", "aud", "exp", "iat"];

pub(super) fn run(args: TokenArgs) -> Result<(), Failure> {
    let given = Given { project: args.project.clone(), ..Given::default() };
    let settings = config::auth_settings(&given)?;
    let signer = signer(&args.key, settings.as_ref())?;
    let algorithm = chosen(args.algorithm, &signer, settings.as_ref())?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(Failure::problems)?.as_secs();
    let kid = args.kid.clone();
    let claims = claims(args, &settings.unwrap_or_default(), now).map_err(Failure::usage)?;
    let token = signer.token(algorithm, kid.as_deref(), &claims);
    outln!("{}", token.ok_or_else(|| Failure::problems("the token cannot be signed with this key"))?);
    Ok(())
}

/// The key that is named, else the project's secret.
fn signer(named: &KeyArgs, settings: Option<&Settings>) -> Result<Signer, Failure> {
    if let Some(path) = &named.private_key_file {
        let signer = Signer::private_key(&read(path)?);
        return signer.map_err(|problem| Failure::problems(format!("{} {problem}", path.display())));
    }
    let none_named = named.secret_file.is_none() && named.secret_env.is_none();
    let of_project = settings.filter(|_| none_named);
    if let Some(path) = named.secret_file.as_ref().or(of_project.and_then(|it| it.secret_file.as_ref())) {
        return Ok(Signer::secret(&read(path)?));
    }
    if let Some(name) = named.secret_env.as_ref().or(of_project.and_then(|it| it.secret_env.as_ref())) {
        let value = std::env::var_os(name).filter(|value| !value.is_empty());
        let value = value.ok_or_else(|| Failure::problems(format!("{name} is not set")))?;
        return Ok(Signer::secret(value.as_encoded_bytes()));
    }
    Err(Failure::usage("no key is named: give --secret-file, --secret-env or --private-key-file"))
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| Failure::problems(format!("{}: {error}", path.display())))
}

/// The algorithm that is named, where the key is for it; else the project's, else the key's usual one.
fn chosen(
    named: Option<Algorithm>,
    signer: &Signer,
    settings: Option<&Settings>,
) -> Result<Algorithm, Failure> {
    let usable = signer.algorithms();
    let names = || usable.iter().map(|algorithm| algorithm.name()).collect::<Vec<_>>().join(", ");
    match (named, settings) {
        (Some(named), _) if usable.contains(&named) => Ok(named),
        (Some(named), _) => {
            Err(Failure::usage(format!("the key is not for {}: it is for {}", named.name(), names())))
        }
        (None, Some(settings)) => {
            let found = settings.algorithms.iter().find(|algorithm| usable.contains(algorithm)).copied();
            let none = || {
                Failure::usage(format!(
                    "auth.jwt.algorithms has none of those that the key is for: {}",
                    names()
                ))
            };
            found.ok_or_else(none)
        }
        (None, None) => usable.first().copied().ok_or_else(|| Failure::usage("the key is for no algorithm")),
    }
}

fn claims(args: TokenArgs, settings: &Settings, now: u64) -> Result<Map<String, Json>, String> {
    let mut claims = Map::new();
    let issuer = args.issuer.or(settings.issuer.clone());
    let audience = match args.audience.is_empty() {
        true => settings.audience.first().cloned().into_iter().collect(),
        false => args.audience,
    };
    let audience = match audience.as_slice() {
        [] => None,
        [one] => Some(json!(one)),
        several => Some(json!(several)),
    };
    let own = [
        ("sub", args.sub.map(Json::from)),
        ("iss", issuer.map(Json::from)),
        ("aud", audience),
        ("iat", Some(now.into())),
        ("exp", Some(now.saturating_add(args.expires_in).into())),
    ];
    claims.extend(own.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    for (name, value) in args.claims {
        if claims.insert(name.clone(), value).is_some() {
            return Err(format!("--claim {name} is given twice"));
        }
    }
    if !args.roles.is_empty() {
        put(&mut claims, &settings.roles_claim, json!(args.roles))?;
    }
    Ok(claims)
}

/// Puts a value where its path leads; what looks like a URL is one name.
fn put(claims: &mut Map<String, Json>, path: &str, value: Json) -> Result<(), String> {
    let taken = || format!("--role and --claim both want to set {path}");
    match path.split_once('.').filter(|_| !path.contains(':')) {
        None => match claims.insert(path.to_owned(), value) {
            None => Ok(()),
            Some(_) => Err(taken()),
        },
        Some((name, rest)) => {
            let inner = claims.entry(name).or_insert_with(|| json!({}));
            put(inner.as_object_mut().ok_or_else(taken)?, rest, value)
        }
    }
}

fn algorithm(name: &str) -> Result<Algorithm, String> {
    Algorithm::named(name).ok_or_else(|| format!("there are: {}", Algorithm::NAMES.join(", ")))
}

/// `region=north`, `xs=["a", "b"]`.
fn claim(text: &str) -> Result<(String, Json), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE, such as region=north")?;
    if OWN.contains(&name) {
        return Err(format!("{name} has a flag of its own: see --help"));
    }
    Ok((name.to_owned(), serde_json::from_str(value).unwrap_or_else(|_| value.into())))
}

/// `90s`, `15m`, `1h`, `7d`.
fn seconds(text: &str) -> Result<u64, String> {
    let wrong = || "write a whole number and its unit: 90s, 15m, 1h, 7d".to_owned();
    let unit = text.chars().last().ok_or_else(wrong)?;
    let number: u64 = text.strip_suffix(unit).unwrap_or_default().parse().map_err(|_| wrong())?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86400,
        _ => return Err(wrong()),
    };
    number.checked_mul(seconds).filter(|seconds| *seconds > 0).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit() {
        for (text, expect) in [
            ("90s", Some(90)),
            ("15m", Some(900)),
            ("1h", Some(3600)),
            ("7d", Some(604_800)),
            ("0s", None),
            ("90", None),
            ("h", None),
            ("", None),
            ("-1h", None),
            ("1ü", None),
            ("99999999999999999999d", None),
        ] {
            assert_eq!(seconds(text).ok(), expect, "{text}");
        }
    }

    #[test]
    fn claims_are_json_where_they_can_be() {
        for (text, expect) in [
            ("region=north", Some(("region", json!("north")))),
            ("xs=[\"a\",\"b\"]", Some(("xs", json!(["a", "b"])))),
            ("n=5", Some(("n", json!(5)))),
            ("a=b=c", Some(("a", json!("b=c")))),
            ("empty=", Some(("empty", json!("")))),
            ("sub=ann", None),
            ("region", None),
        ] {
            let found = claim(text).ok();
            assert_eq!(found, expect.map(|(name, value)| (name.to_owned(), value)), "{text}");
        }
    }

    #[test]
    fn roles_are_put_where_they_are_looked_for() {
        let put = |claims: Json, path: &str| {
            let mut claims = claims.as_object().unwrap().clone();
            put(&mut claims, path, json!(["a"])).map(|()| Json::Object(claims))
        };
        assert_eq!(put(json!({}), "roles"), Ok(json!({"roles": ["a"]})));
        assert_eq!(put(json!({}), "realm_access.roles"), Ok(json!({"realm_access": {"roles": ["a"]}})));
        assert_eq!(
            put(json!({}), "https://shop.example/roles"),
            Ok(json!({"https://shop.example/roles": ["a"]}))
        );
        assert!(put(json!({"roles": []}), "roles").is_err());
        assert!(put(json!({"realm_access": 5}), "realm_access.roles").is_err());
    }
}
