//! The request under load: one serialized Export{Logs,Trace}ServiceRequest, written by hand so that the place of every
//! byte that changes is known. A sender overwrites a 16-byte marker and the fixed64 times in place; nothing is encoded
//! again, and no two requests have the same bytes.
//!
//! Shape: Claude Code's `api_request` records, or gen_ai inference spans, with a fixed set of attributes each.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    Logs,
    Traces,
}

/// What one request holds.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    pub signal: Signal,
    /// Records in a request.
    pub batch: usize,
    /// Attributes of a record; a log record has `event.name` on top.
    pub attrs: usize,
}

/// A serialized request and the offsets of what is patched.
#[derive(Debug, Clone)]
pub struct Template {
    bytes: Vec<u8>,
    marks: Vec<(Mark, usize)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// 16 ASCII bytes in a resource attribute.
    Marker,
    /// fixed64: a record's time, a span's start.
    Start,
    /// fixed64: a span's end.
    End,
}

/// A protobuf message being written, with the marks inside it.
#[derive(Default)]
struct Message {
    bytes: Vec<u8>,
    marks: Vec<(Mark, usize)>,
}

enum Value<'a> {
    Str(&'a str),
    Int(u64),
    Double(f64),
}

/// xorshift64*: enough to make columns that don't compress to nothing.
struct Random(u64);

const MODELS: [&str; 3] = ["claude-opus-4-5", "claude-sonnet-4-5", "claude-haiku-4-5"];
const SPAN_NANOS: u64 = 5_000_000;
const SEVERITY_INFO: u64 = 9;
const SPAN_KIND_CLIENT: u64 = 3;

// === impl Template ===

impl Template {
    pub fn new(shape: Shape) -> Template {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let mut resource = Message::default();
        for (key, value) in [
            ("service.name", "claude-code"),
            ("service.version", "2.1.0"),
            ("os.type", "linux"),
            ("host.arch", "amd64"),
        ] {
            resource.message(1, attribute(key, Value::Str(value)));
        }
        let mut marker = attribute("load.marker", Value::Str("0000000000000000"));
        marker.marks.push((Mark::Marker, marker.bytes.len() - 16));
        resource.message(1, marker);

        let mut scope = Message::default();
        scope.string(
            1,
            match shape.signal {
                Signal::Logs => "com.anthropic.claude_code.events",
                Signal::Traces => "opentelemetry.instrumentation.openai_v2",
            },
        );
        let mut scoped = Message::default();
        scoped.message(1, scope);
        for i in 0..shape.batch {
            let record = match shape.signal {
                Signal::Logs => log_record(i, shape.attrs, &mut random),
                Signal::Traces => span(i, shape.attrs, &mut random),
            };
            scoped.message(2, record);
        }
        // ResourceLogs and ResourceSpans, and the two requests, have the same field numbers
        let mut resource_block = Message::default();
        resource_block.message(1, resource);
        resource_block.message(2, scoped);
        let mut request = Message::default();
        request.message(1, resource_block);
        Template { bytes: request.bytes, marks: request.marks }
    }

    /// The same request behind some bytes of the transport: an HTTP head, a gRPC frame header.
    pub fn behind(&self, prefix: &[u8]) -> Template {
        let mut bytes = prefix.to_vec();
        bytes.extend_from_slice(&self.bytes);
        Template { bytes, marks: self.marks.iter().map(|(mark, at)| (*mark, at + prefix.len())).collect() }
    }

