-- What a browser plays of a recording: made of it, and made again where it is not there.
ALTER TABLE recordings ADD COLUMN filmed INTEGER NOT NULL DEFAULT 0;
CREATE INDEX recordings_to_film ON recordings (id) WHERE filmed = 0 AND completed IS NOT NULL AND deleted IS NULL;

CREATE TABLE films (
    recording BLOB NOT NULL PRIMARY KEY REFERENCES recordings (id),
    -- JSON: what is known of the whole.
    facts TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Parts that can be played by themselves: when each begins, where it is, and the screen then.
CREATE TABLE film_scenes (
    recording BLOB NOT NULL REFERENCES recordings (id),
    number INTEGER NOT NULL,
    "start" INTEGER NOT NULL,
    place TEXT NOT NULL,
    screen BLOB NOT NULL
) STRICT;
-- All that an index needs: the screens are not read for it.
CREATE UNIQUE INDEX film_scenes_once ON film_scenes (recording, number, "start");
