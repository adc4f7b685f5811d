# A column with the option mask is masked as it is read: its plain value never becomes a row.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Test;

my $node = start_node('mask_column', conf => "log_min_messages = debug1\n");
my $queue;

sub value { return $node->safe_psql('postgres', $_[0]); }

# A fresh queue of those bodies, and a foreign table `people` of those columns.
sub refill
{
	my ($columns, @bodies) = @_;
	$queue = new_queue('mask_column', VisibilityTimeout => 600);
	$queue->send(@bodies) if @bodies;
	value("DROP FOREIGN TABLE IF EXISTS people; CREATE FOREIGN TABLE people ($columns)
		SERVER aws OPTIONS (queue '${\$queue->name}', wait_time_seconds '0')");
	return;
}

my $ip     = "ip text OPTIONS (mask 'ip')";
my $device = "device_id text OPTIONS (mask 'device_id')";

# --- equal to what the functions make

refill("$ip, $device, plain text OPTIONS (key 'device_id'), deep text OPTIONS (pointer '/a/b', mask 'b'), n varchar OPTIONS (mask 'n'), doc text OPTIONS (mask 'doc'), body text OPTIONS (attribute 'body', mask 'body')",
	'{"ip": "199.172.111.135", "device_id": "593-47-5928", "a": {"b": "c"}, "n": 1.50, "doc": {"x": 1}}');
is(value('SELECT ip, device_id FROM people'),
	't1.k1.uqfUF7YBTkAdJ9Zy6gUdml3_KrqjCDZWKQcl90MDEUI' =~ s/^/i1.k1.UVrAQKgHHUzQlgQC2HD4m_Px6VPCAhz5LJuZr-6L68E|/r,
	'the documented masks');
is(value(q(SELECT device_id = sqs.mask(plain, 'device_id'), deep = sqs.mask('c', 'b'), n = sqs.mask('1.50', 'n'),
		doc = sqs.mask('{"x": 1}', 'doc'), sqs.unmask(body, 'body')::json->>'ip' FROM people)),
	't|t|t|t|199.172.111.135', 'of strings, nested values, numbers, objects and the whole body');

refill("$ip, $device", '{"ip": null}', '{"ip": "not an address", "device_id": ""}');
is(value('SELECT ip IS NULL, device_id IS NULL FROM people ORDER BY 1'), "f|f\nt|t", 'NULL stays NULL, an empty text does not');
is(value(q(SELECT sqs.unmask(ip, 'ip') FROM people WHERE ip IS NOT NULL)), 'not an address', 'what is no address is masked as a text');

refill("origin text OPTIONS (message_attribute 'origin', mask 'origin'), $device");
$queue->send_one('{"device_id": "x"}', MessageAttributes => { origin => { DataType => 'String', StringValue => 'S3CRET' } });
is(value(q(SELECT origin = sqs.mask('S3CRE' || 'T', 'origin') FROM people)), 't', 'of message attributes');

# --- conditions and checks see the mask

refill("$ip, id integer", map { qq({"ip": "10.0.0.$_", "id": $_}) } 1 .. 9);
is(value(q(SELECT id FROM people WHERE ip = sqs.mask_ip('10.0.0.7'))), 7, 'a condition compares masks');
value('CREATE TABLE landed (ip text, id integer)');
value('INSERT INTO landed SELECT * FROM people ORDER BY ip');
is(value(q(SELECT count(*) FROM landed WHERE ip = sqs.mask_ip(('10.0.0.' || id)::inet))), 9, 'and so does what is inserted');
refill("ip text CHECK (ip LIKE 'i1.%') OPTIONS (mask 'ip')" =~ s/CHECK (\(.*?\)) (OPTIONS \(.*\))$/$2 CHECK $1/r, '{"ip": "10.0.0.1"}', '{"ip": "S3CRET"}');
my $result = run_sql($node, 'SELECT * FROM people');
like($result->{err}, qr/1 x check constraint/, 'a CHECK sees the mask, too');
unlike($result->{err}, qr/S3CRET/, 'and tells no value');

# --- rejected like any other

refill("device_id varchar(20) OPTIONS (mask 'device_id')", '{"device_id": "S3CRET"}');
like(run_sql($node, 'SELECT * FROM people')->{err}, qr/1 x the value of column "device_id" does not convert \(SQLSTATE 22001\)/,
	'a mask that does not fit its column');
refill($device, '{"device_id": "S3CRET\u0000"}');
like(run_sql($node, 'SELECT * FROM people')->{err}, qr/22P05/, '\u0000, which no text can hold');

# --- what must not be

foreach my $type ('inet', 'integer', 'jsonb', 'bytea', 'name')
{
	refill("x $type OPTIONS (mask 'x')", '{"x": "S3CRET"}');
	check_error($node, 'SELECT * FROM people', 'HV004', qr/column "x" of foreign table "people" cannot be masked.*HINT/s,
		"a masked column of type $type is refused");
}
refill('a text, b text GENERATED ALWAYS AS (upper(a)) STORED OPTIONS (mask \'b\')' =~ s/(GENERATED.*STORED) (OPTIONS.*)$/$2 $1/r, '{"a": "S3CRET"}');
check_error($node, 'SELECT b FROM people', 'HV00D', qr/option "mask" of generated column "b"/, 'and so is a generated one');
check_error($node, q(CREATE FOREIGN TABLE t (a text OPTIONS (mask '')) SERVER aws OPTIONS (queue 'q')), '22023', qr/option "mask"/,
	'an empty domain is refused');

refill("$ip, id integer", '{"ip": "10.0.0.1", "id": 1}');
value('CREATE ROLE owner; GRANT USAGE ON FOREIGN SERVER aws TO owner; ALTER FOREIGN TABLE people OWNER TO owner');
check_error($node, 'SELECT ip FROM people', '42501', qr/owner of foreign table "people" may not mask column "ip".*HINT.*GRANT EXECUTE/s,
	'the owner needs the right to mask: the column would tell him what a mask hides');
is(value('SELECT id FROM people'), 1, 'other columns can be read');
value('GRANT EXECUTE ON FUNCTION sqs.mask(text, text) TO owner');
like(value('SELECT ip FROM people'), qr/^i1\./, 'with the right it is masked');

write_keyring($node, 'no key');
check_error($node, 'SELECT ip FROM people', 'F0000', qr/keyring/, 'without a keyring nothing is read');
write_keyring($node);

# --- where the database's encoding could not hold the plain value

$node->safe_psql('postgres', q(CREATE DATABASE latin1 TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'));
my $euros = new_queue('mask_column', VisibilityTimeout => 600);
$euros->send(qq({"device_id": "\x{20ac}"}));
$node->safe_psql('latin1', <<"END");
CREATE EXTENSION sqs_fdw;
CREATE SERVER aws FOREIGN DATA WRAPPER sqs_fdw OPTIONS (region 'us-east-1', endpoint '${\sqs()->endpoint}');
CREATE USER MAPPING FOR CURRENT_USER SERVER aws OPTIONS (access_key_id 'test', secret_access_key 'test');
CREATE FOREIGN TABLE people ($device) SERVER aws OPTIONS (queue '${\$euros->name}', wait_time_seconds '0');
END
my $mask = $node->safe_psql('latin1', 'SELECT device_id FROM people');
is(value("SELECT encode(convert_to(sqs.unmask('$mask', 'device_id'), 'UTF8'), 'hex')"), 'e282ac', 'LATIN1: it is masked all the same');

# --- nothing of it is told

refill("$ip, $device, id integer", map { qq({"ip": "10.11.12.$_", "device_id": "S3CRET $_", "id": $_}) } 1 .. 50);
my $told = join "\n", map { my $r = run_sql($node, $_); "$r->{out}\n$r->{err}" }
  'EXPLAIN (ANALYZE, VERBOSE) SELECT * FROM people ORDER BY device_id',
  'SELECT * FROM people WHERE 1 / (id - 50) > 5', 'SELECT ip::inet FROM people', 'SELECT max(device_id) FROM people';
unlike($told, qr/S3CRET|10\.11\.12/, 'no EXPLAIN and no error shows a plain value');
unlike(PostgreSQL::Test::Utils::slurp_file($node->logfile), qr/S3CRET \d|10\.11\.12/, 'nor does the log');

done_testing();
