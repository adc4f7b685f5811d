"""What can happen to a request. Each fault is one function of an exchange; FAULTS names them."""

import http.client
import json
import select
import socket
import struct
import time
from email.utils import formatdate
from urllib.parse import urlsplit

JSON_TYPE = "application/x-amz-json-1.0"
# Headers that belong to one connection, or that every reply sets anew.
_OWN_HEADERS = {"connection", "content-length", "transfer-encoding", "date", "keep-alive", "server"}
# A long poll of 20 s and its reply.
_UPSTREAM_TIMEOUT_SECONDS = 40
_FILLER = b" " * 65536


class Exchange:
    """One request, the rule that it met, and the means to answer it."""

    def __init__(self, handler, action: str, body: bytes, rule: dict, log):
        self.handler = handler
        self.action = action
        self.body = body
        self.rule = rule
        self.status = None  # what was sent; None for no reply
        self.reply_bytes = 0
        self._length = None
        self._log = log

    def end(self) -> None:
        """Logs the exchange, once: before the client can have the whole of its reply."""
        log, self._log = self._log, None
        if log:
            log(self)

    def forward(self, body: bytes = None) -> tuple:
        """Passes the request on; returns the status, the headers and the body of the reply."""
        target = urlsplit(self.handler.server.upstream)
        connection = http.client.HTTPConnection(
            target.hostname, target.port, timeout=_UPSTREAM_TIMEOUT_SECONDS
        )
        headers = {
            name: value
            for name, value in self.handler.headers.items()
            if name.lower() not in ("content-length", "connection", "accept-encoding")
        }
        try:
            connection.request("POST", self.handler.path, self.body if body is None else body, headers)
            reply = connection.getresponse()
            return reply.status, dict(reply.getheaders()), reply.read()
        finally:
            connection.close()

    def forward_if_after(self) -> None:
        """`after`: the queue did what it was asked, and only its answer is lost."""
        if self.rule.get("after"):
            self.forward()

    def begin(self, status: int, length: int, headers: dict = None) -> None:
        self.status = status
        self._length = length
        handler = self.handler
        handler.send_response_only(status)
        handler.send_header("Date", formatdate(time.time() + self.rule.get("date_shift", 0), usegmt=True))
        handler.send_header("Content-Length", str(length))
        for name, value in {**(headers or {}), **self.rule.get("headers", {})}.items():
            if name.lower() not in _OWN_HEADERS:
                handler.send_header(name, value)
        if length == 0:
            self.end()
        handler.end_headers()

    def write(self, data: bytes) -> None:
        self.reply_bytes += len(data)
        if self.reply_bytes == self._length:
            self.end()
        self.handler.wfile.write(data)

    def reply(self, status: int, body: bytes, headers: dict = None) -> None:
        self.begin(status, len(body), headers)
        self.write(body)

    def close(self, reset: bool = False) -> None:
        self.end()
        handler = self.handler
        handler.close_connection = True
        if reset:
            # A linger time of zero makes close() send RST instead of FIN.
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            handler.connection.close()

    def wait(self, seconds: float = None) -> bool:
        """Sleeps, for ever without a number; ends early, with False, when the client goes away."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while deadline is None or time.monotonic() < deadline:
            left = 0.2 if deadline is None else max(0, min(0.2, deadline - time.monotonic()))
            readable, _, _ = select.select([self.handler.connection], [], [], left)
            if readable:
                # Nothing is sent while a reply is awaited, so this is the end of the connection.
                return False
        return True


def _pass(exchange: Exchange) -> None:
    """The queue's own answer; with date_shift, under another Date."""
    status, headers, body = exchange.forward()
    _remember(exchange, body)
    exchange.reply(status, body, headers)


def _error(exchange: Exchange) -> None:
    """An error as SQS words it: status (400), code, or a body of the test's own."""
    exchange.forward_if_after()
    rule = exchange.rule
    code = rule.get("code", "InternalFailure")
    body = rule.get("body")
    if body is None:
        body = json.dumps({"__type": f"com.amazonaws.sqs#{code}", "message": "a scripted fault"})
    status = rule.get("status", 400)
    headers = {"Content-Type": JSON_TYPE, "x-amzn-RequestId": "00000000-fa17-0000-0000-000000000000"}
    exchange.reply(status, body.encode(), headers)


def _reset(exchange: Exchange) -> None:
    """The connection is reset before a byte of the reply."""
    exchange.forward_if_after()
    exchange.close(reset=True)


