"""Speaks SQS's JSON protocol for a StandardQueue, and spoils what it is told to spoil.

It runs in a thread of its own; every other thread goes through `call`. What can be spoiled: see
FAULTS; the killer sets them for a while. `on_request` runs something at an exact place: before the
n-th request of an action is carried out, or after that and before its answer.
"""

import asyncio
import hashlib
import json
import random
import socket
import struct
import threading
import time
from dataclasses import dataclass, field

from standard_queue import EntryError, StandardQueue

QUEUE_NAME = "chaos"
_JSON_TYPE = "application/x-amz-json-1.0"
_RECEIVE = "ReceiveMessage"
_SEND = "SendMessageBatch"
# What producers ask; nothing spoils it, and nobody drops their connections.
_OF_THE_HARNESS = ("CreateQueue", _SEND)
# How often a long poll looks whether messages have come or its client has gone.
_POLL_SECONDS = 0.02
_RETENTION_SECONDS = 345600

# What can happen to a request, beside its being answered.
FAULTS = {
    "error": "500 InternalFailure, and nothing done",
    "throttle": "403 RequestThrottled, and nothing done",
    "reset": "the connection is reset, and nothing done",
    "hang": "no answer until the client goes away, and nothing done",
    "lost": "done, but the connection is reset before the answer",
    "black_hole": "done, but no answer until the client goes away",
    "truncate": "done, but the answer ends in its middle",
    "late": "done, and answered half a second late",
    "fail_entries": "half of the entries of a batch fail",
    "fail_falsely": "done, but half of the entries are said to have failed",
    "twice": "a reply holds each message twice",
    "shared": "what is received stays visible: somebody else receives it, too",
}
_LATE_SECONDS = 0.5


@dataclass(frozen=True)
class Fault:
    """A share of the requests of one action, "*" for all, meets this kind of trouble."""

    action: str
    kind: str
    share: float

    def __post_init__(self):
        assert self.kind in FAULTS


@dataclass
class Hook:
    """Runs once, at the n-th request of an action from now on, with the client's port."""

    action: str
    nth: int
    after: bool
    run: object
    seen: int = 0


@dataclass
class Request:
    action: str
    parameters: dict
    fault: str | None
    port: int
    deliveries: list = field(default_factory=list)


class ApiError(Exception):
    def __init__(self, status: int, code: str):
        super().__init__(code)
        self.status = status
        self.code = code


class _Gone(Exception):
    """The connection ends, without another byte."""


