-- The queue as a table, and the table that its messages go to.

CREATE FOREIGN TABLE login_queue (
    user_id     text NOT NULL,
    device_type text,
    ip          text,
    device_id   text,
    locale      text,
    app_version text CHECK (sqs.is_version(app_version)),
    create_date date,
    sent_at     timestamptz OPTIONS (attribute 'sent_timestamp')
) SERVER aws OPTIONS (queue 'login-queue');

CREATE TABLE user_logins (
    user_id          varchar(128),
    device_type      varchar(32),
    masked_ip        varchar(256),
    masked_device_id varchar(256),
    locale           varchar(32),
    app_version      integer,
    create_date      date
);
