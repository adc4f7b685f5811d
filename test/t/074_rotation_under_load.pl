# While a key is replaced, sessions that insert and look up meet no error and miss no row.

use strict;
use warnings;

use IPC::Run ();
use MIME::Base64 qw(encode_base64);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Test;

use constant CLIENTS => 2;

# How many rows each client must have added, in each state of the ring.
use constant ROWS => 100;

my $k1   = encode_base64('1' x 64, '');
my $k2   = encode_base64('2' x 64, '');
my $node = start_node('rotation', bare => 1, conf => 'log_statement = none');
write_keyring($node, "k1 active $k1");
create_extension($node);
$node->safe_psql('postgres', <<'END');
CREATE TABLE logins (id bigserial PRIMARY KEY, address inet, masked_ip text COLLATE "C" NOT NULL);
CREATE INDEX ON logins (masked_ip);
CREATE FUNCTION look_up(address inet) RETURNS void LANGUAGE plpgsql AS $$
DECLARE expected bigint; found_rows bigint;
BEGIN
	-- one snapshot for both
	SELECT count(*) FILTER (WHERE l.address = look_up.address),
	       (SELECT count(*) FROM logins m WHERE m.masked_ip = ANY (sqs.mask_all_ip(host(look_up.address))))
	INTO   expected, found_rows FROM logins l;
	IF expected = 0 OR found_rows <> expected THEN
		RAISE EXCEPTION 'found % rows of % of %', found_rows, expected, address;
	END IF;
END $$;
END

my $script = PostgreSQL::Test::Utils::tempdir('load') . '/script';
append_to_file($script, <<'END');
\set n random(1, 200)
INSERT INTO logins (address, masked_ip) VALUES ('10.0.0.0'::inet + :n, sqs.mask_ip('10.0.0.0'::inet + :n));
SELECT look_up('10.0.0.0'::inet + :n);
END

sub value { return $node->safe_psql('postgres', $_[0]); }

my ($in, $out, $err) = ('', '', '');
my $load = IPC::Run::start([
		'pgbench', '-n', '-c', CLIENTS, '-j', CLIENTS, '-T', 3600, '-f', $script, $node->connstr('postgres') ],
	'<', \$in, '>', \$out, '2>', \$err);

# Every client has gone on for a while: it has met the ring as it is now, and another one that has.
sub load_goes_on
{
	my ($when) = @_;
	my $rows = value('SELECT count(*) FROM logins');
	my $ok   = eval {
		wait_for { $load->pump_nb; !$load->pumpable || value('SELECT count(*) FROM logins') >= $rows + ROWS * CLIENTS }
		'the load to go on';
		$load->pumpable;
	};
	ok($ok && value(q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()}) == CLIENTS,
		"the load goes on $when") or diag($err);
	return;
}

# Moves masks to the active key, in batches, and again once all older transactions have ended.
sub remask
{
	my $moved = 0;
	for (1 .. 1000)
	{
		my $rows = value(<<'END');
WITH moved AS (
	UPDATE logins SET masked_ip = sqs.remask(masked_ip, 'ip')
	WHERE  id IN (SELECT id FROM logins WHERE split_part(masked_ip, '.', 2) <> 'k2' LIMIT 50)
	RETURNING 1
)
SELECT count(*) FROM moved
END
		last if $rows == 0;
		$moved += $rows;
	}
	return $moved;
}

load_goes_on('under k1');
write_keyring($node, "k1 active $k1", "k2 decrypt $k2");
load_goes_on('with k2 for reading');
is(value(q{SELECT string_agg(DISTINCT left(masked_ip, 5), ' ') FROM logins}), 'i1.k1', 'all masks are of k1');
write_keyring($node, "k1 decrypt $k1", "k2 active $k2");
load_goes_on('with k2 active');
is(value(q{SELECT string_agg(DISTINCT left(masked_ip, 5), ' ' ORDER BY left(masked_ip, 5)) FROM logins}),
	'i1.k1 i1.k2', 'masks are of both keys');
cmp_ok(remask(), '>', 0, 'masks are moved');
load_goes_on('after that');
is(remask(), 0, 'no older transaction had more of k1');
write_keyring($node, "k2 active $k2");
load_goes_on('without k1');
is(value(q{SELECT string_agg(DISTINCT left(masked_ip, 5), ' ') FROM logins}), 'i1.k2', 'all masks are of k2');

ok($load->pumpable, 'no client met an error') or diag($err);
$load->signal('TERM');
$load->finish;
unlike($err, qr/ERROR|aborted/, 'or was ended by one');
ok(slurp_file($node->logfile) !~ /(ERROR|WARNING): .*/, 'and none is in the log') or diag($&);
is(value('SELECT count(*) FROM logins WHERE sqs.unmask_ip(masked_ip) <> address'), 0, 'every mask opens as its address');
is(value('SELECT max(n) FROM (SELECT count(DISTINCT masked_ip) FROM logins GROUP BY address) c (n)'), 1,
	'equal addresses have equal masks');

done_testing();
