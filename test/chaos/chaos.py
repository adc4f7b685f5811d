#!/usr/bin/env python3
"""Kills everything at random while messages move, then counts: lost, doubled.

usage: chaos.py --folder FOLDER --programs FOLDER [--cycles 30] [--seed SEED] [--queue own|elasticmq]
                [--target plain|partitioned|triggers] [--sabotage delete-early|no-ledger]
                [--verbose] [--show-plan]

Producers send messages with known ids. Consumers move them into a table that has no unique key, in
every way that people move messages. The killer cancels, terminates and kills, and the queue loses
answers, delivers twice and fails. At the end the queue is drained in peace, and the ids of what was
sent are compared with those in the table. A seed repeats the choices; --show-plan prints them and stops.

The folder takes the server's data and log; test/chaos/run makes one, and installs the extension in
a private PostgreSQL. With --queue elasticmq, SQS_ENDPOINT names the ElasticMQ.

The exit status is 1 if a message was lost or doubled, if no message was ever delivered again after
its row was committed (then nothing was proved), or if a session met an error that no kill explains.
"""

import argparse
import http.client
import json
import os
import random
import sys
import threading
import time

import consumer
import plan
import shapes
import verdict
from client import MOST_IN_A_BATCH
from killer import Killer
from postgres import Postgres
from queues import ElasticQueue, OwnQueue

# A cycle takes about two seconds; after so many, its sessions hang.
_CYCLE_SECONDS = 120
_DRAIN_SECONDS = 300
# Between two batches of a producer.
_SEND_SECONDS = 0.05
# Those that are made duplicates at the end.
_LAST_MESSAGES = 20
_MOST_FINDINGS = 20


