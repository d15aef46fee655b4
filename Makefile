# prodkit: `make help` lists the targets.

# ---- what is built ----

VERSION := $(shell sed -n 's/.*PRODKIT_VERSION "\(.*\)"/\1/p' ext/prodkit.h)
PREFIX  ?= /usr/local
ifeq ($(shell uname -s),Darwin)
  LIBRARY := prodkit.dylib
else
  LIBRARY := prodkit.so
endif

CC         ?= cc
PKG_CONFIG ?= pkg-config
OPTIMIZE   ?= -O2 -g
# A field that a declaration leaves out is zero, and says so by its absence.
WARNINGS   := -Wall -Wextra -Wpedantic -Wshadow -Wmissing-prototypes \
              -Wno-missing-field-initializers
ifdef CI
  WARNINGS += -Werror
endif

# libdeflate compresses several times faster than zlib; used where it is found.
LIBDEFLATE := $(shell $(PKG_CONFIG) --exists libdeflate 2>/dev/null && echo libdeflate)
PACKAGES   := zlib $(LIBDEFLATE)

# V=1 shows the commands.
ifndef V
  Q   := @
  SAY := @echo ' '
else
  SAY := @:
endif

override CPPFLAGS += $(shell $(PKG_CONFIG) --cflags sqlite3 $(PACKAGES) 2>/dev/null) \
                     $(if $(LIBDEFLATE),-DPK_HAVE_LIBDEFLATE)
override CFLAGS   += -std=c11 $(OPTIMIZE) $(WARNINGS) -fPIC -fvisibility=hidden -pthread
# prodkit runs in the host's SQLite: it is never linked to one.
LIBS = $(shell $(PKG_CONFIG) --libs $(PACKAGES) 2>/dev/null) -lm

SOURCES := $(wildcard ext/*.c ext/*/*.c)

# A variant is one way of compiling the same sources, in a folder of its own:
# release, or a sanitizer's. The library of all but `release` stays in there.
VARIANT  ?= release
SANITIZE_asan      := -fsanitize=address
SANITIZE_ubsan     := -fsanitize=undefined -fno-sanitize-recover=undefined
SANITIZE_sanitized := $(SANITIZE_asan) $(SANITIZE_ubsan)
SANITIZE_fuzz      := -fsanitize=fuzzer-no-link $(SANITIZE_sanitized)
SANITIZE_tsan      := -fsanitize=thread
override CFLAGS += $(SANITIZE_$(VARIANT))
BUILD    := build/$(VARIANT)
OBJECTS  := $(SOURCES:%.c=$(BUILD)/%.o)

.PHONY: all
all: $(LIBRARY) ## build prodkit.so in this folder (the default)

$(LIBRARY): build/release/$(LIBRARY)
	cp $< $@.new && mv $@.new $@

$(BUILD)/$(LIBRARY): $(OBJECTS)
	$(SAY) link $@
	$(Q)$(CC) -shared $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(SAY) compile $<
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

-include $(OBJECTS:.o=.d)

# ---- tests ----

