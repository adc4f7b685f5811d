"""The private PostgreSQL: started here, killed by the killer, and started again whenever it is dead.

Its data directory is on a disk of pretence (power_off.c): after a power failure it has what had been
synced, and nothing else.
"""

import os
import shutil
import signal
import subprocess
import threading
import time

import psycopg2

# A recovery on a busy machine; then something is wrong.
START_SECONDS = 60
_RETRY_SECONDS = 0.05
# How often the server is looked at, and how long a checkpointer may be its only process.
_LOOK_SECONDS = 1
_ALONE_SECONDS = 5

# Small and quick to recover. An asynchronous commit stays in shared memory for as long as it may, so
# that a kill takes it away.
_CONFIGURATION = """
listen_addresses = ''
unix_socket_directories = '{folder}'
shared_buffers = 32MB
max_connections = 40
wal_writer_delay = 10s
max_prepared_transactions = 0
restart_after_crash = on
deadlock_timeout = 100ms
track_commit_timestamp = on
log_line_prefix = '%m [%p] '
log_min_error_statement = panic
"""


class Postgres:
    """One cluster in a folder. `programs` holds initdb and postgres."""

    def __init__(self, folder: str, programs: str):
        self._folder = folder
        self._programs = programs
        self.log_path = f"{folder}/postgresql.log"
        self._server = None
        self._restarts = True
        self._doomed: list = []  # the processes of a server whose power has failed
        self.starts = 0
        self.stuck_stops = 0  # those that PostgreSQL itself does not end
        # Small segments, since the whole one is copied when a part of it is synced.
        subprocess.run(
            [f"{programs}/initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8",
             "--locale=C", "--wal-segsize=1"],
            check=True, stdout=subprocess.DEVNULL)
        with open(f"{self.data}/postgresql.conf", "a", encoding="utf-8") as configuration:
            configuration.write(_CONFIGURATION.format(folder=folder))
        shutil.copytree(self.data, self._disk)
        self._environment = {**os.environ, **self._pretend_disk()}
        self._keeper = threading.Thread(target=self._keep_running, daemon=True)
        self._keeper.start()
        self.wait_until_up()

    @property
    def data(self) -> str:
        return f"{self._folder}/data"

    @property
    def _disk(self) -> str:
        return f"{self._folder}/disk"

    def _pretend_disk(self) -> dict:
        """Builds the library; returns the environment that makes a server use it."""
        library = f"{self._folder}/power_off.so"
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "power_off.c")
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
        return {"LD_PRELOAD": library, "CHAOS_DATA": self.data, "CHAOS_DISK": self._disk}

    @property
    def postmaster(self) -> int | None:
        server = self._server
        return None if server is None or server.poll() is not None else server.pid

    def connect(self):
        """A session in autocommit mode; raises psycopg2.OperationalError while the server is down."""
        connection = psycopg2.connect(
            host=self._folder, user="postgres", dbname="postgres", connect_timeout=START_SECONDS,
            options="-c client_min_messages=error")
        connection.autocommit = True
        return connection

    def connect_when_up(self):
        """The same, once it is up; raises RuntimeError when it does not come up."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                return self.connect()
            except psycopg2.OperationalError:
                if time.monotonic() > deadline:
                    raise RuntimeError("the server does not come up: see its log") from None
                time.sleep(_RETRY_SECONDS)

    def wait_until_up(self) -> None:
        self.connect_when_up().close()

    def query(self, sql: str, arguments=None) -> list:
        connection = self.connect_when_up()
        try:
            cursor = connection.cursor()
            cursor.execute(sql, arguments)
            return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def signal_postmaster(self, number: int) -> None:
        postmaster = self.postmaster
        if postmaster is not None:
            os.kill(postmaster, number)

    def fail_power(self) -> bool:
        """Kills every process; the next start finds what is on the disk. Whether there was a server."""
        postmaster = self.postmaster
        if postmaster is None or self._doomed:
            return False
        # Only when it has come to rest are there no more children to come.
        os.kill(postmaster, signal.SIGSTOP)
        while _is_running(postmaster) and _status_of(postmaster)[:1] != ["T"]:
            time.sleep(_RETRY_SECONDS / 10)
        self._doomed = _children_of(postmaster) + [postmaster]
        for pid in self._doomed:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass  # it has ended by itself
        return True

    def _restore_disk(self) -> None:
        """When all are dead: the data directory becomes what is on the disk."""
        while any(_is_running(pid) for pid in self._doomed):
            time.sleep(_RETRY_SECONDS)
        # It tells the next postmaster of shared memory that is left; missing early and late in a
        # server's life.
        lock, kept = f"{self.data}/postmaster.pid", f"{self._folder}/postmaster.pid"
        if os.path.exists(lock):
            shutil.move(lock, kept)
        shutil.rmtree(self.data)
        shutil.copytree(self._disk, self.data)
        if os.path.exists(kept):
            shutil.move(kept, lock)
        self._doomed = []

    def stop(self) -> None:
        self._restarts = False
        deadline = time.monotonic() + START_SECONDS
        while self._keeper.is_alive():
            self.signal_postmaster(signal.SIGINT if time.monotonic() < deadline else signal.SIGQUIT)
            self._keeper.join(1)

    def trouble_in_log(self) -> list:
        """Lines that no kill explains: a crash of the server's own making, a PANIC."""
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return [line.rstrip() for line in log if _is_trouble(line)]

    def _keep_running(self) -> None:
        while self._restarts:
            with open(self.log_path, "a", encoding="utf-8") as log:
                # Where orphans of a killed postmaster still hold its shared memory, this ends at
                # once, and is tried again.
                self._server = subprocess.Popen(
                    [f"{self._programs}/postgres", "-D", self.data],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._environment)
            self.starts += 1
            self._wait_for_end()
            if self._doomed:
                self._restore_disk()
            time.sleep(_RETRY_SECONDS)

    def _wait_for_end(self) -> None:
        """Until the server has ended, by itself or because it hangs in a way that is PostgreSQL's own.

        A fast shutdown that comes between a crash's restart and its first replayed record waits for
        ever for a checkpointer that nobody has told: 15.20 without any extension does so, too.
        """
        alone_since = None
        while True:
            try:
                self._server.wait(_LOOK_SECONDS)
                return
            except subprocess.TimeoutExpired:
                pass
            titles = [_title_of(pid) for pid in _children_of(self._server.pid)]
            # From 18 on, the checkpointer has helpers for its input and output.
            titles = [title for title in titles if not title.startswith("postgres: io worker")]
            if titles != ["postgres: checkpointer"]:
                alone_since = None
            elif alone_since is None:
                alone_since = time.monotonic()
            elif time.monotonic() - alone_since > _ALONE_SECONDS:
                self.stuck_stops += 1
                self.signal_postmaster(signal.SIGQUIT)


def _title_of(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as title:
            return title.read().rstrip("\0 ")
    except OSError:
        return ""


def _status_of(pid: int) -> list:
    """The fields of /proc/PID/stat behind the name: state, parent, ...; empty for no process."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as status:
            return status.read().rpartition(")")[2].split()
    except OSError:
        return []


def _children_of(parent: int) -> list:
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return [pid for pid in pids if _status_of(pid)[1:2] == [str(parent)]]


def _is_running(pid: int) -> bool:
    return _status_of(pid)[:1] not in ([], ["Z"])


def _is_trouble(line: str) -> bool:
    if " PANIC: " in line or "TRAP: " in line:
        return True
    return "was terminated by signal" in line and "by signal 9:" not in line
