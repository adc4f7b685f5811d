-- Masks: known answers, the way back, errors, and who may call what.
-- The server's keyring has one key: k1, the bytes 00 to 3f, active.
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

-- known answers, made with an independent implementation
SELECT sqs.mask('593-47-5928', 'device_id');
SELECT sqs.mask('', '');
SELECT sqs.mask_ip('199.172.111.135');
SELECT sqs.mask_ip('2001:db8::1');
SELECT sqs.mask('Grüße, 世界', 'greeting');

-- and back
SELECT sqs.unmask('t1.k1.uqfUF7YBTkAdJ9Zy6gUdml3_KrqjCDZWKQcl90MDEUI', 'device_id');
SELECT sqs.unmask('t1.k1.SLTE8H4qt23Wc2NcZSgWT5vQSCqc1i6Y_Da-f3nxLXM', '') = '' AS is_empty;
SELECT sqs.unmask_ip('i1.k1.UVrAQKgHHUzQlgQC2HD4m_Px6VPCAhz5LJuZr-6L68E');
SELECT sqs.unmask_ip('i1.k1.cv3KZl6ivmKraDt76hffisnWnw754fSSssB37cHUgok');
SELECT sqs.unmask('t1.k1.vdS5AdNXSbKjsGrT47dLEvAKgGnLtZGhiEyP6IEwUiw', 'greeting');
SELECT count(*) FROM generate_series(0, 300) n
	WHERE sqs.unmask(sqs.mask(repeat('ü', n), 'd'), 'd') <> repeat('ü', n);
SELECT sqs.unmask(sqs.mask(repeat('x', 100000), 'd'), 'd') = repeat('x', 100000) AS long_one;

-- null stays null
SELECT sqs.mask(NULL, 'd') IS NULL AND sqs.mask_ip(NULL::text) IS NULL
	AND sqs.mask_ip(NULL::inet) IS NULL AND sqs.unmask(NULL, 'd') IS NULL
	AND sqs.unmask_ip(NULL) IS NULL AND sqs.hash_sha256(NULL) IS NULL
	AND sqs.mask(NULL, 'd', 'k1') IS NULL AND sqs.mask('a', 'd', NULL) IS NULL
	AND sqs.mask_all(NULL, 'd') IS NULL AND sqs.mask_all_ip(NULL) IS NULL
	AND sqs.mask_hmac(NULL, 'd') IS NULL AND sqs.mask_hmac('a', NULL) IS NULL
	AND sqs.mask_hmac('a', 'd', NULL) IS NULL AND sqs.remask(NULL, 'd') IS NULL
	AND sqs.ip_truncate(NULL) IS NULL AND sqs.partial(NULL, 1, '*', 1) IS NULL AS all_null;

-- equal addresses have equal masks, however they are written
SELECT to_json(address), sqs.mask_ip(address) = sqs.mask_ip('1.2.3.4') AS equal
	FROM unnest(E'{1.2.3.4,1.2.3.4/24,1.2.3.4/32,001.002.003.004,::ffff:1.2.3.4,::FFFF:102:304,
		0:0:0:0:0:ffff:0102:0304," 1.2.3.4\t","\n1.2.3.4\r\n",1.2.3.5,::1.2.3.4}'::text[]) address;
SELECT address, sqs.mask_ip(address) = sqs.mask_ip('2001:db8::1') AS equal
	FROM unnest('{2001:DB8::1,2001:db8::1/64,2001:0db8:0000:0000:0000:0000:0000:0001,
		2001:db8:0:0::1,2001:db8::2}'::text[]) address;
SELECT address, sqs.mask_ip(address) = sqs.mask_ip(host(address)) AS equal
	FROM unnest('{1.2.3.4,1.2.3.4/24,::ffff:1.2.3.4,2001:db8::1,2001:db8::1/64}'::inet[]) address;
SELECT sqs.mask_ip('10.0.0.0/8'::cidr) = sqs.mask_ip('10.0.0.0') AS cidr;

