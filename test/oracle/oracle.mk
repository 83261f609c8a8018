# The index against the linear interpreter: test/oracle.
#
#	make oracle                     a million packets; part of make check
#	make fuzz-long PACKETS=N SEED=S  as many as there is time for

PACKETS	    ?= 100000000
SEED	    ?= 1
ORACLE_SRCS := $(wildcard test/oracle/*.c)
# Some are parts of the targets in fuzz/ as well.
ORACLE_PARTS := $(filter-out test/oracle/diff.c,$(ORACLE_SRCS))
ORACLE	    := $(O)/test/oracle/diff

$(O)/test/oracle/%.o: private CFLAGS += -I.
$(ORACLE): $(ORACLE_SRCS:%.c=$(O)/%.o) $(LIB)
	$(LINK)

oracle: $(ORACLE)
	@$(ORACLE)
fuzz-long: $(ORACLE)
	@$(ORACLE) $(PACKETS) $(SEED)

.PHONY: oracle fuzz-long
