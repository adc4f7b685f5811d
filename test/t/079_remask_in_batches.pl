# The README's procedure moves a large table to the active key: cancelled, terminated or killed, it goes on, and no row is moved twice.

use strict;
use warnings;

use MIME::Base64 qw(encode_base64);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Readme qw(blocks text);
use SqsFdw::Test;

use constant {
	ROWS  => 20_000,
	BATCH => 20,
};

my ($k1, $k2) = map { encode_base64($_ x 64, '') } 1, 2;
my $node = start_node('remask', bare => 1, conf => 'restart_after_crash = on');
create_extension($node);
create_server($node, 'aws', endpoint => 'http://127.0.0.1:9');
create_login_tables($node, 'login-queue');
write_keyring($node, "k1 active $k1");

sub value { return $node->safe_psql('postgres', $_[0]); }

# Rows with either mask, both or none; each counts its updates, wherever it moves to.
value(<<"END");
INSERT INTO user_logins (user_id, masked_ip, masked_device_id)
SELECT n, CASE WHEN n % 7 > 0 THEN sqs.mask_ip('10.0.0.0'::inet + n) END,
       CASE WHEN n % 5 > 0 THEN sqs.mask(n::text, 'device_id') END
FROM   generate_series(1, ${\ROWS}) AS n;
CREATE TABLE update_log (user_id text, xid xid8 DEFAULT pg_current_xact_id());
CREATE FUNCTION log_update() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS \$\$
BEGIN INSERT INTO update_log VALUES (new.user_id); RETURN NULL; END \$\$;
CREATE TABLE progress_log (xid xid8 DEFAULT pg_current_xact_id());
CREATE FUNCTION log_progress() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS \$\$
BEGIN INSERT INTO progress_log DEFAULT VALUES; RETURN NULL; END \$\$;
CREATE TRIGGER log_update AFTER UPDATE ON user_logins FOR EACH ROW EXECUTE FUNCTION log_update();
END

my @recipe = map { $_->{text} }
  grep { $_->{heading} eq 'Moving a large table to a new key' && $_->{language} eq 'sql' } blocks(text());
