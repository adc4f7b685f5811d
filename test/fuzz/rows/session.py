"""One psql that stays connected to one database: statements in, rows and messages out, as bytes."""

import re
import subprocess
from dataclasses import dataclass

_MARK = b"--- done ---"
# How the lines of a verbose message begin; all others are rows.
_MESSAGE = re.compile(
    r"(?:psql:.*: )?(?:ERROR|FATAL|PANIC|WARNING|NOTICE|INFO|LOG|DEBUG\d?|DETAIL|HINT|CONTEXT|LOCATION|"
    r"LINE \d+|QUERY|STATEMENT|(?:SCHEMA|TABLE|COLUMN|DATATYPE|CONSTRAINT) NAME): "
)


class Lost(Exception):
    """The session ended."""


@dataclass
class Result:
    lines: list[str]  # rows, unaligned
    said: str  # errors, warnings and notices, verbose
    sqlstate: str
    row_count: int

    @property
    def error(self) -> str:
        """The SQLSTATE of an error, or ""."""
        found = re.search(r"(?:ERROR|FATAL|PANIC):\s+(\w{5}):", self.said)
        return found.group(1) if found else ""


class Session:
    def __init__(self, database: str, encoding: str):
        self.encoding = encoding
        self._psql = subprocess.Popen(
            ["psql", "-X", "-q", "-A", "-t", "-d", database, "-v", "VERBOSITY=verbose"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        # What comes is in the database's own encoding.
        self.run("SET client_encoding = 'SQL_ASCII'; SET statement_timeout = '60s'")
        self.pid = self.backend()

    def backend(self) -> int:
        return int(self.run("SELECT pg_backend_pid()").lines[0])

    def run(self, sql: str) -> Result:
        """Runs a statement; an error is a result. Lost where the backend or psql is gone."""
        try:
            self._psql.stdin.write(
                sql.encode() + b";\n\\echo " + _MARK + b" :SQLSTATE :ROW_COUNT\n"
            )
            self._psql.stdin.flush()
        except OSError as error:
            raise Lost("psql ended") from error
        lines, said = [], []
        for raw in self._psql.stdout:
            line = raw.decode(self.encoding, "replace").rstrip("\n")
            if raw.startswith(_MARK):
                _, sqlstate, rows = line[len(_MARK) :].split(" ")
                return Result(lines, "\n".join(said), sqlstate, int(rows))
            if _MESSAGE.match(line):
                said.append(line)
            else:
                lines.append(line)
        raise Lost("\n".join(lines + said) or "psql ended")

    def close(self) -> None:
        self._psql.stdin.close()
        self._psql.wait()
