//! The cost of past calls, computed again.
//!
//! `activitylog.events` is changed where it stands, by mutations: rows inserted again would be counted again by the rollup.
//! `activitylog.usage` gets its winning rows once more, with the new figures: of rows with one key and one priority the last
//! inserted counts. Each step says what the figures are, not how they change, so a command that was killed is run again.

mod statements;

use std::collections::HashMap;
use std::fmt::Write;

use serde_json::Value;

use self::statements::{days, first_of, grouped, list, nanos, text, time};
use super::server::{Server, StoreError};
use crate::normalise::cost::{self, PLATFORM, REQUEST_MODEL, SERVICE_TIER};
use crate::prices::{Call, Prices};

/// Which calls, by the time at which they began.
#[derive(Debug, Clone)]
pub struct Range {
    /// Nanoseconds since 1970; the end is not in it.
    pub from_ns: i64,
    pub to_ns: i64,
    /// `None`: all.
    pub tenant: Option<String>,
}

/// What was done; figures are of `usage`, where every call is once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Repriced {
    pub calls: u64,
    pub changed: u64,
    /// Records of calls whose row changed: a call may have several.
    pub changed_events: u64,
    /// Calls that have no cost at the end.
    pub unpriced: u64,
    /// Units of 1e-9 US dollars.
    pub before: i128,
    pub after: i128,
}

/// Rows read at once.
const PAGE: usize = 4_000;
/// Changed rows that one mutation carries; each mutation reads the parts that hold them.
const BATCH: usize = 10_000;
/// A statement names its rows: some 150 bytes each.
const STATEMENT: (&str, &str) = ("max_query_size", "16777216");

/// The cost columns of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Figures {
    cost: i64,
    computed: Option<i64>,
    origin: Origin,
    version: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Origin {
    None,
    Reported,
    Computed,
}

/// One record of a call, as stored.
struct Row {
    id: String,
    timestamp_ns: i64,
    end_ns: i64,
    stored: Figures,
    due: Figures,
}

struct Change {
    id: String,
    timestamp_ns: i64,
    end_ns: i64,
    due: Figures,
}

struct Run<'a> {
    server: &'a Server,
    prices: &'a Prices,
    range: &'a Range,
    dry: bool,
    done: Repriced,
    events: Vec<Change>,
    usage: Vec<Change>,
}

/// Brings both tables to what `prices` say. What a reporter said stays, and so does whether it counted.
pub async fn reprice(
    server: &Server,
    prices: &Prices,
    range: &Range,
    dry: bool,
    mut progress: impl FnMut(&Repriced),
) -> Result<Repriced, StoreError> {
    let tenants = match &range.tenant {
        Some(tenant) => vec![tenant.clone()],
        None => tenants(server, range).await?,
    };
    let (done, events, usage) = (Repriced::default(), Vec::new(), Vec::new());
    let mut run = Run { server, prices, range, dry, done, events, usage };
    for tenant in &tenants {
        let mut after = None;
        loop {
            let page = run.page(tenant, after.as_ref()).await?;
            let Some(last) = page.last() else { break };
            after = Some((last.timestamp_ns, last.id.clone()));
            run.compare(tenant, page).await?;
            if run.events.len().max(run.usage.len()) >= BATCH {
                run.write(tenant).await?;
            }
            progress(&run.done);
        }
        run.write(tenant).await?;
    }
    Ok(run.done)
}

async fn tenants(server: &Server, range: &Range) -> Result<Vec<String>, StoreError> {
    let sql = format!("SELECT DISTINCT tenant_id FROM activitylog.events WHERE {} ORDER BY 1", range.condition());
    Ok(rows(server, &sql).await?.into_iter().map(|mut row| row.text(0)).collect())
}

// === impl Run ===

