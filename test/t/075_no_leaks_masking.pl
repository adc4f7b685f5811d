# A value that is masked on its way, and a key, are nowhere that outlives the statement: logs, statistics, dumps, files, cores.

use strict;
use warnings;

use File::Find;
use MIME::Base64 qw(encode_base64);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Socket qw(AF_INET6 inet_pton);
use Test::More;

use SqsFdw::Test;

my $device  = '593-47-SENTINEL-5928';
my $address = '2001:db8:feed:face:cafe:babe:dead:beef';

# Keys that nothing else has: no counting, no repeated bytes.
sub new_key { my ($seed) = @_; srand $seed; return join '', map { chr int rand 256 } 1 .. 64; }
my ($used, $unused) = (new_key(1), new_key(2));

# What may be nowhere, by name; a value in the forms that bytes take in logs and dumps.
sub forms_of
{
	my ($name, $bytes) = @_;
	my $base64 = encode_base64($bytes, '');
	return (
		"$name raw" => $bytes,
		"$name in hexadecimal" => unpack('H*', $bytes),
		"$name in upper-case hexadecimal" => uc unpack('H*', $bytes),
		"$name in base64" => $base64 =~ s/=+$//r,
		"$name in base64url" => $base64 =~ s/=+$//r =~ tr{+/}{-_}r,
	);
}
my %values = (
	forms_of('the device id', $device),
	forms_of('the address',   $address),
	'the packed address' => inet_pton(AF_INET6, $address),
);
my %keys = (forms_of('the key', $used), forms_of('the unused key', $unused));

# What a place must have, so that a search that finds nothing means something.
sub check_place
{
	my ($place, $bytes, $control, $needles) = @_;
	utf8::encode($bytes) if utf8::is_utf8($bytes);
	ok(!defined $control || index($bytes, $control) >= 0, "$place: the search finds what should be there");
	my @found = grep { index($bytes, $needles->{$_}) >= 0 } sort keys %$needles;
	is(join(', ', @found), '', "$place: no value and no key");
	return;
}
my %all = (%values, %keys);

my $node = start_node('leaks', conf => <<'END');
shared_preload_libraries = 'pg_stat_statements,auto_explain'
log_min_messages = debug5
log_statement = all
log_duration = on
log_temp_files = 0
log_min_error_statement = debug5
auto_explain.log_min_duration = 0
auto_explain.log_analyze = on
auto_explain.log_verbose = on
auto_explain.log_nested_statements = on
auto_explain.log_triggers = on
wal_level = logical
work_mem = 64kB
END
write_keyring($node, 'k1 active ' . encode_base64($used, ''), 'k2 decrypt ' . encode_base64($unused, ''));

sub value { return $node->safe_psql('postgres', $_[0]); }

my $queue = new_queue('leaks', VisibilityTimeout => 600);
value('CREATE EXTENSION pg_stat_statements');
foreach my $table ([ 'plain', '', '' ], [ 'masked', q{OPTIONS (mask 'device_id')}, q{OPTIONS (mask 'ip')} ])
{
	my ($name, $device_options, $ip_options) = @$table;
	value("CREATE FOREIGN TABLE ${name}_queue (user_id text NOT NULL, device_id text $device_options, ip text $ip_options,
		pad text) SERVER aws OPTIONS (queue '" . $queue->name . q{')});
}
value(<<'END');
CREATE TABLE logins (user_id text, masked_device_id text, masked_ip text);
CREATE TABLE picky (user_id text CHECK (user_id <> 'u7'), masked_device_id text, masked_ip text);
CREATE TABLE narrow (user_id text, masked_device_id varchar(20));
END
my $from_plain  = q{SELECT user_id, sqs.mask(device_id, 'device_id'), sqs.mask_ip(ip) FROM plain_queue};
my $from_masked = q{SELECT user_id, device_id, ip FROM masked_queue};

