#!/usr/bin/env python3
"""Fuzzes the way from a message to a row: conversion in a real server, over and over.

usage: rows.py       with a PostgreSQL of libpq's environment that has the extension (see run)

Each round puts messages into a queue of this process, runs INSERT … SELECT on it, in one of three
databases and with one of the on_error modes, and looks at what came of it: the backend lives, no
error but those of data, each message is a row or was rejected (or the statement failed as a
whole), the row holds what the body says, and no value is in a message or in the server's log.

FUZZ_SECONDS (20) bounds the run. Everything follows from a seed, which is printed:
FUZZ_SEED=… runs the same rounds, FUZZ_ROUND=… a single one. Findings go to build/fuzz/findings.
"""

import json
import os
import re
import secrets
import sys
import time
from pathlib import Path

import addresses
from bodies import COLUMNS, SENTINEL, Maker
from canned_sqs import Message, Queue, Server
from expected import ENCODINGS, judge, same_document
from session import Lost, Result, Session

DATABASES = {"utf8": "UTF8", "latin1": "LATIN1", "ascii": "SQL_ASCII"}
FINDINGS = Path("build/fuzz/findings")

# Data exceptions, integrity violations, too deeply nested values, and what some types of the server
# say of bad ones: what rejects a message.
DATA_ERROR = re.compile(r"22...|23...|54001|42601|54000")
BAD_REPLY = "08P01"
REJECTED = re.compile(r"WARNING:.*?(\d+) messages? of queue")

# Of a row of the table landed: who it is, and what can be compared.
COMPARED = "message_id, coalesce(encode(textsend(txt), 'hex'), 'null'), doc"


class Finding(Exception):
    """Something that must not be."""


def require(condition: bool, what: str) -> None:
    if not condition:
        raise Finding(what)


class Round:
    """One round: which database and mode, which messages. Made again from its seed alone."""

    def __init__(self, seed: str, number: int):
        self.number = number
        self.maker = Maker(f"{seed}/{number}")
        choose = self.maker.random
        self.database = choose.choice(list(DATABASES))
        self.on_error = choose.choice(["leave", "leave", "abort"])
        self.spoiled = choose.random() < 0.04
        self.condition = choose.random() < 0.15
        count = choose.choice([1, 5, 10, 11, 50, 100])
        wrong = choose.choice([0.0, 0.05, 0.5, 1.0])
        if self.on_error == "abort":
            wrong = choose.choice([0.0, 0.0, 1 / count])
        self.bodies = [self.maker.body(wrong) for _ in range(count)]
        as_ascii = choose.random() < 0.5
        self.messages = [
            Message(f"{number}-{index}", body.text, as_ascii)
            for index, body in enumerate(self.bodies)
        ]

    @property
    def statement(self) -> str:
        where = " WHERE right(message_id, 1) <> '3'" if self.condition else ""
        return f"INSERT INTO landed SELECT * FROM inbox_{self.on_error}{where}"

    def passes(self, message: Message) -> bool:
        return not (self.condition and message.id.endswith("3"))

    def verdicts(self) -> dict:
        return {
            message.id: judge(body.text, body.good, self.database)
            for message, body in zip(self.messages, self.bodies)
            if self.passes(message)
        }


class Log:
    """The server's log, read on from where the last look ended."""

    def __init__(self, path: Path):
        self._file = path.open("rb")
        self._file.seek(0, os.SEEK_END)

    def news(self) -> str:
        return self._file.read().decode("utf-8", "replace")


