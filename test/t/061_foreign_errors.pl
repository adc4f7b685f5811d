# A type or a check of somebody's own may raise any error and run any SQL: the value is never shown, and nothing is lost.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Cases;
use SqsFdw::Test;

my $node  = start_node('foreign', conf => 'jit = off');
# With one connection, a scan leaves something for those that its values start.
create_server($node, 'narrow', endpoint => sqs()->endpoint, max_connections => 1);
my $cases = SqsFdw::Cases->new($node, server => 'narrow');

# A domain's input function runs its check, which does what the value says.
$node->safe_psql('postgres', <<'END');
CREATE TABLE public.side (v text);
CREATE PROCEDURE public.commits() LANGUAGE plpgsql AS 'BEGIN COMMIT; END';
CREATE FUNCTION public.judge(value text) RETURNS bool LANGUAGE plpgsql AS $$
DECLARE words text[] := string_to_array(value, '|');
BEGIN
	CASE words[1]
		WHEN 'raise' THEN RAISE EXCEPTION 'bad value %', value USING ERRCODE = words[2], DETAIL = value, HINT = value;
		WHEN 'run' THEN EXECUTE words[2];
		WHEN 'catch' THEN
			BEGIN EXECUTE words[2]; EXCEPTION WHEN others THEN NULL; END;
		ELSE NULL;
	END CASE;
	RETURN true;
END $$;
CREATE DOMAIN public.judged AS text CHECK (public.judge(VALUE));
END

my $sentinel = 'SENTINEL9271';
my $insert   = 'INSERT INTO t SELECT id, name FROM q';

