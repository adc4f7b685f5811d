# Builds the programs of the benchmark into the folder BENCH. They use base, aws and masking only.

include test/flags.mk

BENCH ?= build/bench
# Only what they use, so that they do not wait for the rest: keyring and mask bring each other in.
FLOOR := $(wildcard src/base/*.cpp) src/aws/sigv4.cpp src/aws/credentials.cpp test/bench/floor.cpp
MASK_COST := $(wildcard src/base/*.cpp src/masking/*.cpp) test/bench/mask_cost.cpp
objects = $(patsubst %.cpp,$(BENCH)/%.o,$(1))

all: $(BENCH)/floor $(BENCH)/mask_cost

$(BENCH)/floor: $(call objects,$(FLOOR))
	$(CXX) -o $@ $^ -lcurl -lcrypto

$(BENCH)/mask_cost: $(call objects,$(MASK_COST))
	$(CXX) -o $@ $^ -lcrypto

$(BENCH)/%.o: %.cpp
	@mkdir -p $(@D)
	$(CXX) $(PURE_CXXFLAGS) -MMD -MP -c -o $@ $<

-include $(patsubst %.o,%.d,$(call objects,$(FLOOR) $(MASK_COST)))
.PHONY: all