class Chaos:
    """One run, from an empty queue to the verdict."""

    def __init__(self, options):
        self._options = options
        self._postgres = Postgres(options.folder, options.programs)
        if options.queue == "own":
            self._queue = OwnQueue(options.seed, options.sabotage == "delete-early")
        else:
            self._queue = ElasticQueue(options.seed, os.environ["SQS_ENDPOINT"], options.folder)
        self._plan = plan.Plan(options.seed, troubles=self._queue.troubles)
        self._tally = consumer.Tally()
        self._consumers = [consumer.Consumer(self._postgres, self._tally) for _ in range(plan.CONSUMERS)]
        self._killer = Killer(self._postgres, self._consumers, self._queue)
        self._sent: set = set()
        self._findings: list = []
        self._clients = [self._queue.client() for _ in range(plan.PRODUCERS)]

    def run(self) -> int:
        try:
            self._create_tables()
            for number in range(self._options.cycles):
                self._run_cycle(self._plan.cycle(number))
            self._postgres.query(shapes.PEACE)
            self._drain()
            self._make_duplicates()
            self._drain()
            return self._report()
        finally:
            for session in self._consumers:
                session.close()
            self._postgres.stop()
            self._queue.stop()

    # ------------------------------------------------------------------------------ set-up

    def _create_tables(self) -> None:
        self._postgres.query("CREATE EXTENSION sqs_fdw")
        self._postgres.query(shapes.TARGETS[self._options.target])
        self._postgres.query(shapes.SCHEMA)
        self._postgres.query(
            f"CREATE SERVER queues FOREIGN DATA WRAPPER sqs_fdw OPTIONS (region 'us-east-1', "
            f"endpoint '{self._queue.endpoint}', max_connections '4', request_timeout '2', max_attempts '2')")
        self._postgres.query(
            "CREATE USER MAPPING FOR CURRENT_USER SERVER queues "
            "OPTIONS (access_key_id 'test', secret_access_key 'test')")
        for name, table_options in shapes.FOREIGN_TABLES:
            table_options = {"queue": self._queue.name, **table_options}
            if self._options.sabotage == "no-ledger":
                table_options["exactly_once"] = "false"
            listed = ", ".join(f"{key} '{value}'" for key, value in table_options.items())
            self._postgres.query(
                f"CREATE FOREIGN TABLE {name} (id text NOT NULL, n int NOT NULL) "
                f"SERVER queues OPTIONS ({listed})")

    # ---------------------------------------------------------------------------- one cycle

    def _run_cycle(self, cycle: plan.Cycle) -> None:
        started = time.monotonic()
        producers = [
            threading.Thread(target=self._produce, args=(cycle, number), daemon=True)
            for number in range(plan.PRODUCERS)
        ]
        for producer in producers:
            producer.start()
        self._killer.begin(cycle)
        stuck = consumer.run_together(self._consumers, cycle.statements, _CYCLE_SECONDS)
        if stuck:
            self._tell_what_hangs(cycle)
        self._killer.end()
        for producer in producers:
            producer.join()
        self._look_for_trouble(cycle)
        if self._options.verbose:
            print(f"cycle {cycle.number}: {time.monotonic() - started:.1f} s, "
                  f"{', '.join(kill.kind for kill in cycle.kills)}; "
                  f"{', '.join(trouble.kind for trouble in cycle.troubles)}; "
                  f"in the queue {sum(self._queue.counts())}", flush=True)

    def _produce(self, cycle: plan.Cycle, producer: int) -> None:
        """A message is sent once: its body's id has one message id."""
        ids = [f"p{producer}-{cycle.number:04d}-{n:03d}" for n in range(cycle.messages[producer])]
        for start in range(0, len(ids), MOST_IN_A_BATCH):
            batch = ids[start : start + MOST_IN_A_BATCH]
            bodies = [json.dumps({"id": id_, "n": start + n}) for n, id_ in enumerate(batch)]
            try:
                self._clients[producer].send(bodies)
            except (OSError, http.client.HTTPException, RuntimeError) as error:
                self._tally.add_finding(f"producer {producer}: {error!r}")
                return
            self._sent.update(batch)
            time.sleep(_SEND_SECONDS)

    def _tell_what_hangs(self, cycle: plan.Cycle) -> None:
        for row in self._postgres.query(
                "SELECT pid, state, wait_event_type, wait_event, query FROM pg_stat_activity "
                "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"):
            print("hangs:", *row, flush=True)
        sys.exit(f"chaos: the sessions of cycle {cycle.number} of seed {self._options.seed} hang")

    def _look_for_trouble(self, cycle: plan.Cycle) -> None:
        """The first loss and the first double are told with their cycle, for whoever looks for them."""
        if self._options.sabotage or self._findings:
            return
        self._postgres.wait_until_up()
        lost = verdict.lost_so_far(self._postgres, self._queue) if self._queue.has_record else []
        doubled = verdict.doubled_so_far(self._postgres)
        if lost or doubled:
            self._findings.append(f"cycle {cycle.number}: {len(lost)} lost, {len(doubled)} doubled")
            self._findings += verdict.describe_lost(self._queue, lost)
            self._findings += verdict.describe_doubled(self._postgres, doubled)

    # ------------------------------------------------------------------------------ the end

    def _consume(self) -> None:
        """One plain statement that takes all it gets."""
        self._consumers[0].carry_out([shapes.Statement(
            "autocommit", shapes.PLAIN, "READ COMMITTED", "on", "COMMIT", 0, 0, explain=True)])

    def _make_duplicates(self) -> None:
        """Whatever the kills have brought: messages that are in the table come again for certain."""
        self._queue.bring_back()
        self._queue.refuse_deletes()
        self._produce(plan.Cycle(self._options.cycles, (_LAST_MESSAGES,), (), (), ()), 0)
        self._consume()
        self._consumers[0].close()  # and with it the deletes that are left
        self._queue.end_cycle()

    def _drain(self) -> None:
        """No trouble, until nothing is left in the queue, in flight neither."""
        deadline = time.monotonic() + _DRAIN_SECONDS
        while sum(self._queue.counts()) > 0:
            if time.monotonic() > deadline:
                visible, in_flight = self._queue.counts()
                sys.exit(f"chaos: {visible} visible and {in_flight} in flight are not to be drained")
            self._queue.make_all_visible()
            self._consume()
            time.sleep(0.05)

    def _report(self) -> int:
        found = verdict.judge(self._postgres, self._queue, self._sent)
        if not self._findings:
            self._findings += verdict.describe_lost(self._queue, found.lost)
            self._findings += verdict.describe_doubled(self._postgres, found.doubled)
        self._findings += [f"{id_} was never sent" for id_ in found.strangers]
        odd = self._tally.unexpected + self._postgres.trouble_in_log()
        for line in (self._findings + odd)[:_MOST_FINDINGS]:
            print(line)
        explained = self._tally.explained
        caught = found.redelivered if self._queue.has_record else explained.get("Duplicates", 0)
        print(
            f"statements={self._tally.statements} errors={_listed(self._tally.errors)} "
            f"starts={self._postgres.starts} stuck_stops={self._postgres.stuck_stops} "
            f"rows={found.rows} redelivered={found.redelivered} "
            f"explained={_listed(explained)} unexpected={len(odd)}")
        print(
            f"chaos: cycles={self._options.cycles} {_listed(self._killer.counts)} messages={found.messages} "
            f"lost={len(found.lost)} doubled={len(found.doubled)} duplicates={caught} "
            f"contended={explained.get('Contended', 0)} "
            f"seed={self._options.seed}", flush=True)
        proved = caught > 0 and found.messages > 0
        return 0 if proved and not (found.lost or found.doubled or found.strangers or odd) else 1


def _listed(counts: dict) -> str:
    return ",".join(f"{name or 'none'}:{count}" for name, count in sorted(counts.items())) or "none"


def _keep_libpq_quiet(folder: str) -> None:
    """libpq prints what a dying server tells an idle session. That goes to a log."""
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1)
    with open(f"{folder}/libpq.log", "w", encoding="utf-8") as log:
        os.dup2(log.fileno(), 2)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", required=True)
    parser.add_argument("--programs", required=True)
    parser.add_argument("--cycles", type=int, default=30)
    parser.add_argument("--seed", default=str(random.SystemRandom().randrange(10**9)))
    parser.add_argument("--queue", choices=("own", "elasticmq"), default="own")
    parser.add_argument("--target", choices=tuple(shapes.TARGETS), default="plain")
    parser.add_argument("--sabotage", choices=("delete-early", "no-ledger"))
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--show-plan", action="store_true")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    if options.show_plan:
        for number in range(options.cycles):
            print(plan.Plan(options.seed).cycle(number))
        return 0
    _keep_libpq_quiet(options.folder)
    return Chaos(options).run()


if __name__ == "__main__":
    sys.exit(main())
