"""Puts messages into a queue of a server that asks for no signature."""

import json
import os
import urllib.request

MOST_IN_A_BATCH = 10


def call(action: str, request: dict) -> dict:
    post = urllib.request.Request(
        os.environ["SQS_ENDPOINT"] + "/",
        json.dumps(request).encode(),
        {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"AmazonSQS.{action}"},
    )
    with urllib.request.urlopen(post, timeout=60) as reply:
        return json.loads(reply.read() or b"{}")


class Queue:
    def __init__(self, name: str):
        attributes = {"VisibilityTimeout": "3600"}
        self.url = call("CreateQueue", {"QueueName": name, "Attributes": attributes})["QueueUrl"]

    def send(self, bodies: list[str]) -> None:
        for first in range(0, len(bodies), MOST_IN_A_BATCH):
            entries = [
                {"Id": str(place), "MessageBody": body}
                for place, body in enumerate(bodies[first : first + MOST_IN_A_BATCH])
            ]
            reply = call("SendMessageBatch", {"QueueUrl": self.url, "Entries": entries})
            assert not reply.get("Failed"), reply

    def purge(self) -> None:
        call("PurgeQueue", {"QueueUrl": self.url})

    def depth(self) -> tuple[int, int]:
        """Visible, and in flight."""
        request = {"QueueUrl": self.url, "AttributeNames": ["All"]}
        attributes = call("GetQueueAttributes", request)["Attributes"]
        return (
            int(attributes["ApproximateNumberOfMessages"]),
            int(attributes["ApproximateNumberOfMessagesNotVisible"]),
        )
