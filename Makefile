# axond - two commands: `make run` and `make test`. `make help` lists the rest.
.DEFAULT_GOAL := all
DRY := $(findstring n,$(firstword -$(MAKEFLAGS)))
MAKEFLAGS += --no-builtin-rules
SHELL := /bin/bash
# Tools and tests write and sort numbers and names as here, whatever the caller's language is.
export LC_ALL := C.UTF-8

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

## ---- what must be installed: groups of .ci/deps per goal; a goal that is not listed needs build -------
NEEDS.run           := build run
NEEDS.test          := build test
NEEDS.lint          := build test lint
NEEDS.format        := lint
NEEDS.tables        := test
NEEDS.fuzz          := build clang
NEEDS.cross         := build cross
NEEDS.docker        := docker
NEEDS.test-bare     := bare
NEEDS.test-anywhere := build test anywhere
NEEDS.bench         := build bench
NEEDS.bench-quick   := build bench
NEEDS.bench-kernels := build optional:bench
NEEDS.bench-mlp     := build optional:bench
NEEDS.bench-text    := build optional:bench
NEEDS.accuracy      := build optional:bench
NEEDS.bench-peers   := optional:peers optional:npm
NEEDS.models        := build models
NEEDS.golden        := models
NEEDS.test-export   := build test optional:export
NEEDS.test-clients  := build test optional:models optional:languages optional:bare
NEEDS.test-onnx     := build test optional:models
NEEDS.test-code     := build test optional:export optional:models
NEEDS.torch-golden  := torch
NEEDS.help          :=
NEEDS.clean         :=
NEEDS := $(sort $(foreach g,$(or $(MAKECMDGOALS),all),$(if $(filter undefined,$(origin NEEDS.$g)),build,$(NEEDS.$g))) \
           $(if $(filter clang,$(CC)),clang))

# Installed while this file is read, for what follows asks the compiler and pkg-config. Not by make -n, which shells run to
# complete a word.
ifneq ($(if $(DRY),,$(NEEDS)),)
ifneq ($(shell .ci/deps $(NEEDS) >&2 && echo there),there)
$(error What make needs is missing)
endif
endif

MACHINE := $(if $(filter build,$(NEEDS)),$(shell $(CC) -dumpmachine))
ifneq ($(if $(DRY),,$(filter build,$(NEEDS))),)
$(if $(MACHINE),,$(error CC=$(CC) is no compiler that works))
endif
ARCH    := $(firstword $(subst -, ,$(MACHINE)))
VERSION := 0.2.0
REVISION := $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
B       := build/$(if $(filter-out $(shell uname -m),$(ARCH)),$(ARCH)-)$(if $(SAN),$(subst $(comma),-,$(SAN)),release)
Q       := $(if $(V),,@)

PKGS    := jansson libmicrohttpd zlib openblas
PKGCONF := $(if $(filter-out $(shell uname -m),$(ARCH)),$(MACHINE)-)pkg-config
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
ISAS           := $(or $(ISA.$(ARCH)),baseline)

