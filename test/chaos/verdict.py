"""Compares what was sent with what is in the table: what was lost, what was doubled."""

import json
from dataclasses import dataclass, field

# A delivery so long after a row's commit began was a delivery of a message that is in the table.
_COMMIT_SECONDS = 0.1
_MOST_SHOWN = 5


@dataclass
class Verdict:
    messages: int = 0
    rows: int = 0
    lost: list = field(default_factory=list)  # ids
    doubled: list = field(default_factory=list)  # ids
    strangers: list = field(default_factory=list)  # ids of rows that nobody sent
    # Messages that went out again after their row was committed, and yet have one row.
    redelivered: int = 0


def id_of(body: str) -> str:
    return json.loads(body)["id"]


def lost_so_far(postgres, queue) -> list:
    """The ids of messages that were deleted from the queue and are not in the table, during a run."""
    deleted = [id_of(body) for body in queue.deleted_bodies()]
    rows = postgres.query(
        "SELECT id FROM unnest(%s::text[]) id WHERE NOT EXISTS (SELECT FROM target t WHERE t.id = id.id)", (deleted,))
    return sorted(row[0] for row in rows)


def doubled_so_far(postgres) -> list:
    rows = postgres.query("SELECT id FROM target GROUP BY id HAVING count(*) > 1")
    return sorted(row[0] for row in rows)


def judge(postgres, queue, sent: set) -> Verdict:
    """At the end: the queue is empty."""
    rows = postgres.query(
        "SELECT id, count(*), extract(epoch FROM min(pg_xact_commit_timestamp(xmin)))::float8"
        " FROM target GROUP BY id")
    committed_once = {id_: at for id_, count, at in rows if count == 1}
    redelivered = 0
    for body, times in queue.deliveries() if queue.has_record else []:
        committed = committed_once.get(id_of(body))
        redelivered += committed is not None and any(at > committed + _COMMIT_SECONDS for at in times)
    found = {row[0] for row in rows}
    return Verdict(
        messages=len(sent),
        rows=sum(count for _id, count, _at in rows),
        lost=sorted(sent - found),
        doubled=sorted(id_ for id_, count, _at in rows if count > 1),
        strangers=sorted(found - sent),
        redelivered=redelivered,
    )


def describe_doubled(postgres, ids: list) -> list:
    """Which transactions wrote a doubled message, a line each."""
    rows = postgres.query(
        "SELECT id,"
        " string_agg(format('%%s by %%s at %%s', shape, xmin, pg_xact_commit_timestamp(xmin)), '; ')"
        " FROM target WHERE id = ANY (%s) GROUP BY id ORDER BY id", (ids[:_MOST_SHOWN],))
    return [f"doubled {id_}: {story}" for id_, story in rows]


def describe_lost(queue, ids: list) -> list:
    """When a lost message went out, a line each."""
    if not queue.has_record:
        return [f"lost {id_}" for id_ in ids[:_MOST_SHOWN]]
    times_of = {id_of(body): times for body, times in queue.deliveries()}
    return [
        f"lost {id_}: delivered at {', '.join(f'{at:.3f}' for at in times_of[id_]) or 'no time'}"
        for id_ in ids[:_MOST_SHOWN]
    ]
