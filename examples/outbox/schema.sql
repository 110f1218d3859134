CREATE TABLE outbox (
  -- The order of publishing. The trigger sets it once it holds the lock of the log.
  id bigint PRIMARY KEY,
  -- The idempotency key. It is a UUID, so that a table that is created again never repeats one.
  key uuid NOT NULL DEFAULT gen_random_uuid(),
  channel text NOT NULL,
  params jsonb NOT NULL,
  event json NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- When a relay first took the row to publish it.
  attempted_at timestamptz,
  -- The reason why it is not published. See "Parked rows" in docs/outbox.md.
  parked text
);

CREATE SEQUENCE outbox_id OWNED BY outbox.id;
CREATE INDEX outbox_waiting ON outbox (id) WHERE parked IS NULL;

-- Sequence numbers are assigned before the commit, and two transactions can commit in the other
-- order. So a log has one writer at a time, from its insert to its commit or rollback.
CREATE FUNCTION outbox_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(
    hashtextextended('outbox ' || NEW.channel || ' ' || NEW.params::text, 0)
  );
  NEW.id := nextval('outbox_id');
  -- Sent at the commit, once per transaction.
  PERFORM pg_notify('outbox', '');
  RETURN NEW;
END $$;

CREATE TRIGGER outbox_insert BEFORE INSERT ON outbox
  FOR EACH ROW EXECUTE FUNCTION outbox_insert();
