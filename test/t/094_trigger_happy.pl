# Whatever the target does with its rows, a message is in it once or in the queue; where that can't
# hold, the exception is counted here, and the README names it.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Chaos qw(finish_chaos start_chaos);
use SqsFdw::Jobs;
use SqsFdw::Test;

# Random kills take their time beside the rest: see the end.
my $seed  = int(rand(1e9));
my %kills = map { $_ => start_chaos(seed => $seed, cycles => 5, target => $_) } qw(partitioned triggers);

my $node = start_node('targets', conf => 'max_locks_per_transaction = 128');
my $queue;
my @ids;

sub value { return $node->safe_psql('postgres', $_[0]); }

sub refill
{
	my ($count, %options) = @_;
	$queue = new_queue('targets', VisibilityTimeout => 600);
	create_job_tables($node, $queue, %options);
	@ids = send_jobs($queue, $count);
	return;
}

sub in_queue
{
	my $counts = $queue->counts;
	return $counts->{visible} + $counts->{in_flight};
}

# A statement fails, and everything is back in the queue: visible, though its timeout is long.
sub check_fails
{
	my ($sql, $sqlstate, $pattern, $name) = @_;
	check_error($node, $sql, $sqlstate, $pattern, "$name fails");
	wait_for { $queue->counts->{visible} == @ids } 'the messages to be released';
	is(value('SELECT count(*) FROM done'), 0, "$name: no row is left");
	is(value("SELECT count(*) FROM sqs.ledger WHERE sent_at > now() - interval '1 hour'"), 0,
		'and no entry');
	return;
}

# Then the trouble is removed, and the same statement moves everything.
sub check_moves
{
	my ($name, $statement) = @_;
	drain_jobs($node, $queue, $statement);
	check_jobs($node, \@ids, $name);
	value('TRUNCATE sqs.ledger');
	return;
}

# --- triggers and constraints

my $fail = <<'END';
CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.n = 17 THEN
		RAISE EXCEPTION 'this one not';
	END IF;
	RETURN NEW;
END $$;
END
my %triggers = (
	'a BEFORE trigger'             => 'CREATE TRIGGER t BEFORE INSERT ON done FOR EACH ROW',
	'an AFTER trigger'             => 'CREATE TRIGGER t AFTER INSERT ON done FOR EACH ROW',
	'a trigger at the commit'      =>
	  'CREATE CONSTRAINT TRIGGER t AFTER INSERT ON done DEFERRABLE INITIALLY DEFERRED FOR EACH ROW',
);
foreach my $name (sort keys %triggers)
{
	refill(30);
	value("$fail; $triggers{$name} EXECUTE FUNCTION fail()");
	check_fails($TAKE_JOBS, 'P0001', qr/this one not/, $name);
	value('DROP TRIGGER t ON done');
	check_moves($name);
}

refill(30);
value('ALTER TABLE done ADD UNIQUE (n) DEFERRABLE INITIALLY DEFERRED');
value('CREATE TABLE taken_numbers AS SELECT 17 AS n');
check_fails("BEGIN; $TAKE_JOBS; INSERT INTO done SELECT 'x', n FROM taken_numbers; COMMIT",
	'23505', qr/duplicate key/, 'a deferred unique key');
check_moves('a deferred unique key');

refill(30);
value(<<'END');
CREATE TABLE known (n int PRIMARY KEY);
INSERT INTO known SELECT generate_series(1, 29);
ALTER TABLE done ADD FOREIGN KEY (n) REFERENCES known DEFERRABLE INITIALLY DEFERRED;
END
check_fails($TAKE_JOBS, '23503', qr/foreign key/, 'a deferred foreign key');
value('INSERT INTO known VALUES (30)');
check_moves('a deferred foreign key');

# --- rows that the target does not want: they have left the scan, so their messages are taken

refill(30);
value('CREATE UNIQUE INDEX ON done ((n % 10))');
value("$TAKE_JOBS ON CONFLICT DO NOTHING");
is(in_queue(), 0,
	'ON CONFLICT DO NOTHING: a row that conflicts has left the scan, its message is taken');
is_deeply(lost_and_doubled($node, \@ids), { lost => 20, doubled => 0 }, 'and the statement dropped it');

