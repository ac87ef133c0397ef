# axond - two commands: `make run` and `make test`. `make help` lists the rest.
.DEFAULT_GOAL := all
MAKEFLAGS += --no-builtin-rules
SHELL := /bin/bash

## ---- knobs: make SAN=address,undefined test · make T=softmax test · make V=1 -------------------
CC      ?= cc
ifeq ($(origin CC),default)
CC      := gcc
endif
OPT     ?= -O2
SAN     ?=
WERROR  ?= $(if $(CI),1)
PREFIX  ?= /usr/local
T       ?=
comma   := ,
ARCH    := $(shell $(CC) -dumpmachine | cut -d- -f1)
VERSION := 0.1.0
REVISION := $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
B       := build/$(if $(filter-out $(shell uname -m),$(ARCH)),$(ARCH)-)$(if $(SAN),$(subst $(comma),-,$(SAN)),release)
Q       := $(if $(V),,@)

PKGS    := jansson libmicrohttpd openblas
PKGCONF := $(if $(filter $(shell uname -m),$(ARCH)),pkg-config,$(shell $(CC) -dumpmachine)-pkg-config)
WARN    := -Wall -Wextra -Wconversion -Wshadow -Wdouble-promotion -Wvla -Wstrict-prototypes \
           -Wmissing-prototypes -Wformat=2 -Wundef $(if $(WERROR),-Werror)
HARDEN  := -fstack-protector-strong -fPIE $(if $(SAN),,-D_FORTIFY_SOURCE=2)
CFLAGS  += -std=gnu11 $(OPT) -g $(WARN) $(HARDEN) -pthread -fvisibility=hidden -ffp-contract=off \
           $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer)
CPPFLAGS += -D_GNU_SOURCE -Iinclude -Ilib -Iserver -I$B/gen $(shell $(PKGCONF) --cflags $(PKGS) 2>/dev/null)
LDFLAGS += -pie -pthread -Wl,-z,relro,-z,now,--as-needed $(if $(SAN),-fsanitize=$(SAN))
LDLIBS  += $(shell $(PKGCONF) --libs $(PKGS) 2>/dev/null) -lm

## ---- what is built from what --------------------------------------------------------------------
ISA.x86_64     := baseline avx2 avx512
ISA.aarch64    := baseline
FLAGS.baseline :=
FLAGS.avx2     := -mavx2 -mfma
FLAGS.avx512   := -mavx512f -mavx512vl -mavx512dq -mavx512bw -mfma -mprefer-vector-width=512
ISAS           := $(ISA.$(ARCH))

LIB_SRC  := $(filter-out lib/kernels/kernels.c,$(wildcard lib/*.c lib/kernels/*.c))
LIB_OBJ  := $(LIB_SRC:%.c=$B/%.o) $(ISAS:%=$B/lib/kernels/kernels.%.o)
SRV_OBJ  := $(patsubst %.c,$B/%.o,$(filter-out server/main.c,$(wildcard server/*.c server/*/*.c)))
# Unit tests mirror the sources: test_lib_*.c link the core alone, test_server_*.c all but main.
ORACLE_OBJ := $(patsubst %.c,$B/%.o,$(wildcard tests/oracle/*.c))
UNIT_LIB := $(patsubst %.c,$B/%,$(wildcard tests/unit/test_lib_*.c))
UNIT_SRV := $(patsubst %.c,$B/%,$(wildcard tests/unit/test_server_*.c))
UNIT     := $(UNIT_LIB) $(UNIT_SRV)

all: deps-build $B/axond $B/libaxon.a                       ## build the daemon and the core

deps-%:
	@.ci/deps $*

$B/libaxon.a: $(LIB_OBJ)
	@echo "  AR      $@"
	$Q rm -f $@ && $(AR) rcs $@ $^

$(ISAS:%=$B/lib/kernels/kernels.%.o): $B/lib/kernels/kernels.%.o: lib/kernels/kernels.c
	@echo "  CC      $< [$*]"
	@mkdir -p $(@D)
	$Q $(CC) $(CPPFLAGS) $(CFLAGS) $(FLAGS.$*) -DAXON_ISA=$* -MMD -MP -c -o $@ $<

$B/%.o: %.c
	@echo "  CC      $<"
	@mkdir -p $(@D)
	$Q $(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# The version is compiled in from a header that changes only when the version does.
$B/gen/version.h: .FORCE
	@mkdir -p $(@D)
	@printf '#define AXOND_VERSION "%s"\n#define AXOND_REVISION "%s"\n#define AXOND_MODELS_INSTALLED "%s"\n' \
	    '$(VERSION)' '$(REVISION)' '$(PREFIX)/share/axond/models' >$@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

$(SRV_OBJ) $B/server/main.o: | $B/gen/version.h

$(UNIT_LIB): $B/tests/unit/%: $B/tests/unit/%.o $(ORACLE_OBJ) $B/libaxon.a
	@echo "  LINK    $@"
	$Q $(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS) $(shell $(PKGCONF) --libs check)

$(UNIT_SRV): $B/tests/unit/%: $B/tests/unit/%.o $(SRV_OBJ) $B/libaxon.a
	@echo "  LINK    $@"
	$Q $(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS) $(shell $(PKGCONF) --libs check)

$B/axond: $B/server/main.o $(SRV_OBJ) $B/libaxon.a
	@echo "  LINK    $@"
	$Q $(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

help:                                                       ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

format: deps-lint                                           ## rewrite every .c and .h in the project's style
	$Q clang-format -i $$(git ls-files -co --exclude-standard '*.c' '*.h')

clean:                                                      ## remove build/
	$Q rm -rf build

.SECONDARY:
.PHONY: all help clean format .FORCE
-include $(shell find $B -name '*.d' 2>/dev/null)
