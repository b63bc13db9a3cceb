//! The filters that lists, streams, timelines and points share, as conditions with bound parameters.

use super::time::Window;
use crate::clickhouse::read::Sql;

/// Empty: not asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    pub project: String,
    pub source: String,
    /// Any of them.
    pub class: Vec<String>,
    /// Exact, or a prefix with a trailing `*`.
    pub event_type: String,
    pub severity: String,
    pub outcome: String,
    pub user_id: String,
    pub session_id: String,
    pub trace_id: String,
    pub model: String,
    pub service: String,
    pub repository: String,
    pub provider: String,
    pub tool_name: String,
    pub environment: String,
    pub feature: String,
    pub error_type: String,
    pub target_type: String,
    pub target_id: String,
    /// Text in the message, the attributes, or a name.
    pub q: String,
}

// === impl Filter ===

impl Filter {
    /// Whether the per-minute rollup has every column that is asked for.
    pub fn fits_rollup(&self) -> bool {
        let rolled_up = ["project", "source", "user_id", "model", "service"];
        let beside = |(column, _, value): &(&str, &str, &String)| !value.is_empty() && !rolled_up.contains(column);
        self.q.is_empty() && !self.equals().iter().any(beside)
    }

    /// Whether the per-hour rollup has every column that is asked for.
    pub fn fits_hours(&self) -> bool {
        let (project, source, class) = (self.project.clone(), self.source.clone(), self.class.clone());
        *self == Filter { project, source, class, ..Filter::default() }
    }

    /// Column, parameter, value.
    fn equals(&self) -> [(&'static str, &'static str, &String); 17] {
        [
            ("project", "f_project", &self.project),
            ("source", "f_source", &self.source),
            ("severity", "f_severity", &self.severity),
            ("outcome", "f_outcome", &self.outcome),
            ("user_id", "f_user_id", &self.user_id),
            ("session_id", "f_session_id", &self.session_id),
            ("trace_id", "f_trace_id", &self.trace_id),
            ("model", "f_model", &self.model),
            ("service", "f_service", &self.service),
            ("repository", "f_repository", &self.repository),
            ("provider", "f_provider", &self.provider),
            ("tool_name", "f_tool_name", &self.tool_name),
            ("environment", "f_environment", &self.environment),
            ("feature", "f_feature", &self.feature),
            ("error_type", "f_error_type", &self.error_type),
            ("target_type", "f_target_type", &self.target_type),
            ("target_id", "f_target_id", &self.target_id),
        ]
    }

    /// Appends `AND ...` for each filter that is set.
    pub fn conditions(&self, sql: &mut Sql) {
        for (column, name, value) in self.equals() {
            if !value.is_empty() {
                sql.text.push_str(&format!(" AND {column} = {{{name}:String}}"));
                sql.text(name, value);
            }
        }
        if !self.class.is_empty() {
            sql.text.push_str(" AND has(splitByChar(',', {f_class:String}), event_class)");
            sql.text("f_class", self.class.join(","));
        }
        if let Some(prefix) = self.event_type.strip_suffix('*') {
            sql.text.push_str(" AND startsWith(event_type, {f_event_type:String})");
            sql.text("f_event_type", prefix);
        } else if !self.event_type.is_empty() {
            sql.text.push_str(" AND event_type = {f_event_type:String}");
            sql.text("f_event_type", &self.event_type);
        }
        if !self.q.is_empty() {
            sql.text.push_str(
                " AND (positionCaseInsensitiveUTF8(message, {f_q:String}) > 0 \
                 OR positionCaseInsensitiveUTF8(event_type, {f_q:String}) > 0 \
                 OR {f_q:String} IN (session_id, trace_id, user_id, user_email, model, tool_name, service, target_id) \
                 OR arrayExists(v -> positionCaseInsensitiveUTF8(v, {f_q:String}) > 0, mapValues(attributes)))",
            );
            sql.text("f_q", &self.q);
        }
    }
}

/// `WHERE` over the window; more conditions can follow. A `to` past the column's range is no bound.
pub fn within(window: Window, sql: &mut Sql) {
    sql.text.push_str(
        " WHERE timestamp >= fromUnixTimestamp64Nano({w_from:Int64}, 'UTC') \
         AND timestamp < fromUnixTimestamp64Nano({w_to:Int64}, 'UTC')",
    );
    sql.number("w_from", window.from);
    sql.number("w_to", window.to);
}
