-- Connections by all that a filter can ask of them, and by a text.
ALTER TABLE connections ADD COLUMN is_recorded BIGINT NOT NULL DEFAULT 0;
-- In small letters: its names, and why it ended.
ALTER TABLE connections ADD COLUMN "text" TEXT COLLATE "C" NOT NULL DEFAULT '';
UPDATE connections SET "text" = lower(subject_name || chr(10) || target_name || chr(10) || target_user || coalesce(chr(10) || space_name, '')
    || CASE environment_name WHEN 'n/a' THEN '' ELSE chr(10) || environment_name END || coalesce(chr(10) || ip_address, '')
    || coalesce(chr(10) || reason, ''));
UPDATE connections SET is_recorded = 1 WHERE decode(replace(id, '-', ''), 'hex') IN (SELECT id FROM recordings WHERE deleted IS NULL);

CREATE INDEX connections_by_ip_address ON connections (ip_address, started, id) WHERE ip_address IS NOT NULL;
CREATE INDEX connections_by_space_id ON connections (space_id, started, id) WHERE space_id IS NOT NULL;
CREATE INDEX connections_by_space ON connections (space_name, started, id) WHERE space_name IS NOT NULL;
CREATE INDEX connections_by_environment_id ON connections (environment_id, started, id);
CREATE INDEX connections_by_environment ON connections (environment_name, started, id);
CREATE INDEX connections_by_kind ON connections (kind, started, id);
CREATE INDEX connections_by_subject_type ON connections (subject_type, started, id);
CREATE INDEX connections_of_administrators ON connections (started, id) WHERE is_admin = 1;

-- Whose recordings there are, and on which targets, without a look at connections.
CREATE INDEX recorded_by_subject ON connections (subject_name, started, id, ended) WHERE is_recorded = 1;
CREATE INDEX recorded_by_target ON connections (target_name, started, id, ended) WHERE is_recorded = 1;
CREATE INDEX recorded_by_time ON connections (started, id) WHERE is_recorded = 1;
