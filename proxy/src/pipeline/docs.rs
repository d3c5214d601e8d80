//! What people read about the API: its OpenAPI document, and Swagger UI over it, all from this binary.
//!
//! The page asks no other host for anything. Its links are relative, so that it works behind a path of somebody else's.

use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, ETAG, LOCATION};
use utoipa_swagger_ui::Config;

use super::read::is_fresh;
use crate::exchange::{Request, Response};
use crate::jsonapi::etag::ETag;
use crate::jsonapi::openapi;
use crate::state::Snapshot;
use crate::{Error, ErrorCode, Result};

const PAGE: &str = r#"<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="swagger-ui.css">
<style>.swagger-ui .info code { overflow-wrap: anywhere }</style>
</head><body>
<div id="swagger-ui"></div>
<noscript>This page needs JavaScript. The <a href="../openapi.json">OpenAPI document</a> does not.</noscript>
<script src="swagger-ui-bundle.js"></script>
<script src="start.js"></script>
</body></html>
"#;

/// Large APIs stay usable folded, and nobody else is asked whether the document is valid. Who logs in or out sees another document, which
/// is asked for with the token.
const START: &str = r##"const place = "../openapi.json";
let token = "";

const reload = (tell) => (original, system) => (payload) => {
  const told = original(payload);
  token = tell(payload) || "";
  system.specActions.download(place);
  return told;
};

SwaggerUIBundle({
  url: place,
  dom_id: "#swagger-ui",
  deepLinking: true,
  docExpansion: "none",
  defaultModelsExpandDepth: -1,
  validatorUrl: null,
  filter: true,
  requestInterceptor: (request) => {
    if (request.loadSpec && token) request.headers.Authorization = `Bearer ${token}`;
    return request;
  },
  plugins: [() => ({
    statePlugins: { auth: { wrapActions: {
      authorize: reload((given) => given.bearer && given.bearer.value),
      logout: reload(() => ""),
    } } },
  })],
});
"##;

/// Scripts and data from here alone; Swagger UI sets styles on its elements, and its pictures stand in its style sheet.
const OWN: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What a browser keeps of Swagger UI's own files.
const KEPT: &str = "public, max-age=3600";

/// `/openapi.json`: of what the snapshot serves, made once.
pub(super) fn openapi(snapshot: &Snapshot, request: &Request) -> Response {
    let document = snapshot.openapi.get_or_init(|| Bytes::from(openapi::document(snapshot)));
    let version = ETag::of_document(document);
    match is_fresh(&version, &request.headers) {
        true => Response::empty(StatusCode::NOT_MODIFIED),
        false => Response::new(StatusCode::OK, "application/json", document.clone()),
    }
    .header(ETAG, &version.quoted())
}

/// A file below `/docs/`; without a name, the page.
pub(super) fn file(name: &str) -> Result<Response> {
    match name {
        "" => Ok(Response::new(StatusCode::OK, "text/html; charset=utf-8", PAGE)
            .header(CONTENT_SECURITY_POLICY, OWN)),
        "start.js" => Ok(Response::new(StatusCode::OK, "text/javascript; charset=utf-8", START)),
        "swagger-ui.css" => asset(name, "text/css; charset=utf-8"),
        "swagger-ui-bundle.js" => asset(name, "text/javascript; charset=utf-8"),
        _ => Err(Error::new(ErrorCode::NotFound, format!("There is nothing at /docs/{name}.")).into()),
    }
}

/// To where the links of the page lead right.
pub(super) fn page_is_at(place: &str) -> Response {
    Response::empty(StatusCode::SEE_OTHER).header(LOCATION, place)
}

fn asset(name: &str, media_type: &'static str) -> Result<Response> {
    let found = utoipa_swagger_ui::serve(name, Arc::new(Config::from("../openapi.json"))).ok().flatten();
    let Some(file) = found else {
        let detail = "This build has no Swagger UI.";
        return Err(Error::new(ErrorCode::NotFound, detail).into());
    };
    let response = Response::new(StatusCode::OK, media_type, file.bytes.into_owned());
    Ok(response.header(CACHE_CONTROL, KEPT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_and_all_that_it_links_to_are_here() {
        for name in ["", "start.js", "swagger-ui.css", "swagger-ui-bundle.js"] {
            assert!(!file(name).unwrap().body.is_empty(), "{name}");
        }
        assert_eq!(file("passwd").unwrap_err().status(), 404);
    }

    #[test]
    fn the_page_names_no_other_host() {
        assert!(!PAGE.contains("//") && !START.contains("//"));
    }
}
