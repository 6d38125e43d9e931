-- Version 2: points are packed.
--
-- A stretch of up to 2,048 points of one series is one row of `chunk`. Whatever reads rows reads the view
-- `point`, which has the columns of the table of version 1 and needs no function of ours:
--   SELECT step, value FROM points WHERE run = '3f2ab81c' AND metric = 'loss' ORDER BY seq;

-- Rows that version 1 wrote; nothing is added to them.
ALTER TABLE point RENAME TO point_row;

ALTER TABLE run ADD COLUMN machine TEXT;          -- machine id / boot id / pid namespace: where pid means something
ALTER TABLE run ADD COLUMN family TEXT;           -- the group of runs that this one belongs to
ALTER TABLE run ADD COLUMN deleted_ms INTEGER;    -- since when it is deleted; `assay gc` removes it for good
CREATE INDEX run_by_parent ON run (parent_id) WHERE parent_id IS NOT NULL;

ALTER TABLE series ADD COLUMN last_ms INTEGER;    -- the latest time of a point
UPDATE series SET last_ms = (SELECT max(time_ms) FROM point_row WHERE series_id = series.id);
-- Runs are filtered and sorted by these without reading a point.
CREATE INDEX series_by_last ON series (name, context, last_value);
CREATE INDEX series_by_min ON series (name, context, min_value);
CREATE INDEX series_by_max ON series (name, context, max_value);

-- Points first_seq .. first_seq + points - 1 of a series. An integer of point n (from 0) is
--   base + stride * n + residual
-- where the residual is an unsigned big-endian number of `width` bytes, 0 to 8; with base and stride 0 and 8
-- bytes it is the signed number itself. `data` is all values, then the residuals of all steps, then those of
-- all times. A value is IEEE 754, big-endian: 4 bytes where every value of the chunk is a float32, else 8.
CREATE TABLE chunk (
    series_id   INTEGER NOT NULL REFERENCES series (id) ON DELETE CASCADE,
    first_seq   INTEGER NOT NULL,
    points      INTEGER NOT NULL,
    value_width INTEGER NOT NULL CHECK (value_width IN (4, 8)),
    step_base   INTEGER NOT NULL,
    step_stride INTEGER NOT NULL,
    step_width  INTEGER NOT NULL,
    time_base   INTEGER NOT NULL,
    time_stride INTEGER NOT NULL,
    time_width  INTEGER NOT NULL,
    -- For each 256 points: least and greatest value (float64, big-endian; NaN when all are), and where they
    -- are (one byte each). What draws a curve reads this alone. Before `data`, which lies on further pages.
    sketch      BLOB    NOT NULL,
    data        BLOB    NOT NULL,
    PRIMARY KEY (series_id, first_seq)
) STRICT;

-- What the view needs: the numbers from 0, and powers of two to put floats together: 2^(n - 1075).
CREATE TABLE number (
    n     INTEGER NOT NULL PRIMARY KEY,
    power REAL
) STRICT;
WITH RECURSIVE
    up (n, power) AS (SELECT 1075, 1.0 UNION ALL SELECT n + 1, power * 2.0 FROM up WHERE n < 2046),
    down (n, power) AS (SELECT 1075, 1.0 UNION ALL SELECT n - 1, power * 0.5 FROM down WHERE n > 1)
    
INSERT INTO number
SELECT 0, NULL UNION ALL SELECT * FROM up UNION ALL SELECT * FROM down WHERE n < 1075 UNION ALL SELECT 2047, NULL;

CREATE TABLE byte (x BLOB NOT NULL) STRICT;
INSERT INTO byte VALUES (x'000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F202122232425262728292A2B2C2D2E2F303132333435363738393A3B3C3D3E3F404142434445464748494A4B4C4D4E4F505152535455565758595A5B5C5D5E5F606162636465666768696A6B6C6D6E6F707172737475767778797A7B7C7D7E7F808182838485868788898A8B8C8D8E8F909192939495969798999A9B9C9D9E9FA0A1A2A3A4A5A6A7A8A9AAABACADAEAFB0B1B2B3B4B5B6B7B8B9BABBBCBDBEBFC0C1C2C3C4C5C6C7C8C9CACBCCCDCECFD0D1D2D3D4D5D6D7D8D9DADBDCDDDEDFE0E1E2E3E4E5E6E7E8E9EAEBECEDEEEFF0F1F2F3F4F5F6F7F8F9FAFBFCFDFEFF');