# Everything in lib/kernels but the choice and its probe is compiled once per instruction set.
KERNELS  := $(filter-out lib/kernels/dispatch.c lib/kernels/probe.c,$(wildcard lib/kernels/*.c))
ISA_OBJ  := $(foreach isa,$(ISAS),$(KERNELS:%.c=$B/%.$(isa).o))
LIB_OBJ  := $(patsubst %.c,$B/%.o,$(filter-out $(KERNELS),$(wildcard lib/*.c lib/kernels/*.c))) $(ISA_OBJ)
SRV_OBJ  := $(patsubst %.c,$B/%.o,$(filter-out server/main.c,$(wildcard server/*.c server/*/*.c)))
TEXT_OBJ := $(filter $(addprefix $B/server/,tensor/%.o json/%.o base/buf.o base/error.o base/memory.o base/utf8.o),$(SRV_OBJ))
# Unit tests mirror the sources: test_lib_*.c link the core alone, test_server_*.c all but main.
ORACLE_OBJ := $(patsubst %.c,$B/%.o,$(wildcard tests/oracle/*.c))
UNIT_LIB := $(patsubst %.c,$B/%,$(wildcard tests/unit/test_lib_*.c))
UNIT_SRV := $(patsubst %.c,$B/%,$(wildcard tests/unit/test_server_*.c))
UNIT     := $(UNIT_LIB) $(UNIT_SRV)

# N of libaxon.so.N: goes up when a program that was linked with the one before may not run any more; see lib/axon.map.
SONAME   := libaxon.so.2
# A shared library's code must be position-independent, and a sanitizer's must not be left undefined: none of those.
LIBAXON  := $B/libaxon.a $(if $(SAN),,$B/$(SONAME))

all: $B/axond $(LIBAXON)                                    ## build the daemon and the core

# A rule writes beside its target and renames: of two makes at once none reads the other's half a file, and none is left by
# one that is killed.
NEW       = $@.$$$$
REPLACE   = mv $(NEW) $@
# Makes a new target only if it says something new.
RENEW     = if cmp -s $(NEW) $@; then rm $(NEW); else $(REPLACE); fi
COMPILE   = $1 $(CPPFLAGS) $2 -MMD -MP -MT $@ -MF $(NEW).dep -c -o $(NEW) $< && mv $(NEW).dep $(@:.o=.d) && $(REPLACE)
LINK      = $(CC) $1 $(LDFLAGS) -o $(NEW) $2 && $(REPLACE)

# Another compiler, other flags or other files make everything anew: a file that has gone leaves no object in an archive, and
# one that was never there is missed.
SETTINGS  := $(CC) $(shell $(CC) --version 2>/dev/null | head -n 1) | $(CPPFLAGS) | $(filter-out -Werror,$(CFLAGS)) | $(LDFLAGS) | $(LDLIBS)
$B/gen/settings: .FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(SETTINGS))' >$(NEW) && $(RENEW)

$B/gen/objects: .FORCE
	@mkdir -p $(@D)
	@printf '%s\n' $(LIB_OBJ) $(SRV_OBJ) >$(NEW) && $(RENEW)

$B/libaxon.a: $(LIB_OBJ) $B/gen/objects
	@echo "  AR      $@"
	$Q $(AR) rcs $(NEW) $(LIB_OBJ) && $(REPLACE)

# One set of objects for both: hidden by default, but for what the public headers declare.
$(LIB_OBJ): CFLAGS += -fPIC -fno-semantic-interposition -include $B/gen/export.h
$(LIB_OBJ): $B/gen/export.h
$B/gen/export.h: $(wildcard include/axon/*.h)
	@mkdir -p $(@D)
	@printf '%s\n' '#pragma GCC visibility push(default)' $(foreach h,$(^:include/%=%),'#include "$h"') \
	    '#pragma GCC visibility pop' >$(NEW) && $(RENEW)

$B/$(SONAME): $(LIB_OBJ) lib/axon.map $B/gen/objects
	@echo "  LINK    $@"
	$Q $(CC) $(filter-out -pie,$(LDFLAGS)) -shared -Wl,-soname,$(SONAME),--version-script=lib/axon.map,-z,defs \
	    -o $(NEW) $(LIB_OBJ) -lm && $(REPLACE)
	$Q ln -sf $(SONAME) $B/libaxon.so

define isa_rule
$B/lib/kernels/%.$1.o: lib/kernels/%.c $B/gen/settings
	@echo "  CC      $$< [$1]"
	@mkdir -p $$(@D)
	$$Q $$(call COMPILE,$$(CC),$$(CFLAGS) $$(FLAGS.$1) $$(LOOPS) -DAXON_ISA=$1)

endef
# A row's loop is compiled once more for parameters that take another way: asked before it, not in it. Clang does so unasked.
$(foreach isa,$(ISAS),$B/lib/kernels/smooth.$(isa).o $B/lib/kernels/piecewise.$(isa).o): LOOPS := $(if $(findstring clang,$(CC)),,-funswitch-loops)
$(foreach isa,$(ISAS),$(eval $(call isa_rule,$(isa))))

$B/%.o: %.c $B/gen/settings
	@echo "  CC      $<"
	@mkdir -p $(@D)
	$Q $(call COMPILE,$(CC),$(CFLAGS))

# The version is compiled in from a header that changes only when the version does.
$B/gen/version.h: .FORCE
	@mkdir -p $(@D)
	@printf '#define AXOND_VERSION "%s"\n#define AXOND_REVISION "%s"\n#define AXOND_MODELS_INSTALLED "%s"\n' \
	    '$(VERSION)' '$(REVISION)' '$(PREFIX)/share/axond/models' >$(NEW) && $(RENEW)

# All is bound at the start: a call by way of the table itself saves a jump, a fiftieth of a small request's CPU time.
$(SRV_OBJ) $B/server/main.o: CFLAGS += -fno-plt
$(SRV_OBJ) $B/server/main.o: | $B/gen/version.h
# Carried by the assembler (server/ui/stored.h), of which the compiler writes no dependencies: each as it is, and gzipped.
ASSETS := $(patsubst server/ui/%,$B/gen/%,$(wildcard server/ui/*.html server/ui/*.css server/ui/*.js))
$B/server/api/operations.o: $B/gen/openapi.json $B/gen/openapi.json.gz
$B/server/ui/assets.o: $(ASSETS) $(ASSETS:%=%.gz)
$B/gen/openapi.json: server/api/openapi.json $B/gen/version.h
	@mkdir -p $(@D)
	@sed 's/@VERSION@/$(VERSION)/' $< >$(NEW) && $(REPLACE)
$(ASSETS): $B/gen/%: server/ui/%
	@mkdir -p $(@D)
	@cp $< $(NEW) && $(REPLACE)
$B/gen/%.gz: $B/gen/%
	@gzip -9nc $< >$(NEW) && $(REPLACE)

$(UNIT_LIB): $B/tests/unit/%: $B/tests/unit/%.o $(ORACLE_OBJ) $B/libaxon.a
	@echo "  LINK    $@"
	$Q $(call LINK,,$^ $(LDLIBS) $(shell $(PKGCONF) --libs check))

$(UNIT_SRV): $B/tests/unit/%: $B/tests/unit/%.o $(SRV_OBJ) $B/libaxon.a
	@echo "  LINK    $@"
	$Q $(call LINK,,$^ $(LDLIBS) $(shell $(PKGCONF) --libs check))

$B/axond: $B/server/main.o $(SRV_OBJ) $B/libaxon.a $B/gen/objects
	@echo "  LINK    $@"
	$Q $(call LINK,,$(filter-out $B/gen/%,$^) $(LDLIBS))

## ---- two commands --------------------------------------------------------------------------------
PORT ?= 8000
run: $B/axond                                               ## from nothing to a serving daemon with two real models
	@tests/announce.sh $B/axond $(PORT) $$$$ & exec $B/axond --listen 127.0.0.1:$(PORT)

test: $B/axond $(UNIT)                             ## all tests from nothing; T=name: those whose path holds it; SAN=address,undefined or thread
	@B=$B BIN=$B/axond SAN=$(SAN) tests/run.sh $(if $T,-m $T) $(UNIT) $(sort $(wildcard tests/http/t*.sh))

test-bare:                                                  ## both commands in roots of Debian 12 and 13 that have make and git alone
	@.ci/bare

# The frameworks come from PyPI and Debian into venvs of their own; the tests of one that is not there are skipped.
test-export: $B/axond                                       ## configs/export against PyTorch, scikit-learn and Keras (PyPI), over HTTP
	@tests/export/venvs.sh
	@B=$B BIN=$B/axond tests/run.sh $(if $T,-m $T) $(filter-out %/venvs.sh,$(sort $(wildcard tests/export/*.sh)))

# Their tools come from PyPI into a venv of their own, perf_analyzer into a root of Debian 13; without them they are skipped.
test-clients: $B/axond                                      ## Triton's, KServe's, MLflow's clients, perf_analyzer, and what openapi.json makes (PyPI)
	@tests/clients/venv.sh
	@tests/clients/perf_root.sh
	@B=$B BIN=$B/axond tests/run.sh $(if $T,-m $T) $(sort $(wildcard tests/clients/t*.sh))

# ONNX comes from PyPI into a venv of its own; without it its tests are skipped.
test-onnx: $B/axond                                         ## ONNX's own tests of activations and losses (PyPI), over HTTP
	@tests/onnx/venv.sh
	@B=$B BIN=$B/axond tests/run.sh $(if $T,-m $T) $(sort $(wildcard tests/onnx/t*.sh))

# In the venvs of the two above; the code for a framework that is not there is not run.
test-code: $B/axond                                         ## the catalogue's code, run in PyTorch, NumPy, ONNX, Keras and JAX
	@tests/export/venvs.sh
	@tests/onnx/venv.sh
	@B=$B BIN=$B/axond tests/run.sh $(if $T,-m $T) $(sort $(wildcard tests/code/t*.sh))

test-anywhere: $B/axond $(UNIT)                    ## the suite on one CPU, on busy ones, on the oldest kernels, abroad; T=name ON=busy
	@B=$B SAN=$(SAN) T='$T' tests/anywhere.sh $(ON)

lint: $B/axond $(LIBAXON) $(SRV_OBJ) manual                 ## formatting, layers, headers, symbols, sizes, static analysis
	@B=$B BIN=$B/axond CC='$(CC)' CPPFLAGS='$(CPPFLAGS)' tests/run.sh $(if $T,-m $T) $(sort $(wildcard tests/lint/*.sh)) tests/lint/tables.py

format:                                                     ## rewrite every .c and .h in the project's style
	$Q clang-format -i $$(git ls-files -co --exclude-standard '*.c' '*.h')

tables:                                                     ## bring the pages' tables up to date with the code's
	$Q tests/lint/tables.py --write >/dev/null

## ---- the rest ------------------------------------------------------------------------------------
# Servers are compared over HTTP in tests/bench/harness; peers that bench-peers has installed take part.
BENCH     = tests/bench/harness/bench.py --axond $B/axond --echo $B/tests/bench/echo $(if $(README),--readme) $(if $T,--only '$T')
bench: $B/axond $B/tests/bench/echo                         ## axond beside libmicrohttpd, FastAPI, Node over HTTP, 20 minutes; README=1 T=section
	@python3 -B $(BENCH)

bench-quick: $B/axond $B/tests/bench/echo                   ## its two-minute form
	@python3 -B $(BENCH) --plan quick

bench-peers:                                                ## FastAPI, Fastify, ONNX Runtime for it, from PyPI and npm into build/bench-peers
	@tests/bench/peers/install.sh build/bench-peers

$B/tests/bench/echo: $B/tests/bench/echo.o
	@echo "  LINK    $@"
	$Q $(call LINK,,$^ $(LDLIBS))

# Peers that are installed take part in bench-kernels.
KB       := $B/tests/bench/kernels
KB_ISAS  := $(filter avx512 avx2,$(ISAS))
KB_DNNL  := $(wildcard /usr/include/oneapi/dnnl/dnnl.h)
KB_SLEEF := $(and $(KB_ISAS),$(wildcard /usr/include/sleef.h /usr/include/*/sleef.h))
KB_OBJ   := $(KB).o $(KB)_peers.o $(KB)_torch.o $(if $(KB_DNNL),$(KB)_dnnl.o) $(KB_ISAS:%=$(KB)_libmvec.%.o) \
            $(if $(KB_SLEEF),$(KB_ISAS:%=$(KB)_sleef.%.o))
