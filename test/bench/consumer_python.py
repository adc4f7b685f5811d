#!/usr/bin/env python3
"""The same job as Python scripts do it, for comparison.

usage: consumer_python.py batched|row-by-row ENDPOINT MESSAGES

`batched` is the well-made one: receives ten messages at a time, masks with AES-SIV, inserts 500
rows with one statement, commits, then deletes ten at a time: as few round trips as SQS and SQL
allow. `row-by-row` is what most published scripts do: one INSERT, one commit and one DeleteMessage
for each message.

Prints one JSON object: messages, client_us and backend_us (CPU, user and system) and wall_us.
PostgreSQL is found through libpq's environment.
"""

import base64
import ipaddress
import json
import sys
import time
from datetime import datetime, timezone

import boto3
import psycopg
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from machine import cpu_us

BATCH = 10
ROWS = 500
KEY = AESSIV(bytes(range(64)))
INSERT_ONE = "INSERT INTO user_logins VALUES (%s, %s, %s, %s, %s, %s, %s)"
# The cheapest of the ways to insert many rows with psycopg, for client and server alike: against
# VALUES with a parameter for each value it saves half of the client's time.
INSERT_MANY = """
    INSERT INTO user_logins
    SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::int[],
                         %s::date[])"""


def mask(value: str | None, domain: bytes) -> str | None:
    if value is None:
        return None
    sealed = KEY.encrypt(value.encode(), [domain])
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def mask_ip(text: str | None) -> str | None:
    return None if text is None else mask(ipaddress.ip_address(text).compressed, b"ip")


def version_to_int(text: str | None) -> int | None:
    if text is None:
        return None
    parts = [int(part) for part in text.split(".")] + [0, 0]
    return parts[0] << 16 | parts[1] << 8 | parts[2]


def row(message: dict) -> tuple:
    login = json.loads(message["Body"])
    sent_ms = int(message["Attributes"]["SentTimestamp"])
    return (
        login["user_id"],
        login.get("device_type"),
        mask_ip(login.get("ip")),
        mask(login.get("device_id"), b"device_id"),
        login.get("locale"),
        version_to_int(login.get("app_version")),
        login.get("create_date") or datetime.fromtimestamp(sent_ms / 1000, timezone.utc).date(),
    )


def receive(sqs, url: str) -> list[dict]:
    reply = sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=BATCH,
        WaitTimeSeconds=1,
        MessageSystemAttributeNames=["SentTimestamp"],
    )
    messages = reply.get("Messages", [])
    if not messages:
        raise SystemExit("the queue is empty")
    return messages


def delete(sqs, url: str, messages: list[dict]) -> None:
    for first in range(0, len(messages), BATCH):
        entries = [
            {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
            for number, message in enumerate(messages[first : first + BATCH])
        ]
        reply = sqs.delete_message_batch(QueueUrl=url, Entries=entries)
        if reply.get("Failed"):
            raise SystemExit("a delete failed")


def consume_batched(sqs, url: str, connection, wanted: int) -> int:
    done = 0
    while done < wanted:
        messages: list[dict] = []
        while len(messages) < min(ROWS, wanted - done):
            messages += receive(sqs, url)
        columns = [list(column) for column in zip(*map(row, messages))]
        with connection.transaction():
            connection.execute(INSERT_MANY, columns)
        delete(sqs, url, messages)
        done += len(messages)
    return done


def consume_row_by_row(sqs, url: str, connection, wanted: int) -> int:
    done = 0
    while done < wanted:
        for message in receive(sqs, url):
            connection.execute(INSERT_ONE, row(message))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            done += 1
    return done


CONSUMERS = {"batched": consume_batched, "row-by-row": consume_row_by_row}


def measure(consume, endpoint: str, wanted: int) -> dict:
    sqs = boto3.client(
        "sqs",
        region_name="us-east-1",
        endpoint_url=endpoint,
        aws_access_key_id="bench",
        aws_secret_access_key="bench",
    )
    url = sqs.get_queue_url(QueueName="login-queue")["QueueUrl"]
    with psycopg.connect("", autocommit=True) as connection:
        backend = connection.info.backend_pid
        backend_before, client_before = cpu_us(backend), time.process_time_ns()
        started = time.monotonic_ns()
        messages = consume(sqs, url, connection, wanted)
        return {
            "messages": messages,
            "client_us": (time.process_time_ns() - client_before) / 1000,
            "backend_us": cpu_us(backend) - backend_before,
            "wall_us": (time.monotonic_ns() - started) / 1000,
        }


def main() -> None:
    if len(sys.argv) != 4 or sys.argv[1] not in CONSUMERS:
        raise SystemExit(__doc__)
    print(json.dumps(measure(CONSUMERS[sys.argv[1]], sys.argv[2], int(sys.argv[3]))))


main()