-- The points of `chunk` as rows, NaN as NULL. SQLite cannot turn bytes into numbers, but it can look for a byte in
-- a list of all: `instr(x, byte) - 1`.
CREATE VIEW chunk_point AS
SELECT
    series_id,
    first_seq + number.n AS seq,
    step_base + step_stride * number.n + (
        CASE WHEN step_width > 0 THEN (instr(x, substr(data, points * value_width + number.n * step_width + step_width - 0, 1)) - 1) << 0 ELSE 0 END
        | CASE WHEN step_width > 1 THEN (instr(x, substr(data, points * value_width + number.n * step_width + step_width - 1, 1)) - 1) << 8 ELSE 0 END
        | CASE WHEN step_width > 2 THEN (instr(x, substr(data, points * value_width + number.n * step_width + step_width - 2, 1)) - 1) << 16 ELSE 0 END
        | CASE WHEN step_width > 3 THEN (instr(x, substr(data, points * value_width + number.n * step_width + step_width - 3, 1)) - 1) << 24 ELSE 0 END
        | CASE WHEN step_width > 4 THEN (instr(x, substr(data, points * value_width + number.n * step_width + step_width - 4, 1)) - 1) << 32 ELSE 0 END
        | CASE WHEN step_width > 5 THEN (instr(x, substr(data, points * value_width + number.n * step_width + step_width - 5, 1)) - 1) << 40 ELSE 0 END
        | CASE WHEN step_width > 6 THEN (instr(x, substr(data, points * value_width + number.n * step_width + step_width - 6, 1)) - 1) << 48 ELSE 0 END
        | CASE WHEN step_width > 7 THEN (instr(x, substr(data, points * value_width + number.n * step_width + step_width - 7, 1)) - 1) << 56 ELSE 0 END
    ) AS step,
    time_base + time_stride * number.n + (
        CASE WHEN time_width > 0 THEN (instr(x, substr(data, points * (value_width + step_width) + number.n * time_width + time_width - 0, 1)) - 1) << 0 ELSE 0 END
        | CASE WHEN time_width > 1 THEN (instr(x, substr(data, points * (value_width + step_width) + number.n * time_width + time_width - 1, 1)) - 1) << 8 ELSE 0 END
        | CASE WHEN time_width > 2 THEN (instr(x, substr(data, points * (value_width + step_width) + number.n * time_width + time_width - 2, 1)) - 1) << 16 ELSE 0 END
        | CASE WHEN time_width > 3 THEN (instr(x, substr(data, points * (value_width + step_width) + number.n * time_width + time_width - 3, 1)) - 1) << 24 ELSE 0 END
        | CASE WHEN time_width > 4 THEN (instr(x, substr(data, points * (value_width + step_width) + number.n * time_width + time_width - 4, 1)) - 1) << 32 ELSE 0 END
        | CASE WHEN time_width > 5 THEN (instr(x, substr(data, points * (value_width + step_width) + number.n * time_width + time_width - 5, 1)) - 1) << 40 ELSE 0 END
        | CASE WHEN time_width > 6 THEN (instr(x, substr(data, points * (value_width + step_width) + number.n * time_width + time_width - 6, 1)) - 1) << 48 ELSE 0 END
        | CASE WHEN time_width > 7 THEN (instr(x, substr(data, points * (value_width + step_width) + number.n * time_width + time_width - 7, 1)) - 1) << 56 ELSE 0 END
    ) AS time_ms,
    CASE
        WHEN scale.n < CASE value_width WHEN 8 THEN 2047 ELSE 255 + 925 END THEN
            CASE WHEN (instr(x, substr(data, value_width * number.n + 1, 1)) - 1) < 128 THEN 1.0 ELSE -1.0 END * ((CASE value_width
                WHEN 8 THEN (((instr(x, substr(data, value_width * number.n + 2, 1)) - 1) & 15) << 48) | ((instr(x, substr(data, value_width * number.n + 3, 1)) - 1) << 40) | ((instr(x, substr(data, value_width * number.n + 4, 1)) - 1) << 32) | ((instr(x, substr(data, value_width * number.n + 5, 1)) - 1) << 24) | ((instr(x, substr(data, value_width * number.n + 6, 1)) - 1) << 16) | ((instr(x, substr(data, value_width * number.n + 7, 1)) - 1) << 8) | (instr(x, substr(data, value_width * number.n + 8, 1)) - 1)
                ELSE (((instr(x, substr(data, value_width * number.n + 2, 1)) - 1) & 127) << 16) | ((instr(x, substr(data, value_width * number.n + 3, 1)) - 1) << 8) | (instr(x, substr(data, value_width * number.n + 4, 1)) - 1)
            END) + CASE WHEN (CASE value_width WHEN 8 THEN (((instr(x, substr(data, value_width * number.n + 1, 1)) - 1) & 127) << 4) | ((instr(x, substr(data, value_width * number.n + 2, 1)) - 1) >> 4) ELSE (((instr(x, substr(data, value_width * number.n + 1, 1)) - 1) & 127) << 1) | ((instr(x, substr(data, value_width * number.n + 2, 1)) - 1) >> 7) END) = 0 THEN 0 WHEN value_width = 8 THEN 1 << 52 ELSE 1 << 23 END) * scale.power
        WHEN (CASE value_width
                WHEN 8 THEN (((instr(x, substr(data, value_width * number.n + 2, 1)) - 1) & 15) << 48) | ((instr(x, substr(data, value_width * number.n + 3, 1)) - 1) << 40) | ((instr(x, substr(data, value_width * number.n + 4, 1)) - 1) << 32) | ((instr(x, substr(data, value_width * number.n + 5, 1)) - 1) << 24) | ((instr(x, substr(data, value_width * number.n + 6, 1)) - 1) << 16) | ((instr(x, substr(data, value_width * number.n + 7, 1)) - 1) << 8) | (instr(x, substr(data, value_width * number.n + 8, 1)) - 1)
                ELSE (((instr(x, substr(data, value_width * number.n + 2, 1)) - 1) & 127) << 16) | ((instr(x, substr(data, value_width * number.n + 3, 1)) - 1) << 8) | (instr(x, substr(data, value_width * number.n + 4, 1)) - 1)
            END) = 0 THEN CASE WHEN (instr(x, substr(data, value_width * number.n + 1, 1)) - 1) < 128 THEN 9e999 ELSE -9e999 END
    END AS value
