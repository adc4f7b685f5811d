-- Version numbers as integers that sort.
SET client_encoding = 'UTF8';
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS sqs_fdw;
RESET client_min_messages;
-- the SQLSTATE that a command ends with
CREATE FUNCTION pg_temp.state(command text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE command;
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END $$;

SELECT version, sqs.version_to_int(version), sqs.int_to_version(sqs.version_to_int(version)),
		(sqs.version_parts(version)).*
	FROM unnest('{2.3.0,2.3,2,0,0.2.6,2.6,2.10.1,1.255.255,02.003.0,32767.255.255}'::text[]) version;

-- sorts as versions do
SELECT array_agg(version ORDER BY sqs.version_to_int(version))
	FROM unnest('{2.10,2.9.9,10.0,2.9,2.9.10,9}'::text[]) version;

-- every version that fits comes back
SELECT count(*) FROM generate_series(0, 2147483647, 100003) n
	WHERE sqs.version_to_int(sqs.int_to_version(n::int)) <> n;

-- is_version is what version_to_int accepts
SELECT version, sqs.is_version(version)
	FROM unnest('{2.3.0,0,32767.255.255,32768.0.0,1.256.0,1.0.256,99999999999999999999,"",.,1.,.1,
		1..2,1.2.3.,1.2.3.4,v1.2," 1.2","1.2 ",1.2.3-beta,-1.2,+1.2,1.-2,1e1,1.2.x,١.٢,NULL}'::text[])
	version;

SELECT sqs.version_to_int('2.3.0-beta');
SELECT sqs.version_to_int('');
SELECT sqs.version_to_int('1.256');
SELECT sqs.version_to_int('32768');
SELECT sqs.version_parts('a.b');
SELECT sqs.int_to_version(-1);

SELECT pg_temp.state($$SELECT sqs.version_to_int('latest')$$) AS malformed,
	pg_temp.state($$SELECT sqs.version_to_int('1.256')$$) AS out_of_range,
	pg_temp.state($$SELECT sqs.version_parts('')$$) AS no_parts,
	pg_temp.state($$SELECT sqs.int_to_version(-1)$$) AS negative;

-- parts may be larger than what fits the integer
SELECT * FROM sqs.version_parts('2024.1130.2147483647');
SELECT * FROM sqs.version_parts('2147483648');

SELECT sqs.version_to_int(NULL) IS NULL AND sqs.is_version(NULL) IS NULL
	AND sqs.int_to_version(NULL) IS NULL AND sqs.version_parts(NULL) IS NULL AS all_null;

SELECT p.oid::regprocedure AS function, provolatile AS volatile, proparallel AS parallel,
		proisstrict AS strict, proleakproof AS leakproof,
		has_function_privilege('public', p.oid, 'EXECUTE') AS public
	FROM pg_proc p
	WHERE pronamespace = 'sqs'::regnamespace AND proname ~ 'version'
	ORDER BY p.oid::regprocedure::text COLLATE "C";

-- what it is for: a check that makes messages with other versions be rejected
CREATE TEMPORARY TABLE app (version text CHECK (sqs.is_version(version)));
INSERT INTO app VALUES ('2.3.0'), (NULL);
INSERT INTO app VALUES ('latest');
DROP TABLE app;
