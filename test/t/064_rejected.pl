# on_error 'store' keeps rejected messages sealed in sqs.rejected, with the transaction that took them.

use strict;
use warnings;

use MIME::Base64 qw(encode_base64);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Test;

my $node = start_node('rejected', conf => "log_min_messages = debug1\n");

# Neither of these fits the table; both hold something that must not be seen.
my $no_number = '{"id": "one", "age": "S3CRET"}';
my $no_json   = 'S3CRET is not JSON';
my $fits      = '{"id": "good", "age": 1}';

my $queue;

sub refill
{
	my ($options, @bodies) = @_;
	$queue = new_queue('rejected', VisibilityTimeout => 600);
	$queue->send($_) for @bodies;
	$node->safe_psql('postgres', <<"END");
SET client_min_messages = warning;
DROP FOREIGN TABLE IF EXISTS people;
CREATE FOREIGN TABLE people (id text NOT NULL, age integer)
	SERVER aws OPTIONS (queue '${\$queue->name}', wait_time_seconds '0', $options);
DROP TABLE IF EXISTS landed;
CREATE TABLE landed (id text, age integer);
DELETE FROM sqs.rejected;
END
	return;
}

sub value { return $node->safe_psql('postgres', $_[0]); }

# Visible, in flight, rows, stored.
sub check_state
{
	my ($expected, $name) = @_;
	my $counts = $queue->counts;
	my $state  = join ' ', $counts->{visible}, $counts->{in_flight},
	  value('SELECT count(*) FROM landed'), value('SELECT count(*) FROM sqs.rejected');
	return is($state, $expected, $name);
}

my $take = 'INSERT INTO landed SELECT * FROM people';

# --- what is stored

refill(q(on_error 'store'), $fits, $no_number, $no_json);
my $result = run_sql($node, $take);
check_state('0 0 1 2', 'a row, two stored, and nothing left in the queue');
like($result->{err}, qr/WARNING:  22\w{3}: 2 messages of queue .* were rejected and stored in sqs\.rejected/,
	'a warning counts them');
is(() = $result->{err} =~ /WARNING:/g, 1, 'one warning');
unlike($result->{err}, qr/S3CRET/, 'which holds no value');
is(value('SELECT sqlstate, reason, key_id, receive_count, source FROM sqs.rejected ORDER BY sqlstate'),
	"22032|the body is not a JSON object|k1|1|people\n"
	  . '22P02|the value of column "age" does not convert|k1|1|people',
	'why, under which key, how often received, by which table');
