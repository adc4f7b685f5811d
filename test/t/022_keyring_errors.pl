# A key ring that is missing, open to others or malformed stops masking with a hint; a good one stays in force.

use strict;
use warnings;

use MIME::Base64 qw(encode_base64);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Test;

my $node = start_node('keyring');
my $mask = "SELECT sqs.mask('593-47-5928', 'device_id')";
my $path = write_keyring($node);

# 64 bytes from a starting value, in base64.
sub key
{
	my ($start) = @_;
	return encode_base64(join('', map { chr(($start + $_) % 256) } 0 .. 63), '');
}
my ($k1, $k2) = (key(0), key(100));

is($node->safe_psql('postgres', $mask), 't1.k1.uqfUF7YBTkAdJ9Zy6gUdml3_KrqjCDZWKQcl90MDEUI',
	'the documented key gives the documented mask');

# --- the file

chmod 0644, $path;
check_error($node, $mask, 'F0000', qr/HINT:.*(chmod|0600)/s, 'a ring that others can read');
chmod 0600, $path;
unlink $path;
check_error($node, $mask, 'F0000', qr/HINT:/, 'a ring that is not there');
mkdir $path;
check_error($node, $mask, 'F0000', qr/HINT:/, 'a ring that is a folder');
rmdir $path;

# --- its content

sub check_ring
{
	my ($lines, $pattern, $name) = @_;
	write_keyring($node, @$lines);
	my $err = check_error($node, $mask, 'F0000', $pattern, $name);
	unlike($err, qr/\Q${\substr($k1, 0, 12)}\E|\Q${\substr($k2, 0, 12)}\E/, "$name: no key in the error");
	return;
}

check_ring([ "k1 active $k1", "k2 active $k2" ], qr/HINT:/, 'two active keys');
check_ring(["k1 decrypt $k1"],                  qr/active.*HINT:/s, 'no active key');
check_ring([ 'k1 active ' . substr($k1, 0, 40) ], qr/HINT:/, 'a short key');
check_ring(["k1 active $k1$k1"],                qr/HINT:/, 'a long key');
check_ring(['k1 active not-base64!'],           qr/HINT:/, 'a key that is no base64');
check_ring(["K1 active $k1"],                   qr/HINT:/, "a key's id in capitals");
check_ring(["k1 aktive $k1"],                   qr/HINT:/, 'an unknown state');
check_ring([ "k1 active $k1", "k1 decrypt $k2" ], qr/HINT:/, 'an id twice');
check_ring([ "k1 active $k1", "k2 decrypt $k1" ], qr/HINT:/, 'the same bytes under two ids');

# --- a ring in force

write_keyring($node, "k1 active $k1");
my $session = session($node);
my $before  = $session->query_safe($mask);
write_keyring($node, "k1 active $k1", "k2 active $k2");
is($session->query($mask), $before, 'a session keeps its ring where a new one is bad');
like($session->{stderr}, qr/WARNING/, 'and warns');
$session->{stderr} = '';
write_keyring($node, "k1 decrypt $k1", "k2 active $k2");
like($session->query_safe($mask), qr/^t1\.k2\./, 'a good one is taken up without a restart');
is($session->query_safe("SELECT sqs.unmask('$before', 'device_id')"),
	'593-47-5928', 'and opens the masks of the older key');
is($session->query_safe("SELECT string_agg(key_id || ' ' || state, ', ' ORDER BY key_id) FROM sqs.mask_keys()"),
	'k1 decrypt, k2 active', 'mask_keys shows both');
$session->quit;

# --- masks that do not open

write_keyring($node, "k2 active $k2");
check_error($node, "SELECT sqs.unmask('$before', 'device_id')", '22000', qr/k1.*HINT:/s, 'a key unknown to unmask');
write_keyring($node, "k1 disabled $k1", "k2 active $k2");
check_error($node, "SELECT sqs.unmask('$before', 'device_id')", '22000', qr/k1.*HINT:/s, 'a disabled key');
write_keyring($node, "k1 active $k1");
my $cut     = substr $before, 0, -4;
my $altered = $before =~ s/(.)$/$1 eq 'A' ? 'B' : 'A'/er;
my $flipped = $before =~ s/(?<=k1\.)(.)/$1 eq 'A' ? 'B' : 'A'/er;
check_error($node, "SELECT sqs.unmask('$cut', 'device_id')", '22000', qr/HINT:/, 'a mask cut short');
check_error($node, "SELECT sqs.unmask('$altered', 'device_id')", '22000', qr/HINT:/, 'a mask altered at its end');
check_error($node, "SELECT sqs.unmask('$flipped', 'device_id')", '22000', qr/HINT:/, 'a mask altered at its beginning');
check_error($node, "SELECT sqs.unmask('$before', 'ip')", '22000', qr/HINT:/, 'the domain of another');
check_error($node, "SELECT sqs.unmask('plain text', 'device_id')", '22000', qr/HINT:/, 'what is no mask');
check_error($node, "SELECT sqs.unmask_ip(sqs.mask_ip('no address'))", '22023', qr/HINT:.*unmask/s,
	'a masked text where an address is asked for');

# --- which ring

my $inside = $node->data_dir . '/keyring';
$node->adjust_conf('postgresql.conf', 'sqs_fdw.keyring_file', "'$inside'");
$node->reload;
PostgreSQL::Test::Utils::system_or_bail('cp', '-p', $path, $inside);
check_error($node, $mask, 'F0000', qr/data directory.*HINT:|HINT:.*data directory/s,
	'a ring inside the data directory, which every backup would hold');
$node->adjust_conf('postgresql.conf', 'sqs_fdw.keyring_file', undef);
$node->restart;
check_error($node, $mask, 'F0000', qr/HINT:.*sqs_fdw\.keyring_file/s, 'no ring at all');

# Without a ring the queue's messages stay where they are.
my $queue = new_queue('keyring', VisibilityTimeout => 600);
create_login_tables($node, $queue);
$queue->send(logins(5));
check_error($node, $TAKE, 'F0000', qr/HINT:/, 'the statement of the README without a ring');
wait_for_counts($node, $queue, { visible => 5, in_flight => 0, rows => 0 }, 'takes nothing');

done_testing();