sub fill
{
	$queue->purge;
	$queue->send(map { sprintf '{"user_id": "u%d", "device_id": "%s", "ip": "%s", "pad": "%s"}',
		$_, $device, $address, $_ x 500 } 1 .. 100);
	return;
}

# --- statements, with good ends and bad ones

my $session = session($node);
my $pid     = $session->query_safe('SELECT pg_backend_pid()');
my $said    = '';

sub in_session
{
	my ($sql) = @_;
	$session->{stderr} = '';
	my $out = $session->query($sql);
	$said .= $session->{stderr};
	return $out;
}
in_session('SET client_min_messages = debug5');
fill();
my $explained = in_session("EXPLAIN (ANALYZE, VERBOSE) INSERT INTO logins $from_plain");
fill();
$explained .= in_session("EXPLAIN (ANALYZE, VERBOSE) INSERT INTO logins $from_masked");
is(value('SELECT count(*), count(DISTINCT masked_device_id), count(DISTINCT masked_ip) FROM logins'),
	'200|1|1', 'both ways gave the same masks');
my ($mask, $ip_mask) = split /\|/, value('SELECT masked_device_id, masked_ip FROM logins LIMIT 1');
like($mask, qr/^t1\.k1\./, 'masks of the key');

fill();
in_session("INSERT INTO picky $from_plain");
like($said, qr/Failing row contains \(u7, t1\.k1\./, 'an error shows the masked row');
in_session("INSERT INTO narrow SELECT user_id, sqs.mask(device_id, 'device_id') FROM plain_queue");
in_session("INSERT INTO narrow SELECT user_id, device_id FROM masked_queue");
like($said, qr/value too long for type character varying\(20\)/, 'a target that is too narrow');
in_session("SELECT 1 / (length(sqs.unmask(masked_device_id, 'device_id')) - 20) FROM logins");
like($said, qr/division by zero/, 'an expression on an opened value fails');
in_session('SELECT count(sqs.unmask_ip(masked_ip)) FROM logins');
in_session("SELECT sqs.unmask('${mask}A', 'device_id')");
in_session("SELECT sqs.unmask('$mask', 'device')");
in_session("DO \$\$BEGIN PERFORM sqs.unmask(masked_device_id, 'device_id'), 1/0 FROM logins; END\$\$");
in_session('SELECT count(sqs.mask_hmac(masked_ip, $$d$$)), count(sqs.remask(masked_ip, $$ip$$)) FROM logins');
is(in_session("SELECT state FROM sqs.mask_keys() WHERE key_id = 'k2'"), 'decrypt', 'the other key was not used');
in_session('SELECT * FROM sqs.check_keyring()');

check_place('EXPLAIN ANALYZE', $explained, 'Foreign Scan on public.plain_queue', \%all);
check_place(q{the client's messages}, $said, 'Failing row contains', \%all);

# --- temporary files of a sort: with the masks and without the values

sub temporary_files
{
	my $bytes = '';
	find(sub { $bytes .= slurp_file($_) if -f }, $node->data_dir . '/base/pgsql_tmp');
	return $bytes;
}
wait_for { $queue->counts->{in_flight} == 0 } 'the messages to be back';
foreach my $from ([ 'a sort of masks', "$from_plain" =~ s/FROM/, pad FROM/r ], [ 'a sort of masked columns', "$from_masked" =~ s/FROM/, pad FROM/r ])
{
	my ($place, $select) = @$from;
	in_session("BEGIN; DECLARE c CURSOR FOR $select ORDER BY user_id, pad; FETCH 1 FROM c");
	check_place($place, temporary_files(), $mask, \%all);
	in_session('ROLLBACK');
	wait_for { $queue->counts->{in_flight} == 0 } 'the messages to be back';
}
in_session('BEGIN; DECLARE c CURSOR FOR SELECT device_id, pad FROM plain_queue ORDER BY user_id, pad; FETCH 1 FROM c');
ok(index(temporary_files(), $device) >= 0, 'a sort of plain values spills them, as the README says');
in_session('ROLLBACK');

# --- what the server keeps

value('ANALYZE logins');
check_place('statistics', value('SELECT * FROM pg_stats WHERE schemaname = $$public$$')
	  . value('SELECT stavalues1::text FROM pg_statistic'), $mask, \%all);
check_place('pg_stat_statements', value('SELECT * FROM pg_stat_statements'), 'FROM plain_queue', \%all);
check_place('pg_stat_activity', value('SELECT * FROM pg_stat_activity'), 'pg_stat_activity', \%all);
check_place('settings', value('SELECT * FROM pg_settings') . value('SHOW sqs_fdw.keyring_file'), '/keyring', \%all);
my $dump = PostgreSQL::Test::Utils::tempdir('dump') . '/dump.sql';
$node->command_ok([ 'pg_dump', '-f', $dump, $node->connstr('postgres') ], 'pg_dump');
check_place('a dump', slurp_file($dump), $mask, \%all);

value('CHECKPOINT');
my $files = '';
find(sub { $files .= slurp_file($_) if -f && !/^pgsql_tmp/ }, $node->data_dir . '/base');
check_place('the data directory', $files, $mask, \%all);
my $wal = '';
find(sub { $wal .= slurp_file($_) if -f && /^[0-9A-F]{24}$/ }, $node->data_dir . '/pg_wal');
check_place('the WAL', $wal, $mask, \%all);

# --- a core dump: the memory of the session, without what is marked as not to be dumped ("dd")

# Whether the session's memory has these bytes; with $dumped, that part of it that a core has.
sub memory_has
{
	my ($needle, $dumped) = @_;
	my (@ranges, @names);
	open my $smaps, '<', "/proc/$pid/smaps" or die "smaps: $!";
	while (<$smaps>)
	{
		push @ranges, [ hex $1, hex $2, $3 ] if /^([0-9a-f]+)-([0-9a-f]+) (\S+) /;
		$ranges[-1][3] = $1 if /^VmFlags: (.*)/;
	}
	open my $memory, '<:raw', "/proc/$pid/mem"
	  or die "the memory of a process of the same account: $! (kernel.yama.ptrace_scope must be 0)\n";
	foreach my $range (@ranges)
	{
		my ($begin, $end, $mode, $flags) = @$range;
		next unless $mode =~ /^r/ && $flags !~ /\b(?:io|pf)\b/;
		next if $dumped && $flags =~ /\bdd\b/;
		sysseek $memory, $begin, 0 or next;
		my $bytes = '';
		while ($begin < $end)
		{
			my $got = sysread($memory, $bytes, $end - $begin < 1 << 20 ? $end - $begin : 1 << 20, length $bytes) or last;
			return 1 if index($bytes, $needle) >= 0;
			$bytes = substr $bytes, -length $needle;
			$begin += $got;
		}
	}
	return 0;
}
in_session("SELECT sqs.mask('a', 'd'), sqs.mask_hmac('a', 'd'), sqs.unmask('$mask', 'device_id') IS NULL");
ok(memory_has($mask, 1), 'a core: the search finds what should be there');
ok(memory_has($used,   0), 'a core: the session has its key');
ok(memory_has($unused, 0), 'a core: and the unused one');
my @found = grep { memory_has($keys{$_}, 1) } sort keys %keys;
is(join(', ', @found), '', 'a core: but no core would have them');
# OpenSSL's AES contexts have the halves of a key that was used. One that was not is nowhere.
@found = grep { memory_has(substr($unused, 16 * $_, 16), 1) } 0 .. 3;
is(join(', ', @found), '', 'a core: nor a part of the unused one');
$session->quit;

# The log last: it has what all of this wrote.
my $log = slurp_file($node->logfile);
check_place('the log', $log, 'Query Text: EXPLAIN', \%all);

done_testing();
