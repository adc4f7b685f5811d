# Generated columns are computed, dropped ones are gone, and a prepared statement follows ALTER.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Test;

my $node = start_node('altered');

sub define
{
	my ($columns) = @_;
	$node->safe_psql('postgres', <<"END");
SET client_min_messages = warning;
DROP FOREIGN TABLE IF EXISTS inbox;
CREATE FOREIGN TABLE inbox ($columns) SERVER aws OPTIONS (queue 'none', wait_time_seconds '0');
END
	return;
}

# Points the table at a fresh queue of those messages.
sub refill
{
	my (@bodies) = @_;
	my $queue = new_queue('altered', VisibilityTimeout => 600);
	$queue->send(@bodies);
	$node->safe_psql('postgres', "ALTER FOREIGN TABLE inbox OPTIONS (SET queue '${\$queue->name}')");
	return $queue;
}

# What a look returns, and that it says nothing else.
sub shows
{
	my ($sql, $expected, $name) = @_;
	my $result = run_sql($node, $sql);
	return is($result->{out} . $result->{err}, $expected, $name);
}

sub rejects
{
	my ($sql, $reason, $expected, $name) = @_;
	my $result = run_sql($node, $sql);
	like($result->{err}, qr/WARNING:.*DETAIL:  1 x $reason/s, $name) or diag($result->{err});
	return is($result->{out}, $expected, 'and it alone');
}

# --- generated columns

define(<<'END');
	tag text, price numeric(8,2), amount integer, secret integer,
	total numeric(10,1) GENERATED ALWAYS AS (price * amount) STORED,
	label varchar(8) GENERATED ALWAYS AS (CASE WHEN amount IS NULL THEN 'none' ELSE upper(tag) END) STORED,
	origin regclass GENERATED ALWAYS AS (tableoid) STORED,
	ratio numeric GENERATED ALWAYS AS (round(price / amount, 2)) STORED
END
refill('{"tag": "x", "price": 2.25, "amount": 3, "total": 77, "secret": 1}');
shows('SELECT * FROM inbox', 'x|2.25|3|1|6.8|X|inbox|0.75', 'generated columns are computed, and not read from the body');
shows('SELECT total FROM inbox', '6.8', 'also where the columns that they are computed from are not asked for');
shows('SELECT inbox FROM inbox', '(x,2.25,3,1,6.8,X,inbox,0.75)', 'also in a whole row');
shows(q(SELECT total, tag FROM inbox WHERE label = 'X' AND total > 6), '6.8|x', 'also in a condition');
shows(q(SELECT tag FROM inbox WHERE label = 'Y'), '', 'which decides');

refill('{"tag": "x", "amount": 3}', '{"tag": "y", "price": 1}');
shows(q(SELECT total IS NULL, label FROM inbox ORDER BY tag), "t|X\nt|none", 'they may be NULL');

# The condition refuses the message by its generated column; the bad one is not looked at.
refill('{"tag": "x", "amount": 3, "secret": "bad"}');
shows(q(SELECT tag, secret FROM inbox WHERE label = 'Y'), '', 'a message that such a condition refuses is not rejected');
rejects(q(SELECT tag, secret FROM inbox WHERE label = 'X'), 'the value of column "secret"', '', 'one that it lets pass is');
refill('{"tag": "x", "amount": "bad"}');
rejects(q(SELECT tag FROM inbox WHERE label = 'X'), 'the value of column "amount"', '',
	'a bad value that the condition is computed from rejects');

# Errors in the expression, with good neighbours in the same reply, whose values outlive them.
my $zero = qr/the expression of generated column "ratio" fails \(SQLSTATE 22012\)/;
refill('{"tag": "a", "price": 1}', '{"tag": "b", "price": 1, "amount": 0}', '{"tag": "c", "price": 1, "amount": 2}');
rejects('SELECT tag, label, ratio FROM inbox ORDER BY tag', $zero, "a|none|\nc|C|0.50", 'an error in the expression rejects');
shows('SELECT tag, label FROM inbox ORDER BY tag', "a|none\nb|B\nc|C", 'but only where it is needed');
refill('{"tag": "too long a tag", "amount": 1}');
rejects('SELECT label FROM inbox', qr/the expression of generated column "label" fails \(SQLSTATE 22001\)/, '',
	'a result that its column cannot hold rejects');

