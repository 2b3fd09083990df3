# SPDX-License-Identifier: MIT
# mgen. Everything that is built lies under build/.
#
#   make              libraries, tools, man pages       make demo         the whole chain on the embedded tunes
#   make check        all tests (under 15 minutes)      make check-long   the longer suites as well
#   make deps         install what is missing           make bench        speed, as NDJSON
#   make parity       FIXTURES=dir [ROOT=dir]           make fuzz         TARGET=name RUNS=n
#   make install      PREFIX= DESTDIR=                  make clean
#
# Variables: CC=clang, SAN=address,undefined, OPT=-O0, WERROR=1. A change of any of them rebuilds.

ifeq ($(origin CC),default)
CC      := gcc
endif
PREFIX  ?= /usr/local
OPT     ?= -O2
BUILD   ?= build
REAL    ?= float
JOBS    ?= $(shell nproc)

VERSION   := $(shell sed -n 's/^.define MG_VERSION "\(.*\)"/\1/p' lib/include/mgen/base.h)
SOVERSION := 0
ARCH      := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine 2>/dev/null)))

# ---- flags ----

PACKAGES := jansson libxxhash sndfile fluidsynth libebur128 zlib
TEST_PACKAGES := smf
WARN     := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wcast-qual -Wundef -Wvla
# No contraction and no reassociation: the same bits from every compiler and at any thread count.
FLAGS    := -std=gnu11 -g $(OPT) $(WARN) -fPIC -fvisibility=hidden -ffp-contract=off -fno-math-errno -fopenmp \
            -Ilib/include -Ilib -Itools -I. -I$(BUILD)/made -D_GNU_SOURCE -DMG_REAL_$(REAL)
SYSTEM   := $(shell pkg-config --cflags-only-I $(PACKAGES) $(TEST_PACKAGES) 2>/dev/null | sed 's/-I/-isystem /g')
LIBS     := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null) -ldnnl -lm
TEST_LIBS := $(shell pkg-config --libs $(TEST_PACKAGES) 2>/dev/null)
LINK     := -fopenmp -Wl,--as-needed
ifdef WERROR
FLAGS    += -Werror
endif
ifdef SAN
FLAGS    += -fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer
LINK     += -fsanitize=$(SAN)
endif

# ---- what there is ----

TOOLS     := $(patsubst tools/%.c,%,$(wildcard tools/mgen-*.c))
CLASSES   := baseline
CLASSES   += $(if $(filter x86_64,$(ARCH)),avx2 avx512)
FAST      := $(wildcard lib/kernel/fast/*.c)
DOUBLE_SRC := $(foreach r,base text kernel tensor op grad nn,$(wildcard lib/$r/*.c))
LIB_SRC   := $(filter-out $(FAST),$(wildcard lib/*/*.c)) $(wildcard models/*.c)
CLI_SRC   := $(wildcard tools/cli/*.c)
UNIT_SRC  := $(wildcard tests/unit/test_*.c)
FUZZ_SRC  := $(wildcard tests/fuzz/fuzz_*.c)
GRAD_SRC  := $(wildcard tests/grad/test_*.c)
PARITY_SRC := $(wildcard tests/parity/*.c)

march_baseline := $(if $(filter x86_64,$(ARCH)),-march=x86-64)
march_avx2     := -march=x86-64-v3
march_avx512   := -march=x86-64-v4 -mprefer-vector-width=512

O         := $(BUILD)/obj
LIB_OBJ   := $(LIB_SRC:%.c=$O/%.o) $(foreach c,$(CLASSES),$(FAST:%.c=$O/%.$c.o))
CLI_OBJ   := $(CLI_SRC:%.c=$O/%.o)
BIN       := $(TOOLS:%=$(BUILD)/bin/%)
UNIT_BIN  := $(UNIT_SRC:tests/unit/%.c=$(BUILD)/tests/unit/%)
BENCH_BIN := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(wildcard tests/bench/*.c))
FUZZ_BIN  := $(FUZZ_SRC:tests/fuzz/fuzz_%.c=$(BUILD)/tests/fuzz/test_%)
GRAD_BIN  := $(GRAD_SRC:tests/grad/%.c=$(BUILD)/tests/grad/%)
PARITY    := $(BUILD)/tests/parity/parity
DOUBLE    := $(BUILD)/double
STATIC    := $(BUILD)/lib/libmgen.a
SHARED    := $(BUILD)/lib/libmgen.so.$(SOVERSION)
MAN       := $(TOOLS:%=$(BUILD)/man/%.1) $(patsubst docs/man/%,$(BUILD)/man/%,$(wildcard docs/man/*.[57]))
COMPLETION := $(TOOLS:%=$(BUILD)/completion/bash/%) $(TOOLS:%=$(BUILD)/completion/zsh/_%)

.PHONY: all deps demo check check-long bench parity fuzz install clean lint tests
.DELETE_ON_ERROR:
.SECONDARY:

all: $(BIN) $(STATIC) $(BUILD)/lib/libmgen.so $(MAN) $(COMPLETION)

# ---- rules ----

# The flags of the last build: when they change, everything is older than they are.
FLAGS_NOW := $(CC) $(FLAGS) $(CFLAGS) $(LINK) $(LDFLAGS) $(CLASSES)
ifneq ($(strip $(file <$(BUILD)/flags)),$(strip $(FLAGS_NOW)))
$(shell mkdir -p $(BUILD))
$(file >$(BUILD)/flags,$(FLAGS_NOW))
endif

$O/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(FLAGS) $(CFLAGS) $(SYSTEM) -MMD -MP -c -o $@ $<

# The presets as rows PRESET(name, text).
PRESETS   := $(wildcard share/presets/*.json)
$(BUILD)/made/train/preset_list.inc: $(PRESETS)
	@mkdir -p $(@D)
	for p in $^; do echo "PRESET(\"$$(basename $$p .json)\","; sed 's/[\"]/\\&/g; s/.*/"&\\n"/' $$p; echo ')'; done > $@
