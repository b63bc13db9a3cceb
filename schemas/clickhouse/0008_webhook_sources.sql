-- Who may post webhooks, for whom, and with which secrets. A control table: read whole into every node's snapshot, written by the
-- operator; no view in `pub` shows it, and `reader` has no right to it.
-- The secrets are kept as they are: an HMAC can't be checked against a hash of its key. expires_at_ms is Unix time in ms, 0 for never.
CREATE TABLE IF NOT EXISTS activitylog.webhook_sources
(
    id         String,
    tenant_id  String,
    kind       LowCardinality(String),
    name       String,
    project    String,
    user       String,
    secrets    Array(Tuple(secret String, expires_at_ms Int64)),
    created_at DateTime64(3, 'UTC'),
    version    UInt64,
    deleted    UInt8
)
ENGINE = ReplacingMergeTree(version)
ORDER BY id
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