define(<<'END');
	tag text, amount integer,
	twice integer GENERATED ALWAYS AS (amount * 2) STORED NOT NULL,
	half integer GENERATED ALWAYS AS (amount / 2) STORED,
	CONSTRAINT half_is_small CHECK (half < 10)
END
refill('{"tag": "a", "amount": 4}', '{"tag": "b"}');
rejects('SELECT tag FROM inbox', 'column "twice" is NOT NULL', 'a', 'NOT NULL holds for generated columns');
refill('{"tag": "a", "amount": 4}', '{"tag": "b", "amount": 40}');
rejects('SELECT tag FROM inbox', 'check constraint "half_is_small" fails', 'a', 'and so does CHECK');
refill('{"tag": "a", "amount": 4}', '{"tag": "b", "amount": 2147483647}');
rejects('SELECT tag FROM inbox', 'the expression of generated column "twice" fails \(SQLSTATE 22003\)', 'a',
	'and they are computed for that');

define('tag text, amount integer, twice integer GENERATED ALWAYS AS (amount * 2) STORED, CONSTRAINT whole CHECK (inbox IS NOT NULL)');
refill('{"tag": "a", "amount": 4}', '{"tag": "b"}');
rejects('SELECT tag FROM inbox', 'check constraint "whole" fails', 'a', 'a CHECK of the whole row reads all columns');

# An option of one would be ignored.
foreach my $option (qw(key pointer attribute message_attribute mask))
{
	my $value = $option eq 'pointer' ? '/x' : $option eq 'attribute' ? 'body' : 'x';
	define("tag text, twice text OPTIONS ($option '$value') GENERATED ALWAYS AS (tag || tag) STORED");
	refill('{"tag": "a"}');
	foreach my $sql ('SELECT tag FROM inbox', 'EXPLAIN SELECT tag FROM inbox', 'DELETE FROM inbox')
	{
		check_error($node, $sql, 'HV00D', qr/option "$option" of generated column "twice".*HINT:.*OPTIONS \(DROP $option\)/s,
			"$option of a generated column: refused by $sql");
	}
	$node->safe_psql('postgres', "ALTER FOREIGN TABLE inbox ALTER COLUMN twice OPTIONS (DROP $option)");
	shows('SELECT twice FROM inbox', 'aa', 'and the hint helps');
}

# --- columns dropped and added

define('a integer, gone text NOT NULL, b text, twice integer GENERATED ALWAYS AS (a * 2) STORED, CHECK (gone <> b)');
$node->safe_psql('postgres', q(ALTER FOREIGN TABLE inbox DROP COLUMN gone CASCADE;
	ALTER FOREIGN TABLE inbox ADD COLUMN late jsonb, ADD COLUMN "last" bytea OPTIONS (key 'end') NOT NULL,
		ADD CHECK (b <> 'forbidden'), ADD CONSTRAINT row_is_there CHECK (inbox IS DISTINCT FROM NULL)));
refill('{"a": 1, "gone": {"not": "text"}, "b": "x", "late": [1], "end": "\\\\x00"}');
shows('SELECT * FROM inbox', '1|x|2|[1]|\x00', 'a dropped column is not read, and columns after it are');
shows('SELECT inbox FROM inbox', '(1,x,2,[1],"\\\\x00")', 'in a whole row, too');
refill('{"a": 1, "b": "forbidden", "end": ""}', '{"a": 2, "end": ""}', '{"a": 3}');
my $result = run_sql($node, 'SELECT a FROM inbox');
is($result->{out}, 2, 'and they are checked');
like($result->{err}, qr/2 messages of queue/, 'each of them');

# --- ALTER between executions of a prepared statement

my $session;

# Executes it once: what it returns, and what it says.
sub execute
{
	$session->{stderr} = '';
	my $out = $session->query('EXECUTE look');
	return ($out, $session->{stderr});
}

# Executes it seven times, so that a plan for all executions has its turn, and expects the same.
sub executes
{
	my ($expected, $name) = @_;
	my @found = map { join '', execute() } 1 .. 7;
	return is(join("\n", @found), join("\n", ($expected) x 7), "$name, seven times");
}

# Executes it once, and expects an error or warning. What was rejected comes back much later, so that
# the queue is filled anew, and the statement is planned and run again.
sub complains
{
	my ($pattern, $name, $undo, $body, $expected) = @_;
	my ($out, $err) = execute();
	like($err, $pattern, $name);
	$node->safe_psql('postgres', $_) for @$undo;
	refill($body);
	return executes($expected, "$name, and not any more");
}