-- addresses come back without a netmask, an IPv4-mapped one as IPv4
SELECT address, sqs.unmask_ip(sqs.mask_ip(address)) AS unmasked
	FROM unnest('{0.0.0.0,255.255.255.255/1,::,::1/3,::ffff:1.2.3.4,::1.2.3.4,fe80::1}'::inet[])
	address;
SELECT count(*) FROM generate_series(0, 100000, 17) n
	WHERE sqs.unmask_ip(sqs.mask_ip('250.0.0.0'::inet + n)) <> '250.0.0.0'::inet + n;

-- what is no address is masked as a text of domain ip: never an error, never plain
SELECT to_json(value), left(mask, 6) AS kind, mask = sqs.mask(btrim(value), 'ip') AS as_text
	FROM unnest(E'{"",unknown," unknown ",1.2.3,1.2.3.256,1.2.3.4.5,1.2.3.4:80,1.2.3.4/33,-1.2.3.4,
		0x1.2.3.4,2001:db8::1::2,fe80::1%eth0,[::1],::ffff:1.2.3.256,"1.2.3.4\n5",
		12345678901234567890123456789012345678901234567890123456789012345}'::text[]) value,
	sqs.mask_ip(value) mask;
SELECT sqs.unmask(sqs.mask_ip('unknown'), 'ip');
SELECT sqs.unmask_ip(sqs.mask_ip('unknown'));

-- lengths: in steps of 16 bytes
SELECT length(sqs.mask_ip('1.2.3.4')) AS ip, length(sqs.mask('593-47-5928', 'd')) AS device_id,
	length(sqs.mask('6ba7b810-9dad-11d1-80b4-00c04fd430c8', 'd')) AS uuid,
	length(sqs.mask(repeat('x', 159), 'd')) AS at_159;

-- the domain separates
SELECT sqs.mask('a', 'x') = sqs.mask('a', 'x') AS same, sqs.mask('a', 'x') = sqs.mask('a', 'y') AS other;
SELECT sqs.unmask(sqs.mask('a', 'x'), 'y');

-- under a key that is named, for a generated column
SELECT sqs.mask('593-47-5928', 'device_id', 'k1') = sqs.mask('593-47-5928', 'device_id') AS same;
SELECT sqs.mask('593-47-5928', 'device_id', 'k9');
SELECT sqs.mask('k1', 'device_id', '593-47-5928');
SELECT sqs.mask('a', 'd', '');
CREATE TEMPORARY TABLE devices (
	device_id text,
	mask text COLLATE "C" GENERATED ALWAYS AS (sqs.mask(device_id, 'device_id', 'k1')) STORED
);
INSERT INTO devices VALUES ('593-47-5928'), (NULL);
SELECT * FROM devices;
DROP TABLE devices;

-- under every key
SELECT sqs.mask_all('593-47-5928', 'device_id');
SELECT sqs.mask_all_ip('199.172.111.135');
SELECT sqs.mask_all_ip(' unknown ') = ARRAY[sqs.mask('unknown', 'ip')] AS as_text;

-- one-way: known answers of the same independent implementation
SELECT sqs.mask_hmac('593-47-5928', 'device_id');
SELECT sqs.mask_hmac('', '');
SELECT sqs.mask_hmac('Grüße, 世界', 'greeting');
SELECT sqs.mask_hmac('593-47-5928', 'device_id', 'k1') = sqs.mask_hmac('593-47-5928', 'device_id') AS same;
SELECT sqs.mask_hmac('593-47-5928', 'device_id', 'k9');
SELECT length(sqs.mask_hmac(repeat('x', 1048576), 'd')) AS long_one;

