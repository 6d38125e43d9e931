-- Version 5: cells with their outcomes, the sessions in which a run was recorded, and what those were seen to use.

-- A run that the interrupt button ended is `stopped`. A column's CHECK cannot be changed, so it is made anew.
DROP VIEW runs;
DROP INDEX run_alive;
ALTER TABLE run ADD COLUMN status_kept TEXT NOT NULL DEFAULT 'running'
    CHECK (status_kept IN ('running', 'finished', 'failed', 'stopped', 'crashed'));
UPDATE run SET status_kept = status;
ALTER TABLE run DROP COLUMN status;
ALTER TABLE run RENAME COLUMN status_kept TO status;
CREATE INDEX run_alive ON run (host) WHERE status = 'running';

-- Texts of cells and of source files, each once.
CREATE TABLE source (
    hash TEXT NOT NULL PRIMARY KEY,             -- sha256 of the text
    text TEXT NOT NULL
) STRICT;

-- A process that recorded runs: of a notebook, from its start to the next; or a program.
CREATE TABLE session (
    id            INTEGER NOT NULL PRIMARY KEY,
    uid           TEXT    NOT NULL UNIQUE,      -- 16 hex characters
    host          TEXT    NOT NULL,
    pid           INTEGER NOT NULL,
    process_start INTEGER,                      -- as in `run`
    machine       TEXT,
    folder        TEXT,                         -- working folder when it began
    assay         TEXT                          -- version of assay; NULL: before this was recorded, and without outcomes
) STRICT;

-- The cells of a session in the order of execution, stored as they run.
CREATE TABLE session_cell (
    session_id      INTEGER NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    position        INTEGER NOT NULL,           -- from 0
    execution_count INTEGER NOT NULL,           -- as the notebook shows it: [3]
    hash            TEXT    NOT NULL REFERENCES source (hash),
    began_ms        INTEGER,
    ended_ms        INTEGER,                    -- NULL: it is running, or its process died in it
    outcome         TEXT    CHECK (outcome IN ('ok', 'error', 'panicked', 'interrupted')),   -- NULL as ended_ms
    line            INTEGER,                    -- at which it ended, or is; from 1, 0 before the first statement
    message         TEXT,                       -- of the error or the panic
    is_earlier      INTEGER NOT NULL,           -- 1: it ran in an earlier process of the notebook, so its variables are gone
    PRIMARY KEY (session_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX session_cell_by_hash ON session_cell (hash);

-- A stretch of a run: from its start, or from where it was resumed, to its end. Its cells are those of its session up to
-- the one in which it ended; all of them while it goes on, and when its process died.
CREATE TABLE run_session (
    run_id     INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    position   INTEGER NOT NULL,                -- from 0
    session_id INTEGER NOT NULL REFERENCES session (id),
    began_ms   INTEGER NOT NULL,
    began_cell INTEGER,                         -- position of the cell that began it; NULL: there was none
    began_line INTEGER,
    ended_ms   INTEGER,
    ended_cell INTEGER,                         -- the cell that was running then, or that had run last
    ended_line INTEGER,
    seen       INTEGER,                         -- how many rows of session_use there were when it ended
    status     TEXT,                            -- how it ended: as run.status; NULL: it has not, or its process died
    error      TEXT,
    PRIMARY KEY (run_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_session_by_session ON run_session (session_id);

-- What was found out in each stretch of a run; `run_snapshot` has what was found last.
CREATE TABLE run_session_snapshot (
    run_id   INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,                  -- as in `run_session`
    kind     TEXT    NOT NULL,                  -- as in `run_snapshot`; local: packages of the person's own folders, JSON
    hash     TEXT    NOT NULL REFERENCES snapshot (hash),
    PRIMARY KEY (run_id, position, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_session_snapshot_by_hash ON run_session_snapshot (hash);

-- What a session was seen to use, in order; the same is there once, but for answers.
CREATE TABLE session_use (
    session_id INTEGER NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    position   INTEGER NOT NULL,                -- from 0
    kind       TEXT    NOT NULL,                -- file, seed, unseeded, answer; more may come
    name       TEXT    NOT NULL,                -- path of the file; what was seeded or drew without a seed; prompt
    value      TEXT,                            -- sha256 of the file; the seed; the answer
    size       INTEGER,                         -- bytes of the file
    cell       INTEGER,                         -- position of the cell that ran then
    PRIMARY KEY (session_id, position)
) STRICT, WITHOUT ROWID;

-- The sources of an environment: what `assay` carried when it was built.
CREATE TABLE environment_source (
    environment TEXT NOT NULL,                  -- run.environment
    path        TEXT NOT NULL,                  -- below the workspace's root: lab/src/lib.rs
    hash        TEXT NOT NULL REFERENCES source (hash),
    PRIMARY KEY (environment, path)
) STRICT, WITHOUT ROWID;
CREATE INDEX environment_source_by_hash ON environment_source (hash);

-- Cells as earlier versions stored them, once for each run. SQLite has no sha256: whoever migrates the file moves them, and
-- leaves this empty.
ALTER TABLE cell RENAME TO cell_row;

-- A session for each run of earlier versions.
INSERT INTO session (id, uid, host, pid, process_start, machine)
SELECT id, printf('%016x', id) || '-' || uid, host, pid, process_start, machine FROM run;
INSERT INTO run_session (run_id, position, session_id, began_ms, ended_ms, status, error)
SELECT id, 0, id, started_ms, ended_ms, CASE WHEN status IN ('finished', 'failed') THEN status END, error FROM run;
INSERT INTO run_session_snapshot (run_id, position, kind, hash) SELECT run_id, 0, kind, hash FROM run_snapshot;

CREATE VIEW runs AS
SELECT run.uid AS run, run.name, run.status, run.started_ms, run.ended_ms, parent.uid AS parent, run.family,
    run.host, run.git_commit, run.git_dirty, run.notebook, run.note, run.error, run.config
FROM run LEFT JOIN run AS parent ON parent.id = run.parent_id
WHERE run.deleted_ms IS NULL;

CREATE VIEW sessions AS
SELECT run.uid AS run, run_session.position AS session, session.uid, session.host, session.pid, session.folder,
    session.assay, run_session.began_ms, run_session.began_cell, run_session.began_line, run_session.ended_ms,
    run_session.ended_cell, run_session.ended_line, run_session.status, run_session.error
FROM run_session JOIN run ON run.id = run_session.run_id JOIN session ON session.id = run_session.session_id
WHERE run.deleted_ms IS NULL;

CREATE VIEW cells AS
SELECT run.uid AS run, run_session.position AS session, cell.position, cell.execution_count, cell.outcome, cell.line,
    cell.message, cell.began_ms, cell.ended_ms, cell.is_earlier, cell.hash, source.text AS source
FROM run_session JOIN run ON run.id = run_session.run_id
JOIN session_cell AS cell ON cell.session_id = run_session.session_id
    AND (run_session.ended_cell IS NULL OR cell.position <= run_session.ended_cell)
JOIN source ON source.hash = cell.hash
WHERE run.deleted_ms IS NULL;

CREATE VIEW uses AS
SELECT run.uid AS run, run_session.position AS session, used.position, used.kind, used.name, used.value, used.size,
    used.cell
FROM run_session JOIN run ON run.id = run_session.run_id
JOIN session_use AS used ON used.session_id = run_session.session_id
    AND (run_session.seen IS NULL OR used.position < run_session.seen)
WHERE run.deleted_ms IS NULL;
