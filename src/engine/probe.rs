//! Asks a starting engine whether it is there, and whether the tenant wall is. A plain HTTP/1.0 exchange: at one attempt
//! every 10 ms, a client with a pool would be in the way.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::files::{Credentials, User};
use super::{EngineError, users};

const PATIENCE: Duration = Duration::from_secs(2);
const MAX_ANSWER: u64 = 16 << 10;

/// Whether it answers the writer. Only our engine knows the password, so another process on the port doesn't count.
pub(super) async fn answers(address: SocketAddr, credentials: &Credentials) -> bool {
    matches!(ask(address, &credentials.writer, "SELECT 1").await, Ok((200, body)) if body.trim() == "1")
}

/// Fails unless a user without any right is kept from the files of the engine's process (`users.rs` tells the story).
/// EXPLAIN shows what `file` was resolved to; running it would leave a stack trace in the engine's log at each start.
pub(super) async fn check_wall(address: SocketAddr, credentials: &Credentials) -> Result<(), EngineError> {
    match ask(address, &credentials.gate, "EXPLAIN SELECT file('/dev/null')").await {
        Ok((200, body)) if body.contains(users::NO_FILES) => Ok(()),
        Ok((status, _)) => Err(EngineError::WallDown { why: format!("file() is the built-in one, HTTP {status}") }),
        Err(error) => Err(EngineError::WallDown { why: format!("file() could not be tried: {error}") }),
    }
}

/// One query: status and body.
async fn ask(address: SocketAddr, user: &User, query: &str) -> io::Result<(u16, String)> {
    timeout(PATIENCE, exchange(address, user, query)).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}

async fn exchange(address: SocketAddr, user: &User, query: &str) -> io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!(
        "POST / HTTP/1.0\r\nHost: localhost\r\nX-ClickHouse-User: {}\r\nX-ClickHouse-Key: {}\r\n\
         Content-Length: {}\r\n\r\n{query}",
        user.name,
        user.password,
        query.len()
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(MAX_ANSWER).read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
    match (status, answer.split_once("\r\n\r\n")) {
        (Some(status), Some((_, body))) => Ok((status, body.to_owned())),
        _ => Err(io::Error::from(io::ErrorKind::InvalidData)),
    }
}
