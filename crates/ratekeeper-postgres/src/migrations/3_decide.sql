-- Decides the checks of a call, as ratekeeper's `step` does: that is the truth, and a test compares them.
--
-- instant: when to decide, or NULL for the clock. earliest, latest: for which instants the checks were made.
-- keys: ascending, each once. checks: twenty numbers each, see below. identities: of the units that hold something.
-- mode: 0 plain: every check is a take that is a unit by itself, from a bucket or windows; check i is of key i
--       1 anything   2 anything, and all keys are locked, also those that are absent and not expected to be written
--       3 nothing is written
--
-- Returns when it was decided, and if that is between earliest and latest: of a plain call, which checks were accepted at
-- once and the states after; of all others the states as they were found, which units passed, and what was granted.
--
-- A check:
--  1 place of its key   2 unit   3 operation   4 group, -1 if enforced   5 algorithm   6 flags   7 tag   8 cost
--  9 N' of a bucket, N of all others   10 W' of a bucket, W of all others
-- 11, 12 of (instant + 11) % 12 what has gone by of the window; of a bucket nothing
-- 13, 14 of a bucket: the cost in microseconds and ticks beyond; of windows: 0 and the cost
-- 15 how long after its start a window counts, of a bucket 0
-- 16 N' of a bucket, of windows more than any count
-- 17, 18 of a bucket: the capacity in microseconds and ticks beyond   19, 20 the token
-- operations: 0 take, 1 take up to, 2 peek, 3 charge, 4 refund, 5 reset
-- algorithms: 0 bucket, 1 queue, 2 fixed window, 3 sliding window, 4 calendar window, 5 log, 6 concurrency
-- flags: 1 a changed limit starts anew, 2 there is a token
--
-- Locks are those of rows, taken in the order of the keys; for that an absent row is inserted (kind -1). Nobody waits for
-- a lock while holding one of a later key, so there are no deadlocks.
CREATE FUNCTION decide_1(
    INOUT instant bigint,
    earliest bigint,
    latest bigint,
    keys bytea[],
    checks bigint[],
    identities uuid[],
    mode int,
    OUT accepted int[], OUT after_a bigint[], OUT after_b bigint[], OUT after_c bigint[],
    OUT kinds smallint[], OUT tags bigint[], OUT found_a bigint[], OUT found_b bigint[], OUT found_c bigint[],
    OUT found_lists bytea[],
    OUT passes boolean[],
    OUT granted bigint[]
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
SET jit = off
AS $$
#variable_conflict use_variable
DECLARE
    last_exact CONSTANT bigint := 9007199254740991;
    n_checks CONSTANT int := cardinality(checks) / 20;
    own_clock CONSTANT boolean := instant IS NULL;
    plain CONSTANT boolean := mode = 0;
    locked boolean := plain;
    all_there boolean := false;
    -- The working copy, by key; held: which are locked, where they were read without locks first.
    held boolean[];
    there boolean[];
    lists entries[];
    changed boolean[];
    w_kinds smallint[];
    w_tags bigint[];
    w_a bigint[]; w_b bigint[]; w_c bigint[]; w_ends bigint[];
    w_lists entries[];
    -- By check: whether it passes, how much it would grant of a partial take, and its state at this instant:
    -- bucket: microseconds and ticks ahead of now; windows: start, count, count before.
    fits boolean[];
    grantable numeric[];
    at_a bigint[]; at_b bigint[]; at_c bigint[];
    -- Of one unit.
    i int;
    first int;
    beyond int;
    -- The next of those accepted at once.
    next int := 1;
    unit bigint;
    unit_passes boolean;
    asked numeric;
    enforced_share numeric;
    share numeric;
    -- Of one check.
    o int;
    k int;
    op bigint;
    algorithm bigint;
    cost bigint;
    n bigint;
    w bigint;
    ok boolean;
    fresh boolean;
    grant_ numeric;
    a bigint; b bigint; c bigint;
    x bigint; y bigint;
    used bigint;
    start bigint;
    list entries;
BEGIN
    IF own_clock THEN
        instant := (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;
    END IF;
    IF instant < earliest OR instant >= latest THEN
        RETURN;
    END IF;

    IF plain THEN
        -- One formula for buckets and windows: a bucket is a window that began now, whose count of ticks carries over into
        -- microseconds at N'. In the new row c is the cost in microseconds, so that a - c is when it began.
        WITH written AS (
            INSERT INTO counters AS t (key, tag, a, b, c, ends, kind, place)
            SELECT keys[s.o / 20 + 1], checks[s.o + 7], s.start + checks[s.o + 13], checks[s.o + 14], checks[s.o + 13],
                s.start + checks[s.o + 15], CASE WHEN checks[s.o + 5] < 2 THEN 0 ELSE 1 END, s.o
            FROM (
                SELECT u.o, greatest(0, instant - (instant + checks[u.o + 11]) % checks[u.o + 12]) AS start
                FROM generate_series(0, cardinality(checks) - 20, 20) AS u(o)
            ) s
            ON CONFLICT (key) DO UPDATE SET
                place = excluded.place,
                a = greatest(t.a, excluded.a - excluded.c) + excluded.c
                    + (CASE WHEN t.a >= excluded.a - excluded.c THEN t.b ELSE 0 END + excluded.b)
                        / checks[excluded.place + 16],
                b = (CASE WHEN t.a >= excluded.a - excluded.c THEN t.b ELSE 0 END + excluded.b)
                    % checks[excluded.place + 16],
                c = CASE
                    WHEN t.a >= excluded.a - excluded.c THEN t.c
                    WHEN excluded.a - t.a = checks[excluded.place + 10] AND checks[excluded.place + 5] = 3 THEN t.b
                    ELSE 0
                END,
                ends = greatest(t.ends, excluded.ends)
            WHERE t.tag = excluded.tag AND CASE WHEN excluded.kind = 0
                THEN (
                    greatest(t.a, instant) + excluded.c
                        + (CASE WHEN t.a >= instant THEN t.b ELSE 0 END + excluded.b) / checks[excluded.place + 9],
                    (CASE WHEN t.a >= instant THEN t.b ELSE 0 END + excluded.b) % checks[excluded.place + 9]
                ) <= (instant + checks[excluded.place + 17], checks[excluded.place + 18])
                ELSE excluded.b + CASE
                    WHEN t.a >= excluded.a THEN t.b + CASE
                        WHEN t.c = 0 OR checks[excluded.place + 5] <> 3 THEN 0
                        ELSE weighed_1(t.c, instant - t.a, checks[excluded.place + 10])
                    END
                    WHEN excluded.a - t.a = checks[excluded.place + 10] AND checks[excluded.place + 5] = 3
                        THEN weighed_1(t.b, instant - excluded.a, checks[excluded.place + 10])
                    ELSE 0
                END <= checks[excluded.place + 9]
            END
            RETURNING t.place, t.a, t.b, t.c
        )
        SELECT array_agg(v.place / 20 + 1), array_agg(v.a), array_agg(v.b), array_agg(v.c)
        INTO accepted, after_a, after_b, after_c FROM written v;
        IF cardinality(accepted) = n_checks THEN
            RETURN;
        END IF;
    END IF;

    IF mode = 1 THEN
        SELECT count(*) = cardinality(keys) INTO all_there FROM unnest(keys) AS u(key) JOIN counters t ON t.key = u.key;
    END IF;

    -- Where all rows are there they are locked first. Else what is decided over the rows as they are tells which of the
    -- absent ones will be written: a refusal inserts nothing.
    LOOP
        IF all_there THEN
            locked := true;
            SELECT array_agg(s.kind), array_agg(true), array_agg(s.tag), array_agg(s.a), array_agg(s.b),
                array_agg(s.c), array_agg(s.ends), array_agg(s.list)
            INTO kinds, there, tags, found_a, found_b, found_c, w_ends, lists
            FROM (
                SELECT t.kind, t.tag, t.a, t.b, t.c, t.ends,
                    CASE WHEN t.kind = 2 THEN ROW(t.a, t.expiries, t.counts, t.holders)::entries END AS list
                FROM unnest(keys) WITH ORDINALITY AS u(key, i) JOIN counters t ON t.key = u.key
                ORDER BY u.i FOR UPDATE OF t
            ) s;
            IF cardinality(kinds) IS DISTINCT FROM cardinality(keys) THEN
                RAISE EXCEPTION 'begin again: a row was deleted' USING ERRCODE = 'RK001';
            END IF;
        ELSE
            SELECT array_agg(s.found), array_agg(s.there), array_agg(s.tag), array_agg(s.a), array_agg(s.b),
                array_agg(s.c), array_agg(s.ends), array_agg(s.list)
            INTO kinds, there, tags, found_a, found_b, found_c, w_ends, lists
            FROM (
                SELECT CASE WHEN t.kind >= 0 THEN t.kind END AS found, t.kind IS NOT NULL AS there,
                    t.tag, t.a, t.b, t.c, t.ends,
                    CASE WHEN t.kind = 2 THEN ROW(t.a, t.expiries, t.counts, t.holders)::entries END AS list
                FROM unnest(keys) WITH ORDINALITY AS u(key, i) LEFT JOIN counters t ON t.key = u.key
                ORDER BY u.i
            ) s;
        END IF;
        IF own_clock AND NOT plain THEN
            instant := (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;
            IF instant < earliest OR instant >= latest THEN
                IF locked THEN
                    RAISE EXCEPTION 'begin again: a calendar has turned' USING ERRCODE = 'RK001';
                END IF;
                RETURN;
            END IF;
        END IF;
        w_kinds := kinds;
        w_tags := tags;
        w_a := found_a;
        w_b := found_b;
        w_c := found_c;
        w_lists := lists;
        changed := array_fill(false, ARRAY[cardinality(keys)]);
        granted := array_fill(NULL::bigint, ARRAY[n_checks]);
        passes := array_fill(NULL::boolean, ARRAY[checks[n_checks * 20 - 18]::int]);
        fits := array_fill(true, ARRAY[n_checks]);
        grantable := array_fill(NULL::numeric, ARRAY[n_checks]);
        at_a := granted;
        at_b := granted;
        at_c := granted;
        beyond := 1;
        WHILE beyond <= n_checks LOOP
            IF accepted[next] = beyond THEN
                passes[beyond] := true;
                next := next + 1;
                beyond := beyond + 1;
                CONTINUE;
            END IF;
            first := beyond;
            unit := checks[first * 20 - 18];
            unit_passes := true;
            -- What every check answers.
            WHILE beyond <= n_checks AND checks[beyond * 20 - 18] = unit LOOP
                i := beyond;
                beyond := beyond + 1;
                o := (i - 1) * 20;
                k := checks[o + 1];
                op := checks[o + 3];
                algorithm := checks[o + 5];
                IF w_kinds[k] IS NULL THEN
                    a := 0;
                    b := 0;
                    c := 0;
                    list := NULL;
                ELSE
                    a := w_a[k];
                    b := w_b[k];
                    IF algorithm >= 2 THEN
                        c := w_c[k];
                        IF algorithm >= 5 THEN
                            list := CASE WHEN w_kinds[k] = 2 THEN w_lists[k] END;
                        END IF;
                    END IF;
                END IF;
                IF w_tags[k] <> checks[o + 7] AND w_kinds[k] IS NOT NULL THEN
                    -- The limit has changed: counts are carried over as far as they keep their meaning.
                    fresh := false;
                    IF checks[o + 6] & 1 = 0 AND algorithm < 2 AND w_kinds[k] = 0 THEN
                        a := least(a + CASE WHEN b > 0 THEN 1 ELSE 0 END, last_exact);
                        b := 0;
                        IF a >= instant AND (a - instant, 0::bigint) > (checks[o + 17], checks[o + 18]) THEN
                            a := least(instant + checks[o + 17], last_exact);
                            b := CASE WHEN a < last_exact THEN checks[o + 18] ELSE 0 END;
                        END IF;
                    ELSIF checks[o + 6] & 1 = 1 OR algorithm < 2 OR w_tags[k] >> 32 <> checks[o + 7] >> 32 THEN
                        a := 0;
                        b := 0;
                        c := 0;
                        list := NULL;
                        fresh := true;
                    END IF;
                    IF op <> 2 THEN
                        changed[k] := true;
                        w_kinds[k] := CASE WHEN fresh THEN NULL ELSE w_kinds[k] END;
                        w_tags[k] := checks[o + 7];
                        w_a[k] := a;
                        w_b[k] := b;
                        w_ends[k] := greatest(w_ends[k], a + checks[o + 15]);
                    END IF;
                END IF;
                IF algorithm < 2 THEN
                    IF a >= instant THEN
                        a := a - instant;
                    ELSE
                        a := 0;
                        b := 0;
                    END IF;
                    IF op = 0 OR op = 2 THEN
                        x := b + checks[o + 14];
                        ok := (a + checks[o + 13] + x / checks[o + 9], x % checks[o + 9])
                            <= (checks[o + 17], checks[o + 18]);
                    ELSIF op = 1 THEN
                        grant_ := greatest(0, div(
                            (checks[o + 17] - a)::numeric * checks[o + 9] + (checks[o + 18] - b),
                            checks[o + 10]
                        ));
                    END IF;
                    at_a[i] := a;
                    at_b[i] := b;
                ELSIF algorithm < 5 THEN
                    start := greatest(0, instant - (instant + checks[o + 11]) % checks[o + 12]);
                    IF start > a THEN
                        c := CASE WHEN algorithm = 3 AND start - a = checks[o + 10] THEN b ELSE 0 END;
                        b := 0;
                        a := start;
                    END IF;
                    IF op < 3 THEN
                        used := b;
                        IF c > 0 AND algorithm = 3 THEN
                            used := b + weighed_1(c, instant - a, checks[o + 10]);
                        END IF;
                        ok := used + checks[o + 14] <= checks[o + 9];
                        grant_ := checks[o + 9] - used;
                    END IF;
                    at_a[i] := a;
                    at_b[i] := b;
                    at_c[i] := c;
                ELSIF op < 3 THEN
                    list := live_1(list, CASE
                        WHEN algorithm = 6 THEN instant
                        ELSE greatest(instant, list.expiries[cardinality(list.expiries)] - checks[o + 10])
                    END);
                    used := coalesce(list.total, 0);
                    ok := used + checks[o + 14] <= checks[o + 9];
                    grant_ := checks[o + 9] - used;
                    IF algorithm = 6 AND (NOT ok OR op = 1) AND place_1(list, identities[unit]) IS NOT NULL THEN
                        -- Who holds renews.
                        ok := true;
                        grant_ := 18446744073709551615;
                    END IF;
                END IF;
                IF op = 1 THEN
                    grant_ := greatest(0, least(grant_, unsigned_1(checks[o + 8])));
                    grantable[i] := grant_;
                    ok := grant_ > 0;
                    asked := least(asked, unsigned_1(checks[o + 8]));
                    IF checks[o + 4] < 0 THEN
                        enforced_share := least(enforced_share, grant_);
                    END IF;
                    share := coalesce(enforced_share, asked);
                END IF;
                IF op < 3 AND NOT ok THEN
                    fits[i] := false;
                    unit_passes := unit_passes AND checks[o + 4] >= 0;
                END IF;
            END LOOP;
            passes[unit] := unit_passes;
            -- What is written.
            FOR i IN first .. CASE WHEN unit_passes THEN beyond - 1 ELSE 0 END LOOP
                o := (i - 1) * 20;
                op := checks[o + 3];
                CONTINUE WHEN op = 2;
                IF checks[o + 4] >= 0 THEN
                    -- A shadow group stands or falls by its own checks.
                    ok := true;
                    FOR j IN first .. beyond - 1 LOOP
                        IF checks[j * 20 - 16] = checks[o + 4] THEN
                            ok := ok AND fits[j]
                                AND (op <> 1 OR coalesce(grantable[j], unsigned_1(checks[j * 20 - 12])) >= share);
                        END IF;
                    END LOOP;
                    CONTINUE WHEN NOT ok;
                END IF;
                k := checks[o + 1];
                algorithm := checks[o + 5];
                changed[k] := true;
                IF op = 1 THEN
                    granted[i] := signed_1(share);
                    cost := least(share, last_exact + 1);
                ELSE
                    granted[i] := checks[o + 8];
                    cost := checks[o + 14];
                END IF;
                IF op = 5 THEN
                    w_kinds[k] := NULL;
                    w_lists[k] := NULL;
                    CONTINUE;
                END IF;
                IF algorithm < 2 THEN
                    n := checks[o + 9];
                    a := at_a[i];
                    IF op = 1 THEN
                        w := checks[o + 10];
                        b := at_b[i] + mod(share * w, n)::bigint;
                        a := a + least(div(share * w, n), 1::bigint << 60)::bigint + b / n;
                        b := b % n;
                    ELSIF op < 4 THEN
                        b := at_b[i] + checks[o + 14];
                        a := a + checks[o + 13] + b / n;
                        b := b % n;
                    ELSE
                        b := at_b[i];
                        x := checks[o + 13];
                        y := checks[o + 14];
                        IF checks[o + 6] & 2 = 2 THEN
                            IF algorithm = 1 AND (w_kinds[k] IS NULL AND (checks[o + 19] <> 0 OR checks[o + 20] <> 0)
                                OR w_kinds[k] IS NOT NULL AND (checks[o + 19] <> w_a[k] OR checks[o + 20] <> w_b[k])) THEN
                                -- Others stand in line behind.
                                CONTINUE;
                            END IF;
                            IF checks[o + 19] < instant THEN
                                x := 0;
                                y := 0;
                            ELSIF (checks[o + 19] - instant, checks[o + 20]) < (x, y) THEN
                                x := checks[o + 19] - instant;
                                y := checks[o + 20];
                            END IF;
                        END IF;
                        a := a - x;
                        b := b - y;
                        IF b < 0 THEN
                            b := b + n;
                            a := a - 1;
                        END IF;
                        IF a < 0 THEN
                            a := 0;
                            b := 0;
                        END IF;
                    END IF;
                    IF instant + a >= last_exact THEN
                        a := last_exact - instant;
                        b := 0;
                    END IF;
                    w_a[k] := instant + a;
                    w_b[k] := b;
                    IF w_kinds[k] IS NULL THEN
                        w_kinds[k] := 0;
                        w_tags[k] := checks[o + 7];
                        w_c[k] := 0;
                        w_ends[k] := 0;
                    END IF;
                ELSIF algorithm < 5 THEN
                    IF op < 4 THEN
                        b := least(at_b[i] + cost, last_exact);
                    ELSIF checks[o + 6] & 2 = 0 OR checks[o + 19] = at_a[i] THEN
                        b := greatest(at_b[i] - cost, 0);
                    ELSE
                        CONTINUE;
                    END IF;
                    a := at_a[i];
                    w_a[k] := a;
                    w_b[k] := b;
                    w_c[k] := at_c[i];
                    -- Where the clock has stepped back a window that began later ends when it was to end.
                    w_ends[k] := greatest(a + checks[o + 15], w_ends[k]);
                    IF w_kinds[k] IS NULL THEN
                        w_kinds[k] := 1;
                        w_tags[k] := checks[o + 7];
                    END IF;
                ELSE
                    w := checks[o + 10];
                    list := CASE WHEN w_kinds[k] IS NULL THEN ROW(0, '{}', '{}', '{}')::entries ELSE w_lists[k] END;
                    IF algorithm = 5 AND op < 4 THEN
                        list := append_1(list, instant, w, cost);
                    ELSIF algorithm = 5 THEN
                        list := take_back_1(list, cost, CASE WHEN checks[o + 6] & 2 = 2 THEN checks[o + 19] + w END);
                    ELSIF op < 4 THEN
                        list := hold_1(list, instant, w, cost, identities[unit]);
                    ELSE
                        list := release_1(list, identities[checks[o + 19]]);
                    END IF;
                    w_kinds[k] := CASE WHEN cardinality(list.expiries) > 0 THEN 2 END;
                    w_tags[k] := checks[o + 7];
                    w_a[k] := list.total;
                    w_b[k] := 0;
                    w_c[k] := 0;
                    w_ends[k] := list.expiries[cardinality(list.expiries)];
                    w_lists[k] := list;
                END IF;
            END LOOP;
            IF asked IS NOT NULL THEN
                asked := NULL;
                enforced_share := NULL;
                share := NULL;
            END IF;
        END LOOP;

        EXIT WHEN locked OR mode = 3 OR NOT true = ANY (changed);
        held := ARRAY(SELECT mode = 2 OR u.x IS NOT NULL OR u.y FROM unnest(kinds, changed) AS u(x, y));
        INSERT INTO counters AS t (key, tag, a, b, c, ends, kind, place)
        SELECT u.key, 0, 0, 0, 0, 0, -1, 0
        FROM unnest(keys) WITH ORDINALITY AS u(key, i)
        WHERE held[u.i]
        ON CONFLICT (key) DO UPDATE SET place = 0 WHERE false;
        locked := true;
    END LOOP;

    IF locked THEN
        IF false = ANY (held) THEN
            -- What others have inserted meanwhile they may be about to write.
            IF EXISTS (SELECT FROM unnest(held, changed) AS u(x, y) WHERE u.y AND NOT u.x) THEN
                RAISE EXCEPTION 'begin again: what is not locked is to be written' USING ERRCODE = 'RK001';
            END IF;
        END IF;
        UPDATE counters AS t
        SET tag = w_tags[u.i], a = w_a[u.i], b = w_b[u.i], c = w_c[u.i], ends = w_ends[u.i], kind = w_kinds[u.i],
            expiries = (w_lists[u.i]).expiries, counts = (w_lists[u.i]).counts, holders = (w_lists[u.i]).holders
        FROM unnest(keys) WITH ORDINALITY AS u(key, i)
        WHERE t.key = u.key AND changed[u.i] AND w_kinds[u.i] IS NOT NULL;
        IF array_position(w_kinds, NULL) IS NOT NULL THEN
            DELETE FROM counters t USING unnest(keys) WITH ORDINALITY AS u(key, i)
            WHERE t.key = u.key AND there[u.i] AND w_kinds[u.i] IS NULL;
        END IF;
    END IF;
    IF 2 = ANY (kinds) THEN
        SELECT array_agg(array_send((lists[u.i]).expiries) || array_send((lists[u.i]).counts)
            || array_send((lists[u.i]).holders))
        INTO found_lists FROM generate_series(1, cardinality(keys)) AS u(i);
    END IF;
END
$$;

-- Whoever may call the functions needs no right to the tables, and nobody else may call them.
EXECUTE format('REVOKE ALL ON ALL FUNCTIONS IN SCHEMA %I FROM PUBLIC', current_schema);