refill(30);
value(<<'END');
CREATE OR REPLACE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RETURN CASE WHEN NEW.n <= 12 THEN NEW END;
END $$;
CREATE TRIGGER t BEFORE INSERT ON done FOR EACH ROW EXECUTE FUNCTION skip();
END
value($TAKE_JOBS);
is(in_queue(), 0, 'so has a row that a BEFORE trigger suppresses');
is_deeply(lost_and_doubled($node, \@ids), { lost => 18, doubled => 0 }, 'and the trigger dropped it');

# --- rules

refill(30);
value('CREATE TABLE IF NOT EXISTS real_target (id text, n int); TRUNCATE real_target');
value('CREATE RULE elsewhere AS ON INSERT TO done DO INSTEAD INSERT INTO real_target VALUES (NEW.id, NEW.n)');
drain_jobs($node, $queue);
check_jobs($node, \@ids, 'a rule that inserts elsewhere', 'real_target');

# Such a rule is a second statement with a scan of its own: it finds what the first has left.
refill(30);
value('TRUNCATE real_target');
value('CREATE RULE beside AS ON INSERT TO done DO ALSO INSERT INTO real_target VALUES (NEW.id, NEW.n)');
value("$TAKE_JOBS WHERE n > 0");
is(in_queue(), 0, 'a rule that also inserts: everything is taken');
is_deeply(lost_and_doubled($node, \@ids, '(TABLE done UNION ALL TABLE real_target) tables'),
	{ lost => 0, doubled => 0 }, 'and is in one of the two tables');
value('TRUNCATE sqs.ledger');

# --- partitions

refill(30);
value(<<'END');
DROP TABLE done;
CREATE TABLE done (id text, n int) PARTITION BY RANGE (n);
CREATE TABLE done_1 PARTITION OF done FOR VALUES FROM (1) TO (11) PARTITION BY HASH (id);
CREATE TABLE done_1_0 PARTITION OF done_1 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE done_1_1 PARTITION OF done_1 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE done_2 PARTITION OF done FOR VALUES FROM (11) TO (30);
END
check_fails($TAKE_JOBS, '23514', qr/no partition/, 'a row without a partition');
value('CREATE TABLE done_3 PARTITION OF done DEFAULT');
check_moves('a partitioned table');

# --- tables without a write-ahead log: not covered

my $durable = SqsFdw::Test::start_node('durability');
foreach my $kind ('UNLOGGED', 'TEMPORARY')
{
	$queue = new_queue('targets', VisibilityTimeout => 600);
	create_job_tables($durable, $queue);
	@ids = send_jobs($queue, 20);
	$durable->safe_psql('postgres', 'DROP TABLE done; CREATE UNLOGGED TABLE done (id text, n int)');
	my $create = $kind eq 'TEMPORARY' ? 'CREATE TEMPORARY TABLE done (id text, n int);' : '';
	my $result = run_sql($durable, "$create $TAKE_JOBS; SELECT count(*) FROM done");
	ok($result->{ok}, "$kind: the statement runs") or diag($result->{err});
	like($result->{err}, qr/WARNING: .*are taken into (un|temp)\w+ table "done".*HINT:/s, 'with a WARNING');
	is($result->{out}, 20, 'and has its rows');
	is(in_queue(), 0, 'and the messages are deleted');
	$durable->stop('immediate');
	$durable->start;
	is_deeply(lost_and_doubled($durable, \@ids), { lost => 20, doubled => 0 }, 'which a crash takes away');
}
$durable->stop;

# Who takes into such a table is told so: once a statement, whatever it is, and not where it only looks.
my $fleeting = <<'END';
DROP TABLE IF EXISTS fleeting, parted, copy;
CREATE UNLOGGED TABLE fleeting (id text, n int);
INSERT INTO fleeting VALUES ('old', 1);
CREATE TABLE parted (id text, n int) PARTITION BY LIST (n);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1) PARTITION BY HASH (id);
CREATE TABLE parted_2 PARTITION OF parted DEFAULT;
CREATE UNLOGGED TABLE parted_1_0 PARTITION OF parted_1 FOR VALUES WITH (MODULUS 1, REMAINDER 0);
END

