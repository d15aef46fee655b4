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
WARNINGS   := -Wall -Wextra -Wpedantic -Wshadow -Wmissing-prototypes
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
