# Entries of the ledger go when SQS can no longer deliver their message, a few with each statement.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Test;

my $node  = start_node('prune');
my $queue = new_queue('prune', VisibilityTimeout => 600);
create_login_tables($node, $queue, wait_time_seconds => 0);

sub value { return $node->safe_psql('postgres', $_[0]); }

sub take
{
	my ($count) = @_;
	$queue->send(logins($count));
	value($TAKE);
	return;
}

# Messages of the queue, taken as if they had been sent that long ago.
sub age
{
	my ($interval) = @_;
	take(20);
	value("UPDATE sqs.ledger SET sent_at = sent_at - interval '$interval' WHERE sent_at > now() - interval '1 hour'");
	return;
}

sub retain
{
	my ($days) = @_;
	my $seconds = $days * 86400;
	value("LOAD 'sqs_fdw'; ALTER SYSTEM SET sqs_fdw.ledger_retention = $seconds");
	$node->reload;
	wait_for { value(q(LOAD 'sqs_fdw'; SELECT setting FROM pg_settings WHERE name = 'sqs_fdw.ledger_retention')) == $seconds }
	'the setting';
	return;
}

# --- by the queue's own retention

age('3 days');
age('16 days');
value(q(INSERT INTO sqs.ledger SELECT now() - interval '16 days', gen_random_uuid(), 0 FROM generate_series(1, 5)));
take(10);
is(value(q(SELECT count(*) FILTER (WHERE sent_at > now() - interval '1 day'),
		count(*) FILTER (WHERE sent_at BETWEEN now() - interval '4 days' AND now() - interval '2 days'),
		count(*) FILTER (WHERE sent_at < now() - interval '10 days' AND queue <> 0),
		count(*) FILTER (WHERE queue = 0) FROM sqs.ledger)), '10|20|0|5',
	'a statement removes what its queue can no longer deliver, and nothing else');
is(value('SELECT sqs.prune_ledger()'), 5, 'prune_ledger removes that of all queues');

# --- each region has its own queue of a name

create_server($node, 'west', endpoint => sqs()->endpoint, region => 'us-west-2');
value('TRUNCATE sqs.ledger');
create_login_tables($node, $queue, wait_time_seconds => 0, server => 'west');
age('16 days');
create_login_tables($node, $queue, wait_time_seconds => 0);
take(10);
is(value('SELECT count(*) FROM sqs.ledger'), 30, 'a queue of that name in another region keeps its entries');
is(value('SELECT sqs.prune_ledger()'), 20, 'as long as SQS keeps any message');

# --- by the setting

retain(1);
take(5);
is(value('SELECT count(*) FROM sqs.ledger'), 15, 'a shorter retention that was set');
is(value('SELECT sqs.prune_ledger()'), 0, 'leaves nothing for prune_ledger');

# --- who may

value('CREATE ROLE nobody');
check_error($node, 'SET ROLE nobody; SELECT sqs.prune_ledger()', '42501', qr/permission denied/, 'prune_ledger is not for everyone');
check_error($node, q(LOAD 'sqs_fdw'; SET ROLE nobody; SET sqs_fdw.ledger_retention = 60), '55P02', qr/cannot be changed now/, 'nor is the setting');

# --- nobody is waited for

value(q(INSERT INTO sqs.ledger SELECT now() - interval '2 days', gen_random_uuid(), 0 FROM generate_series(1, 10)));
my $other = session($node);
$other->query_safe(q(BEGIN; DELETE FROM sqs.ledger WHERE ctid IN (SELECT ctid FROM sqs.ledger WHERE queue = 0 LIMIT 4)));
foreach my $level ('READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE')
{
	run_sql($node, "SET lock_timeout = '1s'; BEGIN ISOLATION LEVEL $level; SELECT 1; SELECT sqs.prune_ledger(); ROLLBACK");
}
is(value(q(SET lock_timeout = '1s'; SELECT sqs.prune_ledger())), 6, 'rows that another transaction is deleting are passed over');
$other->query_safe('COMMIT');
$other->quit;

# A transaction whose snapshot is older than another's pruning goes on.
value(q(INSERT INTO sqs.ledger SELECT now() - interval '2 days', gen_random_uuid(), 0 FROM generate_series(1, 10)));
my $old = session($node);
$old->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
is(value('SELECT sqs.prune_ledger()'), 10, 'another prunes');
is($old->query_safe('SELECT sqs.prune_ledger()'), 0, 'an older snapshot finds nothing, and no error');
$old->query_safe('COMMIT');
$old->quit;

# --- a month: as much goes as comes, and the table stays as small as it was

my ($early, $late);
value('TRUNCATE sqs.ledger');
for my $day (1 .. 30)
{
	my $from = 40 - $day;
	value("INSERT INTO sqs.ledger SELECT now() - interval '$from days' + i * interval '1 second', gen_random_uuid(), 0
		FROM generate_series(1, 5000) i");
	retain($from + 5);
	value('SELECT sqs.prune_ledger()');
	value('VACUUM sqs.ledger');    # as autovacuum would, in its own time
	$early = value(q(SELECT pg_total_relation_size('sqs.ledger'))) if $day == 10;
}
$late = value(q(SELECT pg_total_relation_size('sqs.ledger')));
note("after 10 days $early bytes, after 30 days $late");
cmp_ok(value('SELECT count(*) FROM sqs.ledger'), '<=', 30_000, 'after a month there are the entries of the last days');
cmp_ok($late, '<=', 1.2 * $early, 'and no bloat');

done_testing();
