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
    /// Without the password, and without the query, where drivers accept one too.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.split('?').next().unwrap_or_default();
        match shown.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once('@')?))) {
            Some((scheme, (user, place))) => {
                write!(f, "{scheme}://{}@{place}", user.split(':').next().unwrap_or_default())
            }
            // `postgres//app:s3cret@db/shop`: whatever stands before the @ may be a password.
            None if !shown.starts_with("sqlite:") && shown.contains('@') => {
                write!(f, "…@{}", shown.rsplit('@').next().unwrap_or_default())
            }
            None => f.write_str(shown),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
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
            ("postgres//app:s3cret@db/shop", "…@db/shop"),
            ("app:s3cret@db", "…@db"),
        ] {
            let url = DatabaseUrl::from(url.to_owned());
            assert_eq!(url.to_string(), shown);
            assert_eq!(format!("{url:?}"), shown);
        }
    }
}
