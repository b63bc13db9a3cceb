//! Which form of a list is asked for.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Csv,
    Ndjson,
}

// === impl Kind ===

impl Kind {
    pub fn media(self) -> &'static str {
        match self {
            Kind::Csv => "text/csv; charset=utf-8; header=present",
            Kind::Ndjson => "application/x-ndjson",
        }
    }

    pub fn ending(self) -> &'static str {
        match self {
            Kind::Csv => "csv",
            Kind::Ndjson => "ndjson",
        }
    }

    /// What of an Accept header is wanted most, if that is a file. Of what is wanted as much as others, the first.
    pub fn accepted(header: &str) -> Option<Kind> {
        let mut best: Option<(f32, Option<Kind>)> = None;
        for range in header.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let kind = match parts.next().unwrap_or("").to_ascii_lowercase().as_str() {
                "text/csv" => Some(Kind::Csv),
                "application/x-ndjson" | "application/ndjson" | "application/jsonl" => Some(Kind::Ndjson),
                "application/json" | "application/*" | "*/*" => None,
                _ => continue,
            };
            let weight = parts.find_map(|part| part.strip_prefix("q=")).and_then(|q| q.parse().ok()).unwrap_or(1.0);
            if weight > 0.0 && best.is_none_or(|(most, _)| weight > most) {
                best = Some((weight, kind));
            }
        }
        best.and_then(|(_, kind)| kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_is_read_as_clients_write_it() {
        for (header, kind) in [
            ("", None),
            ("*/*", None),
            ("text/html,application/xhtml+xml,*/*;q=0.8", None),
            ("text/csv", Some(Kind::Csv)),
            ("Text/CSV; charset=utf-8", Some(Kind::Csv)),
            ("text/csv, */*;q=0.1", Some(Kind::Csv)),
            ("application/json, text/csv", None),
            ("application/json;q=0.5, text/csv", Some(Kind::Csv)),
            ("text/csv;q=0", None),
            ("text/csv;q=x", Some(Kind::Csv)),
            ("application/x-ndjson", Some(Kind::Ndjson)),
            ("application/jsonl, text/csv", Some(Kind::Ndjson)),
            (";;,,q=1", None),
        ] {
            assert_eq!(Kind::accepted(header), kind, "{header}");
        }
    }
}