sub alter { return $node->safe_psql('postgres', "ALTER FOREIGN TABLE inbox $_[0]"); }

foreach my $mode (qw(auto force_generic_plan))
{
	my $body = '{"a": 1, "b": "x", "c": "y", "new": "z"}';
	define('a integer, b text, c text');
	refill($body);
	$session = $node->background_psql('postgres', on_error_stop => 0);
	$session->query_safe("SET plan_cache_mode = $mode; PREPARE look AS SELECT a, c FROM inbox WHERE b = 'x'");
	executes('1|y', "$mode: as prepared");

	# Columns.
	alter('ADD COLUMN d integer NOT NULL');
	complains(qr/column "d" is NOT NULL/, "$mode: a column that was added is required",
		['ALTER FOREIGN TABLE inbox DROP COLUMN d'], $body, '1|y');
	alter(q(ALTER c OPTIONS (ADD key 'new')));
	executes('1|z', "$mode: another key of a column");
	alter(q(ALTER c OPTIONS (DROP key, ADD attribute 'body')));
	executes("1|$body", "$mode: an attribute instead");
	alter(q(ALTER c OPTIONS (DROP attribute, ADD message_attribute 'none')));
	executes('1|', "$mode: a message attribute instead");
	alter(q(ALTER c OPTIONS (DROP message_attribute, ADD pointer '/b')));
	executes('1|x', "$mode: a pointer instead");
	alter(q(ADD CONSTRAINT no_x CHECK (c <> 'x')));
	complains(qr/check constraint "no_x" fails/, "$mode: a CHECK that was added is heeded",
		['ALTER FOREIGN TABLE inbox DROP CONSTRAINT no_x'], $body, '1|x');
	alter('DROP COLUMN a');
	complains(qr/ERROR/, "$mode: a column that the statement needs is gone",
		['ALTER FOREIGN TABLE inbox ADD COLUMN a integer GENERATED ALWAYS AS (length(b) * 7) STORED'], $body, '7|x');
	alter('DROP COLUMN a, ADD COLUMN a integer');
	executes('1|x', "$mode: a generated column replaced by a plain one");

	# The table's options.
	refill('{"Message": "{\"a\": 2, \"b\": \"x\"}", "b": "outer"}');
	executes('', "$mode: another queue");
	alter(q(OPTIONS (ADD sns_envelope 'true')));
	executes('2|x', "$mode: an SNS envelope");
	my $inner = '{"Message": "{\"a\": 3, \"b\": \"x\"}"}';
	my $queue = refill($inner, $inner, $inner);
	alter(q(OPTIONS (ADD consume 'always')));
	is(join('', execute()), "3|x\n3|x\n3|x", "$mode: consume 'always' shows the same");
	is($queue->counts->{visible} + $queue->counts->{in_flight}, 0, 'and takes');
	alter(q(OPTIONS (SET consume 'never')));
	$queue->send($inner);
	executes('3|x', "$mode: consume 'never' takes nothing");

	# The server and the user mapping. Nothing of the old ones is kept.
	my $endpoint = sqs()->endpoint;
	$node->safe_psql('postgres', q(ALTER SERVER aws OPTIONS (SET endpoint 'http://127.0.0.1:1', ADD max_attempts '1')));
	complains(qr/ERROR.*127\.0\.0\.1/s, "$mode: another endpoint",
		["ALTER SERVER aws OPTIONS (SET endpoint '$endpoint', DROP max_attempts)"], $inner, '3|x');
	$node->safe_psql('postgres', 'DROP USER MAPPING FOR CURRENT_USER SERVER aws');
	complains(qr/no user mapping/, "$mode: no user mapping",
		[ q(CREATE USER MAPPING FOR CURRENT_USER SERVER aws OPTIONS (access_key_id 'another', secret_access_key 'key')) ],
		$inner, '3|x');
	$node->safe_psql('postgres',
		q(ALTER USER MAPPING FOR CURRENT_USER SERVER aws OPTIONS (DROP access_key_id, DROP secret_access_key)));
	complains(qr/has no credentials/, "$mode: a user mapping without keys",
		[ q(ALTER USER MAPPING FOR CURRENT_USER SERVER aws OPTIONS (ADD access_key_id 'test', ADD secret_access_key 'test')) ],
		$inner, '3|x');
	$session->quit;
}

$node->stop;
done_testing();
