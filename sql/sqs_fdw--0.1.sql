-- sqs_fdw 0.1: an Amazon SQS queue as a table, with masking of personal data.
-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION sqs_fdw" to load this file. \quit

-- The schema may have been there: a restore makes it first. Whoever owns it, or has put something into
-- it, could have functions beside ours that match a call better, and be shown what was to be masked.
-- Until that is known to be nobody, no name is looked up in it.
SET LOCAL search_path = pg_catalog, pg_temp;
-- schema begin
DO LANGUAGE plpgsql $$
DECLARE
	theirs boolean;
BEGIN
	SELECT NOT r.rolsuper AND r.rolname <> current_user
		OR EXISTS (SELECT FROM pg_depend d
			WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = n.oid
			AND d.classid <> 'pg_extension'::regclass AND d.classid <> 'pg_default_acl'::regclass)
	INTO theirs
	FROM pg_namespace n JOIN pg_roles r ON r.oid = n.nspowner
	WHERE n.nspname = 'sqs';
	IF theirs THEN
		RAISE EXCEPTION USING ERRCODE = 'duplicate_schema',
			MESSAGE = 'schema "sqs" already exists',
			DETAIL = 'It is not empty, or belongs to a role that is no superuser.',
			HINT = 'Look at what is in it, then drop or rename it: the extension makes its own.';
	END IF;
END $$;
-- schema end

-- The foreign-data wrapper.

CREATE FUNCTION sqs.sqs_fdw_handler() RETURNS fdw_handler
	LANGUAGE C STRICT AS 'MODULE_PATHNAME';

CREATE FUNCTION sqs.sqs_fdw_validator(options text[], catalog oid) RETURNS void
	LANGUAGE C STRICT AS 'MODULE_PATHNAME';

CREATE FOREIGN DATA WRAPPER sqs_fdw
	HANDLER sqs.sqs_fdw_handler VALIDATOR sqs.sqs_fdw_validator;

CREATE FUNCTION sqs.options(
		OUT object text, OUT option text, OUT default_value text, OUT description text)
	RETURNS SETOF record
	LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'sqs_options';
COMMENT ON FUNCTION sqs.options() IS 'the options of servers, user mappings, tables and columns';

-- Masking of personal data.
-- masking begin
-- What needs the keyring is for nobody but the superuser, until it is granted: who may mask can
-- find every IPv4 address by trying them all.

CREATE FUNCTION sqs.mask(value text, domain text) RETURNS text
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'sqs_mask';
REVOKE ALL ON FUNCTION sqs.mask(text, text) FROM PUBLIC;
COMMENT ON FUNCTION sqs.mask(text, text) IS
	'the mask of a text under the active key: equal values of a domain have equal masks';

-- Immutable, since the key is named: for generated columns and indexes.
CREATE FUNCTION sqs.mask(value text, domain text, key_id text) RETURNS text
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'sqs_mask_with';
REVOKE ALL ON FUNCTION sqs.mask(text, text, text) FROM PUBLIC;
COMMENT ON FUNCTION sqs.mask(text, text, text) IS 'the mask of a text under the key of that id';

CREATE FUNCTION sqs.mask_ip(text) RETURNS text
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'sqs_mask_ip_text';
REVOKE ALL ON FUNCTION sqs.mask_ip(text) FROM PUBLIC;
COMMENT ON FUNCTION sqs.mask_ip(text) IS
	'the mask of an IP address, however it is written; of any other text, a mask of domain ip';

CREATE FUNCTION sqs.mask_ip(inet) RETURNS text
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'sqs_mask_ip_inet';
REVOKE ALL ON FUNCTION sqs.mask_ip(inet) FROM PUBLIC;
COMMENT ON FUNCTION sqs.mask_ip(inet) IS 'the mask of an IP address without its netmask';

CREATE FUNCTION sqs.mask_all(value text, domain text) RETURNS text[]
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'sqs_mask_all';
REVOKE ALL ON FUNCTION sqs.mask_all(text, text) FROM PUBLIC;
COMMENT ON FUNCTION sqs.mask_all(text, text) IS
	'the masks of a text under every key that is not disabled, the active key''s first: for = ANY';

CREATE FUNCTION sqs.mask_all_ip(text) RETURNS text[]
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'sqs_mask_all_ip';
REVOKE ALL ON FUNCTION sqs.mask_all_ip(text) FROM PUBLIC;
COMMENT ON FUNCTION sqs.mask_all_ip(text) IS
	'the masks of an IP address under every key that is not disabled, the active key''s first';

CREATE FUNCTION sqs.mask_hmac(value text, domain text) RETURNS text
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'sqs_mask_hmac';
REVOKE ALL ON FUNCTION sqs.mask_hmac(text, text) FROM PUBLIC;
COMMENT ON FUNCTION sqs.mask_hmac(text, text) IS
	'a one-way mask of a text under the active key: nobody can open it';

CREATE FUNCTION sqs.mask_hmac(value text, domain text, key_id text) RETURNS text
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'sqs_mask_hmac_with';
REVOKE ALL ON FUNCTION sqs.mask_hmac(text, text, text) FROM PUBLIC;
COMMENT ON FUNCTION sqs.mask_hmac(text, text, text) IS
	'a one-way mask of a text under the key of that id';

