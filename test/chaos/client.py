"""The harness's own way to a queue: never through the code under test. Unsigned, for local servers."""

import http.client
import json
from urllib.parse import urlsplit

MOST_IN_A_BATCH = 10


class Client:
    """One queue of one endpoint. Not for several threads at once."""

    def __init__(self, endpoint: str, queue: str, **attributes):
        target = urlsplit(endpoint)
        self._connection = http.client.HTTPConnection(target.hostname, target.port, timeout=30)
        self._url = self.call(
            "CreateQueue",
            {"QueueName": queue, "Attributes": {name: str(value) for name, value in attributes.items()}},
        )["QueueUrl"]

    def call(self, action: str, parameters: dict) -> dict:
        headers = {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": f"AmazonSQS.{action}",
            "Authorization": "AWS4-HMAC-SHA256 Credential=test/20240101/us-east-1/sqs/aws4_request, "
                             "SignedHeaders=host, Signature=0",
        }
        self._connection.request("POST", "/", json.dumps(parameters), headers)
        reply = self._connection.getresponse()
        body = reply.read()
        if reply.status != 200:
            raise RuntimeError(f"{action}: {reply.status} {body[:200]!r}")
        return json.loads(body or b"{}")

    def send(self, bodies: list) -> None:
        """Returns when the queue has acknowledged all; more than ten go in several batches."""
        for start in range(0, len(bodies), MOST_IN_A_BATCH):
            entries = [
                {"Id": str(position), "MessageBody": body}
                for position, body in enumerate(bodies[start : start + MOST_IN_A_BATCH])
            ]
            reply = self.call("SendMessageBatch", {"QueueUrl": self._url, "Entries": entries})
            if reply.get("Failed"):
                raise RuntimeError("the queue did not take a message")

    def counts(self) -> tuple:
        """How many messages are visible, and how many in flight."""
        reply = self.call("GetQueueAttributes", {"QueueUrl": self._url, "AttributeNames": ["All"]})
        attributes = reply["Attributes"]
        return (
            int(attributes["ApproximateNumberOfMessages"]),
            int(attributes["ApproximateNumberOfMessagesNotVisible"]),
        )
