# Builds the module of the border's tests: VARIANT/guard_test.so.

include test/flags.mk

$(VARIANT)/guard_test.so: test/guard/guard_functions.cpp src/pg/guard.cpp $(wildcard src/pg/*.h src/base/*.h)
	@mkdir -p $(@D)
	$(CXX) $(SERVER_CXXFLAGS) -fPIC -shared -o $@ $(filter %.cpp,$^)