FROM byte
JOIN chunk
JOIN number ON number.n < points
JOIN number AS scale ON scale.n = max((CASE value_width WHEN 8 THEN (((instr(x, substr(data, value_width * number.n + 1, 1)) - 1) & 127) << 4) | ((instr(x, substr(data, value_width * number.n + 2, 1)) - 1) >> 4) ELSE (((instr(x, substr(data, value_width * number.n + 1, 1)) - 1) & 127) << 1) | ((instr(x, substr(data, value_width * number.n + 2, 1)) - 1) >> 7) END), 1) + CASE value_width WHEN 8 THEN 0 ELSE 925 END;

-- All points as rows.
CREATE VIEW point AS
SELECT series_id, seq, step, time_ms, value FROM point_row
UNION ALL
SELECT series_id, seq, step, time_ms, value FROM chunk_point;

-- What is documented for anyone's queries: `assay sql "SELECT ..."`, or any SQLite program. Names of runs are
-- their uids; deleted runs are left out.
CREATE VIEW runs AS
SELECT run.uid AS run, run.name, run.status, run.started_ms, run.ended_ms, parent.uid AS parent, run.family,
    run.host, run.git_commit, run.git_dirty, run.notebook, run.note, run.error, run.config
FROM run LEFT JOIN run AS parent ON parent.id = run.parent_id
WHERE run.deleted_ms IS NULL;

CREATE VIEW params AS
SELECT run.uid AS run, param.path, param.kind, json_extract(param.value, '$') AS value, param.number
FROM param JOIN run ON run.id = param.run_id WHERE run.deleted_ms IS NULL;

CREATE VIEW tags AS
SELECT run.uid AS run, tag.key, tag.value
FROM tag JOIN run ON run.id = tag.run_id WHERE run.deleted_ms IS NULL;

CREATE VIEW metrics AS
SELECT run.uid AS run, series.name AS metric, series.context, series.points, series.last_step,
    series.last_value AS last, series.min_value AS min, series.min_step, series.max_value AS max, series.max_step
FROM series JOIN run ON run.id = series.run_id WHERE run.deleted_ms IS NULL;

CREATE VIEW points AS
SELECT run.uid AS run, series.name AS metric, series.context, point.seq, point.step, point.time_ms, point.value
FROM run JOIN series ON series.run_id = run.id JOIN point_row AS point ON point.series_id = series.id
WHERE run.deleted_ms IS NULL
UNION ALL
SELECT run.uid, series.name, series.context, point.seq, point.step, point.time_ms, point.value
FROM run JOIN series ON series.run_id = run.id JOIN chunk_point AS point ON point.series_id = series.id
WHERE run.deleted_ms IS NULL;

CREATE VIEW artifacts AS
SELECT run.uid AS run, run_artifact.name, run_artifact.kind, run_artifact.mime, run_artifact.step,
    run_artifact.time_ms, run_artifact.hash, artifact.size
FROM run_artifact JOIN artifact ON artifact.hash = run_artifact.hash JOIN run ON run.id = run_artifact.run_id
WHERE run.deleted_ms IS NULL;

-- What was found out about a run without being asked: bytes stored once whatever number of runs have them.
CREATE TABLE snapshot (
    hash  TEXT    NOT NULL PRIMARY KEY,         -- sha256 of the bytes
    bytes BLOB    NOT NULL
) STRICT;
CREATE TABLE run_snapshot (
    run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    kind   TEXT    NOT NULL,                    -- diff: of tracked files to the commit; lockfile; machine: JSON
    hash   TEXT    NOT NULL REFERENCES snapshot (hash),
    PRIMARY KEY (run_id, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_snapshot_by_hash ON run_snapshot (hash);
