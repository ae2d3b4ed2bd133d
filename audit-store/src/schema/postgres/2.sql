ALTER TABLE recordings ADD COLUMN filmed BIGINT NOT NULL DEFAULT 0;
CREATE INDEX recordings_to_film ON recordings (id) WHERE filmed = 0 AND completed IS NOT NULL AND deleted IS NULL;

CREATE TABLE films (
    recording BYTEA PRIMARY KEY REFERENCES recordings (id),
    facts TEXT NOT NULL
);

CREATE TABLE film_scenes (
    recording BYTEA NOT NULL REFERENCES recordings (id),
    number BIGINT NOT NULL,
    "start" BIGINT NOT NULL,
    place TEXT NOT NULL,
    screen BYTEA NOT NULL
);
ALTER TABLE film_scenes ALTER COLUMN screen SET STORAGE EXTERNAL;
CREATE UNIQUE INDEX film_scenes_once ON film_scenes (recording, number, "start");
