# make bench: every figure of bench/README, side by side in one run.

BENCH_BIN := $(patsubst bench/%.c,$(O)/bench/%,$(wildcard bench/bench_*.c))

$(O)/bench/%: $(O)/bench/%.o $(LIB)
	@echo "  LD $@"
	@$(CC) $(ALLFLAGS) $(LDFLAGS) -o $@ $< $(LIB) $(LIBS)
$(O)/bench/%.o: private CFLAGS += -I.
# Those that generate their rules.
$(O)/bench/bench_match $(O)/bench/bench_replay: $(O)/bench/%: $(O)/bench/%.o \
    $(ORACLE_GEN:%.c=$(O)/%.o) $(LIB)
	$(LINK) -lm

bench: all $(BENCH_BIN)
	@echo "# one thread, CPU time, median (min-max) of 9"
	@$(O)/bench/bench_core
	@$(O)/bench/bench_match
	@$(O)/bench/bench_table
	@$(O)/bench/bench_state
	@$(O)/bench/bench_pipe
	@$(O)/bench/bench_replay
	@echo "# the control path"
	@KIPFW_BIN=$(CURDIR)/$(BIN) bench/rules
	@KIPFW_BIN=$(CURDIR)/$(BIN) bench/timers
	@echo "# two and three processes"
	@$(O)/bench/bench_vale
	@KIPFW_BIN=$(CURDIR)/$(BIN) BENCH_VALE=$(O)/bench/bench_vale bench/chain
	@echo "# netmap's API: programs of netmap's, and ours"
	@KIPFW_BIN=$(CURDIR)/$(BIN) bench/netmap
	@$(MAKE) --no-print-directory bench-net

# Between network namespaces, beside the kernel's bridge.
bench-net: all $(O)/bench/bench_wire | build/.deps-check
	@echo "# network namespaces, beside the kernel's bridge"
	@KIPFW_BIN=$(CURDIR)/$(BIN) BENCH_WIRE=$(O)/bench/bench_wire bench/net

.PHONY: bench bench-net
