-- Audit logs. Times are microseconds since 1970, UTC.

-- Each name once: names stand in millions of rows.
CREATE TABLE terms (
    id INTEGER PRIMARY KEY,
    text TEXT NOT NULL UNIQUE
) STRICT;

-- Whoever has written: each start of a server is another one, and has a chain of its own.
CREATE TABLE writers (
    id INTEGER PRIMARY KEY,
    writer BLOB NOT NULL UNIQUE,
    began INTEGER NOT NULL
) STRICT;

CREATE TABLE events (
    "row" INTEGER PRIMARY KEY,
    log INTEGER NOT NULL,
    writer INTEGER NOT NULL REFERENCES writers (id),
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
CREATE UNIQUE INDEX events_once ON events (log, id);
CREATE UNIQUE INDEX events_of_writer ON events (writer, seq);
CREATE INDEX events_by_time ON events (log, "time");
CREATE INDEX events_by_subject ON events (log, subject_name, "time");
CREATE INDEX events_by_target ON events (log, target_name, "time");
CREATE INDEX events_by_target_user ON events (log, target_user, "time");
CREATE INDEX events_by_subject_and_target ON events (log, subject_name, target_name, "time");
CREATE INDEX events_by_subject_and_target_user ON events (log, subject_name, target_user, "time");
CREATE INDEX events_by_target_and_target_user ON events (log, target_name, target_user, "time");
CREATE INDEX events_of_connection ON events (connection_id, "time");

-- Which events have which trigrams.
CREATE VIRTUAL TABLE events_text USING fts5 (
    "text", content = 'events', content_rowid = 'row', columnsize = 0, detail = none, tokenize = 'trigram case_sensitive 1'
);

CREATE TABLE checkpoints (
    id INTEGER PRIMARY KEY,
    "time" INTEGER NOT NULL,
    checkpoint TEXT NOT NULL
) STRICT;

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
