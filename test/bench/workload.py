"""The work that is measured: the statement of the product page, over canned queues."""

from dataclasses import dataclass

from session import Session

# At 38 ms a reply it is the number of connections that limits: the most that the option takes.
FAR_CONNECTIONS = 256

COLUMNS = """
    user_id     text NOT NULL,
    device_type text,
    ip          text,
    device_id   text,
    locale      text,
    app_version text CHECK (sqs.is_version(app_version)),
    create_date date,
    sent_at     timestamptz OPTIONS (attribute 'sent_timestamp')"""

TARGET = """
CREATE TABLE user_logins (
    user_id          varchar(128),
    device_type      varchar(32),
    masked_ip        varchar(256),
    masked_device_id varchar(256),
    locale           varchar(32),
    app_version      integer,
    create_date      date
)"""



@dataclass
class Table:
    """A foreign table over one of the canned queues. The ledger is off where it is not measured."""

    name: str
    queue: str
    exactly_once: bool = False
    on_error: str = "leave"


TABLES = [
    Table("near", "near"),
    Table("once", "near", exactly_once=True),
    Table("again", "again", exactly_once=True),
    Table("far", "far"),
    Table("empty", "empty", exactly_once=True),
    Table("aborting", "near", on_error="abort"),
    *(
        Table(f"{queue}_{on_error}", queue, on_error=on_error)
        for queue in ("few", "half")
        for on_error in ("leave", "store")
    ),
]


def job(table: str, condition: str = "") -> str:
    return f"""
        INSERT INTO user_logins
        SELECT user_id, device_type, sqs.mask_ip(ip), sqs.mask(device_id, 'device_id'),
               locale, sqs.version_to_int(app_version), coalesce(create_date, sent_at::date)
        FROM   {table} {condition}"""


def look(table: str) -> str:
    """A SELECT that prints nothing."""
    return f"DO 'BEGIN PERFORM count(user_id) FROM {table}; END'"


def create(session: Session, endpoints: dict[str, str]) -> None:
    """A foreign server for each canned queue, and the tables."""
    session.run("CREATE EXTENSION sqs_fdw")
    session.run(TARGET)
    for queue, endpoint in endpoints.items():
        connections = f", max_connections '{FAR_CONNECTIONS}'" if queue == "far" else ""
        session.run(
            f"CREATE SERVER {queue} FOREIGN DATA WRAPPER sqs_fdw"
            f" OPTIONS (region 'us-east-1', endpoint '{endpoint}'{connections})"
        )
        session.run(
            f"CREATE USER MAPPING FOR CURRENT_USER SERVER {queue}"
            " OPTIONS (access_key_id 'bench', secret_access_key 'bench')"
        )
    for table in TABLES:
        session.run(
            f"CREATE FOREIGN TABLE {table.name} ({COLUMNS}) SERVER {table.queue}"
            f" OPTIONS (queue 'login-queue', max_messages '1', look_limit '1',"
            f" exactly_once '{table.exactly_once}', on_error '{table.on_error}')"
        )


def limit(session: Session, table: str, messages: int) -> None:
    """What ends the scan of a queue that never ends. Empties the target as well."""
    session.run(
        f"ALTER FOREIGN TABLE {table}"
        f" OPTIONS (SET max_messages '{messages}', SET look_limit '{messages}')"
    )
    session.run("TRUNCATE user_logins, sqs.rejected")
