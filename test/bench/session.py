"""A psql that stays: one backend runs many statements, and its costs can be read between them."""

import subprocess
import threading
import time
from dataclasses import dataclass

import machine

MARK = "--- done ---"


@dataclass
class Cost:
    """What one statement cost: its backend, and psql, which waits for it."""

    rows: int
    cpu_us: float
    coarse_cpu_us: float
    wall_us: float
    wal_bytes: int

    @property
    def us_per_row(self) -> float:
        return self.cpu_us / self.rows

    @property
    def wal_per_row(self) -> float:
        return self.wal_bytes / self.rows


class Session:
    """One connection to the PostgreSQL of libpq's environment. Errors are raised, and so are
    warnings, unless `level` is higher."""

    def __init__(self, level: str = "warning"):
        self._psql = subprocess.Popen(
            ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.run(f"SET client_min_messages = {level}")
        self.backend = int(self.query("SELECT pg_backend_pid()"))

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_error) -> None:
        self._psql.stdin.close()
        self._psql.wait()

    def run(self, sql: str) -> int:
        """Runs one statement that prints nothing; returns how many rows it affected."""
        lines, rows = self._send(sql)
        if lines:
            raise RuntimeError("\n".join(lines))
        return rows

    def query(self, sql: str) -> str:
        lines, _rows = self._send(sql)
        return "\n".join(lines)

    def measure(self, sql: str) -> Cost:
        wal = self._wal_position()
        cpu, coarse, started = self._cpu_us(), self._coarse_cpu_us(), time.monotonic_ns()
        rows = self.run(sql)
        wall = time.monotonic_ns() - started
        cpu, coarse = self._cpu_us() - cpu, self._coarse_cpu_us() - coarse
        return Cost(rows, cpu, coarse, wall / 1000, self._wal_position() - wal)

    def peak_memory_kib(self, sql: str) -> tuple[int, int]:
        """Runs a statement. The backend's peak, shared pages included; and its own pages alone."""
        own = 0
        done = threading.Event()

        def watch() -> None:
            nonlocal own
            while not done.wait(0.01):
                own = max(own, machine.memory_kib(self.backend, "RssAnon"))

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            self.run(sql)
        finally:
            done.set()
            watcher.join()
        return machine.memory_kib(self.backend, "VmHWM"), own

    def _send(self, sql: str) -> tuple[list[str], int]:
        self._psql.stdin.write(f"{sql};\n\\echo {MARK} :ROW_COUNT\n")
        self._psql.stdin.flush()
        lines = []
        for line in self._psql.stdout:
            line = line.rstrip("\n")
            if line.startswith(MARK):
                return lines, int(line[len(MARK) :])
            lines.append(line)
        raise RuntimeError("\n".join(lines) or "psql ended")

    def _wal_position(self) -> int:
        return int(self.query("SELECT pg_current_wal_insert_lsn() - '0/0'"))

    def _cpu_us(self) -> float:
        return machine.cpu_us(self.backend) + machine.cpu_us(self._psql.pid)

    def _coarse_cpu_us(self) -> float:
        return machine.coarse_cpu_us(self.backend) + machine.coarse_cpu_us(self._psql.pid)
