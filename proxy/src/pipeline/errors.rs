//! The page that the `links.about` of an error leads to: the catalogue of codes, for people.

use std::fmt::Write as _;

use http::StatusCode;
use http::header::CONTENT_SECURITY_POLICY;

use crate::ErrorCode;
use crate::exchange::Response;

const HEAD: &str = r#"<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Error codes</title>
<style>
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem }
section { padding: .5rem .75rem; border-radius: .5rem }
section:target { background: color-mix(in srgb, currentColor 12%, transparent) }
h2 { font-size: 1rem; margin: 0 } p { margin: 0 }
</style></head><body>
<h1>Error codes</h1>
<p>A code and its title never change. The <code>detail</code> of an error says what happened in its case.</p>
"#;

/// No script, no other host, nothing but the style that stands in the page.
const STYLED: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

/// Every code with its status, its title and what to do.
pub(super) fn page() -> Response {
    let mut page = String::from(HEAD);
    for code in ErrorCode::ALL {
        let (word, status, title, help) = (code.code(), code.status(), code.title(), code.help());
        let _ = writeln!(
            page,
            "<section id=\"{word}\"><h2><code>{word}</code> · {status} · {title}</h2><p>{help}</p></section>"
        );
    }
    page.push_str("</body></html>\n");
    Response::new(StatusCode::OK, "text/html; charset=utf-8", page).header(CONTENT_SECURITY_POLICY, STYLED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_place_on_the_page() {
        let page = String::from_utf8(page().body.to_vec()).unwrap();
        for code in ErrorCode::ALL {
            assert!(page.contains(&format!("id=\"{}\"", code.code())), "{code:?}");
        }
    }
}
