"""The work that is measured: the statement of the product page, over canned queues."""

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


def job(queue: str) -> str:
    return f"""
        INSERT INTO user_logins
        SELECT user_id, device_type, sqs.mask_ip(ip), sqs.mask(device_id, 'device_id'),
               locale, sqs.version_to_int(app_version), coalesce(create_date, sent_at::date)
        FROM   {queue}"""


def create(session: Session, endpoints: dict[str, str]) -> None:
    """A foreign server and a table for each endpoint, with the endpoint's name."""
    session.run("CREATE EXTENSION sqs_fdw")
    session.run(TARGET)
    for name, endpoint in endpoints.items():
        connections = f", max_connections '{FAR_CONNECTIONS}'" if name == "far" else ""
        session.run(
            f"CREATE SERVER {name} FOREIGN DATA WRAPPER sqs_fdw"
            f" OPTIONS (region 'us-east-1', endpoint '{endpoint}'{connections})"
        )
        session.run(
            f"CREATE USER MAPPING FOR CURRENT_USER SERVER {name}"
            " OPTIONS (access_key_id 'bench', secret_access_key 'bench')"
        )
        session.run(
            f"CREATE FOREIGN TABLE {name} ({COLUMNS}) SERVER {name}"
            " OPTIONS (queue 'login-queue', max_messages '1')"
        )


def limit(session: Session, queue: str, messages: int) -> None:
    """What ends the scan of a queue that never ends. Empties the target as well."""
    session.run(f"ALTER FOREIGN TABLE {queue} OPTIONS (SET max_messages '{messages}')")
    session.run("TRUNCATE user_logins")
