# Every type of column takes the JSON that fits it, exactly, and what does not fit is rejected alone.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Test;

# A zone that is not UTC's, and whose day is another one than UTC's for a part of it.
my $node = start_node('columns', conf => <<'END');
jit = off
timezone = 'Asia/Kolkata'
log_min_messages = debug1
log_error_verbosity = verbose
END

my $columns = <<'END';
	tag text NOT NULL, small smallint, num integer, big bigint, price numeric(6,2), exact numeric,
	ratio double precision, single real, flag boolean, note varchar(5), code char(3), txt text,
	doc jsonb, raw json, id uuid, address inet, span interval, bits bytea, spot point, mask bit(3),
	kind mood, above positive, mail address_of_mail, document object_only,
	day date, clock time, local timestamp, at timestamptz, at_seconds timestamptz(0),
	late_day day_of_work, late_at moment,
	numbers integer[], names text[], prices numeric(6,2)[], notes varchar(3)[], kinds mood[],
	aboves positive[], docs jsonb[], times timestamptz[], three three_numbers, bytes bytea[],
	place place, home place_at_home, places place[], house house,
	span_of int4range, days daterange, gaps int4multirange, lists integer[][]
END

$node->safe_psql('postgres', <<"END");
CREATE TYPE mood AS ENUM ('glad', 'sad');
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE DOMAIN address_of_mail AS varchar(20) CHECK (VALUE LIKE '%@%');
CREATE DOMAIN object_only AS jsonb CHECK (jsonb_typeof(VALUE) = 'object');
CREATE DOMAIN day_of_work AS date CHECK (VALUE >= '2000-01-01');
CREATE DOMAIN moment AS timestamptz CHECK (VALUE >= '2000-01-01');
CREATE DOMAIN three_numbers AS integer[] CHECK (cardinality(VALUE) = 3);
CREATE TYPE place AS (name text, x integer, tags text[]);
CREATE DOMAIN place_at_home AS place CHECK ((VALUE).name = 'home');
CREATE TYPE house AS (door place, doors place[], since date);
CREATE FOREIGN TABLE inbox ($columns) SERVER aws OPTIONS (queue 'none', wait_time_seconds '0');
CREATE TABLE landed ($columns);
END

# Points the table at a fresh queue of those messages.
sub refill
{
	my (@bodies) = @_;
	my $queue = new_queue('columns', VisibilityTimeout => 600);
	$queue->send(@bodies);
	$node->safe_psql('postgres', "TRUNCATE landed; ALTER FOREIGN TABLE inbox OPTIONS (SET queue '${\$queue->name}')");
	return $queue;
}

my $take = 'INSERT INTO landed SELECT * FROM inbox';

# --- what is accepted: column, JSON, the value as text

