# Which PostgreSQL, which account, which folder: what the scripts of this folder share. Sourced by bash, never run.

# shellcheck shell=bash

# What fails inside $(…) fails.
shopt -s inherit_errexit

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Downloads that survive `make clean`: the jars of ElasticMQ, the virtual environment of moto.
cache=${SQS_FDW_CACHE:-$checkout/.cache}
export SQS_FDW_CACHE=$cache

die() {
	printf '%s: %s\n' "$(basename "$0")" "$*" >&2
	exit 1
}

# The major version of PostgreSQL in use: PG_MAJOR, else that of PG_CONFIG, else the one that this
# Debian release offers.
pg_major() {
	local codename
	if [ -n "${PG_MAJOR:-}" ]; then
		echo "$PG_MAJOR"
	elif [ -n "${PG_CONFIG:-}" ] && command -v "$PG_CONFIG" >/dev/null; then
		"$PG_CONFIG" --version | sed -E 's/^PostgreSQL ([0-9]+).*/\1/'
	else
		codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
		case $codename in
			bookworm) echo 15 ;;
			trixie) echo 17 ;;
			*) echo 18 ;;
		esac
	fi
}

# The pg_config of that version, which Debian keeps beside the server's binaries.
pg_config_path() {
	local own
	own=/usr/lib/postgresql/$(pg_major)/bin/pg_config
	if [ -n "${PG_CONFIG:-}" ]; then
		command -v "$PG_CONFIG" || die "PG_CONFIG=$PG_CONFIG is not a program"
	elif [ -x "$own" ]; then
		echo "$own"
	else
		die "$own is missing: run test/setup build demo"
	fi
}

# PostgreSQL refuses to run as root. Prints the account that servers and tests run under: the
# caller's own, or for root `postgres`, or else `sqs_fdw_test`, made here if it is missing.
test_account() {
	if [ "$(id -u)" -ne 0 ]; then
		id -un
	elif getent passwd postgres >/dev/null; then
		echo postgres
	else
		getent passwd sqs_fdw_test >/dev/null ||
			useradd --system --user-group --no-create-home --home-dir /nonexistent \
				--shell /usr/sbin/nologin sqs_fdw_test >&2 ||
			die "cannot make the account sqs_fdw_test"
		echo sqs_fdw_test
	fi
}

# Runs a command under that account, in a folder that it can enter. It replaces no process of its
# own between the caller and the command, so that a process id is the command's.
as_account() {
	local account
	account=$(test_account)
	if [ "$(id -un)" = "$account" ]; then
		"$@"
	else
		(cd / && exec setpriv --reuid="$account" --regid="$account" --init-groups \
			env HOME=/nonexistent USER="$account" LOGNAME="$account" "$@")
	fi
}

# Makes a folder that the account owns and everyone can enter, and prints it: short, for the 107
# bytes of a socket's path.
make_work_folder() { # name
	local folder
	folder=$(mktemp -d "/tmp/$1.XXXXXX")
	chmod 755 "$folder"
	[ "$(id -u)" -ne 0 ] || chown "$(test_account):" "$folder"
	echo "$folder"
}

# A private PostgreSQL with the extension in it: prints the folder of its programs.
private_install() { # folder
	local config
	config=$(pg_config_path)
	"$checkout/test/private-postgres" "$1"
	make --no-print-directory -s -C "$checkout" install DESTDIR="$1" PG_CONFIG="$config" >&2 ||
		die "the extension does not build"
	# A build under a strict umask leaves files that only root can read.
	chmod -R a+rX "$1"
	echo "$1$("$config" --bindir)"
}

# Stops the servers whose data directories lie in a folder: those that a killed test left behind.
stop_postgres_under() { # folder, folder of the programs
	local pid_file
	find "$1" -name postmaster.pid 2>/dev/null | while read -r pid_file; do
		as_account "$2/pg_ctl" -D "$(dirname "$pid_file")" -m immediate -w stop \
			>/dev/null 2>&1 </dev/null || true
	done
}

# The key of the design's known answers, k1 = the bytes 00 to 3f: for tests, never for data.
test_keyring() {
	printf 'k1 active '
	local byte
	for byte in {0..63}; do
		# shellcheck disable=SC2059 # the format is the byte
		printf "\\x$(printf %x "$byte")"
	done | base64 -w0
	echo
}

# Starts a PostgreSQL of its own in FOLDER/data, reachable only through FOLDER's socket, and points
# libpq's environment at it. The superuser is `postgres`; the key ring is FOLDER/keyring.
start_postgres() { # folder, folder of the programs, options of pg_ctl...
	local folder=$1 programs=$2
	shift 2
	as_account "$programs/initdb" -D "$folder/data" -U postgres -A trust -N -E UTF8 --locale=C.UTF-8 \
		>"$folder/initdb.log" 2>&1 || die "initdb failed; $(cat "$folder/initdb.log")"
	test_keyring | as_account tee "$folder/keyring" >/dev/null
	as_account chmod 600 "$folder/keyring"
	as_account tee -a "$folder/data/postgresql.conf" >/dev/null <<-END
		listen_addresses = ''
		unix_socket_directories = '$folder'
		fsync = off
		sqs_fdw.keyring_file = '$folder/keyring'
	END
	as_account "$programs/pg_ctl" "$@" -D "$folder/data" -l "$folder/postgresql.log" -w start \
		>/dev/null </dev/null || die "PostgreSQL did not start; $(tail -20 "$folder/postgresql.log")"
	export PGHOST=$folder PGPORT=5432 PGUSER=postgres PGDATABASE=postgres
	export PATH=$programs:$PATH
}

# Starts ElasticMQ unless SQS_ENDPOINT names an SQS to use. Sets SQS_ENDPOINT and, for what it
# started, local_sqs_folder.
start_local_sqs() {
	local_sqs_folder=
	[ -z "${SQS_ENDPOINT:-}" ] || return 0
	local assignments
	assignments=$("$checkout/test/local-sqs" start elasticmq strict)
	eval "$assignments"
	local_sqs_folder=$SQS_FOLDER
	export SQS_ENDPOINT
}

stop_local_sqs() {
	[ -z "${local_sqs_folder:-}" ] || "$checkout/test/local-sqs" stop "$local_sqs_folder" || true
	local_sqs_folder=
}
