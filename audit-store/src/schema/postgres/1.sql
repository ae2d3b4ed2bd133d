-- Audit logs. Times are microseconds since 1970, UTC. The same as for SQLite, which says what is what.

CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE TABLE terms (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    text TEXT COLLATE "C" NOT NULL UNIQUE
);

CREATE TABLE called (
    id BIGINT NOT NULL,
    name BIGINT NOT NULL,
    PRIMARY KEY (id, name)
);

CREATE TABLE writers (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    writer BYTEA NOT NULL UNIQUE,
    began BIGINT NOT NULL
);

CREATE TABLE events (
    "row" BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    log BIGINT NOT NULL,
    writer BIGINT NOT NULL REFERENCES writers (id),
    seq BIGINT NOT NULL,
    "time" BIGINT NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    subject_id BIGINT,
    subject_type BIGINT,
    subject_name BIGINT,
    ip_address BIGINT,
    connection_id BIGINT,
    space_id BIGINT,
    space_name BIGINT,
    target_id BIGINT,
    target_name BIGINT,
    target_type BIGINT,
    target_user BIGINT,
    environment_id BIGINT,
    environment_name BIGINT,
    "action" BIGINT,
    node_id BIGINT,
    is_admin BIGINT,
    evaluation BIGINT,
    "text" TEXT COLLATE "C",
    content TEXT COLLATE "C",
    content_hash BYTEA NOT NULL,
    hash BYTEA NOT NULL
);
-- Events of a connection stand together, so that what is written at the same time is not all over the index.
CREATE UNIQUE INDEX events_once ON events (log, (coalesce(connection_id, 0)), id);
-- Which command came before a moment in a connection, and which after it: however many there are.
CREATE INDEX commands_of_connection ON events ((coalesce(connection_id, 0)), "time", "row") WHERE log = 1 AND content IS NOT NULL;
CREATE UNIQUE INDEX events_of_writer ON events (writer, seq);
CREATE INDEX events_by_time ON events (log, "time", "row");
-- What is often asked for along with it stands beside it.
CREATE INDEX events_by_subject ON events (log, subject_name, "time", "row") INCLUDE (target_name, target_user, ip_address, environment_name)
    WHERE subject_name IS NOT NULL;
CREATE INDEX events_by_target ON events (log, target_name, "time", "row") INCLUDE (target_user, environment_name, subject_name)
    WHERE target_name IS NOT NULL;
CREATE INDEX events_by_target_user ON events (log, target_user, "time", "row")
    WHERE target_user IS NOT NULL;
CREATE INDEX events_by_ip_address ON events (log, ip_address, "time", "row")
    WHERE ip_address IS NOT NULL;
CREATE INDEX events_by_environment ON events (log, environment_name, "time", "row")
    WHERE environment_name IS NOT NULL;
CREATE INDEX events_by_space ON events (log, space_name, "time", "row")
    WHERE space_name IS NOT NULL;
CREATE INDEX events_by_action ON events (log, "action", "time", "row")
    WHERE "action" IS NOT NULL;
CREATE INDEX events_by_subject_type ON events (log, subject_type, "time", "row")
    WHERE subject_type IS NOT NULL;
CREATE INDEX events_by_target_type ON events (log, target_type, "time", "row")
    WHERE target_type IS NOT NULL;
CREATE INDEX events_by_node ON events (log, node_id, "time", "row")
    WHERE node_id IS NOT NULL;
-- The other value most events have.
CREATE INDEX events_by_admin ON events (log, is_admin, "time", "row") WHERE is_admin = 1;
CREATE INDEX events_by_refusal ON events (log, evaluation, "time", "row") WHERE evaluation = 0;
CREATE INDEX events_text ON events USING gin ("text" gin_trgm_ops);

CREATE TABLE checkpoints (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    "time" BIGINT NOT NULL,
    checkpoint TEXT NOT NULL
);

CREATE TABLE recordings (
    id BYTEA PRIMARY KEY,
    form TEXT COLLATE "C" NOT NULL,
    subject_id TEXT COLLATE "C" NOT NULL,
    created BIGINT NOT NULL,
    input_recorded BIGINT NOT NULL,
    "size" BIGINT NOT NULL DEFAULT 0,
    moved BIGINT NOT NULL DEFAULT 0,
    completed BIGINT,
    sha256 BYTEA,
    indexed BIGINT NOT NULL DEFAULT 0,
    held BIGINT,
    held_by TEXT,
    hold_reason TEXT,
    deleted BIGINT,
    deleted_by TEXT,
    delete_reason TEXT
);
CREATE INDEX recordings_by_time ON recordings (created, id);
CREATE INDEX recordings_of_subject ON recordings (subject_id, created, id);
CREATE INDEX recordings_to_tend ON recordings (id) WHERE sha256 IS NULL AND deleted IS NULL;
CREATE INDEX recordings_to_index ON recordings (id) WHERE indexed = 0 AND deleted IS NULL;