class Fuzzer:
    def __init__(self, seed: str):
        self.seed = seed
        self.server = Server(["leave", "abort"])
        self.sessions = {database: self._prepare(database) for database in DATABASES}
        self.log = Log(Path(os.environ["PGHOST"]) / "postgresql.log")
        self.statements = self.messages = self.rows = self.rejected = self.aborted = (
            self.spoiled
        ) = 0
        self.addresses = 0

    def _prepare(self, database: str) -> Session:
        admin = Session("postgres", "utf-8")
        made = admin.run(
            f"CREATE DATABASE {database} TEMPLATE template0 ENCODING '{DATABASES[database]}' "
            "LC_COLLATE 'C' LC_CTYPE 'C'"
        )
        admin.close()
        require(made.error == "", made.said)
        session = Session(database, ENCODINGS[database])
        # As talkative as can be, but for the statements.
        session.run("SET log_min_messages = debug1; SET log_error_verbosity = verbose")
        definitions = ",\n".join(f"{name} {kind}" for name, (kind, _) in COLUMNS.items())
        attributes = """message_id text OPTIONS (attribute 'message_id'),
            sent timestamptz OPTIONS (attribute 'sent_timestamp')"""
        tables = "".join(
            f"CREATE FOREIGN TABLE inbox_{mode} ({definitions}, {attributes}) SERVER aws "
            f"OPTIONS (queue '{mode}', wait_time_seconds '0', on_error '{mode}');"
            for mode in ("leave", "abort")
        )
        made = session.run(f"""CREATE EXTENSION sqs_fdw;
            CREATE SERVER aws FOREIGN DATA WRAPPER sqs_fdw
                OPTIONS (region 'us-east-1', endpoint '{self.server.endpoint}', max_connections '4');
            CREATE USER MAPPING FOR CURRENT_USER SERVER aws
                OPTIONS (access_key_id 'test', secret_access_key 'test');
            CREATE TYPE mood AS ENUM ('glad', 'sad');
            CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
            CREATE TYPE point_in_time AS (number integer, name text);
            {tables}
            CREATE TABLE landed ({definitions}, message_id text, sent timestamptz)""")
        require(made.error == "", made.said)
        return session

    # ------------------------------------------------------------------------------- one round

    def play(self, number: int) -> None:
        this = Round(self.seed, number)
        queue = self.server.queues[this.on_error]
        session = self.sessions[this.database]
        queue.fill(this.messages, this.maker.spoil if this.spoiled else None)
        result = session.run(this.statement)
        self.statements += 1
        self.messages += len(this.messages)
        self._look_for_values(this, result)
        require(session.backend() == session.pid, "the backend is another one")
        landed = session.run(f"SELECT {COMPARED} FROM landed")
        require(session.run("TRUNCATE landed").error == "", "the table cannot be emptied")
        if this.spoiled:
            self._check_spoiled(this, result, landed)
        elif this.on_error == "abort":
            self._check_abort(this, result, landed, queue)
        else:
            self._check_leave(this, result, landed, queue)
        if number % 10 == 0:
            self._check_addresses(this, session)

    def _look_for_values(self, this: Round, result: Result) -> None:
        for place, text in (("a message", result.said), ("the log", self.log.news())):
            found = re.search(rf"^.*(?:{SENTINEL.pattern}).*$", text, re.MULTILINE | re.IGNORECASE)
            require(found is None, f"a value is in {place}: {found and found.group()}")
        require("PANIC" not in result.said and "FATAL" not in result.said, result.said)
        unexpected = re.findall(
            r"^WARNING:(?!.*(?:messages? of queue)).*$", result.said, re.MULTILINE
        )
        require(not unexpected, f"a warning that nobody expects: {unexpected}")

    def _check_failed(self, result: Result, landed: Result, queue: Queue) -> None:
        nothing = not landed.lines and not queue.deleted
        require(nothing, f"a failed statement left something behind: {result.said}")
        self.aborted += 1

    def _check_leave(self, this: Round, result: Result, landed: Result, queue: Queue) -> None:
        require(result.error == "", f"on_error 'leave' fails: {result.said}")
        found = REJECTED.search(result.said)
        rejected = int(found.group(1)) if found else 0
        verdicts = this.verdicts()
        require(
            len(landed.lines) + rejected == len(verdicts),
            f"{len(landed.lines)} rows and {rejected} rejected of {len(verdicts)} messages",
        )
        ids = self._check_landed(this, verdicts, landed)
        for message_id, verdict in verdicts.items():
            if verdict.rejected is not None:
                outcome = "became a row" if message_id in ids else "was rejected"
                require(verdict.rejected != (message_id in ids), f"message {message_id} {outcome}")
        handles = {message.handle: message.id for message in this.messages}
        deleted = {handles[handle] for handle in queue.deleted}
        require(deleted == ids, "other messages were deleted than became rows")
        require(
            {handles[handle] for handle in queue.released} == set(handles.values()) - ids,
            "not all that were left are released",
        )
        self.rows += len(ids)
        self.rejected += rejected

    def _check_abort(self, this: Round, result: Result, landed: Result, queue: Queue) -> None:
        verdicts = this.verdicts()
        if result.error:
            known = DATA_ERROR.fullmatch(result.error)
            require(known is not None, f"an error that is not of data: {result.said}")
            self._check_failed(result, landed, queue)
            require(
                any(verdict.rejected is not False for verdict in verdicts.values()),
                f"nothing is wrong with the messages: {result.said}",
            )
            return
        require("WARNING" not in result.said, f"a warning: {result.said}")
        ids = self._check_landed(this, verdicts, landed)
        require(ids == set(verdicts), "a statement that succeeded did not take all messages")
        require(
            not any(verdict.rejected for verdict in verdicts.values()), "a bad message became a row"
        )
        handles = {message.handle: message.id for message in this.messages}
        deleted = {handles[handle] for handle in queue.deleted}
        require(deleted == ids, "other messages were deleted than became rows")
        self.rows += len(ids)

    # A reply that is none may fail as a whole, or hold messages that nobody sent.
    def _check_spoiled(self, this: Round, result: Result, landed: Result) -> None:
        self.spoiled += 1
        allowed = result.error in ("", BAD_REPLY) or DATA_ERROR.fullmatch(result.error)
        require(bool(allowed), f"an error that is not the reply's: {result.said}")
        require(len(landed.lines) <= len(this.messages), "more rows than messages")
        require(not result.error or not landed.lines, "a failed statement left rows behind")

    def _check_landed(self, this: Round, verdicts: dict, landed: Result) -> set:
        require(landed.error == "", landed.said)
        ids = set()
        texts = {message.id: message.body for message in this.messages}
        for line in landed.lines:
            message_id, text, document = line.split("|", 2)
            require(
                message_id in verdicts and message_id not in ids, f"message {message_id} is a row"
            )
            ids.add(message_id)
            verdict = verdicts[message_id]
            if verdict.knows_text:
                wanted = "null"
                if verdict.text is not None:
                    wanted = verdict.text.encode(ENCODINGS[this.database]).hex()
                require(text == wanted, f"message {message_id}: txt is not what the body says")
            if verdict.rejected is not None:
                same = same_document(texts[message_id], document)
                require(same, f"message {message_id}: doc is not the body's")
        return ids

    # Equal addresses have equal masks, and masks open to what was masked.
    def _check_addresses(self, this: Round, session: Session) -> None:
        texts = [addresses.make(this.maker.random) for _ in range(20)]
        plain = [addresses.canonical(text) for text in texts]
        rows = ",".join(
            f"($${text}$$, {'NULL' if same is None else f'$${same}$$'})"
            for text, same in zip(texts, plain)
        )
        result = session.run(
            f"""SELECT CASE WHEN same IS NOT NULL THEN mask = sqs.mask_ip(same) AND mask LIKE 'i1.k1.%'
                        AND sqs.unmask_ip(mask) = same::inet
                    WHEN mask LIKE 'i1.%' THEN sqs.mask_ip(sqs.unmask_ip(mask)) = mask
                    ELSE sqs.unmask(mask, 'ip') = btrim(address, E' \\t\\n\\r\\f\\v') END
            FROM (SELECT address, same, sqs.mask_ip(address) AS mask
                  FROM (VALUES {rows}) AS given (address, same)) AS masked"""
        )
        require(result.error == "", result.said)
        wrong = [text for text, line in zip(texts, result.lines) if line != "t"]
        require(
            len(result.lines) == len(texts) and not wrong, f"masks of addresses are wrong: {wrong}"
        )
        self.addresses += len(texts)


