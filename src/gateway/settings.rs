//! What clients send beside the query. Settings ride in the address, and a setting is a right: only those on a list go on to
//! ClickHouse; the rest is accepted, since official clients send many by themselves, and ignored.

use super::Exception;

/// What a client asked for, sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// The text that came in the address.
    pub query: String,
    /// `param_x`, for both the gate and the run.
    pub params: Vec<(String, String)>,
    /// Settings that can't widen anything.
    pub settings: Vec<(String, String)>,
    /// Limits that the caller wants, to be taken where they are lower than ours.
    pub limits: Vec<(String, u64)>,
    /// The answer in ClickHouse's own frames.
    pub framed: bool,
    /// `Accept-Encoding` counts.
    pub http_compression: bool,
}

/// They change how an answer looks, or what an expression of the query means, and read nothing.
const HARMLESS: &[&str] = &[
    "default_format",
    "date_time_output_format",
    "date_time_input_format",
    "session_timezone",
    "extremes",
    "limit",
    "offset",
    "wait_end_of_query",
    "http_write_exception_in_output_format",
    "client_protocol_version",
    "join_use_nulls",
    "group_by_use_nulls",
    "aggregate_functions_null_for_empty",
    "transform_null_in",
    "cast_keep_nullable",
    "cast_string_to_dynamic_use_inference",
    "format_csv_delimiter",
    "bool_true_representation",
    "bool_false_representation",
    "low_cardinality_allow_in_native_format",
];

/// Taken where they are lower than the tier's. Of these 0 would mean no limit. Not `max_rows_to_read`: what is read are whole granules,
/// which rows of all tenants share, and a limit of the caller's own would count them.
const LIMITS: &[&str] = &["max_execution_time", "max_result_rows", "max_result_bytes"];

/// Databases by which a client may name the one that there is.
const DATABASES: [&str; 3] = ["", "default", "pub"];

pub const DATABASE: &str = "pub";

// === impl Asked ===

impl Asked {
    /// Takes one `name=value`. Who asks (`user`, `password`) was seen to before.
    pub fn take(&mut self, name: &str, value: &str) -> Result<(), Exception> {
        let on = matches!(value, "1" | "true");
        match name {
            "query" => self.query.push_str(value),
            "compress" => self.framed = on,
            "enable_http_compression" => self.http_compression = on,
            "decompress" if on => {
                return Err(Exception::unsupported(
                    "decompress=1 is not taken here: send the query as it is, or with Content-Encoding gzip, deflate or zstd",
                ));
            }
            "database" if !DATABASES.contains(&value) => {
                return Err(Exception::new(
                    404,
                    81,
                    "UNKNOWN_DATABASE",
                    format_args!("there is one database here, {DATABASE}"),
                ));
            }
            name if name.starts_with("param_") => self.params.push((name.to_owned(), value.to_owned())),
            name if is_harmless(name) && value.len() <= 256 => self.set(name, value),
            name if LIMITS.contains(&name) => {
                // Clients write times with a fraction.
                let value = value.split('.').next().and_then(|whole| whole.parse().ok()).unwrap_or(0);
                self.limits.push((name.to_owned(), value));
            }
            _ => {}
        }
        Ok(())
    }

    fn set(&mut self, name: &str, value: &str) {
        self.settings.retain(|(known, _)| known != name);
        self.settings.push((name.to_owned(), value.to_owned()));
    }

    /// The lower one of ours and theirs; 0 stands for none.
    pub fn at_most(&self, name: &str, ours: u64) -> u64 {
        let theirs = self.limits.iter().filter(|(known, value)| known == name && *value > 0).map(|(_, value)| *value);
        theirs.chain((ours > 0).then_some(ours)).min().unwrap_or(0)
    }
}

fn is_harmless(name: &str) -> bool {
    // Schemas, templates and the like are files of the server; `format_*` is about those, so it is not passed on. Dictionaries hold
    // more than the rows of an answer (engine/users.rs).
    let private = ["schema", "file", "dictionary", "statistics"].iter().any(|word| name.contains(word));
    let output = name.starts_with("output_format_") && !private;
    HARMLESS.contains(&name) || output
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(pairs: &[(&str, &str)]) -> Asked {
        let mut asked = Asked::default();
        for (name, value) in pairs {
            asked.take(name, value).expect("taken");
        }
        asked
    }

    #[test]
    fn only_what_can_widen_nothing_goes_on() {
        let asked = asked(&[
            ("readonly", "0"),
            ("query_id", "x"),
            ("role", "wall"),
            ("session_id", "s"),
            ("quota_key", "k"),
            ("additional_table_filters", "{}"),
            ("max_memory_usage", "0"),
            ("database", "default"),
            ("allow_ddl", "1"),
            ("format_schema", "/etc/passwd"),
            ("output_format_schema", "x"),
            ("output_format_arrow_low_cardinality_as_dictionary", "1"),
            ("initial_query_id", "x"),
            ("extremes", "1"),
            ("log_comment", "x"),
            ("max_query_size", "1"),
            ("dialect", "kusto"),
            ("param_a", "1"),
            ("default_format", "CSV"),
        ]);
        let names: Vec<&str> = asked.settings.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["extremes", "default_format"]);
        assert_eq!(asked.params, [("param_a".to_owned(), "1".to_owned())]);
    }

    #[test]
    fn limits_go_down_and_never_up() {
        let asked = asked(&[("max_execution_time", "5.0"), ("max_result_rows", "0"), ("max_result_bytes", "-1")]);
        assert_eq!(asked.at_most("max_execution_time", 30), 5);
        assert_eq!(asked.at_most("max_execution_time", 3), 3);
        assert_eq!(asked.at_most("max_execution_time", 0), 5);
        assert_eq!((asked.at_most("max_result_rows", 10), asked.at_most("max_result_bytes", 0)), (10, 0));
    }

    #[test]
    fn another_database_is_refused() {
        assert_eq!(Asked::default().take("database", "activitylog").map_err(|error| error.code), Err(81));
    }
}
