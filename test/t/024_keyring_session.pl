# A running session takes up a changed keyring, warns once of a bad one and keeps what it has; and which file it is.

use strict;
use warnings;

use MIME::Base64 qw(encode_base64);
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Test;

my $known_mask = 't1.k1.uqfUF7YBTkAdJ9Zy6gUdml3_KrqjCDZWKQcl90MDEUI';

sub key_line
{
	my ($id, $state, $byte) = @_;
	return "$id $state " . encode_base64($byte x 64, '');
}

my $k1 = encode_base64(join('', map { chr } 0 .. 63), '');
my $node = start_node('keyring', bare => 1);
create_extension($node);
my $keyring = $node->basedir . '/keyring';
my $mask    = "SELECT sqs.mask('593-47-5928', 'device_id')";
my $unmask  = "SELECT sqs.unmask('$known_mask', 'device_id')";

# One session through all of it, so that nothing is new because the process is.
my $session = session($node);

# Runs one statement in that session: its output, and what it had to say.
sub in_session
{
	my ($sql) = @_;
	$session->{stderr} = '';
	my $out = $session->query($sql);
	return ($out, $session->{stderr});
}

my ($out, $err) = in_session($mask);
is($out, $known_mask, 'the_first_mask_loads_the_keyring');

# Rotation.
write_keyring($node, key_line('k2', 'active', '2'), "k1 decrypt $k1");
($out, $err) = in_session($mask);
like($out, qr/^t1\.k2\./, 'a_new_active_key_masks_without_a_restart');
is($err, '', 'a_rotation_says_nothing');
($out) = in_session($unmask);
is($out, '593-47-5928', 'a_key_for_reading_unmasks');
($out) = in_session("SELECT string_agg(key_id || ' ' || state, ', ' ORDER BY key_id) FROM sqs.mask_keys()");
is($out, 'k1 decrypt, k2 active', 'mask_keys_shows_the_states');

# In between, a value is found under each key; only the active one's masks are at home.
my ($k2_mask) = in_session($mask);
($out) = in_session("SELECT sqs.mask_all('593-47-5928', 'device_id') = ARRAY['$k2_mask', '$known_mask']");
is($out, 't', 'mask_all_has_the_active_key_first');
($out) = in_session("SELECT sqs.mask_all_ip('1.2.3.4') = ARRAY[sqs.mask_ip('1.2.3.4'),
	'i1.k1.aMXYwxvcbf5in6UnujUY0hHM9_HGwjkjaQ8HT3XNJ0c']");
is($out, 't', 'mask_all_ip_has_the_active_key_first');
($out) = in_session("SELECT sqs.remask('$known_mask', 'device_id')");
is($out, $k2_mask, 'remask_moves_a_mask_to_the_active_key');
($out) = in_session("SELECT sqs.mask('593-47-5928', 'device_id', 'k1')");
is($out, $known_mask, 'a_key_for_reading_masks_where_it_is_named');
write_keyring($node, key_line('k2', 'active', '2'), "k1 disabled $k1");
($out) = in_session("SELECT sqs.mask_all('593-47-5928', 'device_id') = ARRAY['$k2_mask']");
is($out, 't', 'mask_all_leaves_out_disabled_keys');
check_error($node, "SELECT sqs.mask('593-47-5928', 'device_id', 'k1')", '22023',
	qr/key "k1" is disabled.*HINT/s, 'a_disabled_key_does_not_mask');
check_error($node, "SELECT sqs.remask('$known_mask', 'device_id')", '22000',
	qr/"k1".*disabled.*HINT/s, 'a_disabled_key_does_not_remask');
write_keyring($node, key_line('k2', 'active', '2'), "k1 decrypt $k1");

