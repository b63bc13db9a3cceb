//! What asking who sends costs: `cargo bench --bench auth`. A snapshot of 10,000 users with a token each, as the data folder remembers it.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use activitylog::auth::Auth;
use activitylog::clickhouse::server::{Endpoint, Server};
use activitylog::control::Control;
use activitylog::control::records::{Tenant, Token, TokenKind, User};
use activitylog::control::snapshot::hash;
use activitylog::control::table::Record;
use hyper::HeaderMap;

const PEOPLE: usize = 10_000;
const ROUNDS: usize = 200_000;
const RECORDS: f64 = 500.0;

fn main() {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(dir.path().join("control")).expect("a folder");
    let rows = rows();
    std::fs::write(dir.path().join("control/snapshot.jsonl"), &rows).expect("written");
    let server = Server::new(Endpoint::new(""), "", "", Duration::ZERO);
    let (before, started) = (resident_kib(), Instant::now());
    let control = Arc::new(Control::open(dir.path(), server));
    println!(
        "snapshot: {:.1} MB of rows, {:.1} MB in memory with them, made in {:?}",
        rows.len() as f64 / 1e6,
        (resident_kib() - before) as f64 * 1024.0 / 1e6,
        started.elapsed()
    );
    let auth = Auth::new("default", control);
    let of = |value: String| {
        HeaderMap::from_iter([
            (hyper::header::HOST, "localhost".parse().expect("a value")),
            (hyper::header::AUTHORIZATION, value.parse().expect("a value")),
        ])
    };
    let tokens: Vec<HeaderMap> = (0..PEOPLE).map(|n| of(format!("Bearer {}", text(n)))).collect();
    let anonymous = HeaderMap::from_iter([(hyper::header::HOST, "localhost".parse().expect("a value"))]);
    for (name, headers) in [("an ingest token", &tokens[..]), ("nobody's, on loopback", &[anonymous][..])] {
        let best = (0..5).map(|_| time(&auth, headers)).min().expect("several rounds");
        let ns = best.as_nanos() as f64 / ROUNDS as f64;
        println!("{name}: {ns:.0} ns a request, {:.4} us a record at 500 a request", ns / 1000.0 / RECORDS);
    }
}

fn time(auth: &Auth, headers: &[HeaderMap]) -> Duration {
    let started = Instant::now();
    for n in 0..ROUNDS {
        black_box(auth.writer(&headers[n % headers.len()])).expect("known");
    }
    started.elapsed()
}

fn text(n: usize) -> String {
    format!("alg_i_{n:040}")
}

fn rows() -> Vec<u8> {
    let mut rows = Vec::new();
    line(&mut rows, &Tenant { id: "default".to_owned(), ..Tenant::default() });
    for n in 0..PEOPLE {
        let id = uuid::Uuid::from_u128(n as u128).to_string();
        let user = User {
            id: id.clone(),
            tenant_id: "default".to_owned(),
            email: format!("user-{n}@example.com"),
            name: format!("User {n}"),
            role: "member".to_owned(),
            password_hash:
                "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$c29tZWhhc2hzb21laGFzaHNvbWVoYXNoc29tZWhhc2g"
                    .to_owned()
                    .into(),
            ..User::default()
        };
        let token = Token {
            id: id.clone(),
            tenant_id: "default".to_owned(),
            kind: TokenKind::Ingest,
            name: format!("token {n}"),
            hash: hash(&text(n)).into(),
            user_id: id,
            ..Token::default()
        };
        line(&mut rows, &user);
        line(&mut rows, &token);
    }
    rows
}

fn line<R: Record>(rows: &mut Vec<u8>, row: &R) {
    let row = serde_json::to_string(row).expect("plain data");
    rows.extend(serde_json::json!({"t": R::TABLE, "r": row}).to_string().bytes());
    rows.push(b'\n');
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}
