#!/usr/bin/env python3
"""Every kind of statement on a queue, in two backends: one sees 1 000 messages, the other 5 000.

usage: statements.py FILE      writes the two process ids and their numbers of messages to FILE

The server may be slow: nothing here depends on time. Each statement's outcome is checked, so that
valgrind looks at what was meant.
"""

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "fuzz" / "rows"))

from session import Session
from sqs import Queue

SMALL, LARGE = 1000, 5000
FIXTURE = Path(__file__).resolve().parent.parent.parent / "docker" / "sample" / "logins.jsonl"

SCHEMA = """
CREATE EXTENSION sqs_fdw;
CREATE SERVER aws FOREIGN DATA WRAPPER sqs_fdw OPTIONS (region 'us-east-1', endpoint '{endpoint}',
    request_timeout '600', connect_timeout '300');
CREATE USER MAPPING FOR CURRENT_USER SERVER aws
    OPTIONS (access_key_id 'test', secret_access_key 'test');
CREATE FOREIGN TABLE login_queue (
    user_id text NOT NULL,
    device_type text,
    ip text,
    device_id text,
    locale text,
    app_version text CHECK (sqs.is_version(app_version)),
    create_date date,
    whole jsonb OPTIONS (pointer ''),
    message_id text OPTIONS (attribute 'message_id'),
    sent_at timestamptz OPTIONS (attribute 'sent_timestamp'),
    receives integer OPTIONS (attribute 'receive_count'),
    attributes jsonb OPTIONS (attribute 'message_attributes')
) SERVER aws OPTIONS (queue 'logins', wait_time_seconds '0', look_limit '100000');
CREATE TABLE user_logins (
    user_id text, ip text, device_id text, version integer, day date, message_id text);
"""

# Without what comes after FROM.
TAKE = """INSERT INTO user_logins SELECT user_id, sqs.mask_ip(ip), sqs.mask(device_id, 'device_id'),
    sqs.version_to_int(app_version), coalesce(create_date, sent_at::date), message_id FROM login_queue"""


# A condition that is an error.
FAILS = "1 / (length(user_id) - length(user_id)) = 1"