sub body
{
	my ($id, $name) = @_;
	$name =~ s/(["\\])/\\$1/g;
	return qq({"id": $id, "name": "$name"});
}

# Three messages that are fine, around one with that value. Runs the INSERT, and sees what came of
# it: the error if there is one, who is left, and that nobody shows the value.
sub meets
{
	my ($name, $value, $expected, %case) = @_;
	my $all = 4;
	my $on_error = $case{on_error} // 'leave';
	$cases->fresh(
		columns => "id int NOT NULL, name public.judged",
		bodies  => [ body(1, 'a'), body(2, 'b'), body(3, $value), body(4, 'd') ],
		options => { on_error => $on_error },
		%case);
	$cases->value('TRUNCATE public.side');
	my %got = (before => $cases->counts);
	my $log = -s $node->logfile;
	my $did = run_sql($node, $case{sql} // $insert);
	($got{error})  = $did->{err} =~ /ERROR:\s+(\w{5}):/;
	$got{rejected} = $did->{err} =~ /WARNING:.*\b1 message .*rejected/ ? 'yes' : 'no';
	# The log has all statements, those that the value made among them only where they are run.
	$got{shown}    = "$did->{err}\n" . slurp_file($node->logfile, $log);
	$got{shown}    = $got{shown} =~ /(.*$sentinel.*)/ ? $1 : 'no';
	my %expected = (
		before   => [ $all, 0, 0 ],
		after    => $expected->{after},
		error    => $expected->{error},
		rejected => $expected->{rejected} // 'no',
		shown    => 'no');
	$got{after} = $cases->counts_like($expected{after});
	if ($case{side})
	{
		$got{side} = $cases->value('SELECT count(*) FROM public.side');
		$expected{side} = $case{side};
	}
	return $cases->outcome("$name, on_error '$on_error'" . ($expected->{error} ? " ($expected->{error})" : ''),
		\%got, \%expected, qw(before after));
}

my %accepted = (after => [ 0, 0, 4 ]);
my %rejected = (after => [ 1, 0, 3 ], rejected => 'yes');
sub ends { return { after => [ 4, 0, 0 ], error => $_[0] }; }

# --- errors that are about data reject the message; any other ends the statement; either keeps the value to itself

$cases->row("user-defined types and checks that raise");
foreach my $data (qw(22000 22P02 22003 2200X 23000 23502 23514 23505 54001))
{
	my $value = "raise|$data|$sentinel";
	meets("raises $data", $value, \%rejected);
	meets("raises $data", $value, ends($data), on_error => 'abort');
}
foreach my $other (qw(P0001 P0002 42883 42P01 42601 40001 40P01 53100 53200 55P03 55000 57014 57P01 58030
	XX000 XX001 0A000 08006 28000 2D000 25006 01000 02000 HV000 F0000))
{
	my $value = "raise|$other|$sentinel";
	meets("raises $other", $value, ends($other), on_error => $_) for qw(leave abort);
}

# --- types of the server whose input raises what is not about data

# Syntax and limits of such a type are about data. Of a domain's check, a CHECK or a generated column nobody
# knows what they are about.
$cases->value('CREATE DOMAIN public.question AS tsquery CHECK (VALUE IS NOT NULL)');
$cases->row("types and checks whose own errors may not be about data");
foreach my $case (
	[ 'a syntax error of tsquery'  => 'tsquery',                "$sentinel & | x",         '42601', \%rejected ],
	[ 'a syntax error of tsvector' => 'tsvector',               "'$sentinel",              '42601', \%rejected ],
	[ 'a syntax error of jsonpath' => 'jsonpath',               "\$.$sentinel ? (",        '42601', \%rejected ],
	[ 'too many dimensions'        => 'text[]',                 "{{{{{{{$sentinel}}}}}}}", '54000', \%rejected ],
	[ 'a domain over tsquery'      => 'public.question',        "$sentinel & | x",         '42601' ],
	[ 'an unknown relation'        => 'regclass',               qq("$sentinel"),           '42P01' ],
	[ 'a CHECK that casts'         => "text CHECK (name::tsquery IS NOT NULL)",      "$sentinel & | x", '42601' ],
	[ 'a generated column'         => "text, made tsquery GENERATED ALWAYS AS (name::tsquery) STORED NOT NULL",
		"$sentinel & | x", '42601' ],
	[ 'a CHECK that raises'        => 'text CHECK (public.judge(name))', "raise|P0001|$sentinel", 'P0001' ],
	[ 'a CHECK that divides by zero' => 'text CHECK (1 / (length(name) - 12) <= 1)', $sentinel, '22012', \%rejected ])
{
	my ($name, $type, $value, $sqlstate, $left) = @$case;
	my %good   = ('text[]' => '{a}', regclass => 'pg_class', jsonpath => '$.a');
	my $good   = $good{$type} // 'a';
	my @bodies = (body(1, $good), body(2, $good), body(3, $value), body(4, $good));
	my %how = (columns => "id int NOT NULL, name $type", bodies => \@bodies, sql => 'INSERT INTO t SELECT id, name::text FROM q');
	meets($name, $value, $left // ends($sqlstate), %how);
	meets($name, $value, ends($sqlstate), %how, on_error => 'abort');
}

# --- input that runs SQL

$cases->row('user-defined types that run SQL');
my $writes = "run|INSERT INTO public.side VALUES ('$sentinel')";
meets('writes', $writes, \%accepted, side => 1);
meets('writes', $writes, \%accepted, side => 1, on_error => 'abort');
meets('writes beside a message that is rejected: once', $writes, { %rejected, after => [ 1, 0, 3 ] }, side => 1,
	bodies => [ body(1, 'a'), body(2, 'raise|22P02'), body(3, $writes), body(4, 'd') ]);
meets('writes, and the statement fails later: not at all', $writes, ends('22012'), side => 0,
	sql => "BEGIN; $insert; SELECT 1/0; COMMIT");
meets('runs SQL that fails by its data', "run|SELECT 1/0 AS $sentinel", \%rejected);
meets('runs SQL that fails', "run|SELECT * FROM $sentinel", ends('42P01'), on_error => $_) for qw(leave abort);
meets('opens a subtransaction', "catch|INSERT INTO public.side VALUES ('$sentinel')", \%accepted, side => 1);
meets('opens one that fails', "catch|SELECT 1/0 AS $sentinel", \%accepted, on_error => $_) for qw(leave abort);
meets('commits', 'run|CALL public.commits()', ends('2D000'), on_error => $_) for qw(leave abort);
meets('commits by itself', 'run|COMMIT', ends('0A000'), on_error => $_) for qw(leave abort);
meets('is canceled', "run|SELECT pg_sleep(10) AS $sentinel", ends('57014'), on_error => $_, sql => "SET statement_timeout = '300ms'; $insert")
  for qw(leave abort);

{
	$cases->value('CREATE TABLE public.locked ()');
	my $holder = session($node);
	$holder->query_safe('BEGIN; LOCK TABLE public.locked');
	meets('waits for a lock in vain', "run|LOCK TABLE public.locked -- $sentinel", ends('55P03'), on_error => $_,
		sql => "SET lock_timeout = '100ms'; $insert")
	  for qw(leave abort);
	$holder->quit;
}

# --- input that reads the queue itself

# Each message lands once, in t or in side, or is still there; whoever reads it.
sub reads
{
	my ($name, $command, %case) = @_;
	my $messages = 60;    # of which two run the command: what is given back comes later each time
	$cases->fresh(columns => 'id int NOT NULL, name public.judged', %case,
		bodies => [ map { body($_, $_ % 30 ? 'plain' : $command) } 1 .. $messages ]);
	$cases->value('TRUNCATE public.side');
	my $did = run_sql($node, "SET sqs_fdw.release_timeout = '1min'; $insert");
	my ($error) = $did->{err} =~ /ERROR:\s+(\w{5}):/;
	wait_for { $cases->queue->counts->{in_flight} == 0 } 'nothing to be in flight';
	my $counts = $cases->counts;
	my $side   = $cases->value('SELECT count(*) FROM public.side');
	my %left   = map { $_->{id} => 1 } bodies_of($cases->queue->bodies);
	my @rows   = split /\n/, $cases->value('SELECT id FROM t UNION ALL SELECT v::int FROM public.side');
	my %rows   = map { $_ => 1 } @rows;
	my %got    = (
		after  => [ @$counts[ 0, 1 ], scalar @rows ],
		error  => $error,
		inside => $side > 0 ? 'some' : 'none',
		twice  => @rows - keys %rows,
		both   => scalar(grep { $left{$_} } @rows));
	my $expected = {
		after  => [ $messages - @rows, 0, scalar @rows ],
		error  => undef,
		inside => $case{inside} // 'some',
		twice  => 0,
		both   => 0,
	};
	return $cases->outcome("$name: $side of them inside", \%got, $expected, qw(after));
}
reads('looks at its own queue', 'run|SELECT count(*) FROM q', inside => 'none');
reads('takes from its own queue', 'run|INSERT INTO public.side SELECT id FROM q');
reads('takes from its own queue in a subtransaction', 'catch|INSERT INTO public.side SELECT id FROM q');
reads('takes from its own queue in a subtransaction that fails', 'catch|INSERT INTO public.side SELECT id / 0 FROM q', inside => 'none');
reads('takes one, on_error abort', 'run|INSERT INTO public.side SELECT id FROM q LIMIT 1', options => { on_error => 'abort' });
reads('takes, and fails by its data', "run|INSERT INTO public.side SELECT id FROM q; SELECT 1/0", inside => 'none');
reads('deletes from its own queue', 'run|WITH d AS (DELETE FROM q RETURNING id) INSERT INTO public.side SELECT id FROM d');

$cases->finish;
done_testing();
