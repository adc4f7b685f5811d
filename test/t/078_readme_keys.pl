# The commands, settings and statements of the README's chapter on keys do what it says, in its order.

use strict;
use warnings;

use Cwd qw(getcwd);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Readme qw(blocks chapter text);
use SqsFdw::Test;

my $chapter = chapter(text(), 'Masking and keys');
my $folder  = PostgreSQL::Test::Utils::tempdir('keys');
my $account = getpwuid $>;

# The README's folders, which need root, as folders of the test.
my %place = (
	'/etc/postgresql/keyring'   => "$folder/keyring",
	'/run/sqs_fdw'              => "$folder/run",
	'${CREDENTIALS_DIRECTORY}/' => "$folder/credentials/",
);
my $ring = "$folder/keyring/sqs_fdw";
mkdir "$folder/$_" or die "$folder/$_: $!\n" for qw(bin credentials run work);

sub here
{
	my ($text) = @_;
	$text =~ s/\Q$_\E/$place{$_}/g foreach keys %place;
	return $text;
}

# --- stand-ins for programs that need an account elsewhere, or root: they take the README's arguments and no others

sub stand_in
{
	my ($name, $script) = @_;
	append_to_file("$folder/bin/$name", "#!/bin/sh\nset -eu\n$script");
	chmod 0755, "$folder/bin/$name";
	return;
}
my $seal = 'openssl enc -aes-256-cbc -pbkdf2 -pass pass:stand-in';
stand_in('aws', <<"END");
case "\$*" in
	"kms encrypt --key-id alias/sqs_fdw --plaintext fileb://"*" --output text --query CiphertextBlob")
		$seal -in "\${6#fileb://}" | base64 ;;
	"kms decrypt --ciphertext-blob fileb://"*" --output text --query Plaintext")
		test ! -e $folder/no-kms
		$seal -d -in "\${4#fileb://}" | base64 ;;
	*) exit 2 ;;
esac
END
stand_in('vault', <<"END");
case "\${VAULT_ADDR:-} \$*" in
	" kv put secret/sqs_fdw keyring=@"*) cp "\${4#keyring=@}" $folder/vault-has ;;
	"https://vault.example.com:8200 kv get -field=keyring secret/sqs_fdw") cat $folder/vault-has ;;
	*) exit 2 ;;
esac
END
stand_in('systemd-creds', <<"END");
test "\$1 \$2 \$#" = "encrypt --name=sqs_fdw 4"
$seal -in "\$3" -out "\$4"
END

# What systemd does before it starts the server: the credential in its folder, readable for nobody else.
sub load_credential
{
	my ($line) = @_;
	my ($sealed) = $line =~ /^LoadCredentialEncrypted=sqs_fdw:(\S+)$/m or die "no credential in $line\n";
	is(system("$seal -d -in $sealed -out $folder/credentials/sqs_fdw"), 0, 'a credential is loaded');
	chmod 0400, "$folder/credentials/sqs_fdw";
	chmod 0500, "$folder/credentials";
	return;
}

local $ENV{PATH} = "$folder/bin:$ENV{PATH}";
local $ENV{CREDENTIALS_DIRECTORY} = "$folder/credentials";
my $node = start_node('readme_keys', bare => 1);
create_extension($node);
create_server($node, 'aws', endpoint => 'http://127.0.0.1:9');
create_login_tables($node, 'login-queue');

sub value { return $node->safe_psql('postgres', $_[0]); }

# Adds to the configuration, and waits until new sessions have it.
sub configure
{
	my ($conf) = @_;
	$node->append_conf('postgresql.conf', $conf);
	$node->reload;
	foreach my $line (grep { /\S/ } split /\n/, $conf)
	{
		my ($name, $value) = $line =~ /^(\S+) = '(.*)'$/ or die "an odd setting: $line\n";
		wait_for { value("SHOW $name") eq $value } "the setting $name";
	}
	return;
}
configure("sqs_fdw.keyring_file = ''");

value('CREATE ROLE etl; ' . text('docker/initdb/30-grants.sql'));
my $session = session($node);

# --- runs a block of each language; what it printed

my %run = (
	sh => sub {
		my ($text) = @_;
		my $before = getcwd();
		chdir "$folder/work" or die "$folder/work: $!\n";
		open my $file, '>', 'block' or die "block: $!\n";
		print $file here($text);
		close $file;
		is(system('sh -eu block 2> err'), 0, 'it runs: ' . (split /\n/, $text)[0]) or diag(slurp_file('err'));
		chdir $before;
		return '';
	},
	# Exactly one of the two is set.
	conf => sub {
		configure("sqs_fdw.keyring_file = ''\nsqs_fdw.keyring_command = ''");
		configure(here($_[0]));
		return '';
	},
	sql => sub {
		my ($text) = @_;
		$session->{stderr} = '';
		my $out = $session->query($text);
		unlike($session->{stderr}, qr/ERROR|FATAL|WARNING/, 'it runs: ' . (split /\n/, $text)[0]) or diag($session->{stderr});
		return $out;
	},
	ini => sub {
		my ($text) = @_;
		$text = here($text);
		load_credential($text);
		my ($command) = $text =~ /^ExecStartPre=(.*)$/m;
		is(system($command =~ s/-o postgres/-o $account/r), 0, 'the unit runs: ' . $command);
		return '';
	},
);

