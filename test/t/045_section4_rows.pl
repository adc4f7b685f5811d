# What becomes of messages whose rows the statement does not use: filtered, dropped above the scan, cut off by a LIMIT.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Cases;
use SqsFdw::Test;

my $node  = start_node('rows', conf => 'jit = off');
my $cases = SqsFdw::Cases->new($node);

sub takes { return $cases->takes(@_); }

my $insert = 'INSERT INTO t SELECT id, name FROM q';

# --- conditions on the queue

$cases->row("rows that fail a condition on the queue's own columns: never taken, released at the scan's end");
takes('WHERE', "$insert WHERE id <= 4", left => 6);
takes('WHERE on two columns', "$insert WHERE id <= 4 AND name <> 'name 1'", left => 7);
takes('WHERE with a function', "$insert WHERE length(name) = 7", left => 9);
takes('WHERE with a volatile function', "$insert WHERE id <= 4 AND random() >= 0", left => 6);
takes('WHERE on a system attribute', 'INSERT INTO t SELECT id FROM q WHERE seen = 1', messages => 3, commits => 1,
	columns => q(id int, seen int OPTIONS (attribute 'receive_count')));
takes('WHERE of no row', "$insert WHERE id < 0", left => 10);
takes('WHERE with a subquery of a table', "$insert WHERE id > (SELECT count(*) FROM t)", known => 4, left => 4);
takes('WHERE with a parameter', 'PREPARE s (int) AS INSERT INTO t SELECT * FROM q WHERE id <= $1; EXECUTE s (4); DEALLOCATE s', left => 6);
takes('WHERE in a view', 'INSERT INTO t SELECT * FROM v', left => 6,
	before => 'CREATE VIEW v AS SELECT * FROM q WHERE id <= 4');
