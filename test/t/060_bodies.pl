# A message that the table's definition refuses is rejected alone, and its value is told to nobody.

use strict;
use warnings;

use Digest::MD5 qw(md5_hex);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Test;

my %encoding_of = (utf8 => 'UTF8', latin1 => 'LATIN1', ascii => 'SQL_ASCII');
my @everywhere  = sort keys %encoding_of;

# The private copy of the server has no bitcode, which a costly plan would ask for.
my $node = start_node('bodies', conf => <<'END');
jit = off
log_min_messages = debug1
log_error_verbosity = verbose
END

my $columns = <<'END';
	tag text NOT NULL, num integer, small smallint, big bigint, price numeric(6,2), exact numeric,
	ratio double precision, flag boolean, day date, at_time timestamptz, span interval,
	note varchar(5), code char(3), txt text, doc jsonb, raw json, id uuid, address inet, bits bytea,
	numbers integer[], range int4range, kind mood, above positive
END

# One session for each database, and one foreign table in each, that every case points at its queue.
my %session;
foreach my $database (@everywhere)
{
	$node->safe_psql('postgres',
		"CREATE DATABASE $database TEMPLATE template0 ENCODING '$encoding_of{$database}' LC_COLLATE 'C' LC_CTYPE 'C'");
	$session{$database} = $node->background_psql($database,
		on_error_stop => 0, extra_params => [ '-v', 'VERBOSITY=verbose' ]);
	$session{$database}->query_safe(<<"END");
CREATE EXTENSION sqs_fdw;
CREATE SERVER aws FOREIGN DATA WRAPPER sqs_fdw OPTIONS (region 'us-east-1', endpoint '${\sqs()->endpoint}');
CREATE USER MAPPING FOR CURRENT_USER SERVER aws OPTIONS (access_key_id 'test', secret_access_key 'test');
CREATE TYPE mood AS ENUM ('glad', 'sad');
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE FOREIGN TABLE inbox (
	$columns,
	CONSTRAINT num_is_small CHECK (num < 1000),
	CONSTRAINT num_divides CHECK (1000 / num < 2000)
) SERVER aws OPTIONS (queue 'none', wait_time_seconds '0', on_error 'leave');
CREATE TABLE landed ($columns)
END
}

my $queue;