sub keys_are
{
	my ($expected, $name) = @_;
	return is(value('SELECT key_id, state FROM sqs.mask_keys()'), $expected, $name);
}
sub fingerprints { return value('SELECT key_id, fingerprint FROM sqs.mask_keys()'); }

sub check_ring_file
{
	my ($name) = @_;
	is(sprintf('%o', (stat $ring)[2] & 07777), 600, "$name: only the server's account can read it");
	is(value('SELECT * FROM sqs.check_keyring()'), '', "$name: nothing is wrong");
	return;
}

# Masks of that key in the table.
sub add_login
{
	my ($user, $ip) = @_;
	value("INSERT INTO user_logins (user_id, masked_ip, masked_device_id) VALUES ('$user', sqs.mask_ip('$ip'), sqs.mask('$user', 'device_id'))");
	return;
}

# Audit lines and their like with names of one's own instead of the README's.
sub audit_lines
{
	my ($text) = @_;
	return [ map { s/.*?(LOG:)/$1/r =~ s/(session_role|database|application)="[^"]*"/$1="…"/gr } grep { /sqs_fdw audit/ } split /\n/, $text ];
}

# --- what is so after the blocks of a section

my ($old_mask, $fingerprints);
my %after = (
	'Masks and domains 1 sql' => sub {
		like(value(q{SET enable_seqscan = off; EXPLAIN SELECT FROM user_logins WHERE masked_ip LIKE 'i1.k1.%'}),
			qr/Index Cond: .*i1\.k1\..*i1\.k1\//, 'LIKE is a range of the index');
	},
	'The first key 1 sh' => sub {
		is(sprintf('%o', (stat "$folder/keyring")[2] & 07777), 700, 'the folder is closed');
		like(slurp_file($ring), qr{\Ak1 active [A-Za-z0-9+/]{86}==\n\z}, 'one key');
	},
	'The first key 3 sql' => sub {
		like($_[0], qr/\Ak1\|active\|[0-9a-f]{8}\|[^\n]*\z/, 'no problem, one key');
		check_ring_file('the first key');
		add_login('u1', '199.172.111.135');
		add_login('u1', '2001:db8::1');
		add_login('u2', '10.0.0.1');
		$old_mask = value(q{SELECT masked_ip FROM user_logins WHERE user_id = 'u2'});
	},
	'Opening a few 1 sql' => sub {
		my $read = -s $node->logfile;
		value('CREATE ROLE alice LOGIN IN ROLE helpdesk; CREATE ROLE nobody');
		my $alice = "SET SESSION AUTHORIZATION alice; SELECT addresses_of('u1', 4711)";
		is(value("$alice ORDER BY 1"), "199.172.111.135\n2001:db8::1", 'the help desk sees the addresses of one user');
		my $log = slurp_file($node->logfile, $read);
		like($log, qr/LOG:  addresses are opened for ticket 4711$/m, 'the ticket is in the log');
		my ($shown) = map { $_->{text} } grep { $_->{heading} eq 'The audit' } blocks($chapter);
		is_deeply(audit_lines($log), audit_lines($shown), 'and the lines that the README shows');
		$read = -s $node->logfile;
		value($alice =~ s/; /; BEGIN; /r . '; ROLLBACK');
		is(scalar @{ audit_lines(slurp_file($node->logfile, $read)) }, 2, 'which no rollback takes back');
		foreach my $statement (
			q{SET ROLE nobody; SELECT addresses_of('u1', 1)},
			q{SET ROLE alice; SELECT sqs.unmask_ip('')},
			q{SET ROLE alice; SELECT masked_ip FROM user_logins})
		{
			check_error($node, $statement, '42501', qr/permission denied/, "refused: $statement");
		}
	},
	'Rotation 1 sh' => sub {
		keys_are("k1|active\nk2|decrypt", 'a second key, for reading');
		check_ring_file('the second key');
	},
	'Rotation 2 sh' => sub {
		keys_are("k1|decrypt\nk2|active", 'it is active');
		check_ring_file('the active key');
		add_login('u3', '199.172.111.135');
		is(value('SELECT count(DISTINCT split_part(masked_ip, $$.$$, 2)) FROM user_logins'), 2, 'masks are of both keys');
	},
	'Rotation 3 sql' => sub { is($_[0], "u1\nu3", 'both are found') },
	'Rotation 4 sql' => sub {
		is(value(q{SELECT count(*) FROM user_logins WHERE masked_ip LIKE 'i1.k2.%' AND masked_device_id LIKE 't1.k2.%'}), 4, 'all are moved');
	},
	'Rotation 5 sql' => sub { is($_[0], 'k2|k2|4', 'the old key is not in use') },
	'Rotation 6 sh' => sub {
		keys_are("k1|disabled\nk2|active", 'it is disabled');
		check_error($node, "SELECT sqs.unmask_ip('$old_mask')", '22000', qr/key "k1", which opens the value, is disabled/,
			'what still needs it fails');
	},
	'Rotation 7 sh' => sub {
		keys_are('k2|active', 'it is gone');
		check_ring_file('the ring of the new key');
		is(value(q{SELECT host(sqs.unmask_ip(masked_ip)) FROM user_logins WHERE user_id = 'u2'}), '10.0.0.1', 'masks open');
		$fingerprints = fingerprints();
	},
	'Keys from elsewhere 1 sh' => sub {
		unlike(slurp_file("$ring.kms"), qr/k2 active/, 'the ring is sealed');
	},
	'Keys from elsewhere 2 conf' => sub {
		is(fingerprints(), $fingerprints, 'KMS: the same keys');
		like(value('SET ROLE nobody; SHOW sqs_fdw.keyring_command'), qr/^aws kms decrypt/, 'everyone sees the command');
		check_error($node, q{SELECT sqs.is_version('1'); SET ROLE nobody; SHOW sqs_fdw.keyring_command}, '42501', qr/denied|examine/,
			'until the library is loaded');
		append_to_file("$folder/no-kms", '');
		check_error($node, 'SELECT * FROM sqs.mask_keys()', 'F0000', qr/the keyring command printed nothing/, 'KMS does not answer');
		my ($put) = $chapter =~ /`(vault kv put [^`]*)`/ or die "no vault kv put\n";
		is(system($put =~ s/\@FILE/\@$ring/r), 0, $put);
	},
	'Keys from elsewhere 3 conf' => sub { is(fingerprints(), $fingerprints, 'Vault: the same keys') },
	'Keys from elsewhere 5 ini' => sub { check_file_mode("$folder/run/keyring") },
	'Keys from elsewhere 6 conf' => sub {
		is(fingerprints(), $fingerprints, 'a credential that the unit copied: the same keys');
		is(value(q{SELECT problem FROM sqs.check_keyring() WHERE severity = 'error'}), '', 'and nothing is wrong');
		# Where the server has the credential itself: the command and the file that the text names.
		my ($command) = $chapter =~ /`(cat "\$CREDENTIALS_DIRECTORY[^`]*)`/ or die "no command that reads a credential\n";
		configure("sqs_fdw.keyring_file = ''\nsqs_fdw.keyring_command = '$command'");
		is(fingerprints(), $fingerprints, 'a credential of the server itself: the same keys');
		configure(here("sqs_fdw.keyring_command = ''\nsqs_fdw.keyring_file = '\${CREDENTIALS_DIRECTORY}/sqs_fdw'"));
		is(fingerprints(), $fingerprints, 'it is a good file, too');
	},
	'Backup, loss, theft 2 sh' => sub {
		unlike(slurp_file("$folder/work/keyring.cms"), qr/k2 active/, 'the backup is sealed');
		configure("sqs_fdw.keyring_file = '$ring'");
		unlink $ring or die "$ring: $!\n";
		check_error($node, q{SELECT sqs.mask('a', 'd')}, 'F0000', qr/could not open the keyring file/, 'the ring is lost');
		is(value('SELECT count(DISTINCT masked_ip) FROM user_logins'), 3, 'masks compare without it');
	},
	'Backup, loss, theft 3 sh' => sub {
		check_ring_file('the ring is restored');
		is(fingerprints(), $fingerprints, 'with the same keys');
	},
);

sub check_file_mode
{
	my ($path) = @_;
	return is(sprintf('%o', (stat $path)[2] & 07777), 600, "only the server's account can read $path");
}

my %number;
foreach my $block (blocks($chapter))
{
	my ($heading, $language, $text) = @$block{qw(heading language text)};
	next if $heading eq 'The audit';
	my $name    = "$heading " . ++$number{$heading} . " $language";
	my $runner  = $run{$language} or die "$name: a block of another language\n";
	my $printed = $runner->($text);
	(delete $after{$name})->($printed) if $after{$name};
}
is(join(', ', sort keys %after), '', 'all blocks were there');
$session->quit;

# What the chapter promises to keep to itself.
my $log = slurp_file($node->logfile);
unlike($log, qr{[A-Za-z0-9+/]{86}==}, 'no key is in the log');
chmod 0700, "$folder/credentials";

done_testing();
