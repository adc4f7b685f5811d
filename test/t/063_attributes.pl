# Columns show what SQS and the sender say beside the body: attributes, and SNS notifications.

use strict;
use warnings;

use JSON::PP;
use MIME::Base64 qw(encode_base64);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Faults;
use SqsFdw::Test;

my $node = start_node('attributes', conf => <<'END');
timezone = 'Asia/Kolkata'
log_min_messages = debug1
log_error_verbosity = verbose
END

# What the statements ask for is in this server's log; some replies are its own.
my $proxy = SqsFdw::Faults->start(
	folder   => PostgreSQL::Test::Utils::tempdir('attributes'),
	upstream => sqs()->endpoint,
	rules    => []);
create_server($node, 'proxy', endpoint => $proxy->endpoint, max_connections => 1);

# A foreign table on the queue behind the proxy, whose log starts anew.
sub define
{
	my ($queue, $columns, $options) = @_;
	my $name = $queue->name;
	$options = defined $options ? ", $options" : '';
	$proxy->script();
	$node->safe_psql('postgres', <<"END");
SET client_min_messages = warning;
DROP FOREIGN TABLE IF EXISTS inbox;
CREATE FOREIGN TABLE inbox ($columns) SERVER proxy OPTIONS (queue '$name', wait_time_seconds '0'$options);
END
	return;
}

