# A backend that runs out of memory in a scan ends the statement with 53200, releases what it had read, and goes on.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Cases;
use SqsFdw::Test;

use constant {
	MESSAGES => 30,
	BYTES    => 100_000,
	MEGABYTE => 1 << 20,
	# A reply that there was no memory for can't be released: it comes back by itself.
	VISIBILITY_SECONDS => 3,
	A_REPLY_OR_TWO     => 20,
};

my $node  = start_node('memory', conf => "jit = off\nshared_buffers = '16MB'\nrestart_after_crash = off");
my $cases = SqsFdw::Cases->new($node);
$cases->row('out of memory, by how much more address space the backend may have');

my @bodies = map { sprintf '{"id": %d, "name": "%s"}', $_, chr(97 + $_ % 26) x BYTES } 1 .. MESSAGES;

sub size_of
{
	my ($pid) = @_;
	my ($kilobytes) = slurp_file("/proc/$pid/status") =~ /^VmSize:\s+(\d+) kB/m;
	return $kilobytes * 1024;
}

# How much address space a process may have.
sub limit
{
	my ($pid, $bytes) = @_;
	system('prlimit', "--pid=$pid", "--as=$bytes:") == 0 or die "prlimit: $?";
	return;
}

# The statement in a session that may have just so many bytes more than when it began. Of what it has
# read when it fails, at most so many messages are not released at once.
sub with_memory
{
	my ($name, $megabytes, $ends, $most_lost, $sql) = @_;
	$cases->fresh(bodies => \@bodies, options => { visibility_timeout => VISIBILITY_SECONDS });
	my %got     = (before => $cases->counts);
	my $session = session($node);
	$session->query_safe("\\set VERBOSITY verbose\nLOAD 'sqs_fdw'; SET work_mem = '1GB'");
	my $pid = $session->query_safe('SELECT pg_backend_pid()');
	limit($pid, size_of($pid) + $megabytes * MEGABYTE);
	$session->query($sql);
	$got{said} = $session->{stderr} =~ /ERROR:\s+(\w{5}):/ ? $1 : $session->{stderr};
	$got{during} = $cases->counts;
	limit($pid, 'unlimited');
	$session->{stderr} = '';

	my $takes = $ends eq '' && $sql !~ /^SELECT/;
	my $lost  = $got{during}[1];
	my %expected = (
		before => [ MESSAGES, 0, 0 ],
		during => [ $takes ? 0 : MESSAGES - $lost, $lost <= $most_lost ? $lost : 0, $takes ? MESSAGES : 0 ],
		after  => [ $takes ? 0 : MESSAGES, 0, $takes ? MESSAGES : 0 ],
		said   => $ends,
		then   => $takes ? 0 : MESSAGES);
	$got{after} = $cases->counts_like($expected{after});
	$got{then}  = $session->query_safe('SELECT count(*) FROM q');
	$session->quit;
	return $cases->outcome("$name, $megabytes MB" . ($ends ? " ($ends)" : ''), \%got, \%expected, qw(before during after));
}

my %statement = (
	'SELECT'                  => 'SELECT sum(length(name)) FROM q',
	'INSERT that sorts'       => 'INSERT INTO t SELECT id, name FROM q ORDER BY name',
	'DELETE … RETURNING'      => 'WITH d AS (DELETE FROM q RETURNING *) INSERT INTO t SELECT * FROM d',
	'SELECT that scans again' => 'SELECT sum(length(x.name)) FROM generate_series(1, 2) n,
		LATERAL (SELECT name FROM q WHERE id > n * 0 OFFSET 0) x');
foreach my $what (sort keys %statement)
{
	with_memory("$what: a reply that does not fit", 1,  '53200', A_REPLY_OR_TWO, $statement{$what});
	with_memory("$what: room for all",              64, '',      0,              $statement{$what});
}

# Rows that are much longer than their messages outgrow it once all replies have been read.
my $long = 'SELECT id, repeat(name, 20) AS name FROM';
with_memory('SELECT: rows that do not fit', 40, '53200', 0, "SELECT cardinality(array_agg(name)) FROM ($long q) s");
with_memory('INSERT: rows that do not fit', 40, '53200', 0, "INSERT INTO t $long q ORDER BY 2");
with_memory('DELETE: rows that do not fit', 40, '53200', 0,
	"WITH d AS (DELETE FROM q RETURNING *) INSERT INTO t $long d ORDER BY 2");
ok(!$node->log_contains(qr/was terminated by signal/), 'no backend crashed');

$cases->finish;
done_testing();
