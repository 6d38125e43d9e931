-- Version 4: what data a run used.

-- A table of data that a run used, told by hashes of its whole content; the data itself is not here. A name that is
-- logged again stands for what was logged last.
CREATE TABLE input (
    run_id      INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    name        TEXT    NOT NULL,               -- as the run calls it: train
    rows        INTEGER NOT NULL,
    hash        TEXT    NOT NULL,               -- of names and contents of all columns, in their order
    schema_hash TEXT    NOT NULL,               -- of names and types of all columns, in their order
    columns     TEXT    NOT NULL,               -- JSON: [{"name": "price", "dtype": "f64", "hash": "..."}, ...]
    PRIMARY KEY (run_id, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX input_by_hash ON input (hash);     -- which runs used this data

CREATE VIEW inputs AS
SELECT run.uid AS run, input.name, input.rows, input.hash, input.schema_hash, input.columns
FROM input JOIN run ON run.id = input.run_id WHERE run.deleted_ms IS NULL;
