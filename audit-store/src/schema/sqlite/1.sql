-- Audit logs. Times are microseconds since 1970, UTC.

-- Each name once: names stand in millions of rows.
CREATE TABLE terms (
    id INTEGER PRIMARY KEY,
    text TEXT NOT NULL UNIQUE
) STRICT;

-- Which names stood beside an id, both as terms: who asks for an id is answered by the index of names. 0 is no name.
CREATE TABLE called (
    id INTEGER NOT NULL,
    name INTEGER NOT NULL,
    PRIMARY KEY (id, name)
) STRICT, WITHOUT ROWID;

-- Whoever has written: each server is one, and has a chain of its own.
CREATE TABLE writers (
    id INTEGER PRIMARY KEY,
    writer BLOB NOT NULL UNIQUE,
    began INTEGER NOT NULL
) STRICT;

CREATE TABLE events (
    "row" INTEGER PRIMARY KEY,
    log INTEGER NOT NULL,
    writer INTEGER NOT NULL REFERENCES writers (id) DEFERRABLE INITIALLY DEFERRED,
    seq INTEGER NOT NULL,
    "time" INTEGER NOT NULL,
    id TEXT NOT NULL,
    -- By these an event is found; each is the id of a term.
    subject_id INTEGER,
    subject_type INTEGER,
    subject_name INTEGER,
    ip_address INTEGER,
    connection_id INTEGER,
    space_id INTEGER,
    space_name INTEGER,
    target_id INTEGER,
    target_name INTEGER,
    target_type INTEGER,
    target_user INTEGER,
    environment_id INTEGER,
    environment_name INTEGER,
    "action" INTEGER,
    node_id INTEGER,
    is_admin INTEGER,
    evaluation INTEGER,
    -- What is searched, in small letters.
    "text" TEXT,
    -- The event, canonical JSON; null where its time was over.
    content TEXT,
    content_hash BLOB NOT NULL,
    hash BLOB NOT NULL
) STRICT;
-- Events of a connection stand together, so that what is written at the same time is not all over the index.
CREATE UNIQUE INDEX events_once ON events (log, (coalesce(connection_id, 0)), id);
-- Which command came before a moment in a connection, and which after it: however many there are.
CREATE INDEX commands_of_connection ON events ((coalesce(connection_id, 0)), "time", "row") WHERE log = 1 AND content IS NOT NULL;
CREATE UNIQUE INDEX events_of_writer ON events (writer, seq);
CREATE INDEX events_by_time ON events (log, "time", "row");
-- What is often asked for along with it stands beside it.
CREATE INDEX events_by_subject ON events (log, subject_name, "time", "row", target_name, target_user, ip_address, environment_name)
    WHERE subject_name IS NOT NULL;
CREATE INDEX events_by_target ON events (log, target_name, "time", "row", target_user, environment_name, subject_name)
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

-- Which events have which trigrams.
CREATE VIRTUAL TABLE events_text USING fts5 (
    "text", content = 'events', content_rowid = 'row', columnsize = 0, detail = none, tokenize = 'trigram case_sensitive 1'
);
-- Up to which row.
CREATE TABLE indexed_texts ("row" INTEGER NOT NULL) STRICT;
INSERT INTO indexed_texts VALUES (0);

CREATE TABLE checkpoints (
    id INTEGER PRIMARY KEY,
    "time" INTEGER NOT NULL,
    checkpoint TEXT NOT NULL
) STRICT;

