//! What has just arrived, for those who watch: a stream per watcher, fed from ClickHouse behind the wall, woken by the shipper.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;
use uuid::Uuid;

use crate::clickhouse::events::EventBlock;
use crate::clickhouse::read::Reader;
use crate::clickhouse::server::StoreError;
use crate::model::scope::Scope;
use crate::query::cursor::Cursor;
use crate::query::filter::Filter;
use crate::query::messages;
use crate::ship::Rows;
use crate::spool::Lanes;

/// Where the news comes from.
#[derive(Clone)]
pub struct Live {
    reader: Reader,
    /// Know what of a tenant can be read.
    lanes: Arc<Lanes<Rows<EventBlock>>>,
    /// Changes when this node has shipped something.
    shipped: watch::Receiver<()>,
    /// Other nodes write to the same server: look every second, and a little back, since their commits are not ordered with ours.
    shared: bool,
    stopping: watch::Receiver<bool>,
}

/// One watcher's place.
pub struct Follower {
    live: Live,
    scope: Scope,
    filter: Filter,
    after: Cursor,
    /// There may be rows behind the place, without news from the shipper.
    resumed: bool,
    seen: Seen,
}

/// What a watcher gets.
#[derive(Debug)]
pub enum News {
    Events(Vec<(Cursor, Value)>),
    /// Events came faster than they could be passed on: the watcher was moved forward and should read the window again.
    Skipped,
    /// The server is stopping: there will be no more.
    End,
}

const BATCH: usize = 500;
/// A watcher that is further behind is moved forward: reading a flood row by row would slow everybody down.
const MOST_BEHIND_MS: i64 = 5_000;
const TICK: Duration = Duration::from_secs(1);
const LOOK_BACK_MS: i64 = 5_000;

/// The ids that a look back may find again.
#[derive(Default)]
struct Seen {
    ids: HashSet<Uuid>,
    order: VecDeque<Uuid>,
}

// === impl Live ===

impl Live {
    pub fn new(
        reader: Reader,
        lanes: Arc<Lanes<Rows<EventBlock>>>,
        shipped: watch::Receiver<()>,
        shared: bool,
        stopping: watch::Receiver<bool>,
    ) -> Live {
        Live { reader, lanes, shipped, shared, stopping }
    }

    /// True once the server is stopping.
    pub fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.clone()
    }

    /// Follows from a cursor, or from now.
    pub fn follow(&self, scope: Scope, filter: Filter, after: Option<Cursor>) -> Follower {
        let received_at_ms = self.lanes.readable_until(&scope.tenant);
        let from_now = Cursor { timestamp_ns: 0, received_at_ms, event_id: Uuid::max() };
        Follower {
            live: self.clone(),
            scope,
            filter,
            resumed: after.is_some(),
            after: after.unwrap_or(from_now),
            seen: Seen::default(),
        }
    }
}

// === impl Follower ===

impl Follower {
    /// Its place: following from there brings what `next` would.
    pub fn place(&self) -> Cursor {
        self.after
    }

    /// The next events, in the order of their arrival; waits until there are some. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Result<News, StoreError> {
        let mut stopping = self.live.stopping.clone();
        tokio::select! {
            _ = stopping.wait_for(|stopping| *stopping) => Ok(News::End),
            news = self.news() => news,
        }
    }

    async fn news(&mut self) -> Result<News, StoreError> {
        loop {
            // Marked as seen before the query, so that what is shipped meanwhile wakes the next round.
            self.live.shipped.mark_unchanged();
            let until = match self.live.shared {
                true => jiff::Timestamp::now().as_millisecond(),
                false => self.live.lanes.readable_until(&self.scope.tenant),
            };
            if until > self.after.received_at_ms || self.resumed {
                let news = self.look(until).await?;
                if !matches!(&news, News::Events(events) if events.is_empty()) {
                    return Ok(news);
                }
            }
            self.wait().await;
        }
    }

    async fn look(&mut self, until: i64) -> Result<News, StoreError> {
        let mut after = self.after;
        if self.live.shared {
            after = Cursor { received_at_ms: after.received_at_ms - LOOK_BACK_MS, event_id: Uuid::nil(), ..after };
        }
        let live = &self.live;
        let mut events = messages::arrived(&live.reader, &self.scope, &self.filter, after, until, BATCH).await?;
        // Only now: whoever drops the future before may ask again.
        self.resumed = false;
        let Some((last, _)) = events.last() else { return Ok(News::Events(events)) };
        let last = *last;
        if events.len() == BATCH {
            // There is more: look again at once.
            self.resumed = true;
            if until - last.received_at_ms > MOST_BEHIND_MS || live.shared {
                self.after = Cursor { received_at_ms: until, event_id: Uuid::max(), timestamp_ns: 0 };
                return Ok(News::Skipped);
            }
        }
        if last.received_at_ms >= self.after.received_at_ms {
            self.after = last;
        }
        if live.shared {
            events.retain(|(cursor, _)| self.seen.is_new(cursor.event_id));
        }
        Ok(News::Events(events))
    }

    async fn wait(&mut self) {
        if self.live.shared {
            tokio::time::sleep(TICK).await;
        } else if self.live.shipped.changed().await.is_err() {
            // The shipper is gone: the process is stopping.
            std::future::pending::<()>().await;
        }
    }
}

// === impl Seen ===

impl Seen {
    const MOST: usize = 100_000;

    fn is_new(&mut self, id: Uuid) -> bool {
        if !self.ids.insert(id) {
            return false;
        }
        self.order.push_back(id);
        if self.order.len() > Self::MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
        true
    }
}
