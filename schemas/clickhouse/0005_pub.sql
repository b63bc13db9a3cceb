-- What readers see. The views run as `wall`, which carries the row policy on every base table: the tenant wall.
CREATE VIEW IF NOT EXISTS pub.events DEFINER = wall SQL SECURITY DEFINER AS SELECT * FROM activitylog.events;

CREATE VIEW IF NOT EXISTS pub.metrics DEFINER = wall SQL SECURITY DEFINER AS SELECT * FROM activitylog.metrics;

CREATE VIEW IF NOT EXISTS pub.usage DEFINER = wall SQL SECURITY DEFINER AS SELECT * FROM activitylog.usage FINAL;

CREATE VIEW IF NOT EXISTS pub.events_by_minute DEFINER = wall SQL SECURITY DEFINER AS SELECT * FROM activitylog.events_by_minute;