my $composite = '{"name": "a \"b\", c", "x": 5, "tags": ["p", null], "more": 1}';
my @accepted = (
	[ small => '-32768',               '-32768' ],
	[ small => '"7"',                  '7' ],
	[ num   => '2147483647',           '2147483647' ],
	[ num   => '" 12 "',               '12' ],
	[ big   => '-9223372036854775808', '-9223372036854775808' ],
	[ price => '1234.565',             '1234.57' ],
	[ price => '1',                    '1.00' ],
	[ exact => '0.10000000000000000000000000001', '0.10000000000000000000000000001' ],
	[ exact => '1.50',                 '1.50' ],
	[ exact => '-1e-3',                '-0.001' ],
	[ exact => '"NaN"',                'NaN' ],
	[ ratio => '0.1',                  '0.1' ],
	[ ratio => '1e308',                '1e+308' ],
	[ single => '0.1',                 '0.1' ],
	[ flag  => 'true',                 't' ],
	[ flag  => '"off"',                'f' ],
	[ flag  => '"1"',                  't' ],
	[ note  => '"12345"',              '12345' ],
	[ note  => '123.5',                '123.5' ],
	[ code  => '"a"',                  'a  ' ],
	[ txt   => '1.50',                 '1.50' ],
	[ txt   => '[1, {"a": [] }]',      '[1, {"a": [] }]' ],
	[ txt   => '""',                   '' ],
	[ doc   => '{"b": 1, "a": [1.50, null]}', '{"a": [1.50, null], "b": 1}' ],
	[ doc   => '"text"',               '"text"' ],
	[ doc   => '5',                    '5' ],
	[ raw   => '{"b":1,  "b":2}',      '{"b":1,  "b":2}' ],
	[ raw   => '"a\u0041"',            '"aA"' ],
	[ id    => '"A0EEBC999C0B4EF8BB6D6BB9BD380A11"', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11' ],
	[ address => '"2001:DB8::1"',      '2001:db8::1' ],
	[ span  => '"1 day 02:00"',        '1 day 02:00:00' ],
	[ bits  => '"\\\\x00ff"',          '\x00ff' ],
	[ spot  => '"(1,2.5)"',            '(1,2.5)' ],
	[ mask  => '"101"',                '101' ],
	[ kind  => '"sad"',                'sad' ],
	[ above => '5',                    '5' ],
	[ above => '"5"',                  '5' ],
	[ mail  => '"a@b"',                'a@b' ],
	[ document => '{"a": 1}',          '{"a": 1}' ],
	# times as text
	[ day   => '"2024-02-29"',         '2024-02-29' ],
	[ day   => '"2024-02-29T23:30:00Z"', '2024-02-29' ],
	[ clock => '"23:59:59.5"',         '23:59:59.5' ],
	[ local => '"2024-02-29T23:30:00Z"', '2024-02-29 23:30:00' ],
	[ at    => '"2024-02-29T23:30:00Z"', '2024-03-01 05:00:00+05:30' ],
	[ at    => '"2024-02-29 23:30"',   '2024-02-29 23:30:00+05:30' ],
	[ at    => '"infinity"',           'infinity' ],
	[ at_seconds => '"2024-02-29T23:30:00.7Z"', '2024-03-01 05:00:01+05:30' ],
	[ late_day => '"2024-02-29"',      '2024-02-29' ],
	# and as Unix times
	[ at    => '0',                    '1970-01-01 05:30:00+05:30' ],
	[ at    => '1700000000',           '2023-11-15 03:43:20+05:30' ],
	[ at    => '1700000000.123456',    '2023-11-15 03:43:20.123456+05:30' ],
	[ at    => '1.7e9',                '2023-11-15 03:43:20+05:30' ],
	[ at    => '1700000000123',        '2023-11-15 03:43:20.123+05:30' ],
	[ at    => '1700000000123.4567',   '2023-11-15 03:43:20.123457+05:30' ],
	[ at    => '-86400',               '1969-12-31 05:30:00+05:30' ],
	[ at    => '-99999999999',         '1200-02-15 20:06:49+05:53:28 BC' ],
	[ at    => '99999999999',          '5138-11-16 15:16:39+05:30' ],
	[ at    => '100000000000',         '1973-03-03 15:16:40+05:30' ],
	[ at    => '99999999999999',       '5138-11-16 15:16:39.999+05:30' ],
	[ at_seconds => '1700000000.5',    '2023-11-15 03:43:21+05:30' ],
	[ local => '1700000000.5',         '2023-11-15 03:43:20.5' ],
	[ local => '1700000000123',        '2023-11-15 03:43:20.123' ],
	[ day   => '1700000000',           '2023-11-15' ],
	[ day   => '1699986599',           '2023-11-14' ],
	[ day   => '1699986600',           '2023-11-15' ],
	[ late_day => '1700000000',        '2023-11-15' ],
	[ late_at  => '1700000000123',     '2023-11-15 03:43:20.123+05:30' ],
	# arrays
	[ numbers => '[1, -2, null, "3"]', '{1,-2,NULL,3}' ],
	[ numbers => '[]',                 '{}' ],
	[ numbers => '[[1, 2], [3, 4]]',   '{{1,2},{3,4}}' ],
	[ numbers => '"{1,2}"',            '{1,2}' ],
	[ numbers => '"[0:1]={1,2}"',      '[0:1]={1,2}' ],
	[ names => '["a,b", "c\"d", "\u00e9", 5, true, {"x": 1}, "NULL"]',
		qq({"a,b","c\\"d",\x{e9},5,true,"{\\"x\\": 1}","NULL"}) ],
	[ prices => '[1, 2.345]',          '{1.00,2.35}' ],
	[ notes => '["abc", 1.5]',         '{abc,1.5}' ],
	[ kinds => '["glad", "sad"]',      '{glad,sad}' ],
	[ aboves => '[1, 2]',              '{1,2}' ],
	[ docs  => '[{"a": 1}, "x", 5]',   '{"{\"a\": 1}","\"x\"",5}' ],
	[ times => '["2024-02-29T23:30:00Z"]', '{"2024-03-01 05:00:00+05:30"}' ],
	[ three => '[1, 2, 3]',            '{1,2,3}' ],
	[ three => '"{1,2,3}"',            '{1,2,3}' ],
	[ bytes => '["\\\\x00", "a"]',     '{"\\\\x00","\\\\x61"}' ],
	# composites
	[ place => $composite,             '("a ""b"", c",5,"{p,NULL}")' ],
	[ place => '{}',                   '(,,)' ],
	[ place => '"(a,5,{p})"',          '(a,5,{p})' ],
	[ home  => '{"name": "home"}',     '(home,,)' ],
	[ places => "[$composite, null, {\"x\": \"7\"}]",
		'{"(\"a \"\"b\"\", c\",5,\"{p,NULL}\")",NULL,"(,7,)"}' ],
	[ house => '{"door": {"x": 1}, "doors": [{"x": 2}, {"x": 3}], "since": "2024-02-29"}',
		'("(,1,)","{""(,2,)"",""(,3,)""}",2024-02-29)' ],
	# ranges
	[ span_of => '"[1,5]"',            '[1,6)' ],
	[ span_of => '"empty"',            'empty' ],
	[ days  => '"[2024-02-28,2024-02-29]"', '[2024-02-28,2024-03-01)' ],
	[ gaps  => '"{[1,3), [5,7)}"',     '{[1,3),[5,7)}' ],
	[ lists => '[[[1], [2]]]',         '{{{1},{2}}}' ],
);

my $number = 0;
my $queue  = refill(map { sprintf '{"tag": "%03d", "%s": %s}', $number++, $_->[0], $_->[1] } @accepted);
my $result = run_sql($node, $take);
is($result->{err}, '', 'all of them are accepted');
$number = 0;
foreach my $case (@accepted)
{
	my ($column, $json, $expected) = @$case;
	my $tag = sprintf '%03d', $number++;
	my $found = $node->safe_psql('postgres', "SET client_encoding = 'UTF8'; SELECT $column FROM landed WHERE tag = '$tag'");
	utf8::decode($found);
	is($found, $expected, "$column takes $json");
}
is($queue->counts->{visible} + $queue->counts->{in_flight}, 0, 'and all are taken');

# What a cast makes of it, in the session's zone.
foreach my $zone ('UTC', 'America/New_York', 'Pacific/Kiritimati')
{
	refill('{"tag": "x", "at": 1710054000, "local": 1710054000, "day": 1710054000}',
		'{"tag": "x", "at": 1699200000.25, "local": 1699200000.25, "day": 1699200000.25}');
	run_sql($node, "SET timezone = '$zone'; SET datestyle = 'SQL, DMY'; $take");
	is($node->safe_psql('postgres', "SET timezone = '$zone'; SELECT bool_and(local = at::timestamp AND day = at::date)
		FROM landed"), 't', "$zone: a timestamp and a date are casts of the Unix time");
}

# NULL, from a missing key and from JSON null, in every column.
refill('{"tag": "x"}', '{"tag": "y", ' . join(', ', map { qq("$_": null) } keys %{{ map { $_->[0] => 1 } @accepted }}) . '}');
is(run_sql($node, $take)->{err}, '', 'JSON null is no error anywhere');
is($node->safe_psql('postgres', q(SELECT count(*) FROM landed l
	WHERE (SELECT count(*) FROM jsonb_each(to_jsonb(l) - 'tag') WHERE value <> 'null') = 0)), 2, 'it is NULL everywhere');

# --- what is rejected: column, JSON, SQLSTATE

my @rejected = (
	[ at    => '100000000000000',      '22008' ],
	[ at    => '-100000000000000',     '22008' ],
	[ at    => '1e400',                '22008' ],
	[ day   => '100000000000000',      '22008' ],
	[ local => '100000000000000',      '22008' ],
	[ late_day => '100000000000000',   '22008' ],
	[ late_day => '0',                 '23514' ],
	[ late_at  => '0',                 '23514' ],
	[ at    => 'true',                 '22007' ],
	[ at    => '[0]',                  '22008' ],
	[ at    => '"1700000000"',         '22008' ],
	[ clock => '1700000000',           '22007' ],
	[ times => '[1700000000]',         '22008' ],
	[ numbers => '[1, "S3CRET"]',      '22P02' ],
	[ numbers => '[31415926535]',      '22003' ],
	[ numbers => '[[1, 2], [3]]',      '22P02' ],
	[ numbers => '[1, [2]]',           '22P02' ],
	[ numbers => '{"S3CRET": 1}',      '22P02' ],
	[ numbers => '"S3CRET"',           '22P02' ],
	[ numbers => '5',                  '22P02' ],
	[ names => '["S3CRET\u0000"]',     '22P05' ],
	[ notes => '["S3CRET"]',           '22001' ],
	[ prices => '[31415926]',          '22003' ],
	[ kinds => '["S3CRET"]',           '22P02' ],
	[ aboves => '[-1]',                '23514' ],
	[ three => '[1, 2]',               '23514' ],
	[ three => '"{1,2}"',              '23514' ],
	[ place => '{"x": "S3CRET"}',      '22P02' ],
	[ place => '{"tags": "S3CRET"}',   '22P02' ],
	[ place => '["S3CRET"]',           '22P02' ],
	[ place => '"S3CRET"',             '22P02' ],
	[ home  => '{"name": "S3CRET"}',   '23514' ],
	[ places => '[{"x": "S3CRET"}]',   '22P02' ],
	[ house => '{"doors": [{"x": "S3CRET"}]}', '22P02' ],
	[ span_of => '"[5,1]"',            '22000' ],
	[ gaps  => '"S3CRET"',             '22P02' ],
	[ mail  => '"S3CRET"',             '23514' ],
	[ mail  => '"S3CRET@S3CRET.S3CRET.S3CRET"', '22001' ],
	[ document => '[1]',               '23514' ],
	[ mask  => '"1010"',               '22026' ],
	[ flag  => '2',                    '22P02' ],
);
my $start = -s $node->logfile;
my $told  = '';
foreach my $case (@rejected)
{
	my ($column, $json, $sqlstate) = @$case;
	$queue = refill('{"tag": "before"}', qq({"tag": "bad", "$column": $json}), '{"tag": "after"}');
	$result = run_sql($node, $take);
	like($result->{err}, qr/WARNING:.*DETAIL:  1 x [^\n]*"$column"[^\n]*SQLSTATE $sqlstate/s, "$column rejects $json")
	  or diag($result->{err});
	is($node->safe_psql('postgres', q(SELECT string_agg(tag, ' ' ORDER BY tag) FROM landed)), 'after before', 'it alone');
	is($queue->counts->{visible}, 1, 'which stays in the queue');
	$told .= $result->{err};
}
unlike($told . slurp_file($node->logfile, $start), qr/S3CRET|31415926/, 'no message or log line holds a value');

# A domain may refuse NULL.
$node->safe_psql('postgres', q(CREATE DOMAIN required AS integer[] NOT NULL;
	CREATE FOREIGN TABLE strict_inbox (tag text, needed required) SERVER aws OPTIONS (queue 'none', wait_time_seconds '0')));
$queue = refill('{"tag": "a", "needed": [1]}', '{"tag": "b"}');
$node->safe_psql('postgres', "ALTER FOREIGN TABLE strict_inbox OPTIONS (SET queue '${\$queue->name}')");
$result = run_sql($node, 'SELECT tag, needed FROM strict_inbox');
is($result->{out}, 'a|{1}', 'a domain that refuses NULL');
like($result->{err}, qr/WARNING:.*1 x [^\n]*"needed"[^\n]*23502/s, 'rejects a message without the value');

# Conversion goes on after a failure within the same reply, with all that it remembers made anew.
$queue = refill(map { qq({"tag": "$_", "numbers": [$_], "place": {"x": $_}, "three": [$_, 2, 3]}) }
	1, '"bad"', 3, 4, '"worse"', 6);
run_sql($node, $take);
is($node->safe_psql('postgres', q(SELECT string_agg(concat_ws(' ', tag, numbers, place, three), E'\n' ORDER BY tag)
	FROM landed)), join("\n", map { "$_ {$_} (,$_,) {$_,2,3}" } 1, 3, 4, 6), 'good neighbours keep their values');

$node->stop;
done_testing();