takes('WHERE on a view', 'INSERT INTO t SELECT * FROM v WHERE id <= 4', left => 6, before => 'CREATE VIEW v AS SELECT * FROM q');
takes('WHERE on a CTE', 'WITH c AS (SELECT * FROM q) INSERT INTO t SELECT * FROM c WHERE id <= 4', left => 6);
takes('MERGE with a condition in its source', 'MERGE INTO t USING (SELECT * FROM q WHERE id <= 4) s ON t.id = s.id
	WHEN NOT MATCHED THEN INSERT VALUES (s.id)', left => 6) if $node->pg_version >= 15;
takes('CREATE TABLE AS … WHERE', 'CREATE TABLE copy AS SELECT * FROM q WHERE id <= 4', left => 6);
takes('two statements take their shares', "BEGIN; $insert WHERE id <= 4; $insert WHERE id = 7; COMMIT", commits => 1, left => 5);
takes('a message that the condition refuses is not judged by the table', "$insert WHERE id <= 4",
	more => ['{"id": 11, "name": "name 11"}'], left => 7, columns => 'id int, name text CHECK (length(name) < 7)');
takes('prefetched messages behind a LIMIT', "$insert LIMIT 3", messages => 40, left => 37, received => 3);
takes('prefetched messages behind an EXISTS', 'INSERT INTO t SELECT 1 WHERE EXISTS (SELECT FROM q)', left => 9, rows => 1);

# --- rows dropped above the scan

$cases->row('rows that a join, DISTINCT, an aggregate or an outer filter drops above the scan: taken; EXPLAIN says so');

# Each is also explained: the note is there, or, where nothing can be dropped, it is not.
sub drops
{
	my ($name, $sql, %case) = @_;
	takes($name, $sql, known => 4, %case);
	my $note = $node->safe_psql('postgres', "EXPLAIN $sql") =~ /rows above the scan may be discarded/;
	return ok($note, "$name: EXPLAIN says so");
}
my $from = 'INSERT INTO t SELECT';
drops('a join', "$from q.* FROM q JOIN t USING (id)", rows => 8);
drops('a join of one row with many', "$from q.* FROM q, t", rows => 44);
drops('a left join', "$from q.* FROM t LEFT JOIN q ON q.id = t.id + 8", rows => 8);
drops('a semi-join', "$from * FROM q WHERE id IN (SELECT id FROM t)", rows => 8);
drops('an anti-join', "$from * FROM q WHERE NOT EXISTS (SELECT FROM t WHERE t.id = q.id)", rows => 10);
drops('DISTINCT', "$from DISTINCT id % 2 FROM q", rows => 6);
drops('DISTINCT ON', "$from DISTINCT ON (id % 3) id FROM q", rows => 7);
drops('an aggregate', "$from count(*) FROM q", rows => 5);
drops('GROUP BY … HAVING', "$from id % 2 FROM q GROUP BY 1 HAVING min(id) = 1", rows => 5);
drops('a filter on a subquery', "$from id FROM (SELECT id, random() AS r FROM q) s WHERE r < 0", rows => 4);
drops('a filter on a window function', "$from id FROM (SELECT id, rank() OVER (ORDER BY id) AS n FROM q) s WHERE n <= 2", rows => 6);
drops('a set-returning function', "$from generate_series(9, id) FROM q", rows => 7);
drops('UNION', "$from id % 2 FROM q UNION SELECT id FROM t", rows => 9);
drops('INTERSECT', "$from id FROM q INTERSECT SELECT id FROM t", rows => 8);
drops('EXCEPT', "$from id FROM q EXCEPT SELECT id FROM t", rows => 10);
drops('UPDATE … FROM', "UPDATE t SET name = 'x' FROM q WHERE q.id = t.id", rows => 4);
foreach my $plain ($insert, "$insert WHERE id < 4", "$insert ORDER BY id", "$insert LIMIT 3", 'DELETE FROM q',
	'DELETE FROM q WHERE id IN (SELECT id FROM t)', 'SELECT DISTINCT id FROM q',
	"$from id, (row_number() OVER ())::text FROM q", "$insert UNION ALL SELECT id, name FROM t")
{
	unlike($node->safe_psql('postgres', "EXPLAIN $plain"), qr/discarded/, "nothing is discarded by $plain");
}

# --- LIMIT

$cases->row('LIMIT directly on the queue: ends the scan');
takes('LIMIT', "$insert LIMIT 3", left => 7, received => 3);
takes('LIMIT ALL', "$insert LIMIT ALL");
takes('LIMIT of more than there is', "$insert LIMIT 11");
takes('LIMIT across replies', "$insert LIMIT 13", messages => 30, left => 17, received => 13);
takes('FETCH FIRST', "$insert FETCH FIRST 3 ROWS ONLY", left => 7, received => 3);
takes('LIMIT and OFFSET 0', "$insert LIMIT 3 OFFSET 0", left => 7, received => 3);
takes('LIMIT and WHERE', "$insert WHERE id > 4 LIMIT 3", left => 7, received => [ 0, 1 ]);
takes('LIMIT that is a subquery', "$insert LIMIT (SELECT 3)", left => 7);
takes('LIMIT that is a parameter', "PREPARE s (int) AS $insert LIMIT \$1;" . join('', map { "EXECUTE s ($_);" } 1, 2, 1) . 'DEALLOCATE s',
	left => 6, received => 4);
takes('LIMIT NULL', "$insert LIMIT NULL");
takes('LIMIT of a UNION ALL', "$insert UNION ALL SELECT id, name FROM q2 LIMIT 12", second => 5, left => 3);
takes('LIMIT of CREATE TABLE AS', 'CREATE TABLE copy AS SELECT * FROM q LIMIT 3', left => 7, received => 3);
takes('LIMIT in a subquery', "$from * FROM (SELECT * FROM q LIMIT 3) s", left => 7, received => 3);
takes('LIMIT in a subquery that is sorted above', "$from * FROM (SELECT * FROM q LIMIT 3) s ORDER BY id", left => 7, received => 3);
takes('LIMIT in a subquery that is joined above', "$from s.* FROM (SELECT * FROM q LIMIT 3) s LEFT JOIN t USING (id)", left => 7, received => 3);
takes('LIMIT in a subquery that is grouped above', "$from count(*) FROM (SELECT * FROM q LIMIT 3) s", left => 7, rows => 1, received => 3);
takes('LIMIT in a CTE', "WITH c AS (SELECT * FROM q LIMIT 3) $from * FROM c", left => 7, received => 3);
takes('LIMIT of a materialized CTE', "WITH c AS MATERIALIZED (SELECT * FROM q) $from * FROM c LIMIT 3", left => 7);
takes('LIMIT of a set-returning function: as many messages as its rows need',
	"$from unnest(CASE WHEN id <= 2 THEN ARRAY[id] END) FROM q LIMIT 5", messages => 40, rows => 2);
takes('LIMIT beside a CTE that deletes', "WITH d AS (DELETE FROM q RETURNING *) $from * FROM d LIMIT 3", rows => 3);
takes('LIMIT 1 in a loop, until it is empty', <<"END", messages => 12);
DO \$\$ BEGIN LOOP $insert LIMIT 1; EXIT WHEN NOT FOUND; END LOOP; END \$\$
END

$cases->row('LIMIT above a sort, aggregate, window, DISTINCT or join of the queue: refused in a statement that takes, allowed in a look');
my %cut = (
	'ORDER BY'       => 'SELECT id FROM q ORDER BY id LIMIT 3',
	'ORDER BY … WITH TIES' => 'SELECT id FROM q ORDER BY id FETCH FIRST 3 ROWS WITH TIES',
	'an aggregate'   => 'SELECT max(id) FROM q LIMIT 1',
	'GROUP BY'       => 'SELECT id FROM q GROUP BY id LIMIT 3',
	'DISTINCT'       => 'SELECT DISTINCT id FROM q LIMIT 3',
	'a window'       => 'SELECT (row_number() OVER (ORDER BY name))::int FROM q LIMIT 3',
	'a join'         => 'SELECT q.id FROM q JOIN t USING (id) LIMIT 3',
	'a left join'    => 'SELECT q.id FROM t LEFT JOIN q USING (id) LIMIT 3',
	'a semi-join'    => 'SELECT id FROM q WHERE id IN (SELECT id FROM t) LIMIT 3',
	'a join of two queues'       => 'SELECT q.id FROM q, q2 LIMIT 3',
	'a join of a queue with itself' => 'SELECT a.id FROM q a, q b LIMIT 3',
	'UNION'          => 'SELECT id FROM q UNION SELECT id FROM t LIMIT 3',
	'a sorted subquery'          => 'SELECT id FROM (SELECT id FROM q ORDER BY id) s LIMIT 3',
	'a sorted CTE'   => 'WITH c AS MATERIALIZED (SELECT id FROM q ORDER BY id) SELECT id FROM c LIMIT 3',
	'a sort of a CTE' => 'WITH c AS MATERIALIZED (SELECT id FROM q) SELECT id FROM c ORDER BY id LIMIT 3',
	'a sort in a CTE of a CTE' => 'WITH c AS MATERIALIZED (SELECT id FROM q),
		d AS MATERIALIZED (SELECT id FROM c ORDER BY id) SELECT id FROM d LIMIT 3',
	'a sort of a LIMIT'          => 'SELECT id FROM (SELECT id FROM q LIMIT 6) s ORDER BY id LIMIT 3',
	'a sort in an expression'    => 'SELECT (SELECT id FROM q ORDER BY id LIMIT 1)');
foreach my $above (sort keys %cut)
{
	my $query = $cut{$above};
	my %case  = (known => 4, $query =~ /q2/ ? (second => 3) : ());
	$cases->refuses("above $above", "INSERT INTO t (id) $query", '0A000', %case, error => qr/LIMIT above.*HINT:.*subquery.*max_messages/s);
	$cases->looks("above $above, a look", $query, %case, received => [ 0, 1 ], held => 'any');
}
$cases->refuses('above a sort, in CREATE TABLE AS', "CREATE TABLE copy AS $cut{'ORDER BY'}", '0A000');
$cases->refuses('above a sort, in CREATE TABLE AS EXECUTE', "PREPARE s AS $cut{'ORDER BY'}; CREATE TABLE copy AS EXECUTE s", '0A000');
$cases->refuses("above a sort, with consume 'always'", $cut{'ORDER BY'}, '0A000', options => { consume => 'always' });
$cases->refuses('above a sort, in UPDATE … FROM', "UPDATE t SET name = 'x' FROM ($cut{'ORDER BY'}) s WHERE s.id = t.id", '0A000', known => 4);
$cases->refuses('above a sort, in a function', "DO \$\$ BEGIN INSERT INTO t (id) $cut{'ORDER BY'}; END \$\$", '0A000');
$cases->looks("above a sort, with consume 'never'", "INSERT INTO t (id) $cut{'ORDER BY'}", options => { consume => 'never' },
	rows => 3, says => qr/WARNING/);

$cases->finish;
done_testing();
