# A transaction that looked at a queue and also wrote is warned: what it looked at is still there.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Test;

my $node = start_node('looked');
$node->safe_psql('postgres', 'CREATE TABLE copied (user_id text)');
my $queue = new_queue('looked', VisibilityTimeout => 600);
create_login_tables($node, $queue, wait_time_seconds => 0);
$queue->send(logins(5));

my $warning = qr/WARNING:.*looked.*HINT:.*DELETE/s;

my $loop = <<'END';
DO $$
DECLARE r record;
BEGIN
	FOR r IN SELECT user_id FROM login_queue LOOP
		INSERT INTO copied VALUES (r.user_id);
	END LOOP;
END $$
END
my $result = run_sql($node, $loop);
like($result->{err}, $warning, 'a loop that looks and inserts is warned');
is($node->safe_psql('postgres', 'SELECT count(*) FROM copied'), 5, 'its rows are there');
wait_for_counts($node, $queue, { visible => 5, in_flight => 0, rows => 0 }, 'and its messages, too');

$result = run_sql($node, 'BEGIN; SELECT count(*) FROM login_queue; INSERT INTO copied VALUES (1); ROLLBACK');
unlike($result->{err}, qr/WARNING/, 'a rollback is not warned');
$result = run_sql($node, 'BEGIN; SELECT count(*) FROM login_queue; COMMIT');
unlike($result->{err}, qr/WARNING/, 'nor is a look alone');
$result = run_sql($node, 'BEGIN; INSERT INTO copied VALUES (1); COMMIT');
unlike($result->{err}, qr/WARNING/, 'nor is a write alone');
$result = run_sql($node, <<'END');
BEGIN; SAVEPOINT s; SELECT count(*) FROM login_queue; ROLLBACK TO s; COMMIT;
BEGIN; INSERT INTO copied VALUES (1); COMMIT;
END
unlike($result->{err}, qr/WARNING/, 'nor is a write after a transaction whose look was rolled back');

$node->safe_psql('postgres', "ALTER FOREIGN TABLE login_queue OPTIONS (ADD consume 'always')");
$result = run_sql($node, $loop);
unlike($result->{err}, qr/WARNING/, "with consume 'always' the loop takes");
wait_for_counts($node, $queue, { visible => 0, in_flight => 0, rows => 0 }, 'and the queue is empty');

$node->stop;
done_testing();