sub text   { my ($value, $type) = @_; return { DataType => $type // 'String', StringValue => $value }; }
sub binary { my ($value, $type) = @_; return { DataType => $type // 'Binary', BinaryValue => encode_base64($value, '') }; }

# The names that the latest statement's receives asked for.
sub asked_for
{
	my ($parameter) = @_;
	my ($request) = $proxy->requests('ReceiveMessage');
	return join ' ', sort @{ $request->{parameters}{$parameter} // [] };
}

# --- attributes of SQS

my $queue = new_queue('attributes', VisibilityTimeout => 600);
$queue->send_one('{"a": 1}', MessageAttributes => { kind => text('login') });
my ($held) = $queue->receive(1);
my $sent = $held->{Attributes};
$queue->release($held);

define($queue, <<'END');
	id uuid OPTIONS (attribute 'message_id'),
	handle text OPTIONS (attribute 'receipt_handle'),
	body jsonb OPTIONS (attribute 'body'),
	body_text text OPTIONS (attribute 'body'),
	sent_at timestamptz OPTIONS (attribute 'sent_timestamp'),
	sent_local timestamp(0) OPTIONS (attribute 'sent_timestamp'),
	sent_ms bigint OPTIONS (attribute 'sent_timestamp'),
	first_at timestamptz OPTIONS (attribute 'first_receive_timestamp'),
	times integer OPTIONS (attribute 'receive_count'),
	sender text OPTIONS (attribute 'sender_id'),
	all_of_them jsonb OPTIONS (attribute 'message_attributes')
END
my $found = decode_json($node->safe_psql('postgres', 'SELECT to_jsonb(inbox) FROM inbox'));
is($found->{id}, $held->{MessageId}, 'message_id');
ok(length $found->{handle}, 'receipt_handle');
isnt($found->{handle}, $held->{ReceiptHandle}, "receipt_handle is this receive's own");
is_deeply($found->{body}, { a => 1 }, 'body as JSON');
is($found->{body_text}, '{"a": 1}', 'body as text');
is($found->{sent_ms}, $sent->{SentTimestamp}, 'sent_timestamp as a number');
is($found->{times}, 2, 'receive_count');
is($found->{sender}, $sent->{SenderId}, 'sender_id');
is_deeply($found->{all_of_them}{kind}, text('login'), 'message_attributes');
foreach my $pair ([ 'sent_at', 'SentTimestamp' ], [ 'first_at', 'ApproximateFirstReceiveTimestamp' ])
{
	my ($column, $name) = @$pair;
	is($node->safe_psql('postgres', "SELECT '$found->{$column}'::timestamptz = to_timestamp($sent->{$name} / 1000.0)"),
		't', "$column is $name");
}
is($node->safe_psql('postgres',
	"SELECT '$found->{sent_local}' = to_timestamp($sent->{SentTimestamp} / 1000.0)::timestamp(0)"),
	't', 'sent_timestamp as a rounded local time');
is(asked_for('MessageAttributeNames'), 'All', 'all message attributes are asked for');

# All thirteen, of a queue as only FIFO queues have them: their replies are scripted, since a table
# of such a queue is refused.
my %message = (
	MessageId         => '11111111-2222-3333-4444-555555555555',
	ReceiptHandle     => 'handle/of+the=receive',
	Body              => '{"a":"body"}',
	MessageAttributes => { kind => text('login') },
	Attributes        => {
		SentTimestamp                    => '1700000000123',
		ApproximateFirstReceiveTimestamp => '1700000001000',
		ApproximateReceiveCount          => '3',
		SenderId                         => 'AIDAEXAMPLE',
		MessageGroupId                   => 'group 1',
		MessageDeduplicationId           => 'dedup-1',
		SequenceNumber                   => '18850000000000000001',
		AWSTraceHeader                   => 'Root=1-5759e988-bd862e3fe1be46a994272793',
		DeadLetterQueueSourceArn         => 'arn:aws:sqs:us-east-1:000000000000:source',
	});
my @attributes = qw(message_id receipt_handle body sent_timestamp first_receive_timestamp receive_count sender_id
  message_group_id message_deduplication_id sequence_number trace_header dead_letter_source_arn message_attributes);
my %type_of = (sent_timestamp => 'timestamptz', sequence_number => 'numeric', receive_count => 'smallint',
	first_receive_timestamp => 'date', message_attributes => 'jsonb');
define($queue, join ', ', map { "c_$_ ${\($type_of{$_} // 'text')} OPTIONS (attribute '$_')" } @attributes);
my $ok = sub { return { fault => 'error', status => 200, body => encode_json($_[0]), @_[1 .. $#_] } };
$proxy->script(
	$ok->({ Messages => [ \%message ] }, action => 'ReceiveMessage', nth => 1),
	$ok->({ Messages => [ { %message, Attributes => { ApproximateReceiveCount => '1' }, MessageAttributes => undef } ] },
		action => 'ReceiveMessage', nth => 3),
	$ok->({},                                           action => 'ReceiveMessage'),
	$ok->({ Successful => [ { Id => '0' } ] },          action => 'ChangeMessageVisibilityBatch'));
is($node->safe_psql('postgres', 'SELECT * FROM inbox'), join('|',
	$message{MessageId}, $message{ReceiptHandle}, $message{Body}, '2023-11-15 03:43:20.123+05:30', '2023-11-15', 3,
	'AIDAEXAMPLE', 'group 1', 'dedup-1', '18850000000000000001', 'Root=1-5759e988-bd862e3fe1be46a994272793',
	'arn:aws:sqs:us-east-1:000000000000:source', '{"kind": {"DataType": "String", "StringValue": "login"}}'),
	'all thirteen have their values');
is(asked_for('AttributeNames') . asked_for('MessageSystemAttributeNames'),
	join(' ', sort keys %{ $message{Attributes} }), 'and are asked for');
# Whoever does not have them.
is($node->safe_psql('postgres', 'SELECT * FROM inbox'),
	"$message{MessageId}|$message{ReceiptHandle}|$message{Body}|||1|||||||", 'what SQS does not send is NULL');
define($queue, "id text OPTIONS (attribute 'message_id'), a integer, sender text OPTIONS (attribute 'sender_id')");
$node->safe_psql('postgres', 'SELECT id FROM inbox');
is(asked_for('AttributeNames') . asked_for('MessageSystemAttributeNames'),
	'ApproximateReceiveCount SentTimestamp', 'only what the columns and the ledger need is asked for');
is(asked_for('MessageAttributeNames'), '', 'and no message attribute');

# --- message attributes

my $named = <<'END';
	tag text NOT NULL,
	kind text OPTIONS (message_attribute 'kind'),
	count integer OPTIONS (message_attribute 'count'),
	exact numeric(12,4) OPTIONS (message_attribute 'exact-number_1.x'),
	mood mood OPTIONS (message_attribute 'mood'),
	at timestamptz OPTIONS (message_attribute 'at'),
	list integer[] OPTIONS (message_attribute 'list'),
	doc jsonb OPTIONS (message_attribute 'doc'),
	blob bytea OPTIONS (message_attribute 'blob'),
	picture small_bytes OPTIONS (message_attribute 'picture'),
	blob_text text OPTIONS (message_attribute 'blob_text'),
	same text OPTIONS (message_attribute 'kind')
END
$node->safe_psql('postgres', q(CREATE TYPE mood AS ENUM ('glad', 'sad');
	CREATE DOMAIN small_bytes AS bytea CHECK (octet_length(VALUE) < 4)));

my $bytes = join '', map { chr } 0 .. 255;
my $all   = {
	kind               => text("two words, \"quoted\", \x{e9}"),
	count              => text('17', 'Number'),
	'exact-number_1.x' => text('-12345.67891', 'Number.float'),
	mood               => text('sad', 'String.mood'),
	at                 => text('2024-02-29T23:30:00Z'),
	list               => text('{1,2}'),
	doc                => text('{"b": [1, 2]}', 'String.json'),
	blob               => binary($bytes),
	picture            => binary("\0\xff", 'Binary.png'),
};
$queue = new_queue('attributes', VisibilityTimeout => 600);
define($queue, $named);
# SQS takes ten of a message at most.
$queue->send_one('{"tag": "x"}', MessageAttributes => $all);
my $row = 'tag, kind, count, exact, mood, at, list, doc, picture, blob_text, same';
my $result = run_sql($node, "SET client_encoding = 'UTF8'; SELECT $row, encode(blob, 'hex') FROM inbox");
is($result->{err}, '', 'message attributes of every data type are accepted');
utf8::decode($result->{out});
is($result->{out}, join('|', 'x', $all->{kind}{StringValue}, 17, '-12345.6789', 'sad', '2024-03-01 05:00:00+05:30',
	'{1,2}', '{"b": [1, 2]}', '\x00ff', '', $all->{kind}{StringValue}, unpack('H*', $bytes)), 'and have their values');
is(asked_for('MessageAttributeNames'), join(' ', sort(keys %$all, 'blob_text')), 'each name is asked for once');

$proxy->script();
is($node->safe_psql('postgres', 'SELECT count FROM inbox'), 17, 'one of them');
is(asked_for('MessageAttributeNames'), 'count', 'is asked for alone');
$proxy->script();
is($node->safe_psql('postgres', q(SELECT count FROM inbox WHERE kind LIKE 'two%')), 17, 'one, with a condition on another');
is(asked_for('MessageAttributeNames'), 'count kind', 'two are asked for');

$queue->purge;
$queue->send('{"tag": "x"}');
is($node->safe_psql('postgres', 'SELECT num_nulls(kind, count, exact, mood, at, list, doc, blob, picture, blob_text, same) FROM inbox'),
	11, 'absent ones are NULL');

# The condition decides before the other columns are looked at.
$queue->purge;
$queue->send_one('no JSON', MessageAttributes => { kind => text('another') });
$result = run_sql($node, q(SELECT * FROM inbox WHERE kind = 'mine'));
is($result->{err}, '', 'a message that a condition on an attribute refuses is not rejected');

# Attributes that do not fit: the name, the columns, the attributes, the SQLSTATE.
my @rejected = (
	[ 'a binary one in text',     'blob_text', binary('S3CRET'),          '22P03' ],
	[ 'a binary one in integer',  'count',     binary('S3CRET'),          '22P03' ],
	[ 'a binary one that its domain refuses', 'picture', binary('S3CRET'), '23514' ],
	[ 'text in integer',          'count',     text('S3CRET'),            '22P02' ],
	[ 'a number beyond integer',  'count',     text('31415926535', 'Number'), '22003' ],
	[ 'a Unix time',              'at',        text('1700000000', 'Number'), '22008' ],
	[ 'no JSON',                  'doc',       text('S3CRET'),            '22P02' ],
	[ 'no label of the enum',     'mood',      text('S3CRET'),            '22P02' ],
);
my $start = -s $node->logfile;
my $told  = '';
foreach my $case (@rejected)
{
	my ($name, $attribute, $value, $sqlstate) = @$case;
	$queue->purge;
	$queue->send_one('{"tag": "bad"}', MessageAttributes => { $attribute => $value });
	$queue->send('{"tag": "good"}');
	$result = run_sql($node, 'SELECT * FROM inbox');
	like($result->{err}, qr/WARNING:.*DETAIL:  1 x [^\n]*column "$attribute"[^\n]*SQLSTATE $sqlstate/s, "$name is rejected")
	  or diag($result->{err});
	like($result->{out}, qr/\Agood\|+\z/, 'and its neighbour is not');
	$told .= $result->{err};
}
unlike($told . slurp_file($node->logfile, $start), qr/S3CRET|31415926|UzNDUkVU/, 'no message or log line holds a value');

define($queue, "tag text NOT NULL, kind text OPTIONS (message_attribute 'kind') NOT NULL");
$queue->purge;
$queue->send('{"tag": "x"}');
like(run_sql($node, 'SELECT tag FROM inbox')->{err}, qr/column "kind" is NOT NULL.*23502/, 'an absent one may be required');

# What a broken queue server sends for them.
my $malformed = encode_json({ Messages => [ { %message, Body => '{"tag": "x"}', MessageAttributes => 'HERE' } ] });
$malformed =~ s/"HERE"/{"kind": {"StringValue": S3CRET}}/;
$proxy->script(
	{ action => 'ReceiveMessage', nth => 1, fault => 'error', status => 200, body => $malformed },
	$ok->({}, action => 'ReceiveMessage'),
	$ok->({ Successful => [ { Id => '0' } ] }, action => 'ChangeMessageVisibilityBatch'));
$result = run_sql($node, 'SELECT kind FROM inbox');
like($result->{err}, qr/WARNING:.*1 x the message attributes are not what SQS sends \(SQLSTATE 22032\)/s,
	'malformed ones are rejected');
unlike($result->{err}, qr/S3CRET/, 'and not shown');

# --- SNS notifications

sub notification
{
	my ($message, $attributes) = @_;
	return encode_json({
		Type              => 'Notification',
		MessageId         => '22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324',
		TopicArn          => 'arn:aws:sns:us-west-2:123456789012:MyTopic',
		Message           => $message,
		Timestamp         => '2012-05-02T00:54:06.655Z',
		SignatureVersion  => '1',
		Signature         => 'EXAMPLEw6JRN...',
		$attributes ? (MessageAttributes => $attributes) : (),
	});
}

$queue = new_queue('attributes', VisibilityTimeout => 600);
define($queue, <<'END', "sns_envelope 'true'");
	tag text NOT NULL,
	deep integer OPTIONS (pointer '/a/0'),
	list text[],
	kind text OPTIONS (message_attribute 'kind'),
	count integer OPTIONS (message_attribute 'count'),
	blob bytea OPTIONS (message_attribute 'blob'),
	many jsonb OPTIONS (message_attribute 'many'),
	body jsonb OPTIONS (attribute 'body'),
	outer_topic text OPTIONS (key 'TopicArn')
END
my $good = notification('{"tag": "a \"quoted\" \u00e9", "a": [5], "list": ["p", "q"]}', {
	kind  => { Type => 'String', Value => 'two words' },
	count => { Type => 'Number', Value => '17' },
	blob  => { Type => 'Binary', Value => encode_base64($bytes, '') },
	many  => { Type => 'String.Array', Value => '["x", 1, null]' },
});
# SQS's own attributes of such a message are not the sender's.
$queue->send_one($good, MessageAttributes => { kind => text('not this one') });
$result = run_sql($node, "SET client_encoding = 'UTF8';
	SELECT tag, deep, list, kind, count, encode(blob, 'hex'), many, outer_topic, body ->> 'TopicArn', body = '$good'::jsonb FROM inbox");
is($result->{err}, '', 'a notification is accepted');
utf8::decode($result->{out});
is($result->{out}, join('|', qq(a "quoted" \x{e9}), 5, '{p,q}', 'two words', 17, unpack('H*', $bytes), '["x", 1, null]', '',
	'arn:aws:sns:us-west-2:123456789012:MyTopic', 't'), 'columns read what it holds');
is(asked_for('MessageAttributeNames'), '', 'SQS is asked for no attributes');

$queue->purge;
$queue->send(notification('{"tag": "x"}'));
is($node->safe_psql('postgres', 'SELECT tag, kind, count, blob FROM inbox'), 'x|||', 'a notification without attributes');

$queue->purge;
$queue->send('no notification');
is($node->safe_psql('postgres', q(SELECT count(*) FROM inbox)), 0, 'NOT NULL asks for the notification');
define($queue, "body text OPTIONS (attribute 'body'), tag text", "sns_envelope 'true'");
is($node->safe_psql('postgres', 'SELECT body FROM inbox'), 'no notification', 'the body alone needs none');
define($queue, "kind text OPTIONS (message_attribute 'kind'), tag text", "sns_envelope 'true'");

my $neither = qr/the body is not an SNS notification \(SQLSTATE 22032\)/;
my $inner   = qr/the message in the SNS notification is not a JSON object \(SQLSTATE 22032\)/;
my @bad     = (
	[ 'no JSON',                  'S3CRET',                         $neither ],
	[ 'an array',                 '[{"Message": "{}"}]',            $neither ],
	[ 'another object',           '{"tag": "S3CRET"}',              $neither ],
	[ 'a message that is an object', '{"Message": {"tag": "S3CRET"}}', $neither ],
	[ 'a message that is null',   '{"Message": null}',              $neither ],
	[ 'a message that is text',   notification('S3CRET'),           $inner ],
	[ 'a message that is an array', notification('["S3CRET"]'),     $inner ],
	[ 'an empty message',         notification(''),                 $inner ],
	[ 'a message cut short',      notification('{"tag": "S3CRET'),  $inner ],
);
$start = -s $node->logfile;
$told  = '';
foreach my $case (@bad)
{
	my ($name, $body, $reason) = @$case;
	$queue->purge;
	$queue->send($body, notification('{"tag": "good"}'));
	$result = run_sql($node, 'SELECT tag FROM inbox');
	like($result->{err}, qr/WARNING:.*DETAIL:  1 x $reason/s, "$name is rejected") or diag($result->{err});
	is($result->{out}, 'good', 'and its neighbour is not');
	$told .= $result->{err};
}
unlike($told . slurp_file($node->logfile, $start), qr/S3CRET/, 'no message or log line holds a body');

$node->safe_psql('postgres', "ALTER FOREIGN TABLE inbox OPTIONS (ADD on_error 'abort')");
check_error($node, 'SELECT tag FROM inbox', '22032', qr/DETAIL:.*SNS/, 'or the statement fails');

$proxy->stop;
$node->stop;
done_testing();
