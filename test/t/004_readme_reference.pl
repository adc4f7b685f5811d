# What the README says of options, settings, functions, tables, actions and messages is what the code says.

use strict;
use warnings;
use utf8;

use File::Find;
use File::Spec;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Faults;
use SqsFdw::Readme qw(anchors_of blocks checkout links rows text);
use SqsFdw::Test;

my $readme = text();
my $node   = start_node('reference');

# Values of the catalogue, as characters.
sub lines_of
{
	my ($query) = @_;
	my $lines = $node->safe_psql('postgres', "SET client_encoding = 'UTF8'; $query");
	utf8::decode($lines);
	return split /\n/, $lines;
}

# The rows under the heading are those; a test for each that is missing or should not be there.
sub has_rows
{
	my ($heading, @expected) = @_;
	my %in_readme = map { $_ => 1 } rows($readme, $heading);
	my %in_code   = map { $_ => 1 } @expected;
	cmp_ok(scalar(@expected), '>', 0, "$heading: the code has some");
	ok($in_readme{$_}, "$heading: the README has $_") foreach @expected;
	ok($in_code{$_},   "$heading: the code has $_") foreach sort keys %in_readme;
	return;
}

# --- tables that are made of the catalogue

has_rows('Options', lines_of(<<'END'));
SELECT format('| %s | `%s` | %s | %s |', object, option, default_value, description) FROM sqs.options()
END