class QueueServer:
    """`endpoint` answers from the constructor's return on."""

    def __init__(self, seed: str):
        self.queue = StandardQueue(seed)
        self._random = random.Random(f"{seed}/server")
        self._faults: list = []
        self._hooks: list = []
        self._writers: set = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._await(asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=256))
        self.port = self._server.sockets[0].getsockname()[1]
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.url = f"{self.endpoint}/000000000000/{QUEUE_NAME}"

    def stop(self) -> None:
        self._await(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _close(self) -> None:
        self._server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # ------------------------------------------------------------------- for other threads

    def call(self, function, *arguments):
        """Runs a function of the queue or the server in the server's thread."""

        async def run():
            return function(*arguments)

        return self._await(run())

    def _await(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    # ------------------------------------------------- trouble; through call, or in a hook

    def set_faults(self, faults: list) -> None:
        self._faults = list(faults)

    def on_request(self, action: str, nth: int, after: bool, run) -> Hook:
        hook = Hook(action, nth, after, run)
        self._hooks.append(hook)
        return hook

    def forget(self, hook: Hook) -> bool:
        """Whether it had not run yet."""
        if hook not in self._hooks:
            return False
        self._hooks.remove(hook)
        return True

    def drop_connections(self) -> int:
        """Resets every connection but the producers'; how many there were."""
        writers = list(self._writers)
        for writer in writers:
            _reset(writer)
        return len(writers)

    # -------------------------------------------------------------------------- the server

    async def _serve(self, reader, writer) -> None:
        self._writers.add(writer)
        try:
            while await self._exchange(reader, writer):
                pass
        except (_Gone, OSError, asyncio.IncompleteReadError):
            _reset(writer)
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _exchange(self, reader, writer) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        headers = _headers(head)
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        action = headers.get("x-amz-target", "").rpartition(".")[2]
        port = writer.get_extra_info("peername")[1]
        request = Request(action, json.loads(body or b"{}"), self._choose_fault(action), port)
        if action in _OF_THE_HARNESS:
            self._writers.discard(writer)
        status, reply = await self._answer(request, reader)
        await self._send(writer, reader, request, status, json.dumps(reply).encode())
        return True

    def _choose_fault(self, action: str) -> str | None:
        for fault in self._faults if action not in _OF_THE_HARNESS else []:
            if fault.action in (action, "*") and self._random.random() < fault.share:
                return fault.kind
        return None

    async def _answer(self, request: Request, reader) -> tuple:
        hook = self._next_hook(request.action)
        if hook is not None and not hook.after:
            hook.run(request.port)
        try:
            reply = await self._carry_out(request, reader)
            status = 200
        except ApiError as error:
            status, reply = error.status, {"__type": f"com.amazonaws.sqs#{error.code}", "message": "trouble"}
        if hook is not None and hook.after:
            hook.run(request.port)
        return status, reply

    def _next_hook(self, action: str) -> Hook | None:
        for hook in self._hooks:
            if hook.action == action:
                hook.seen += 1
                if hook.seen == hook.nth:
                    self._hooks.remove(hook)
                    return hook
        return None

    async def _carry_out(self, request: Request, reader) -> dict:
        if request.fault == "error":
            raise ApiError(500, "InternalFailure")
        if request.fault == "throttle":
            raise ApiError(403, "RequestThrottled")
        if request.fault == "reset":
            raise _Gone
        if request.fault == "hang":
            await _wait(reader)
            raise _Gone
        actions = {
            _SEND: self._send_batch,
            "DeleteMessageBatch": self._delete_batch,
            "ChangeMessageVisibilityBatch": self._change_visibility_batch,
            "CreateQueue": lambda _request: {"QueueUrl": self.url},
            "GetQueueUrl": lambda _request: {"QueueUrl": self.url},
            "GetQueueAttributes": self._attributes,
        }
        if request.action == _RECEIVE:
            return await self._receive(request, reader)
        if request.action not in actions:
            raise ApiError(400, "UnsupportedOperation")
        return actions[request.action](request)

    async def _send(self, writer, reader, request: Request, status: int, body: bytes) -> None:
        if request.fault == "lost":
            raise _Gone
        if request.fault == "black_hole":
            await _wait(reader)
            raise _Gone
        if request.fault == "late":
            await _wait(reader, _LATE_SECONDS)
        head = (
            f"HTTP/1.1 {status} -\r\n"
            f"Content-Type: {_JSON_TYPE}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode())
        if request.fault == "truncate":
            writer.write(body[: len(body) // 2])
            await writer.drain()
            raise _Gone
        writer.write(body)
        await writer.drain()
        if not reader.at_eof():
            for delivery in request.deliveries:
                delivery.sent = True

    # ------------------------------------------------------------------------- the actions

    async def _receive(self, request: Request, reader) -> dict:
        parameters = request.parameters
        most = parameters.get("MaxNumberOfMessages", 1)
        visibility = parameters.get("VisibilityTimeout", StandardQueue.VISIBILITY_SECONDS)
        deadline = time.monotonic() + parameters.get("WaitTimeSeconds", 0)
        twice = request.fault == "twice" and most > 1
        most = most // 2 if twice else most
        copies = self.queue.receive(most, visibility)
        while not copies and time.monotonic() < deadline:
            if not await _wait(reader, _POLL_SECONDS):
                raise _Gone
            copies = self.queue.receive(most, visibility)
        if twice:
            copies += [self.queue.copy(message) for message, _handle, _delivery in copies]
        if request.fault == "shared":
            for message, _handle, _delivery in copies:
                self.queue.make_visible(message)
        request.deliveries = [delivery for _message, _handle, delivery in copies]
        return {"Messages": [_as_json(message, handle) for message, handle, _delivery in copies]}

    def _send_batch(self, request: Request) -> dict:
        sent = []
        for entry in request.parameters["Entries"]:
            message = self.queue.send(entry["MessageBody"])
            sent.append(
                {"Id": entry["Id"], "MessageId": message.id, "MD5OfMessageBody": _md5(message.body)}
            )
        return {"Successful": sent}

    def _delete_batch(self, request: Request) -> dict:
        return _batch(request, lambda entry: self.queue.delete(entry["ReceiptHandle"]))

    def _change_visibility_batch(self, request: Request) -> dict:
        return _batch(
            request,
            lambda entry: self.queue.change_visibility(entry["ReceiptHandle"], entry["VisibilityTimeout"]),
        )

    def _attributes(self, _request: Request) -> dict:
        visible, in_flight = self.queue.counts()
        values = {
            "ApproximateNumberOfMessages": visible,
            "ApproximateNumberOfMessagesNotVisible": in_flight,
            "ApproximateNumberOfMessagesDelayed": 0,
            "VisibilityTimeout": StandardQueue.VISIBILITY_SECONDS,
            "MessageRetentionPeriod": _RETENTION_SECONDS,
            "QueueArn": f"arn:aws:sqs:us-east-1:000000000000:{QUEUE_NAME}",
        }
        return {"Attributes": {name: str(value) for name, value in values.items()}}


def _headers(head: bytes) -> dict:
    lines = head.decode("latin-1").split("\r\n")[1:]
    pairs = (line.partition(":") for line in lines if line)
    return {name.strip().lower(): value.strip() for name, _colon, value in pairs}


def _reset(writer) -> None:
    # A linger time of zero makes close() send RST instead of FIN.
    connection = writer.get_extra_info("socket")
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    except OSError:
        pass  # closed already
    writer.transport.abort()


async def _wait(reader, seconds: float | None = None) -> bool:
    """Sleeps, for ever without a number; ends early, with False, when the client goes away."""
    deadline = None if seconds is None else time.monotonic() + seconds
    while not reader.at_eof():
        left = _POLL_SECONDS if deadline is None else deadline - time.monotonic()
        if left <= 0:
            return True
        await asyncio.sleep(min(_POLL_SECONDS, left))
    return False


def _batch(request: Request, act) -> dict:
    """Applies a function to each entry. A spoiled batch fails every second one."""
    reply = {"Successful": [], "Failed": []}
    for position, entry in enumerate(request.parameters["Entries"]):
        spoiled = position % 2 == 0 and request.fault in ("fail_entries", "fail_falsely")
        code, is_senders = ("InternalError", False) if spoiled else (None, True)
        if not spoiled or request.fault == "fail_falsely":
            try:
                act(entry)
            except EntryError as error:
                code = str(error)
        if code is None:
            reply["Successful"].append({"Id": entry["Id"]})
        else:
            reply["Failed"].append(
                {"Id": entry["Id"], "Code": code, "SenderFault": is_senders, "Message": "trouble"}
            )
    return reply


def _md5(body: str) -> str:
    return hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()


def _as_json(message, handle: str) -> dict:
    return {
        "MessageId": message.id,
        "ReceiptHandle": handle,
        "Body": message.body,
        "MD5OfBody": _md5(message.body),
        "Attributes": {
            "SentTimestamp": str(message.sent_ms),
            "ApproximateReceiveCount": str(len(message.deliveries)),
            "ApproximateFirstReceiveTimestamp": str(int(message.deliveries[0].at * 1000)),
            "SenderId": "AIDACHAOS",
        },
    }
