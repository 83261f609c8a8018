# The index against the linear interpreter: test/oracle.
#
#	make oracle                     a million packets; part of make check
#	make fuzz-long PACKETS=N SEED=S  as many as there is time for

PACKETS	    ?= 100000000
SEED	    ?= 1
# Two firewalls; part of fuzz/fuzz_match as well.
ORACLE_WORLD := $(patsubst %,test/oracle/%.c,world side compare foretold recipe \
		traffic vocab)
# Rule sets as the world has them; part of bench/bench_match as well.
ORACLE_GEN  := test/oracle/genrules.c test/oracle/gentrace.c
ORACLE	    := $(O)/test/oracle/diff

$(O)/test/oracle/%.o: private CFLAGS += -I.
$(ORACLE): $(O)/test/oracle/diff.o $(ORACLE_WORLD:%.c=$(O)/%.o) $(LIB)
	$(LINK)

$(O)/test/oracle/bounds: $(O)/test/oracle/bounds.o $(ORACLE_GEN:%.c=$(O)/%.o) \
    $(LIB) | build/.deps-check
	$(LINK) -lcmocka -lm

oracle: $(ORACLE) $(O)/test/oracle/bounds
	@$(ORACLE)
	@$(O)/test/oracle/bounds
fuzz-long: $(ORACLE)
	@$(ORACLE) $(PACKETS) $(SEED)

.PHONY: oracle fuzz-long
