"""A standard queue in memory, with the promises of SQS and none beyond them. No network, no threads.

It delivers in any order, at least once; a message keeps its id and its sent time over all deliveries
and gets a new receipt handle with each. It remembers what it did with every message: the verdict of
the harness rests on that.
"""

import random
import time
import uuid
from dataclasses import dataclass, field


@dataclass
class Delivery:
    """One copy of a message in one reply."""

    at: float
    sent: bool = False  # the reply went out whole


@dataclass
class Message:
    id: str
    body: str
    sent_ms: int
    visible_at: float
    handle: str = ""  # the newest
    deleted: bool = False  # at least once
    deliveries: list = field(default_factory=list)


class EntryError(Exception):
    """What SQS puts into `Failed`; the text is the code."""


class StandardQueue:
    """Times are those of time.time()."""

    VISIBILITY_SECONDS = 30

    def __init__(self, seed: str):
        self._random = random.Random(f"{seed}/queue")
        self._all: list = []
        self._present: dict = {}  # by id
        self._by_handle: dict = {}
        self.deletes_at_receive = False  # sabotage: acts as if the delete had been sent early

    # ------------------------------------------------------------------------------ requests

    def send(self, body: str) -> Message:
        now = time.time()
        message = Message(str(uuid.uuid4()), body, int(now * 1000), now)
        self._all.append(message)
        self._present[message.id] = message
        return message

    def receive(self, most: int, visibility: float) -> list:
        """Up to `most` visible messages, in no order: their copies, as `copy` returns them."""
        now = time.time()
        visible = [m for m in self._present.values() if m.visible_at <= now]
        chosen = self._random.sample(visible, min(most, len(visible)))
        for message in chosen:
            message.visible_at = now + visibility
            if self.deletes_at_receive:
                self._remove(message)
        return [self.copy(message) for message in chosen]

    def copy(self, message: Message) -> tuple:
        """One copy for a reply, whatever has become of the message: it, a new handle, the delivery."""
        delivery = Delivery(time.time())
        message.deliveries.append(delivery)
        message.handle = f"{message.id}#{len(message.deliveries)}"
        self._by_handle[message.handle] = message
        return message, message.handle, delivery

    def delete(self, handle: str) -> None:
        """With a handle that is not the newest, SQS may delete the message or not, and says yes."""
        message = self._by_handle.get(handle)
        if message is None:
            raise EntryError("ReceiptHandleIsInvalid")
        if message.handle == handle or self._random.random() < 0.5:
            self._remove(message)

    def change_visibility(self, handle: str, seconds: float) -> None:
        message = self._by_handle.get(handle)
        now = time.time()
        if message is None:
            raise EntryError("ReceiptHandleIsInvalid")
        if message.id not in self._present:
            raise EntryError("InvalidParameterValue")
        if message.visible_at <= now:
            raise EntryError("MessageNotInflight")
        message.visible_at = now + seconds

    # ------------------------------------------------------------------------------- trouble

    def expire(self) -> None:
        """Every visibility timeout ends now."""
        for message in self._present.values():
            message.visible_at = 0

    def bring_back(self, most: int) -> int:
        """A replica that had missed the deletes returns, and with it some of the latest messages."""
        gone = [m for m in self._all[-1000:] if m.id not in self._present]
        chosen = self._random.sample(gone, min(most, len(gone)))
        for message in chosen:
            message.visible_at = 0
            self._present[message.id] = message
        return len(chosen)

    def make_visible(self, message: Message) -> None:
        """As if it had not been received: the next receive may return it, too."""
        message.visible_at = 0

    # -------------------------------------------------------------------------------- record

    def counts(self) -> tuple:
        """How many are visible, and how many in flight."""
        now = time.time()
        visible = sum(m.visible_at <= now for m in self._present.values())
        return visible, len(self._present) - visible

    def deleted_bodies(self) -> list:
        """The bodies of what was deleted at least once."""
        return [m.body for m in self._all if m.deleted]

    def deliveries(self) -> list:
        """Pairs of a body and the times at which it went out."""
        return [(m.body, [d.at for d in m.deliveries if d.sent]) for m in self._all]

    def _remove(self, message: Message) -> None:
        self._present.pop(message.id, None)
        message.deleted = True
