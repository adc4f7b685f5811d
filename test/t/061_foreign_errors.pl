# Types and checks whose errors are not about data end the statement, and never show the value.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Test;

my $node = start_node('foreign');
$node->safe_psql('postgres', <<'END');
CREATE TABLE landed (v text);
CREATE FUNCTION refuse(text) RETURNS bool IMMUTABLE LANGUAGE plpgsql AS
	$$ BEGIN RAISE 'bad value %', $1; END $$;
END

my $sentinel = 'SENTINEL9271';
foreach my $case (
	[ 'a syntax error of tsquery'  => 'tsquery',                        "$sentinel & | x",        '42601' ],
	[ 'an unknown relation'        => 'regclass',                       "\"$sentinel\"",          '42P01' ],
	[ 'too many dimensions'        => 'text[]',                         "{{{{{{{$sentinel}}}}}}}", '54000' ],
	[ 'a CHECK that raises'        => 'text CHECK (public.refuse(v))',  $sentinel,                'P0001' ])
{
	my ($name, $type, $value, $sqlstate) = @$case;
	foreach my $on_error (qw(leave abort))
	{
		my $queue = new_queue('foreign', VisibilityTimeout => 600);
		my $queue_name = $queue->name;
		$node->safe_psql('postgres', <<"END");
DROP FOREIGN TABLE IF EXISTS foreign_queue;
CREATE FOREIGN TABLE foreign_queue (v $type) SERVER aws
	OPTIONS (queue '$queue_name', wait_time_seconds '0', on_error '$on_error');
END
		(my $json = $value) =~ s/"/\\"/g;
		$queue->send("{\"v\": \"$json\"}");
		my $before = -s $node->logfile;
		my $result = run_sql($node, 'INSERT INTO landed SELECT v::text FROM foreign_queue');
		my ($found) = $result->{err} =~ /ERROR:\s+(\w{5}):/;
		is($found, $sqlstate, "$name ends the statement with $sqlstate ($on_error)");
		unlike($result->{err}, qr/$sentinel/, 'and does not show the value');
		unlike(slurp_file($node->logfile, $before), qr/$sentinel/, 'nor does the log');
		wait_for { $queue->counts->{visible} == 1 } 'the message is visible again';
	}
}

$node->stop;
done_testing();