class Script:
    def __init__(self, queue: Queue, count: int):
        self.queue = queue
        self.count = count
        self.session = Session("postgres", "utf-8")
        self.run(
            "SET sqs_fdw.delete_timeout = '600s'; SET sqs_fdw.release_timeout = '600s'; "
            "SET statement_timeout = 0; SET client_min_messages = warning"
        )
        lines = FIXTURE.read_text(encoding="utf-8").splitlines()
        self.logins = [line for line in lines if '"user_id"' in line]

    def run(self, sql: str, error: str = "", warns: bool = False):
        result = self.session.run(sql)
        assert result.error == error, f"{sql}: {result.said}"
        assert warns == ("WARNING" in result.said), f"{sql}: {result.said}"
        return result

    def fill(self, count: int, bad: int = 0) -> None:
        """That many good messages, and `bad` ones among them, in an empty queue."""
        bodies = [self.logins[number % len(self.logins)] for number in range(count)]
        wrong = ['{"user_id": "u", "create_date": "no date"}', "no JSON", '{"user_id": null}']
        bodies += wrong * (bad // 3)
        self.queue.purge()
        self.queue.send(bodies)

    def check_left(self, count: int) -> None:
        """In the queue, visible or with a delay before that."""
        assert sum(self.queue.depth()) == count, f"{self.queue.depth()} in the queue, not {count}"

    def everything(self) -> None:
        for step in (
            self.take,
            self.look_and_delete,
            self.fail,
            self.savepoints,
            self.cursors,
            self.prepared,
            self.rescans,
            self.rejections,
            self.masks,
        ):
            step(self.count // 10)

    def take(self, tenth: int) -> None:
        self.fill(10 * tenth)
        assert self.run(TAKE).row_count == 10 * tenth
        self.check_left(0)

    def look_and_delete(self, tenth: int) -> None:
        self.fill(tenth)
        looked = self.run("SELECT user_id, whole, attributes, receives FROM login_queue")
        assert len(looked.lines) == tenth
        android = "device_type = 'android'"
        deleted = self.run(f"DELETE FROM login_queue WHERE {android} RETURNING user_id, ip")
        assert 0 < len(deleted.lines) < tenth
        self.check_left(tenth - len(deleted.lines))

    def fail(self, tenth: int) -> None:
        self.fill(tenth)
        self.run("BEGIN")
        assert self.run(TAKE).row_count == tenth
        self.run("ROLLBACK")
        self.run(f"{TAKE} WHERE {FAILS}", error="22012")
        self.check_left(tenth)

    def savepoints(self, tenth: int) -> None:
        self.fill(tenth)
        self.run("BEGIN")
        for _ in range(tenth // 50):
            self.run("SAVEPOINT s")
            assert self.run(f"{TAKE} LIMIT 10").row_count == 10
            self.run("ROLLBACK TO s")
        self.run("SAVEPOINT t")
        assert self.run(f"{TAKE} LIMIT 10").row_count == 10
        self.run("RELEASE t")
        self.run("COMMIT")
        self.check_left(tenth - 10)
        self.run("BEGIN")
        self.run(f"{TAKE} LIMIT 10")
        self.run("SELECT 1 / (random() * 0)::integer", error="22012")
        self.run("ROLLBACK")
        self.check_left(tenth - 10)

    def cursors(self, tenth: int) -> None:
        self.fill(tenth)
        self.run("BEGIN")
        self.run("DECLARE c CURSOR FOR SELECT user_id, whole FROM login_queue")
        for _ in range(tenth // 20):
            assert len(self.run("FETCH 7 FROM c").lines) == 7
        self.run("SAVEPOINT s")
        self.run("FETCH 30 FROM c")
        self.run("ROLLBACK TO s")
        self.run("FETCH 30 FROM c")
        self.run("CLOSE c")
        self.run("COMMIT")
        self.check_left(tenth)

    def prepared(self, tenth: int) -> None:
        """The seventh time is the generic plan's."""
        self.fill(tenth)
        self.run(f"PREPARE take(text) AS {TAKE} WHERE user_id <> $1 LIMIT {tenth // 10}")
        for _ in range(7):
            assert self.run("EXECUTE take('nobody')").row_count == tenth // 10
        self.run("DEALLOCATE take")
        self.check_left(tenth - 7 * (tenth // 10))

    def rescans(self, tenth: int) -> None:
        self.fill(tenth)
        self.run("EXPLAIN (ANALYZE, VERBOSE) SELECT * FROM login_queue WHERE locale = 'RU'")
        self.fill(tenth)
        rows = self.run(
            "SELECT n, q.user_id FROM generate_series(1, 2) n, LATERAL "
            "(SELECT user_id FROM login_queue WHERE length(user_id) > n OFFSET 0) q"
        )
        assert len(rows.lines) == 2 * tenth

    def rejections(self, tenth: int) -> None:
        bad = tenth // 3 * 3
        self.fill(tenth, bad)
        assert self.run(TAKE, warns=True).row_count == tenth
        self.check_left(bad)
        self.run("ALTER FOREIGN TABLE login_queue OPTIONS (ADD on_error 'abort')")
        for _ in range(tenth // 100):
            self.fill(tenth // 5, bad // 5)
            result = self.session.run(TAKE)
            assert result.error[:2] in ("22", "23"), result.said
        self.run("ALTER FOREIGN TABLE login_queue OPTIONS (DROP on_error)")

    def masks(self, tenth: int) -> None:
        masks = f"""SELECT count(*) FROM generate_series(1, {tenth}) n, LATERAL (
                SELECT sqs.mask(repeat('x', n % 40), 'd') AS m, sqs.mask_ip('10.0.0.0'::inet + n) AS i
            ) masked
            WHERE sqs.unmask(m, 'd') = repeat('x', n % 40) AND sqs.unmask_ip(i) = '10.0.0.0'::inet + n"""
        assert self.run(masks).lines == [str(tenth)]
        for _ in range(tenth // 10):
            self.run("SELECT sqs.unmask('t1.k1.AAAA', 'd')", error="22000")
            self.run("SELECT sqs.version_to_int('x')", error="22023")


def main() -> None:
    queue = Queue("logins")
    admin = Session("postgres", "utf-8")
    made = admin.run(SCHEMA.format(endpoint=os.environ["SQS_ENDPOINT"]))
    assert made.error == "", made.said
    admin.close()
    pids = {}
    for count in (SMALL, LARGE):
        script = Script(queue, count)
        script.everything()
        pids[script.session.backend()] = count
        script.session.close()
        print(f"valgrind: the script of {count} messages ran")
    Path(sys.argv[1]).write_text(json.dumps(pids), encoding="utf-8")


if __name__ == "__main__":
    main()
