# Every SQL block of the README runs, in its order, and its reference of options is the code's.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Test;

my $readme = slurp_file(abs_path(dirname(__FILE__) . '/../../README.md'));

my $node  = start_node('readme', bare => 1);
my $queue = SqsFdw::Queue->create(sqs(), 'login-queue');
$queue->purge;
$queue->send(logins(99));

# The README's server is AWS itself: as soon as it is made, it is pointed at the local SQS.
my $session = $node->background_psql('postgres', on_error_stop => 0);
my $shown_first = 1;
my $number = 0;
while ($readme =~ /^```sql\n(.*?)^```$/gms)
{
	my $block = $1;
	$number++;
	# The first block only shows the statement; it comes again where its tables are made.
	if ($shown_first)
	{
		$shown_first = 0;
		like($readme, qr/^```sql\n\Q$block\E.*^```sql\n.*\Q$block\E/ms, 'the statement comes again');
		next;
	}
	my $err = '';
	my $out = $session->query($block);
	$err = $session->{stderr};
	$session->{stderr} = '';
	unlike($err, qr/ERROR|FATAL/, "block $number runs") or diag("$block\n$err");
	if ($block =~ /CREATE SERVER (\w+)/)
	{
		my $endpoint = sqs()->endpoint;
		$session->query_safe("ALTER SERVER $1 OPTIONS (ADD endpoint '$endpoint')");
	}
	if ($block =~ /unmask_ip\(masked_ip\)/)
	{
		like($out, qr/^\d+\.\d+\.\d+\.\d+\|/m, 'the security officer sees addresses');
	}
}
$session->quit;
cmp_ok($number, '>=', 7, 'there are blocks');
is($node->safe_psql('postgres', 'SELECT count(*) FROM user_logins'), 99, 'the messages arrived');
is_deeply([ @{ $queue->counts }{qw(visible in_flight)} ], [ 0, 0 ], 'and left the queue');

my $reference = $node->safe_psql('postgres', <<'END');
SELECT format('| %s | `%s` | %s | %s |', object, option, default_value, description) FROM sqs.options()
END
foreach my $line (split /\n/, $reference)
{
	ok($readme =~ /^\Q$line\E$/m, "the reference has: $line");
}
my $lines = () = $readme =~ /^\| (?:server|user mapping|foreign table|column) \| `/gm;
is($lines, scalar(split /\n/, $reference), 'and nothing else');

$queue->drop;
$node->stop;
done_testing();