is(value("SELECT count(*) FROM sqs.rejected WHERE queue = '${\$queue->name}'
		AND rejected_at BETWEEN now() - interval '1 hour' AND now()"), 2, 'from which queue, and when');
is(value('SELECT source, sqlstate, messages FROM sqs.rejected_reasons ORDER BY sqlstate'),
	"people|22032|1\npeople|22P02|1", 'the view of reasons counts them');
is(value(q(SELECT string_agg(sqs.rejected_body(id), '; ' ORDER BY sqlstate) FROM sqs.rejected)),
	"$no_json; $no_number", 'the bodies open');
is(value(q(SELECT string_agg(convert_from(sqs.rejected_body_bytes(id), 'UTF8'), '; ' ORDER BY sqlstate) FROM sqs.rejected)),
	"$no_json; $no_number", 'as bytes, too');
is(value('SELECT sqs.rejected_body(-1) IS NULL'), 't', 'an id that is not there gives NULL');
is(value(q(SELECT bool_or(position(convert_to('S3CRET', 'UTF8') IN sealed_body) > 0) FROM sqs.rejected)),
	'f', 'what is in the table is sealed');
my $ids = value('SELECT string_agg(message_id, $$ $$) FROM sqs.rejected');
unlike($ids, qr/S3CRET/, 'so is what is beside it');

# --- attributes

refill(q(on_error 'store'));
$queue->send_one($no_json, MessageAttributes => { origin => { DataType => 'String', StringValue => 'S3CRET "x"' } });
run_sql($node, $take);
is(value(q(SELECT a->'MessageAttributes'->'origin'->>'StringValue', a->>'ApproximateReceiveCount',
		abs(extract(epoch FROM now()) * 1000 - (a->>'SentTimestamp')::bigint) < 3600000, a ? 'SenderId'
		FROM sqs.rejected, sqs.rejected_attributes(id) a)),
	'S3CRET "x"|1|t|t', 'system and message attributes are kept, and open');
is(value(q(SELECT position(convert_to('S3CRET', 'UTF8') IN sealed_attributes) FROM sqs.rejected)), 0,
	'they are sealed, too');

# A sealed part that was moved to another row does not open.
refill(q(on_error 'store'), $no_number, $no_json);
run_sql($node, $take);
value('UPDATE sqs.rejected r SET sealed_body = o.sealed_body FROM sqs.rejected o WHERE r.id <> o.id');
check_error($node, 'SELECT sqs.rejected_body(id) FROM sqs.rejected', '22000', qr/cannot be opened/,
	'a body of another message is refused');
value(q(UPDATE sqs.rejected SET sealed_body = '\x00'));
check_error($node, 'SELECT sqs.rejected_body(id) FROM sqs.rejected', '22000', qr/cannot be opened/,
	'and so is one that was cut short');

# --- with the transaction

refill(q(on_error 'store'), $fits, $no_json);
run_sql($node, "BEGIN; $take; ROLLBACK");
check_state('2 0 0 0', 'a rollback brings everything back');

refill(q(on_error 'store'), $fits, $no_json);
run_sql($node, "BEGIN; SAVEPOINT s; $take; ROLLBACK TO s; COMMIT");
check_state('2 0 0 0', 'and so does one to a savepoint');

refill(q(on_error 'store'), $fits, $no_json);
run_sql($node, "$take WHERE 1 / (age - 1) > 0");
check_state('2 0 0 0', 'and an error');

refill(q(on_error 'store'), $fits, $no_number, $no_json);
is(run_sql($node, "DELETE FROM people WHERE id = 'nobody' RETURNING id")->{out}, '', 'a DELETE that finds nothing');
check_state('2 0 0 1', 'stores what it cannot read, and leaves what its condition refuses');

refill(q(on_error 'store'), $fits, $no_number);
run_sql($node, "INSERT INTO landed SELECT id, age + g FROM generate_series(1, 3) g, LATERAL (SELECT * FROM people WHERE g > 0) p");
check_state('0 0 3 1', 'a scan that is run again stores once');

refill(q(on_error 'store'), $fits, $no_json);
$result = run_sql($node, 'SELECT * FROM people');
is($result->{out}, 'good|1', 'a look skips it');
check_state('2 0 0 0', 'and stores nothing');
like($result->{err}, qr/1 message of queue .* was rejected and left in the queue/, 'which it says');

refill(q(on_error 'store'), (map { qq({"id": "$_", "age": "S3CRET"}) } 1 .. 40), (map { qq({"id": "$_", "age": 1}) } 1 .. 40));
run_sql($node, $take);
check_state('0 0 40 40', 'many');
is(value('SELECT count(DISTINCT id) || $$ $$ || count(DISTINCT message_id) FROM sqs.rejected'), '40 40', 'each once');

# --- who may

value(q(CREATE ROLE plain; GRANT USAGE ON FOREIGN SERVER aws TO plain;
	CREATE USER MAPPING FOR plain SERVER aws OPTIONS (access_key_id 'test', secret_access_key 'test')));
refill(q(on_error 'store'), $fits, $no_json);
value('GRANT SELECT ON people TO plain; GRANT INSERT ON landed TO plain');
run_sql($node, "SET ROLE plain; $take");
check_state('0 0 1 1', 'a role without rights on the table stores through its scan');
foreach my $statement ('TABLE sqs.rejected', 'TABLE sqs.rejected_reasons', 'DELETE FROM sqs.rejected',
	'SELECT sqs.rejected_body(1)', 'SELECT sqs.rejected_body_bytes(1)', 'SELECT sqs.rejected_attributes(1)')
{
	check_error($node, "SET ROLE plain; $statement", '42501', qr/permission denied/, "which may not: $statement");
}

# --- without a key

refill(q(on_error 'store'), $fits, $no_json);
my $path = write_keyring($node, 'no key at all');
check_error($node, $take, 'F0000', qr/keyring/, 'without a keyring the statement is refused');
check_state('2 0 0 0', 'nothing is lost');
my $received = $queue->receive_counts;
is_deeply([ values %$received ], [ 0, 0 ], 'nothing was even received');
is(run_sql($node, 'SELECT * FROM people')->{out}, 'good|1', 'a look needs no key');
write_keyring($node);

# --- a key that is to be removed

refill(q(on_error 'store'), $fits, $no_json, map { qq({"id": "$_", "age": "S3CRET"}) } 1 .. 150);
run_sql($node, $take);
my %line = (
	k1 => encode_base64(join('', map { chr } 0 .. 63), ''),
	k2 => encode_base64('2' x 64, ''));
write_keyring($node, "k1 decrypt $line{k1}", "k2 active $line{k2}");
is(value('SELECT sqs.reseal_rejected()'), 151, 'reseal_rejected counts what it sealed again');
is(value('SELECT DISTINCT key_id FROM sqs.rejected'), 'k2', 'all are under the active key');
is(value('SELECT sqs.reseal_rejected()'), 0, 'and it is done');
write_keyring($node, "k2 active $line{k2}");
is(value(q(SELECT count(*) FROM sqs.rejected WHERE sqs.rejected_body(id) LIKE '%S3C' || 'RET%' AND sqs.rejected_attributes(id) ? 'SenderId')),
	151, 'without the old key everything opens');
check_error($node, 'SET ROLE plain; SELECT sqs.reseal_rejected()', '42501', qr/permission denied/, 'not for everyone');
value('CREATE ROLE keeper; GRANT EXECUTE ON FUNCTION sqs.reseal_rejected() TO keeper');
is(run_sql($node, 'SET ROLE keeper; SELECT sqs.reseal_rejected()')->{out}, 0, 'but for whom it was granted to');
write_keyring($node, "k3 active " . encode_base64('3' x 64, ''));
check_error($node, 'SELECT sqs.reseal_rejected()', '22000', qr/does not have key "k2"/, 'a key that was removed too early is named');
write_keyring($node);

# --- reject_limit

foreach my $mode (qw(leave store))
{
	my $kept = $mode eq 'store' ? '0 0 1 2' : '2 0 1 0';
	refill("on_error '$mode', reject_limit '2'", $fits, $no_json, $no_number);
	run_sql($node, $take);
	check_state($kept, "$mode: as many rejections as the limit allows");
	refill("on_error '$mode', reject_limit '1'", $fits, $no_json, $no_number);
	my $failed = run_sql($node, $take);
	like($failed->{err}, qr/ERROR:  22\w{3}: more than 1 message of queue .*DETAIL:  1 x .*; 1 x .*HINT:.*reject_limit/s,
		"$mode: one more fails");
	unlike($failed->{err}, qr/S3CRET/, "$mode: without a value");
	check_state('3 0 0 0', "$mode: and everything is released");
	is(value("SELECT count(*) FROM sqs.rejected"), 0, "$mode: nothing is stored");
}

# --- a database that cannot hold the body as text

$node->safe_psql('postgres',
	q(CREATE DATABASE latin1 TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'));
my $euros = new_queue('rejected', VisibilityTimeout => 600);
$euros->send(qq({"id": "S3CRET \x{20ac}"}));
$node->safe_psql('latin1', <<"END");
CREATE EXTENSION sqs_fdw;
CREATE SERVER aws FOREIGN DATA WRAPPER sqs_fdw OPTIONS (region 'us-east-1', endpoint '${\sqs()->endpoint}');
CREATE USER MAPPING FOR CURRENT_USER SERVER aws OPTIONS (access_key_id 'test', secret_access_key 'test');
CREATE FOREIGN TABLE people (id text) SERVER aws
	OPTIONS (queue '${\$euros->name}', on_error 'store', wait_time_seconds '0');
CREATE TABLE landed (id text);
INSERT INTO landed SELECT * FROM people;
END
is($node->safe_psql('latin1', q(SELECT encode(sqs.rejected_body_bytes(id), 'escape') FROM sqs.rejected)),
	q({"id": "S3CRET \\\\342\\\\202\\\\254"}) =~ s/\\\\/\\/gr, 'LATIN1: the body is kept as it came');
my ($out, $err) = ('', '');
$node->psql('latin1', 'SELECT sqs.rejected_body(id) FROM sqs.rejected',
	stdout => \$out, stderr => \$err, extra_params => [ '-v', 'VERBOSITY=verbose' ]);
like($err, qr/22P05/, 'LATIN1: as text it is refused');
unlike($err, qr/S3CRET|342|e2 ?82/, 'LATIN1: without showing it');

# --- a dump has them

refill(q(on_error 'store'), $no_number, $no_json);
run_sql($node, $take);
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump.sql';
$node->command_ok([ 'pg_dump', '-f', $dump, $node->connstr('postgres') ], 'pg_dump');
unlike(PostgreSQL::Test::Utils::slurp_file($dump), qr/S3CRET/, 'a dump holds no value');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
$node->command_ok([ 'psql', '-qX', '-v', 'ON_ERROR_STOP=1', '-f', $dump, $node->connstr('restored') ], 'restored');
is($node->safe_psql('restored', q(SELECT string_agg(sqs.rejected_body(id), '; ' ORDER BY sqlstate) FROM sqs.rejected)),
	"$no_json; $no_number", 'and a restored database opens them');
my $highest = value('SELECT max(id) FROM sqs.rejected');
$queue->send($no_json);
$node->safe_psql('restored', $take);
is($node->safe_psql('restored', "SELECT count(*) FROM sqs.rejected WHERE id > $highest"), 1, 'and goes on with new ids');

my $log = PostgreSQL::Test::Utils::slurp_file($node->logfile);
unlike($log, qr/S3CRET(?!')/, 'the log holds no value');
like($log, qr/sqs_fdw audit: first use: function=$_ key=k1/, "the log says who used $_")
  foreach qw(sqs.rejected_body sqs.rejected_body_bytes sqs.rejected_attributes);

done_testing();
