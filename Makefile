# kipfw: one makefile, no configure.  GNU make.
#
#	make            the programs, in ./bin
#	make demo       pkt-gen -> valeA -> kipfw -> valeB -> pkt-gen, live
#	make check      every test; ends with prove's closing lines
#	make bench      the figures of bench/README
#	make install    PREFIX, DESTDIR
#
#	BUILD=release|dev|asan|tsan|cov   variants live side by side in build/
#	CC=gcc|clang-14                   both are kept free of warnings
#	NETMAP_INC=DIR                    accepted as in the original; only the
#	                                  kernel-netmap port would use it

BUILD	?= release
PREFIX	?= /usr/local
DESTDIR	?=
VERSION	:= 0.1

# The programs that users call.  BIN can be moved by the test variants.
O	:= build/$(BUILD)$(if $(filter clang%,$(CC)),-clang)
BIN	:= $(if $(filter build/release,$(O)),bin,$(O)/bin)
PROGS	:= kipfw ipfw dnctl pkt-gen vale-ctl

WARN	:= -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	   -Wpointer-arith -Wcast-qual -Wcast-align -Wwrite-strings -Wvla \
	   -Wformat=2 -Werror
CORE	:= packet rule table state nat pipe
FLAGS_release := -O3 -DNDEBUG
FLAGS_dev     := -O1 -g3
FLAGS_asan    := -O1 -g -fsanitize=address,undefined \
		 -fno-sanitize-recover=all -fno-omit-frame-pointer
FLAGS_tsan    := -O1 -g -fsanitize=thread
FLAGS_cov     := -O0 -g --coverage
ifeq ($(FLAGS_$(BUILD)),)
$(error BUILD=$(BUILD) is none of release, dev, asan, tsan, cov)
endif
CFLAGS	?=
ALLFLAGS = -std=gnu11 -g $(WARN) $(FLAGS_$(BUILD)) -pthread -D_GNU_SOURCE \
	   -DKIPFW_VERSION='"$(VERSION)"' -DURCU_INLINE_SMALL_FUNCTIONS \
	   $(if $(NETMAP_INC),-DNETMAP_INC='"$(NETMAP_INC)"') \
	   -Iinclude -Isrc $(CFLAGS)
$(foreach d,$(CORE),$(eval $(O)/src/$(d)/%.o: private WARN += -Wconversion))

LIBS	= $(shell pkg-config --libs liburcu-qsbr libevent_core libxdp \
	  libbpf zlib)

MAINS	:= src/daemon/kipfw.c src/cli/ipfw.c src/tools/pkt-gen.c \
	   src/tools/vale-ctl.c src/tools/netmap-nic.c
# What takes libc's names is for the preload library alone.
PRELOAD	:= $(wildcard src/nmapi/preload*.c)
SRCS	:= $(filter-out $(MAINS) $(PRELOAD),$(wildcard src/*/*.c))
LIB	:= $(O)/libkipfw.a
UNIT	:= $(patsubst %.c,$(O)/%,$(wildcard test/unit/test_*.c))
DEPS	:= build/.deps-build

, := ,
.DELETE_ON_ERROR:
.SECONDARY:
all: $(addprefix $(BIN)/,$(PROGS)) $(BIN)/netmap-run $(BIN)/libnetmap-user.so \
     $(BIN)/netmap-nic

$(DEPS): dist/install-deps
	@mkdir -p build
	@dist/install-deps build && touch $@
build/.deps-check: dist/install-deps | $(DEPS)
	@mkdir -p build
	@dist/install-deps check && touch $@

$(O)/%.o: %.c Makefile | $(DEPS)
	@mkdir -p $(@D)
	@echo "  CC $<"
	@$(CC) $(ALLFLAGS) -MMD -MP -c -o $@ $<

$(LIB): $(SRCS:%.c=$(O)/%.o)
	@rm -f $@ && ar rcs $@ $^

LINK	= @mkdir -p $(@D); echo "  LD $@"; \
	  $(CC) $(ALLFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LIB) $(LIBS)
$(BIN)/kipfw: $(O)/src/daemon/kipfw.o $(LIB)
	$(LINK)
$(BIN)/ipfw: $(O)/src/cli/ipfw.o $(LIB)
	$(LINK)
$(BIN)/pkt-gen: $(O)/src/tools/pkt-gen.o $(LIB)
	$(LINK)
$(BIN)/vale-ctl: $(O)/src/tools/vale-ctl.o $(LIB)
	$(LINK)
$(BIN)/netmap-nic: $(O)/src/tools/netmap-nic.o $(LIB)
	$(LINK)
$(BIN)/dnctl: $(BIN)/ipfw
	@ln -sf ipfw $@

# netmap's API for programs that were written for the kernel module: what of
# the sources it needs, once more as position-independent code.
SO_SRCS	:= $(wildcard src/nmapi/*.c src/vale/*.c) src/base/err.c src/port/nic.c
$(O)/pic/%.o: %.c Makefile | $(DEPS)
	@mkdir -p $(@D)
	@echo "  CC $< (pic)"
	@$(CC) $(ALLFLAGS) -fPIC -fvisibility=hidden -ftls-model=initial-exec \
	    -MMD -MP -c -o $@ $<
$(BIN)/libnetmap-user.so: $(SO_SRCS:%.c=$(O)/pic/%.o)
	@mkdir -p $(@D); echo "  LD $@"
	@$(CC) $(ALLFLAGS) $(LDFLAGS) -shared -Wl,-soname,libnetmap-user.so \
	    $(if $(filter release dev cov,$(BUILD)),-Wl$(,)-z$(,)defs) \
	    -o $@ $^ -ldl
$(BIN)/netmap-run: dist/netmap-run
	@mkdir -p $(@D); install -m 755 $< $@

# Unit tests: one program a file, TAP from cmocka.
$(O)/test/unit/%: $(O)/test/unit/%.o $(LIB) | build/.deps-check
	@echo "  LD $@"
	@$(CC) $(ALLFLAGS) $(LDFLAGS) -o $@ $< $(LIB) $(LIBS) -lcmocka -lpcap -lm
unit: $(UNIT)

# The engine without threads, for tests in Python.
$(O)/test/rig/rig: $(O)/test/rig/rig.o $(LIB)
	$(LINK)
rig: $(O)/test/rig/rig

clean:
	rm -rf bin build

-include test/test.mk test/oracle/oracle.mk bench/bench.mk fuzz/fuzz.mk dist/dist.mk
-include $(shell find build -name '*.d' 2>/dev/null)
.PHONY: all unit rig clean