CREATE TABLE recording_objects (
    recording BYTEA NOT NULL REFERENCES recordings (id),
    "offset" BIGINT NOT NULL,
    length BIGINT NOT NULL,
    "key" TEXT COLLATE "C" NOT NULL UNIQUE,
    sha256 BYTEA NOT NULL,
    PRIMARY KEY (recording, "offset")
);

CREATE TABLE recording_tail (
    recording BYTEA NOT NULL REFERENCES recordings (id),
    "offset" BIGINT NOT NULL,
    bytes BYTEA NOT NULL
);
-- They are compressed already.
ALTER TABLE recording_tail ALTER COLUMN bytes SET STORAGE EXTERNAL;
CREATE UNIQUE INDEX recording_tail_once ON recording_tail (recording, "offset");

CREATE TABLE output_blocks (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    connection TEXT COLLATE "C" NOT NULL,
    number BIGINT NOT NULL,
    "start" BIGINT NOT NULL,
    "first" BIGINT NOT NULL,
    "last" BIGINT NOT NULL,
    packed BYTEA NOT NULL
);
ALTER TABLE output_blocks ALTER COLUMN packed SET STORAGE EXTERNAL;
CREATE UNIQUE INDEX output_once ON output_blocks (connection, number);
CREATE INDEX output_by_time ON output_blocks ("last", id);
-- Of other rows than the blocks, so that those are read without the texts.
CREATE TABLE output_text (
    "rowid" BIGINT PRIMARY KEY,
    "text" TEXT NOT NULL
);
CREATE INDEX output_trigrams ON output_text USING gin ("text" gin_trgm_ops);

CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '% of an audit log are not changed and not deleted', TG_TABLE_NAME; END $$;

CREATE TRIGGER events_stay BEFORE DELETE ON events FOR EACH ROW EXECUTE FUNCTION refuse();
CREATE TRIGGER events_are_as_they_were BEFORE UPDATE ON events FOR EACH ROW
WHEN (NEW.content IS NOT NULL OR NEW."text" IS NOT NULL OR NEW."row" IS DISTINCT FROM OLD."row"
    OR NEW.log IS DISTINCT FROM OLD.log OR NEW.writer IS DISTINCT FROM OLD.writer OR NEW.seq IS DISTINCT FROM OLD.seq
    OR NEW."time" IS DISTINCT FROM OLD."time" OR NEW.id IS DISTINCT FROM OLD.id
    OR NEW.content_hash IS DISTINCT FROM OLD.content_hash OR NEW.hash IS DISTINCT FROM OLD.hash)
EXECUTE FUNCTION refuse();
CREATE TRIGGER events_are_not_emptied BEFORE TRUNCATE ON events EXECUTE FUNCTION refuse();
CREATE TRIGGER checkpoints_stay BEFORE UPDATE OR DELETE ON checkpoints FOR EACH ROW EXECUTE FUNCTION refuse();
CREATE TRIGGER checkpoints_are_not_emptied BEFORE TRUNCATE ON checkpoints EXECUTE FUNCTION refuse();
CREATE TRIGGER writers_stay BEFORE UPDATE OR DELETE ON writers FOR EACH ROW EXECUTE FUNCTION refuse();
CREATE TRIGGER writers_are_not_emptied BEFORE TRUNCATE ON writers EXECUTE FUNCTION refuse();
CREATE TRIGGER called_stay BEFORE UPDATE OR DELETE ON called FOR EACH ROW EXECUTE FUNCTION refuse();
CREATE TRIGGER called_are_not_emptied BEFORE TRUNCATE ON called EXECUTE FUNCTION refuse();
CREATE TRIGGER terms_stay BEFORE UPDATE OR DELETE ON terms FOR EACH ROW EXECUTE FUNCTION refuse();
CREATE TRIGGER recordings_stay BEFORE DELETE ON recordings FOR EACH ROW EXECUTE FUNCTION refuse();
CREATE TRIGGER recordings_stay_deleted BEFORE UPDATE ON recordings FOR EACH ROW
WHEN (OLD.deleted IS NOT NULL OR (NEW.deleted IS NOT NULL AND NEW.held IS NOT NULL)) EXECUTE FUNCTION refuse();
CREATE TRIGGER recordings_are_not_emptied BEFORE TRUNCATE ON recordings EXECUTE FUNCTION refuse();

