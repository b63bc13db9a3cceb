-- What people decided: control tables, read whole into every node's snapshot, written by the nodes and the command line. No view in
-- `pub` shows them, and `reader` has no right to them. Instants are Unix time in milliseconds, 0 for never. A row with deleted = 1
-- says that it is gone. Passwords and tokens are kept as hashes; what TOTP needs is kept as it is, since codes are made of it.
CREATE TABLE IF NOT EXISTS activitylog.tenants
(
    id                 String,
    name               String,
    tier               LowCardinality(String),
    -- 0, "" : as the tier or the configuration says
    retention_days     UInt32,
    capture            LowCardinality(String),
    records_per_second UInt64,
    bytes_per_day      UInt64,
    created_at_ms      Int64,
    version            UInt64,
    deleted            UInt8
)
ENGINE = ReplacingMergeTree(version)
ORDER BY id
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS activitylog.users
(
    id                   String,
    tenant_id            String,
    email                String,
    name                 String,
    role                 LowCardinality(String),
    -- PHC string (argon2id); empty: signs in elsewhere
    password_hash        String,
    must_change_password Bool,
    -- base32; empty: none
    totp_secret          String,
    totp_confirmed       Bool,
    recovery_hashes      Array(String),
    -- issuer and subject of an OpenID provider
    oidc_subject         String,
    disabled             Bool,
    created_at_ms        Int64,
    version              UInt64,
    deleted              UInt8
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (tenant_id, id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Custom ones; those built in are not here.
CREATE TABLE IF NOT EXISTS activitylog.roles
(
    tenant_id     String,
    name          String,
    description   String,
    permissions   Array(String),
    created_at_ms Int64,
    version       UInt64,
    deleted       UInt8
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (tenant_id, name)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS activitylog.projects
(
    id            String,
    tenant_id     String,
    slug          String,
    name          String,
    description   String,
    created_at_ms Int64,
    version       UInt64,
    deleted       UInt8
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (tenant_id, id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS activitylog.memberships
(
    tenant_id     String,
    project_id    String,
    user_id       String,
    created_at_ms Int64,
    version       UInt64,
    deleted       UInt8
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (tenant_id, project_id, user_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS activitylog.tokens
(
    id            String,
    tenant_id     String,
    kind          LowCardinality(String),
    name          String,
    -- how it begins, to tell it from others
    prefix        String,
    -- SHA-256, hex
    hash          String,
    -- of an API token: whom it acts as; of an ingest token: who made it
    user_id       String,
    -- slug; empty: all that its user sees, or what events say themselves
    project       String,
    -- of an API token; empty: all of its user's
    permissions   Array(String),
    created_at_ms Int64,
    expires_at_ms Int64,
    version       UInt64,
    deleted       UInt8
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (tenant_id, id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS activitylog.invites
(
    id             String,
    tenant_id      String,
    email          String,
    role           LowCardinality(String),
    project_ids    Array(String),
    hash           String,
    created_by     String,
    created_at_ms  Int64,
    expires_at_ms  Int64,
    version        UInt64,
    deleted        UInt8
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (tenant_id, id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS activitylog.sessions
(
    id            String,
    tenant_id     String,
    user_id       String,
    hash          String,
    source_ip     String,
    user_agent    String,
    created_at_ms Int64,
    expires_at_ms Int64,
    version       UInt64,
    deleted       UInt8
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (tenant_id, id)
TTL toDateTime(intDiv(expires_at_ms, 1000), 'UTC') + INTERVAL 1 DAY
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- As the other tables have it.
ALTER TABLE activitylog.webhook_sources ADD COLUMN IF NOT EXISTS created_at_ms Int64 DEFAULT toUnixTimestamp64Milli(created_at) AFTER created_at;
