"""A canned queue: the configuration of an nginx that answers as SQS does, from memory.

It is so fast that it is never what limits a consumer. Every receive brings ten messages with
message ids and receipt handles that no other receive had; every delete succeeds. Three queues, each
at a port of its own:

  near   messages of 164 bytes, the demo's own logins
  far    messages of 2 KB, and every reply comes 38 ms late
  empty  no messages; every request is written to a log

usage: canned.py FOLDER FIXTURE    writes FOLDER/nginx.conf and prints the endpoints, for a shell
"""

import hashlib
import json
import re
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

BATCH = 10
NEAR_BYTES = 164
FAR_BYTES = 2048
FAR_DELAY = 0.038  # seconds, each way together: what a consumer far from its region sees
QUEUE_PATH = "/000000000000/login-queue"

# nginx reads no word of its configuration that is longer.
LONGEST_WORD = 4000


@dataclass
class Ports:
    near: int
    far: int
    empty: int


def near_bodies(fixture: Path) -> list[str]:
    """Ten logins of exactly NEAR_BYTES from the demo's fixture."""
    lines = fixture.read_text(encoding="utf-8").splitlines()
    bodies = [line for line in lines if len(line) == NEAR_BYTES and "user_id" in line]
    if len(bodies) < BATCH:
        raise SystemExit(f"{fixture} has fewer than {BATCH} logins of {NEAR_BYTES} bytes")
    return bodies[:BATCH]


def far_bodies(fixture: Path) -> list[str]:
    """The same logins with a list of events behind them that fills them up to FAR_BYTES."""
    return [_filled(json.loads(body)) for body in near_bodies(fixture)]


def _filled(login: dict) -> str:
    login["events"] = []
    for number in range(FAR_BYTES):
        event = {"seq": number, "name": "screen_view", "ms": 1000 + 37 * number}
        longer = dict(login, events=login["events"] + [event], note="")
        if len(json.dumps(longer)) > FAR_BYTES:
            break
        login = longer
    login["note"] = "." * (FAR_BYTES - len(json.dumps(login)))
    return json.dumps(login)


def write_configuration(folder: Path, ports: Ports, fixture: Path) -> Path:
    """Writes FOLDER/nginx.conf for an nginx that touches nothing outside of FOLDER."""
    path = folder / "nginx.conf"
    path.write_text(_configuration(folder, ports, fixture), encoding="utf-8")
    return path


def _configuration(folder: Path, ports: Ports, fixture: Path) -> str:
    return f"""
load_module {_modules_folder()}/ngx_http_echo_module.so;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx.error.log;
events {{ worker_connections 2048; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    default_type application/x-amz-json-1.0;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
    client_header_buffer_size 8k;  # a whole request in one read
    client_body_buffer_size 64k;
    variables_hash_max_size 4096;
    {_fresh_id()}
    add_header x-amzn-RequestId $request_uuid;
    {_messages("near", near_bodies(fixture))}
    {_messages("far", far_bodies(fixture))}
    {_replies("near", ports.near)}
    {_replies("far", ports.far)}
    {_replies("empty", ports.empty)}
    log_format actions '$http_x_amz_target';
    server {{
        listen 127.0.0.1:{ports.near} backlog=512;
        location / {{ return 200 $near_reply; }}
    }}
    server {{
        listen 127.0.0.1:{ports.far} backlog=512;
        location / {{ echo_read_request_body; echo_sleep {FAR_DELAY}; echo_exec @far; }}
        location @far {{ return 200 $far_reply; }}
    }}
    server {{
        listen 127.0.0.1:{ports.empty} backlog=512;
        access_log {folder}/actions.log actions;
        location / {{ return 200 $empty_reply; }}
    }}
}}
"""


def _modules_folder() -> str:
    told = subprocess.run(["nginx", "-V"], capture_output=True, text=True, check=True).stderr
    found = re.search(r"--modules-path=(\S+)", told)
    return found.group(1) if found else "/usr/lib/nginx/modules"


def _fresh_id() -> str:
    """$request_uuid is new for each request; $id_stem is the same without its last digit."""
    digits = "(?<i1>.{8})(?<i2>.{4})(?<i3>.{4})(?<i4>.{4})(?<i5>.{11})(?<i6>.)"
    return (
        f'map $request_id $id_stem {{ "~^{digits}$" "$i1-$i2-$i3-$i4-$i5"; }}\n'
        f'    map $request_id $request_uuid {{ "~^{digits}$" "$i1-$i2-$i3-$i4-$i5$i6"; }}'
    )


def _messages(queue: str, bodies: list[str]) -> str:
    """A variable for each message of a receive: $near0 to $near9."""
    return "\n    ".join(
        _constant(f"{queue}{number}", _message(number, body)) for number, body in enumerate(bodies)
    )


def _message(number: int, body: str) -> str:
    sent_ms = str(time.time_ns() // 1_000_000)
    # As long as AWS's own handles usually are: about 180 characters.
    handle = f"AQEB{'Zm9vYmFy/+' * 14}${{request_id}}{number}x=="
    return json.dumps(
        {
            "MessageId": f"${{id_stem}}{number}",
            "ReceiptHandle": handle,
            "MD5OfBody": hashlib.md5(body.encode()).hexdigest(),
            "Body": body,
            "Attributes": {"SentTimestamp": sent_ms, "ApproximateReceiveCount": "1"},
        },
        separators=(",", ":"),
    )


def _replies(queue: str, port: int) -> str:
    """$near_reply: the answer to the action that the request names. Evaluated only when used."""
    entries = [{"Id": str(number)} for number in range(BATCH)]
    batch_done = json.dumps({"Successful": entries}, separators=(",", ":"))
    messages = ",".join(f"${queue}{number}" for number in range(BATCH))
    received = "{}" if queue == "empty" else f'{{"Messages":[{messages}]}}'
    url = json.dumps({"QueueUrl": f"http://127.0.0.1:{port}{QUEUE_PATH}"})
    replies = {
        "ReceiveMessage": received,
        "DeleteMessageBatch": batch_done,
        "ChangeMessageVisibilityBatch": batch_done,
        "DeleteMessage": "",
        "GetQueueUrl": url,
    }
    lines = [f"AmazonSQS.{action} {_word(reply)};" for action, reply in replies.items()]
    return f"map $http_x_amz_target ${queue}_reply {{ {' '.join(lines)} }}"


def _constant(name: str, value: str) -> str:
    """A variable: nginx has no other way to name a text that it puts together for each request."""
    return f'map "" ${name} {{ default {_word(value)}; }}'


def _word(text: str) -> str:
    """One word of nginx's configuration; $names in it are variables."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    if len(escaped) > LONGEST_WORD:
        raise ValueError(f"a word of {len(escaped)} bytes is too long for nginx")
    return f"'{escaped}'"


def _free_ports() -> Ports:
    """Ports that were free a moment ago."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    numbers = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return Ports(*numbers)


def main() -> None:
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    ports = _free_ports()
    write_configuration(Path(sys.argv[1]), ports, Path(sys.argv[2]))
    for name, port in vars(ports).items():
        print(f"{name}=http://127.0.0.1:{port}")


if __name__ == "__main__":
    main()