$O/lib/train/preset.o: $(BUILD)/made/train/preset_list.inc

# A fast kernel is compiled once for every class; MG_CLASS says which.
define fast_rule
$O/%.$(1).o: %.c $(BUILD)/flags
	@mkdir -p $$(@D)
	$$(CC) $$(FLAGS) -O3 $$(CFLAGS) $(march_$(1)) -DMG_CLASS=$(1) -MMD -MP -c -o $$@ $$<
endef
$(foreach c,$(CLASSES),$(eval $(call fast_rule,$c)))

$(STATIC): $(LIB_OBJ)
	@mkdir -p $(@D)
	@rm -f $@
	$(AR) rcs $@ $^

$(SHARED): $(LIB_OBJ) lib/libmgen.map
	@mkdir -p $(@D)
	$(CC) -shared -Wl,-soname,libmgen.so.$(SOVERSION) -Wl,--version-script=lib/libmgen.map \
	  $(if $(SAN),,-Wl,-z,defs) -o $@ $(LIB_OBJ) $(LINK) $(LDFLAGS) $(LIBS)

$(BUILD)/lib/libmgen.so: $(SHARED)
	ln -sf libmgen.so.$(SOVERSION) $@

# The static library as it is installed: one object, in which names that are not public are local.
$(BUILD)/install/libmgen.a: $(LIB_OBJ)
	@mkdir -p $(@D)
	@rm -f $@
	$(LD) -r -o $(@D)/mgen.o $^
	objcopy --localize-hidden $(@D)/mgen.o
	$(AR) rcs $@ $(@D)/mgen.o

$(BUILD)/bin/%: $O/tools/%.o $(CLI_OBJ) $(STATIC)
	@mkdir -p $(@D)
	$(CC) -o $@ $(filter %.o,$^) $(STATIC) $(LINK) $(LDFLAGS) $(LIBS)

$(BUILD)/tests/unit/%: $O/tests/unit/%.o $(STATIC)
	@mkdir -p $(@D)
	$(CC) -o $@ $(filter %.o,$^) $(STATIC) $(LINK) $(LDFLAGS) $(TEST_LIBS) $(LIBS)

$(BUILD)/tests/unit/test_table: $(CLI_OBJ)

$(BUILD)/tests/fuzz/test_%: $O/tests/fuzz/fuzz_%.o $O/tests/fuzz/replay.o $(STATIC)
	@mkdir -p $(@D)
	$(CC) -o $@ $(filter %.o,$^) $(STATIC) $(LINK) $(LDFLAGS) $(LIBS)

$(PARITY): $(PARITY_SRC:%.c=$O/%.o) $(STATIC)
	@mkdir -p $(@D)
	$(CC) -o $@ $(filter %.o,$^) $(STATIC) $(LINK) $(LDFLAGS) $(LIBS)

# The compute core once more in double, in which gradients are checked.
$(DOUBLE)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(filter-out -DMG_REAL_%,$(FLAGS)) -DMG_REAL_double $(CFLAGS) $(SYSTEM) -MMD -MP -c -o $@ $<

$(DOUBLE)/libmgen.a: $(DOUBLE_SRC:%.c=$(DOUBLE)/%.o)
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/tests/grad/%: $(DOUBLE)/tests/grad/%.o $(DOUBLE)/libmgen.a
	@mkdir -p $(@D)
	$(CC) -o $@ $^ $(LINK) $(LDFLAGS) $(LIBS)

$(BUILD)/bench/%: $O/tests/bench/%.o $(STATIC)
	@mkdir -p $(@D)
	$(CC) -o $@ $(filter %.o,$^) $(STATIC) $(LINK) $(LDFLAGS) $(LIBS)

