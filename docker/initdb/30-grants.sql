-- Who may do what: etl moves and masks, the security officer reads and unmasks.

GRANT SELECT ON login_queue TO etl;
GRANT INSERT ON user_logins TO etl;
GRANT EXECUTE ON FUNCTION sqs.mask(text, text), sqs.mask_ip(text) TO etl;

CREATE ROLE security_officer;
GRANT SELECT ON user_logins TO security_officer;
GRANT EXECUTE ON FUNCTION sqs.unmask(text, text), sqs.unmask_ip(text) TO security_officer;
