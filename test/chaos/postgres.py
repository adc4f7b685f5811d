"""The private PostgreSQL: started here, killed by the killer, and started again whenever it is dead."""

import os
import signal
import subprocess
import threading
import time

import psycopg2

# A recovery on a busy machine; then something is wrong.
START_SECONDS = 60
_RETRY_SECONDS = 0.05

# Small and quick to recover. An asynchronous commit stays in shared memory for as long as it may, so
# that a kill takes it away. fsync makes no difference to a killed process.
_CONFIGURATION = """
listen_addresses = ''
unix_socket_directories = '{folder}'
fsync = off
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
        self.starts = 0
        subprocess.run(
            [f"{programs}/initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8",
             "--locale=C"],
            check=True, stdout=subprocess.DEVNULL)
        with open(f"{self.data}/postgresql.conf", "a", encoding="utf-8") as configuration:
            configuration.write(_CONFIGURATION.format(folder=folder))
        self._keeper = threading.Thread(target=self._keep_running, daemon=True)
        self._keeper.start()
        self.wait_until_up()

    @property
    def data(self) -> str:
        return f"{self._folder}/data"

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
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                return self.connect()
            except psycopg2.OperationalError:
                if time.monotonic() > deadline:
                    raise
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
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            self.starts += 1
            self._server.wait()
            time.sleep(_RETRY_SECONDS)


def _is_trouble(line: str) -> bool:
    if " PANIC: " in line or "TRAP: " in line:
        return True
    return "was terminated by signal" in line and "by signal 9:" not in line
