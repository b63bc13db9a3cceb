//! A shop's API behind a plain HTTP server instrumentation: a server span, a database span and an access log for each
//! request, an error log where it fails, and the logins of its staff.

use std::sync::Arc;

use serde_json::json;

use super::feed::{Actor, pause};
use super::people::Developer;
use super::random::Random;
use super::record::{Attributes, Item, MILLISECOND, Nanos, Signal, Source, Span, SpanKind};

pub struct Storefront {
    random: Random,
    developers: Vec<Developer>,
    spans: Arc<Source>,
    logs: Arc<Source>,
    identity: Arc<Source>,
    next: Nanos,
    pace: f64,
}

struct Route {
    method: &'static str,
    route: &'static str,
    statement: &'static str,
    median_ms: f64,
    weight: u64,
}

const ROUTES: [Route; 5] = [
    Route { method: "GET", route: "/api/products", statement: "SELECT products", median_ms: 24.0, weight: 40 },
    Route { method: "GET", route: "/api/products/{id}", statement: "SELECT products", median_ms: 12.0, weight: 30 },
    Route { method: "POST", route: "/api/cart/items", statement: "INSERT cart_items", median_ms: 38.0, weight: 16 },
    Route { method: "POST", route: "/api/orders", statement: "INSERT orders", median_ms: 160.0, weight: 6 },
    Route { method: "GET", route: "/api/orders/{id}", statement: "SELECT orders", median_ms: 30.0, weight: 8 },
];

// === impl Storefront ===

impl Storefront {
    pub fn new(mut random: Random, source: u64, developers: Vec<Developer>, start: Nanos, pace: f64) -> Storefront {
        let mut emitter = |offset, service: &str, scope| {
            let resource = Attributes::new()
                .text("service.name", service)
                .text("service.version", "5.12.0")
                .text("service.instance.id", random.uuid())
                .text("deployment.environment.name", "production")
                .text("project", "storefront")
                .text("host.name", "web-1.example.com");
            Arc::new(Source { id: (source << 16) + offset, resource, scope, scope_version: "0.61.0" })
        };
        let spans = emitter(0, "storefront-api", "@opentelemetry/instrumentation-http");
        let logs = emitter(1, "storefront-api", "storefront.access");
        let identity = emitter(2, "identity", "identity.audit");
        let next = start + pause(&mut random, 4.0, pace);
        Storefront { random, developers, spans, logs, identity, next, pace }
    }

    fn request(&mut self, start: Nanos, out: &mut Vec<Item>) {
        let mut drawn = self.random.range(0, ROUTES.iter().map(|route| route.weight).sum());
        let mut route = &ROUTES[0];
        for each in &ROUTES {
            route = each;
            if drawn < each.weight {
                break;
            }
            drawn -= each.weight;
        }
        let slow = if self.random.chance(0.03) { 12.0 } else { 1.0 };
        let took = (self.random.around(route.median_ms * slow, 0.5).clamp(1.0, 15_000.0) * 1e6) as Nanos;
        let end = start + took;
        let status = match self.random.range(0, 1000) {
            0..12 => 500,
            12..20 => 503,
            20..45 => 404,
            _ => 200,
        };
        let path = route.route.replace("{id}", &self.random.range(1000, 9999).to_string());
        let client = format!("203.0.113.{}", self.random.range(1, 250));
        let (trace, root) = (self.random.hex(32), self.random.hex(16));
        let error = (status >= 500).then_some(if status == 503 { "PoolTimeout" } else { "DatabaseError" });

        let database = Span {
            trace: &trace,
            id: &self.random.hex(16),
            parent: Some(&root),
            name: route.statement,
            kind: SpanKind::Client,
            start: start + took / 10,
            end: end - took / 5,
            error,
            attributes: Attributes::new()
                .text("db.system.name", "postgresql")
                .text("db.namespace", "shop")
                .text("db.query.summary", route.statement)
                .text("server.address", "db.example.com")
                .maybe("error.type", error),
            events: Vec::new(),
        };
        out.push(Item::span(&self.spans, "span db", database));
        let http = Attributes::new()
            .text("http.request.method", route.method)
            .text("http.route", route.route)
            .int("http.response.status_code", status)
            .text("url.path", &path)
            .text("url.scheme", "https")
            .text("server.address", "shop.example.com")
            .text("client.address", &client);
        let name = format!("{} {}", route.method, route.route);
        let server = Span {
            trace: &trace,
            id: &root,
            parent: None,
            name: &name,
            kind: SpanKind::Server,
            start,
            end,
            error: error.map(|_| "internal error"),
            attributes: http.clone().maybe("error.type", error),
            events: Vec::new(),
        };
        out.push(Item::span(&self.spans, "span http", server));

        let millis = took / MILLISECOND;
        let severity = match (error, millis) {
            (Some(_), _) => (17, "ERROR"),
            (None, 1000..) => (13, "WARN"),
            _ => (9, "INFO"),
        };
        let attributes = http
            .int("duration_ms", millis)
            .maybe("exception.type", error)
            .maybe("exception.message", error.map(|_| "the query did not finish"));
        let record = json!({
            "timeUnixNano": end.to_string(),
            "observedTimeUnixNano": end.to_string(),
            "severityNumber": severity.0,
            "severityText": severity.1,
            "body": {"stringValue": format!("{} {path} {status} in {millis} ms", route.method)},
            "attributes": attributes.json(),
            "traceId": trace,
            "spanId": root,
            "flags": 1,
        });
        out.push(Item::new(end, Signal::Logs, &self.logs, "log http", record));
    }

    fn login(&mut self, at: Nanos, out: &mut Vec<Item>) {
        let developer = self.developers[self.random.range(0, self.developers.len() as u64) as usize].clone();
        let fine = self.random.chance(0.92);
        let attributes = Attributes::new()
            .text("event.name", "auth.login")
            .text("user.name", developer.login)
            .text("user.email", developer.email())
            .text("client.address", format!("198.51.100.{}", self.random.range(1, 250)))
            .text("auth.method", if self.random.chance(0.7) { "sso" } else { "password" })
            .text("event.outcome", if fine { "success" } else { "failure" })
            .maybe("error.type", (!fine).then_some("invalid_credentials"));
        let severity = if fine { (9, "INFO") } else { (13, "WARN") };
        let text = format!("{} {}", developer.login, if fine { "signed in" } else { "failed to sign in" });
        let record = json!({
            "timeUnixNano": at.to_string(),
            "observedTimeUnixNano": at.to_string(),
            "severityNumber": severity.0,
            "severityText": severity.1,
            "body": {"stringValue": text},
            "attributes": attributes.json(),
        });
        out.push(Item::new(at, Signal::Logs, &self.identity, "auth.login", record));
    }
}

impl Actor for Storefront {
    fn next(&self) -> Nanos {
        self.next
    }

    /// A visitor: a few clicks within seconds.
    fn act(&mut self, out: &mut Vec<Item>) {
        let mut clock = self.next;
        for _ in 0..self.random.range(1, 6) {
            self.request(clock, out);
            clock += (self.random.around(1.5, 0.8).clamp(0.05, 20.0) * 1e9) as Nanos;
        }
        if self.random.chance(0.03) {
            self.login(clock, out);
        }
        self.next += pause(&mut self.random, 7.0, self.pace);
    }
}
