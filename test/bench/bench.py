#!/usr/bin/env python3
"""Measures, and prints today's figures beside the bar. test/bench/run starts it with all it needs.

Contenders take turns: each round runs the floor, the job, the floor again and the comparators, so
that a machine whose speed drifts is the same for all. Ratios are taken inside a round, and what is
printed is their median.
"""

import argparse
import json
import re
import statistics
import subprocess
import time
import urllib.request
from pathlib import Path

import bar
import machine
import masking
import workload
from bar import NOT_BUILT, Bound, Line, measured
from session import Session

CONNECTIONS = 16  # of the floor; the default of max_connections
JOB_SIZES = (1_000, 10_000, 100_000)
JOB_MESSAGES = JOB_SIZES[-1]
FAR_MESSAGES = 100_000
REJECTING_MESSAGES = 10_000
PYTHON_MESSAGES = 5_000
ROW_BY_ROW_MESSAGES = 500
GO_MESSAGES = 50_000
QUEUES = ("near", "again", "few", "half", "far", "empty")
# What conversion costs by what may go wrong: the words, the table, a condition that all pass.
REJECTING = {
    "abort_good": ("abort, good messages: no subtransaction", "aborting", ""),
    "leave_good": ("leave, good messages: one for a reply", "near", ""),
    "leave_few": ("leave, 1 % bad", "few_leave", ""),
    "leave_half": ("leave, 50 % bad", "half_leave", ""),
    "store_few": ("store, 1 % bad", "few_store", ""),
    "store_half": ("store, 50 % bad", "half_store", ""),
    "abort_where": ("abort, good messages, WHERE that all pass", "aborting", "device_type"),
    "leave_where": ("leave, good messages, WHERE that all pass", "near", "device_type"),
}
MASK_BYTES = (15, 36)  # an IPv4 address and a UUID
MASK_COUNTS = (100, 1_100)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True, help="of nginx")
    parser.add_argument("--programs", type=Path, required=True, help="floor and mask_cost")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--root", type=int, action="append", help="processes that are ours")
    parser.add_argument("--python", default="", help="interpreter with the comparator's modules")
    parser.add_argument("--go", default="", help="the Go comparator")
    parser.add_argument("--no-go", default="", help="why there is none")
    for queue in QUEUES:
        parser.add_argument(f"--{queue}", required=True, help="endpoint")
    return parser.parse_args()


def json_of(command: list) -> dict:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{command[0]} failed: {done.stderr.strip()}")
    return json.loads(done.stdout)


# ------------------------------------------------------------------------------- one round


def floor_us(arguments: argparse.Namespace) -> float:
    told = json_of([arguments.programs / "floor", arguments.near, JOB_MESSAGES, CONNECTIONS])
    return told["cpu_us"] / told["messages"]


def comparator_us(command: list) -> dict:
    told = json_of(command)
    return {
        "client": told["client_us"] / told["messages"],
        "backend": told["backend_us"] / told["messages"],
        "per_second": told["messages"] * 1e6 / told["wall_us"],
    }


def python_us(arguments: argparse.Namespace, way: str, messages: int) -> dict:
    script = Path(__file__).with_name("consumer_python.py")
    return comparator_us([arguments.python, "-B", script, way, arguments.near, messages])


def job_costs(session: Session, queue: str, sizes: tuple) -> dict:
    """Microseconds a message for each number of messages, once the connections are open."""
    workload.limit(session, queue, sizes[0])
    session.run(workload.job(queue))
    costs = {}
    for messages in sizes:
        workload.limit(session, queue, messages)
        costs[messages] = session.measure(workload.job(queue))
    return costs


def rejecting_us(table: str, column: str) -> float:
    """Microseconds a received message, bad ones too."""
    condition = f"WHERE {column} IS NOT NULL" if column else ""
    with Session("error") as session:
        workload.limit(session, table, JOB_SIZES[0])
        session.run(workload.job(table, condition))
        workload.limit(session, table, REJECTING_MESSAGES)
        cost = session.measure(workload.job(table, condition))
        return cost.cpu_us / REJECTING_MESSAGES


