"""What Linux tells about processes and the machine: CPU time, memory, who else is busy."""

import os
from pathlib import Path

TICK_US = 1_000_000 / os.sysconf("SC_CLK_TCK")


def cpu_us(pid: int) -> float:
    """CPU time of a single-threaded process, exact: from the scheduler's own account."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1000


def coarse_cpu_us(pid: int) -> float:
    """User and system time of a process in clock ticks: a cross-check of cpu_us."""
    user, system = _stat(pid)[11:13]
    return (int(user) + int(system)) * TICK_US


def memory_kib(pid: int, field: str) -> int:
    """A line of /proc/PID/status: VmHWM is the most that was ever resident, shared pages too."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1])
    raise KeyError(field)


def describe() -> dict:
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        "unknown",
    )
    return {"cpu": model, "cores": os.cpu_count(), "kernel": os.uname().release}


class Busy:
    """How busy the machine was between two moments, apart from what descends from `roots`."""

    def __init__(self, roots: list[int]):
        self._roots = roots
        self._before = (_machine_ticks(), _tree_ticks(roots))

    def others(self) -> float:
        """The share of the whole machine, 0 to 1, that processes other than ours used."""
        (busy_before, total_before), ours_before = self._before
        busy, total = _machine_ticks()
        ours = _tree_ticks(self._roots) - ours_before
        return max(0.0, (busy - busy_before - ours) / max(1, total - total_before))


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the third on (the second may hold blanks)."""
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()


def _machine_ticks() -> tuple[int, int]:
    """Ticks of user, nice, system and stolen time; and of all time."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    user, nice, system, idle, iowait, irq, softirq, steal = map(int, fields[:8])
    busy = user + nice + system + steal
    return busy, busy + idle + iowait + irq + softirq


def _tree_ticks(roots: list[int]) -> int:
    """Ticks of live descendants and, through their parents, of those that have ended."""
    parents, ticks = {}, {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = _stat(int(entry.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
        parents[int(entry.name)] = int(stat[1])
        ticks[int(entry.name)] = sum(map(int, stat[11:15]))
    return sum(ticks[pid] for pid in parents if _descends(pid, parents, roots))


def _descends(pid: int, parents: dict[int, int], roots: list[int]) -> bool:
    while pid in parents:
        if pid in roots:
            return True
        pid = parents[pid]
    return False
