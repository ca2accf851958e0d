-- The gate's journal. Rows are added and marked, never rewritten or removed.
CREATE TABLE IF NOT EXISTS releases (
    release    TEXT PRIMARY KEY,
    job        TEXT,
    buyer      TEXT,
    dataset    TEXT,
    query      TEXT,
    outcome    TEXT NOT NULL CHECK (outcome IN ('released', 'refused')),
    epsilon    INTEGER NOT NULL CHECK (epsilon >= 0),
    decision   TEXT NOT NULL,
    decided_at TEXT NOT NULL,
    delivered  INTEGER NOT NULL DEFAULT 0 CHECK (delivered IN (0, 1))
) STRICT;

CREATE INDEX IF NOT EXISTS releases_undelivered ON releases (release) WHERE delivered = 0;

-- Noised answers by question and policy; the same question gets the same answer again.
CREATE TABLE IF NOT EXISTS answers (
    dataset TEXT NOT NULL,
    query   TEXT NOT NULL,
    policy  TEXT NOT NULL,
    release TEXT NOT NULL,
    answer  BLOB NOT NULL,
    PRIMARY KEY (dataset, query, policy)
) STRICT;

-- The key each buyer used first.
CREATE TABLE IF NOT EXISTS buyers (
    buyer      TEXT PRIMARY KEY,
    key        TEXT NOT NULL,
    first_seen TEXT NOT NULL
) STRICT;

-- Epsilon in millionths, accounted like money: reserved, then posted, or void if nothing left.
CREATE TABLE IF NOT EXISTS epsilon (
    entry   INTEGER PRIMARY KEY,
    lineage TEXT NOT NULL,
    release TEXT NOT NULL,
    amount  INTEGER NOT NULL CHECK (amount >= 0),
    state   TEXT NOT NULL CHECK (state IN ('reserved', 'posted', 'void')),
    at      TEXT NOT NULL
) STRICT;

CREATE INDEX IF NOT EXISTS epsilon_lineage ON epsilon (lineage, state);