def one_round(arguments: argparse.Namespace) -> dict:
    busy = machine.Busy(arguments.root)
    floors = [floor_us(arguments)]
    with Session() as session:
        near = job_costs(session, "near", JOB_SIZES)
    floors.append(floor_us(arguments))
    with Session() as session:
        once = job_costs(session, "once", (JOB_MESSAGES,))[JOB_MESSAGES]
    floors.append(floor_us(arguments))
    with Session() as session:
        far = job_costs(session, "far", (FAR_MESSAGES,))[FAR_MESSAGES]
    job = near[JOB_MESSAGES]
    floor = sum(floors) / len(floors)
    figures = {
        "floor": floor,
        "job": job.us_per_row,
        "job_per_second": job.rows * 1e6 / job.wall_us,
        "job_by_ticks": job.coarse_cpu_us / job.rows,
        "ratio": job.us_per_row / ((floors[0] + floors[1]) / 2),
        "once": once.us_per_row,
        "once_ratio": once.us_per_row / ((floors[1] + floors[2]) / 2),
        "wal": job.wal_per_row,
        "once_wal": once.wal_per_row,
        "far": far.us_per_row,
        "far_per_second": far.rows * 1e6 / far.wall_us,
    }
    figures |= {f"job_{messages}": cost.us_per_row for messages, cost in near.items()}
    figures["flat"] = job.us_per_row / near[JOB_SIZES[-2]].us_per_row
    for name, (_words, table, column) in REJECTING.items():
        figures[name] = rejecting_us(table, column)
    comparators = {}
    if arguments.python:
        comparators["python"] = python_us(arguments, "batched", PYTHON_MESSAGES)
        comparators["row_by_row"] = python_us(arguments, "row-by-row", ROW_BY_ROW_MESSAGES)
    if arguments.go:
        comparators["go"] = comparator_us([arguments.go, arguments.near, GO_MESSAGES])
    for name, cost in comparators.items():
        figures |= {f"{name}_{what}": value for what, value in cost.items()}
        figures[f"{name}_ratio"] = (cost["client"] + cost["backend"]) / job.us_per_row
    figures["others_busy"] = busy.others()
    return figures


# --------------------------------------------------------------------- what is measured once


def peak_memory_mb() -> tuple[float, float]:
    """Of a backend whose only statement is the job: with shared pages, and without."""
    with Session() as session:
        workload.limit(session, "near", JOB_MESSAGES)
        peak, own = session.peak_memory_kib(workload.job("near"))
    return peak * 1024 / 1e6, own * 1024 / 1e6


def mask_instructions(arguments: argparse.Namespace, size: int) -> float:
    """Of one mask: two runs differ by nothing but their masks."""
    few, many = (
        _instructions([arguments.programs / "mask_cost", str(size), str(count)])
        for count in MASK_COUNTS
    )
    return (many - few) / (MASK_COUNTS[1] - MASK_COUNTS[0])


def _instructions(command: list) -> int:
    valgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    told = subprocess.run(valgrind + command, capture_output=True, text=True, check=True).stderr
    return int(re.search(r"Collected : (\d+)", told).group(1))


def requests_of(arguments: argparse.Namespace, sql: str) -> list[str]:
    """The actions that a statement asks of the empty queue, in a session that has asked nothing."""
    log = arguments.folder / "actions.log"
    begin = len(log.read_text().split()) if log.exists() else 0
    with Session() as session:
        session.query(sql)
    mark = f"mark-{time.monotonic_ns()}"  # what is logged before it was asked before it
    request = urllib.request.Request(arguments.empty, b"{}", {"X-Amz-Target": mark})
    urllib.request.urlopen(request).read()
    deadline = time.monotonic() + 10
    while mark not in (actions := log.read_text().split()):
        if time.monotonic() > deadline:
            raise SystemExit("nginx did not log a request")
        time.sleep(0.01)
    return [action.removeprefix("AmazonSQS.") for action in actions[begin : actions.index(mark)]]


