# A job of pg_cron, set up as the README says, takes messages with the rights of the role that made it.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use SqsFdw::Readme qw(blocks text);
use SqsFdw::Test;

# Jobs start when a minute begins.
use constant JOB_SECONDS => 150;

my @chapter = grep { $_->{heading} eq 'On a schedule' } blocks(text());
my ($conf)  = map { $_->{text} } grep { $_->{language} eq 'conf' } @chapter;
my ($create, $schedule, $history) = map { $_->{text} } grep { $_->{language} eq 'sql' } @chapter;

my $node = start_node('cron', conf => $conf);
my $queue = new_queue('cron', VisibilityTimeout => 600);
create_login_tables($node, $queue);
$node->safe_psql('postgres', <<'END');
CREATE ROLE etl LOGIN;
CREATE USER MAPPING FOR etl SERVER aws OPTIONS (access_key_id 'test', secret_access_key 'test');
GRANT SELECT ON login_queue TO etl;
GRANT INSERT ON user_logins TO etl;
GRANT EXECUTE ON FUNCTION sqs.mask(text, text), sqs.mask_ip(text) TO etl;
END

# A job of a role that may not read the queue: it must not take anything.
$node->safe_psql('postgres', "$create CREATE ROLE stranger LOGIN; GRANT USAGE ON SCHEMA cron TO stranger;
	GRANT INSERT ON user_logins TO stranger");
$node->safe_psql('postgres', "SET ROLE stranger; SELECT cron.schedule('forbidden', '* * * * *',
	'INSERT INTO user_logins (user_id) SELECT user_id FROM login_queue')");
my $status = sub
{
	my ($job) = @_;
	return $node->safe_psql('postgres', "SELECT status || ' ' || return_message FROM cron.job_run_details
		JOIN cron.job USING (jobid) WHERE jobname = '$job' AND end_time IS NOT NULL ORDER BY runid LIMIT 1");
};

$queue->send(logins(25), stranger());
ok($node->safe_psql('postgres', $schedule), 'the README schedules a job');
wait_for { $status->('logins') && $status->('forbidden') } 'both jobs to have run', JOB_SECONDS;
is($status->('logins'), 'succeeded INSERT 0 25', 'the job succeeds');
like($status->('forbidden'), qr/^failed .*permission denied/, 'one of a role without rights fails');
wait_for_counts($node, $queue, { visible => 1, in_flight => 0, rows => 25 },
	'the job took the logins, and left what is none');
like($node->safe_psql('postgres', $history), qr/\|succeeded\|INSERT 0 25$/m, 'the history shows it');
like(slurp_file($node->logfile), qr/WARNING:.*1 message of queue .* was rejected/, 'the log has the warning');

$node->safe_psql('postgres', "SET ROLE stranger; SELECT cron.unschedule('forbidden'); SET ROLE etl; SELECT cron.unschedule('logins')");
$node->stop;
done_testing();
