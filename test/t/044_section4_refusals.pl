# What must not take is refused before it receives, and what never needs a message receives none.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Cases;
use SqsFdw::Test;

my $node  = start_node('refusals', init => { allows_streaming => 1 }, conf => "jit = off\nmax_prepared_transactions = 5");
my $cases = SqsFdw::Cases->new($node);

sub refuses          { return $cases->refuses(@_); }
sub receives_nothing { return $cases->receives_nothing(@_); }

my $insert = 'INSERT INTO t SELECT id, name FROM q';

# --- row locks

$cases->row('SELECT … FOR UPDATE/SHARE: refused, HINT DELETE … RETURNING');
my %hint = (error => qr/HINT:\s+DELETE \.\.\. RETURNING/);
foreach my $strength ('UPDATE', 'NO KEY UPDATE', 'SHARE', 'KEY SHARE')
{
	refuses("SELECT … FOR $strength", "SELECT * FROM q FOR $strength", '0A000', %hint);
	refuses("INSERT … SELECT … FOR $strength", "$insert FOR $strength", '0A000', %hint);
}
my %view = (before => 'CREATE VIEW v AS SELECT * FROM q', %hint);
refuses('SKIP LOCKED', 'SELECT * FROM q FOR UPDATE SKIP LOCKED', '0A000', %hint);
refuses('in a subquery', 'SELECT * FROM (SELECT * FROM q FOR UPDATE) s', '0A000', %hint);
refuses('in a subquery of an expression', 'SELECT (SELECT id FROM q FOR UPDATE LIMIT 1)', '0A000', %hint);
refuses('in a CTE', 'WITH c AS (SELECT * FROM q FOR SHARE) SELECT * FROM c', '0A000', %hint);
refuses('in a join', 'SELECT * FROM t JOIN q USING (id) FOR UPDATE', '0A000', %hint);
refuses('in a join, OF the queue', 'SELECT * FROM t JOIN q USING (id) FOR UPDATE OF q', '0A000', %hint);
refuses('through a view', 'SELECT * FROM v FOR UPDATE', '0A000', %view);
refuses('in a view', 'SELECT * FROM v', '0A000', %hint,
	before => 'CREATE VIEW v AS SELECT * FROM q FOR UPDATE');
refuses('through a view with a security barrier', 'SELECT * FROM v FOR UPDATE', '0A000', %hint,
	before => 'CREATE VIEW v WITH (security_barrier) AS SELECT * FROM q');
