-- What has come since the table was vacuumed is looked up in it where an index would do, and what has come since it was analyzed is
-- taken for next to nothing. That is the latest, which is asked for most: so both are done when a fiftieth has come, and not a fifth and a tenth.
ALTER TABLE events SET (
    autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_vacuum_insert_threshold = 1000,
    autovacuum_analyze_scale_factor = 0.02, autovacuum_analyze_threshold = 50
);
