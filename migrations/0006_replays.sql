-- Version 6: runs that repeat another one.

-- A run that was made by running another one's cells again, and whether it led to the same. The first run may be in
-- another file, or deleted: it is told by its uid and when it began.
CREATE TABLE replay (
    run_id        INTEGER NOT NULL PRIMARY KEY REFERENCES run (id) ON DELETE CASCADE,
    of_uid        TEXT    NOT NULL,
    of_started_ms INTEGER NOT NULL,
    equal         INTEGER NOT NULL CHECK (equal IN (0, 1)),   -- all values and artifacts
    of_values     INTEGER NOT NULL,                           -- how many values were compared
    equal_values  INTEGER NOT NULL,
    verdict       TEXT    NOT NULL                            -- JSON, by series
) STRICT;
CREATE INDEX replay_by_first ON replay (of_uid);

CREATE VIEW replays AS
SELECT run.uid AS run, replay.of_uid AS of, replay.equal, replay.of_values, replay.equal_values, replay.verdict
FROM replay JOIN run ON run.id = replay.run_id WHERE run.deleted_ms IS NULL;
