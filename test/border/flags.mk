# Prints a variable of test/flags.mk: make -f test/border/flags.mk PURE_CXXFLAGS

include test/flags.mk

.PHONY: %
%:
	@echo '$($@)'