is(scalar @recipe, 2, 'the README has the recipe');
my ($grants) = map { $_->{text} } grep { $_->{heading} eq 'Roles' && $_->{text} =~ /CREATE ROLE key_operator/ } blocks(text());
value("CREATE ROLE security_officer; $grants; $recipe[0];
	CREATE TRIGGER log_progress AFTER UPDATE ON remask_progress FOR EACH ROW EXECUTE FUNCTION log_progress()");
my ($progress) = $recipe[1] =~ /^(SELECT .*)/ms;
like($recipe[1], qr/^SET ROLE key_operator;\nCALL remask_user_logins\(\);/, 'the key operator calls it');
my $call = 'SET ROLE key_operator; CALL remask_user_logins(' . BATCH . ')';

# Else each batch would read the whole table.
my ($update) = $recipe[0] =~ /(UPDATE user_logins\n.*?);/s;
$update =~ s/\bpass\.next_page\b/\$1/g;
$update =~ s/\bbatch\b/\$2/g;
$update =~ s/\bactive\b/\$3/g;
like(value("SET plan_cache_mode = force_generic_plan; PREPARE batch(bigint, bigint, text) AS $update; EXPLAIN EXECUTE batch(0, 1, 'k2')"),
	qr/Tid Range Scan on user_logins/, 'a batch reads its pages only');

# The rows that have something to move, and their number by what the log says of them.
my $to_move = value('SELECT count(*) FROM user_logins WHERE masked_ip IS NOT NULL OR masked_device_id IS NOT NULL');
sub moved { return value('SELECT count(*) FROM update_log'); }
sub twice { return value('SELECT count(*) FROM (SELECT FROM update_log GROUP BY user_id HAVING count(*) > 1) AS t'); }

write_keyring($node, "k1 decrypt $k1", "k2 active $k2");

# Calls it while another session holds a row, about so far into the table; once it waits there, does that
# to it, and lets the row go.
sub interrupt_at
{
	my ($part, $do, $name) = @_;
	my $holder = session($node);
	$holder->query_safe('BEGIN; SELECT 1 FROM user_logins WHERE user_id = ' . "'" . int(ROWS * $part) . q{' FOR UPDATE});
	my $session = session($node);
	my $pid     = $session->query_safe('SELECT pg_backend_pid()');
	$session->query_until(qr/sent/, "\\echo sent\n$call;\n");
	wait_for { value("SELECT wait_event_type FROM pg_stat_activity WHERE pid = $pid") eq 'Lock' } 'the call to wait for the row';

	my ($key, $moved, $percent) = split /\|/, value($progress);
	is($key, 'k2', "$name: another session sees the new key");
	cmp_ok($percent, '>=', 100 * $part - 10, "$name: and how far it is");
	cmp_ok($percent, '<=', 100 * $part, "$name: not too much of it");
	is($moved, moved(), "$name: and how many rows are moved");
	value(q{INSERT INTO user_logins (user_id, masked_ip) SELECT 'new', sqs.mask_ip('10.88.0.1') FROM generate_series(1, 100)});
	my $said = $do->($session, $pid);
	eval { $holder->query('ROLLBACK') };
	eval { $_->quit } foreach $holder, $session;
	is(moved(), $moved, "$name: what was moved stays so, what was not does not");
	return $said;
}

# The messages of a session once its backend is idle again.
sub messages_of
{
	my ($session) = @_;
	$session->query('SELECT 1');
	return $session->{stderr};
}

my $said = interrupt_at(0.3, sub {
	my ($session, $pid) = @_;
	value("SELECT pg_cancel_backend($pid)");
	return messages_of($session);
}, 'cancelled');
like($said, qr/canceling statement due to user request/, 'it was cancelled');
my @pages = $said =~ /NOTICE:  (\d+) of \d+ pages/g;
is_deeply(\@pages, [ map { BATCH * $_ } 1 .. @pages ], 'the caller sees each batch');
my $after_first = moved();
cmp_ok($after_first, '>', 0, 'a part is done');

interrupt_at(0.5, sub {
	my ($session, $pid) = @_;
	value("SELECT pg_terminate_backend($pid)");
	wait_for { value("SELECT count(*) FROM pg_stat_activity WHERE pid = $pid") eq '0' } 'the session to end';
}, 'terminated');
cmp_ok(moved(), '>', $after_first, 'it went on');

# Killed: the whole server starts again.
interrupt_at(0.72, sub {
	my (undef, $pid) = @_;
	kill 'KILL', $pid;
	wait_for_recovery($node, $pid);
}, 'killed');
cmp_ok(moved(), '<', $to_move, 'not all was done yet');

# A transaction that made a mask of the old key, as one that began before the new key was active may have.
my $old = session($node);
$old->query_safe(q{BEGIN; INSERT INTO user_logins (user_id, masked_device_id) VALUES ('late', sqs.mask('late', 'device_id', 'k1'))});
value($call);
$old->query_safe('COMMIT');
$old->quit;
is(value($progress) =~ s/\|[^|]*$//r, "k2|${\moved()}|100", 'a call goes on to the end');
is(moved(), $to_move, 'each row was moved');
is(twice(), 0, 'once');
is(value('SELECT count(*) FROM update_log WHERE xid NOT IN (SELECT xid FROM progress_log)'), 0,
	'in the transaction that says so');
is(value(q{SELECT count(*) FROM user_logins WHERE masked_ip LIKE '__.k1.%' OR masked_device_id LIKE '__.k1.%'}),
	1, 'but for the row of the transaction that is older than the key');
value($call);
is(moved(), $to_move + 1, 'the next call moves it, and only it');
value($call);
is(moved(), $to_move + 1, 'and one more nothing');

write_keyring($node, "k2 active $k2");
is(value(<<'END'), ROWS . '|0', 'without the old key all masks open to the values that they had');
SELECT count(*), count(*) FILTER (WHERE
       host(sqs.unmask_ip(masked_ip)) IS DISTINCT FROM CASE WHEN user_id::int % 7 > 0 THEN host('10.0.0.0'::inet + user_id::int) END
       OR sqs.unmask(masked_device_id, 'device_id') IS DISTINCT FROM CASE WHEN user_id::int % 5 > 0 THEN user_id END)
FROM   user_logins WHERE user_id NOT IN ('new', 'late')
END
is(value(q{SELECT DISTINCT coalesce(host(sqs.unmask_ip(masked_ip)), sqs.unmask(masked_device_id, 'device_id')) FROM user_logins
	WHERE user_id IN ('new', 'late') ORDER BY 1}), "10.88.0.1\nlate", 'those of others, too');

done_testing();