# A fresh queue of those messages, in that database.
sub refill
{
	my ($database, $on_error, @bodies) = @_;
	$queue = new_queue('bodies', VisibilityTimeout => 600);
	# A batch has a limit of its own.
	my @long = grep { length($_) > 10_000 } @bodies;
	$queue->send(grep { length($_) <= 10_000 } @bodies);
	$queue->send($_) for @long;
	$session{$database}->query_safe("TRUNCATE landed; TRUNCATE sqs.rejected;
		ALTER FOREIGN TABLE inbox OPTIONS (SET queue '${\$queue->name}', SET on_error '$on_error')");
	return;
}

# Runs a statement, and returns what came out, the messages, and what was added to the server's log.
sub run_in
{
	my ($database, $sql) = @_;
	my $start = -s $node->logfile;
	my $out   = $session{$database}->query($sql);
	# The session would keep it, and call it the next statement's.
	my $err = $session{$database}{stderr};
	$session{$database}{stderr} = '';
	return {
		out => $out,
		err => $err,
		log => PostgreSQL::Test::Utils::slurp_file($node->logfile, $start),
	};
}

sub landed
{
	my ($database) = @_;
	return $session{$database}->query_safe(q(SELECT string_agg(tag, ' ' ORDER BY tag) FROM landed));
}

# What every bad body below holds, in one form or another.
my $secret = qr/S3CRET|3\.?1415926|300000-|2345-02|1e400|-9{5}|\bNaN\b|\[\[\[|\\u0000|\\ud800|\x{e2}\x{82}\x{ac}|\x{20ac}/;

sub check_secrecy
{
	my ($result, $name) = @_;
	my ($found) = "$result->{err}\n$result->{log}" =~ /^(.*$secret.*)$/m;
	return ok(!defined $found, "$name: neither messages nor log hold the value") || diag($found);
}

my @neighbours = map { qq({"tag": "$_", "txt": "a neighbour", "num": 1}) } qw(after before);

# The message is left in the queue, with one warning, and the ones beside it are taken.
sub is_left
{
	my ($database, $name, $body, $sqlstate) = @_;
	$name = "$database: left: $name";
	refill($database, 'leave', $neighbours[1], $body, $neighbours[0]);
	my $result = run_in($database, 'INSERT INTO landed SELECT * FROM inbox');
	is(landed($database), 'after before', "$name: its neighbours are rows");
	my @warnings = $result->{err} =~ /WARNING:  (.*)/g;
	is(@warnings, 1, "$name: one warning") or diag($result->{err});
	like($result->{err}, qr/WARNING:.*\b1 message of queue.*DETAIL:  1 x [^\n]*\Q$sqlstate\E.*HINT:/s,
		"$name: which counts, and says $sqlstate");
	my @left = $queue->bodies;
	ok(@left == 1 && $left[0] eq $body, "$name: it is still in the queue");
	return check_secrecy($result, $name);
}

# The statement fails, and everything is back in the queue.
sub aborts
{
	my ($database, $name, $body, $sqlstate) = @_;
	$name = "$database: abort: $name";
	refill($database, 'abort', $neighbours[1], $body, $neighbours[0]);
	my $result = run_in($database, 'INSERT INTO landed SELECT * FROM inbox');
	like($result->{err}, qr/ERROR:  \Q$sqlstate\E:.*HINT:/s, "$name: fails with $sqlstate");
	is(landed($database), '', "$name: no row");
	my $counts = $queue->counts;
	is_deeply([ @$counts{qw(visible in_flight)} ], [ 3, 0 ], "$name: everything is released");
	return check_secrecy($result, $name);
}

# The message is kept in sqs.rejected, sealed, and the ones beside it are taken.
sub is_stored
{
	my ($database, $name, $body, $sqlstate) = @_;
	$name = "$database: stored: $name";
	refill($database, 'store', $neighbours[1], $body, $neighbours[0]);
	my $result = run_in($database, 'INSERT INTO landed SELECT * FROM inbox');
	is(landed($database), 'after before', "$name: its neighbours are rows");
	like($result->{err}, qr/WARNING:.*\b1 message of queue.*stored.*DETAIL:  1 x [^\n]*\Q$sqlstate\E/s,
		"$name: one warning, which says $sqlstate");
	my $counts = $queue->counts;
	is($counts->{visible} + $counts->{in_flight}, 0, "$name: nothing is left in the queue");
	utf8::encode(my $bytes = $body);
	is($session{$database}->query_safe(
			q(SELECT sqlstate || ' ' || md5(sqs.rejected_body_bytes(id)) FROM sqs.rejected)),
		"$sqlstate " . md5_hex($bytes), "$name: it is kept byte for byte");
	return check_secrecy($result, $name);
}

# The message becomes a row, of which the expression is as expected.
sub is_accepted
{
	my ($database, $name, $body, $expression, $expected) = @_;
	$name = "$database: accepted: $name";
	refill($database, 'leave', $neighbours[1], $body, $neighbours[0]);
	my $result = run_in($database, 'INSERT INTO landed SELECT * FROM inbox');
	is($result->{err}, '', "$name: no warning");
	is($session{$database}->query_safe("SELECT $expression FROM landed WHERE tag = 'x'"),
		$expected, "$name: $expression");
	return is($queue->counts->{visible} + $queue->counts->{in_flight}, 0, "$name: and is taken");
}

# As long as the queue server takes: 1 MiB, or what SQS once took.
sub longest
{
	my ($text) = @_;
	my $probe = new_queue('longest');
	foreach my $size (1 << 20, 1 << 18)
	{
		my $body = sprintf '{"tag": "x", "%s": "%s"}', $text, 'S3CRET' x ($size / 6 - 6);
		return $body if eval { $probe->send_one($body) };
	}
	BAIL_OUT('the queue server takes no message of 256 KiB');
}

sub nested { my ($depth) = @_; return '[' x $depth . ']' x $depth; }
sub field  { my ($key, $json) = @_; return qq({"tag": "x", "$key": $json}); }

# --- what is rejected: name, body, SQLSTATE

my $no_json = '22032';
my @rejected = (
	[ 'no JSON',              'S3CRET is not JSON',               $no_json ],
	[ 'JSON cut short',       '{"tag": "x", "txt": "S3CRET',      $no_json ],
	[ 'two JSON documents',   '{"tag": "x"} {"tag": "S3CRET"}',   $no_json ],
	[ 'an array',             '[{"tag": "S3CRET"}]',              $no_json ],
	[ 'a number',             '31415926535',                      $no_json ],
	[ 'a string',             '"S3CRET"',                         $no_json ],
	[ 'null',                 'null',                             $no_json ],
	[ 'a blank body',         ' ',                                $no_json ],
	[ 'an empty object',      '{}',                               '23502' ],
	[ 'no value where one is needed', '{"tag": null, "txt": "S3CRET"}', '23502' ],
	[ 'a bare NaN',           field(ratio => 'NaN'),              $no_json ],
	[ 'a bare word',          field(txt => 'S3CRET'),             $no_json ],
	[ 'a trailing comma',     '{"tag": "x", "txt": "S3CRET",}',   $no_json ],
	[ 'a control character',  field(txt => qq("S3CRET\t")),       $no_json ],
	[ 'nesting 2000 deep',    field(doc => nested(2000)),         $no_json ],
	[ 'nesting 2000 deep, in a key that no column has', field(other => nested(2000)), $no_json ],
	[ 'a lone surrogate',     field(txt => '"S3CRET \ud800"'),    $no_json ],
	[ 'a lone surrogate in jsonb', field(doc => '{"a": "\ud800"}'), $no_json ],
	[ 'a lone surrogate in a key that no column has', field(other => '"\ud800 S3CRET"'), $no_json ],
	[ '\u0000 in text',       field(txt => '"S3CRET\u0000"'),     '22P05' ],
	[ '\u0000 in varchar',    field(note => '"\u0000"'),          '22P05' ],
	[ '\u0000 in a number',   field(num => '"1\u0000"'),          '22P05' ],
	[ '\u0000 in jsonb',      field(doc => '{"a": "\u0000"}'),    '22P05' ],
	[ '\u0000 in a jsonb string', field(doc => '"\u0000"'),       '22P05' ],
	[ 'a number beyond integer',  field(num => '31415926535'),    '22003' ],
	[ 'a number beyond smallint', field(small => '31415926'),     '22003' ],
	[ 'a number beyond bigint',   field(big => '31415926535897932384'), '22003' ],
	[ 'a number beyond numeric(6,2)', field(price => '31415926'), '22003' ],
	[ '1e400 in a double',    field(ratio => '1e400'),            '22003' ],
	[ 'the string 1e400 in a double', field(ratio => '"1e400"'),  '22003' ],
	[ 'a fraction in an integer', field(num => '3.1415926'),      '22P02' ],
	[ 'text in an integer',   field(num => '"S3CRET"'),           '22P02' ],
	[ 'NaN in an integer',    field(num => '"NaN"'),              '22P02' ],
	[ 'an object in an integer', field(num => '{"S3CRET": 1}'),   '22P02' ],
	[ 'text beyond varchar(5)',   field(note => '"S3CRET"'),      '22001' ],
	[ 'text beyond char(3)',      field(code => '"S3CRET"'),      '22001' ],
	[ 'a number beyond varchar(5)', field(note => '31415926'),    '22001' ],
	[ 'no date',              field(day => '"S3CRET"'),           '22007' ],
	[ 'a date of the year 6 million', field(day => '"6300000-01-01"'), '22008' ],
	[ 'a time in the year 300000', field(at_time => '"300000-01-01"'), '22008' ],
	[ 'the 31st of February', field(day => '"2345-02-31"'),       '22008' ],
	[ 'no interval',          field(span => '"S3CRET"'),          '22007' ],
	[ 'no truth',             field(flag => '"S3CRET"'),          '22P02' ],
	[ 'no UUID',              field(id => '"S3CRET"'),            '22P02' ],
	[ 'no address',           field(address => '"S3CRET"'),       '22P02' ],
	[ 'no bytes',             field(bits => '"\\\\xS3CRET"'),     '22023' ],
	[ 'no array',             field(numbers => '"{1,S3CRET}"'),   '22P02' ],
	[ 'an array of another kind', field(numbers => '"{31415926535}"'), '22003' ],
	[ 'a range upside down',  field(range => '"[31415926,1]"'),   '22000' ],
	[ 'no label of the enum', field(kind => '"S3CRET"'),          '22P02' ],
	[ 'a value that the domain refuses', field(above => '-99999'), '23514' ],
	[ 'a failing check',      field(num => '31415926'),           '23514' ],
	[ 'a check that divides by zero', field(num => '0'),          '22012' ],
	[ 'duplicate keys, of which the last is bad', '{"tag": "x", "num": 1, "num": "S3CRET"}', '22P02' ],
	[ 'the longest string in varchar(5)', longest('note'),        '22001' ],
);

foreach my $case (@rejected)
{
	my ($name, $body, $sqlstate) = @$case;
	is_left('utf8', $name, $body, $sqlstate);
	is_stored('utf8', $name, $body, $sqlstate);
	aborts('utf8', $name, $body, $sqlstate);
}

# The same bodies in the other encodings: left all at once, each of them rejected alone, and aborting.
foreach my $database (qw(latin1 ascii))
{
	refill($database, 'leave', map { ($_->[1], field(txt => '"a neighbour"')) } @rejected);
	my $result = run_in($database, 'INSERT INTO landed SELECT * FROM inbox');
	my $count  = @rejected;
	like($result->{err}, qr/WARNING:.*\b$count messages of queue/, "$database: all are rejected");
	is(() = $result->{err} =~ /WARNING:/g, 1, "$database: with one warning");
	is($session{$database}->query_safe('SELECT count(*) FROM landed'), $count, "$database: and only they");
	is($queue->counts->{visible}, $count, "$database: they are still in the queue");
	check_secrecy($result, "$database: all at once");
	foreach my $case (@rejected)
	{
		aborts($database, @$case);
		is_stored($database, @$case);
	}
}

# --- what a database's encoding lacks

my $euro = "\x{20ac}";
my @beyond_latin1 = (
	[ 'the euro sign',            field(txt => qq("S3CRET $euro")) ],
	[ 'the euro sign, escaped',   field(txt => '"S3CRET \u20ac"') ],
	[ 'the euro sign in jsonb',   field(doc => qq({"a": "$euro"})) ],
	[ 'the euro sign in jsonb, escaped', field(doc => '{"a": "\u20ac S3CRET"}') ],
	[ 'the euro sign in a jsonb string', field(doc => qq("$euro")) ],
	[ 'the euro sign in a key',   field(raw => qq({"$euro": 1})) ],
	[ 'an emoji',                 field(txt => '"S3CRET \ud83d\ude00"') ],
);
foreach my $case (@beyond_latin1)
{
	is_left('latin1', @$case, '22P05');
	is_stored('latin1', @$case, '22P05');
	aborts('latin1', @$case, '22P05');
}
is_accepted('latin1', 'a euro sign that no column reads', field(other => qq("$euro")), 'txt IS NULL', 't');

# Sent as UTF-8 and compared as bytes, whatever the client's encoding.
foreach my $database (@everywhere)
{
	my $bytes = $database eq 'latin1' ? '\xe9' : '\xc3a9';
	is_accepted($database, 'a letter of all encodings', field(txt => qq("\x{e9}")),
		"encode(textsend(txt), 'hex') = '" . substr($bytes, 2) . q('), 't');
	is_accepted($database, 'and escaped', field(txt => '"\u00e9"'),
		"encode(textsend(txt), 'hex') = '" . substr($bytes, 2) . q('), 't');
}
foreach my $database (qw(utf8 ascii))
{
	is_accepted($database, 'the euro sign', field(txt => qq("$euro")), q(encode(textsend(txt), 'hex')), 'e282ac');
	is_accepted($database, 'an emoji of two surrogates', field(txt => '"\ud83d\ude00"'),
		q(encode(textsend(txt), 'hex')), 'f09f9880');
}
is_accepted('latin1', 'five letters in varchar(5)', field(note => qq("\x{e9}\x{e9}\x{e9}\x{e9}\x{e9}")),
	'char_length(note)', 5);

# A column's name, and the option `key`, are in the database's encoding; a body is in UTF-8.
foreach my $database (qw(utf8 latin1))
{
	$session{$database}->query_safe(<<'END');
CREATE FOREIGN TABLE sizes (U&"gr\00F6\00DFe" integer, width integer OPTIONS (key U&'l\00E4nge'))
SERVER aws OPTIONS (queue 'none', wait_time_seconds '0')
END
	my $named = new_queue('bodies', VisibilityTimeout => 600);
	$named->send(qq({"gr\x{f6}\x{df}e": 5, "l\x{e4}nge": 7}));
	$session{$database}->query_safe("ALTER FOREIGN TABLE sizes OPTIONS (SET queue '${\$named->name}')");
	is(run_in($database, 'SELECT * FROM sizes')->{out}, '5|7', "$database: keys beyond ASCII are found");
}

# --- what is accepted

my @accepted = (
	[ 'duplicate keys: the last wins', '{"tag": "y", "num": 1, "tag": "x", "num": 2}', 'num', 2 ],
	[ 'duplicate keys, of which the last is good', '{"tag": "x", "num": "bad", "num": 3}', 'num', 3 ],
	[ 'duplicate keys in jsonb', field(doc => '{"a": 1, "a": 2}'), 'doc', '{"a": 2}' ],
	[ '\u0000 in a key that no column has', field(other => '"\u0000"'), 'txt IS NULL', 't' ],
	[ '1e400 in numeric',       field(exact => '1e400'),        'exact = 10::numeric ^ 400', 't' ],
	[ '1e400 in a key that no column has', field(other => '1e400'), 'txt IS NULL', 't' ],
	[ '1e400 in text',          field(txt => '1e400'),          'txt', '1e400' ],
	[ 'a number of thirty digits in numeric', field(exact => '314159265358979323846264338327.95'),
		'exact', '314159265358979323846264338327.95' ],
	[ 'the string NaN in a double', field(ratio => '"NaN"'),    'ratio', 'NaN' ],
	[ 'the string Infinity in a double', field(ratio => '"-Infinity"'), 'ratio', '-Infinity' ],
	[ 'a date of the year 300000', field(day => '"300000-01-01"'), 'day', '300000-01-01' ],
	[ 'nesting 500 deep in jsonb', field(doc => nested(500)),   'length(doc::text)', 1000 ],
	[ 'an array in text',       field(txt => '[1, {"a": null}]'), 'txt', '[1, {"a": null}]' ],
	[ 'a number in text',       field(txt => '1.50'),           'txt', '1.50' ],
	[ 'a boolean in text',      field(txt => 'true'),           'txt', 'true' ],
	[ 'a number in a string',   field(num => '" 12 "'),         'num', 12 ],
	[ 'a string in jsonb',      field(doc => '"a \"quoted\" \u0001 string"'), q(doc #>> '{}' = E'a "quoted" \x01 string'), 't' ],
	[ 'JSON null in jsonb',     field(doc => 'null'),           'doc IS NULL', 't' ],
	[ 'an empty string',        field(txt => '""'),             q(txt = ''), 't' ],
	[ 'an escaped key',         '{"t\u0061g": "x"}',            'num IS NULL', 't' ],
	[ 'space around the body',  " \n\t" . field(num => 5) . "\r\n ", 'num', 5 ],
	[ 'an array that PostgreSQL wrote', field(numbers => '"{1,2}"'), 'numbers', '{1,2}' ],
	[ 'the longest string in text', longest('txt'), 'length(txt) > 200000', 't' ],
);
foreach my $database (@everywhere)
{
	is_accepted($database, @$_) for @accepted;
}

# --- many at once

# A bad message anywhere in a reply, several, and nothing else.
foreach my $pattern ('bgggggggggg', 'gggggggggb', 'gbgbgbgbgb', 'bbbbbbbbbb', 'b' x 25 . 'g' x 25)
{
	my $number = 0;
	refill('utf8', 'leave', map { field(num => $_ eq 'b' ? '"S3CRET"' : 1) } split //, $pattern);
	my $bad    = () = $pattern =~ /b/g;
	my $result = run_in('utf8', 'INSERT INTO landed SELECT * FROM inbox');
	is($session{utf8}->query_safe('SELECT count(*) FROM landed'), length($pattern) - $bad, "$pattern: the good ones are rows");
	is($queue->counts->{visible}, $bad, 'the bad ones are left');
	like($result->{err}, qr/WARNING:.*\b$bad messages? of queue/, 'and counted');
	check_secrecy($result, $pattern);
}

# --- which conditions and columns decide

refill('utf8', 'leave', field(num => '"S3CRET"'));
my $result = run_in('utf8', q(INSERT INTO landed SELECT * FROM inbox WHERE tag = 'another'));
is($result->{err}, '', "a message that the query's condition refuses is not rejected");
$result = run_in('utf8', 'INSERT INTO landed (txt) SELECT txt FROM inbox');
like($result->{err}, qr/num/, 'a column in a CHECK is read by every statement');
refill('utf8', 'leave', field(small => '"S3CRET"'));
$result = run_in('utf8', 'INSERT INTO landed (tag) SELECT tag FROM inbox');
is($result->{err}, '', 'a column that no one asks for is not read');
is(landed('utf8'), 'x', 'and cannot fail');

# --- again and again

# At once the first time, and later each time after that.
refill('utf8', 'leave', field(num => '"S3CRET"'));
run_in('utf8', 'INSERT INTO landed SELECT * FROM inbox');
is($queue->counts->{visible}, 1, 'a message rejected for the first time is visible at once');
run_in('utf8', 'INSERT INTO landed SELECT * FROM inbox');
is($queue->counts->{in_flight}, 1, 'for the second time, later');
wait_for { $queue->counts->{visible} == 1 } 'the delay to end';
pass('but it comes back');

$_->quit for values %session;
$node->stop;
done_testing();
