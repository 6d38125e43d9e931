-- assay's run database, version 1. Migrations are append-only: a released one is never edited.
--
-- Times are milliseconds since 1970-01-01 UTC. Hashes are lower-case hexadecimal.
-- SQLite stores NaN as NULL, so wherever a REAL holds a logged value, NULL means NaN;
-- infinities are stored as they are. Negative zero becomes zero.

-- "assy" in ASCII: tells our files from any other SQLite database.
PRAGMA application_id = 1634956153;

-- One training run (or anything else that was recorded under a name).
CREATE TABLE run (
    id            INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    uid           TEXT    NOT NULL UNIQUE,      -- 8 hex characters, what people type
    name          TEXT    NOT NULL,
    parent_id     INTEGER REFERENCES run (id) ON DELETE SET NULL,
    status        TEXT    NOT NULL CHECK (status IN ('running', 'finished', 'failed', 'crashed')),
    started_ms    INTEGER NOT NULL,
    ended_ms      INTEGER,                      -- NULL while running; of a crashed run: its last sign of life
    host          TEXT    NOT NULL,
    pid           INTEGER NOT NULL,
    process_start INTEGER,                      -- clock ticks since boot, /proc/PID/stat field 22: tells a re-used pid
    git_commit    TEXT,
    git_dirty     INTEGER,                      -- 1: tracked files differed from the commit
    toolchain     TEXT,                         -- as `rustc -V` says it
    environment   TEXT,                         -- hash of the prebuilt environment
    lock_hash     TEXT,                         -- sha256 of the environment's Cargo.lock
    notebook      TEXT,                         -- path or name of the notebook
    note          TEXT,
    error         TEXT,                         -- why it failed
    config        TEXT    NOT NULL              -- JSON, exactly as serde wrote it
) STRICT;
CREATE INDEX run_by_name ON run (name);
CREATE INDEX run_by_start ON run (started_ms);
CREATE INDEX run_alive ON run (host) WHERE status = 'running';

-- The leaves of run.config, for filters and comparisons. Arrays and empty objects are leaves.
CREATE TABLE param (
    run_id   INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    path     TEXT    NOT NULL,                  -- dotted: optimizer.lr; a key with a dot in it is quoted
    position INTEGER NOT NULL,                  -- order in the configuration
    kind     TEXT    NOT NULL CHECK (kind IN ('null', 'bool', 'integer', 'float', 'string', 'array', 'object')),
    value    TEXT    NOT NULL,                  -- JSON
    number   REAL,                              -- the value again when it is a number, for ORDER BY and ranges
    PRIMARY KEY (run_id, path)
) STRICT, WITHOUT ROWID;

-- One metric of a run in one context, with a summary that the writer keeps in the same
-- transaction as the points, so that a table of runs never scans points.
CREATE TABLE series (
    id         INTEGER NOT NULL PRIMARY KEY,
    run_id     INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    name       TEXT    NOT NULL,
    context    TEXT    NOT NULL,                -- JSON object of strings, keys sorted: {"subset":"test"}
    points     INTEGER NOT NULL,                -- how many
    last_step  INTEGER NOT NULL,                -- the greatest step; of equal steps the one logged later counts
    last_value REAL,                            -- NULL: NaN
    min_value  REAL,                            -- over values that are not NaN; NULL: there were none
    min_step   INTEGER,
    max_value  REAL,
    max_step   INTEGER,
    UNIQUE (run_id, name, context)
) STRICT;

-- One logged value. Steps may come out of order or twice; seq is the order of logging.
CREATE TABLE point (
    series_id INTEGER NOT NULL REFERENCES series (id) ON DELETE CASCADE,
    seq       INTEGER NOT NULL,
    step      INTEGER NOT NULL,
    time_ms   INTEGER NOT NULL,
    value     REAL,                             -- NULL: NaN
    PRIMARY KEY (series_id, seq)
) STRICT, WITHOUT ROWID;

-- Bytes of plots, texts and files, stored once whatever number of runs hold them.
CREATE TABLE artifact (
    hash  TEXT    NOT NULL PRIMARY KEY,         -- sha256 of the bytes
    size  INTEGER NOT NULL,                     -- bytes
    bytes BLOB    NOT NULL
) STRICT;

-- An artifact under the name that a run gave it. A name may come again: every version stays.
CREATE TABLE run_artifact (
    id      INTEGER NOT NULL PRIMARY KEY,
    run_id  INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    name    TEXT    NOT NULL,
    kind    TEXT    NOT NULL,                   -- plot, text, file, bytes; more may come
    mime    TEXT    NOT NULL,
    step    INTEGER,
    time_ms INTEGER NOT NULL,
    hash    TEXT    NOT NULL REFERENCES artifact (hash)
) STRICT;
CREATE INDEX run_artifact_by_run ON run_artifact (run_id);
CREATE INDEX run_artifact_by_hash ON run_artifact (hash);

CREATE TABLE tag (
    run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    key    TEXT    NOT NULL,
    value  TEXT    NOT NULL,
    PRIMARY KEY (run_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX tag_by_key ON tag (key, value);

-- The source of each cell that the session had run when the run ended, in the order of execution.
CREATE TABLE cell (
    run_id          INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    position        INTEGER NOT NULL,           -- from 0
    execution_count INTEGER NOT NULL,           -- as the notebook shows it: [3]
    source          TEXT    NOT NULL,
    PRIMARY KEY (run_id, position)
) STRICT, WITHOUT ROWID;
