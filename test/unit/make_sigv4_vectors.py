#!/usr/bin/env python3
"""Writes sigv4_vectors.h: SQS-style requests as botocore signs them, stage by stage.

Run by hand when cases are added; the result is checked in, so tests need no botocore:

    python3 -m venv venv && venv/bin/pip install botocore
    venv/bin/python test/unit/make_sigv4_vectors.py > test/unit/sigv4_vectors.h
"""

import datetime
import json
from unittest import mock

import botocore
import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TOKEN = "IQoJb3JpZ2luX2VjEXAMPLE//////////" + "wEaCXVzLWVhc3QtMSJHMEUCIQ" * 12 + "=="
QUEUE = "https://sqs.us-east-1.amazonaws.com/123456789012/logins"


def case(name, action, body, **other):
    """One request. Bodies that are not bytes are sent as compact JSON."""
    if not isinstance(body, bytes):
        body = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    made = {
        "name": name,
        "time": "2026-02-28T23:59:59",
        "region": "us-east-1",
        "service": "sqs",
        "url": "https://sqs.us-east-1.amazonaws.com/",
        "headers": [
            ("Content-Type", "application/x-amz-json-1.0"),
            ("X-Amz-Target", "AmazonSQS." + action),
        ],
        "key": "AKIDEXAMPLE",
        "secret": SECRET,
        "token": "",
        "body": body,
    }
    made.update(other)
    return made


def receive(**more):
    return {"QueueUrl": QUEUE, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 20, **more}


JSON_TYPE = ("Content-Type", "application/x-amz-json-1.0")
TARGET = ("X-Amz-Target", "AmazonSQS.ReceiveMessage")
HANDLES = [{"Id": str(i), "ReceiptHandle": f"AQEBexample+/={i}" * 12} for i in range(10)]

CASES = [
    case("receive", "ReceiveMessage", receive()),
    case("receive_with_token", "ReceiveMessage", receive(), token=TOKEN),
    case("receive_all_attributes", "ReceiveMessage",
         receive(MessageSystemAttributeNames=["All"], MessageAttributeNames=["All"])),
    case("delete_batch_of_ten", "DeleteMessageBatch", {"QueueUrl": QUEUE, "Entries": HANDLES}),
    case("delete_batch_with_token", "DeleteMessageBatch",
         {"QueueUrl": QUEUE, "Entries": HANDLES}, token=TOKEN),
    case("change_visibility", "ChangeMessageVisibilityBatch",
         {"QueueUrl": QUEUE, "Entries": [dict(h, VisibilityTimeout=0) for h in HANDLES]}),
    case("get_queue_url", "GetQueueUrl", {"QueueName": "logins"}),
    case("get_queue_url_of_another_account", "GetQueueUrl",
         {"QueueName": "logins.fifo", "QueueOwnerAWSAccountId": "210987654321"}),
    case("get_queue_attributes", "GetQueueAttributes",
         {"QueueUrl": QUEUE, "AttributeNames": ["All"]}),
    case("send_latin", "SendMessage", {"QueueUrl": QUEUE, "MessageBody": "naïve café"}),
    case("send_chinese", "SendMessage", {"QueueUrl": QUEUE, "MessageBody": "消息隊列"}),
    case("send_emoji", "SendMessage", {"QueueUrl": QUEUE, "MessageBody": "\U0001f680\U0001f9ea"}),
    case("send_escapes", "SendMessage",
         {"QueueUrl": QUEUE, "MessageBody": "quote \" backslash \\ tab \t line\nend \x01"}),
    case("send_64_kb", "SendMessage", {"QueueUrl": QUEUE, "MessageBody": "0123456789abcdef" * 4096}),
    case("empty_body", "ListQueues", b""),
    case("empty_object", "ListQueues", {}),
    case("binary_body", "SendMessage", bytes(range(256))),
    case("loopback_with_port", "ReceiveMessage", receive(), url="http://127.0.0.1:9324/"),
    case("ipv6_with_port", "ReceiveMessage", receive(), url="http://[::1]:9324/"),
    case("name_with_port_and_token", "ReceiveMessage", receive(),
         url="http://localhost:4566/", token=TOKEN),
    case("path", "ReceiveMessage", receive(), url="https://proxy.example.com/sqs/v1_0/~a-b.c/"),
    case("china", "ReceiveMessage", receive(), region="cn-northwest-1",
         url="https://sqs.cn-northwest-1.amazonaws.com.cn/"),
    case("gov", "ReceiveMessage", receive(), region="us-gov-west-1",
         url="https://sqs.us-gov-west-1.amazonaws.com/"),
    case("fips_dual_stack", "ReceiveMessage", receive(), region="ca-central-1",
         url="https://sqs-fips.ca-central-1.api.aws/"),
    case("vpc_endpoint", "ReceiveMessage", receive(), region="eu-west-3",
         url="https://vpce-0abc-1xyz.sqs.eu-west-3.vpce.amazonaws.com/"),
    case("local_region_name", "ReceiveMessage", receive(), region="elasticmq",
         url="http://localhost:9324/"),
    case("leap_day", "ReceiveMessage", receive(), time="2028-02-29T00:00:00"),
    case("first_second_of_the_epoch", "ReceiveMessage", receive(), time="1970-01-01T00:00:00"),
    case("last_second_of_a_year", "ReceiveMessage", receive(), time="2099-12-31T23:59:59"),
    case("secret_longer_than_a_block", "ReceiveMessage", receive(), secret=SECRET * 3),
    case("short_secret", "ReceiveMessage", receive(), secret="x"),
    case("padded_header_values", "ReceiveMessage", receive(), headers=[
        JSON_TYPE, TARGET, ("X-Padded", "  a   b \t c  "), ("X-Empty", ""), ("X-Blank", "   ")]),
    case("header_names_in_any_case_and_order", "ReceiveMessage", receive(), headers=[
        ("x-zulu", "1"), TARGET, ("X-ALPHA", "2"), JSON_TYPE, ("X-Alpha-Beta", "3"), ("X-B", "4")]),
    case("sts", "", b"Action=GetCallerIdentity&Version=2011-06-15", service="sts",
         url="https://sts.us-east-1.amazonaws.com/",
         headers=[("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")]),
]


