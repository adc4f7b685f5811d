# Builds the unit tests into the folder VARIANT: base, aws, masking and the part of pg that is plain
# C++. No PostgreSQL header or library is in reach.

include test/flags.mk

SOURCES := $(wildcard src/base/*.cpp src/aws/*.cpp src/masking/*.cpp) src/pg/registry.cpp src/pg/held.cpp src/pg/ledger_key.cpp
TESTS := $(wildcard test/unit/*.cpp)
OBJECTS := $(addprefix $(VARIANT)/,$(SOURCES:.cpp=.o) $(TESTS:.cpp=.o))
LIBRARIES := -lgtest -lgtest_main -lcurl -lssl -lcrypto -lsimdjson -lpthread

ifneq ($(SANITIZE),)
# The sanitizers see through neither inlining nor fortified calls.
OPTIMIZE := -O1 -g -U_FORTIFY_SOURCE
endif

$(VARIANT)/unit_tests: $(OBJECTS)
	@echo '$(CXX) $@'
	$(QUIET)$(CXX) $(SANITIZE) -o $@ $^ $(LIBRARIES)

$(VARIANT)/%.o: %.cpp
	@mkdir -p $(@D)
	@echo '$(CXX) $<'
	$(QUIET)$(CXX) $(PURE_CXXFLAGS) $(SANITIZE) -Itest/unit -MMD -MP -c -o $@ $<

-include $(OBJECTS:.o=.d)