refuses('of a partitioned table', 'SELECT * FROM p FOR UPDATE', '0A000', %hint,
	before => 'CREATE TABLE p (id int NOT NULL, name text) PARTITION BY LIST (id);
		ALTER TABLE p ATTACH PARTITION q DEFAULT');
refuses('in a cursor', 'BEGIN; DECLARE c CURSOR FOR SELECT * FROM q FOR UPDATE', '0A000', %hint);
refuses('in COPY', 'COPY (SELECT * FROM q FOR UPDATE) TO STDOUT', '0A000', %hint);
refuses('in PL/pgSQL', 'DO $$ BEGIN PERFORM FROM q FOR UPDATE; END $$', '0A000', %hint);
refuses("with consume 'always'", 'SELECT * FROM q FOR UPDATE', '0A000', %hint, options => { consume => 'always' });
$cases->looks('FOR UPDATE OF another table', 'SELECT q.id FROM t JOIN q USING (id) FOR UPDATE OF t',
	known => 4, out => [ 1 .. 4 ], says => qr/WARNING:.*looked at messages.*also wrote/);

# --- COMMIT and ROLLBACK in a loop that takes

# The statement has begun by then: what it received is released.
foreach my $end ('COMMIT', 'ROLLBACK')
{
	$cases->fails("refused: $end in a loop that takes", <<END, '2D000', error => qr/HINT:/, options => { consume => 'always' });
DO \$\$ DECLARE r record; BEGIN
	FOR r IN SELECT * FROM q LOOP INSERT INTO t VALUES (r.id); $end; END LOOP;
END \$\$
END
}

# --- what never receives

$cases->row('EXPLAIN, ANALYZE (the command), planning, pg_dump: never receive');
foreach my $statement ('SELECT * FROM q', $insert, 'DELETE FROM q RETURNING *', 'CREATE TABLE copy AS SELECT * FROM q',
	'CREATE MATERIALIZED VIEW m AS SELECT * FROM q', 'DECLARE c CURSOR FOR SELECT * FROM q',
	'WITH d AS (DELETE FROM q RETURNING *) INSERT INTO t SELECT * FROM d', 'SELECT max(id) FROM q WHERE id < (SELECT max(id) FROM q)')
{
	receives_nothing("EXPLAIN $statement",           "EXPLAIN $statement");
	receives_nothing("EXPLAIN (VERBOSE) $statement", "EXPLAIN (VERBOSE, FORMAT JSON) $statement");
}
receives_nothing('EXPLAIN in a READ ONLY transaction', "SET TRANSACTION READ ONLY; EXPLAIN $insert");
receives_nothing('EXPLAIN EXECUTE', 'PREPARE s (int) AS SELECT * FROM q WHERE id = $1; EXPLAIN EXECUTE s (1)');
receives_nothing('EXPLAIN EXECUTE of the generic plan',
	"SET plan_cache_mode = force_generic_plan; PREPARE s (int) AS SELECT * FROM q WHERE id = \$1; EXPLAIN EXECUTE s (1)");
receives_nothing('PREPARE', "PREPARE s AS $insert; PREPARE s2 AS SELECT * FROM q");
receives_nothing('CREATE VIEW', 'CREATE VIEW v AS SELECT * FROM q');
receives_nothing('CREATE FUNCTION', "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS \$\$ $insert \$\$");
receives_nothing('CREATE TABLE AS … WITH NO DATA', 'CREATE TABLE copy AS SELECT * FROM q WITH NO DATA');
receives_nothing('CREATE TABLE IF NOT EXISTS … AS, where it exists', 'CREATE TABLE IF NOT EXISTS t AS SELECT * FROM q',
	says => qr/NOTICE:.*already exists, skipping/);
receives_nothing('a query whose condition is false', 'INSERT INTO t SELECT * FROM q WHERE false');
receives_nothing('LIMIT 0', "$insert LIMIT 0");
receives_nothing('ANALYZE', 'ANALYZE q', says => qr/WARNING:.*skipping "q"/);
receives_nothing('VACUUM', 'VACUUM q', commits => 1, says => qr/WARNING:.*skipping "q"/);
receives_nothing('VACUUM ANALYZE of the database', 'VACUUM ANALYZE', commits => 1);
receives_nothing('ANALYZE of a table with the queue as a child', 'ANALYZE p', before => 'CREATE TABLE p (id int NOT NULL, name text);
	INSERT INTO p VALUES (0); ALTER FOREIGN TABLE q INHERIT p',
	says => $node->pg_version >= 18 ? qr/WARNING:.*skipping "q"/ : undef);
receives_nothing('ALTER, COMMENT, GRANT', "ALTER FOREIGN TABLE q OPTIONS (ADD look_limit '5'); COMMENT ON FOREIGN TABLE q IS 'x';
	GRANT SELECT ON q TO PUBLIC");
receives_nothing('ALTER COLUMN … TYPE', 'ALTER FOREIGN TABLE q ALTER id TYPE bigint');
receives_nothing('ADD CHECK, which is not verified', 'ALTER FOREIGN TABLE q ADD CHECK (id > 5)');
receives_nothing('CLUSTER, REINDEX of the database', 'REINDEX DATABASE postgres', commits => 1);

# pg_dump, and what it dumps of a queue where it is told to.
sub dumps
{
	my ($name, $received, @options) = @_;
	my ($all) = $cases->fresh;
	my ($out, $err) = ('', '');
	my %got = (before => $cases->counts);
	my $ok = IPC::Run::run([ 'pg_dump', '-h', $node->host, '-p', $node->port, @options, 'postgres' ], '>', \$out, '2>', \$err);
	$got{ok}       = $ok ? 'yes' : $err;
	$got{table}    = $out =~ /CREATE FOREIGN TABLE work\.q/ ? 'yes' : 'no';
	$got{names}    = () = $out =~ /\bname \d+\b/g;
	$got{after}    = $cases->counts_like([ $all, 0, 0 ]);
	$got{received} = $cases->received;
	return $cases->outcome(
		$name, \%got,
		{
			before   => [ $all, 0, 0 ],
			after    => [ $all, 0, 0 ],
			ok       => 'yes',
			table    => $name =~ /data-only/ ? 'no' : 'yes',
			names    => $received * $all,
			received => { $received => $all },
		},
		qw(before after));
}
dumps('pg_dump', 0);
dumps('pg_dump --data-only', 0, '--data-only');
dumps('pg_dump --include-foreign-data of its server: looks, and dumps what it saw', 1, '--include-foreign-data=aws');

# --- transactions that must not take

$cases->row('PREPARE TRANSACTION: refused');
foreach my $what ([ 'INSERT … SELECT', $insert ], [ 'DELETE', 'DELETE FROM q' ], [ 'SELECT', 'SELECT * FROM q' ])
{
	$cases->fails("after $what", "BEGIN; $what->[1]; PREPARE TRANSACTION 'two'", '0A000', error => qr/HINT:/);
}
$cases->fails('after a look in a released savepoint', "BEGIN; SAVEPOINT s; SELECT * FROM q; RELEASE s; PREPARE TRANSACTION 'two'",
	'0A000', error => qr/HINT:/);
receives_nothing('without messages it runs', "BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION 'two'; COMMIT PREPARED 'two'",
	commits => 1, rows => 1);

$cases->row('READ ONLY transaction (temporary tables too): refused before it receives');
my $core = qr/read-only transaction/;
refuses('INSERT … SELECT', "BEGIN READ ONLY; $insert", '25006', error => $core);
refuses('DELETE', 'BEGIN READ ONLY; DELETE FROM q', '25006', error => $core);
refuses('CREATE TABLE AS', 'BEGIN READ ONLY; CREATE TABLE copy AS SELECT * FROM q', '25006', error => $core);
refuses('SELECT INTO', 'BEGIN READ ONLY; SELECT * INTO copy FROM q', '25006', error => $core);
refuses('a function that takes', "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS \$\$ $insert \$\$; BEGIN READ ONLY; SELECT f()",
	'25006', error => $core);
refuses('default_transaction_read_only', "SET default_transaction_read_only = on; $insert", '25006', error => $core);
refuses("SELECT with consume 'always'", 'BEGIN READ ONLY; SELECT * FROM q', '25006', options => { consume => 'always' });
my $own   = qr/cannot take messages.*HINT:/s;
my $begin = "CREATE TEMPORARY TABLE p AS SELECT 1 AS id, 'x' AS name; BEGIN READ ONLY;";
refuses('INSERT into a temporary table', "$begin INSERT INTO p SELECT id FROM q", '25006', error => $own);
refuses('the same in a function', "$begin DO \$\$ BEGIN INSERT INTO p SELECT id FROM q; END \$\$", '25006', error => $own);
refuses('UPDATE … FROM of a temporary table', "$begin UPDATE p SET name = q.name FROM q WHERE q.id = p.id", '25006', error => $own);
refuses('EXPLAIN ANALYZE of an INSERT into a temporary table', "$begin EXPLAIN ANALYZE INSERT INTO p SELECT id FROM q", '25006', error => $own);
refuses('CREATE TEMPORARY TABLE AS', 'BEGIN READ ONLY; CREATE TEMPORARY TABLE p AS SELECT * FROM q', '25006', error => $core);
refuses('MERGE into a temporary table',
	"$begin MERGE INTO p USING q ON q.id = p.id WHEN NOT MATCHED THEN INSERT VALUES (q.id)", '25006', error => $own)
  if $node->pg_version >= 15;

# --- hot standby

$cases->row('hot standby: refused before it receives; a look looks');
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;

sub on_standby
{
	my ($name, $sql, $sqlstate, $received, %case) = @_;
	my ($all) = $cases->fresh(%case);
	$node->wait_for_catchup($standby);
	my %got = (before => $cases->counts);
	my $did = run_sql($standby, $sql);
	($got{error}) = $did->{err} =~ /ERROR:\s+(\w{5}):/;
	$got{warning} = $did->{err} =~ /(WARNING:.*)/ ? $1 : '';
	$got{after}    = $cases->counts_like([ $all, 0, 0 ]);
	$got{received} = $cases->received;
	my %expected = (
		before   => [ $all, 0, 0 ],
		after    => [ $all, 0, 0 ],
		error    => $sqlstate,
		warning  => '',
		received => { $received => $all });
	return $cases->outcome($name . ($sqlstate ? " ($sqlstate)" : ''), \%got, \%expected, qw(before after));
}
on_standby('refused: INSERT … SELECT', $insert, '25006', 0);
on_standby('refused: DELETE', 'DELETE FROM q', '25006', 0);
on_standby('refused: CREATE TABLE AS', 'CREATE TABLE copy AS SELECT * FROM q', '25006', 0);
on_standby("refused: SELECT with consume 'always'", 'SELECT * FROM q', '25006', 0, options => { consume => 'always' });
on_standby('SELECT', 'SELECT * FROM q', undef, 1);
on_standby('a cursor and a savepoint', 'BEGIN; DECLARE c CURSOR FOR SELECT * FROM q; SAVEPOINT s; FETCH 3 FROM c; RELEASE s; COMMIT',
	undef, 1);
on_standby('COPY (SELECT) TO', 'COPY (SELECT * FROM q) TO STDOUT', undef, 1);
on_standby('EXPLAIN', "EXPLAIN $insert", undef, 0);
$standby->stop;

$cases->finish;
done_testing();
