"""The two queues that the harness can run on, under one interface.

OwnQueue is the harness's own server: its troubles strike any share of the requests, whole
visibility timeouts end at a word, and its record says what became of each message. ElasticQueue is
ElasticMQ behind the faults server of test/faults, somebody else's idea of SQS: fewer troubles, no
places, no record.
"""

import json
import os
import random
import socket
import subprocess
import sys
import time
import urllib.request

import plan
from client import Client
from queue_server import QUEUE_NAME, QueueServer

# How many messages of the past a returning replica brings with it.
_MOST_BROUGHT_BACK = 30


class OwnQueue:
    troubles = tuple(plan.TROUBLES)
    name = QUEUE_NAME
    has_record = True

    def __init__(self, seed: str, deletes_early: bool):
        self._server = QueueServer(seed)
        self._server.queue.deletes_at_receive = deletes_early
        self._faults: dict = {}  # by trouble
        self._hooks: list = []
        self.endpoint = self._server.endpoint

    def client(self) -> Client:
        return Client(self.endpoint, self.name)

    def begin_cycle(self) -> None:
        pass

    def end_cycle(self) -> None:
        for hook in self._hooks:
            self.forget(hook)
        self._hooks = []
        self._faults = {}
        self._server.call(self._server.set_faults, [])

    def on_request(self, place: plan.Place, run):
        hook = self._server.call(self._server.on_request, place.action, place.nth, place.after, run)
        self._hooks.append(hook)
        return hook

    def forget(self, hook) -> bool:
        return self._server.call(self._server.forget, hook)

    def begin_trouble(self, kind: str) -> None:
        self._server.call(self._change_faults, kind, plan.TROUBLES[kind])

    def go_on_with_trouble(self, kind: str) -> None:
        """What is done to the queue itself; called again and again."""
        if kind == "drop_connections":
            self._server.call(self._server.drop_connections)
        elif kind == "expire":
            self._server.call(self._server.queue.expire)
        elif kind == "bring_back":
            self._server.call(self._server.queue.bring_back, 3)

    def end_trouble(self, kind: str) -> None:
        self._server.call(self._change_faults, kind, [])

    def _change_faults(self, kind: str, faults: list) -> None:
        self._faults[kind] = faults
        self._server.set_faults([fault for faults in self._faults.values() for fault in faults])

    def refuse_deletes(self) -> None:
        """Until end_cycle."""
        self._server.call(self._server.set_faults, plan.NO_DELETES)

    def make_all_visible(self) -> None:
        self._server.call(self._server.queue.expire)

    def bring_back(self) -> int:
        return self._server.call(self._server.queue.bring_back, _MOST_BROUGHT_BACK)

    def counts(self) -> tuple:
        return self._server.call(self._server.queue.counts)

    def deleted_bodies(self) -> list:
        return self._server.call(self._server.queue.deleted_bodies)

    def deliveries(self) -> list:
        return self._server.call(self._server.queue.deliveries)

    def stop(self) -> None:
        self._server.stop()


class ElasticQueue:
    """`upstream` is a running ElasticMQ; the faults server is started here, its log in `folder`."""

    # How the faults server words a trouble.
    _FAULTS = {
        "error": {"fault": "error", "status": 500},
        "throttle": {"fault": "error", "status": 403, "code": "RequestThrottled"},
        "reset": {"fault": "reset"},
        "hang": {"fault": "hang"},
        "lost": {"fault": "reset", "after": True},
        "black_hole": {"fault": "hang", "after": True},
        "truncate": {"fault": "truncate"},
        "late": {"fault": "delay", "seconds": 0.5},
        "fail_entries": {"fault": "fail_entries", "entries": [0, 2, 4, 6, 8]},
        "shared": {"fault": "redeliver"},
    }
    # Of so many requests from a trouble's beginning on, a share is spoiled.
    _REQUESTS = 200
    # Short, since no visibility timeout ends at a word.
    _VISIBILITY_SECONDS = 5

    troubles = (
        "to_two_sessions", "to_all_sessions", "delete_error", "delete_entries", "delete_hangs",
        "delete_answer_lost", "delete_black_hole", "release_error", "release_hangs",
        "receive_lost", "receive_error", "resets", "late")
    has_record = False

    def __init__(self, seed: str, upstream: str, folder: str):
        self.name = f"chaos-{os.getpid()}"
        self._upstream = upstream
        self._random = random.Random(f"{seed}/faults")
        self._rules: dict = {}  # by trouble
        self._client = self.client()
        port = _free_port()
        server = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../faults/server.py")
        self._process = subprocess.Popen(
            [sys.executable, "-B", server, "--port", str(port), "--upstream", upstream,
             "--log", f"{folder}/requests.jsonl"],
            stdin=subprocess.DEVNULL)
        self.endpoint = f"http://127.0.0.1:{port}"
        _wait_until_it_answers(self.endpoint)

    def client(self) -> Client:
        return Client(self._upstream, self.name, VisibilityTimeout=self._VISIBILITY_SECONDS)

    def begin_cycle(self) -> None:
        self._put_rules()

    def end_cycle(self) -> None:
        self._rules = {}
        self._put_rules()

    def on_request(self, _place: plan.Place, _run) -> None:
        """Nothing here knows when a request arrives: kills come at their times."""

    def forget(self, _hook) -> bool:
        return True

    def begin_trouble(self, kind: str) -> None:
        self._rules[kind] = [self._rule(fault) for fault in plan.TROUBLES[kind]]
        self._put_rules()

    def go_on_with_trouble(self, _kind: str) -> None:
        """All its troubles are faults of single requests."""

    def end_trouble(self, kind: str) -> None:
        self._rules.pop(kind, None)
        self._put_rules()

    def _rule(self, fault) -> dict:
        spoiled = [n for n in range(1, self._REQUESTS) if self._random.random() < fault.share]
        return {"action": fault.action, "nth": spoiled, **self._FAULTS[fault.kind]}

    def _put_rules(self) -> None:
        script = {"rules": [rule for rules in list(self._rules.values()) for rule in rules]}
        request = urllib.request.Request(
            f"{self.endpoint}/scenario", json.dumps(script).encode(), method="PUT")
        urllib.request.urlopen(request, timeout=10).close()

    def refuse_deletes(self) -> None:
        self._rules["refuse"] = [
            {"action": fault.action, **self._FAULTS[fault.kind]} for fault in plan.NO_DELETES]
        self._put_rules()

    def make_all_visible(self) -> None:
        """Only time does that here."""

    def bring_back(self) -> int:
        return 0

    def counts(self) -> tuple:
        return self._client.counts()

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def _wait_until_it_answers(endpoint: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            urllib.request.urlopen(f"{endpoint}/health", timeout=5).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
