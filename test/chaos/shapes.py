"""How people consume a queue: each shape is one transaction, or one statement, that moves messages.

A shape is a function of a session, and is carried out as its Statement says. Errors are the
caller's. What a shape inserts, it inserts from the same transaction that takes the messages.
"""

import time
from dataclasses import dataclass

ISOLATION_LEVELS = ("READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE")

# The foreign tables all name one queue.
PLAIN, SHORT, POLLING, ALWAYS = "queue_plain", "queue_short", "queue_polling", "queue_always"

# What the messages go to. None has a unique key, which would hide a double.
TARGETS = {
    "plain": """
CREATE TABLE target (id text, n int, shape text);
""",
    "partitioned": """
CREATE TABLE target (id text, n int, shape text) PARTITION BY LIST (n);
CREATE TABLE target_few PARTITION OF target FOR VALUES IN (0, 1, 2, 3, 4, 5) PARTITION BY HASH (id);
CREATE TABLE target_few_0 PARTITION OF target_few FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE target_few_1 PARTITION OF target_few FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE target_rest PARTITION OF target DEFAULT;
""",
    # Some statements fail at a row, and some transactions at their commit.
    "triggers": """
CREATE TABLE target (id text, n int, shape text);
CREATE TABLE audit (id text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit VALUES (NEW.id);
    IF random() < 0.005 THEN
        RAISE EXCEPTION 'a trigger failed on purpose' USING ERRCODE = 'CHAOS';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER note BEFORE INSERT ON target FOR EACH ROW EXECUTE FUNCTION note();
CREATE CONSTRAINT TRIGGER late AFTER INSERT ON target DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION note();
""",
}

# No trigger fails any more.
PEACE = "ALTER TABLE target DISABLE TRIGGER ALL"

# What a session needs, beside the target and the foreign tables.
SCHEMA = """
CREATE TABLE dimension AS SELECT n, 'd' || n AS name FROM generate_series(0, 9) n;

-- A row that takes its time.
CREATE FUNCTION slowly(n int, seconds float8) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_sleep(seconds);
    RETURN n;
END $$;

-- Messages are taken in blocks that fail, and then in one that does not.
CREATE FUNCTION take_in_blocks(most int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    BEGIN
        INSERT INTO target SELECT id, n, 'block that failed' FROM queue_plain;
        RAISE EXCEPTION 'on purpose';
    EXCEPTION WHEN raise_exception THEN
        NULL;
    END;
    BEGIN
        INSERT INTO target SELECT id, n / (n % 5), 'block that divided by zero' FROM queue_plain LIMIT most;
    EXCEPTION WHEN division_by_zero THEN
        INSERT INTO target SELECT id, n, 'exception handler' FROM queue_plain LIMIT most;
    END;
    INSERT INTO target SELECT id, n, 'after the blocks' FROM queue_plain;
END $$;

-- A block around each message: the row comes from outside of it.
CREATE FUNCTION take_in_loop() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    message record;
BEGIN
    FOR message IN DELETE FROM queue_plain RETURNING id, n LOOP
        BEGIN
            INSERT INTO target VALUES (message.id, message.n / (message.n % 3), 'loop');
        EXCEPTION WHEN division_by_zero THEN
            INSERT INTO target VALUES (message.id, message.n, 'loop, second try');
        END;
    END LOOP;
END $$;

-- A loop that runs in a block that may fail as a whole.
CREATE FUNCTION take_in_loop_that_may_fail(fails bool) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    message record;
BEGIN
    BEGIN
        FOR message IN DELETE FROM queue_short WHERE n % 2 = 0 RETURNING id, n LOOP
            INSERT INTO target VALUES (message.id, message.n, 'loop that may fail');
        END LOOP;
        IF fails THEN
            RAISE EXCEPTION 'on purpose';
        END IF;
    EXCEPTION WHEN raise_exception THEN
        NULL;
    END;
    INSERT INTO target SELECT id, n, 'after the loop' FROM queue_short LIMIT 20;
END $$;
"""