# -------------------------------------------------------------------------------- the report


class Rounds:
    def __init__(self, rounds: list[dict]):
        self._rounds = rounds

    def values(self, name: str) -> list[float]:
        return [figures[name] for figures in self._rounds if name in figures]

    def median(self, name: str) -> float | None:
        values = self.values(name)
        return statistics.median(values) if values else None

    def or_else(self, name: str, words: str) -> float | str:
        value = self.median(name)
        return words if value is None else value


def bar_lines(arguments: argparse.Namespace, rounds: Rounds) -> list[Line]:
    peak, own = peak_memory_mb()
    explained = requests_of(arguments, f"EXPLAIN VERBOSE {workload.job('empty')}")
    selected = requests_of(arguments, "SELECT count(*) FROM empty")
    polls = selected.count("ReceiveMessage")
    no_python = "not measured" if arguments.python else "modules not installed"
    lines = [
        measured(
            "CPU of the job ÷ floor, exactly_once off", Bound(2.0, 1.4), rounds.median("ratio")
        ),
        measured(
            "CPU of the job ÷ floor, exactly_once on", Bound(2.6, 1.7), rounds.median("once_ratio")
        ),
        measured(
            "CPU of well-made Python ÷ ours",
            Bound(15, 25, at_least=True),
            rounds.or_else("python_ratio", no_python),
            "{:.1f}",
        ),
        measured(
            "CPU of well-made Go ÷ ours",
            Bound(3.5, 5, at_least=True),
            rounds.or_else("go_ratio", arguments.no_go),
            "{:.1f}",
        ),
        measured(
            "messages/s of 2 KB, 38 ms a reply, one session",
            Bound(10_400, 20_000, at_least=True),
            rounds.median("far_per_second"),
            "{:,.0f}",
        ),
        _flat("cost a message at 10^5 ÷ at 10^4", rounds.median("flat")),
        _flat("cost a message of 10^6 in batches ÷ at 10^4", NOT_BUILT),
        measured(
            "peak resident memory, 10^5 in one statement, MB",
            Bound(100),
            peak,
            "{:.0f}",
            f" ({own:.0f} unshared)",
        ),
        Line("peak resident memory, 10^6 in batches", "flat", "", NOT_BUILT, "", None),
    ]
    for size, most in zip(MASK_BYTES, (1_000, 1_600)):
        count = mask_instructions(arguments, size)
        lines.append(measured(f"instructions a mask, {size} bytes", Bound(most), count, "{:.0f}"))
    lines += [
        measured("send to row visible, idle pipeline, p50 ms", Bound(10, 3), NOT_BUILT),
        measured("send to row visible, idle pipeline, p99 ms", Bound(50, 15), NOT_BUILT),
        measured("requests of EXPLAIN", Bound(0), len(explained), "{:.0f}"),
        measured("long polls of SELECT, empty queue", Bound(1), polls, "{:.0f}"),
    ]
    return lines


def _flat(figure: str, value: float | str) -> Line:
    if isinstance(value, str):
        return Line(figure, "0.8 to 1.2", "", value, "", None)
    verdict = "must" if 0.8 <= value <= 1.2 else "MISSED"
    return Line(figure, "0.8 to 1.2", "", f"{value:.2f}", verdict, value)