-- to the active key: what is under it already comes back as it was, once it is authenticated
SELECT sqs.remask('t1.k1.uqfUF7YBTkAdJ9Zy6gUdml3_KrqjCDZWKQcl90MDEUI', 'device_id');
SELECT sqs.remask('i1.k1.UVrAQKgHHUzQlgQC2HD4m_Px6VPCAhz5LJuZr-6L68E', 'ip');
SELECT sqs.remask('i1.k1.UVrAQKgHHUzQlgQC2HD4m_Px6VPCAhz5LJuZr-6L68E', 'device_id');
SELECT sqs.remask('t1.k1.uqfUF7YBTkAdJ9Zy6gUdml3_KrqjCDZWKQcl90MDEUI', 'ip');
SELECT sqs.remask('t1.k1.vqfUF7YBTkAdJ9Zy6gUdml3_KrqjCDZWKQcl90MDEUI', 'device_id');
SELECT sqs.remask('t1.k9.uqfUF7YBTkAdJ9Zy6gUdml3_KrqjCDZWKQcl90MDEUI', 'device_id');
SELECT sqs.remask(sqs.mask_hmac('593-47-5928', 'device_id'), 'device_id');
SELECT sqs.remask('593-47-5928', 'device_id');

-- every length around a block, and 1 MiB, with all that is keyed
SELECT count(*) FROM unnest('{0,1,15,16,17,1048576}'::int[]) n, repeat('x', n) v
	WHERE sqs.unmask(sqs.mask(v, 'd'), 'd') <> v OR sqs.mask(v, 'd', 'k1') <> sqs.mask(v, 'd')
		OR sqs.remask(sqs.mask(v, 'd'), 'd') <> sqs.mask(v, 'd')
		OR sqs.mask_all(v, 'd') <> ARRAY[sqs.mask(v, 'd')];
SELECT sqs.unmask(sqs.mask(E'two\nlines\r\n\t', 'd'), 'd') = E'two\nlines\r\n\t' AS lines;

-- altered, cut short, of another key, no mask at all
SELECT sqs.unmask('t1.k1.vqfUF7YBTkAdJ9Zy6gUdml3_KrqjCDZWKQcl90MDEUI', 'device_id');
SELECT sqs.unmask('t1.k1.uqfUF7YBTkAdJ9Zy6gUdml3_KrqjCDZWKQcl90MDEUJ', 'device_id');
SELECT sqs.unmask('t1.k1.uqfUF7YBTkAdJ9Zy6gUdml3_KrqjCDZWKQcl90MD', 'device_id');
SELECT sqs.unmask('t1.k9.uqfUF7YBTkAdJ9Zy6gUdml3_KrqjCDZWKQcl90MDEUI', 'device_id');
SELECT sqs.unmask('593-47-5928', 'device_id');
SELECT sqs.unmask('', 'device_id');
SELECT sqs.unmask_ip('i1.k1.UVrAQKgHHUzQlgQC2HD4m_Px6VPCAhz5LJuZr');
SELECT sqs.unmask_ip('i1.k1.AVrAQKgHHUzQlgQC2HD4m_Px6VPCAhz5LJuZr-6L68E');
-- of another version or type, in another alphabet, padded
SELECT mask, pg_temp.state(format('SELECT sqs.unmask(%L, %L)', mask, 'device_id')) AS unmask,
		pg_temp.state(format('SELECT sqs.remask(%L, %L)', mask, 'device_id')) AS remask
	FROM unnest('{t2.k1.uqfUF7YBTkAdJ9Zy6gUdml3_KrqjCDZWKQcl90MDEUI,
		x1.k1.uqfUF7YBTkAdJ9Zy6gUdml3_KrqjCDZWKQcl90MDEUI,
		h1.k1.uqfUF7YBTkAdJ9Zy6gUdml3_KrqjCDZWKQcl90MDEUI,
		i1.k1.uqfUF7YBTkAdJ9Zy6gUdml3_KrqjCDZWKQcl90MDEUI,
		t1.k1.uqfUF7YBTkAdJ9Zy6gUdml3/KrqjCDZWKQcl90MDEUI,
		t1.k1.uqfUF7YBTkAdJ9Zy6gUdml3_KrqjCDZWKQcl90MDEUI=,
		t1.k1.uqfUF7YBTkAdJ9Zy6gUdml3_KrqjCDZWKQcl90MDEUJ,
		t1.k1.,t1..uqfU,t1.K1.uqfUF7YBTkAdJ9Zy6gUdml3_KrqjCDZWKQcl90MDEUI}'::text[]) mask;