# Each pair is a statement and the tables that its warnings are about.
sub check_warnings
{
	my ($pairs, %options) = @_;
	while (my ($statement, $expected) = splice @$pairs, 0, 2)
	{
		refill(2, %options);
		value("SET client_min_messages = warning; $fleeting");
		my $result = run_sql($node, $statement);
		ok($result->{ok}, "$statement runs") or diag($result->{err});
		my @tables = $result->{err} =~ /WARNING:  01000: messages of queue "targets[^"]*" are taken into (\w+ table "\w+")/g;
		is("@tables", $expected, 'and is warned of ' . ($expected || 'nothing'));
	}
	return;
}

my ($unlogged, $partition) = ('unlogged table "fleeting"', 'unlogged table "parted_1_0"');
my $from = 'SELECT id, n FROM jobs';
check_warnings([
	"CREATE TEMPORARY TABLE copy AS $from"                   => 'temporary table "copy"',
	"CREATE TABLE pg_temp.copy AS $from"                     => 'temporary table "copy"',
	"CREATE UNLOGGED TABLE copy AS $from"                    => 'unlogged table "copy"',
	"SELECT id, n INTO TEMPORARY copy FROM jobs"             => 'temporary table "copy"',
	"SELECT id, n INTO UNLOGGED copy FROM jobs"              => 'unlogged table "copy"',
	"PREPARE s AS $from; CREATE UNLOGGED TABLE copy AS EXECUTE s" => 'unlogged table "copy"',
	"EXPLAIN ANALYZE CREATE UNLOGGED TABLE copy AS $from"    => 'unlogged table "copy"',
	"DO 'BEGIN CREATE UNLOGGED TABLE copy AS $from; END'"    => 'unlogged table "copy"',
	"CREATE TABLE copy AS $from"                             => '',
	"CREATE UNLOGGED TABLE copy AS $from WITH NO DATA"       => '',
	"EXPLAIN CREATE UNLOGGED TABLE copy AS $from"            => '',
	"WITH d AS (DELETE FROM jobs RETURNING id, n) INSERT INTO fleeting SELECT * FROM d" => $unlogged,
	"WITH i AS (INSERT INTO fleeting $from RETURNING n) SELECT sum(n) FROM i"           => $unlogged,
	"WITH i AS (INSERT INTO fleeting $from) INSERT INTO done VALUES ('x', 0)"           => $unlogged,
	"WITH i AS (INSERT INTO fleeting VALUES ('x', 0)) INSERT INTO done $from"           => '',
	"WITH d AS (DELETE FROM jobs RETURNING id, n), i AS (INSERT INTO fleeting VALUES ('x', 0)) INSERT INTO done SELECT * FROM d" => '',
	"INSERT INTO fleeting SELECT (SELECT id FROM jobs LIMIT 1), 1"                      => $unlogged,
	"INSERT INTO fleeting $from UNION ALL $from"                                        => $unlogged,
	"INSERT INTO parted $from"                               => $partition,
	"INSERT INTO parted_2 SELECT id, 2 FROM jobs"            => '',
	"UPDATE fleeting f SET id = j.id FROM jobs j WHERE j.n = f.n"                       => $unlogged,
	"UPDATE parted p SET id = j.id FROM jobs j WHERE j.n = p.n"                         => $partition,
	"DELETE FROM fleeting f USING jobs j WHERE j.n = f.n"    => '',
	"DELETE FROM jobs RETURNING id"                          => '',
	"COPY (INSERT INTO fleeting $from RETURNING 1) TO STDOUT" => $unlogged,
	"COPY ($from) TO STDOUT"                                 => '',
]);
check_warnings([
	"MERGE INTO fleeting f USING jobs j ON j.n = f.n WHEN MATCHED THEN UPDATE SET id = j.id" => $unlogged,
	"MERGE INTO parted p USING jobs j ON j.n = p.n WHEN NOT MATCHED THEN INSERT VALUES (j.id, j.n)" => $partition,
]) if $node->pg_version >= 15;
check_warnings([ "INSERT INTO fleeting $from" => '', "CREATE UNLOGGED TABLE copy AS $from" => '' ], consume => 'never');
check_warnings([ $from => '', "CREATE MATERIALIZED VIEW seen AS $from; DROP MATERIALIZED VIEW seen" => '' ],
	consume => 'always');

# --- foreign tables: not covered

