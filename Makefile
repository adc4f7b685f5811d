# sqs_fdw: `make help` lists the targets.
#
# Two halves. The targets in OWN set up the machine first, so they must not need PGXS, which may not
# be installed yet; everything else is PGXS's. A make run uses one half and calls the other.

OWN := bench bench-ledger check check-docker check-long check-valgrind demo format fuzz \
	fuzz-coverage fuzz-rows help lint local-server setup unit unit-asan

ifneq ($(filter $(OWN),$(MAKECMDGOALS)),)
include test/own.mk
else

MODULE_big = sqs_fdw
EXTENSION = sqs_fdw
DATA = $(wildcard sql/sqs_fdw--*.sql)
PGFILEDESC = "sqs_fdw - an Amazon SQS queue as a table"

PURE_SOURCES := $(wildcard src/base/*.cpp src/aws/*.cpp src/masking/*.cpp)
PG_SOURCES := $(wildcard src/pg/*.cpp)
OBJS = $(PURE_SOURCES:.cpp=.o) $(PG_SOURCES:.cpp=.o)
DEPENDENCIES := $(OBJS:.o=.d)
EXTRA_CLEAN = build $(DEPENDENCIES) results regression.diffs regression.out

REGRESS = options explain masking versions
REGRESS_OPTS = --inputdir=.

SHLIB_LINK = -lcurl -lcrypto -lsimdjson -lstdc++

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
ifeq ($(PGXS),)
$(error pg_config was not found: `make setup` installs what the build needs)
endif
# The second clang pass, which makes bitcode, fails on modern C++.
override with_llvm := no

include $(PGXS)

include test/flags.mk

# The pure layers never see the server's headers: that is the border.
$(PURE_SOURCES:.cpp=.o): %.o: %.cpp
	@echo '$(CXX) $<'
	$(QUIET)$(CXX) $(PURE_CXXFLAGS) -fPIC -MMD -MP -c -o $@ $<

$(PG_SOURCES:.cpp=.o): %.o: %.cpp
	@echo '$(CXX) $<'
	$(QUIET)$(CXX) $(SERVER_CXXFLAGS) -fPIC -MMD -MP -c -o $@ $<

-include $(DEPENDENCIES)

endif