-- the wrong function for the mask
SELECT sqs.unmask(sqs.mask_ip('1.2.3.4'), 'ip');
SELECT sqs.unmask_ip(sqs.mask('1.2.3.4', 'ip'));
SELECT sqs.unmask('h1.k1.uqfUF7YBTkAdJ9Zy6gUdml3_KrqjCDZWKQcl90MDEUI', 'ip');
SELECT sqs.unmask_ip('h1.k1.uqfUF7YBTkAdJ9Zy6gUdml3_KrqjCDZWKQcl90MDEUI');

SELECT pg_temp.state($$SELECT sqs.unmask('t1.k1.vqfUF7YBTkAdJ9Zy6gUdml3_KrqjCDZWKQcl90MDEUI', 'd')$$) AS altered,
	pg_temp.state($$SELECT sqs.unmask('t1.k1', 'd')$$) AS cut,
	pg_temp.state($$SELECT sqs.unmask('t1.k9.uqfUF7YBTkAdJ9Zy6gUdml3_KrqjCDZWKQcl90MDEUI', 'd')$$) AS unknown_key,
	pg_temp.state($$SELECT sqs.unmask_ip(sqs.mask_ip('unknown'))$$) AS text_as_ip,
	pg_temp.state($$SELECT sqs.unmask(sqs.mask_ip('1.2.3.4'), 'ip')$$) AS ip_as_text,
	pg_temp.state($$SELECT sqs.unmask_ip('h1.k1.uqfUF7YBTkAdJ9Zy6gUdml3_KrqjCDZWKQcl90MDEUI')$$) AS one_way;

-- the keyring, without its bytes
SELECT key_id, state, fingerprint, loaded_at <= clock_timestamp() AS loaded FROM sqs.mask_keys();
SELECT * FROM sqs.check_keyring();

-- for tables filled by older scripts: not keyed
SELECT sqs.hash_sha256('abc') = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad' AS abc,
	sqs.hash_sha256('c', 'ab') = sqs.hash_sha256('abc') AS prefixed,
	sqs.hash_sha256(value => 'abc', prefix => '') = encode(sha256('abc'), 'hex') AS as_core,
	sqs.hash_sha256('ü') = encode(sha256(convert_to('ü', 'UTF8')), 'hex') AS utf8;

-- parts of values
SELECT address, sqs.ip_truncate(address), sqs.ip_truncate(address, 16, 32) AS further
	FROM unnest('{199.172.111.135,10.1.2.3/8,::ffff:199.172.111.135,2001:db8:1:2:3:4:5:6}'::inet[]) address;
SELECT sqs.ip_truncate('255.255.255.255', n) AS v4, sqs.ip_truncate('ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', v6_bits => 4 * n) AS v6
	FROM unnest('{0,1,7,8,9,23,31,32}'::int[]) n;
SELECT sqs.ip_truncate('10.1.2.3', 33);
SELECT sqs.ip_truncate('10.1.2.3', -1);
SELECT sqs.ip_truncate('10.1.2.3', 24, 129);
SELECT value, sqs.partial(value, 2, '***', 1) AS partial, sqs.partial(value, 0, '', 3) AS last
	FROM unnest('{593-47-5928,abcd,abc,ab,"",Grüße,世界人民}'::text[]) value;
SELECT sqs.partial('593-47-5928', 2147483647, '*', 2147483647);
SELECT sqs.partial('593-47-5928', -1, '*', 0);
SELECT sqs.partial('593-47-5928', 0, '*', -1);

-- labels and rights
SELECT p.oid::regprocedure AS function, provolatile AS volatile, proparallel AS parallel,
		proisstrict AS strict, proleakproof AS leakproof, procost AS cost,
		has_function_privilege('public', p.oid, 'EXECUTE') AS public
	FROM pg_proc p
	WHERE pronamespace = 'sqs'::regnamespace AND proname ~ '^(mask|unmask|remask|check_keyring|hash|ip_|partial)'
	ORDER BY p.oid::regprocedure::text COLLATE "C";
