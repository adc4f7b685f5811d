# The compiler flags, once: the build, the unit tests and the linter all use them.

# One short line a file; V=1 shows whole commands.
QUIET := $(if $(V),,@)

CXX ?= g++
PG_CONFIG ?= pg_config
WARNINGS := -Wall -Wextra -Werror
OPTIMIZE ?= -O2 -g

# No include path but our own: base, aws and masking cannot include postgres.h.
PURE_CXXFLAGS = -std=c++17 $(OPTIMIZE) $(WARNINGS) -fvisibility=hidden -fstack-protector-strong \
	-D_FORTIFY_SOURCE=2 -Isrc

# The server's headers are C of another decade: no warnings from them.
SERVER_CXXFLAGS = $(PURE_CXXFLAGS) -Wno-register -fno-strict-aliasing -fwrapv -D_GNU_SOURCE \
	-isystem $(shell $(PG_CONFIG) --includedir-server)
