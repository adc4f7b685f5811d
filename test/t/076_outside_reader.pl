# Masks are opened, and made, without the extension: by a page of Python that has nothing but the key ring.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use IPC::Run ();
use MIME::Base64 qw(encode_base64);
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Test;

my $reader  = abs_path(dirname(__FILE__) . '/../unmask.py');
my $node    = start_node('outside', bare => 1);
my $key     = encode_base64('k' x 64, '');
my $old     = encode_base64('o' x 64, '');
my $keyring = write_keyring(
	$node,
	'# three keys',
	'k1 decrypt ' . encode_base64(join('', map { chr } 0 .. 63), '') . '  # of the documentation',
	'',
	"2024q1 active $key",
	"old disabled $old");
create_extension($node);

# Runs the reader with its options on these texts; returns its exit status, output and error output.
sub outside
{
	my ($options, @texts) = @_;
	my ($in, $out, $err) = (join('', map { "$_\0" } @texts), '', '');
	IPC::Run::run([ '/usr/bin/python3', '-B', $reader, '-0', @$options, $keyring ],
		'<', \$in, '>', \$out, '2>', \$err);
	return ($? >> 8, $out, $err);
}

sub outputs
{
	my ($options, @texts) = @_;
	my ($status, $out, $err) = outside($options, @texts);
	is("$status $err", '0 ', "the reader runs: @$options");
	return split /\0/, $out, -1;
}

sub lines { return split /\n/, $node->safe_psql('postgres', $_[0]), -1; }

# ------------------------------------------------------------------------------------ texts

$node->safe_psql('postgres', <<'END');
CREATE TABLE texts (id int GENERATED ALWAYS AS IDENTITY, value text NOT NULL);
INSERT INTO texts (value) SELECT left(repeat('abcdefghijklmnopqrstuvwxyz', 100), n)
	FROM unnest(ARRAY[0, 1, 2, 14, 15, 16, 17, 31, 32, 33, 36, 47, 48, 49, 159, 160, 255, 256, 1000, 2600]) n;
INSERT INTO texts (value) VALUES ('593-47-5928'), ('Grüße, 世界 🙂'), (E'two\nlines'), (E'\n'), (E'a\r\nb\r'),
	(' blanks '), (E'\t'), (E'it''s "quoted" \\'), (U&'ends in byte 80\0080'), (U&'\0080\0080\0080\0080\0080\0080\0080\0080');
END

