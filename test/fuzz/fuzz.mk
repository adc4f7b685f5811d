# Builds the fuzz targets into the folder FUZZ: with the sanitizers for fuzzing (asan), or with
# clang's own coverage for a replay (coverage).

include test/flags.mk

CXX := clang++
# Each release's clang warns of something else: the linter's is the one that counts.
WARNINGS := -Wall -Wextra
FUZZ ?= build/fuzz
VARIANT ?= asan

TARGETS := $(patsubst test/fuzz/%.cpp,%,$(wildcard test/fuzz/*_fuzz.cpp))
SHARED := $(filter-out %_fuzz.cpp,$(wildcard test/fuzz/*.cpp))
SOURCES := $(wildcard src/base/*.cpp src/aws/*.cpp src/masking/*.cpp) $(SHARED)
FOLDER := $(FUZZ)/$(VARIANT)
OBJECTS := $(addprefix $(FOLDER)/,$(SOURCES:.cpp=.o))
LIBRARIES := -lcurl -lssl -lcrypto -lsimdjson -lpthread

# The sanitizers see through neither inlining nor fortified calls.
OPTIMIZE := -O1 -g
INSTRUMENT_asan := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
LINK_asan := -fsanitize=fuzzer,address,undefined
INSTRUMENT_coverage := -fprofile-instr-generate -fcoverage-mapping
LINK_coverage := $(INSTRUMENT_coverage) -fsanitize=fuzzer
FLAGS := $(INSTRUMENT_$(VARIANT)) -U_FORTIFY_SOURCE -fno-omit-frame-pointer -Itest/fuzz

.SECONDARY:
.PHONY: all

all: $(addprefix $(FOLDER)/,$(TARGETS))

# From an archive, so that a target holds what it uses and no more.
$(FOLDER)/%: $(FOLDER)/test/fuzz/%.o $(FOLDER)/shared.a
	@echo '$(CXX) $@'
	$(QUIET)$(CXX) $(LINK_$(VARIANT)) -o $@ $^ $(LIBRARIES)

$(FOLDER)/shared.a: $(OBJECTS)
	$(QUIET)rm -f $@
	$(QUIET)ar rcs $@ $^

$(FOLDER)/%.o: %.cpp
	@mkdir -p $(@D)
	@echo '$(CXX) $<'
	$(QUIET)$(CXX) $(PURE_CXXFLAGS) $(FLAGS) -MMD -MP -c -o $@ $<

-include $(OBJECTS:.o=.d) $(patsubst %,$(FOLDER)/test/fuzz/%.d,$(TARGETS))
