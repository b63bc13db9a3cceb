//! The body of a query: whole, since it is parsed before it runs, and small; or a form of fields.

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use bytes::Bytes;

use super::super::router::Api;
use crate::gateway::Exception;
use crate::ingest::body::{self, BodyLimits};
use crate::ingest::refusal::Refusal;

const MOST_FIELDS: usize = 1000;

/// Received, decompressed, at most `most` bytes.
pub(super) async fn take(api: &Api, headers: &HeaderMap, mut body: Body, most: usize) -> Result<Bytes, Exception> {
    let limits = BodyLimits { bytes: most as u64, ..api.doors.body.clone() };
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let taken = async {
        let compression = body::compression(header(CONTENT_ENCODING.as_str()))?;
        let declared = header(CONTENT_LENGTH.as_str()).and_then(|length| length.parse().ok());
        let held = body::receive(&mut body, declared, 0, &limits).await?;
        body::decompress(held, compression, limits.bytes)
    };
    match taken.await {
        Ok(held) => Ok(held.bytes),
        Err(refusal) => {
            tokio::spawn(body::drain(body, limits));
            Err(refused(&refusal, most))
        }
    }
}

fn refused(refusal: &Refusal, most: usize) -> Exception {
    match refusal.http_status() {
        413 => Exception::too_large(most),
        415 => Exception::unsupported(&refusal.message),
        429 | 503 => Exception::too_many(&refusal.message),
        _ => Exception::bad_argument(&refusal.message),
    }
}

/// The boundary of a form, if the body is one. ClickHouse takes the body of any other type as text, forms of browsers too.
pub(super) fn boundary(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let (essence, parameters) = value.split_once(';')?;
    if !essence.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameters.split(';').find_map(|parameter| parameter.trim().strip_prefix("boundary="))?;
    Some(boundary.trim_matches('"').to_owned())
}

/// Names and values (RFC 7578). Files would be tables of the caller's own, which are not taken.
pub(super) fn fields(form: &[u8], boundary: &str) -> Result<Vec<(String, String)>, Exception> {
    let unreadable = || Exception::bad_argument("the multipart form can't be read");
    let form = std::str::from_utf8(form).map_err(|_| unreadable())?;
    let delimiter = format!("--{boundary}");
    let mut fields = Vec::new();
    for part in form.split(&*delimiter).skip(1) {
        if part.starts_with("--") {
            break;
        }
        let part = part.strip_prefix("\r\n").ok_or_else(unreadable)?;
        let (head, value) = part.split_once("\r\n\r\n").ok_or_else(unreadable)?;
        let disposition = head.lines().find(|line| line.to_ascii_lowercase().starts_with("content-disposition:"));
        let disposition = disposition.ok_or_else(unreadable)?;
        if disposition.contains("filename") || fields.len() == MOST_FIELDS {
            return Err(Exception::unsupported("external data is not taken here: write the values into the query"));
        }
        let name =
            disposition.split("name=\"").nth(1).and_then(|rest| rest.split('"').next()).ok_or_else(unreadable)?;
        fields.push((name.to_owned(), value.strip_suffix("\r\n").unwrap_or(value).to_owned()));
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_a_form_are_read_and_files_refused() {
        let form = "--b\r\nContent-Disposition: form-data; name=\"query\"\r\n\r\nSELECT\r\n1\r\n--b\r\n\
                    Content-Disposition: form-data; name=\"param_x\"\r\n\r\n\r\n--b--\r\n";
        let found = fields(form.as_bytes(), "b").expect("a form");
        assert_eq!(found, [("query".to_owned(), "SELECT\r\n1".to_owned()), ("param_x".to_owned(), String::new())]);
        let file = form.replace("name=\"query\"", "name=\"t\"; filename=\"t\"");
        assert_eq!(fields(file.as_bytes(), "b").map_err(|error| error.code), Err(48));
        assert!(fields(b"--b\r\nnothing", "b").is_err());
    }
}