FOREIGN_TABLES = (
    (PLAIN, {"wait_time_seconds": 0}),
    (SHORT, {"wait_time_seconds": 0, "visibility_timeout": 1}),
    (POLLING, {"wait_time_seconds": 1, "visibility_timeout": 5}),
    (ALWAYS, {"wait_time_seconds": 0, "consume": "always"}),
)


@dataclass(frozen=True)
class Statement:
    shape: str
    table: str
    isolation: str
    synchronous_commit: str
    ends: str  # COMMIT or ROLLBACK
    pause: float  # seconds before the end
    limit: int
    explain: bool  # EXPLAIN ANALYZE, which counts


class Run:
    """One statement in one session. `tally` gets what EXPLAIN ANALYZE counts."""

    def __init__(self, connection, statement: Statement, tally):
        self._cursor = connection.cursor()
        self.statement = statement
        self._tally = tally

    def execute(self, sql: str) -> list:
        self._cursor.execute(sql)
        return self._cursor.fetchall() if self._cursor.description else []

    def insert(self, rest: str = "", table: str = "", columns: str = "id, n", name: str = "") -> None:
        """INSERT … SELECT from the queue, the plainest way to take."""
        shape = name or self.statement.shape
        sql = f"INSERT INTO target SELECT {columns}, '{shape}' FROM {table or self.statement.table} {rest}"
        if not self.statement.explain:
            self.execute(sql)
            return
        plan = self.execute(f"EXPLAIN (ANALYZE, FORMAT JSON, COSTS OFF, TIMING OFF) {sql}")[0][0]
        self._tally.add_explained(plan)

    def begin(self) -> None:
        self.execute(f"BEGIN ISOLATION LEVEL {self.statement.isolation}")

    def end(self) -> None:
        time.sleep(self.statement.pause)
        self.execute(self.statement.ends)


def autocommit(run: Run) -> None:
    run.insert()


def transaction(run: Run) -> None:
    run.begin()
    run.insert()
    run.end()


def savepoint_rolled_back(run: Run) -> None:
    run.begin()
    run.execute("SAVEPOINT a")
    run.insert(name="savepoint that was rolled back")
    run.execute("ROLLBACK TO a")
    run.insert()
    run.end()


def savepoints(run: Run) -> None:
    run.begin()
    run.execute("SAVEPOINT a")
    run.insert(f"LIMIT {run.statement.limit}")
    run.execute("SAVEPOINT b")
    run.insert(f"LIMIT {run.statement.limit}", name="inner savepoint that was rolled back")
    run.execute("ROLLBACK TO b")
    run.execute("RELEASE a")
    run.execute("SAVEPOINT c")
    run.insert()
    run.execute("RELEASE c")
    run.end()


def blocks(run: Run) -> None:
    run.begin()
    run.execute(f"SELECT take_in_blocks({run.statement.limit})")
    run.end()


def loop(run: Run) -> None:
    run.begin()
    run.execute("SELECT take_in_loop()")
    run.end()


def loop_that_may_fail(run: Run) -> None:
    run.execute(f"SELECT take_in_loop_that_may_fail({run.statement.limit % 2 == 0})")


def delete_returning(run: Run) -> None:
    run.begin()
    run.execute(
        f"WITH taken AS (DELETE FROM {run.statement.table} WHERE n % 3 <> 0 RETURNING id, n) "
        "INSERT INTO target SELECT id, n, 'delete_returning' FROM taken")
    run.end()


def insert_by_client(run: Run) -> None:
    run.begin()
    rows = run.execute(f"DELETE FROM {run.statement.table} RETURNING id, n")
    _insert_rows(run, rows)
    run.end()


def limited(run: Run) -> None:
    run.insert(f"LIMIT {run.statement.limit}")


def limited_subquery(run: Run) -> None:
    run.execute(
        f"INSERT INTO target SELECT id, n, 'limited_subquery' FROM "
        f"(SELECT id, n FROM {run.statement.table} LIMIT {run.statement.limit}) taken ORDER BY n")


def filtered(run: Run) -> None:
    run.insert(f"WHERE n % 2 = {run.statement.limit % 2}")


def filtered_at_random(run: Run) -> None:
    run.insert("WHERE random() < 0.5")


def slow(run: Run) -> None:
    """Takes longer than its messages stay invisible."""
    run.insert("LIMIT 8", table=SHORT, columns="id, slowly(n, 0.2)")


