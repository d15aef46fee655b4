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
override CFLAGS += $(SANITIZE_$(VARIANT))
BUILD    := build/$(VARIANT)
OBJECTS  := $(SOURCES:%.c=$(BUILD)/%.o)

.PHONY: all
all: $(LIBRARY) ## build prodkit.so in this folder (the default)

$(LIBRARY): build/release/$(LIBRARY)
	cp $< $@.new && mv $@.new $@

$(BUILD)/$(LIBRARY): $(OBJECTS)
	$(CC) -shared $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

-include $(OBJECTS:.o=.d)

# ---- tests ----

# Units and fuzz targets reach hidden names: they link the objects statically,
# with the system's SQLite as their host.
STATIC_OBJECTS := $(SOURCES:%.c=$(BUILD)/static/%.o)
UNITS := $(patsubst %.c,$(BUILD)/%,$(wildcard test/c/*_test.c))
STATIC_LIBS = $(shell $(PKG_CONFIG) --libs sqlite3 $(PACKAGES)) -lm

$(BUILD)/static/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -DSQLITE_CORE $(CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/test/c/%: test/c/%.c $(STATIC_OBJECTS)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -DSQLITE_CORE -Iext $(CFLAGS) -MMD -MP -o $@ $< $(STATIC_OBJECTS) \
	  $(STATIC_LIBS) -lcmocka -ldl

# Named by pattern rules only, they would be removed after their first use.
.SECONDARY: $(STATIC_OBJECTS)
-include $(STATIC_OBJECTS:.o=.d) $(UNITS:=.d)

# Everything that the suite runs in one variant.
.PHONY: variant
variant: $(BUILD)/$(LIBRARY) $(UNITS) ## build what the suite needs of VARIANT=release, asan, ubsan or sanitized

# tools/install-needed makes it, from the system's Python.
PYTHON := build/tools/bin/python
SUITE  := $(PYTHON) -m pytest -q -p no:cacheprovider

.PHONY: test asan ubsan valgrind
test: ## install what testing needs, build, run the whole suite
	tools/install-needed build test
	$(MAKE) CI=1 all
	$(MAKE) CI=1 variant
	$(MAKE) CI=1 variant VARIANT=sanitized
	$(SUITE)

asan ubsan: all ## run the suite under AddressSanitizer, or UndefinedBehaviorSanitizer
	$(MAKE) variant VARIANT=$@
	$(SUITE) --variant=$@

valgrind: ## run the suite under valgrind
	$(MAKE) variant
	$(SUITE) --variant=$@

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
	@$(MAKE) -s all
	@test/demo/demo

.PHONY: bench
bench: all ## measure against peers, in one run
	tools/install-needed build test
	$(MAKE) VARIANT=zlib LIBDEFLATE= build/zlib/$(LIBRARY)
	$(PYTHON) test/bench/bench.py

# Of the Pythons at hand, the system's is the one that loads extensions.
.PHONY: bench-advice
bench-advice: all ## measure index advice against the shell's .expert
	/usr/bin/python3 test/bench/advice.py

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
