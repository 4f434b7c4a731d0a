-- Who cancelled a session is part of its row: of those that are cancelled already, the log knows.
UPDATE sessions
SET state = json_set(state, '$.cancelledBy', (
    SELECT json_extract(body, '$.by') FROM events
    WHERE events.id BETWEEN (sessions.id << 32) AND (sessions.id << 32 | 4294967295) AND kind = 'session.cancelled'
    ORDER BY events.id DESC LIMIT 1
))
WHERE status = 'cancelled';
