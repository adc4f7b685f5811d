"""A canned queue: the configuration of an nginx that answers as SQS does, from memory.

It is so fast that it is never what limits a consumer. Every receive brings ten messages that were
sent just now, with random message ids and receipt handles that no other receive had; every delete
succeeds. Queues, each at a port of its own:

  near   messages of 164 bytes, the demo's own logins
  again  the same, delivered for the second time
  few    the same, but 1 % have a date that is none
  half   the same, but 50 % have
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
from dataclasses import dataclass, fields
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
    again: int
    few: int
    half: int
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


def bad_bodies(fixture: Path) -> list[str]:
    """The logins of near_bodies, none of which converts."""
    logins = [json.loads(body) | {"create_date": "2026-02-30"} for body in near_bodies(fixture)]
    return [json.dumps(login, separators=(",", ":")) for login in logins]


def write_configuration(folder: Path, ports: Ports, fixture: Path) -> Path:
    """Writes FOLDER/nginx.conf for an nginx that touches nothing outside of FOLDER."""
    path = folder / "nginx.conf"
    path.write_text(_configuration(folder, ports, fixture), encoding="utf-8")
    return path


def _configuration(folder: Path, ports: Ports, fixture: Path) -> str:
    good, bad = near_bodies(fixture), bad_bodies(fixture)
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
    {_fresh_ids()}
    add_header x-amzn-RequestId $request_uuid;
    split_clients $request_uuid $one_in_ten {{ 10% 1; * 0; }}
    {_messages("near", good)}
    {_messages("again", good, receive_count=2)}
    {_messages("half", bad[: BATCH // 2] + good[BATCH // 2 :])}
    {_either("few0", "$one_in_ten", _message(0, bad[0]), _message(0, good[0]))}
    {_messages("few", good, first=1)}
    {_messages("far", far_bodies(fixture))}
    {_all_replies(ports)}
    log_format actions '$http_x_amz_target';
    {_plain_server("near", ports.near)}
    {_plain_server("again", ports.again)}
    {_plain_server("few", ports.few)}
    {_plain_server("half", ports.half)}
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


def _plain_server(queue: str, port: int) -> str:
    return (
        f"server {{ listen 127.0.0.1:{port} backlog=512;"
        f" location / {{ return 200 ${queue}_reply; }} }}"
    )


def _all_replies(ports: Ports) -> str:
    return "\n    ".join(_replies(queue, port) for queue, port in vars(ports).items())


def _modules_folder() -> str:
    told = subprocess.run(["nginx", "-V"], capture_output=True, text=True, check=True).stderr
    found = re.search(r"--modules-path=(\S+)", told)
    return found.group(1) if found else "/usr/lib/nginx/modules"


def _fresh_ids() -> str:
    """$request_uuid is new for each request, and leaves its bytes in $b0 to $b15; $now_ms is the
    time in milliseconds."""
    captures = "".join(f"(?<b{number}>..)" for number in range(16))
    return (
        f'map $request_id $request_uuid {{ "~^{captures}$" "{_uuid(0)}"; }}\n'
        '    map $msec $now_ms { "~^(?<s>[0-9]+)[.](?<ms>[0-9]+)$" "$s$ms"; }'
    )


def _uuid(turn: int) -> str:
    """The bytes of $request_uuid turned by some places: as random as the first, and no neighbour of
    it in an index."""
    digits = [f"${{b{(turn + place) % 16}}}" for place in range(16)]
    parts = (digits[:4], digits[4:6], digits[6:8], digits[8:10], digits[10:])
    return "-".join("".join(part) for part in parts)


def _messages(queue: str, bodies: list[str], first: int = 0, receive_count: int = 1) -> str:
    """A variable for each message of a receive: $near0 to $near9."""
    return "\n    ".join(
        _constant(f"{queue}{number}", _message(number, bodies[number], receive_count))
        for number in range(first, BATCH)
    )


def _message(number: int, body: str, receive_count: int = 1) -> str:
    # The first one's id is asked for first, which is what fills the bytes of the others.
    message_id = _uuid(number) if number > 0 else "${request_uuid}"
    # As long as AWS's own handles usually are: about 180 characters.
    handle = f"AQEB{'Zm9vYmFy/+' * 14}${{request_id}}{number}x=="
    return json.dumps(
        {
            "MessageId": message_id,
            "ReceiptHandle": handle,
            "MD5OfBody": hashlib.md5(body.encode()).hexdigest(),
            "Body": body,
            "Attributes": {"SentTimestamp": "${now_ms}", "ApproximateReceiveCount": str(receive_count)},
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
        "GetQueueAttributes": '{"Attributes":{"MessageRetentionPeriod":"345600"}}',
    }
    lines = [f"AmazonSQS.{action} {_word(reply)};" for action, reply in replies.items()]
    return f"map $http_x_amz_target ${queue}_reply {{ {' '.join(lines)} }}"


def _constant(name: str, value: str) -> str:
    """A variable: nginx has no other way to name a text that it puts together for each request."""
    return f'map "" ${name} {{ default {_word(value)}; }}'


def _either(name: str, condition: str, if_one: str, otherwise: str) -> str:
    """A variable that depends on another one."""
    return f"map {condition} ${name} {{ 1 {_word(if_one)}; default {_word(otherwise)}; }}"


def _word(text: str) -> str:
    """One word of nginx's configuration; $names in it are variables."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    if len(escaped) > LONGEST_WORD:
        raise ValueError(f"a word of {len(escaped)} bytes is too long for nginx")
    return f"'{escaped}'"


def _free_ports() -> Ports:
    """Ports that were free a moment ago."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in fields(Ports)]
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
