# make check: every test, through prove (TAP).  make check-unit: the quick part.
#
# Unit tests run as ASan+UBSan builds; those that share memory between threads
# or processes run once more under TSan; system tests and the differential test
# of test/oracle use the release build.

CHECK_UNIT := $(patsubst %.c,build/asan/%,$(wildcard test/unit/test_*.c))
TSAN_NAMES := $(wildcard test/unit/test_vale*.c test/unit/test_nmport.c \
	      test/unit/test_state.c \
	      test/unit/test_forward.c test/unit/test_sweep.c \
	      test/unit/test_engine.c test/unit/test_server.c \
	      test/unit/test_reindex.c \
	      test/unit/test_msgring.c test/unit/test_diverter.c)
CHECK_TSAN := $(patsubst %.c,build/tsan/%,$(TSAN_NAMES))
CHECK_ORACLE := build/release/test/oracle/diff build/release/test/oracle/bounds
CHECK_T	   := $(wildcard test/arch/*.t test/system/*.t)
PROVE	   := CMOCKA_MESSAGE_OUTPUT=TAP KIPFW_BIN=$(CURDIR)/bin \
	      prove --timer -e ''

# Compilers of the whole machine; tests still run one after the other.
PAR := $(MAKE) --no-print-directory -j$(shell nproc)

check: check-build
	@$(PROVE) $(CHECK_UNIT) $(CHECK_TSAN) $(CHECK_ORACLE) $(CHECK_T)

check-build: build/.deps-check
	@$(PAR) all rig $(CHECK_ORACLE)
	@$(PAR) BUILD=asan unit rig all
	@$(PAR) BUILD=tsan $(CHECK_TSAN)
	@$(PAR) fuzz-build

check-unit: build/.deps-check
	@$(PAR) BUILD=asan unit
	@$(PROVE) $(CHECK_UNIT)

.PHONY: check check-build check-unit
