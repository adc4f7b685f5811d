# INSERT ... SELECT takes what it returns, once, and nothing else; a plain SELECT only looks.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Faults;
use SqsFdw::Test;

my $node = start_node('takes');
my ($queue, $result);

# A fresh queue with that many logins, and empty tables.
sub refill
{
	my ($count, %options) = @_;
	$queue = new_queue('takes', VisibilityTimeout => 600);
	create_login_tables($node, $queue, %options);
	$queue->send(logins($count)) if $count;
	return;
}

# --- INSERT ... SELECT

refill(99);
$queue->send(stranger());
check_counts($node, $queue, { visible => 100, in_flight => 0, rows => 0 }, 'one hundred messages');
$result = run_sql($node, $TAKE);
ok($result->{ok}, 'the statement of the README runs') or diag($result->{err});
check_counts($node, $queue, { visible => 1, in_flight => 0, rows => 99 },
	'99 logins are rows, and the message that is none is still in the queue');
my ($left) = $queue->bodies;
is($left, stranger(), 'it is that message');
like(
	$result->{err},
	qr/WARNING:.*\b1 message of queue "\Q${\$queue->name}\E" was rejected and left in the queue/,
	'a warning says so');
like($result->{err}, qr/DETAIL:.*user_id.*23502/s, 'its detail names the column and the SQLSTATE');
my ($foo) = map { $_->{foo} } bodies_of(stranger());
unlike($result->{err}, qr/\Q$foo\E/, 'and no value');

my ($first) = bodies_of(logins(1));
is( $node->safe_psql('postgres', <<"END"), "$first->{device_type}|$first->{locale}|t|t|t|t", 'a row holds what the message held');
SELECT device_type, locale, masked_ip = sqs.mask_ip('$first->{ip}'),
       sqs.unmask(masked_device_id, 'device_id') = '$first->{device_id}',
       app_version = sqs.version_to_int('$first->{app_version}'),
       create_date BETWEEN now()::date - 1 AND now()::date + 1
FROM   user_logins WHERE user_id = '$first->{user_id}'
END
my $null_locales = grep { !defined $_->{locale} } bodies_of(logins(99));
is($node->safe_psql('postgres', 'SELECT count(*) FROM user_logins WHERE locale IS NULL'),
	$null_locales, 'JSON null is NULL');
is($node->safe_psql('postgres', 'SELECT count(DISTINCT user_id) FROM user_logins'),
	99, 'no message became two rows');

refill(0);
ok(run_sql($node, $TAKE)->{ok}, 'an empty queue is no error');
check_counts($node, $queue, { visible => 0, in_flight => 0, rows => 0 }, 'and makes no rows');

refill(99);
$queue->send(logins(99)) for 1 .. 4;
ok(run_sql($node, $TAKE)->{ok}, 'a queue of many replies');
check_counts($node, $queue, { visible => 0, in_flight => 0, rows => 495 }, 'is emptied by one statement');

refill(20);
$node->safe_psql('postgres', "BEGIN; $TAKE; $TAKE; COMMIT");
check_counts($node, $queue, { visible => 0, in_flight => 0, rows => 20 },
	'a second statement of the transaction does not see what the first took');

refill(20);
my $session = session($node);
$session->query_safe("BEGIN; $TAKE");
is($queue->counts->{in_flight}, 20, 'messages are held, not deleted, until the commit');
$session->query_safe('COMMIT');
check_counts($node, $queue, { visible => 0, in_flight => 0, rows => 20 }, 'and deleted after it');
$session->quit;

# --- other statements that write

refill(10);
$node->safe_psql('postgres', 'CREATE TABLE copy_of_queue AS SELECT * FROM login_queue');
is($node->safe_psql('postgres', 'SELECT count(*) FROM copy_of_queue'), 10, 'CREATE TABLE AS');
check_counts($node, $queue, { visible => 0, in_flight => 0, rows => 0 }, 'takes');

refill(10);
$node->safe_psql('postgres', "WITH taken AS ($TAKE RETURNING 1) SELECT count(*) FROM taken");
check_counts($node, $queue, { visible => 0, in_flight => 0, rows => 10 }, 'WITH ... INSERT takes');

refill(10);
$node->safe_psql('postgres', <<"END");
CREATE FUNCTION take() RETURNS void LANGUAGE plpgsql AS \$\$ BEGIN $TAKE; END \$\$;
SELECT take();
END
check_counts($node, $queue, { visible => 0, in_flight => 0, rows => 10 }, 'a function takes');

# --- WHERE

refill(40);
my $android = grep { $_->{device_type} eq 'android' } bodies_of(logins(40));
$node->safe_psql('postgres', "$TAKE WHERE device_type = 'android'");
check_counts($node, $queue, { visible => 40 - $android, in_flight => 0, rows => $android },
	'what a condition refuses stays in the queue');
is((grep { $_->{device_type} eq 'android' } bodies_of($queue->bodies)),
	0, 'and nothing that it accepts');

refill(5);
$queue->send(stranger());
$result = run_sql($node, "$TAKE WHERE device_type IS NOT NULL");
unlike($result->{err}, qr/WARNING/, 'a message that the condition refuses is not rejected');
check_counts($node, $queue, { visible => 1, in_flight => 0, rows => 5 }, 'but left to others');

