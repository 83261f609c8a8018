# Fuzzing of everything that reads what others wrote.
#
#	make fuzz-build             build/fuzz/fuzz_*, one a fuzz/fuzz_*.c
#	make fuzz-replay            each corpus once; part of make check
#	make fuzz FUZZ_TIME=60      look for new trouble, seconds a target;
#	                            what was found stays in build/fuzz/found
#
# The corpus of fuzz_x is fuzz/corpus/x.  A crash goes there for good, with its
# fix.  The library is built apart, instrumented; functions that a target
# defines itself (a stand-in for the engine) hide those of the library.  Warnings
# are the normal builds' business.

FUZZ_CC	  ?= clang-14
FUZZ_TIME ?= 60
FUZZ_O	  := build/fuzz
FUZZ_SAN  := address,undefined
FUZZ_CFLAGS = -std=gnu11 -g -O1 -w -pthread -D_GNU_SOURCE \
	      -DKIPFW_VERSION='"$(VERSION)"' -DURCU_INLINE_SMALL_FUNCTIONS \
	      -fno-omit-frame-pointer -fno-sanitize-recover=all \
	      -Iinclude -Isrc -Itest/unit -Ifuzz -I.
FUZZ_OBJS := $(SRCS:%.c=$(FUZZ_O)/obj/%.o)
FUZZ_LIB  := $(FUZZ_O)/libkipfw.a
FUZZ_BINS := $(patsubst fuzz/%.c,$(FUZZ_O)/%,$(wildcard fuzz/fuzz_*.c))

$(FUZZ_O)/obj/%.o: %.c Makefile fuzz/fuzz.mk | $(DEPS) build/.deps-check
	@mkdir -p $(@D)
	@echo "  FUZZ-CC $<"
	@$(FUZZ_CC) $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link,$(FUZZ_SAN) \
	    -MMD -MP -c -o $@ $<

$(FUZZ_LIB): $(FUZZ_OBJS)
	@rm -f $@ && ar rcs $@ $^

$(FUZZ_BINS): $(FUZZ_O)/%: $(FUZZ_O)/obj/fuzz/%.o $(FUZZ_LIB)
	@echo "  FUZZ-LD $@"
	@$(FUZZ_CC) $(FUZZ_CFLAGS) -fsanitize=fuzzer,$(FUZZ_SAN) -o $@ \
	    $(filter %.o,$^) $(FUZZ_LIB) $(LIBS)

$(FUZZ_O)/fuzz_match: $(ORACLE_WORLD:%.c=$(FUZZ_O)/obj/%.o)

fuzz-build: $(FUZZ_BINS)

fuzz-replay: fuzz-build
	@prove -e '' test/system/fuzz.t

# A work folder keeps what was found; the seeds are only read.
fuzz: fuzz-build
	@for t in $(FUZZ_BINS); do \
		n=$${t##*/fuzz_}; \
		mkdir -p $(FUZZ_O)/found/$$n fuzz/corpus/$$n; \
		echo "  FUZZ $$n, $(FUZZ_TIME) s"; \
		$$t -max_total_time=$(FUZZ_TIME) -timeout=10 \
		    -rss_limit_mb=2048 -print_final_stats=1 \
		    -artifact_prefix=$(FUZZ_O)/found/crash-$$n- \
		    $(FUZZ_O)/found/$$n fuzz/corpus/$$n || exit 1; \
	done

.PHONY: fuzz fuzz-build fuzz-replay
