#!/usr/bin/env python3
"""A queue server with scripted faults: a reverse proxy before a correct SQS.

usage: server.py --port PORT --log FILE [--upstream URL] [--scenario FILE] [--tls CERTIFICATE KEY]

A scenario says what happens to the n-th request of an action; every other request is passed on.
It is a JSON object, described in test/faults/README.md, read at the start or set later by
`PUT /scenario`, which also starts the counts again. `GET /health` answers 200.

Each request becomes one line of JSON in the log: what was asked, what was done, how many bytes.
The line is there before the client can have the whole of its reply.
Message bodies, receipt handles and header values are left out unless the scenario asks for them.
"""

import argparse
import json
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import faults
from scenario import Scenario

# What a request asks for that is neither a handle nor a body, and that tests count on.
LOGGED_PARAMETERS = (
    "MaxNumberOfMessages",
    "WaitTimeSeconds",
    "VisibilityTimeout",
    "AttributeNames",
    "MessageSystemAttributeNames",
    "MessageAttributeNames",
)


class Log:
    """Lines of JSON, whole ones, from many threads."""

    def __init__(self, path: str):
        self._file = open(path, "a", encoding="utf-8")
        self._lock = threading.Lock()

    def write(self, record: dict) -> None:
        with self._lock:
            self._file.write(json.dumps(record) + "\n")
            self._file.flush()


class FaultServer(ThreadingHTTPServer):
    daemon_threads = True
    # A fleet of polls connects at once.
    request_queue_size = 128

    def __init__(self, port: int, upstream: str, log: Log):
        super().__init__(("127.0.0.1", port), Handler)
        self.upstream = upstream
        self.log = log
        self.scenario = Scenario({})
        self.last_messages: list = []  # what the latest receive returned, for `redeliver`

    def handle_error(self, request, client_address) -> None:
        """A client that went away is what the tests are about."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_arguments) -> None:
        """The log of its own is written by do_POST."""

    def do_GET(self) -> None:
        self._answer(200 if self.path == "/health" else 404)

    def do_PUT(self) -> None:
        if self.path != "/scenario":
            self._answer(404)
            return
        try:
            self.server.scenario = Scenario(json.loads(self._read_body()))
            self._answer(204)
        except ValueError as error:
            self._answer(400, str(error).encode())

    def do_POST(self) -> None:
        body = self._read_body()
        action = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
        scenario = self.server.scenario
        nth, rule = scenario.next(action)
        record = {
            "at": round(time.monotonic(), 4),
            "action": action,
            "nth": nth,
            "fault": rule["fault"],
            "client_port": self.client_address[1],
            "request_bytes": len(body),
            "request_headers": sorted(name.lower() for name in self.headers),
            "parameters": _parameters(body),
        }
        if scenario.log_bodies:
            record["request_body"] = body.decode("utf-8", "replace")
            record["authorization"] = self.headers.get("Authorization")

        def log(exchange: faults.Exchange) -> None:
            record["status"] = exchange.status
            record["reply_bytes"] = exchange.reply_bytes
            self.server.log.write(record)

        exchange = faults.Exchange(self, action, body, rule, log)
        try:
            faults.FAULTS[rule["fault"]](exchange)
        except OSError:
            # The client went away, or the fault closed the connection under us.
            self.close_connection = True
        exchange.end()

    def _read_body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _parameters(body: bytes) -> dict:
    """What may be logged of a request, and of a batch how many entries and which time-outs."""
    try:
        request = json.loads(body)
    except ValueError:
        return {}
    found = {name: request[name] for name in LOGGED_PARAMETERS if name in request}
    entries = request.get("Entries")
    if isinstance(entries, list):
        found["Entries"] = len(entries)
        timeouts = [entry["VisibilityTimeout"] for entry in entries if "VisibilityTimeout" in entry]
        if timeouts:
            found["VisibilityTimeouts"] = timeouts
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--log", required=True)
    parser.add_argument("--upstream", default="")
    parser.add_argument("--scenario")
    parser.add_argument("--tls", nargs=2, metavar=("CERTIFICATE", "KEY"))
    options = parser.parse_args()

    server = FaultServer(options.port, options.upstream, Log(options.log))
    if options.scenario:
        with open(options.scenario, encoding="utf-8") as file:
            server.scenario = Scenario(json.load(file))
    if options.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*options.tls)
        # The handshake happens in the connection's own thread, at its first read.
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    server.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main()