# --- LIMIT

refill(40);
$node->safe_psql('postgres', "$TAKE LIMIT 5");
check_counts($node, $queue, { visible => 35, in_flight => 0, rows => 5 },
	'LIMIT takes that many, and what was received beyond it is visible again');

refill(40, max_messages => 7);
$result = run_sql($node, $TAKE);
check_counts($node, $queue, { visible => 33, in_flight => 0, rows => 7 }, 'max_messages is a limit');
like($result->{err}, qr/NOTICE:.*7 messages/, 'of which a notice tells');

# --- a look

refill(20);
is($node->safe_psql('postgres', 'SELECT count(*) FROM login_queue'), 20, 'SELECT shows the messages');
check_counts($node, $queue, { visible => 20, in_flight => 0, rows => 0 }, 'and leaves them');
is_deeply([ values %{ $queue->receive_counts } ], [ (1) x 20 ], 'each was received once for it');

refill(20);
$session = session($node);
$session->query_safe('BEGIN; SELECT count(*) FROM login_queue');
is($queue->counts->{in_flight}, 20, 'a look holds them while its transaction lasts');
$session->query_safe('COMMIT');
check_counts($node, $queue, { visible => 20, in_flight => 0, rows => 0 }, 'and no longer');
$session->quit;

refill(30, look_limit => 10);
$result = run_sql($node, 'SELECT count(*) FROM login_queue');
is($result->{out}, 10, 'look_limit is a limit');
like($result->{err}, qr/NOTICE:.*10 messages/, 'of which a notice tells');
check_counts($node, $queue, { visible => 30, in_flight => 0, rows => 0 }, 'nothing is left in flight');

refill(10);
$node->safe_psql('postgres', 'COPY (SELECT user_id FROM login_queue) TO STDOUT');
check_counts($node, $queue, { visible => 10, in_flight => 0, rows => 0 }, 'COPY looks');

refill(10);
$node->safe_psql('postgres',
	'CREATE MATERIALIZED VIEW seen AS SELECT user_id FROM login_queue; REFRESH MATERIALIZED VIEW seen');
check_counts($node, $queue, { visible => 10, in_flight => 0, rows => 0 }, 'a materialized view looks');
$node->safe_psql('postgres', 'DROP MATERIALIZED VIEW seen');

# --- consume

refill(10, consume => 'always');
is($node->safe_psql('postgres', 'SELECT count(*) FROM login_queue'), 10, "consume 'always'");
check_counts($node, $queue, { visible => 0, in_flight => 0, rows => 0 }, 'makes a SELECT take');

refill(10, consume => 'never');
run_sql($node, $TAKE);
check_counts($node, $queue, { visible => 10, in_flight => 0, rows => 10 },
	"consume 'never' makes an INSERT look");

# --- what must not take

refill(10);
check_error($node, 'SELECT * FROM login_queue FOR UPDATE', '0A000', qr/HINT:/, 'no row locks');
check_error($node, "BEGIN READ ONLY; $TAKE", '25006', qr/read-only/i, 'not in a READ ONLY transaction');
$node->safe_psql('postgres', 'CREATE TEMPORARY TABLE IF NOT EXISTS unused ()');
check_error(
	$node,
	'CREATE TEMPORARY TABLE t (u text); BEGIN READ ONLY; INSERT INTO t SELECT user_id FROM login_queue',
	'25006', qr/HINT:/, 'not even into a temporary table');
is_deeply([ values %{ $queue->receive_counts } ], [ (0) x 10 ], 'and none of them received');

# --- on_error 'abort'

refill(10, on_error => 'abort');
$queue->send(stranger());
check_error($node, $TAKE, '23502', qr/user_id.*HINT:/s, "on_error 'abort' fails the statement");
wait_for_counts($node, $queue, { visible => 11, in_flight => 0, rows => 0 }, 'and releases everything');

# --- requests

refill(0);
my $proxy = SqsFdw::Faults->start(
	folder   => PostgreSQL::Test::Utils::tempdir('proxy'),
	upstream => sqs()->endpoint,
	rules    => []);
create_server($node, 'proxied', endpoint => $proxy->endpoint);
create_login_tables($node, $queue, server => 'proxied');
$proxy->script();
run_sql($node, "EXPLAIN $TAKE; EXPLAIN (VERBOSE, COSTS OFF) SELECT * FROM login_queue; ANALYZE user_logins");
is(scalar $proxy->requests, 0, 'EXPLAIN makes no request at all');
run_sql($node, 'SELECT * FROM login_queue');
is(scalar $proxy->requests('ReceiveMessage'), 1, 'a SELECT of an empty queue is one long poll');
is(($proxy->requests('ReceiveMessage'))[0]{parameters}{WaitTimeSeconds}, 1, 'of one second');
$queue->send(logins(30));
$proxy->script();
run_sql($node, $TAKE);
is((grep { $_->{parameters}{Entries} == 10 } $proxy->requests('DeleteMessageBatch')),
	3, 'thirty messages are deleted by three requests');
$proxy->stop;

done_testing();