-- Recordings: those of sessions that go on, that have ended, and, as what is left of them, that were deleted.
CREATE TABLE recordings (
    id BLOB NOT NULL PRIMARY KEY,
    -- Whether it is plain text or segments: `cast`, `cast.zst`.
    form TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    created INTEGER NOT NULL,
    input_recorded INTEGER NOT NULL,
    -- So many bytes are there; of these the first so many in objects.
    size INTEGER NOT NULL DEFAULT 0,
    moved INTEGER NOT NULL DEFAULT 0,
    completed INTEGER,
    -- Of all of it, once it is complete and in objects as they will stay.
    sha256 BLOB,
    -- Whether all lines of it are in output_blocks.
    indexed INTEGER NOT NULL DEFAULT 0,
    held INTEGER,
    held_by TEXT,
    hold_reason TEXT,
    deleted INTEGER,
    deleted_by TEXT,
    delete_reason TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX recordings_by_time ON recordings (created, id);
CREATE INDEX recordings_of_subject ON recordings (subject_id, created, id);
CREATE INDEX recordings_to_tend ON recordings (id) WHERE sha256 IS NULL AND deleted IS NULL;
CREATE INDEX recordings_to_index ON recordings (id) WHERE indexed = 0 AND deleted IS NULL;

-- Where their bytes lie: each object has those from an offset on.
CREATE TABLE recording_objects (
    recording BLOB NOT NULL REFERENCES recordings (id),
    "offset" INTEGER NOT NULL,
    length INTEGER NOT NULL,
    "key" TEXT NOT NULL UNIQUE,
    sha256 BLOB NOT NULL,
    PRIMARY KEY (recording, "offset")
) STRICT, WITHOUT ROWID;

-- The latest bytes, until they are an object.
CREATE TABLE recording_tail (
    recording BLOB NOT NULL REFERENCES recordings (id),
    "offset" INTEGER NOT NULL,
    bytes BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX recording_tail_once ON recording_tail (recording, "offset");

-- Lines that were to be seen in recordings, in numbered blocks; they can be made again.
CREATE TABLE output_blocks (
    id INTEGER PRIMARY KEY,
    connection TEXT NOT NULL,
    number INTEGER NOT NULL,
    -- When it began what the times in the block count from; when the first and the last line was seen.
    "start" INTEGER NOT NULL,
    "first" INTEGER NOT NULL,
    "last" INTEGER NOT NULL,
    packed BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX output_once ON output_blocks (connection, number);
CREATE INDEX output_by_time ON output_blocks ("last", id);
-- Which blocks have which trigrams, in small letters.
CREATE VIRTUAL TABLE output_text USING fts5 (
    "text", content = '', contentless_delete = 1, detail = none, tokenize = 'trigram case_sensitive 1'
);

-- What is written stays. The one thing that may be done to a row is to take its content away, with all that tells of it.
CREATE TRIGGER events_stay BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'rows of an audit log are not deleted'); END;
CREATE TRIGGER events_are_as_they_were BEFORE UPDATE ON events
WHEN NEW.content IS NOT NULL OR NEW."text" IS NOT NULL OR NEW."row" IS NOT OLD."row" OR NEW.log IS NOT OLD.log
    OR NEW.writer IS NOT OLD.writer OR NEW.seq IS NOT OLD.seq OR NEW."time" IS NOT OLD."time" OR NEW.id IS NOT OLD.id
    OR NEW.content_hash IS NOT OLD.content_hash OR NEW.hash IS NOT OLD.hash
BEGIN SELECT RAISE(ABORT, 'rows of an audit log are not changed'); END;
CREATE TRIGGER checkpoints_stay BEFORE DELETE ON checkpoints
BEGIN SELECT RAISE(ABORT, 'checkpoints are not deleted'); END;
CREATE TRIGGER checkpoints_are_as_they_were BEFORE UPDATE ON checkpoints
BEGIN SELECT RAISE(ABORT, 'checkpoints are not changed'); END;
CREATE TRIGGER writers_stay BEFORE DELETE ON writers
BEGIN SELECT RAISE(ABORT, 'writers are not deleted'); END;
CREATE TRIGGER writers_are_as_they_were BEFORE UPDATE ON writers
BEGIN SELECT RAISE(ABORT, 'writers are not changed'); END;
CREATE TRIGGER terms_are_as_they_were BEFORE UPDATE ON terms
BEGIN SELECT RAISE(ABORT, 'terms are not changed'); END;
CREATE TRIGGER called_stay BEFORE DELETE ON called
BEGIN SELECT RAISE(ABORT, 'names are not deleted'); END;
CREATE TRIGGER called_are_as_they_were BEFORE UPDATE ON called
BEGIN SELECT RAISE(ABORT, 'names are not changed'); END;
CREATE TRIGGER recordings_stay BEFORE DELETE ON recordings
BEGIN SELECT RAISE(ABORT, 'what is left of a recording is not deleted'); END;
CREATE TRIGGER recordings_stay_deleted BEFORE UPDATE ON recordings WHEN OLD.deleted IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'what is left of a recording is not changed'); END;
CREATE TRIGGER recordings_are_held BEFORE UPDATE ON recordings WHEN NEW.deleted IS NOT NULL AND NEW.held IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'a recording that is held is not deleted'); END;

