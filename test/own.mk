# The targets that are ours, not PGXS's: each sets the machine up first, then builds and runs.

include test/flags.mk

BUILD ?= build
MAKE_PGXS = $(MAKE) --no-print-directory PG_CONFIG="$$(bash -c ". test/common.sh; pg_config_path")"

.PHONY: $(OWN) all clean install installcheck
.DEFAULT_GOAL := help

help:
	@echo 'make               build the extension (PGXS; PG_CONFIG chooses the server)'
	@echo 'make install       install it; make installcheck tests a running server'
	@echo 'make demo          show the main job end to end; KEEP=1 leaves it running'
	@echo 'make check         every test: unit (also under ASan and UBSan), regression, TAP, a little fuzzing'
	@echo 'make check-long    kill everything at random, for long, and count messages; CYCLES=300, SEED=...'
	@echo 'make check-docker  build docker/Dockerfile with buildah and run the demo in it (root, minutes)'
	@echo 'make check-valgrind   the SQL tests under valgrind, and whether memory grows (minutes)'
	@echo 'make unit          the unit tests alone, no PostgreSQL needed; also unit-asan'
	@echo 'make fuzz          libFuzzer on the parsers; FUZZ_SECONDS=20 FUZZ_TARGETS=body_fuzz; also fuzz-coverage'
	@echo 'make fuzz-rows     conversion to rows in a real server, on damaged messages; FUZZ_SECONDS=20'
	@echo 'make lint          clang-format, clang-tidy, shellcheck and the border rules'
	@echo 'make bench         CPU per message against the transport floor, and per mask; BENCH_RUNS=5'
	@echo 'make bench-ledger  what sqs.ledger costs at 10^4, 10^6 and 10^7 entries (minutes, 2 GB of disk)'
	@echo 'make format        let clang-format rewrite the sources'
	@echo 'make local-server  an SQS server for your own experiments, until Ctrl-C'
	@echo 'make setup         install what building and testing need'

setup:
	@test/setup build demo check

# PGXS's own targets, for a command line that mixes both halves.
all clean install installcheck:
	@$(MAKE_PGXS) $@

demo:
	@test/setup build demo
	@$(MAKE_PGXS) -j2 all
	@test/demo

check:
	@test/setup build demo check fuzz
	@$(MAKE_PGXS) -j2 all
	@test/check

check-docker:
	@test/setup build demo
	@test/docker

CYCLES ?= 300

# The harness of test/t/090_chaos.pl, for longer: on its own queue, then a tenth as long on ElasticMQ.
check-long:
	@test/setup build demo check
	@$(MAKE_PGXS) -j2 all
	@test/chaos/run --cycles $(CYCLES) $(if $(SEED),--seed $(SEED))
	@test/chaos/run --cycles $$((($(CYCLES) + 9) / 10)) $(if $(SEED),--seed $(SEED)) --queue elasticmq

check-valgrind:
	@test/setup build demo memory
	@$(MAKE_PGXS) -j2 all
	@test/valgrind/run

fuzz:
	@test/setup fuzz
	@test/fuzz/run $(FUZZ_TARGETS)

fuzz-coverage:
	@test/setup fuzz
	@test/fuzz/run --coverage $(FUZZ_TARGETS)

fuzz-rows:
	@test/setup build demo
	@$(MAKE_PGXS) -j2 all
	@test/fuzz/rows/run

lint:
	@test/setup build lint check
	@test/lint

bench:
	@test/setup build demo bench
	@$(MAKE_PGXS) -j2 all
	@test/bench/run

bench-ledger:
	@test/setup build demo bench
	@$(MAKE_PGXS) -j2 all
	@test/bench/run ledger

local-server:
	@test/setup demo
	@test/with-servers sh -c 'echo "SQS: $$SQS_ENDPOINT"; echo "PostgreSQL: psql -h $$PGHOST -U postgres"; \
		trap : INT; sleep infinity'

SOURCES = $(wildcard src/*/*.cpp src/*/*.h $(foreach tests,unit bench guard fuzz,test/$(tests)/*.cpp test/$(tests)/*.h))

format:
	@test/setup lint
	@clang-format-14 -i $(SOURCES)

# Each variant of the unit tests has a folder of objects of its own. The vectors are run even where a
# test failed.
run_unit = $(1)/unit_tests --gtest_brief=1; status=$$?; \
	echo 'Test vectors of AES-SIV:'; $(1)/siv_vectors test/unit/siv/*.json || status=1; exit $$status

unit:
	@test/setup build check
	@$(MAKE) --no-print-directory -j$$(nproc) -f test/unit.mk VARIANT=$(BUILD)/unit
	@$(call run_unit,$(BUILD)/unit)

unit-asan:
	@test/setup build check
	@$(MAKE) --no-print-directory -j$$(nproc) -f test/unit.mk VARIANT=$(BUILD)/asan \
		SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer'
	@$(call run_unit,$(BUILD)/asan)