# postgres_fdw commits there before the commit here.
my $remote = PostgreSQL::Test::Cluster->new('remote');
$remote->init;
$remote->append_conf('postgresql.conf', "wal_writer_delay = 10s\nsynchronous_commit = off");
$remote->start;
$remote->safe_psql('postgres', 'CREATE TABLE done (id text, n int)');
my ($host, $port) = ($remote->host, $remote->port);

sub refill_remote
{
	my ($count) = @_;
	value(<<'END');
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS postgres_fdw;
DROP SERVER IF EXISTS remote CASCADE;
END
	refill($count);
	value(<<"END");
CREATE SERVER remote FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$host', port '$port', dbname 'postgres');
CREATE USER MAPPING FOR CURRENT_USER SERVER remote;
DROP TABLE done;
CREATE FOREIGN TABLE done (id text, n int) SERVER remote;
TRUNCATE sqs.ledger;
END
	$remote->safe_psql('postgres', 'TRUNCATE done');
	return;
}

refill_remote(20);
value($TAKE_JOBS);
check_jobs($remote, \@ids, 'a foreign target, when all goes well');

refill_remote(20);
$remote->safe_psql('postgres', 'ALTER TABLE done ADD UNIQUE (n) DEFERRABLE INITIALLY DEFERRED');
$remote->safe_psql('postgres', "INSERT INTO done VALUES ('$ids[0]', 7)");
check_error($node, $TAKE_JOBS, '23505', qr/duplicate key/, 'the commit there fails');
wait_for { $queue->counts->{visible} == 20 } 'the messages to be released';
is($remote->safe_psql('postgres', 'SELECT count(*) FROM done'), 1,
	'then there is no row, here is no commit');
$remote->safe_psql('postgres', 'TRUNCATE done');
drain_jobs($node, $queue);
check_jobs($remote, \@ids, 'a commit that failed there');
$remote->safe_psql('postgres', 'ALTER TABLE done DROP CONSTRAINT done_n_key');

# It commits there and fails here: a serializable transaction can fail after everything else.
refill_remote(20);
value('CREATE TABLE read_by_one AS SELECT 1 AS n; CREATE TABLE read_by_two AS SELECT 1 AS n');
my ($one, $two) = (session($node), session($node));
$_->query_safe('BEGIN ISOLATION LEVEL SERIALIZABLE') foreach $one, $two;
$one->query_safe('SELECT count(*) FROM read_by_one');
$two->query_safe('SELECT count(*) FROM read_by_two');
$one->query_safe('INSERT INTO read_by_two VALUES (2)');
$one->query_safe($TAKE_JOBS);
$two->query_safe('INSERT INTO read_by_one VALUES (2)');
$two->query_safe('COMMIT');
$one->query('COMMIT');
like($one->{stderr}, qr/could not serialize access/, 'the commit here fails');
$_->quit foreach $one, $two;
wait_for { $queue->counts->{visible} == 20 } 'the messages to be released';
is($remote->safe_psql('postgres', 'SELECT count(*) FROM done'), 20, 'after the commit there');
drain_jobs($node, $queue);
is_deeply(lost_and_doubled($remote, \@ids), { lost => 0, doubled => 20 }, 'then the rows are doubled');

# And it loses what the other server loses.
my $lost = 0;
for (1 .. 5)
{
	refill_remote(20);
	value($TAKE_JOBS);
	is(in_queue(), 0, 'an asynchronous commit there: the messages are deleted');
	$remote->stop('immediate');
	$remote->start;
	$lost = lost_and_doubled($remote, \@ids)->{lost};
	last if $lost > 0;
}
is($lost, 20, 'and a crash there takes the rows away');
value('DROP SERVER remote CASCADE; TRUNCATE sqs.ledger');
$remote->stop;

# --- COPY

refill(20);
value('COPY (SELECT id, n FROM jobs) TO STDOUT');
wait_for { $queue->counts->{visible} == 20 } 'the messages to be released';
is(value('SELECT count(*) FROM sqs.ledger'), 0, 'COPY of a SELECT is a look');
is(scalar(split /\n/, value('COPY (DELETE FROM jobs WHERE n <= 8 RETURNING id) TO STDOUT')), 8,
	'COPY of a DELETE takes');
my @copied = split /\n/, value('COPY (INSERT INTO done SELECT id, n FROM jobs RETURNING id) TO STDOUT');
is_deeply([ sort @copied ], [ sort @ids[ 8 .. 19 ] ], 'COPY of an INSERT takes the rest');
is(in_queue(), 0, 'and nothing is left');
is_deeply(lost_and_doubled($node, \@ids), { lost => 8, doubled => 0 }, 'nor doubled');

