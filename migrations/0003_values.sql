-- Version 3: the summaries of a series keep -0.0.
--
-- `run_snapshot` has two more kinds since: program (JSON: compiler, target, threads) and features (JSON: of each package
-- that the cells of a notebook link). run.lock_hash is that of its snapshot `lockfile`.
--
-- A REAL column stores a value without a fraction as an integer, and -0.0 as 0; a column of any type stores it as it
-- is. What is logged comes back so, in tables and views alike:
--   a number, the infinities (9e999 and -9e999) and -0.0   as REAL, bit for bit
--   NaN                                                    as NULL, since SQL has no NaN; nothing else is NULL there
-- The view `metrics` has `last_word` beside it, the word that JSON and CSV have for what is no number: NaN, Infinity or
-- -Infinity; NULL of a number.

DROP VIEW metrics;
DROP VIEW points;
DROP INDEX series_by_last;
DROP INDEX series_by_min;
DROP INDEX series_by_max;

ALTER TABLE series ADD COLUMN last_kept ANY;      -- NULL: NaN
ALTER TABLE series ADD COLUMN min_kept ANY;       -- over values that are not NaN; NULL: there were none
ALTER TABLE series ADD COLUMN max_kept ANY;
UPDATE series SET last_kept = last_value, min_kept = min_value, max_kept = max_value;
ALTER TABLE series DROP COLUMN last_value;
ALTER TABLE series DROP COLUMN min_value;
ALTER TABLE series DROP COLUMN max_value;
ALTER TABLE series RENAME COLUMN last_kept TO last_value;
ALTER TABLE series RENAME COLUMN min_kept TO min_value;
ALTER TABLE series RENAME COLUMN max_kept TO max_value;

CREATE INDEX series_by_last ON series (name, context, last_value);
CREATE INDEX series_by_min ON series (name, context, min_value);
CREATE INDEX series_by_max ON series (name, context, max_value);

CREATE VIEW metrics AS
SELECT run.uid AS run, series.name AS metric, series.context, series.points, series.last_step,
    series.last_value AS last, series.min_value AS min, series.min_step, series.max_value AS max, series.max_step,
    CASE
        WHEN series.last_value IS NULL THEN 'NaN'
        WHEN series.last_value = 9e999 THEN 'Infinity'
        WHEN series.last_value = -9e999 THEN '-Infinity'
    END AS last_word
FROM series JOIN run ON run.id = series.run_id WHERE run.deleted_ms IS NULL;

CREATE VIEW points AS
SELECT run.uid AS run, series.name AS metric, series.context, point.seq, point.step, point.time_ms, point.value
FROM run JOIN series ON series.run_id = run.id JOIN point_row AS point ON point.series_id = series.id
WHERE run.deleted_ms IS NULL
UNION ALL
SELECT run.uid, series.name, series.context, point.seq, point.step, point.time_ms, point.value
FROM run JOIN series ON series.run_id = run.id JOIN chunk_point AS point ON point.series_id = series.id
WHERE run.deleted_ms IS NULL;
