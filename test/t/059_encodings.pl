# Names and values beyond ASCII are the body's own, in a database of another encoding, too.

use strict;
use warnings;
use utf8;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Test;

my $node     = start_node('encodings');
my $endpoint = sqs()->endpoint;

# Unicode escapes, so that no statement depends on the encoding of the client.
my $key     = 'pr\00E9nom';
my $pointer = '/\00E9t\00E9/pr\00E9nom';

# Statements in that database; verbose messages.
sub in_database
{
	my ($database, $sql) = @_;
	my ($out, $err) = ('', '');
	$node->psql($database, $sql, stdout => \$out, stderr => \$err, extra_params => [ '-v', 'VERBOSITY=verbose' ]);
	return { ok => $err !~ /ERROR:/, out => $out, err => $err };
}

sub create_database
{
	my ($encoding) = @_;
	my $database = lc $encoding;
	$node->safe_psql('postgres',
		"CREATE DATABASE $database TEMPLATE template0 ENCODING '$encoding' LOCALE 'C'");
	$node->safe_psql($database, <<"END");
CREATE EXTENSION sqs_fdw;
CREATE SERVER aws FOREIGN DATA WRAPPER sqs_fdw OPTIONS (endpoint '$endpoint', region 'us-east-1');
CREATE USER MAPPING FOR CURRENT_USER SERVER aws OPTIONS (access_key_id 'test', secret_access_key 'test');
CREATE TABLE first_names (by_name text, by_key text, by_pointer text, document jsonb);
END
	return $database;
}

sub create_queue_table
{
	my ($database, $queue) = @_;
	my $name = $queue->name;
	$node->safe_psql($database, <<"END");
DROP FOREIGN TABLE IF EXISTS people;
CREATE FOREIGN TABLE people (
    U&"$key"   text NOT NULL,
    by_key     text OPTIONS (key U&'$key'),
    by_pointer text OPTIONS (pointer U&'$pointer'),
    document   jsonb OPTIONS (key U&'\\00E9t\\00E9')
) SERVER aws OPTIONS (queue '$name', wait_time_seconds '0');
TRUNCATE first_names;
END
	return;
}

my $take = qq(INSERT INTO first_names SELECT U&"$key", by_key, by_pointer, document FROM people);

# The message's first name stands in the table as each column read it.
sub check_row
{
	my ($database, $name, $what) = @_;
	my $row = $node->safe_psql($database, <<"END");
SELECT by_name = U&'$name', by_key = U&'$name', by_pointer = U&'$name',
       document ->> U&'$key' = U&'$name'
FROM   first_names
END
	return is($row, 't|t|t|t', "$database: $what");
}

sub body
{
	my ($name, $rest) = @_;
	return qq({"prénom": "$name", "été": {"prénom": "$name"}$rest});
}

foreach my $encoding (qw(UTF8 LATIN1))
{
	my $database = create_database($encoding);
	my $queue = new_queue('encodings', VisibilityTimeout => 600);
	create_queue_table($database, $queue);

	$queue->send(body('Zoé', ''));
	my $result = in_database($database, $take);
	is($result->{err}, '', "$database: the statement runs");
	check_row($database, 'Zo\00E9', 'column, key and pointer read the value of their name');
	is($queue->counts->{visible} + $queue->counts->{in_flight}, 0, "$database: the message is taken");

	# The same letter as an escape of JSON's, and what no column reads may be anything.
	create_queue_table($database, $queue);
	$queue->send('{"pr\u00e9nom": "Ren\u00E9", "\u00e9t\u00e9": {"pr\u00E9nom": "René"}, "prix": "5 €", "€": 1}');
	is(in_database($database, $take)->{err}, '', "$database: escapes, and a stranger in what nobody reads");
	check_row($database, 'Ren\00E9', 'the same letter, escaped');

	# A condition on such a column, and one that compares with such a letter.
	create_queue_table($database, $queue);
	$queue->send(body('Zoé', ''), body('Zoe', ''));
	is(in_database($database, qq($take WHERE U&"$key" = U&'Zo\\00E9'))->{err}, '', "$database: a condition");
	check_row($database, 'Zo\00E9', 'takes what it says');
	is_deeply([ $queue->bodies ], [ body('Zoe', '') ], "$database: and no other");
	$queue->purge;
}

# A letter that the encoding lacks makes its message a rejected one, and no other.
{
	my $queue = new_queue('encodings', VisibilityTimeout => 600);
	create_queue_table('latin1', $queue);
	my $stranger = body('Zoé €', '');
	$queue->send($stranger, body('Zoé', ''));
	my $result = in_database('latin1', $take);
	ok($result->{ok}, 'a character that LATIN1 lacks does not fail the statement') or diag($result->{err});
	like($result->{err}, qr/WARNING:.*1 message of queue .* was rejected/, 'but rejects the message');
	like($result->{err}, qr/DETAIL:.*22P05/, 'as one that cannot be translated');
	check_row('latin1', 'Zo\00E9', 'its neighbour is taken');
	wait_for { $queue->counts->{in_flight} == 0 } 'the release';
	is_deeply([ $queue->bodies ], [$stranger], 'and the message is still in the queue');

	# A column of a name that the body has only in part.
	$queue->purge;
	create_queue_table('latin1', $queue);
	$queue->send('{"prénom": "Zoé", "été": {"nom": "€"}}');
	$result = in_database('latin1', $take);
	like($result->{err}, qr/DETAIL:.*document.*22P05/, 'in a document, too');
}

# Arrays and composites, whose members have names and values beyond ASCII.
foreach my $database (qw(utf8 latin1))
{
	my $queue = new_queue('encodings', VisibilityTimeout => 600);
	$node->safe_psql($database, <<"END");
CREATE TYPE person AS (U&"$key" text, age integer);
CREATE FOREIGN TABLE families (
    tag    text,
    names  text[],
    family person[] OPTIONS (key U&'famill\\00E9')
) SERVER aws OPTIONS (queue '${\$queue->name}', wait_time_seconds '0');
END
	my $members = '[{"prénom": "Zoé", "age": 5}, {"pr\u00e9nom": "Ren\u00e9"}]';
	$queue->send(qq({"tag": "good", "names": ["Zoé", "Ren\\u00e9"], "famillé": $members}),
		$database eq 'latin1' ? ('{"names": ["5 €"]}', '{"names": ["5 \u20ac"]}', '{"famillé": [{"€": 1}]}') : ());
	my $result = in_database($database, <<"END");
SELECT tag, names = ARRAY[U&'Zo\\00E9', U&'Ren\\00E9'],
       family = ARRAY[ROW(U&'Zo\\00E9', 5), ROW(U&'Ren\\00E9', NULL)]::person[] FROM families
END
	is($result->{out}, 'good|t|t', "$database: arrays and composites have their values");
	my @refused = $result->{err} =~ /(\d) x the value of column "\w+[^;]*SQLSTATE 22P05/g;
	is(eval { my $sum = 0; $sum += $_ for @refused; $sum }, $database eq 'latin1' ? 3 : 0,
		"$database: what the encoding lacks is refused") or diag($result->{err});
}

$node->stop;
done_testing();