# Bad files: the ring in force stays, with one warning, and no word of the file.
my %bad = (
	two_active_keys => [ [ key_line('k3', 'active', '3'), key_line('k4', 'active', '4') ], 0600 ],
	a_short_key      => [ ['k3 active ' . encode_base64('sesame', '')], 0600 ],
	no_active_key    => [ ["k1 decrypt $k1"], 0600 ],
	a_repeated_key   => [ [ "k1 active $k1", "k3 decrypt $k1" ], 0600 ],
	a_readable_file  => [ [ key_line('k3', 'active', '3') ], 0644 ],
);
foreach my $name (sort keys %bad)
{
	my ($lines, $mode) = @{ $bad{$name} };
	write_keyring($node, @$lines);
	chmod $mode, $keyring or die "$keyring: $!";
	($out, $err) = in_session($mask);
	like($out, qr/^t1\.k2\./, "${name}_leaves_the_old_ring_in_force");
	like($err, qr/WARNING: .*old keyring stays in force.*\nHINT: /s, "${name}_is_warned_of");
	unlike($err, qr/\Q$keyring\E|c2VzYW1l|MzMz|NDQ0|\Q$k1\E/, "${name}_is_not_shown");
	($out, $err) = in_session($mask);
	is($err, '', "${name}_is_warned_of_once");
}
unlink $keyring or die "$keyring: $!";
($out, $err) = in_session($mask);
like($err, qr/WARNING: .*No such file/, 'a_missing_file_is_warned_of');

write_keyring($node, key_line('k5', 'active', '5'));
($out, $err) = in_session($mask);
like($out, qr/^t1\.k5\./, 'a_good_file_ends_the_trouble');
is($err, '', 'a_good_file_says_nothing');

# Where the file may be, and who may say so.
write_keyring($node);
my $chosen = run_sql($node, "SET sqs_fdw.keyring_file = '/dev/null'; $mask");
is($chosen->{out}, $known_mask, 'a_setting_made_before_the_library_is_loaded_has_no_effect');
check_error($node, "$mask; SET sqs_fdw.keyring_file = '/dev/null'",
	'55P02', qr/cannot be changed now/, 'a_session_cannot_choose_the_file');

my $inside = $node->data_dir . '/keyring';
append_to_file($inside, "k1 active $k1\n");
chmod 0600, $inside or die "$inside: $!";
$node->append_conf('postgresql.conf', "sqs_fdw.keyring_file = '$inside'");
$node->reload;
wait_for { $node->safe_psql('postgres', 'SHOW sqs_fdw.keyring_file') eq $inside } 'the reload';
($out, $err) = in_session($mask);
like($out, qr/^t1\.k5\./, 'a_refused_file_of_another_name_leaves_the_old_ring_in_force');

# No setting, no environment.
$node->append_conf('postgresql.conf', "sqs_fdw.keyring_file = ''");
$node->reload;
wait_for { $node->safe_psql('postgres', 'SHOW sqs_fdw.keyring_file') eq '' } 'the reload';
check_error($node, $mask, 'F0000',
	qr/no keyring is configured.*HINT: .*openssl rand.*sqs_fdw\.keyring_file/s,
	'no_keyring_says_how_to_make_one');
is($node->safe_psql('postgres', "SELECT sqs.version_to_int('2.3')"), '131840',
	'what_needs_no_key_works_without_a_keyring');

$session->quit;
{
	local $ENV{SQS_FDW_KEYRING_FILE} = $keyring;
	$node->restart;
}
is($node->safe_psql('postgres', $mask), $known_mask, 'the_environment_names_the_file_when_unset');

# Parallel workers have rings of their own.
is($node->safe_psql('postgres', <<'END'), 't', 'parallel_workers_make_the_same_masks');
SET client_min_messages = error;
CREATE TABLE addresses AS SELECT '10.0.0.0'::inet + n AS ip FROM generate_series(0, 20000) n;
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
CREATE TEMPORARY TABLE masked AS SELECT ip, sqs.mask_ip(ip) AS mask FROM addresses WHERE sqs.mask_ip(ip) <> '';
SELECT count(*) = 20001 AND bool_and(sqs.unmask_ip(mask) = ip) FROM masked;
END

# No key, in no form, is in the server's log.
my $log = slurp_file($node->logfile);
unlike($log, qr/\Q$k1\E|MzMzMzMz|c2VzYW1l/, 'the_log_has_no_keys');

done_testing();
