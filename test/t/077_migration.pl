# The README's SQL makes, finds and converts the masks and versions of older scripts.

use strict;
use warnings;
use utf8;

use Encode qw(encode_utf8);
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Readme qw(blocks chapter rows text);
use SqsFdw::Test;

# A script of that kind: of each row, what it was made of and what it left in the table.
use constant SCRIPT => <<'END';
import base64, hashlib, json, subprocess, sys

key = hashlib.pbkdf2_hmac('sha256', 'correct horse'.encode(), b'fixed_salt_value', 100000, 32)

def encrypt(value):
    plain = value.encode()
    plain += b' ' * (16 - len(plain) % 16)
    sealed = subprocess.run(['openssl', 'enc', '-aes-256-ecb', '-nopad', '-K', key.hex()],
                            input=plain, stdout=subprocess.PIPE, check=True).stdout
    return base64.b64encode(sealed).decode()

def sha256(value):
    return hashlib.sha256(value.encode()).hexdigest()

def row(user_id, ip, device_id, app_version):
    parts = [int(part) for part in (app_version + '.0.0').split('.')[:3]]
    hasher = hashlib.sha256()
    hasher.update(device_id.encode())
    hasher.update(ip.encode())
    return {
        'user_id': user_id, 'ip': ip, 'device_id': device_id, 'app_version': app_version,
        'plain hash': sha256(device_id), 'plain hash of ip': sha256(ip),
        'salted hash': sha256('fixed_salt_value' + device_id),
        'one hasher': hasher.hexdigest(),
        'base64': base64.b64encode(device_id.encode()).decode(),
        'base64 of ip': base64.b64encode(ip.encode()).decode(),
        'encrypted': encrypt(device_id),
        'major': int(app_version.split('.')[0]),
        'digits': int(app_version.replace('.', '')),
        'shifted': parts[0] << 16 | parts[1] << 8 | parts[2],
    }

json.dump({'key': key.hex(), 'rows': [
    row('u1', '199.172.111.135', '593-47-5928', '2.6'),
    row('u2', '199.172.111.135', 'sixteen bytes 16', '0.2.6'),
    row('u3', '2001:db8::1', 'gerät-ü', '12.255.3'),
    row('u4', '10.0.0.1', '', '7'),
    row('u5', '10.0.0.2', 'a device id of more than 57 bytes, so that PostgreSQL breaks its base64', '32767.0.1'),
]}, sys.stdout)
END

my $folder = PostgreSQL::Test::Utils::tempdir('script');
append_to_file("$folder/script.py", encode_utf8(SCRIPT));
my $script = decode_json(scalar `python3 $folder/script.py`);
my @rows   = @{ $script->{rows} };

my $readme = chapter(text(), 'Tables filled by older scripts');
my %block;
push @{ $block{"$_->{heading}: $_->{language}"} }, $_->{text} foreach blocks($readme);

my $node = start_node('migration', bare => 1, conf => 'log_statement = all');
create_extension($node);

sub value { return $node->safe_psql('postgres', encode_utf8($_[0])); }

