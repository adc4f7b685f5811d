# A keyring file of any kind gives the ring or an error that says what to do, and sqs.check_keyring() tells all of it.

use strict;
use warnings;

use MIME::Base64 qw(encode_base64);
use POSIX qw(mkfifo);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Test;

my $known_mask = 't1.k1.uqfUF7YBTkAdJ9Zy6gUdml3_KrqjCDZWKQcl90MDEUI';
my $mask       = "SELECT sqs.mask('593-47-5928', 'device_id')";
my $check      = 'SELECT severity, problem FROM sqs.check_keyring()';

my $k1      = encode_base64(join('', map { chr } 0 .. 63), '');
my $k2      = encode_base64('2' x 64, '');
my $node    = start_node('files', bare => 1);
my $keyring = write_keyring($node);
create_extension($node);

sub clear
{
	-d $keyring && !-l $keyring ? rmdir $keyring : unlink $keyring;
	return;
}

# A file with exactly these bytes.
sub put
{
	my ($bytes, $mode) = @_;
	clear();
	append_to_file($keyring, $bytes);
	chmod $mode // 0600, $keyring;
	return;
}

sub check_good
{
	my ($name) = @_;
	is($node->safe_psql('postgres', $mask),  $known_mask, $name);
	is($node->safe_psql('postgres', $check), '',          "$name: nothing is wrong");
	return;
}

# The first use fails, and check_keyring() has an error of the same words, and a hint.
sub check_bad
{
	my ($problem, $name) = @_;
	my $error = check_error($node, $mask, 'F0000', qr/$problem.*\nHINT: /s, $name);
	my $found = $node->safe_psql('postgres', "$check WHERE hint <> ''");
	like($found, qr/^error\|.*$problem/m, "$name: check_keyring() tells it");
	unlike("$error$found", qr/\Q$k1\E|\Q$k2\E|sesame|\Q$keyring\E/, "$name: neither shows the file");
	return;
}

# --- good files

check_good('a keyring');
put("k1 active $k1");
check_good('a keyring without a last line end');
put("# keys\r\nk1 active $k1\r\n\r\nk2 decrypt $k2\r\n");
check_good('a keyring with line ends of Windows');
put("\tk1\tactive\t$k1 # since May\n");
check_good('a keyring with tabs and comments');
my $elsewhere = $node->basedir . '/elsewhere';
rename $keyring, $elsewhere;
symlink $elsewhere, $keyring;
check_good('a keyring behind a link');
clear();
rename $elsewhere, $keyring;
chmod 0400, $keyring;
check_good('a keyring that is read-only');

put(join "\n", "k1 active $k1", map { sprintf 'spare%d decrypt %s', $_, encode_base64(pack('N', $_) . 'x' x 60, '') } 1 .. 9_999);
check_good('a keyring of 10 000 keys');
is($node->safe_psql('postgres', 'SELECT count(*) FROM sqs.mask_keys()'), 10_000, 'has them all');
is($node->safe_psql('postgres', "SELECT array_length(sqs.mask_all('a', 'd'), 1)"), 10_000, 'and masks under all');
is($node->safe_psql('postgres', "SELECT sqs.unmask(sqs.mask('a', 'd', 'spare9999'), 'd')"), 'a', 'and under one');

# --- bad ones