CREATE ROLE regress_sqs_analyst;
SET ROLE regress_sqs_analyst;
SELECT sqs.mask('a', 'd');
SELECT sqs.unmask('a', 'd');
SELECT length(sqs.hash_sha256('a'));
\set VERBOSITY sqlstate
SHOW sqs_fdw.keyring_file;
\set VERBOSITY default
SET sqs_fdw.keyring_file = '/dev/null';
RESET ROLE;
GRANT EXECUTE ON FUNCTION sqs.mask(text, text) TO regress_sqs_analyst;
SET ROLE regress_sqs_analyst;
SELECT sqs.mask('a', 'd') IS NOT NULL AS granted;
RESET ROLE;
DROP OWNED BY regress_sqs_analyst;
DROP ROLE regress_sqs_analyst;
SET sqs_fdw.keyring_file = '/dev/null';

-- a mask of a constant can use an index; EXPLAIN shows no plain text of an unmask
CREATE TEMPORARY TABLE logins (masked_ip text COLLATE "C" PRIMARY KEY);
SET enable_seqscan = off;
SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT FROM logins WHERE masked_ip = sqs.mask_ip('1.2.3.4');
EXPLAIN (COSTS OFF) SELECT FROM logins WHERE masked_ip = ANY (sqs.mask_all_ip('1.2.3.4'));
EXPLAIN (COSTS OFF, VERBOSE) SELECT sqs.unmask('t1.k1.uqfUF7YBTkAdJ9Zy6gUdml3_KrqjCDZWKQcl90MDEUI', 'device_id');
DROP TABLE logins;

-- databases of other encodings agree on the masks, since masks are made of UTF-8; what cannot be
-- converted is an error that does not show it
SET client_min_messages = warning;
DROP DATABASE IF EXISTS regress_sqs_latin1;
DROP DATABASE IF EXISTS regress_sqs_ascii;
RESET client_min_messages;
CREATE DATABASE regress_sqs_latin1 TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C';
CREATE DATABASE regress_sqs_ascii TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C';
\set regression_database :DBNAME
\connect regress_sqs_latin1
SET client_encoding = 'UTF8';
CREATE EXTENSION sqs_fdw;
SELECT sqs.mask('Grüße', 'Straße');
SELECT sqs.unmask('t1.k1.nAEDEUbR0Vcuk20lfhkZA9VIiJ4LsiIK36Z5hJbLKeo', 'Straße');
SELECT sqs.unmask('t1.k1.vdS5AdNXSbKjsGrT47dLEvAKgGnLtZGhiEyP6IEwUiw', 'greeting');
SELECT sqs.hash_sha256('ü') = encode(sha256('\xc3bc'), 'hex') AS utf8;
SELECT sqs.mask_hmac('Grüße', 'Straße');
SELECT sqs.mask('Grüße', 'Straße', 'k1') = sqs.remask('t1.k1.nAEDEUbR0Vcuk20lfhkZA9VIiJ4LsiIK36Z5hJbLKeo', 'Straße') AS same;
SELECT sqs.partial('Grüße', 3, '*', 1);
\connect regress_sqs_ascii
CREATE EXTENSION sqs_fdw;
SELECT sqs.mask(E'Gr\xc3\xbc\xc3\x9fe', E'Stra\xc3\x9fe');
SELECT sqs.mask(E'Gr\xfc\xdfe', 'greeting');
SELECT sqs.mask_hmac(E'Gr\xfc\xdfe', 'greeting');
SELECT sqs.mask_all_ip(E'Gr\xfc\xdfe');
SELECT sqs.partial(E'Gr\xc3\xbc\xc3\x9fe', 2, '*', 1);
SELECT sqs.unmask('t1.k1.vdS5AdNXSbKjsGrT47dLEvAKgGnLtZGhiEyP6IEwUiw', 'greeting');
\connect :regression_database
DROP DATABASE regress_sqs_latin1;
DROP DATABASE regress_sqs_ascii;
