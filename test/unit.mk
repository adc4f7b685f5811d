# Builds the unit tests into the folder VARIANT: base, aws, masking and the part of pg that is plain
# C++; and the vectors tool. No PostgreSQL header or library is in reach.

include test/flags.mk

SOURCES := $(wildcard src/base/*.cpp src/aws/*.cpp src/masking/*.cpp) src/pg/registry.cpp src/pg/held.cpp src/pg/ledger_key.cpp
TOOL := test/unit/siv_vectors.cpp
TESTS := $(filter-out $(TOOL),$(wildcard test/unit/*.cpp))
objects = $(patsubst %.cpp,$(VARIANT)/%.o,$(1))
OBJECTS := $(call objects,$(SOURCES) $(TESTS))
TOOL_OBJECTS := $(call objects,$(wildcard src/base/*.cpp src/masking/*.cpp) $(TOOL))
LIBRARIES := -lgtest -lgtest_main -lcurl -lssl -lcrypto -lsimdjson -lpthread

ifneq ($(SANITIZE),)
# The sanitizers see through neither inlining nor fortified calls.
OPTIMIZE := -O1 -g -U_FORTIFY_SOURCE
endif

all: $(VARIANT)/unit_tests $(VARIANT)/siv_vectors

$(VARIANT)/unit_tests: $(OBJECTS)
	@echo '$(CXX) $@'
	$(QUIET)$(CXX) $(SANITIZE) -o $@ $^ $(LIBRARIES)

$(VARIANT)/siv_vectors: $(TOOL_OBJECTS)
	@echo '$(CXX) $@'
	$(QUIET)$(CXX) $(SANITIZE) -o $@ $^ -lcrypto -lsimdjson -lpthread

$(VARIANT)/%.o: %.cpp
	@mkdir -p $(@D)
	@echo '$(CXX) $<'
	$(QUIET)$(CXX) $(PURE_CXXFLAGS) $(SANITIZE) -Itest/unit -MMD -MP -c -o $@ $<

-include $(OBJECTS:.o=.d) $(TOOL_OBJECTS:.o=.d)
.PHONY: all