clear();
check_bad('No such file', 'a missing file');
put('');
check_bad('keyring is empty', 'an empty file');
put("# nothing\n\n");
check_bad('keyring is empty', 'a file of comments');
put("\xef\xbb\xbfk1 active $k1\n");
check_bad('byte order mark', 'a byte order mark');
put("\xff\xfek\0" . "1\0");
check_bad('byte order mark', 'UTF-16');
put("k1 active \0$k1\n");
check_bad('keyring line 1 ', 'a zero byte');
put("k1 active $k1\nk2 active $k2\n");
check_bad('line 2 is a second active key', 'two active keys');
put("k1 decrypt $k1\n");
check_bad('no active key', 'no active key');
put("k1 active $k1\nk2 decrypt $k1\n");
check_bad('line 2 repeats the key of line 1', 'equal keys');
put("k1 active $k1\n", 0640);
check_bad('group or world access', 'a file that a group can read');
put("k1 active $k1\n" . '#' x 1_200_000);
check_bad('larger than 1.2 MB', 'a file that is too large');
clear();
mkdir $keyring;
check_bad('not a regular file', 'a folder');
clear();
mkfifo($keyring, 0600) or die "$keyring: $!";
check_bad('not a regular file', 'a FIFO');
clear();
symlink '/dev/zero', $keyring;
check_bad('not a regular file', 'a device');
clear();
symlink $keyring, $keyring;
check_bad('Too many levels of symbolic links', 'a link to itself');
clear();
# The server's own, with mode 0400, a size of 0 and bytes in it: as if it had grown in between.
symlink '/proc/self/environ', $keyring;
check_bad('changed while it was read', 'a file that has more bytes than its size');
clear();
# Root's, with a mode that is too open for it.
symlink '/etc/passwd', $keyring;
check_bad('group or world access', q{another account's file});
clear();

# --- where backups would find it

my $inside = $node->data_dir . '/global/keyring';
append_to_file($inside, "k1 active $k1\n");
chmod 0600, $inside;
symlink $inside, $keyring;
check_bad('inside the data directory', 'a link into the data directory');
clear();
my $space = $node->basedir . '/space';
mkdir $space;
$node->safe_psql('postgres', "CREATE TABLESPACE space LOCATION '$space'");
append_to_file("$space/keyring", "k1 active $k1\n");
chmod 0600, "$space/keyring";
symlink "$space/keyring", $keyring;
check_bad('inside a tablespace', 'a link into a tablespace');
clear();
# The WAL is in base backups wherever it is: initdb --waldir puts it elsewhere in this way.
my $wal = $node->basedir . '/wal';
$node->stop;
rename $node->data_dir . '/pg_wal', $wal or die "$wal: $!\n";
symlink $wal, $node->data_dir . '/pg_wal' or die "$wal: $!\n";
$node->start;
append_to_file("$wal/keyring", "k1 active $k1\n");
chmod 0600, "$wal/keyring";
symlink "$wal/keyring", $keyring;
check_bad('inside the data directory', 'a link into the folder of the WAL');
clear();

# --- several things at once, and what is only unwise

put("k1 aktive sesame\nk2 active $k2\nk2 decrypt $k1\n", 0644);
is($node->safe_psql('postgres', $check), join("\n",
		'error|the keyring file has group or world access',
		'error|keyring line 1 is not a key id, a state and a key',
		'error|keyring line 3 repeats the key id of line 2'),
	'check_keyring() tells all that is wrong');
put("k1 active $k1\n");
chmod 0777, $node->basedir;
is($node->safe_psql('postgres', $check),
	'warning|others than its owner can write to the folder of the keyring file',
	'and warns of a folder that is open');
chmod 0700, $node->basedir;
is($node->safe_psql('postgres', $mask), $known_mask, 'with which masking works');
my $other = run_sql($node, 'CREATE ROLE nobody; SET ROLE nobody; SELECT * FROM sqs.check_keyring()');
like($other->{err}, qr/42501/, 'check_keyring() is not for everyone');

# --- during a statement: it keeps the ring that it began with

my $session = session($node);
my $holder  = session($node);
foreach my $change ([ 'replaced', sub { write_keyring($node, "k2 active $k2", "k1 decrypt $k1") } ], [ 'deleted', \&clear ])
{
	my ($what, $do) = @$change;
	$holder->query_safe('SELECT pg_advisory_lock(1)');
	$session->{stderr} = '';
	$session->query_until(qr/sent/, "\\echo sent\nSELECT left(sqs.mask('a', 'd'), 6), pg_advisory_lock(1), "
		  . "left(sqs.mask('b', 'd'), 6);\n");
	wait_for {
		$node->safe_psql('postgres', q{SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted}) eq 1
	}
	'the statement to wait';
	$do->();
	$holder->query_safe('SELECT pg_advisory_unlock(1)');
	my $out = $session->query('SELECT pg_advisory_unlock(1)');
	my $id  = $what eq 'replaced' ? 'k1' : 'k2';
	like($out, qr/^t1\.$id\.\|\|t1\.$id\.$/m, "a keyring that is $what during a statement does not change it");
	is($session->{stderr}, '', 'or say anything');
}
$session->{stderr} = '';
like($session->query($mask), qr/^t1\.k2/, 'the next statement goes on with the ring');
like($session->{stderr}, qr/WARNING: .*old keyring stays in force.*No such file/s, 'and warns that it is gone');
$_->quit for $session, $holder;

# --- the settings

sub configure
{
	my (%settings) = @_;
	$node->append_conf('postgresql.conf', "$_ = '$settings{$_}'") for sort keys %settings;
	$node->restart;
	return;
}

write_keyring($node);
configure('sqs_fdw.keyring_command' => 'true');
is($node->safe_psql('postgres', $check),
	'error|sqs_fdw.keyring_file and sqs_fdw.keyring_command are both set', 'check_keyring() tells of two origins');
configure('sqs_fdw.keyring_command' => '', 'sqs_fdw.keyring_file' => '');
is($node->safe_psql('postgres', $check), 'error|no keyring is configured', 'and of none');
configure('sqs_fdw.keyring_file' => 'keyring');
check_bad('not an absolute path', 'a relative path');
configure('sqs_fdw.keyring_file' => '', 'sqs_fdw.keyring_command' => "cat $keyring");
check_good('a command');
configure('sqs_fdw.keyring_command' => "echo a; echo b; cat $keyring");
is($node->safe_psql('postgres', $check), join("\n",
		map { "error|keyring line $_ is not a key id, a state and a key" } 1, 2),
	'check_keyring() tells all that is wrong with what a command prints');
configure('sqs_fdw.keyring_command' => 'exit 3');
is($node->safe_psql('postgres', 'SELECT problem, detail FROM sqs.check_keyring()'),
	'the keyring command failed|Its exit status is 3.', 'or how it ended');
{
	local $ENV{SQS_FDW_KEYRING_FILE} = '/dev/null';
	configure('sqs_fdw.keyring_command' => '', 'sqs_fdw.keyring_file' => $keyring);
}
is($node->safe_psql('postgres', $mask), $known_mask, 'a setting goes before the environment');
is($node->safe_psql('postgres', $check),
	'warning|the environment variable SQS_FDW_KEYRING_FILE is ignored', 'and check_keyring() says so');

unlike(slurp_file($node->logfile), qr/sesame|\Q$k1\E|\Q$k2\E/, 'nothing of any keyring is in the log');

done_testing();