sub literal { return q{'} . $_[0] =~ s/'/''/gr . q{'}; }

# --- the tables: what SQL makes of a value is what the script made of it

value('CREATE TABLE sample (user_id text, ip text, device_id text, app_version text)');
foreach my $row (@rows)
{
	value('INSERT INTO sample VALUES (' . join(', ', map { literal($_) } @$row{qw(user_id ip device_id app_version)}) . ')');
}

# The SQL in the rows of the README's tables that match, against what the script made, in their order.
sub check_expressions
{
	my ($pattern, @kinds) = @_;
	my @sql;
	foreach my $row (grep { $_ =~ $pattern } rows($readme, 'Tables filled by older scripts'))
	{
		my ($cell) = $row =~ /\| `((?:[^`|]|\\\|)+)` \|$/ or die "no SQL in $row\n";
		push @sql, $cell =~ s/\\\|/|/gr;
	}
	is(scalar @sql, scalar @kinds, 'each kind has its SQL');
	foreach my $kind (@kinds)
	{
		my $sql  = shift @sql;
		my $made = value("SELECT $sql FROM (SELECT *, device_id AS value FROM sample) AS s ORDER BY user_id");
		is($made, join("\n", map { $_->{$kind} } @rows), "$kind: $sql");
	}
	return;
}
check_expressions(qr/hash_sha256|'base64'/, 'plain hash', 'salted hash', 'one hasher', 'base64');
check_expressions(qr/app_version/, qw(major digits shifted));
is($rows[0]{digits}, $rows[1]{digits}, 'joined digits of 2.6 and 0.2.6 collide');
is(value("SELECT sqs.int_to_version($rows[2]{shifted}), sqs.version_to_int($rows[2]{major}::text) = sqs.version_to_int('12.0.0')"),
	'12.255.3|t', 'shifted versions can be read, and major ones become first versions');

# --- old and new rows in one table

value($block{'Tables filled by older scripts: sql'}[0]);

# The script's rows with masks of those kinds, and the extension's for two of the users.
sub refill
{
	my ($ip_kind, $device_kind) = @_;
	value('TRUNCATE script_logins');
	value("INSERT INTO script_logins VALUES ('$_->{user_id}', '$_->{$ip_kind}', '$_->{$device_kind}')") foreach @rows;
	value("INSERT INTO script_logins SELECT 'new', sqs.mask_ip(ip), sqs.mask(device_id, 'device_id')
		FROM sample WHERE user_id IN ('u1', 'u4')");
	return;
}

# The users whose masks open to what the sample has.
sub opens
{
	my ($column) = @_;
	my ($open, $plain) = $column eq 'masked_ip'
	  ? ('host(sqs.unmask_ip(masked_ip))', 'ip')
	  : (q{sqs.unmask(masked_device_id, 'device_id')}, 'device_id');
	return value("SELECT string_agg(user_id, ' ' ORDER BY user_id) FROM script_logins JOIN sample AS s USING (user_id)
		WHERE $column LIKE '%.%' AND $open = s.$plain");
}
my $everyone = join ' ', map { $_->{user_id} } @rows;

# --- hashes

refill('plain hash of ip', 'plain hash');
my ($look_up, $convert, $view) = @{ $block{'Hashes: sql'} };
sub found { return join ' ', sort split /\n/, value($look_up); }
is(found(), 'new u1 u2', 'one condition finds old and new rows');
value($view);
is(value('SELECT count(*), sum(users), count(*) FILTER (WHERE is_hash) FROM script_logins_by_address'),
	'6|7|4', 'the view counts both');
value($convert);
is(opens('masked_ip'), '', 'what is not known stays a hash');
value("INSERT INTO known_addresses VALUES ('199.172.111.135'), ('10.0.0.9')");
my ($update) = $convert =~ /^(UPDATE .*)/ms;
value($update) for 1, 2;
is(opens('masked_ip'), 'u1 u2', 'what is known becomes a mask that opens');
is(found(), 'new u1 u2', 'and is found as before');

# --- base64

refill('base64 of ip', 'base64');
my ($from_base64) = @{ $block{'Base64: sql'} };
value($from_base64) for 1, 2;
is(opens('masked_ip'), $everyone, 'base64 becomes masks that open, once');
is(value(q{SELECT count(*), count(DISTINCT masked_ip) FROM script_logins WHERE masked_ip LIKE 'i1.k1.%'}), '7|4',
	'equal addresses of old and new rows have equal masks');

# --- AES-256-ECB

chdir $folder or die "$folder: $!\n";
append_to_file('derive', $block{'Encrypted with AES-ECB: sh'}[0]);
append_to_file('passphrase', "correct horse\n");
is(system('sh derive < passphrase 2> derive.err'), 0, 'the key is derived');
is(slurp_file('script.key'), "$script->{key}\n", q{as the script's});

refill('base64 of ip', 'encrypted');
my ($decrypt) = @{ $block{'Encrypted with AES-ECB: sql'} };
my ($setting, $encrypted) = $decrypt =~ /^(\\set .*?\n).*^(UPDATE .*?;)/ms or die "no UPDATE\n";
append_to_file('wrong.key', '00' x 32);
value('CREATE EXTENSION pgcrypto');
my $wrong = run_sql($node, $setting =~ s/script\.key/wrong.key/r . $encrypted);
like($wrong->{err}, qr/22021/, 'a wrong key is an error');
is(opens('masked_device_id'), '', 'that changes nothing');
value('DROP EXTENSION pgcrypto');
is(value($decrypt), encode_utf8("593-47-5928\nsixteen bytes 16\ngerät-ü"), 'pgcrypto reads the first rows');
my $log = slurp_file($node->logfile);
like($log, qr/0{64}/, 'statements are in the log, and keys with them');
unlike($log, qr/$script->{key}/, 'but not the key of the recipe');
is(opens('masked_device_id'), $everyone, 'all become masks that open');
is(value('SELECT count(*), count(DISTINCT masked_device_id) FROM script_logins'), '7|5', 'and are those of new rows');
value("$setting$encrypted");
is(opens('masked_device_id'), $everyone, 'once');
done_testing();
