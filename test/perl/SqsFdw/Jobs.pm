# Messages with known ids, the table that they go to, and the question after every trouble: was one
# lost, was one doubled? For the tests of the ledger.

package SqsFdw::Jobs;

use strict;
use warnings;

use Carp qw(croak);
use Exporter qw(import);
use JSON::PP;
use Test::More;

use SqsFdw::Wait qw(wait_for);

our @EXPORT = qw(
  $TAKE_JOBS
  check_jobs
  counts_of
  create_job_tables
  drain_jobs
  explain_in
  expired
  lost_and_doubled
  send_jobs
);

our $TAKE_JOBS = 'INSERT INTO done SELECT id, n FROM jobs';

# A queue that is not empty by then holds a message that nobody can take.
use constant DRAIN_SECONDS => 60;

my $json = JSON::PP->new->canonical;
my $sent = 0;

# Replaces the foreign table jobs and the table done, which has no unique key. Options of the
# foreign table beside `queue`; `server` names another server than aws.
sub create_job_tables
{
	my ($node, $queue, %options) = @_;
	my $server = delete $options{server} // 'aws';
	%options = (queue => $queue->name, wait_time_seconds => 0, %options);
	my $list = join ', ', map { "$_ '$options{$_}'" } sort keys %options;
	$node->safe_psql('postgres', <<"END");
SET client_min_messages = warning;
DROP FOREIGN TABLE IF EXISTS jobs;
CREATE FOREIGN TABLE jobs (id text NOT NULL, n int NOT NULL) SERVER $server OPTIONS ($list);
DROP TABLE IF EXISTS done CASCADE;
CREATE TABLE done (id text, n int);
END
	return;
}

# Sends that many messages; their n counts from 1. Returns their ids, which no other message has.
sub send_jobs
{
	my ($queue, $count) = @_;
	my @jobs = map { { id => 'j' . ++$sent, n => $_ } } 1 .. $count;
	$queue->send(map { $json->encode($_) } @jobs);
	return map { $_->{id} } @jobs;
}

# Waits until that many messages are visible (again).
sub expired
{
	my ($queue, $count) = @_;
	wait_for { $queue->counts->{visible} == $count } "$count messages to be visible again";
	return;
}

# How many of these ids have no row in the table done (or another), and how many have several.
sub lost_and_doubled
{
	my ($node, $ids, $table, $database) = @_;
	$table //= 'done';
	my $rows  = $node->safe_psql($database // 'postgres', "SELECT id, count(*) FROM $table GROUP BY id");
	my %count = map { split /\|/ } split /\n/, $rows;
	my %known = map { $_ => 1 } @$ids;
	croak 'rows that nobody sent' if grep { !$known{$_} } keys %count;
	return {
		lost    => scalar(grep { !$count{$_} } @$ids),
		doubled => scalar(grep { ($count{$_} // 0) > 1 } @$ids),
	};
}

# Each of these ids has one row.
sub check_jobs
{
	my ($node, $ids, $name, $table) = @_;
	return is_deeply(lost_and_doubled($node, $ids, $table), { lost => 0, doubled => 0 },
		"$name: nothing lost, nothing doubled");
}

# Takes until nothing is left in the queue, in flight neither.
sub drain_jobs
{
	my ($node, $queue, $statement, $database) = @_;
	wait_for
	{
		$node->psql($database // 'postgres', $statement // $TAKE_JOBS);
		my $counts = $queue->counts;
		$counts->{visible} + $counts->{in_flight} == 0;
	}
	'the queue to be empty', DRAIN_SECONDS;
	return;
}

# The counters in the text of EXPLAIN ANALYZE: Messages, Taken, Duplicates, Contended, ….
sub counts_of
{
	my ($text) = @_;
	my %counts = $text =~ /^\s*(\w[\w ]*): (\d+)\s*$/mg;
	return \%counts;
}

# Runs a statement in a session under EXPLAIN ANALYZE, and returns its counters.
sub explain_in
{
	my ($session, $statement) = @_;
	return counts_of(
		$session->query_safe("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) $statement"));
}

1;
