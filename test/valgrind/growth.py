#!/usr/bin/env python3
"""Whether a backend's memory grows: rounds of 10 000 messages in one session, without valgrind.

usage: growth.py       with a PostgreSQL of libpq's environment

After each round, what the server's memory contexts use, and the pages that are the backend's own.
The first rounds fill caches; after them both must be flat. The queue is in this process.
"""

import json
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "fuzz" / "rows"))

from canned_sqs import Message, Server
from session import Session
from statements import FAILS, SCHEMA, TAKE

MESSAGES = 10_000
WARM_UP, ROUNDS = 2, 6
# Less than a byte a message over the rounds that count.
MOST_CONTEXTS = 16 * 1024
MOST_PAGES = 512 * 1024

CONTEXTS = "SELECT sum(used_bytes), sum(total_bytes) FROM pg_backend_memory_contexts"


def own_pages(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.search(r"RssAnon:\s+(\d+) kB", status).group(1)) * 1024


def body(number: int) -> str:
    # One in a hundred is rejected.
    day = "2024-01-01" if number % 100 else "no date"
    return json.dumps(
        {
            "user_id": f"user-{number}",
            "device_type": "android",
            "ip": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}",
            "device_id": f"device-{number}",
            "app_version": "2.3.0",
            "create_date": day,
        }
    )


def play(session: Session, server: Server, number: int) -> None:
    """Takes all but the bad ones, then rolls back, looks, deletes, and fails on some."""
    queue = server.queues["logins"]
    messages = [Message(f"{number}-{index}", body(index)) for index in range(MESSAGES)]
    bad = MESSAGES // 100
    queue.fill(messages[: MESSAGES // 2])
    took = session.run(TAKE)
    assert took.row_count == MESSAGES // 2 - bad // 2, took.said
    for statement in (
        f"BEGIN; {TAKE}; ROLLBACK",
        "SELECT user_id, whole FROM login_queue",
        "DELETE FROM login_queue RETURNING user_id",
        f"BEGIN; SAVEPOINT s; {TAKE}; ROLLBACK TO s; COMMIT",
        f"{TAKE} WHERE {FAILS}",
    ):
        queue.fill(messages[-MESSAGES // 10 :])
        session.run(statement)
    session.run("TRUNCATE user_logins")


def main() -> int:
    server = Server(["logins"])
    session = Session("postgres", "utf-8")
    made = session.run(SCHEMA.format(endpoint=server.endpoint))
    assert made.error == "", made.said
    session.run("SET client_min_messages = error")
    used, pages = [], []
    for number in range(WARM_UP + ROUNDS):
        play(session, server, number)
        in_use, total = session.run(CONTEXTS).lines[0].split("|")
        used.append(int(in_use))
        pages.append(own_pages(session.pid))
        print(
            f"growth: round {number + 1}: contexts use {int(in_use):,} of {int(total):,} bytes, "
            f"{pages[-1]:,} bytes of own pages",
            flush=True,
        )
    assert session.backend() == session.pid, "the backend is another one"
    more_used, more_pages = used[-1] - used[WARM_UP - 1], pages[-1] - pages[WARM_UP - 1]
    print(
        f"growth: {ROUNDS} rounds of {MESSAGES} messages: "
        f"{more_used:+,} bytes in contexts, {more_pages:+,} in pages"
    )
    return 0 if more_used <= MOST_CONTEXTS and more_pages <= MOST_PAGES else 1


if __name__ == "__main__":
    sys.exit(main())
