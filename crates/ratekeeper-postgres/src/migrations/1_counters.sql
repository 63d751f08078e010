-- The counters. UNLOGGED: a counter is worth less than its write-ahead log; the table is empty after a crash. Half-empty
-- pages and no index on what changes let every update stay on its page.
CREATE UNLOGGED TABLE counters (
    key bytea PRIMARY KEY,
    -- Of the limit that wrote it.
    tag bigint NOT NULL,
    -- buckets: X in whole microseconds, ticks beyond it, nothing
    -- windows: start, count, count of the window before
    -- lists: sum of the counts, nothing, nothing
    a bigint NOT NULL,
    b bigint NOT NULL,
    c bigint NOT NULL,
    -- Of windows and lists: from this instant on nothing counts any more. Buckets tell by a.
    ends bigint NOT NULL,
    -- 0 bucket, 1 window, 2 list, -1 locked and not there.
    kind smallint NOT NULL,
    -- Where the check that wrote it last stood in its call.
    place int NOT NULL,
    -- Of lists, in the order of expiry.
    expiries bigint[],
    counts bigint[],
    holders uuid[]
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05);

-- A list while it is worked on.
CREATE TYPE entries AS (total bigint, expiries bigint[], counts bigint[], holders uuid[]);

-- How far the sweep has come: one row, whose lock lets one process sweep at a time.
CREATE UNLOGGED TABLE sweep (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    reached bytea NOT NULL DEFAULT '',
    stepped bigint NOT NULL DEFAULT 0
);

-- Now, in microseconds since the epoch.
CREATE FUNCTION clock_1() RETURNS bigint
LANGUAGE sql VOLATILE SET search_path FROM CURRENT
AS 'SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint';

-- Looks at the next `most` rows, deletes those that have been idle for `grace` microseconds, and says how many it saw
-- and deleted; or nothing if another process is at it, or has been through less than `pause` microseconds ago. Rows that
-- are locked are in use: they are left. After the last row it begins anew.
CREATE FUNCTION sweep_1(most int, grace bigint, pause bigint, OUT seen int, OUT deleted int)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off SET jit = off
AS $$
DECLARE
    horizon CONSTANT bigint := clock_1() - grace;
    begun bytea;
    last_seen bytea;
BEGIN
    -- Not there at first, and after a crash.
    IF NOT EXISTS (SELECT FROM sweep) THEN
        INSERT INTO sweep DEFAULT VALUES ON CONFLICT DO NOTHING;
    END IF;
    SELECT s.reached INTO begun FROM sweep s
    WHERE s.reached <> '' OR s.stepped <= clock_1() - pause
    FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    WITH page AS MATERIALIZED (
        SELECT t.key, CASE t.kind WHEN 0 THEN t.a ELSE t.ends END < horizon AS idle
        FROM counters t WHERE t.key > begun ORDER BY t.key LIMIT most
    ), dead AS MATERIALIZED (
        SELECT t.key FROM page p JOIN counters t ON t.key = p.key
        WHERE p.idle AND CASE t.kind WHEN 0 THEN t.a ELSE t.ends END < horizon
        FOR UPDATE OF t SKIP LOCKED
    ), gone AS (
        DELETE FROM counters t USING dead d WHERE t.key = d.key RETURNING 1
    )
    SELECT (SELECT count(*) FROM page), (SELECT count(*) FROM gone),
        (SELECT p.key FROM page p ORDER BY p.key DESC LIMIT 1)
    INTO seen, deleted, last_seen;
    UPDATE sweep s SET reached = CASE WHEN seen < most THEN '' ELSE last_seen END, stepped = clock_1();
END
$$;