def _truncate(exchange: Exchange) -> None:
    """The reply ends after `bytes` (half of it), and the connection with it."""
    status, headers, body = exchange.forward()
    exchange.begin(status, len(body), headers)
    exchange.write(body[: exchange.rule.get("bytes", len(body) // 2)])
    exchange.close()


def _huge(exchange: Exchange) -> None:
    """A reply of `bytes` (100 MB) that is valid as far as it goes."""
    left = exchange.rule.get("bytes", 100_000_000)
    exchange.begin(200, left, {"Content-Type": JSON_TYPE})
    start = b'{"Messages":['
    exchange.write(start)
    left -= len(start)
    while left > 0:
        exchange.write(_FILLER[:left])
        left -= len(_FILLER)


def _slow(exchange: Exchange) -> None:
    """The reply comes `bytes` (1) at a time, with `seconds` (1) between."""
    status, headers, body = exchange.forward()
    size = exchange.rule.get("bytes", 1)
    exchange.begin(status, len(body), headers)
    exchange.write(body[:size])
    for start in range(size, len(body), size):
        if not exchange.wait(exchange.rule.get("seconds", 1)):
            exchange.close()
            return
        exchange.write(body[start : start + size])


def _delay(exchange: Exchange) -> None:
    """The queue's own answer, `seconds` (1) late."""
    if exchange.wait(exchange.rule.get("seconds", 1)):
        _pass(exchange)
    else:
        exchange.close()


def _hang(exchange: Exchange) -> None:
    """No answer at all, until the client goes away."""
    exchange.forward_if_after()
    exchange.wait()
    exchange.close()


def _not_json(exchange: Exchange) -> None:
    """A page of some proxy, with status 200."""
    exchange.forward_if_after()
    body = exchange.rule.get("body", "<html><body>Welcome to this network</body></html>")
    exchange.reply(exchange.rule.get("status", 200), body.encode(), {"Content-Type": "text/html"})


def _fail_entries(exchange: Exchange) -> None:
    """Of a batch, the entries at these positions fail with `code`; the others are passed on."""
    rule = exchange.rule
    request = json.loads(exchange.body)
    positions = set(rule.get("entries", [0]))
    failing = [entry for place, entry in enumerate(request["Entries"]) if place in positions]
    request["Entries"] = [entry for place, entry in enumerate(request["Entries"]) if place not in positions]
    status, headers, reply = 200, {"Content-Type": JSON_TYPE}, {"Successful": [], "Failed": []}
    if request["Entries"]:
        status, headers, body = exchange.forward(json.dumps(request).encode())
        reply = json.loads(body)
    reply.setdefault("Failed", []).extend(
        {
            "Id": entry["Id"],
            "Code": rule.get("code", "InternalError"),
            "SenderFault": rule.get("sender_fault", False),
            "Message": "a scripted fault",
        }
        for entry in failing
    )
    exchange.reply(status, json.dumps(reply).encode(), headers)


def _duplicate(exchange: Exchange) -> None:
    """A receive whose reply holds each message twice."""
    status, headers, body = exchange.forward()
    reply = json.loads(body)
    reply["Messages"] = [message for message in reply.get("Messages", []) for _ in range(2)]
    exchange.reply(status, json.dumps(reply).encode(), headers)


def _first_delivery(exchange: Exchange) -> None:
    """A receive that tells of each message that it has not been received before."""
    status, headers, body = exchange.forward()
    reply = json.loads(body)
    for message in reply.get("Messages", []):
        message.setdefault("Attributes", {})["ApproximateReceiveCount"] = "1"
    exchange.reply(status, json.dumps(reply).encode(), headers)


def _redeliver(exchange: Exchange) -> None:
    """A receive that returns the messages of the latest passed receive once more."""
    reply = {"Messages": exchange.handler.server.last_messages}
    exchange.reply(200, json.dumps(reply).encode(), {"Content-Type": JSON_TYPE})


def _remember(exchange: Exchange, body: bytes) -> None:
    if exchange.action != "ReceiveMessage":
        return
    try:
        messages = json.loads(body).get("Messages")
    except ValueError:
        return
    if messages:
        exchange.handler.server.last_messages = messages


FAULTS = {
    "pass": _pass,
    "error": _error,
    "reset": _reset,
    "truncate": _truncate,
    "huge": _huge,
    "slow": _slow,
    "delay": _delay,
    "hang": _hang,
    "not_json": _not_json,
    "fail_entries": _fail_entries,
    "duplicate": _duplicate,
    "first_delivery": _first_delivery,
    "redeliver": _redeliver,
}