foreach my $case ([ '', '2024q1' ], [ 'device_id', '2024q1' ], [ 'Straße', 'k1' ], [ 'ip', 'k1' ])
{
	my ($domain, $key_id) = @$case;
	my $masks  = "sqs.mask(value, '$domain', '$key_id')";
	my @masks  = lines("SELECT $masks FROM texts ORDER BY id");
	my @opened = outputs([ '--domain', $domain ], @masks);
	is(pop @opened, '', 'the last value is ended, too');
	is_deeply([ map { unpack 'H*', $_ } @opened ], [ lines(q{SELECT encode(convert_to(value, 'UTF8'), 'hex') FROM texts ORDER BY id}) ],
		"texts of domain \"$domain\" under $key_id are opened outside");
	is(scalar(grep { /^t1\.$key_id\./ } @masks), 30, 'all of them');

	next if $key_id ne '2024q1';
	my @made = outputs([ '--mask', '-d', $domain ], @opened);
	pop @made;
	is_deeply(\@made, \@masks, "and made there as sqs.mask makes them");
	my $made = join ', ', map { "'$_'" } @made;
	is($node->safe_psql('postgres', "SELECT count(*) FROM unnest(ARRAY[$made]) WITH ORDINALITY m (mask, id) JOIN texts USING (id)
		WHERE sqs.unmask(mask, '$domain') = value"), 30, 'sqs.unmask opens them');
}

# --------------------------------------------------------------------------------- addresses

my @addresses = qw(199.172.111.135 0.0.0.0 255.255.255.255 10.0.0.1 2001:db8::1 :: ::1 fe80::1:2:3 ff02::1:ff00:42
  2001:db8:1:2:3:4:5:6 1:0:0:2::3);
my $addresses = join ', ', map { "'$_'" } @addresses;
my @ip_masks  = lines("SELECT sqs.mask_ip(a) FROM unnest(ARRAY[$addresses]) WITH ORDINALITY u (a, n) ORDER BY n");
my @opened    = outputs([], @ip_masks);
pop @opened;
is_deeply(\@opened, \@addresses, 'addresses are opened outside, whatever the domain');
my @made = outputs([ '--mask', '--ip' ], @addresses);
pop @made;
is_deeply(\@made, \@ip_masks, 'and made there as sqs.mask_ip makes them');
my $made = join ', ', map { "'$_'" } @made;
is($node->safe_psql('postgres', "SELECT string_agg(host(sqs.unmask_ip(m)), ' ' ORDER BY n) FROM unnest(ARRAY[$made]) WITH ORDINALITY u (m, n)"),
	"@addresses", 'sqs.unmask_ip opens them');
my ($mapped) = lines(q{SELECT sqs.mask_ip('::ffff:1.2.3.4')});
is((outputs([], $mapped))[0], '1.2.3.4', 'an IPv4 address within IPv6 is the plain one');

my ($no_address) = lines(q{SELECT sqs.mask_ip('no address')});
is((outputs([ '-d', 'ip' ], $no_address))[0], 'no address', 'a text that is no address is a text of domain ip');

# -------------------------------------------------------------------------- lines, arguments

sub plainly
{
	my ($in, @arguments) = @_;
	my ($out, $err) = ('', '');
	IPC::Run::run([ '/usr/bin/python3', '-B', $reader, @arguments ], '<', \$in, '>', \$out, '2>', \$err);
	return $out . $err;
}
my $both = "$addresses[0]\n$addresses[4]\n";
is(plainly('', $keyring, @ip_masks[ 0, 4 ]), $both, 'masks may be arguments');
is(plainly("$ip_masks[0]\n$ip_masks[4]\n", $keyring), $both, 'or lines');
is(plainly('', $keyring), '', 'or none at all');

# ------------------------------------------------------------------------- what does not open

# 15 bytes: their masks end in unused bits.
my $value = 'secret sentinel';
my ($good, $one_way) = lines("SELECT sqs.mask('$value', 'd') UNION ALL SELECT sqs.mask_hmac('$value', 'd')");
is((outputs([ '-d', 'd' ], $good))[0], $value, 'this one opens');
my ($dashed) = grep { /\..*[-_]/ } lines("SELECT sqs.mask('$value' || n, 'd') FROM generate_series(1, 50) n");

my $old_keyring = PostgreSQL::Test::Utils::tempdir('old') . '/keyring';
append_to_file($old_keyring, "old active $old\n");
my $of_disabled = plainly('', '--mask', '-d', 'd', $old_keyring, $value) =~ s/\n//r;
is(plainly('', '-d', 'd', $old_keyring, $of_disabled), "$value\n", 'and this one, while its key is in use');

# The base64url alphabet; a mask with one character of its body moved by so many places.
my @alphabet = ('A' .. 'Z', 'a' .. 'z', 0 .. 9, '-', '_');
my %place    = map { $alphabet[$_] => $_ } 0 .. 63;

sub moved
{
	my ($at, $by) = @_;
	my $altered = $good;
	substr($altered, $at, 1) = $alphabet[ $place{ substr($good, $at, 1) } ^ $by ];
	return $altered;
}

my $body_at = rindex($good, '.') + 1;
my %refused = (
	'the first bit changed'          => moved($body_at, 32),
	'a bit of the SIV changed'       => moved($body_at + 20, 1),
	'a bit of the text changed'      => moved($body_at + 30, 4),
	'the last bit changed'           => moved(length($good) - 2, 1),
	'unused bits set'                => moved(length($good) - 1, 1),
	'cut by a character'             => substr($good, 0, -1),
	'cut by a block'                 => substr($good, 0, -22),
	'nothing but a head'             => substr($good, 0, $body_at),
	'padding added'                  => "$good=",
	'a line added'                   => "$good\n",
	'another alphabet'               => $dashed =~ tr{-_}{+/}r,
	'the type letter of an address'  => $good =~ s/^t/i/r,
	'version 2'                      => $good =~ s/^t1/t2/r,
	'a key that is not in the ring'  => $good =~ s/2024q1/2024q2/r,
	'another key of the ring'        => $good =~ s/2024q1/k1/r,
	'a disabled key'                 => $of_disabled,
	'a one-way mask'                 => $one_way,
	'another text'                   => $value,
	'an empty text'                  => '',
);
foreach my $what (sort keys %refused)
{
	my ($status, $out, $err) = outside([ '-d', 'd' ], $refused{$what});
	is("$status $out$err", "1 number 1 does not open: altered, another domain or key\n", "refused: $what");
}
is(join('', outside([ '-d', 'e' ], $good)), "1number 1 does not open: altered, another domain or key\n", 'refused: another domain');
my ($status, $out, $err) = outside([ '--mask', '--ip' ], $value);
is("$status $out$err", "1 number 1 is no IP address\n", 'a text is not masked as an address');

done_testing();