# --- parallel plans

my $parallel = <<'END';
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 4;
END
my $debug_parallel = $node->pg_version >= 16 ? 'debug_parallel_query' : 'force_parallel_mode';
value('CREATE TABLE big AS SELECT n FROM generate_series(1, 50000) n; ANALYZE big');
foreach my $forced ('off', 'on')
{
	my $set = "$parallel SET $debug_parallel = $forced;";
	refill(30);
	drain_jobs($node, $queue, "$set INSERT INTO done SELECT j.id, j.n FROM jobs j JOIN big USING (n)");
	check_jobs($node, \@ids, "a join with a parallel scan, forced $forced");

	refill(30);
	drain_jobs($node, $queue,
		"$set CREATE TABLE copy AS SELECT j.id, j.n FROM jobs j JOIN big USING (n);
		 INSERT INTO done TABLE copy;
		 DROP TABLE copy");
	check_jobs($node, \@ids, "CREATE TABLE AS with a parallel scan, forced $forced");
}

# --- out of disk, out of memory

# What a file may not exceed stands for a full disk.
refill(30);
value('ALTER TABLE done ADD filler text; ALTER TABLE done ALTER filler SET STORAGE EXTERNAL');
my $session = session($node);
my $pid     = $session->query_safe('SELECT pg_backend_pid()');
my $fill    = q(INSERT INTO done SELECT id, n, repeat('x', 1000000) FROM jobs);
PostgreSQL::Test::Utils::system_or_bail('prlimit', "--fsize=20000000:", '--pid', $pid);
$session->query($fill);
like($session->{stderr}, qr/ERROR:\s+could not (extend|write)/, 'a full disk fails the statement');
wait_for { $queue->counts->{visible} == 30 } 'the messages to be released';
is(value('SELECT count(*) FROM done'), 0, 'and no row is left');
PostgreSQL::Test::Utils::system_or_bail('prlimit', '--fsize=unlimited:', '--pid', $pid);
$session->{stderr} = '';
$session->query_safe($fill);
is(in_queue(), 0, 'with room on the disk the same session goes on');
check_jobs($node, \@ids, 'a full disk');
value('TRUNCATE sqs.ledger');

# A little more memory each time: it ends here in the rows, there in the requests, the callbacks, ….
$queue = new_queue('targets', VisibilityTimeout => 2);
create_job_tables($node, $queue);
@ids = ();
my %endings = (memory => 0, success => 0);
for my $step (0 .. 24)
{
	push @ids, send_jobs($queue, 60);
	my ($used) = slurp_file("/proc/$pid/status") =~ /VmSize:\s+(\d+)/;
	my $limit = ($used + 50 * $step) * 1024;
	PostgreSQL::Test::Utils::system_or_bail('prlimit', "--as=$limit:", '--pid', $pid);
	$session->{stderr} = '';
	$session->query($TAKE_JOBS);
	PostgreSQL::Test::Utils::system_or_bail('prlimit', '--as=unlimited:', '--pid', $pid);
	++$endings{ $session->{stderr} =~ /ERROR:.*out of memory/ ? 'memory' : 'success' };
	# The next one, too, has the library and a connection, and no memory to spare.
	$session->quit;
	$session = session($node);
	$pid     = $session->query_safe('SELECT pg_backend_pid()');
	$session->query_safe("$TAKE_JOBS LIMIT 1");
}
cmp_ok($endings{memory}, '>', 0,
	"out of memory: $endings{memory} statements fail, $endings{success} do not");
unlike(slurp_file($node->logfile), qr/terminated by signal|PANIC/, 'no session crashes');
drain_jobs($node, $queue);
check_jobs($node, \@ids, 'out of memory');
$session->quit;

# --- at random instants: terminated, killed, restarted

foreach my $target (sort keys %kills)
{
	my $run = finish_chaos($kills{$target});
	note($run->{output});
	is($run->{status}, 0, "random kills, $target target, seed $seed") or diag($run->{output});
	is("$run->{counts}{lost} $run->{counts}{doubled}", '0 0', "$target: nothing lost, nothing doubled");
}

done_testing();