CREATE FUNCTION sqs.remask(masked text, domain text) RETURNS text
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'sqs_remask';
REVOKE ALL ON FUNCTION sqs.remask(text, text) FROM PUBLIC;
COMMENT ON FUNCTION sqs.remask(text, text) IS
	'the same mask under the active key; the domain of an IP address''s is ip';

-- Volatile, so that no plain value is computed at planning and shown by EXPLAIN or in pg_stats.
CREATE FUNCTION sqs.unmask(masked text, domain text) RETURNS text
	LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED COST 10 AS 'MODULE_PATHNAME', 'sqs_unmask';
REVOKE ALL ON FUNCTION sqs.unmask(text, text) FROM PUBLIC;
COMMENT ON FUNCTION sqs.unmask(text, text) IS 'the text that was masked, given its domain';

CREATE FUNCTION sqs.unmask_ip(masked text) RETURNS inet
	LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED COST 10 AS 'MODULE_PATHNAME', 'sqs_unmask_ip';
REVOKE ALL ON FUNCTION sqs.unmask_ip(text) FROM PUBLIC;
COMMENT ON FUNCTION sqs.unmask_ip(text) IS 'the IP address that was masked';

CREATE FUNCTION sqs.mask_keys(
		OUT key_id text, OUT state text, OUT fingerprint text, OUT loaded_at timestamptz)
	RETURNS SETOF record
	LANGUAGE C STABLE STRICT PARALLEL RESTRICTED ROWS 3 AS 'MODULE_PATHNAME', 'sqs_mask_keys';
REVOKE ALL ON FUNCTION sqs.mask_keys() FROM PUBLIC;
COMMENT ON FUNCTION sqs.mask_keys() IS 'the keys of this session''s keyring, without their bytes';

-- Reads the file again, or runs the command.
CREATE FUNCTION sqs.check_keyring(
		OUT severity text, OUT problem text, OUT detail text, OUT hint text)
	RETURNS SETOF record
	LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 1 AS 'MODULE_PATHNAME', 'sqs_check_keyring';
REVOKE ALL ON FUNCTION sqs.check_keyring() FROM PUBLIC;
COMMENT ON FUNCTION sqs.check_keyring() IS
	'what is wrong with the configured keyring, a row each; no row where all is right';

CREATE FUNCTION sqs.hash_sha256(value text, prefix text DEFAULT '') RETURNS text
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'sqs_hash_sha256';
COMMENT ON FUNCTION sqs.hash_sha256(text, text) IS
	'the SHA-256 of prefix and value, in hexadecimal: for comparison with older tables, no mask';

CREATE FUNCTION sqs.ip_truncate(inet, v4_bits integer DEFAULT 24, v6_bits integer DEFAULT 48)
	RETURNS inet
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'sqs_ip_truncate';
COMMENT ON FUNCTION sqs.ip_truncate(inet, integer, integer) IS
	'the network of an IP address: its first bits, the others zero';

CREATE FUNCTION sqs.partial(value text, prefix integer, padding text, suffix integer) RETURNS text
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'sqs_partial';
COMMENT ON FUNCTION sqs.partial(text, integer, text, integer) IS
	'the first and last characters of a text with the padding between them; only the padding where that would hide nothing';
-- masking end

-- Version numbers.
-- versions begin
CREATE FUNCTION sqs.version_to_int(text) RETURNS integer
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'sqs_version_to_int';
COMMENT ON FUNCTION sqs.version_to_int(text) IS
	'a version as an integer that sorts as it does: major << 16 | minor << 8 | patch';

CREATE FUNCTION sqs.is_version(text) RETURNS boolean
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'sqs_is_version';
COMMENT ON FUNCTION sqs.is_version(text) IS 'whether sqs.version_to_int accepts the text';

CREATE FUNCTION sqs.version_parts(text, OUT major integer, OUT minor integer, OUT patch integer)
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'sqs_version_parts';
COMMENT ON FUNCTION sqs.version_parts(text) IS 'the numbers of a version, zero where it has none';

CREATE FUNCTION sqs.int_to_version(integer) RETURNS text
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'sqs_int_to_version';
COMMENT ON FUNCTION sqs.int_to_version(integer) IS 'the reverse of sqs.version_to_int';
-- versions end

-- Rejected messages.
-- rejected begin
-- A message that the definition of its foreign table refuses goes here where the table's option
-- on_error is 'store'. Written by scans alone; body and attributes are sealed under the keyring.

CREATE TABLE sqs.rejected (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	source regclass NOT NULL,
	queue text NOT NULL,
	message_id text NOT NULL,
	rejected_at timestamptz NOT NULL,
	receive_count integer NOT NULL,
	sqlstate text NOT NULL,
	reason text NOT NULL,
	key_id text NOT NULL,
	sealed_body bytea NOT NULL,
	sealed_attributes bytea NOT NULL
);
-- What is sealed does not compress.
ALTER TABLE sqs.rejected
	ALTER COLUMN sealed_body SET STORAGE EXTERNAL, ALTER COLUMN sealed_attributes SET STORAGE EXTERNAL;