    /// Makes this request unlike every other: `marker` into the resource, `now` (Unix nanoseconds) into the records.
    pub fn stamp(&mut self, marker: &[u8; 16], now: u64) {
        let (start, end) = (now.to_le_bytes(), (now + SPAN_NANOS).to_le_bytes());
        for (mark, at) in &self.marks {
            let patch: &[u8] = match mark {
                Mark::Marker => marker,
                Mark::Start => &start,
                Mark::End => &end,
            };
            self.bytes[*at..*at + patch.len()].copy_from_slice(patch);
        }
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

fn log_record(i: usize, attrs: usize, random: &mut Random) -> Message {
    let mut record = Message::default();
    record.time(1, Mark::Start);
    record.uint(2, SEVERITY_INFO);
    record.string(3, "INFO");
    record.message(5, any_value(Value::Str("claude_code.api_request")));
    record.message(6, attribute("event.name", Value::Str("api_request")));
    for each in attributes(i, attrs, random) {
        record.message(6, each);
    }
    record.time(11, Mark::Start);
    record
}

fn span(i: usize, attrs: usize, random: &mut Random) -> Message {
    let mut span = Message::default();
    span.raw(1, &[random.next().to_be_bytes(), random.next().to_be_bytes()].concat());
    span.raw(2, &random.next().to_be_bytes());
    span.raw(4, &random.next().to_be_bytes());
    span.string(5, "chat gpt-4o");
    span.uint(6, SPAN_KIND_CLIENT);
    span.time(7, Mark::Start);
    span.time(8, Mark::End);
    let own = [
        attribute("gen_ai.operation.name", Value::Str("chat")),
        attribute("gen_ai.provider.name", Value::Str("openai")),
        attribute("gen_ai.request.model", Value::Str("gpt-4o")),
        attribute("gen_ai.response.model", Value::Str("gpt-4o-2024-08-06")),
        attribute("gen_ai.usage.input_tokens", Value::Int(random.below(9000))),
        attribute("gen_ai.usage.output_tokens", Value::Int(random.below(900))),
    ];
    let common = attributes(i, attrs.saturating_sub(own.len()), random);
    for each in own.into_iter().take(attrs).chain(common) {
        span.message(9, each);
    }
    span
}

/// The 14 attributes of an `api_request`, cut or extended to `wanted`.
fn attributes(i: usize, wanted: usize, random: &mut Random) -> Vec<Message> {
    let session = format!("{:016x}{:016x}", random.next(), random.next());
    let mut list = vec![
        attribute("session.id", Value::Str(&session)),
        attribute("user.id", Value::Str(&format!("user-{}", random.below(200)))),
        attribute("user.email", Value::Str(&format!("dev{}@example.com", random.below(200)))),
        attribute("organization.id", Value::Str("org-1")),
        attribute("terminal.type", Value::Str("vscode")),
        attribute("event.sequence", Value::Int(i as u64)),
        attribute("model", Value::Str(MODELS[random.below(MODELS.len() as u64) as usize])),
        attribute("input_tokens", Value::Int(random.below(9000))),
        attribute("output_tokens", Value::Int(random.below(2000))),
        attribute("cache_read_tokens", Value::Int(random.below(90_000))),
        attribute("cache_creation_tokens", Value::Int(random.below(5000))),
        attribute("cost_usd", Value::Double(random.below(1_000_000) as f64 / 1e6)),
        attribute("duration_ms", Value::Int(random.below(20_000))),
        attribute("speed", Value::Str("normal")),
    ];
    for extra in 0..wanted.saturating_sub(list.len()) {
        let value = format!("value-{}", random.below(1000));
        list.push(attribute(&format!("extra.{extra}"), Value::Str(&value)));
    }
    list.truncate(wanted);
    list
}

fn attribute(key: &str, value: Value) -> Message {
    let mut kv = Message::default();
    kv.string(1, key);
    kv.message(2, any_value(value));
    kv
}

fn any_value(value: Value) -> Message {
    let mut any = Message::default();
    match value {
        Value::Str(s) => any.string(1, s),
        Value::Int(n) => any.uint(3, n),
        Value::Double(d) => {
            any.key(4, 1);
            any.bytes.extend_from_slice(&d.to_le_bytes());
        }
    }
    any
}

// === impl Message ===

impl Message {
    fn key(&mut self, field: u64, wire_type: u64) {
        self.varint(field << 3 | wire_type);
    }

    fn varint(&mut self, mut n: u64) {
        while n >= 0x80 {
            self.bytes.push(n as u8 | 0x80);
            n >>= 7;
        }
        self.bytes.push(n as u8);
    }

    fn uint(&mut self, field: u64, n: u64) {
        self.key(field, 0);
        self.varint(n);
    }

    fn raw(&mut self, field: u64, bytes: &[u8]) {
        self.key(field, 2);
        self.varint(bytes.len() as u64);
        self.bytes.extend_from_slice(bytes);
    }

    fn string(&mut self, field: u64, s: &str) {
        self.raw(field, s.as_bytes());
    }

    fn message(&mut self, field: u64, inner: Message) {
        self.raw(field, &inner.bytes);
        let start = self.bytes.len() - inner.bytes.len();
        self.marks.extend(inner.marks.into_iter().map(|(mark, at)| (mark, start + at)));
    }

    fn time(&mut self, field: u64, mark: Mark) {
        self.key(field, 1);
        self.marks.push((mark, self.bytes.len()));
        self.bytes.extend_from_slice(&[0; 8]);
    }
}

// === impl Random ===

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}