-- Who and what there is. Ids are UUIDs as text; of what is deleted the row stays.
CREATE TABLE organizations (
    number INTEGER PRIMARY KEY CHECK (number = 1),
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    created INTEGER NOT NULL
) STRICT;

CREATE TABLE subjects (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    full_name TEXT,
    role TEXT NOT NULL,
    password TEXT,
    is_enabled INTEGER NOT NULL,
    created INTEGER NOT NULL,
    last_seen INTEGER,
    deleted INTEGER
) STRICT;
CREATE UNIQUE INDEX subjects_living ON subjects (kind, name) WHERE deleted IS NULL;

CREATE TABLE environments (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    created INTEGER NOT NULL,
    deleted INTEGER
) STRICT;
CREATE UNIQUE INDEX environments_living ON environments (name) WHERE deleted IS NULL;

CREATE TABLE targets (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    environment TEXT REFERENCES environments (id),
    created INTEGER NOT NULL,
    agent_seen INTEGER,
    agent_status TEXT NOT NULL,
    deleted INTEGER
) STRICT;
CREATE UNIQUE INDEX targets_living ON targets (name) WHERE deleted IS NULL;
CREATE INDEX targets_of_environment ON targets (environment);

CREATE TABLE keys (
    id TEXT NOT NULL PRIMARY KEY,
    subject TEXT NOT NULL REFERENCES subjects (id),
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    secret BLOB NOT NULL UNIQUE,
    target TEXT REFERENCES targets (id),
    created INTEGER NOT NULL,
    last_used INTEGER
) STRICT;
CREATE INDEX keys_of_subject ON keys (subject);
CREATE INDEX keys_of_target ON keys (target);

CREATE TABLE sign_ins (
    cookie BLOB NOT NULL PRIMARY KEY,
    subject TEXT NOT NULL REFERENCES subjects (id),
    csrf TEXT NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL
) STRICT;
CREATE INDEX sign_ins_of_subject ON sign_ins (subject);

CREATE TABLE links (
    link BLOB NOT NULL PRIMARY KEY,
    purpose TEXT NOT NULL,
    subject TEXT REFERENCES subjects (id),
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL
) STRICT;
CREATE INDEX links_of_subject ON links (subject);

CREATE TABLE spaces (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    owner TEXT NOT NULL REFERENCES subjects (id),
    state TEXT NOT NULL,
    created INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX spaces_active ON spaces (owner, name) WHERE state = 'Active';

-- Who is where, and was: names and ids as they were then.
CREATE TABLE connections (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    subject_type TEXT NOT NULL,
    subject_name TEXT NOT NULL,
    is_admin INTEGER NOT NULL,
    ip_address TEXT,
    target_id TEXT NOT NULL,
    target_name TEXT NOT NULL,
    target_user TEXT NOT NULL,
    environment_id TEXT NOT NULL,
    environment_name TEXT NOT NULL,
    space_id TEXT,
    space_name TEXT,
    known_by TEXT,
    started INTEGER NOT NULL,
    created INTEGER NOT NULL,
    ended INTEGER,
    clients INTEGER NOT NULL,
    lease INTEGER NOT NULL,
    close_by TEXT,
    close_reason TEXT,
    close_asked INTEGER,
    reason TEXT,
    has_lapsed INTEGER NOT NULL DEFAULT 0
) STRICT;
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
    connection TEXT NOT NULL REFERENCES connections (id),
    mark TEXT NOT NULL,
    PRIMARY KEY (connection, mark)
) STRICT;