def keep_finding(seed: str, number: int, what: str) -> Path:
    FINDINGS.mkdir(parents=True, exist_ok=True)
    path = FINDINGS / f"rows-{seed}-{number}.json"
    this = Round(seed, number)
    record = {
        "what": what,
        "database": this.database,
        "statement": this.statement,
        "bodies": [body.text for body in this.bodies],
    }
    path.write_text(json.dumps(record, indent=1), encoding="utf-8")
    return path


def run(seed: str, seconds: float, only: int | None) -> bool:
    fuzzer = Fuzzer(seed)
    began = time.monotonic()
    number = 0 if only is None else only
    while True:
        try:
            fuzzer.play(number)
        except (Finding, Lost) as finding:
            path = keep_finding(seed, number, str(finding))
            print(f"rows: {type(finding).__name__.lower()} in round {number}: {finding}")
            print(f"rows: its messages are in {path}; to run it again:")
            print(f"rows: FUZZ_SEED={seed} FUZZ_ROUND={number} test/fuzz/rows/run")
            return False
        number += 1
        if only is not None or time.monotonic() - began >= seconds:
            break
    took = time.monotonic() - began
    print(
        f"rows: {fuzzer.statements} statements on {fuzzer.messages} messages in {took:.0f} s, "
        f"{fuzzer.messages / took:.0f} messages/s: {fuzzer.rows} rows, {fuzzer.rejected} rejected, "
        f"{fuzzer.aborted} statements aborted, {fuzzer.spoiled} with a spoiled reply, "
        f"{fuzzer.addresses} addresses"
    )
    for session in fuzzer.sessions.values():
        session.close()
    return True


def main() -> int:
    seed = os.environ.get("FUZZ_SEED") or secrets.token_hex(4)
    only = os.environ.get("FUZZ_ROUND")
    print(f"rows: seed {seed}", flush=True)
    passed = run(seed, float(os.environ.get("FUZZ_SECONDS") or 20), int(only) if only else None)
    print(f"fuzz-rows: {int(passed)} passed, {int(not passed)} failed")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
