//! The portal's files, built by `web/` and embedded in the binary. It is an ordinary client of the API.

use axum::body::Body;
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::net::takes_gzip;

/// Absent when the portal was not built: the API works without it.
#[derive(RustEmbed)]
#[folder = "web/dist"]
#[allow_missing = true]
struct Dist;

const NOT_BUILT: &str =
    "The portal is not part of this build: run `make portal`, then build again. The API is at /api/v1.\n";

/// A file, or the page for every path that is none: the portal's own paths are told apart in the browser.
pub fn serve(method: &Method, path: &str, headers: &HeaderMap) -> Response<Body> {
    if method != Method::GET && method != Method::HEAD {
        let mut refusal = plain(StatusCode::METHOD_NOT_ALLOWED, "this path takes GET only\n");
        refusal.headers_mut().insert(ALLOW, HeaderValue::from_static("GET,HEAD"));
        return refusal;
    }
    let name = path.trim_start_matches('/');
    let is_file = name.rsplit('/').next().is_some_and(|last| last.contains('.'));
    match (file(name, headers), is_file) {
        (Some(response), _) => response,
        (None, true) => plain(StatusCode::NOT_FOUND, "there is no such file\n"),
        (None, false) => file("index.html", headers).unwrap_or_else(|| plain(StatusCode::NOT_FOUND, NOT_BUILT)),
    }
}

fn file(name: &str, headers: &HeaderMap) -> Option<Response<Body>> {
    let original = Dist::get(name)?;
    let packed = Dist::get(&format!("{name}.gz")).filter(|_| takes_gzip(headers));
    let tag = etag(&original);
    let mut response = if is_held(headers, &tag) {
        plain(StatusCode::NOT_MODIFIED, "")
    } else {
        Response::new(Body::from(packed.as_ref().unwrap_or(&original).data.to_vec()))
    };
    let out = response.headers_mut();
    if packed.is_some() {
        out.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    // Assets carry a hash of their content in their names.
    let caching = if name.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    out.insert(CACHE_CONTROL, HeaderValue::from_static(caching));
    out.insert(CONTENT_TYPE, HeaderValue::from_static(content_type(name)));
    out.insert(VARY, HeaderValue::from_static("accept-encoding"));
    out.insert(ETAG, tag);
    Some(response)
}

/// `If-None-Match`: a list, compared weakly (RFC 9110, 13.1.2); proxies that compress make our tags weak.
fn is_held(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let held = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    held.flat_map(|list| list.split(',')).map(str::trim).any(|held| held == "*" || held.trim_start_matches("W/") == tag)
}

fn etag(file: &EmbeddedFile) -> HeaderValue {
    let hash: String = file.metadata.sha256_hash()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    HeaderValue::from_str(&format!("\"{hash}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or("") {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "json" => "application/json",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}

fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
