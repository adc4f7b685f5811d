"""Does to a cycle what its plan says: kills processes and spoils the queue, when and where planned."""

import os
import signal
import threading
import time

import plan

_SIGNALS = {
    "cancel": signal.SIGINT,
    "terminate": signal.SIGTERM,
    "kill_backend": signal.SIGKILL,
    "kill_postmaster": signal.SIGKILL,
    "immediate_stop": signal.SIGQUIT,
    "fast_stop": signal.SIGINT,
}
_OF_POSTMASTER = ("kill_postmaster", "immediate_stop", "fast_stop")
# How often one kill is tried while no session is busy.
_TRIES = 100
_RETRY_SECONDS = 0.01
# Between two strokes of a trouble that is no fault of single requests.
_TROUBLE_SECONDS = 0.1


class Killer:
    """Works beside the consumers in threads of its own, from `begin` to `end`."""

    def __init__(self, postgres, consumers, queue):
        self._postgres = postgres
        self._consumers = consumers
        self._queue = queue
        self._lock = threading.Lock()
        self._threads: list = []
        self.counts: dict = {}  # by kind: kills that hit somebody, troubles that began

    def begin(self, cycle: plan.Cycle) -> None:
        self._queue.begin_cycle()
        jobs = [(self._kill_in_time, kill) for kill in cycle.kills]
        jobs += [(self._make_trouble, trouble) for trouble in cycle.troubles]
        self._threads = [threading.Thread(target=job, args=(what,), daemon=True) for job, what in jobs]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        for thread in self._threads:
            thread.join()
        self._queue.end_cycle()

    def _count(self, kind: str) -> None:
        with self._lock:
            self.counts[kind] = self.counts.get(kind, 0) + 1

    # ------------------------------------------------------------------------------- kills

    def _kill_in_time(self, kill: plan.Kill) -> None:
        """At its place in the queue's work; else, or if that is not reached, at its time."""
        hook = None
        if kill.place is not None:
            hook = self._queue.on_request(kill.place, lambda port: self._kill_at_place(kill, port))
        time.sleep(kill.at)
        if hook is not None and not self._queue.forget(hook):
            return
        for _try in range(_TRIES):
            if self._kill(kill, self._busy_backend(kill.consumer)):
                return
            time.sleep(_RETRY_SECONDS)

    def _kill_at_place(self, kill: plan.Kill, port: int) -> None:
        """In the server's thread: whoever made the request waits for its answer."""
        backends = [consumer.backend for consumer in self._consumers if consumer.backend]
        self._kill(kill, next((pid for pid in backends if _owns_port(pid, port)), None))

    def _kill(self, kill: plan.Kill, backend: int | None) -> bool:
        if kill.kind == "client_gone":
            hit = any(c.vanish() for c in self._consumers if c.backend == backend and backend)
        elif kill.kind == "power_off":
            hit = self._postgres.fail_power()
        elif kill.kind in _OF_POSTMASTER:
            hit = _send(self._postgres.postmaster, _SIGNALS[kill.kind])
        else:
            hit = _send(backend, _SIGNALS[kill.kind])
        if hit:
            self._count(kill.kind)
        return hit

    def _busy_backend(self, first: int) -> int | None:
        """That of the consumer of this number, or of the next one that is busy."""
        order = self._consumers[first:] + self._consumers[:first]
        return next((consumer.backend for consumer in order if consumer.backend), None)

    # ---------------------------------------------------------------------------- troubles

    def _make_trouble(self, trouble: plan.Trouble) -> None:
        time.sleep(trouble.at)
        self._count(trouble.kind)
        self._queue.begin_trouble(trouble.kind)
        ends_at = time.monotonic() + trouble.seconds
        while time.monotonic() < ends_at:
            self._queue.go_on_with_trouble(trouble.kind)
            time.sleep(_TROUBLE_SECONDS)
        self._queue.end_trouble(trouble.kind)


def _send(pid: int | None, number: int) -> bool:
    if pid is None:
        return False
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def _owns_port(pid: int, port: int) -> bool:
    """Whether a process has a connection from this port of the loopback."""
    inode = _inode_of(port)
    try:
        folder = f"/proc/{pid}/fd"
        return any(os.readlink(f"{folder}/{fd}") == f"socket:[{inode}]" for fd in os.listdir(folder))
    except OSError:
        return False


def _inode_of(port: int) -> str:
    with open("/proc/net/tcp", encoding="ascii") as connections:
        for line in connections:
            fields = line.split()
            if fields[1].endswith(f":{port:04X}"):
                return fields[9]
    return ""