impl Run<'_> {
    async fn page(&self, tenant: &str, after: Option<&(i64, String)>) -> Result<Vec<Row>, StoreError> {
        let mut sql = format!(
            "SELECT toString(event_id), toString(toUnixTimestamp64Nano(timestamp)), \
             toString(if(kind = 'span', duration_ns, 0)), toString(cost_usd), toString(cost_computed_usd), \
             toString(cost_origin), price_version, provider, model, \
             {request_model}, {tier}, if({platform} != '' OR source != 'claude_code', {platform}, resource['{PLATFORM}']), \
             toString(input_tokens), toString(cache_read_tokens), toString(cache_creation_tokens), \
             toString(cache_creation_1h_tokens), toString(output_tokens), toString(reasoning_tokens) \
             FROM activitylog.events WHERE {range} AND tenant_id = {tenant} \
             AND (usage_role = 'leaf' OR (usage_role = 'copy' AND usage_key != '')) \
             AND bitOr(bitOr(input_tokens, output_tokens), bitOr(cache_read_tokens, cache_creation_tokens)) != 0",
            request_model = first_of(&REQUEST_MODEL),
            tier = first_of(&SERVICE_TIER),
            platform = format_args!("attributes['{PLATFORM}']"),
            range = self.range.condition(),
            tenant = text(tenant),
        );
        if let Some((timestamp_ns, id)) = after {
            let time = time(*timestamp_ns);
            let _ = write!(sql, " AND timestamp >= {time} AND (timestamp, event_id) > ({time}, toUUID('{id}'))");
        }
        let _ = write!(sql, " ORDER BY timestamp, event_id LIMIT 1 BY timestamp, event_id LIMIT {PAGE}");
        let page = rows(self.server, &sql).await?;
        Ok(page.into_iter().map(|cells| self.row(cells)).collect())
    }

    /// The columns of [`Run::page`]'s query.
    fn row(&self, mut cells: Cells) -> Row {
        let (id, timestamp_ns) = (cells.text(0), cells.text(1).parse().unwrap_or(0));
        let stored = cells.figures(3);
        let [provider, model, request_model, service_tier, platform] = [7, 8, 9, 10, 11].map(|at| cells.text(at));
        let priced = self.prices.price(&Call {
            provider: cost::provider(&provider, &platform),
            models: [&model, &request_model],
            input_tokens: cells.number(12),
            cache_read_tokens: cells.number(13),
            cache_creation_tokens: cells.number(14),
            cache_creation_1h_tokens: cells.number(15),
            output_tokens: cells.number(16),
            reasoning_tokens: cells.number(17),
            service_tier: &service_tier,
            timestamp_ns,
        });
        let computed = priced.as_ref().map(|priced| priced.usd.0);
        let version = priced.map(|priced| priced.version.into_owned()).unwrap_or_default();
        // Which reporters are believed was decided when the call arrived.
        let (cost, origin) = match (stored.origin, computed) {
            (Origin::Reported, _) => (stored.cost, Origin::Reported),
            (_, Some(usd)) => (usd, Origin::Computed),
            (_, None) => (0, Origin::None),
        };
        let end_ns = timestamp_ns.saturating_add(i64::try_from(cells.number(2)).unwrap_or(i64::MAX));
        Row { id, timestamp_ns, end_ns, stored, due: Figures { cost, computed, origin, version } }
    }

    async fn compare(&mut self, tenant: &str, page: Vec<Row>) -> Result<(), StoreError> {
        let usage = self.usage_rows(tenant, &page).await?;
        for row in page {
            let Row { id, timestamp_ns, end_ns, stored, due } = row;
            let change = |due: Figures| Change { id: id.clone(), timestamp_ns, end_ns, due };
            if let Some(in_usage) = usage.get(&id) {
                self.done.calls += 1;
                self.done.before += i128::from(in_usage.cost);
                self.done.after += i128::from(due.cost);
                self.done.unpriced += u64::from(due.origin == Origin::None);
                if *in_usage != due {
                    self.done.changed += 1;
                    self.usage.push(change(due.clone()));
                }
            }
            if stored != due {
                self.done.changed_events += 1;
                self.events.push(change(due));
            }
        }
        if self.dry {
            (self.events, self.usage) = (Vec::new(), Vec::new());
        }
        Ok(())
    }

    /// Those of the page's records that speak for their call.
    async fn usage_rows(&self, tenant: &str, page: &[Row]) -> Result<HashMap<String, Figures>, StoreError> {
        let ids: Vec<&str> = page.iter().map(|row| row.id.as_str()).collect();
        let sql = format!(
            "SELECT toString(event_id), toString(cost_usd), toString(cost_computed_usd), toString(cost_origin), price_version \
             FROM activitylog.usage FINAL WHERE tenant_id = {} AND {} AND toString(event_id) IN ({})",
            text(tenant),
            days(page.iter().map(|row| (row.timestamp_ns, row.end_ns))),
            list(&ids),
        );
        let found = rows(self.server, &sql).await?;
        Ok(found.into_iter().map(|mut cells| (cells.text(0), cells.figures(1))).collect())
    }

    async fn write(&mut self, tenant: &str) -> Result<(), StoreError> {
        let deduplicated = ("insert_deduplicate", "0");
        for group in grouped(std::mem::take(&mut self.usage)) {
            let sql = group.usage_statement(tenant);
            // Going back to yesterday's prices inserts yesterday's block: no duplicate, but meant.
            self.server.execute_with(&sql, &[STATEMENT, deduplicated]).await?;
        }
        for group in grouped(std::mem::take(&mut self.events)) {
            let sql = group.events_statement(tenant);
            self.server.execute_with(&sql, &[STATEMENT, ("mutations_sync", "2")]).await?;
        }
        Ok(())
    }
}

// === answers ===

/// A row whose cells are all text, or null.
struct Cells(Vec<Value>);

impl Cells {
    fn text(&mut self, at: usize) -> String {
        match self.0.get_mut(at).map(Value::take) {
            Some(Value::String(text)) => text,
            _ => String::new(),
        }
    }

    fn number(&mut self, at: usize) -> u64 {
        self.text(at).parse().unwrap_or(0)
    }

    /// `cost_usd`, `cost_computed_usd`, `cost_origin`, `price_version`, from this cell on.
    fn figures(&mut self, at: usize) -> Figures {
        let computed = match self.0.get(at + 1) {
            Some(Value::String(text)) => Some(nanos(text)),
            _ => None,
        };
        let origin = match self.text(at + 2).as_str() {
            "reported" => Origin::Reported,
            "computed" => Origin::Computed,
            _ => Origin::None,
        };
        Figures { cost: nanos(&self.text(at)), computed, origin, version: self.text(at + 3) }
    }
}

async fn rows(server: &Server, sql: &str) -> Result<Vec<Cells>, StoreError> {
    let (name, value) = STATEMENT;
    let query = server.client().with_setting(name, value).query(&sql.replace('?', "??"));
    let bytes = server.bytes(query, "JSONCompactEachRow").await?;
    let lines = bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    let rows: Result<Vec<Cells>, _> = lines.map(|line| serde_json::from_slice(line).map(Cells)).collect();
    rows.map_err(|error| StoreError::Unreachable(format!("an answer that is no JSON: {error}")))
}