# Units and fuzz targets reach hidden names: they link the static library, with
# the system's SQLite as their host.
STATIC_OBJECTS := $(SOURCES:%.c=$(BUILD)/static/%.o)
UNITS := $(patsubst %.c,$(BUILD)/%,$(wildcard test/c/*_test.c))
STATIC_LIBS = $(shell $(PKG_CONFIG) --libs sqlite3 $(PACKAGES)) -lm

$(BUILD)/static/%.o: %.c
	@mkdir -p $(@D)
	$(SAY) compile $@
	$(Q)$(CC) $(CPPFLAGS) -DSQLITE_CORE $(CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/libprodkit.a: $(STATIC_OBJECTS)
	$(SAY) archive $@
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/test/c/%: test/c/%.c $(BUILD)/libprodkit.a
	@mkdir -p $(@D)
	$(SAY) link $@
	$(Q)$(CC) $(CPPFLAGS) -DSQLITE_CORE -Iext $(CFLAGS) -MMD -MP -o $@ $< \
	  $(BUILD)/libprodkit.a $(STATIC_LIBS) -lcmocka -ldl

# System calls that fail; preloaded into a host.
build/test/faults.so: test/faults/faults.c
	@mkdir -p $(@D)
	$(SAY) link $@
	$(Q)$(CC) -shared $(CFLAGS) -fvisibility=default -o $@ $< -ldl

# Hosts with another SQLite than the system's, of sources that install-needed
# fetches. Compiling takes longer than all that they run: not optimized.
HOST_oldest := sqlite-3.34.0 -DSQLITE_USE_URI=1 -DSQLITE_ENABLE_JSON1 \
               -DSQLITE_ENABLE_DBSTAT_VTAB -DSQLITE_ENABLE_STMTVTAB
HOST_newest := sqlite-3.54.1 -DSQLITE_USE_URI=1 -DSQLITE_ENABLE_STAT4 \
               -DSQLITE_ENABLE_DBSTAT_VTAB -DSQLITE_ENABLE_STMTVTAB \
               -DSQLITE_ENABLE_API_ARMOR -DSQLITE_THREADSAFE=2 \
               -DSQLITE_DEFAULT_FOREIGN_KEYS=1
# With the options that sqlite.org/compile.html recommends.
HOST_lean   := sqlite-3.54.1 -DSQLITE_USE_URI=0 -DSQLITE_OMIT_JSON \
               -DSQLITE_OMIT_PROGRESS_CALLBACK -DSQLITE_OMIT_TRACE \
               -DSQLITE_DEFAULT_MEMSTATUS=0 -DSQLITE_DQS=0 -DSQLITE_THREADSAFE=0 \
               -DSQLITE_OMIT_DECLTYPE -DSQLITE_OMIT_DEPRECATED \
               -DSQLITE_OMIT_SHARED_CACHE -DSQLITE_OMIT_AUTOINIT \
               -DSQLITE_LIKE_DOESNT_MATCH_BLOBS -DSQLITE_MAX_EXPR_DEPTH=0 \
               -DSQLITE_USE_ALLOCA -DSQLITE_STRICT_SUBTYPE=1 \
               -DSQLITE_DEFAULT_WAL_SYNCHRONOUS=1
host_source = build/tools/$(firstword $(HOST_$*))

build/test/host-%: test/hosts/bare_host.c Makefile
	@mkdir -p $(@D)
	$(SAY) link $@
	$(Q)$(CC) -w -I$(host_source) $(wordlist 2,99,$(HOST_$*)) -o $@ $< \
	  $(host_source)/sqlite3.c -lpthread -ldl -lm

-include $(STATIC_OBJECTS:.o=.d) $(UNITS:=.d)

# A fuzz target with libFuzzer's main, or with one that replays a corpus.
FUZZERS := $(patsubst %.c,$(BUILD)/%,$(wildcard test/fuzz/*_fuzz.c))
FUZZ_MAIN := $(if $(filter fuzz,$(VARIANT)),-fsanitize=fuzzer,test/fuzz/replay.c)

$(BUILD)/test/fuzz/%: test/fuzz/%.c test/fuzz/replay.c $(BUILD)/libprodkit.a
	@mkdir -p $(@D)
	$(SAY) link $@
	$(Q)$(CC) $(CPPFLAGS) -DSQLITE_CORE -Iext $(CFLAGS) -o $@ $< $(FUZZ_MAIN) \
	  $(BUILD)/libprodkit.a $(STATIC_LIBS)

.PHONY: fuzzers
fuzzers: $(FUZZERS) ## build the fuzz targets of VARIANT

# Everything that the suite runs in one variant.
.PHONY: variant
variant: $(BUILD)/$(LIBRARY) $(UNITS) ## build what the suite needs of VARIANT=release, asan, ubsan or sanitized

# tools/install-needed makes it, from the system's Python.
PYTHON := build/tools/bin/python
SUITE  := $(PYTHON) -m pytest -q -p no:cacheprovider

PARALLEL := --no-print-directory -j $(shell getconf _NPROCESSORS_ONLN)

.PHONY: test asan ubsan valgrind
test: ## install what testing needs, build, run the whole suite
	tools/install-needed build test
	$(MAKE) $(PARALLEL) CI=1 all variant
	$(MAKE) $(PARALLEL) CI=1 variant VARIANT=sanitized
	$(SUITE)

asan ubsan: all ## run the suite under AddressSanitizer, or UndefinedBehaviorSanitizer
	$(MAKE) variant VARIANT=$@
	$(SUITE) --variant=$@

valgrind: ## run the suite under valgrind
	$(MAKE) variant
	$(SUITE) --variant=$@

TORTURE_SECONDS ?= 300
.PHONY: torture
torture: all ## back up under writers and checkpoints for TORTURE_SECONDS (300)
	tools/install-needed build test
	$(MAKE) variant
	/usr/bin/python3 test/torture/backup_torture.py --extension $(LIBRARY) \
	  --seconds $(TORTURE_SECONDS) --at-least $(TORTURE_SECONDS)
	$(SUITE) test/torture/large_source.py

FUZZ_SECONDS ?= 60
.PHONY: fuzz
fuzz: ## fuzz each target of test/fuzz for FUZZ_SECONDS (60), with clang
	$(MAKE) CC=clang VARIANT=fuzz fuzzers
	@for target in $(patsubst test/fuzz/%_fuzz.c,%,$(wildcard test/fuzz/*_fuzz.c)); do \
	  mkdir -p build/fuzz/corpus/$$target && \
	  build/fuzz/test/fuzz/$${target}_fuzz -max_total_time=$(FUZZ_SECONDS) \
	    -max_len=16384 -artifact_prefix=build/fuzz/ -print_final_stats=1 \
	    build/fuzz/corpus/$$target test/fuzz/corpus/$$target || exit 1; \
	done

.PHONY: check-symbols
check-symbols: all ## check that the library exports its entry point only
	$(SUITE) test/test_names.py -k 'exported or linked'

.PHONY: tidy format
tidy: ## static analysis by cppcheck, and the formatting
	cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,performance,portability \
	  --inline-suppr --suppress=missingIncludeSystem -j2 ext
	clang-format --dry-run --Werror $(FORMATTED)

FORMATTED = $(wildcard ext/*.[ch] ext/*/*.[ch] test/*/*.[ch])
format: ## format the C sources
	clang-format -i $(FORMATTED)

# ---- use ----

.PHONY: demo
demo: ## install what building needs, build, and show the main job
	@tools/install-needed build
	@$(MAKE) -s $(PARALLEL) all
	@test/demo/demo

.PHONY: bench
bench: all ## measure against peers, in one run
	tools/install-needed build test
	$(MAKE) VARIANT=zlib LIBDEFLATE= build/zlib/$(LIBRARY)
	$(MAKE) build/release/test/bench/watching
	$(PYTHON) test/bench/bench.py

# A host that loads prodkit.so, as an application does.
$(BUILD)/test/bench/%: test/bench/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -o $@ $< $(shell $(PKG_CONFIG) --libs sqlite3)

.PHONY: bench-advice
bench-advice: all ## measure index advice against the shell's .expert
	tools/install-needed build test
	$(PYTHON) test/bench/advice.py

.PHONY: install uninstall
install: all ## install the library and its header (PREFIX, DESTDIR)
	install -d $(DESTDIR)$(PREFIX)/lib $(DESTDIR)$(PREFIX)/include
	install -m 755 $(LIBRARY) $(DESTDIR)$(PREFIX)/lib/$(LIBRARY)
	install -m 644 ext/prodkit.h $(DESTDIR)$(PREFIX)/include/prodkit.h

uninstall: ## remove what install installed
	rm -f $(DESTDIR)$(PREFIX)/lib/$(LIBRARY) $(DESTDIR)$(PREFIX)/include/prodkit.h

.PHONY: clean help
clean: ## remove everything that was built
	rm -rf build $(LIBRARY) demo.db demo.db-wal demo.db-shm

help: ## list the targets
	@sed -n 's/^\([a-z][a-z -]*\):[^=].*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | \
	  while IFS='|' read -r names text; do for name in $$names; do \
	    printf '  %-14s %s\n' "$$name" "$$text"; done; done
