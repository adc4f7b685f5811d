"""What happens in each cycle: chosen by the seed alone, before the cycle begins.

Only the choices are repeated by a seed, not what the machine makes of them. Kills and troubles come
from shuffled decks, so that every kind comes as often as every other.
"""

import random
from dataclasses import dataclass

import shapes
from queue_server import Fault

CONSUMERS = 4
PRODUCERS = 3

KILLS = (
    "cancel",  # SIGINT to a backend
    "terminate",  # SIGTERM to a backend
    "kill_backend",  # SIGKILL to a backend: the postmaster ends all others and recovers
    "kill_postmaster",  # SIGKILL to the postmaster: its backends find out
    "power_off",  # SIGKILL to all, and what was not synced is gone
    "immediate_stop",  # SIGQUIT to the postmaster
    "fast_stop",  # SIGINT to the postmaster
    "client_gone",  # the client's end of the connection closes in the middle of a statement
)

_RECEIVE, _DELETE, _RELEASE = "ReceiveMessage", "DeleteMessageBatch", "ChangeMessageVisibilityBatch"

# Deletes do not happen, and everybody is told so.
NO_DELETES = (Fault(_DELETE, "error", 1.0),)

# What the queue does for a while: faults by action, and what is done to the queue itself.
TROUBLES = {
    "drop_connections": [],
    "expire": [],
    "bring_back": [],
    "twice_in_a_reply": [Fault(_RECEIVE, "twice", 0.5)],
    "to_two_sessions": [Fault(_RECEIVE, "shared", 0.5)],
    "to_all_sessions": [Fault(_RECEIVE, "shared", 1.0)],
    "delete_error": [Fault(_DELETE, "error", 0.8)],
    "delete_entries": [Fault(_DELETE, "fail_entries", 0.8)],
    "delete_false_failure": [Fault(_DELETE, "fail_falsely", 0.8)],
    "delete_hangs": [Fault(_DELETE, "hang", 0.8)],
    "delete_answer_lost": [Fault(_DELETE, "lost", 0.8)],
    "delete_black_hole": [Fault(_DELETE, "black_hole", 0.8)],
    "release_error": [Fault(_RELEASE, "error", 0.7), Fault(_RELEASE, "fail_entries", 1.0)],
    "release_hangs": [Fault(_RELEASE, "hang", 0.7)],
    "receive_lost": [Fault(_RECEIVE, "lost", 0.2), Fault(_RECEIVE, "truncate", 0.3)],
    "receive_error": [Fault(_RECEIVE, "error", 0.2), Fault(_RECEIVE, "throttle", 0.1)],
    "resets": [Fault("*", "reset", 0.2)],
    "late": [Fault("*", "late", 0.3)],
}

# The deck of troubles has these twice: they bring one message to several sessions at once.
_TWICE = ("expire", "to_all_sessions")


@dataclass(frozen=True)
class Place:
    """Where in the queue's work something happens: at the n-th request of an action."""

    action: str
    nth: int
    after: bool


@dataclass(frozen=True)
class Kill:
    kind: str
    at: float  # seconds into the cycle; or, with a place, the latest
    place: Place | None
    consumer: int  # whose backend, where the place does not say


@dataclass(frozen=True)
class Trouble:
    kind: str
    at: float
    seconds: float


@dataclass(frozen=True)
class Cycle:
    number: int
    messages: tuple  # by producer
    statements: tuple  # by consumer: a tuple of shapes.Statement
    kills: tuple
    troubles: tuple


class Plan:
    """The cycles of a seed. `kills` and `troubles` are the kinds to choose from."""

    def __init__(self, seed: str, kills=KILLS, troubles=tuple(TROUBLES)):
        self._seed = seed
        self._kills = kills
        self._troubles = troubles + tuple(kind for kind in _TWICE if kind in troubles)

    def cycle(self, number: int) -> Cycle:
        rng = random.Random(f"{self._seed}/{number}")
        return Cycle(
            number,
            tuple(rng.randint(0, 80) for _ in range(PRODUCERS)),
            tuple(self._statements(rng) for _ in range(CONSUMERS)),
            self._choose_kills(rng, number),
            self._choose_troubles(rng, number),
        )

    def _drawn(self, kinds: tuple, position: int) -> str:
        """The card at a position of an endless row of decks, each shuffled anew."""
        deck, place = divmod(position, len(kinds))
        cards = list(kinds)
        random.Random(f"{self._seed}/deck/{kinds[0]}/{deck}").shuffle(cards)
        return cards[place]

    def _choose_kills(self, rng, number: int) -> tuple:
        count = 2 if self._kills else 0
        return tuple(
            Kill(
                self._drawn(self._kills, number * count + i),
                rng.uniform(0.05, 1.2),
                self._place(rng) if rng.random() < 0.6 else None,
                rng.randrange(CONSUMERS),
            )
            for i in range(count)
        )

    @staticmethod
    def _place(rng) -> Place:
        action = rng.choices((_RECEIVE, _DELETE, _RELEASE), (1, 4, 1))[0]
        return Place(action, rng.randint(1, 8), rng.random() < 0.5)

    def _choose_troubles(self, rng, number: int) -> tuple:
        count = 2 if self._troubles else 0
        return tuple(
            Trouble(
                self._drawn(self._troubles, number * count + i),
                rng.uniform(0, 0.6),
                rng.uniform(0.3, 1.0),
            )
            for i in range(count)
        )

    @staticmethod
    def _statements(rng) -> tuple:
        return tuple(shapes.draw(rng) for _ in range(rng.randint(2, 4)))
