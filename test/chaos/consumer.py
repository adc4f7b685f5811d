"""A consuming session: carries out its statements, one after the other, past every error."""

import os
import socket
import threading
import time

import psycopg2

import shapes

# What the killer and the queue's troubles may do to a session. Anything else is a finding.
EXPECTED_ERRORS = {
    "": "the connection is gone",
    "08000": "connection",
    "08003": "connection",
    "08006": "the queue is out of reach",
    "22012": "division by zero, on purpose",
    "40001": "could not serialize access",
    "53000": "throttled",
    "57014": "cancelled",
    "57P01": "terminated",
    "57P02": "crash of another backend",
    "57P03": "the server is starting or stopping",
    "CHAOS": "a trigger of the target, on purpose",
}

# Short, so that a queue that does not answer costs a cycle little.
_SETTINGS = """
SET sqs_fdw.delete_timeout = '400ms';
SET sqs_fdw.release_timeout = '300ms';
SET lock_timeout = '10s';
"""


class Tally:
    """What the sessions of a run have seen; shared by their threads."""

    def __init__(self):
        self._lock = threading.Lock()
        self.statements = 0
        self.errors: dict = {}  # by SQLSTATE
        self.unexpected: list = []
        self.explained: dict = {}  # the counters of EXPLAIN ANALYZE

    def add_statement(self) -> None:
        with self._lock:
            self.statements += 1

    def add_error(self, statement: shapes.Statement, error: psycopg2.Error) -> None:
        code = error.pgcode or ""
        with self._lock:
            self.errors[code] = self.errors.get(code, 0) + 1
            if code not in EXPECTED_ERRORS:
                self.unexpected.append(f"{code} in {statement}: {error}".strip())

    def add_finding(self, text: str) -> None:
        with self._lock:
            self.unexpected.append(text)

    def add_explained(self, plan) -> None:
        with self._lock:
            for node in _nodes(plan):
                for name in ("Duplicates", "Contended"):
                    self.explained[name] = self.explained.get(name, 0) + node.get(name, 0)


def _nodes(tree):
    """Every object inside a plan."""
    if isinstance(tree, dict):
        yield tree
        tree = list(tree.values())
    if isinstance(tree, list):
        for part in tree:
            yield from _nodes(part)


class Consumer:
    """One session at a time, reconnected when it is lost. `carry_out` runs in a thread of the caller's."""

    def __init__(self, postgres, tally: Tally):
        self._postgres = postgres
        self._tally = tally
        self._connection = None
        self._pid = None
        self._busy = False

    @property
    def backend(self) -> int | None:
        """The process id of the backend, if it is running a statement of ours."""
        return self._pid if self._busy else None

    def carry_out(self, statements) -> None:
        for statement in statements:
            self._tally.add_statement()
            try:
                self._connect()
                self._prepare(statement)
                self._busy = True
                shapes.SHAPES[statement.shape](shapes.Run(self._connection, statement, self._tally))
            except psycopg2.Error as error:
                self._tally.add_error(statement, error)
                self._recover()
            except RuntimeError as error:
                self._tally.add_finding(str(error))
                return
            finally:
                self._busy = False

    def vanish(self) -> bool:
        """Ends the client's side of the connection, as a client that dies; whether there was one."""
        connection = self._connection
        if connection is None or connection.closed:
            return False
        try:
            with socket.socket(fileno=os.dup(connection.fileno())) as copy:
                copy.shutdown(socket.SHUT_RDWR)
        except (OSError, psycopg2.Error):
            return False
        return True

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _connect(self) -> None:
        if self._connection is None or self._connection.closed:
            self._connection = self._postgres.connect_when_up()
            self._pid = self._connection.get_backend_pid()
            self._connection.cursor().execute(_SETTINGS)

    def _prepare(self, statement: shapes.Statement) -> None:
        self._connection.cursor().execute(
            f"SET synchronous_commit = {statement.synchronous_commit};"
            f"SET default_transaction_isolation = '{statement.isolation.lower()}'")

    def _recover(self) -> None:
        """After an error: out of the transaction, or out of the connection."""
        try:
            self._connection.cursor().execute("ROLLBACK; DEALLOCATE ALL")
        except psycopg2.Error:
            self.close()


def run_together(consumers, lists_of_statements, seconds: float) -> list:
    """Each consumer carries out its list. Returns those that were not done in time."""
    threads = [
        threading.Thread(target=consumer.carry_out, args=(statements,), daemon=True)
        for consumer, statements in zip(consumers, lists_of_statements)
    ]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return [consumer for consumer, thread in zip(consumers, threads) if thread.is_alive()]
