-- Numbers and lists, for `decide_1`.

-- Costs are unsigned: their bits are passed.
CREATE FUNCTION unsigned_1(bits bigint) RETURNS numeric LANGUAGE sql IMMUTABLE
AS 'SELECT CASE WHEN bits < 0 THEN bits + 18446744073709551616 ELSE bits END';

CREATE FUNCTION signed_1(number numeric) RETURNS bigint LANGUAGE sql IMMUTABLE
AS 'SELECT (CASE WHEN number > 9223372036854775807 THEN number - 18446744073709551616 ELSE number END)::bigint';

-- What the count of the window before still weighs.
CREATE FUNCTION weighed_1(previous bigint, elapsed bigint, width bigint) RETURNS bigint LANGUAGE sql IMMUTABLE
AS 'SELECT previous - CASE
    WHEN elapsed <= 0 THEN 0
    WHEN previous <= 9223372036854775807 / elapsed THEN previous * elapsed / width
    ELSE div(previous::numeric * elapsed, width)::bigint
END';

-- The list without what has expired, which stands first.
CREATE FUNCTION live_1(list entries, clock bigint) RETURNS entries
LANGUAGE plpgsql IMMUTABLE SET search_path FROM CURRENT
AS $$
DECLARE
    p int := 1;
BEGIN
    WHILE list.expiries[p] <= clock LOOP
        list.total := list.total - list.counts[p];
        p := p + 1;
    END LOOP;
    IF p > 1 THEN
        list.expiries := list.expiries[p:];
        list.counts := list.counts[p:];
        list.holders := list.holders[p:];
    END IF;
    RETURN list;
END
$$;

-- A log with another admission. Its clock never runs behind its newest.
CREATE FUNCTION append_1(list entries, instant bigint, width bigint, cost bigint) RETURNS entries
LANGUAGE plpgsql IMMUTABLE SET search_path FROM CURRENT
AS $$
DECLARE
    clock CONSTANT bigint := greatest(instant, list.expiries[cardinality(list.expiries)] - width);
    p int;
BEGIN
    list := live_1(list, clock);
    cost := least(cost, 9007199254740991 - list.total);
    p := cardinality(list.expiries);
    -- One that counts nothing matters only while it is the newest. A log of debts never has more than 16384.
    IF p > 0 AND (list.expiries[p] = clock + width OR list.counts[p] = 0 OR p >= 16384) THEN
        cost := cost + list.counts[p];
        list.total := list.total - list.counts[p];
    ELSE
        p := p + 1;
    END IF;
    list.expiries[p] := clock + width;
    list.counts[p] := cost;
    list.total := list.total + cost;
    RETURN list;
END
$$;

-- A log without so much of the admission that expires at an instant, or of the newest ones.
CREATE FUNCTION take_back_1(list entries, cost bigint, expiry bigint) RETURNS entries
LANGUAGE plpgsql IMMUTABLE SET search_path FROM CURRENT
AS $$
DECLARE
    p int := CASE WHEN expiry IS NULL THEN cardinality(list.expiries) ELSE array_position(list.expiries, expiry) END;
    taken bigint;
BEGIN
    WHILE p > 0 AND (cost > 0 OR expiry IS NOT NULL) LOOP
        taken := least(cost, list.counts[p]);
        cost := cost - taken;
        list.total := list.total - taken;
        list.counts[p] := list.counts[p] - taken;
        IF list.counts[p] = 0 THEN
            list.expiries := list.expiries[:p - 1] || list.expiries[p + 1:];
            list.counts := list.counts[:p - 1] || list.counts[p + 1:];
        END IF;
        p := CASE WHEN expiry IS NULL THEN p - 1 ELSE 0 END;
    END LOOP;
    RETURN list;
END
$$;

-- Where the hold of somebody is; who holds nothing is nobody in particular.
CREATE FUNCTION place_1(list entries, who uuid) RETURNS int
LANGUAGE plpgsql IMMUTABLE SET search_path FROM CURRENT
AS $$
BEGIN
    FOR p IN 1 .. coalesce(cardinality(list.holders), 0) LOOP
        IF list.holders[p] = who AND list.counts[p] > 0 THEN
            RETURN p;
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;

-- The list without the entry at a place.
CREATE FUNCTION without_1(list entries, p int) RETURNS entries
LANGUAGE plpgsql IMMUTABLE SET search_path FROM CURRENT
AS $$
BEGIN
    list.total := list.total - list.counts[p];
    list.expiries := list.expiries[:p - 1] || list.expiries[p + 1:];
    list.counts := list.counts[:p - 1] || list.counts[p + 1:];
    list.holders := list.holders[:p - 1] || list.holders[p + 1:];
    RETURN list;
END
$$;

-- The list with a hold until now + ttl; who holds already keeps what it has, and lives on.
CREATE FUNCTION hold_1(list entries, instant bigint, ttl bigint, cost bigint, who uuid) RETURNS entries
LANGUAGE plpgsql IMMUTABLE SET search_path FROM CURRENT
AS $$
DECLARE
    expiry CONSTANT bigint := least(instant + ttl, 9007199254740991);
    p int;
BEGIN
    list := live_1(list, instant);
    p := place_1(list, who);
    IF p IS NOT NULL THEN
        cost := list.counts[p];
        list := without_1(list, p);
    END IF;
    IF cost = 0 THEN
        -- Of those that hold nothing the latest stands for all.
        LOOP
            p := array_position(list.counts, 0::bigint);
            EXIT WHEN p IS NULL;
            IF list.expiries[p] >= expiry THEN
                RETURN list;
            END IF;
            list := without_1(list, p);
        END LOOP;
    END IF;
    p := cardinality(list.expiries);
    WHILE p > 0 AND list.expiries[p] > expiry LOOP
        p := p - 1;
    END LOOP;
    list.total := list.total + cost;
    list.expiries := list.expiries[:p] || expiry || list.expiries[p + 1:];
    list.counts := list.counts[:p] || cost || list.counts[p + 1:];
    list.holders := list.holders[:p] || who || list.holders[p + 1:];
    RETURN list;
END
$$;

-- The list without the hold of somebody, if there is one.
CREATE FUNCTION release_1(list entries, who uuid) RETURNS entries
LANGUAGE sql IMMUTABLE SET search_path FROM CURRENT
AS 'SELECT CASE WHEN place_1(list, who) IS NULL THEN list ELSE without_1(list, place_1(list, who)) END';
