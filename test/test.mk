# make check: every test, through prove (TAP).  make check-unit: the quick part.
#
# Unit tests run as ASan+UBSan builds; those that share memory between threads
# or processes run once more under TSan; system tests and the differential test
# of test/oracle use the release build.  Those of test/net make networks of their
# own, which only root may: 'make check' has them if it runs as root.

CHECK_UNIT := $(patsubst %.c,build/asan/%,$(wildcard test/unit/test_*.c))
TSAN_NAMES := $(wildcard test/unit/test_vale*.c test/unit/test_nmport.c \
	      test/unit/test_state.c \
	      test/unit/test_forward.c test/unit/test_sweep.c \
	      test/unit/test_engine.c test/unit/test_server.c \
	      test/unit/test_reindex.c \
	      test/unit/test_nmapi_io.c test/unit/test_nmapi_many.c \
	      test/unit/test_nmapi_loop.c \
	      test/unit/test_msgring.c test/unit/test_diverter.c \
	      test/unit/test_writer.c)
CHECK_TSAN := $(patsubst %.c,build/tsan/%,$(TSAN_NAMES))
CHECK_ORACLE := build/release/test/oracle/diff build/release/test/oracle/bounds
# A netmap program that knows nothing of us, for test/system/netmap.t.
FOREIGN	   := build/release/test/foreign/test_nmapi \
	      build/release/test/foreign/test_nmapi_io \
	      build/release/test/foreign/test_nmapi_many \
	      build/release/test/foreign/test_nmapi_loop
CHECK_T	   := $(wildcard test/arch/*.t test/system/*.t)
CHECK_NET  := $(wildcard test/net/*.t)
IS_ROOT    := $(filter 0,$(shell id -u))
# Those of test/net mostly wait: they run beside each other (testrules.yml).
BESIDE	   := -j3
PROVE	   := KIPFW_BIN=$(CURDIR)/bin test/run

# Compilers of the whole machine; tests still run one after the other.
PAR := $(MAKE) --no-print-directory -j$(shell nproc)

check: check-build
	@$(if $(IS_ROOT),:,echo "test/net is NOT run: it makes network \
	namespaces, as root: make check-net")
	@$(PROVE) $(BESIDE) $(CHECK_UNIT) $(CHECK_TSAN) $(CHECK_ORACLE) $(CHECK_T) \
	    $(if $(IS_ROOT),$(CHECK_NET))

# Real interfaces; BUILD=asan has that build's programs in it, on smaller files.
check-net: all build/.deps-check
	@$(if $(IS_ROOT),:,echo "check-net: only root can make networks"; exit 77)
	@NET_MEGABYTES=$(if $(filter asan tsan,$(BUILD)),10,100) \
	    KIPFW_BIN=$(CURDIR)/$(BIN) test/run $(BESIDE) $(CHECK_NET)

$(O)/test/foreign/%: test/unit/%.c | build/.deps-check
	@mkdir -p $(@D); echo "  LD $@"
	@$(CC) $(ALLFLAGS) $(LDFLAGS) -DOVER_LIBC -MMD -MP -o $@ $< -lcmocka

check-build: build/.deps-check
	@$(PAR) all rig $(CHECK_ORACLE) $(FOREIGN)
	@$(PAR) BUILD=asan unit rig all
	@$(PAR) BUILD=tsan $(CHECK_TSAN)
	@$(PAR) fuzz-build

check-unit: build/.deps-check
	@$(PAR) BUILD=asan unit
	@$(PROVE) $(CHECK_UNIT)

.PHONY: check check-build check-unit check-net
