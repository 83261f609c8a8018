# make bench: every figure of bench/README, side by side in one run.

BENCH_BIN := $(patsubst bench/%.c,$(O)/bench/%,$(wildcard bench/bench_*.c))

$(O)/bench/%: $(O)/bench/%.o $(LIB)
	@echo "  LD $@"
	@$(CC) $(ALLFLAGS) $(LDFLAGS) -o $@ $< $(LIB) $(LIBS)
$(O)/bench/%.o: private CFLAGS += -I.

bench: all $(BENCH_BIN)
	@echo "# one thread, CPU time, median (min-max) of 9"
	@$(O)/bench/bench_core
	@echo "# two and three processes"
	@if [ -x $(O)/bench/bench_vale ]; then $(O)/bench/bench_vale; fi
	@KIPFW_BIN=$(CURDIR)/bin bench/chain

.PHONY: bench
