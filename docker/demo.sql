-- The demo that `docker compose up` runs once the queue is full: psql -f docker/demo.sql

\set ON_ERROR_STOP on
\pset pager off
\pset null -

\echo '\nOne statement moves the messages. One of the 100 is no login: it is rejected, and stays in the queue.\n'

SET ROLE etl;

INSERT INTO user_logins
SELECT user_id, device_type, sqs.mask_ip(ip), sqs.mask(device_id, 'device_id'),
       locale, sqs.version_to_int(app_version), coalesce(create_date, sent_at::date)
FROM   login_queue;

RESET ROLE;

\echo '\nWhat arrived, the first five:\n'

SELECT left(user_id, 8) || '…' AS user_id, device_type, left(masked_ip, 18) || '…' AS masked_ip,
       locale, sqs.int_to_version(app_version) AS version, create_date
FROM   user_logins ORDER BY user_id LIMIT 5;

\echo 'Equal addresses have equal masks. The security officer sees who shares one, and what it is:\n'

SET ROLE security_officer;

SELECT sqs.unmask_ip(masked_ip) AS ip, count(*), string_agg(left(user_id, 8), ' ') AS users
FROM   user_logins
GROUP  BY masked_ip HAVING count(*) > 1
ORDER  BY count(*) DESC, ip LIMIT 5;

RESET ROLE;