# The OPTIONS section of a man page comes from the tool's own table.
$(BUILD)/man/%.1: docs/man/%.1 $(BUILD)/bin/%
	@mkdir -p $(@D)
	$(BUILD)/bin/$* --help-mdoc > $@.options
	sed -e '/^\.\\" OPTIONS/{r $@.options' -e 'd}' -e 's/@VERSION@/$(VERSION)/' $< > $@
	@rm -f $@.options
$(BUILD)/man/%: docs/man/%
	@mkdir -p $(@D)
	sed 's/@VERSION@/$(VERSION)/' $< > $@

$(BUILD)/completion/bash/%: $(BUILD)/bin/%
	@mkdir -p $(@D)
	$< --help-bash > $@
$(BUILD)/completion/zsh/_%: $(BUILD)/bin/%
	@mkdir -p $(@D)
	$< --help-zsh > $@

-include $(shell find $O $(DOUBLE) -name '*.d' 2>/dev/null)

# ---- what people call ----

deps:
	@.ci/deps

lint:
	@tests/lint/run

tests: all $(UNIT_BIN) $(FUZZ_BIN) $(GRAD_BIN) $(PARITY)

parity:
	@[ -n "$(FIXTURES)" ] || { echo "make parity FIXTURES=dir [ROOT=dir]" >&2; exit 2; }
	@$(MAKE) --no-print-directory $(PARITY) >&2
	@$(PARITY) $(if $(ROOT),--root $(ROOT)) $(FIXTURES)

check: deps
	@$(MAKE) --no-print-directory -j$(JOBS) tests
	@BUILD=$(BUILD) tests/run

check-long:
	@.ci/deps long
	@$(MAKE) --no-print-directory -j$(JOBS) tests
	@BUILD=$(BUILD) LONG=1 tests/run

# For libFuzzer everything is compiled once more, by clang, with its instrumentation and the sanitizers.
RUNS      ?= 10000000
FUZZ      := $(BUILD)/fuzz
FUZZ_SAN  := address,undefined
fuzz:
	@.ci/deps long
	@[ -e tests/fuzz/fuzz_$(TARGET).c ] || { echo "TARGET is one of: $(FUZZ_SRC:tests/fuzz/fuzz_%.c=%)"; exit 2; }
	@$(MAKE) --no-print-directory CC=clang BUILD=$(FUZZ) SAN=fuzzer-no-link,$(FUZZ_SAN) OPT=-O1 -j$(JOBS) \
	  $(FUZZ)/lib/libmgen.a $(FUZZ)/obj/tests/fuzz/fuzz_$(TARGET).o
	clang -fsanitize=fuzzer,$(FUZZ_SAN) -o $(FUZZ)/fuzz_$(TARGET) $(FUZZ)/obj/tests/fuzz/fuzz_$(TARGET).o \
	  $(FUZZ)/lib/libmgen.a $(LINK) $(LIBS)
	@BUILD=$(BUILD) tests/fuzz/run $(TARGET) $(RUNS)

bench: all $(BENCH_BIN)
	@BUILD=$(BUILD) tests/bench/run

demo: deps
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@PATH=$(CURDIR)/$(BUILD)/bin:$$PATH share/experiments/demo.sh $(BUILD)/demo

install: all $(BUILD)/install/libmgen.a
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/include/mgen \
	  $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/mgen \
	  $(DESTDIR)$(PREFIX)/share/bash-completion/completions $(DESTDIR)$(PREFIX)/share/zsh/site-functions
	install $(BIN) $(DESTDIR)$(PREFIX)/bin
	install -m 644 $(BUILD)/install/libmgen.a $(DESTDIR)$(PREFIX)/lib
	install $(SHARED) $(DESTDIR)$(PREFIX)/lib/libmgen.so.$(SOVERSION)
	ln -sf libmgen.so.$(SOVERSION) $(DESTDIR)$(PREFIX)/lib/libmgen.so
	sed 's|@PREFIX@|$(PREFIX)|;s|@VERSION@|$(VERSION)|;s|@LIBS@|$(LIBS)|' lib/mgen.pc.in \
	  > $(DESTDIR)$(PREFIX)/lib/pkgconfig/mgen.pc
	install -m 644 lib/include/mgen/*.h $(DESTDIR)$(PREFIX)/include/mgen
	install -m 644 $(filter %.1,$(MAN)) $(DESTDIR)$(PREFIX)/share/man/man1
	for s in 5 7; do for m in $(BUILD)/man/*.$$s; do [ -e "$$m" ] || continue; \
	  install -d $(DESTDIR)$(PREFIX)/share/man/man$$s; \
	  install -m 644 "$$m" $(DESTDIR)$(PREFIX)/share/man/man$$s; done; done
	install -m 644 $(BUILD)/completion/bash/* $(DESTDIR)$(PREFIX)/share/bash-completion/completions
	install -m 644 $(BUILD)/completion/zsh/* $(DESTDIR)$(PREFIX)/share/zsh/site-functions
	cp -R share/* $(DESTDIR)$(PREFIX)/share/mgen

clean:
	rm -rf $(BUILD)