def twice_in_a_transaction(run: Run) -> None:
    """The same messages come again to the same transaction."""
    run.begin()
    run.insert(f"LIMIT {run.statement.limit}", table=SHORT)
    time.sleep(1.05)
    run.insert(table=SHORT)
    run.end()


def cursor(run: Run) -> None:
    """A cursor that takes, one FETCH of it in a savepoint that is rolled back."""
    run.begin()
    run.execute(f"DECLARE c CURSOR FOR SELECT id, n FROM {ALWAYS}")
    _insert_rows(run, run.execute("FETCH 7 FROM c"))
    run.execute("SAVEPOINT a")
    _insert_rows(run, run.execute("FETCH 7 FROM c"))
    run.execute("ROLLBACK TO a")
    _insert_rows(run, run.execute("FETCH 7 FROM c"))
    run.execute("CLOSE c")
    run.end()


def fails_half_way(run: Run) -> None:
    run.insert(columns="id, n / (n % 23)")


def merge(run: Run) -> None:
    run.execute(
        f"MERGE INTO target USING {run.statement.table} q ON false "
        "WHEN NOT MATCHED THEN INSERT VALUES (q.id, q.n, 'merge')")


def temporary_table(run: Run) -> None:
    run.begin()
    run.execute(f"CREATE TEMP TABLE batch ON COMMIT DROP AS SELECT id, n FROM {run.statement.table}")
    run.execute("INSERT INTO target SELECT id, n, 'temporary_table' FROM batch")
    run.end()


def joined(run: Run) -> None:
    run.execute(
        f"INSERT INTO target SELECT q.id, q.n, 'joined' FROM {run.statement.table} q "
        "LEFT JOIN dimension d ON d.n = q.n % 10")


def two_tables_of_the_queue(run: Run) -> None:
    run.execute(
        f"INSERT INTO target SELECT id, n, 'two_tables_of_the_queue' FROM {PLAIN} "
        f"UNION ALL SELECT id, n, 'two_tables_of_the_queue' FROM {SHORT}")


def prepared(run: Run) -> None:
    run.execute(f"PREPARE p AS INSERT INTO target SELECT id, n, 'prepared' FROM {run.statement.table}"
                f" LIMIT {run.statement.limit}")
    run.execute("EXECUTE p")
    run.execute("EXECUTE p")
    run.execute("DEALLOCATE p")


def look(run: Run) -> None:
    """Takes nothing; what it looks at is visible again when the transaction ends."""
    run.begin()
    run.execute(f"SELECT count(*) FROM {PLAIN}")
    run.end()


def _insert_rows(run: Run, rows: list) -> None:
    if rows:
        values = ", ".join(f"('{id_}', {n}, '{run.statement.shape}')" for id_, n in rows)
        run.execute(f"INSERT INTO target VALUES {values}")


# How often each is drawn.
WEIGHTS = {
    autocommit: 6, transaction: 6, savepoint_rolled_back: 3, savepoints: 3, blocks: 3, loop: 2,
    loop_that_may_fail: 2, delete_returning: 3, insert_by_client: 2, limited: 3, limited_subquery: 2,
    filtered: 3, filtered_at_random: 2, slow: 3, twice_in_a_transaction: 2, cursor: 2,
    fails_half_way: 2, merge: 2, temporary_table: 2, joined: 2, two_tables_of_the_queue: 2,
    prepared: 2, look: 1,
}

SHAPES = {shape.__name__: shape for shape in WEIGHTS}


def draw(rng) -> Statement:
    """A statement by chance."""
    return Statement(
        shape=rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0].__name__,
        table=rng.choices((PLAIN, SHORT, POLLING, ALWAYS), (5, 3, 1, 2))[0],
        isolation=rng.choices(ISOLATION_LEVELS, (2, 1, 1))[0],
        synchronous_commit=rng.choice(("on", "off")),
        ends=rng.choices(("COMMIT", "ROLLBACK"), (4, 1))[0],
        pause=rng.choice((0, 0.05, 0.2, 0.4)),
        limit=rng.randint(1, 30),
        explain=rng.random() < 0.5,
    )