# Everything but the two functions that the wrapper is made of.
has_rows('Functions', lines_of(<<'END'));
SELECT format('| `sqs.%s(%s)` | %s | %s | %s |', proname,
              replace(regexp_replace(pg_get_function_arguments(p.oid), '(, )?OUT .*', ''), '''::text', ''''),
              CASE WHEN outs IS NULL THEN pg_get_function_result(p.oid)
                   ELSE CASE WHEN proretset THEN 'rows: ' ELSE 'a row: ' END || outs END,
              CASE WHEN has_function_privilege('public', p.oid, 'EXECUTE') THEN 'everybody' ELSE 'by grant' END,
              replace(obj_description(p.oid, 'pg_proc'), '|', '\|'))
FROM   pg_proc AS p,
       LATERAL (SELECT string_agg(name, ', ' ORDER BY n) AS outs
                FROM   unnest(proargnames, proargmodes) WITH ORDINALITY AS a (name, mode, n)
                WHERE  mode = 'o') AS o
WHERE  pronamespace = 'sqs'::regnamespace AND proname !~ '^sqs_fdw_'
ORDER  BY proname, pg_get_function_arguments(p.oid)
END

has_rows('Tables and views', lines_of(<<'END'));
SELECT format('| `%s` | %s | %s | %s |', relname,
              (SELECT string_agg(format('%s %s', attname,
                      replace(format_type(atttypid, NULL), 'timestamp with time zone', 'timestamptz')), ', ' ORDER BY attnum)
               FROM   pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped),
              coalesce((SELECT string_agg(grantee::regrole::text, ', ') FROM aclexplode(relacl)
                        WHERE grantee <> relowner), 'by grant'),
              obj_description(c.oid, 'pg_class'))
FROM   pg_class AS c
WHERE  relnamespace = 'sqs'::regnamespace AND relkind IN ('r', 'v', 'p')
ORDER  BY relname
END

# Of a setting: its name, who may set it, its default.
my @settings = lines_of(<<'END');
LOAD 'sqs_fdw';
SELECT format('| `%s` | %s | %s |', name,
              CASE context WHEN 'sighup' THEN 'superuser, reload' WHEN 'superuser' THEN 'superuser'
                           WHEN 'user' THEN 'user' WHEN 'postmaster' THEN 'restart' END,
              CASE WHEN boot_val = '' THEN 'none' WHEN unit = 'ms' THEN boot_val::int / 1000 || ' s'
                   WHEN vartype IN ('string', 'enum') THEN format('`%s`', boot_val) ELSE boot_val END)
FROM   pg_settings WHERE name LIKE 'sqs_fdw.%' ORDER BY name
END
is_deeply([ map { /^(\| `[^`]*` \| [^|]* \| [^|]* \|)/ } rows($readme, 'Settings') ],
	\@settings, 'the settings, who may set them, and their defaults');

# --- the names of attributes

my ($hint) = run_sql($node, "CREATE FOREIGN TABLE t (a text OPTIONS (attribute 'x')) SERVER aws OPTIONS (queue 'q')")
  ->{err} =~ /HINT:\s+Valid values are: (.*)\./;
my ($first_cells) = join ' ', map { /^\| ([^|]*) \|/ } rows($readme, 'Columns and types');
my %is_named = map { $_ => 1 } $first_cells =~ /`(\w+)`/g;
ok($is_named{$_}, "the README names the attribute $_") foreach split /, /, $hint // 'none';

# --- the delay of a release by receive count

# By receive count, as the README has them; the last one is for all that come after it.
my @delays = map {
	my ($text) = /\| ([^|]*?) \|$/;
	$text eq 'at once' ? 0 : $text =~ /^(\d+) s$/ ? $1 : die "an odd delay: $text\n";
} rows($readme, 'How long a message stays away');
cmp_ok(scalar(@delays), '>', 10, 'the README has delays');

my $proxy = SqsFdw::Faults->start(
	folder   => PostgreSQL::Test::Utils::tempdir('proxy'),
	upstream => sqs()->endpoint,
	rules    => []);
create_server($node, 'proxied', endpoint => $proxy->endpoint);
foreach my $count (1 .. @delays + 2)
{
	my $queue = new_queue('delays', VisibilityTimeout => 600);
	create_login_tables($node, $queue, server => 'proxied', wait_time_seconds => 0);
	$queue->send(logins(1));
	$queue->release($queue->receive(1)) foreach 2 .. $count;
	$proxy->script();
	my $result = run_sql($node, "SET sqs_fdw.release_timeout = '1min'; BEGIN; $TAKE; ROLLBACK");
	my $request = wait_for { ($proxy->requests('ChangeMessageVisibilityBatch'))[0] } 'the release in the log';
	my $expected = $delays[ $count > @delays ? -1 : $count - 1 ];
	is_deeply($request->{parameters}{VisibilityTimeouts}, [$expected], "received $count times, released for $expected s")
	  || diag($result->{err});
}
$proxy->stop;

# --- links

sub check_links
{
	my ($path) = @_;
	my $folder = $path =~ m{^(.*)/} ? $1 : '.';
	foreach my $link (links(text($path)))
	{
		next if $link =~ /^https?:/;
		my ($file, $anchor) = $link =~ /^([^#]*)(?:#(.*))?$/;
		my $target = $file eq '' ? $path : File::Spec->canonpath("$folder/$file");
		ok(-e checkout() . "/$target", "$path: $link is there") or next;
		ok(anchors_of(text($target))->{$anchor}, "$path: $link is a heading") if defined $anchor;
	}
	return;
}

check_links($_) foreach 'README.md', 'docker/README.md', 'src/README.md', 'test/README.md';

# --- JSON, and the actions that the code asks SQS for

my @json = map { $_->{text} } grep { $_->{language} eq 'json' } blocks($readme);
my @policies = grep { ref $_ eq 'HASH' && $_->{Statement} } map { JSON::PP->new->utf8(0)->decode($_) } @json;
is(scalar(@policies), 1, 'the JSON is valid, and a policy is in it');

my %source;    # by path: the C++ files
find({
		no_chdir => 1,
		wanted   => sub { $source{ File::Spec->abs2rel($_, checkout()) } = text(File::Spec->abs2rel($_, checkout())) if /\.(cpp|h)$/ },
	},
	checkout() . '/src');
cmp_ok(scalar(keys %source), '>', 50, 'the sources are there');

# Each Start… of the client names its action; needed is what anything beside the client itself starts.
# A batch needs the right of its single action.
my $client = $source{'src/aws/sqs.cpp'};
my %kind   = $client =~ /BatchKind (k\w+)\{\s*"(\w+)"/g;
my (%sent, %needed);
while ($client =~ /Client::(Start\w+)\((.*?)\n\}/gs)
{
	my ($start, $body) = ($1, $2);
	my ($single) = $body =~ /action = "(\w+)"/;
	my ($batch)  = $body =~ /\b(k[A-Z]\w*)\b/;
	my $action   = $single // $kind{ $batch // '' } // die "which action does $start send?\n";
	$action =~ s/Batch$//;
	$sent{$action} = 1;
	$needed{$action} = 1 if grep { $_ !~ m{^src/aws/sqs\.} && $source{$_} =~ /\b$start\(/ } keys %source;
}
my %allowed = map { s/^sqs://r => 1 } map { @{ $_->{Action} } } map { @{ $_->{Statement} } } @policies;
is_deeply(\%allowed, \%needed, 'the policy allows the actions that are asked for, and no others');
my ($credentials) = $readme =~ /^### Credentials$(.*?)^### /ms;
my %named = map { $_ => 1 } $credentials =~ /`sqs:(\w+)`/g;
ok($sent{$_}, "the client knows the action $_") foreach sort keys %named;

# --- messages: each piece between the dots is in a string of the sources

# All strings of the sources, those side by side joined as the compiler does.
my %strings;
foreach my $text (values %source)
{
	my $literal = qr/"(?:[^"\\\n]|\\.)*"/;
	while ($text =~ /($literal(?:\s*(?:INT64_FORMAT\s*)?$literal)*)/g)
	{
		my $string = $1;
		$string =~ s/"\s*(?:INT64_FORMAT\s*)?"//g;
		$string =~ s/^"|"$//g;
		$string =~ s/\\"/"/g;
		$strings{$string} = 1;
	}
}
# The script's own.
my $script = text('sql/sqs_fdw--0.1.sql');
$strings{$1} = 1 while $script =~ /MESSAGE = '([^']+)'/g;
my $all_strings = join "\n", keys %strings;

my $messages = 0;
foreach my $heading ('Defining objects', 'Reaching the queue', 'Statements that are refused',
	'Messages that do not fit', 'Warnings and notices', 'Functions that fail')
{
	foreach my $row (rows($readme, $heading))
	{
		my ($message) = $row =~ /^\| `([^`]+)` \|/ or fail("$heading: a message in $row"), next;
		# What the layers put together: "could not …: reason".
		foreach my $piece (grep { /\w\w/ } map { s/^\s+|\s+$//gr } split /…|"|^could not |: /, $message)
		{
			ok(index($all_strings, $piece) >= 0, "the sources have: $piece");
		}
		$messages++;
	}
}
cmp_ok($messages, '>=', 40, 'there are messages');

# --- the SQL of the demo is that of the README

foreach my $file ('docker/initdb/20-tables.sql', 'docker/initdb/30-grants.sql')
{
	my ($sql) = text($file) =~ /\A(?:--[^\n]*\n)*\n(.*?)\n*\z/s;
	ok((grep { $_->{language} eq 'sql' && index($_->{text}, $sql) >= 0 } blocks($readme)),
		"$file has the SQL of the README");
}
my ($statement) = map { $_->{text} } grep { $_->{language} eq 'sql' } blocks($readme);
ok(index(text('docker/demo.sql'), $statement) >= 0, 'docker/demo.sql has its statement');

$node->stop;
done_testing();