def sign(made):
    """What botocore makes of a case: canonical request, string to sign, Authorization."""
    time = datetime.datetime.fromisoformat(made["time"])
    request = AWSRequest("POST", made["url"], data=made["body"])
    for name, value in made["headers"]:
        request.headers[name] = value
    credentials = Credentials(made["key"], made["secret"], made["token"] or None)
    signer = botocore.auth.SigV4Auth(credentials, made["service"], made["region"])
    stages = []

    def keep(stage):
        original = getattr(signer, stage)

        def wrapped(*arguments):
            stages.append(original(*arguments))
            return stages[-1]
        return mock.patch.object(signer, stage, wrapped)

    with mock.patch.object(botocore.auth, "get_current_datetime", lambda: time), \
            keep("canonical_request"), keep("string_to_sign"):
        signer.add_auth(request)
    return stages[0], stages[1], request.headers["Authorization"]


def literal(text, suffix="s"):
    """A C++ string literal that knows its length."""
    data = text if isinstance(text, bytes) else text.encode()
    out, line = [], ""
    for byte in data:
        char = chr(byte)
        if char in '"\\':
            line += "\\" + char
        elif char == "\n":
            line += "\\n"
        elif 32 <= byte < 127 and char != "?":  # no trigraphs
            line += char
        else:
            line += f"\\{byte:03o}"
        if len(line) > 80 or char == "\n":
            out.append(line)
            line = ""
    out.append(line)
    return "\n\t\t\t".join(f'"{part}"' for part in out if part or len(out) == 1) + suffix


def body_expression(body):
    """A long body is written as what it repeats."""
    text = b"0123456789abcdef"
    if len(body) < 8192:
        return literal(body)
    start = body.index(text)
    end = body.rindex(text) + len(text)
    count = (end - start) // len(text)
    assert body == body[:start] + text * count + body[end:]
    return (f"Repeated({literal(body[:start])},\n\t\t\t{literal(text)}, {count}, "
            f"{literal(body[end:])})")


def main():
    print("// SQS-style requests as botocore signs them; made by make_sigv4_vectors.py with botocore "
          f"{botocore.__version__}.\n//\n// clang-format off\n#pragma once\n")
    print("#include <string>\n#include <string_view>\n#include <utility>\n#include <vector>\n")
    print("namespace sqs_fdw::aws {\n")
    print("using namespace std::literals;\n")
    print("""struct SigV4Vector {
	const char *name;
	long long seconds;  // since 1970
	std::string region, service, host, path;
	std::string access_key_id, secret_access_key, session_token;
	std::vector<std::pair<std::string, std::string>> headers;  // without Host
	std::string body;
	std::string_view canonical_request, string_to_sign, authorization;
};

inline std::string Repeated(
	std::string_view before, std::string_view text, int times, std::string_view after)
{
	std::string out(before);
	for (int i = 0; i < times; ++i)
		out += text;
	return out.append(after);
}
""")
    print("inline const std::vector<SigV4Vector> &SigV4Vectors()\n{")
    print("\tstatic const std::vector<SigV4Vector> vectors = {")
    for made in CASES:
        canonical, to_sign, authorization = sign(made)
        time = datetime.datetime.fromisoformat(made["time"]).replace(tzinfo=datetime.timezone.utc)
        host, _, path = made["url"].split("://")[1].partition("/")
        strings = [made["region"], made["service"], host, "/" + path, made["key"], made["secret"],
                   made["token"]]
        print(f'\t\t{{"{made["name"]}", {int(time.timestamp())},')
        for text in strings:
            print(f"\t\t\t{literal(text)},")
        pairs = ",\n\t\t\t".join(f"{{{literal(n)}, {literal(v)}}}"
                                 for n, v in made["headers"])
        print(f"\t\t\t{{{pairs}}},")
        print(f"\t\t\t{body_expression(made['body'])},")
        print(f"\t\t\t{literal(canonical, 'sv')},")
        print(f"\t\t\t{literal(to_sign, 'sv')},")
        print(f"\t\t\t{literal(authorization, 'sv')}}},")
    print("\t};\n\treturn vectors;\n}\n\n}  // namespace sqs_fdw::aws")


if __name__ == "__main__":
    main()