bench-kernels: $(KB)                                        ## ns per element beside memcpy, PyTorch, oneDNN...; QUICK=1 GRADIENT=1 T=row TSV=file
	$Q $(KB) $(if $(QUICK),-q) $(if $(GRADIENT),-g) $(if $(TSV),-t) $T $(if $(TSV),>$(TSV))

$(KB)_peers.o: .FORCE
$(KB)_peers.o $(KB)_torch.o: CPPFLAGS += $(if $(KB_DNNL),-DBENCH_DNNL) $(if $(KB_ISAS),-DBENCH_VECTOR) $(if $(KB_SLEEF),-DBENCH_SLEEF)
$(KB)_sleef.%.o: CPPFLAGS += -DBENCH_MATH_SLEEF
$(filter $(KB)_libmvec.% $(KB)_sleef.%,$(KB_OBJ)): tests/bench/kernels_vector.c $B/gen/settings
	@echo "  CC      $< [$(@F)]"
	@mkdir -p $(@D)
	$Q $(call COMPILE,$(CC),$(CFLAGS) -O3 -ffp-contract=fast $(FLAGS.$(patsubst .%,%,$(suffix $(@:.o=)))))

$(KB): $(KB_OBJ) $B/libaxon.a
	@echo "  LINK    $@"
	$Q $(call LINK,,$^ $(LDLIBS) $(if $(KB_DNNL),-ldnnl) $(if $(KB_ISAS),-lmvec) $(if $(KB_SLEEF),-lsleef))

