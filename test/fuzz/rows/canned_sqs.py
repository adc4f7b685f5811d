"""A queue server in the tester's own process: hands out what it was given, and keeps account.

Only what a scan needs: GetQueueUrl, ReceiveMessage, DeleteMessageBatch and
ChangeMessageVisibilityBatch. Nothing comes back: a released message is counted, and gone.
"""

import hashlib
import json
import socketserver
import sys
import threading
import time
from dataclasses import dataclass, field

MOST_IN_A_REPLY = 10


@dataclass
class Message:
    id: str
    body: str
    ascii: bool = True  # how the reply writes characters beyond ASCII: escaped, or as UTF-8
    attributes: dict = field(default_factory=dict)

    @property
    def handle(self) -> str:
        return f"handle-{self.id}=="

    def as_json(self) -> str:
        # A body with half a surrogate pair cannot be told its MD5, and SQS would not have taken it.
        message = {
            "MessageId": self.id,
            "ReceiptHandle": self.handle,
            "MD5OfBody": hashlib.md5(self.body.encode()).hexdigest(),
            "Body": self.body,
            "Attributes": {
                "SentTimestamp": str(time.time_ns() // 1_000_000),
                "ApproximateReceiveCount": "1",
                "SenderId": "AIDAFUZZ",
            },
            **self.attributes,
        }
        return json.dumps(message, ensure_ascii=self.ascii)


class Queue:
    """The messages of one round, and what became of them."""

    def __init__(self):
        self.lock = threading.Lock()
        self.fill([])

    def fill(self, messages: list[Message], spoil=None) -> None:
        """Replaces everything. `spoil`: changes the bytes of each reply that holds messages."""
        with self.lock:
            self.pending = list(messages)
            self.spoil = spoil
            self.deleted: set[str] = set()
            self.released: set[str] = set()

    def receive(self, most: int) -> bytes:
        with self.lock:
            taken, self.pending = self.pending[:most], self.pending[most:]
            spoil = self.spoil
        if not taken:
            return b"{}"
        reply = ('{"Messages":[' + ",".join(each.as_json() for each in taken) + "]}").encode()
        return spoil(reply) if spoil else reply

    def settle(self, entries: list[dict], settled: set[str]) -> bytes:
        with self.lock:
            settled.update(entry["ReceiptHandle"] for entry in entries)
        return json.dumps({"Successful": [{"Id": entry["Id"]} for entry in entries]}).encode()


class Server(socketserver.ThreadingTCPServer):
    """Listens on a free port of loopback from the start, in threads of its own."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, names: list[str]):
        super().__init__(("127.0.0.1", 0), Connection)
        self.queues = {name: Queue() for name in names}
        self.endpoint = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def answer(self, action: str, request: dict) -> bytes:
        if action == "GetQueueUrl":
            url = f"{self.endpoint}/000000000000/{request['QueueName']}"
            return json.dumps({"QueueUrl": url}).encode()
        queue = self.queues[request["QueueUrl"].rpartition("/")[2]]
        if action == "ReceiveMessage":
            return queue.receive(min(request["MaxNumberOfMessages"], MOST_IN_A_REPLY))
        if action == "DeleteMessageBatch":
            return queue.settle(request["Entries"], queue.deleted)
        if action == "ChangeMessageVisibilityBatch":
            return queue.settle(request["Entries"], queue.released)
        raise ValueError(f"nobody should send {action}")

    def handle_error(self, request, client_address) -> None:
        """A client that goes away is part of the game; other errors must be seen."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class Connection(socketserver.StreamRequestHandler):
    """Requests of one connection, with as little of HTTP as libcurl needs: it is quick."""

    disable_nagle_algorithm = True
    wbufsize = -1

    def handle(self) -> None:
        while self.rfile.readline():
            headers = {}
            while line := self.rfile.readline().strip():
                name, _, value = line.partition(b":")
                headers[name.lower()] = value.strip()
            body = self.rfile.read(int(headers.get(b"content-length", 0)))
            action = headers.get(b"x-amz-target", b"").decode().rpartition(".")[2]
            reply = self.server.answer(action, json.loads(body))
            self.wfile.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\n"
                b"Content-Length: %d\r\n\r\n" % len(reply) + reply
            )
            self.wfile.flush()
