-- The index of a set of recordings. `schema.rs` says what holds. Times are microseconds, those named `time` and `start`
-- since 1970 UTC, all others since the start of the recording.

CREATE TABLE files (
    id INTEGER PRIMARY KEY,
    path BLOB NOT NULL UNIQUE,
    -- By these a file is known that has not changed.
    device INTEGER NOT NULL,
    inode INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    digest BLOB NOT NULL,
    -- What reading it said.
    integrity TEXT NOT NULL,
    -- The Ed25519 key by which all of its seals are signed.
    signed_by BLOB,
    failure TEXT,
    defect_count INTEGER NOT NULL DEFAULT 0,
    defects TEXT NOT NULL DEFAULT '[]'
) STRICT;

CREATE TABLE names (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE sessions (
    id INTEGER PRIMARY KEY,
    file INTEGER NOT NULL REFERENCES files (id),
    session TEXT,
    part INTEGER NOT NULL,
    -- Where it begins in the file: others may have been appended to.
    begins INTEGER NOT NULL,
    start INTEGER,
    duration INTEGER NOT NULL DEFAULT 0,
    user INTEGER REFERENCES names (id),
    target INTEGER REFERENCES names (id),
    target_user INTEGER REFERENCES names (id),
    title TEXT,
    cols INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    commands INTEGER NOT NULL DEFAULT 0,
    events INTEGER NOT NULL DEFAULT 0,
    output_bytes INTEGER NOT NULL DEFAULT 0,
    lines INTEGER NOT NULL DEFAULT 0,
    -- Lines of output that are not in the index, and between which times they are.
    lines_left_out INTEGER NOT NULL DEFAULT 0,
    left_out_from INTEGER,
    left_out_until INTEGER
) STRICT;
CREATE INDEX sessions_of_file ON sessions (file);

-- One row for each command event, in the order of the session.
CREATE TABLE commands (
    id INTEGER PRIMARY KEY,
    session INTEGER NOT NULL,
    event BLOB NOT NULL,
    time INTEGER,
    "offset" INTEGER NOT NULL,
    duration INTEGER,
    user INTEGER,
    target INTEGER,
    target_user INTEGER,
    command TEXT,
    reason TEXT,
    cwd INTEGER,
    exit_code INTEGER,
    kind TEXT NOT NULL,
    program INTEGER,
    source TEXT NOT NULL,
    confidence REAL NOT NULL,
    output_bytes INTEGER,
    output_begin INTEGER,
    output_end INTEGER,
    mismatch TEXT,
    piped TEXT
) STRICT;
CREATE INDEX commands_of_session ON commands (session);
CREATE INDEX commands_by_time ON commands (time);
CREATE INDEX commands_by_user ON commands (user, time);
CREATE INDEX commands_by_target ON commands (target, time);
CREATE INDEX commands_by_target_user ON commands (target_user, time);

-- Lines that were to be seen: zstd of their times, a blank line, and their texts.
CREATE TABLE line_blocks (
    id INTEGER PRIMARY KEY,
    session INTEGER NOT NULL REFERENCES sessions (id),
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    lines INTEGER NOT NULL,
    text BLOB NOT NULL
) STRICT;
CREATE INDEX line_blocks_of_session ON line_blocks (session);

-- Which commands, and which blocks of lines, have which trigrams; the texts themselves are in the tables.
CREATE VIRTUAL TABLE command_text USING fts5 (
    command, content = 'commands', content_rowid = 'id', columnsize = 0, detail = none, tokenize = 'trigram'
);
CREATE VIRTUAL TABLE line_text USING fts5 (
    text, content = '', contentless_delete = 1, detail = none, tokenize = 'trigram'
);
