-- The annotation store, schema version 1. A note's state is derived from these rows, never
-- stored, so that it cannot contradict them. Times are UTC seconds.

-- Every note the store has heard of. merged_through is the last answer that the merged labels saw.
CREATE TABLE notes (
    encounter_id   TEXT PRIMARY KEY,
    added_at       REAL NOT NULL,
    merged_through INTEGER NOT NULL DEFAULT 0
) STRICT;

-- overlap: how many annotators each task is meant for. held_until: while a batch is handed out as
-- a file its tasks are neither leased nor sampled again.
CREATE TABLE batches (
    batch      TEXT PRIMARY KEY,
    created_at REAL NOT NULL,
    overlap    INTEGER NOT NULL CHECK (overlap >= 1),
    held_until REAL NOT NULL DEFAULT 0
) STRICT;

-- options, prefill: JSON lists of flags; meta: a JSON object. A closed task is not handed out.
CREATE TABLE tasks (
    number       INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id      TEXT NOT NULL UNIQUE,
    encounter_id TEXT NOT NULL REFERENCES notes (encounter_id),
    batch        TEXT NOT NULL REFERENCES batches (batch),
    text         TEXT NOT NULL,
    options      TEXT NOT NULL,
    prefill      TEXT NOT NULL,
    meta         TEXT NOT NULL,
    blind        INTEGER NOT NULL CHECK (blind IN (0, 1)),
    created_at   REAL NOT NULL,
    closed_at    REAL,
    UNIQUE (encounter_id, batch)
) STRICT;
CREATE INDEX tasks_by_batch ON tasks (batch, number);

CREATE TABLE leases (
    task_id    TEXT NOT NULL REFERENCES tasks (task_id),
    annotator  TEXT NOT NULL,
    expires_at REAL NOT NULL,
    PRIMARY KEY (task_id, annotator)
) STRICT;

-- Append-only. key identifies the answer wherever it is imported from, so that a second import
-- adds nothing; options are the flags the annotator saw; adjudicates marks a settled conflict.
-- (answered_at, position, key) is the total order in which answers of one annotator were given.
CREATE TABLE answers (
    seq           INTEGER PRIMARY KEY AUTOINCREMENT,
    key           TEXT NOT NULL UNIQUE,
    task_id       TEXT NOT NULL REFERENCES tasks (task_id),
    annotator     TEXT NOT NULL,
    answer        TEXT NOT NULL CHECK (answer IN ('accept', 'reject', 'ignore', 'undo')),
    options       TEXT NOT NULL,
    accept        TEXT NOT NULL,
    adjudicates   INTEGER NOT NULL CHECK (adjudicates IN (0, 1)),
    answered_at   REAL NOT NULL,
    position      INTEGER NOT NULL,
    recorded_at   REAL NOT NULL,
    source_sha256 TEXT,
    source_line   INTEGER
) STRICT;
CREATE INDEX answers_by_task ON answers (task_id, annotator);
CREATE INDEX answers_by_time ON answers (annotator, answered_at, position);

-- Only the position may change: it is the last line of all files that gave the answer.
CREATE TRIGGER answers_are_append_only
BEFORE UPDATE OF seq, key, task_id, annotator, answer, options, accept, adjudicates, answered_at,
    recorded_at, source_sha256, source_line ON answers
BEGIN
    SELECT RAISE(ABORT, 'answers are append-only');
END;

-- The latest answer of each annotator to each task, unless it was undone; every adjudication.
CREATE VIEW standing AS
SELECT a.* FROM answers a
WHERE a.adjudicates = 1 OR (
    a.answer <> 'undo' AND NOT EXISTS (
        SELECT 1 FROM answers later
        WHERE later.task_id = a.task_id AND later.annotator = a.annotator
            AND later.adjudicates = 0
            AND (later.answered_at, later.position, later.key)
                > (a.answered_at, a.position, a.key)
    )
);

-- Notes deleted on request: a salted hash of the id and the time, nothing else.
CREATE TABLE tombstones (
    salt       TEXT NOT NULL,
    id_hash    TEXT NOT NULL,
    deleted_at REAL NOT NULL,
    PRIMARY KEY (salt, id_hash)
) STRICT;