COMMENT ON TABLE sqs.rejected IS
	'messages that the definition of their foreign table refuses, with sealed bodies';
-- They are data: a dump has them.
SELECT pg_catalog.pg_extension_config_dump('sqs.rejected', '');
SELECT pg_catalog.pg_extension_config_dump('sqs.rejected_id_seq', '');

CREATE VIEW sqs.rejected_reasons AS
	SELECT source, queue, sqlstate, reason, count(*) AS messages,
		min(rejected_at) AS first_at, max(rejected_at) AS last_at
	FROM sqs.rejected
	GROUP BY source, queue, sqlstate, reason;
COMMENT ON VIEW sqs.rejected_reasons IS 'why messages were rejected, and how many, without values';

CREATE FUNCTION sqs.rejected_body(id bigint) RETURNS text
	LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED COST 10 AS 'MODULE_PATHNAME', 'sqs_rejected_body';
REVOKE ALL ON FUNCTION sqs.rejected_body(bigint) FROM PUBLIC;
COMMENT ON FUNCTION sqs.rejected_body(bigint) IS 'the body of a rejected message, opened';

CREATE FUNCTION sqs.rejected_body_bytes(id bigint) RETURNS bytea
	LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED COST 10
	AS 'MODULE_PATHNAME', 'sqs_rejected_body_bytes';
REVOKE ALL ON FUNCTION sqs.rejected_body_bytes(bigint) FROM PUBLIC;
COMMENT ON FUNCTION sqs.rejected_body_bytes(bigint) IS
	'the same in UTF-8, for a body that the database encoding cannot hold';

CREATE FUNCTION sqs.rejected_attributes(id bigint) RETURNS jsonb
	LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED COST 10
	AS 'MODULE_PATHNAME', 'sqs_rejected_attributes';
REVOKE ALL ON FUNCTION sqs.rejected_attributes(bigint) FROM PUBLIC;
COMMENT ON FUNCTION sqs.rejected_attributes(bigint) IS
	'what SQS told of a rejected message: system and message attributes';

CREATE FUNCTION sqs.reseal_rejected() RETURNS bigint
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'sqs_reseal_rejected';
REVOKE ALL ON FUNCTION sqs.reseal_rejected() FROM PUBLIC;
COMMENT ON FUNCTION sqs.reseal_rejected() IS
	'seals rejected messages under the active key, before an older key is removed; how many';
-- rejected end

-- The ledger.
-- ledger begin
-- The messages whose rows this database has, so that a redelivered one does not get in twice.
-- Written by scans alone, in the transaction of the rows; sent_at first, so that new entries are
-- side by side and old ones go as a range.

CREATE TABLE sqs.ledger (
	sent_at timestamptz NOT NULL,
	message_id uuid NOT NULL,
	queue integer NOT NULL,
	PRIMARY KEY (sent_at, message_id)
) WITH (autovacuum_vacuum_scale_factor = 0.05);
COMMENT ON TABLE sqs.ledger IS 'the messages that were taken, for as long as SQS can redeliver them';
-- A restored database does not take again what it has.
SELECT pg_catalog.pg_extension_config_dump('sqs.ledger', '');

CREATE FUNCTION sqs.prune_ledger() RETURNS bigint
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'sqs_prune_ledger';
REVOKE ALL ON FUNCTION sqs.prune_ledger() FROM PUBLIC;
COMMENT ON FUNCTION sqs.prune_ledger() IS
	'removes entries older than sqs_fdw.ledger_retention, or than SQS ever keeps messages; how many';
-- ledger end

-- Takes back what default privileges have granted: rights to open masks are given by name alone. What
-- PUBLIC may do with functions is decided above, one by one.
-- rights begin
DO LANGUAGE plpgsql $$
DECLARE
	granted record;
BEGIN
	FOR granted IN
		SELECT 'FUNCTION ' || p.oid::regprocedure AS object, a.grantee
		FROM pg_proc p, aclexplode(p.proacl) a
		WHERE p.pronamespace = 'sqs'::regnamespace AND a.grantee NOT IN (0, p.proowner)
		UNION
		SELECT 'TABLE ' || c.oid::regclass, a.grantee
		FROM pg_class c, aclexplode(c.relacl) a
		WHERE c.relnamespace = 'sqs'::regnamespace AND a.grantee <> c.relowner
		UNION
		SELECT 'SCHEMA sqs', a.grantee
		FROM pg_namespace n, aclexplode(n.nspacl) a
		WHERE n.nspname = 'sqs' AND a.grantee <> n.nspowner
	LOOP
		EXECUTE 'REVOKE ALL ON ' || granted.object || ' FROM ' ||
			CASE granted.grantee WHEN 0 THEN 'PUBLIC' ELSE granted.grantee::regrole::text END;
	END LOOP;
END $$;
-- rights end

-- The functions above are useful to everyone; those that need the keyring are revoked one by one.
GRANT USAGE ON SCHEMA sqs TO PUBLIC;
GRANT SELECT ON sqs.rejected_reasons TO pg_monitor;