-- Who and what there is. Ids are UUIDs as text; of what is deleted the row stays.
CREATE TABLE organizations (
    number BIGINT PRIMARY KEY CHECK (number = 1),
    id TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    created BIGINT NOT NULL
);

CREATE TABLE subjects (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    full_name TEXT COLLATE "C",
    role TEXT COLLATE "C" NOT NULL,
    password TEXT COLLATE "C",
    is_enabled BIGINT NOT NULL,
    created BIGINT NOT NULL,
    last_seen BIGINT,
    deleted BIGINT
);
CREATE UNIQUE INDEX subjects_living ON subjects (kind, name) WHERE deleted IS NULL;

CREATE TABLE environments (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL,
    created BIGINT NOT NULL,
    deleted BIGINT
);
CREATE UNIQUE INDEX environments_living ON environments (name) WHERE deleted IS NULL;

CREATE TABLE targets (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    environment TEXT COLLATE "C" REFERENCES environments (id),
    created BIGINT NOT NULL,
    agent_seen BIGINT,
    agent_status TEXT COLLATE "C" NOT NULL,
    deleted BIGINT
);
CREATE UNIQUE INDEX targets_living ON targets (name) WHERE deleted IS NULL;
CREATE INDEX targets_of_environment ON targets (environment);

CREATE TABLE keys (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    subject TEXT COLLATE "C" NOT NULL REFERENCES subjects (id),
    name TEXT COLLATE "C" NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    secret BYTEA NOT NULL UNIQUE,
    target TEXT COLLATE "C" REFERENCES targets (id),
    created BIGINT NOT NULL,
    last_used BIGINT
);
CREATE INDEX keys_of_subject ON keys (subject);
CREATE INDEX keys_of_target ON keys (target);

CREATE TABLE sign_ins (
    cookie BYTEA NOT NULL PRIMARY KEY,
    subject TEXT COLLATE "C" NOT NULL REFERENCES subjects (id),
    csrf TEXT COLLATE "C" NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX sign_ins_of_subject ON sign_ins (subject);

CREATE TABLE links (
    link BYTEA NOT NULL PRIMARY KEY,
    purpose TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" REFERENCES subjects (id),
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX links_of_subject ON links (subject);

CREATE TABLE spaces (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL,
    owner TEXT COLLATE "C" NOT NULL REFERENCES subjects (id),
    state TEXT COLLATE "C" NOT NULL,
    created BIGINT NOT NULL
);
CREATE UNIQUE INDEX spaces_active ON spaces (owner, name) WHERE state = 'Active';

-- Who is where, and was: names and ids as they were then.
CREATE TABLE connections (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    subject_id TEXT COLLATE "C" NOT NULL,
    subject_type TEXT COLLATE "C" NOT NULL,
    subject_name TEXT COLLATE "C" NOT NULL,
    is_admin BIGINT NOT NULL,
    ip_address TEXT COLLATE "C",
    target_id TEXT COLLATE "C" NOT NULL,
    target_name TEXT COLLATE "C" NOT NULL,
    target_user TEXT COLLATE "C" NOT NULL,
    environment_id TEXT COLLATE "C" NOT NULL,
    environment_name TEXT COLLATE "C" NOT NULL,
    space_id TEXT COLLATE "C",
    space_name TEXT COLLATE "C",
    known_by TEXT COLLATE "C",
    started BIGINT NOT NULL,
    created BIGINT NOT NULL,
    ended BIGINT,
    clients BIGINT NOT NULL,
    lease BIGINT NOT NULL,
    close_by TEXT COLLATE "C",
    close_reason TEXT COLLATE "C",
    close_asked BIGINT,
    reason TEXT COLLATE "C",
    has_lapsed BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX connections_by_time ON connections (started, id);
CREATE INDEX connections_living ON connections (started, id) WHERE ended IS NULL;
CREATE INDEX connections_in_error ON connections (started, id) WHERE state = 'Error';
CREATE INDEX connections_by_subject_id ON connections (subject_id, started, id);
CREATE INDEX connections_by_subject ON connections (subject_name, started, id);
CREATE INDEX connections_by_target_id ON connections (target_id, started, id);
CREATE INDEX connections_by_target ON connections (target_name, started, id);
CREATE INDEX connections_by_target_user ON connections (target_user, started, id);
CREATE INDEX connections_by_subject_and_target ON connections (subject_name, target_name, started, id);
CREATE INDEX connections_by_subject_and_target_user ON connections (subject_name, target_user, started, id);
CREATE INDEX connections_by_target_and_target_user ON connections (target_name, target_user, started, id);

-- What has been counted in `clients`, by the ids of events, until the connection ends.
CREATE TABLE connection_marks (
    connection TEXT COLLATE "C" NOT NULL REFERENCES connections (id),
    mark TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (connection, mark)
);