# ONNX Runtime comes from PyPI into a venv of its own; without it, or without oneDNN, the others are compared.
MB       := $B/tests/bench/mlp
MB_OBJ   := $(MB).o $(if $(KB_DNNL),$(MB)_dnnl.o)
bench-mlp: $(MB)                                            ## an MLP's forward pass beside sgemm, oneDNN and ONNX Runtime; QUICK=1
	$Q test -x build/venv-bench/bin/python || python3 -m venv build/venv-bench || true
	$Q build/venv-bench/bin/pip install -q -r tests/bench/requirements.txt || echo "bench-mlp: no ONNX Runtime"
	$Q $(MB) $(if $(QUICK),-q) build/venv-bench/bin/python

$(MB).o: .FORCE
$(MB).o: CPPFLAGS += $(if $(KB_DNNL),-DBENCH_DNNL)
$(MB): $(MB_OBJ) $B/libaxon.a
	@echo "  LINK    $@"
	$Q $(call LINK,,$^ $(LDLIBS) $(if $(KB_DNNL),-ldnnl))

# Without a C++ compiler or simdjson the others are compared.
TB       := $B/tests/bench/text
TB_CXX   := $(if $(filter $(shell uname -m),$(ARCH)),$(shell command -v g++))
TB_JSON  := $(and $(TB_CXX),$(wildcard /usr/include/simdjson.h))
bench-text: $(TB)                                           ## ns per number of JSON text in and out, beside simdjson, to_chars...; QUICK=1 T=kind
	$Q $(TB) $(if $(QUICK),-q) $(if $T,"$T")

