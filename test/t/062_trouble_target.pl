# Whatever goes wrong at the target or with the server's resources, everything is released, and the session goes on.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Cases;
use SqsFdw::Test;

my $node  = start_node('trouble', conf => "jit = off\ndeadlock_timeout = '100ms'");
my $cases = SqsFdw::Cases->new($node);
my $insert = 'INSERT INTO t SELECT id, name FROM q';

# Where a scan ends while polls are open, they may bring what has just been released.
sub fails { return $cases->fails(@_[ 0 .. 2 ], received => [ 1, 2 ], @_[ 3 .. $#_ ]); }

# --- constraints of the target, each violated by the last message alone

$cases->row('constraints of the target');
my %last = (more => ['{"id": 99}']);
my $at   = "ALTER TABLE t ADD CONSTRAINT c";
fails('NOT NULL', $insert, '23502', %last, before => 'ALTER TABLE t ALTER name SET NOT NULL');
fails('CHECK', $insert, '23514', %last, before => "$at CHECK (id < 99)");
fails('UNIQUE', $insert, '23505', known => 4, before => "$at UNIQUE (id)");
fails('PRIMARY KEY, within the statement', $insert, '23505', more => [ SqsFdw::Cases::body(1) ], before => "$at PRIMARY KEY (id)");
fails('UNIQUE DEFERRABLE, at the end of the statement', $insert, '23505', known => 4, before => "$at UNIQUE (id) DEFERRABLE");
fails('UNIQUE DEFERRED, at the commit', "BEGIN; $insert; COMMIT", '23505', known => 4, before => "$at UNIQUE (id) DEFERRABLE INITIALLY DEFERRED");
fails('EXCLUDE', $insert, '23P01', more => [ SqsFdw::Cases::body(1) ], before => "$at EXCLUDE USING btree (id WITH =)");
my $key = 'CREATE TABLE p (id int PRIMARY KEY); INSERT INTO p SELECT generate_series(1, 10);';
fails('FOREIGN KEY', $insert, '23503', %last, before => "$key $at FOREIGN KEY (id) REFERENCES p");
fails('FOREIGN KEY DEFERRED, at the commit', "BEGIN; $insert; COMMIT", '23503', %last,
	before => "$key $at FOREIGN KEY (id) REFERENCES p DEFERRABLE INITIALLY DEFERRED");
fails('FOREIGN KEY DEFERRED, at SET CONSTRAINTS', "BEGIN; $insert; SET CONSTRAINTS ALL IMMEDIATE; COMMIT", '23503', %last,
	before => "$key $at FOREIGN KEY (id) REFERENCES p DEFERRABLE INITIALLY DEFERRED");
fails('FOREIGN KEY DEFERRED, of a DELETE … RETURNING', 'BEGIN; WITH d AS (DELETE FROM q RETURNING *) INSERT INTO t SELECT * FROM d; COMMIT',
	'23503', %last, before => "$key $at FOREIGN KEY (id) REFERENCES p DEFERRABLE INITIALLY DEFERRED");
fails('a type that is too narrow', 'INSERT INTO t SELECT id, name FROM q', '22001', before => 'ALTER TABLE t ALTER name TYPE varchar(6)');
fails('a number that is out of range', 'INSERT INTO t SELECT id * 1000000000 FROM q', '22003', received => [ 1, 2 ]);
fails('a domain', $insert, '23514', %last, before => 'CREATE DOMAIN d AS int CHECK (VALUE < 99); ALTER TABLE t ALTER id TYPE d');
fails('a generated column', $insert, '22012', %last, before => 'ALTER TABLE t ADD g int GENERATED ALWAYS AS (1 / (99 - id)) STORED');
fails('an index on an expression', $insert, '22012', %last, before => 'CREATE INDEX ON t ((1 / (99 - id)))');
fails('a trigger', $insert, 'P0001', %last, before => "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS
	'BEGIN IF NEW.id = 99 THEN RAISE EXCEPTION ''no''; END IF; RETURN NEW; END';
	CREATE TRIGGER r BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()");
$cases->takes('and without the trouble', $insert, before => $key);

# --- a full disk: the kernel's device that is always full, in the place of a file that is to grow

$cases->row('disk full on the target');

# Runs statements on a table one of whose files is full. The server has not opened the file yet.
sub with_full_disk
{
	my ($name, $relation, $sql, %case) = @_;
	$case{before} = ($case{before} // '') . ';CHECKPOINT';
	return $cases->fails($name, $sql, '53100', %case, received => [ 1, 2 ], error => qr/No space left on device.*HINT/s,
		prepare => sub {
			my $path = $node->data_dir . '/' . $cases->value("SELECT pg_relation_filepath($relation)");
			is(-s $path, 0, "$path is empty");
			unlink $path or die "$path: $!";
			symlink '/dev/full', $path or die "$path: $!";
			$cases->forget_sessions;
		});
}
with_full_disk('the table', q('work.t'), $insert);
with_full_disk('the table, through a DELETE … RETURNING', q('work.t'), 'WITH d AS (DELETE FROM q RETURNING *) INSERT INTO t SELECT * FROM d');
with_full_disk('its TOAST table, by one long value', q((SELECT reltoastrelid FROM pg_class WHERE oid = 'work.t'::regclass)),
	$insert, before => 'ALTER TABLE t ALTER name SET STORAGE EXTERNAL', more => [ '{"id": 99, "name": "' . 'x' x 5000 . '"}' ]);
fails('temporary files, by a limit', "SET work_mem = '64kB'; SET temp_file_limit = '64kB'; $insert ORDER BY name", '53400', received => [ 0, 1, 2 ],
	bodies => [ map { qq({"id": $_, "name": ") . $_ x 5000 . '"}' } 1 .. 40 ]);

# --- locks

$cases->row('lock timeout and deadlock at the target');

# Another session does something and keeps its transaction open while the statement runs.
sub against
{
	my ($name, $other, $sql, $sqlstate, %case) = @_;
	my $session = session($node);
	$cases->fails($name, $sql, $sqlstate, %case, prepare => sub { $session->query_safe("BEGIN; $other"); });
	$session->query_safe('ROLLBACK');
	$session->quit;
	return;
}
my $soon = "SET lock_timeout = '200ms';";
my %some = (received => [ 1, 2 ], known => 4);
against('the table is locked: before anything is received', 'LOCK TABLE t IN SHARE MODE', "$soon $insert", '55P03', received => 0, known => 4);
against('the queue is locked by DDL: before anything is received', 'ALTER FOREIGN TABLE q OPTIONS (ADD look_limit \'5\')', "$soon $insert", '55P03',
	received => 0);
against('a key that another transaction inserted', 'INSERT INTO t VALUES (7)', "$soon $insert", '55P03', %some, known => 0, before => "$at UNIQUE (id)");
against('a row that another transaction changed, UPDATE … FROM', "UPDATE t SET name = 'x' WHERE id = 3",
	"$soon UPDATE t SET name = q.name FROM q WHERE q.id = t.id", '55P03', %some);
against('the same, MERGE', "UPDATE t SET name = 'x' WHERE id = 3",
	"$soon MERGE INTO t USING q ON q.id = t.id WHEN MATCHED THEN DELETE", '55P03', %some)
  if $node->pg_version >= 15;
against('a row that a foreign key needs', 'DELETE FROM p WHERE id = 3', "$soon $insert", '55P03', received => [ 1, 2 ],
	before => "$key $at FOREIGN KEY (id) REFERENCES p");
against('a table that a trigger locks', 'LOCK TABLE p', "$soon $insert", '55P03', received => [ 1, 2 ],
	before => "$key CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN LOCK TABLE p; RETURN NEW; END';
		CREATE TRIGGER r BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()");
against('FOR UPDATE NOWAIT after it', "UPDATE t SET name = 'x' WHERE id = 3", "BEGIN; $insert; SELECT * FROM t WHERE id = 3 FOR UPDATE NOWAIT; COMMIT",
	'55P03', known => 4);

{
	$cases->fresh(known => 4);
	my %got = (before => $cases->counts);
	my @sessions = map { session($node) } 0, 1;
	$_->query_safe("\\set VERBOSITY verbose\nSET deadlock_timeout = '" . ($_ == $sessions[0] ? '50ms' : '60s') . "'") for @sessions;
	$sessions[0]->query_safe("BEGIN; UPDATE t SET name = 'x' WHERE id = 4");
	$sessions[1]->query_safe("BEGIN; UPDATE t SET name = 'x' WHERE id = 3");
	$sessions[1]->query_until(qr/sent/, "\\echo sent\nUPDATE t SET name = 'y' WHERE id = 4;\n");
	wait_for { $cases->value(q(SELECT count(*) FROM pg_locks WHERE NOT granted)) > 0 } 'the other session to wait';
	$sessions[0]->query('UPDATE t SET name = q.name FROM q WHERE q.id = t.id');
	($got{error}) = $sessions[0]->{stderr} =~ /ERROR:\s+(\w{5}):/;
	$got{after} = $cases->counts_like([ 10, 0, 4 ]);
	$cases->outcome('a deadlock, whose victim this is (40P01)', \%got,
		{ before => [ 10, 0, 4 ], after => [ 10, 0, 4 ], error => '40P01' }, qw(before after));
	$sessions[1]->query_safe('ROLLBACK');
	$_->quit for @sessions;
}

$cases->finish;
done_testing();
