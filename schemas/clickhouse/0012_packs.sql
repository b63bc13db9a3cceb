-- What a tenant decided about report packs: on or off, and packs of its own. And what it means to spend in a month.
CREATE TABLE IF NOT EXISTS activitylog.pack_states
(
    tenant_id     String,
    pack_id       String,
    -- '' : on where one of its sources was seen
    choice        LowCardinality(String),
    -- TOML; '' : a pack of the product's
    definition    String,
    created_at_ms Int64,
    version       UInt64,
    deleted       UInt8
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (tenant_id, pack_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

ALTER TABLE activitylog.tenants ADD COLUMN IF NOT EXISTS monthly_budget_cents UInt64 AFTER bytes_per_day;