def print_costs(rounds: Rounds) -> None:
    names = {
        "floor": "transport floor: receive and delete, libcurl, our signer",
        "once": "the job, exactly_once on, 10^5 messages in one statement",
        "job": "the job, exactly_once off, 10^5 messages in one statement",
        "job_by_ticks": "  the same by the coarser clock of /proc/PID/stat",
        "job_10000": "  10^4 messages in one statement",
        "job_1000": "  10^3 messages in one statement",
        "far": "the job, messages of 2 KB",
        "python_client": "well-made Python, client",
        "python_backend": "  its backend",
        "row_by_row_client": "row-by-row Python, client",
        "row_by_row_backend": "  its backend",
        "go_client": "well-made Go, client",
        "go_backend": "  its backend",
    }
    print(f"\n{'CPU µs a message, median (least to most)':<58}")
    for name, words in names.items():
        values = rounds.values(name)
        if values:
            median = statistics.median(values)
            print(f"  {words:<58} {median:8.2f}  ({min(values):.2f} to {max(values):.2f})")
    rates = [
        f"{words} {rounds.median(name + '_per_second'):,.0f}"
        for name, words in (
            ("job", "the job"),
            ("python", "Python"),
            ("row_by_row", "row-by-row"),
            ("go", "Go"),
        )
        if rounds.values(name + "_per_second")
    ]
    print(f"Messages/s on a queue without latency: {', '.join(rates)}")


def print_rejecting(rounds: Rounds) -> None:
    print(f"\n{'CPU µs a message received, by on_error and conditions':<58}        ÷ abort")
    for name, (words, _table, _column) in REJECTING.items():
        ratios = [
            value / abort
            for value, abort in zip(rounds.values(name), rounds.values("abort_good"))
        ]
        print(f"  {words:<58} {rounds.median(name):8.2f}  {statistics.median(ratios):6.2f}")


def print_wal(rounds: Rounds) -> None:
    off, on = rounds.median("wal"), rounds.median("once_wal")
    print(f"\nWAL bytes a message: exactly_once off {off:.0f}, on {on:.0f}: {on - off:.0f} more")


def versions() -> dict:
    def first(command: list[str], pattern: str) -> str:
        done = subprocess.run(command, capture_output=True, text=True)
        found = re.search(pattern, done.stdout + done.stderr)
        return found.group(1) if found else "unknown"

    return {
        "postgresql": first(["postgres", "--version"], r"PostgreSQL\) ([\w.]+)"),
        "libcurl": first(["curl-config", "--version"], r"libcurl (\S+)"),
        "nginx": first(["nginx", "-v"], r"nginx/(\S+)"),
    }


def print_machine(rounds: Rounds, about: dict, seconds: float) -> None:
    busy = rounds.values("others_busy")
    told = ", ".join(f"{name} {value}" for name, value in about["versions"].items())
    print(f"\n{about['cpu']}, {about['cores']} cores, Linux {about['kernel']}; {told}")
    print(
        f"{len(busy)} rounds in {seconds:.0f} s. Other processes used"
        f" {statistics.median(busy):.0%} of the machine, at most {max(busy):.0%}."
    )
    if max(busy) > 0.1:
        # A send wakes an idle server, which costs the job more than the floor, whose server is
        # seldom idle. On a busy machine that cost is hidden, and the ratio looks better than it is.
        print("The machine was busy with other things: the ratio to the floor looks better than it")
        print("is. Repeat this on a quiet machine before believing it.")


def main() -> None:
    arguments = parse_arguments()
    started = time.monotonic()
    with Session() as session:
        workload.create(
            session,
            {queue: getattr(arguments, queue) for queue in QUEUES},
        )
    measured_rounds = []
    for number in range(arguments.runs):
        print(f"round {number + 1} of {arguments.runs}", flush=True)
        measured_rounds.append(one_round(arguments))
    rounds = Rounds(measured_rounds)
    lines = bar_lines(arguments, rounds)
    masks = masking.measure(arguments.runs)
    about = machine.describe() | {"versions": versions()}
    print()
    bar.print_table(lines)
    print_costs(rounds)
    print_rejecting(rounds)
    print_wal(rounds)
    masking.print_rounds(masks)
    print_machine(rounds, about, time.monotonic() - started)
    result = {
        "machine": about,
        "bar": bar.as_json(lines),
        "rounds": measured_rounds,
        "masking": masks,
    }
    arguments.output.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")


main()
