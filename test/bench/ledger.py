#!/usr/bin/env python3
"""What sqs.ledger costs by its size: bytes, a probe, an entry; and pruning while consuming.

test/bench/run starts it: `make bench-ledger`. Takes minutes and about 2 GB of disk.

At each size four statements take turns: the job without the ledger and with it, for messages that
come for the first time (entered at once) and for the second (looked up, then entered), and the same
SELECT without and with it (looked up). What the ledger costs is a difference inside one round.
"""

import argparse
import json
import statistics
from pathlib import Path

import workload
from session import Session

SIZES = (10_000, 1_000_000, 10_000_000)
MESSAGES = 50_000
RETENTION = "4 days"  # of the canned queue
OLD = 1_000_000
PRUNING_MESSAGES = 20_000
QUEUES = ("near", "again", "few", "half", "far", "empty")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, required=True)
    parser.add_argument("--output", type=Path, required=True)
    for queue in QUEUES:
        parser.add_argument(f"--{queue}", required=True, help="endpoint")
    return parser.parse_known_args()[0]


def fill(entries: int, ago: str, span: str, queue: int) -> None:
    """Entries of messages sent one after the other during `span`, which began `ago`."""
    with Session() as session:
        session.run(
            "INSERT INTO sqs.ledger"
            f" SELECT now() - interval '{ago}' + n * (interval '{span}' / {entries}),"
            f" gen_random_uuid(), {queue} FROM generate_series(1, {entries}) AS n"
        )
        session.run("VACUUM ANALYZE sqs.ledger")
        session.run("CHECKPOINT")


def queue_number() -> int:
    """How the ledger knows the queue: by an entry."""
    with Session() as session:
        session.run("TRUNCATE sqs.ledger")
        workload.limit(session, "once", 10)
        session.run(workload.job("once"))
        number = int(session.query("SELECT queue FROM sqs.ledger LIMIT 1"))
        session.run("TRUNCATE sqs.ledger")
        return number


def bytes_per_entry() -> tuple[float, float]:
    """Of the table, and of its index."""
    with Session() as session:
        told = session.query(
            "SELECT pg_table_size('sqs.ledger') / count(*)::float8,"
            " pg_indexes_size('sqs.ledger') / count(*)::float8 FROM sqs.ledger"
        )
    table, index = map(float, told.split("|"))
    return table, index


def cost_of(table: str, sql: str) -> tuple[float, float]:
    """Microseconds and WAL bytes a message, in a session that has its connections already."""
    with Session() as session:
        workload.limit(session, table, 1_000)
        session.run(sql)
        workload.limit(session, table, MESSAGES)
        cost = session.measure(sql)
        return cost.cpu_us / MESSAGES, cost.wal_bytes / MESSAGES


def one_round() -> dict[str, float]:
    off, off_wal = cost_of("near", workload.job("near"))
    on, on_wal = cost_of("once", workload.job("once"))
    again, _wal = cost_of("again", workload.job("again"))
    looked_off, _wal = cost_of("near", workload.look("near"))
    looked_on, _wal = cost_of("once", workload.look("once"))
    return {
        "entry": on - off,
        "probe_and_entry": again - off,
        "probe": looked_on - looked_off,
        "wal": on_wal - off_wal,
    }


def measure_size(entries: int, runs: int, queue: int) -> dict[str, float]:
    with Session() as session:
        session.run("TRUNCATE sqs.ledger")
    fill(entries, RETENTION, RETENTION, queue)  # nothing to prune yet
    table, index = bytes_per_entry()
    rounds = [one_round() for _ in range(runs)]
    return {name: statistics.median(figures[name] for figures in rounds) for name in rounds[0]} | {
        "table": table,
        "index": index,
    }


def measure_pruning(queue: int) -> dict[str, float]:
    """Statements until nothing old is left, and as many afterwards."""
    with Session() as session:
        session.run("TRUNCATE sqs.ledger")
    fill(OLD, "20 days", "5 days", queue)
    with Session() as session:
        workload.limit(session, "once", PRUNING_MESSAGES)
        pruning = []
        longest = 0.0
        while session.query("SELECT min(sent_at) < now() - interval '6 days' FROM sqs.ledger") == "t":
            cost = session.measure(workload.job("once"))
            pruning.append(cost.cpu_us)
            longest = max(longest, cost.wall_us)
        plain = [session.measure(workload.job("once")) for _ in range(5)]
        plain_us = statistics.median(cost.cpu_us for cost in plain)
    extra = sum(pruning) - plain_us * len(pruning)
    return {
        "statements": len(pruning),
        "us_per_pruned": extra / OLD,
        "us_per_message": extra / (len(pruning) * PRUNING_MESSAGES),
        "plain_us_per_message": plain_us / PRUNING_MESSAGES,
        "longest_ms": longest / 1000,
        "longest_plain_ms": max(cost.wall_us for cost in plain) / 1000,
    }


def print_sizes(sizes: dict[int, dict[str, float]]) -> None:
    words = {
        "entry": "an entry, first delivery: µs CPU",
        "probe": "a probe (SELECT): µs CPU",
        "probe_and_entry": "probe and entry, redelivery: µs CPU",
        "wal": "WAL of an entry, bytes",
        "table": "table, bytes an entry",
        "index": "index, bytes an entry",
    }
    print(f"\n{'entries in the ledger':<38}" + "".join(f"{size:>12,}" for size in sizes))
    for name, text in words.items():
        print(f"{text:<38}" + "".join(f"{figures[name]:12.2f}" for figures in sizes.values()))


def print_pruning(pruning: dict[str, float]) -> None:
    print(
        f"\n{OLD:,} old entries were pruned by {pruning['statements']:.0f} statements of"
        f" {PRUNING_MESSAGES:,} messages: {pruning['us_per_pruned']:.2f} µs CPU an entry,"
        f"\n{pruning['us_per_message']:.2f} µs a message beside"
        f" {pruning['plain_us_per_message']:.2f}; longest statement"
        f" {pruning['longest_ms']:.0f} ms, without pruning {pruning['longest_plain_ms']:.0f} ms."
    )


def main() -> None:
    arguments = parse_arguments()
    with Session() as session:
        workload.create(session, {queue: getattr(arguments, queue) for queue in QUEUES})
        session.run("ALTER TABLE sqs.ledger SET (autovacuum_enabled = false)")
    queue = queue_number()
    sizes = {}
    for entries in SIZES:
        print(f"{entries:,} entries", flush=True)
        sizes[entries] = measure_size(entries, arguments.runs, queue)
    pruning = measure_pruning(queue)
    print_sizes(sizes)
    print_pruning(pruning)
    result = {"sizes": {str(size): figures for size, figures in sizes.items()}, "pruning": pruning}
    arguments.output.write_text(json.dumps(result, indent=2) + "\n")


main()