$(TB).o $(TB)_peers.o: .FORCE
$(TB).o $(TB)_peers.o: CPPFLAGS += $(if $(TB_CXX),-DBENCH_CXX) $(if $(TB_JSON),-DBENCH_SIMDJSON)
$(TB)_peers.o: tests/bench/text_peers.cc $B/gen/settings
	@echo "  CXX     $<"
	@mkdir -p $(@D)
	$Q $(call COMPILE,$(TB_CXX),-std=c++17 -O3)

$(TB): $(TB).o $(if $(TB_CXX),$(TB)_peers.o) $(TEXT_OBJ)
	@echo "  LINK    $@"
	$Q $(call LINK,,$^ $(LDLIBS) $(if $(TB_CXX),-lstdc++) $(if $(TB_JSON),-lsimdjson))

# The proofs ask for billions of reference values: oracle and judge as vectors of what this machine has. The kernels are
# those that ship.
NATIVE   := -O3 $(if $(filter $(shell uname -m),$(ARCH)),-march=native) -fno-math-errno -fno-trapping-math \
            -ffp-contract=fast $(if $(filter x86_64,$(ARCH)),-mprefer-vector-width=512)
NATIVE_OBJ := $(patsubst %.c,$B/native/%.o,$(wildcard tests/oracle/*.c))
exhaustive: $B/tests/exhaustive/activations                 ## prove every activation on every ISA over all 2^32 floats (half an hour)
	$Q $B/tests/exhaustive/activations

exhaustive-text: $B/tests/exhaustive/float_text             ## prove the text of all 2^32 floats, on all cores (ten minutes of one)
	$Q n=$$(nproc); seq 0 $$((n - 1)) | xargs -P $$n -I{} $B/tests/exhaustive/float_text -p {}/$$n

exhaustive-bounds: $B/tests/exhaustive/bounds               ## no row of 10^7 leaves the bounds of random networks (minutes)
	$Q $B/tests/exhaustive/bounds

$B/tests/exhaustive/bounds: $B/tests/exhaustive/bounds.o $B/libaxon.a
	@echo "  LINK    $@"
	$Q $(call LINK,,$^ $(LDLIBS))

$B/native/%.o: %.c $B/gen/settings
	@echo "  CC      $< [native]"
	@mkdir -p $(@D)
	$Q $(call COMPILE,$(CC),$(CFLAGS) $(NATIVE))

$B/tests/exhaustive/activations: $B/native/tests/exhaustive/activations.o $(NATIVE_OBJ) $B/libaxon.a
	@echo "  LINK    $@"
	@mkdir -p $(@D)
	$Q $(call LINK,,$^ $(LDLIBS) $(if $(filter x86_64,$(ARCH)),-lmvec))

# Accuracy of axon and of bench-kernels' peers, and what each costs, into lib/README.md: on a quiet machine.
accuracy: $B/tests/exhaustive/accuracy                      ## lib/README.md's table of errors and ns per element, beside PyTorch's...
	$Q $B/tests/exhaustive/accuracy >$B/accuracy.tsv
	$Q test -s $B/kernels.tsv || $(MAKE) bench-kernels QUICK=1 TSV=$B/kernels.tsv
	$Q test -s $B/gradients.tsv || $(MAKE) bench-kernels QUICK=1 GRADIENT=1 TSV=$B/gradients.tsv
	$Q tests/exhaustive/accuracy.py --write $B/accuracy.tsv $B/kernels.tsv $B/gradients.tsv

$B/tests/exhaustive/accuracy: $B/native/tests/exhaustive/accuracy.o $(filter-out $(KB).o,$(KB_OBJ)) $(NATIVE_OBJ) $B/libaxon.a
	@echo "  LINK    $@"
	@mkdir -p $(@D)
	$Q $(call LINK,,$^ $(LDLIBS) $(if $(KB_DNNL),-ldnnl) $(if $(KB_ISAS),-lmvec) $(if $(KB_SLEEF),-lsleef))

$B/tests/exhaustive/float_text: $B/tests/exhaustive/float_text.o $(TEXT_OBJ)
	@echo "  LINK    $@"
	$Q $(call LINK,,$^ $(LDLIBS))

FUZZ_SECONDS ?= 60
FUZZ := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
fuzz:                                                       ## libFuzzer on every parser, FUZZ_SECONDS=60 each
	@$(MAKE) CC=clang B=build/fuzz SAN=address,undefined OPT='-O1 -fsanitize=fuzzer-no-link' \
	    $(FUZZ:%=build/fuzz/tests/fuzz/%)
	$Q for target in $(FUZZ); do \
	    name=$${target#fuzz_}; mkdir -p build/fuzz/corpus/$$name tests/fuzz/corpus/$$name; echo "  FUZZ    $$name"; \
	    build/fuzz/tests/fuzz/$$target -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -print_final_stats=1 -artifact_prefix=build/fuzz/ \
	        build/fuzz/corpus/$$name tests/fuzz/corpus/$$name >build/fuzz/$$name.log 2>&1 || \
	        { tail -40 build/fuzz/$$name.log; exit 1; }; \
	    grep -E 'number_of_executed_units|average_exec_per_sec' build/fuzz/$$name.log; done

$B/tests/fuzz/%: $B/tests/fuzz/%.o $(SRV_OBJ) $B/libaxon.a
	@echo "  LINK    $@"
	$Q $(call LINK,-fsanitize=fuzzer,$^ $(LDLIBS))

cross:                                                      ## libaxon for aarch64, its unit tests under qemu-user
	@tests/cross/run.sh

models: $B/axond                                            ## train the shipped models again, and make their baselines (needs PyPI)
	$Q test -d build/venv || python3 -m venv build/venv
	$Q build/venv/bin/pip install -q -r configs/train/requirements.txt
	$Q build/venv/bin/python configs/train/train_digits.py
	$Q build/venv/bin/python configs/train/train_breast_cancer.py
	$Q build/venv/bin/python configs/train/baselines.py $B/axond

golden:                                                     ## compute tests/oracle/golden.txt again (needs PyPI)
	$Q test -d build/venv || python3 -m venv build/venv
	$Q build/venv/bin/pip install -q -r tests/oracle/requirements.txt
	$Q build/venv/bin/python tests/oracle/golden.py

torch-golden:                                               ## ask PyTorch's autograd again: tests/data/torch (Debian's python3-torch)
	$Q /usr/bin/python3 tests/oracle/torch_golden.py

docker:                                                     ## build the images and run them for real, by podman
	@docker/podman.sh

# Manual pages: libaxon's from the comments of its headers, axond's from its --help.
MAN_VARS = -v version=$(VERSION) -v date="$(shell git log -1 --format=%cd --date='format:%B %-d, %Y' 2>/dev/null || date '+%B %-d, %Y')"
manual: $B/man/axon.3 $B/man/axond.8 $B/man/axond.1                        ## manual pages into build/*/man

$B/man/axon.3: include/axon/manual.awk include/axon/README.md $(wildcard include/axon/*.h)
	@echo "  MAN     $@"
	$Q mkdir -p $(NEW) && awk -v out=$(NEW) $(MAN_VARS) -f $^ >$(NEW)/links && cd $(NEW) && \
	    while read -r function page; do ln -s $$page $$function || exit 1; done <links && cd .. && new=$(@F).$$$$ && \
	    for page in *.3; do [ -e "$$new/$$page" ] || rm -f "$$page"; done && \
	    mv $$new/axon_*.3 . && mv $$new/$(@F) . && rm -r $$new

$B/man/axond.8: server/manual.awk $B/axond
	@echo "  MAN     $@"
	@mkdir -p $(@D)
	$Q $B/axond --help >$(NEW).help && awk $(MAN_VARS) -f server/manual.awk $(NEW).help >$(NEW) && rm $(NEW).help && $(REPLACE)

# From what axond says of each of its commands; its list says all of the last two.
$B/man/axond.1: server/commands.awk $B/axond
	@echo "  MAN     $@"
	@mkdir -p $(@D)
	$Q for command in $$($B/axond --help | awk '/^Commands/ { of = 1 } /^$$/ { of = 0 } of && /^  / && !/^   / && !/--(help|version)/ { print $$1 }'); do \
	    $B/axond $$command --help || exit 1; done >$(NEW).help && awk $(MAN_VARS) -f server/commands.awk $(NEW).help >$(NEW) && rm $(NEW).help && $(REPLACE)

install: $B/axond $(LIBAXON) manual                         ## DESTDIR= PREFIX=: daemon, models, libaxon with headers, manual pages, completion
	$Q install -D -m 755 $B/axond $(DESTDIR)$(PREFIX)/bin/axond
	$Q install -d $(addprefix $(DESTDIR)$(PREFIX)/,include/axon lib/pkgconfig share/axond share/man/man1 share/man/man3 share/man/man8 share/bash-completion/completions)
	$Q install -m 644 $(LIBAXON) $(DESTDIR)$(PREFIX)/lib
	$(if $(SAN),,$Q ln -sf $(SONAME) $(DESTDIR)$(PREFIX)/lib/libaxon.so)
	$Q install -m 644 include/axon/*.h $(DESTDIR)$(PREFIX)/include/axon
	$Q cp -P --no-preserve=ownership $B/man/*.3 $(DESTDIR)$(PREFIX)/share/man/man3
	$Q install -m 644 $B/man/axond.1 $(DESTDIR)$(PREFIX)/share/man/man1
	$Q install -m 644 $B/man/axond.8 $(DESTDIR)$(PREFIX)/share/man/man8
	$Q $B/axond --completion >$(DESTDIR)$(PREFIX)/share/bash-completion/completions/axond
	$Q cp -R --no-preserve=ownership configs/models $(DESTDIR)$(PREFIX)/share/axond/
	$Q printf '%s\n' 'prefix=$(PREFIX)' 'includedir=$${prefix}/include' 'libdir=$${prefix}/lib' '' \
	    'Name: axon' 'Description: Activation functions and small MLPs, exact and fast' \
	    'Version: $(VERSION)' 'Cflags: -I$${includedir}' 'Libs: -L$${libdir} -laxon' \
	    'Libs.private: -lm' >$(DESTDIR)$(PREFIX)/lib/pkgconfig/axon.pc

help:                                                       ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

clean:                                                      ## remove build/ (but not the Debian roots and images)
	$Q rm -rf $$(ls -d build/* 2>/dev/null | grep -vE '^build/(debian|podman)$$')

.SECONDARY:
.DELETE_ON_ERROR:
.PHONY: all run test test-bare test-anywhere test-export test-clients test-onnx lint format tables accuracy bench bench-quick bench-peers bench-kernels bench-mlp bench-text exhaustive exhaustive-bounds exhaustive-text fuzz cross models golden torch-golden docker manual install help clean .FORCE
-include $(shell find $B -name '*.d' 2>/dev/null)
