//! The database's URL, which may hold a password: what prints it shows none.

use std::fmt;

/// A database URL.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// All of it, for the driver alone.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for DatabaseUrl {
    fn from(url: String) -> Self {
        Self(url)
    }
}

impl fmt::Display for DatabaseUrl {
    /// Without the password, and without the query, where drivers accept one too. Of what has another form nothing is shown that may be a
    /// password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.split('?').next().unwrap_or_default();
        if shown.starts_with("sqlite:") {
            return f.write_str(shown);
        }
        let known = |scheme: &str| matches!(scheme, "postgres" | "postgresql" | "mysql" | "mariadb");
        let Some((scheme, rest)) = shown.split_once("://").filter(|(scheme, _)| known(scheme)) else {
            return f.write_str("(no database URL)");
        };
        let query = self.0.get(shown.len()..).unwrap_or_default();
        let (user, place) = rest.rsplit_once('@').map_or((None, rest), |(user, place)| (Some(user), place));
        // An @ behind the question mark: this is then within the password, most likely.
        if query.contains('@') || !is_place(place) {
            return write!(f, "{scheme}://…");
        }
        match user.map(|user| user.split(':').next().unwrap_or_default()) {
            Some(user) => write!(f, "{scheme}://{user}@{place}"),
            None => write!(f, "{scheme}://{place}"),
        }
    }
}

/// Whether it is hosts with their ports and the name of a database, and nothing else: `app:s3cret`, whose host was forgotten, is not.
fn is_place(text: &str) -> bool {
    let (hosts, name) = text.split_once('/').unwrap_or((text, ""));
    let plain = |c: char| c.is_alphanumeric() || "-_.~%".contains(c);
    hosts.split(',').all(is_host) && name.chars().all(plain)
}

fn is_host(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !text.ends_with(']') => (host, port),
        _ => (text, ""),
    };
    let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let fits = match address {
        Some(address) => address.chars().all(|c| c.is_ascii_hexdigit() || ".:".contains(c)),
        None => host.chars().all(|c| c.is_alphanumeric() || "-_.%".contains(c)),
    };
    fits && port.chars().all(|c| c.is_ascii_digit())
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The text of `rulegate.yaml` as it is shown beside a problem: of lines that may hold a password only the length, so that places stay.
pub(super) fn masked(text: &str) -> String {
    text.split_inclusive('\n').map(masked_line).collect()
}

fn masked_line(line: &str) -> String {
    if !["://", "@", "password"].iter().any(|sign| line.contains(sign)) {
        return line.to_owned();
    }
    let mask = |c: char| if c.is_whitespace() { c.to_string() } else { "*".repeat(c.len_utf8()) };
    line.chars().map(mask).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        for (url, shown) in [
            ("postgres://app:s3cret@db:5432/shop", "postgres://app@db:5432/shop"),
            ("postgres://app:p@ss:w0rd@db/shop", "postgres://app@db/shop"),
            ("postgres://db/shop?user=app&password=s3cret", "postgres://db/shop"),
            ("mysql://root@db/shop", "mysql://root@db/shop"),
            ("sqlite:///data/shop.db", "sqlite:///data/shop.db"),
            ("sqlite::memory:", "sqlite::memory:"),
            ("sqlite:data/@shop.db", "sqlite:data/@shop.db"),
            ("postgres://app:s3cret@a:1,[::1]:2/shop", "postgres://app@a:1,[::1]:2/shop"),
            ("postgres:///shop?host=/tmp", "postgres:///shop"),
            ("postgresql://app:s3cret@%2Ftmp/shop", "postgresql://app@%2Ftmp/shop"),
            ("postgres//app:s3cret@db/shop", "(no database URL)"),
            ("app:s3cret@db", "(no database URL)"),
            ("host=db password=s3cret", "(no database URL)"),
            ("password=s3cret host=a://b", "(no database URL)"),
            ("postgres:host=db password=s3cret", "(no database URL)"),
            ("'postgres://app:s3cret@db'", "(no database URL)"),
            ("oracle://app:s3cret@db", "(no database URL)"),
            ("", "(no database URL)"),
            ("postgres://app:s3?cret@db/shop", "postgres://…"),
            ("postgres://app:s@3?cret@db/shop", "postgres://…"),
            ("postgres://app:s3cret", "postgres://…"),
            ("mysql://app:s3cret/shop", "mysql://…"),
            ("postgres://host=db password=s3cret", "postgres://…"),
            ("postgres://app@db/shop password=s3cret", "postgres://…"),
            ("postgres://[app:s3cret]x/shop", "postgres://…"),
        ] {
            let url = DatabaseUrl::from(url.to_owned());
            assert_eq!(url.to_string(), shown);
            assert_eq!(format!("{url:?}"), shown);
        }
    }
}
