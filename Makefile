# SPDX-License-Identifier: Apache-2.0
# The whole build, top to bottom: tools, flags, bpf, proto, evidence, sensor, responder, tests, install.
#
#   make            build/varve-sensor, build/varve-kubewatch, build/varve, build/varve.desc
#   make demo       install what is missing, build, record a container and replay it (KAFKA=1: through a broker)
#   make check      install what is missing, build, run every test
#   make deps       install what is missing (Debian 12 packages)
#   make install    programs, manual pages, schema, library for readers (DESTDIR, PREFIX, LIBDIR)
#   make image      build/image: an OCI layout of the programs, their libraries and an SBOM (IMAGE=NAME:TAG)
#   make samples    configuration files in deploy/, made anew from the sensor's table of options
#
#   make check-vm   the live tests on Debian's kernels, and a node with systemd, in virtual machines
#   make bench      what being watched costs a container's operations, beside nothing and empty programs; PEER=COMMAND: and another sensor
#   make bench-instructions   the same in instructions, on Debian's kernels in virtual machines (docs/PERFORMANCE.md)
#   make bench-churn   10,000 short containers of pods: is each exec the right pod's? CONTAINERS=N: so many
#
#   make bench-completeness   generated against recorded, lost and suppressed, at rising loads
#   make check-package   Debian's packages from nothing, as their builders do it
#   make check-faults  the fault suite in its long form; NAMES: only these
#   make bench-soak    30 minutes of load: memory, descriptors and log stay what they are. MINUTES=N
#   make bench-replay  what each view of a pod's million records costs: CPU time, memory. RECORDS=N
#   make bench-seals    what sealing costs a record
#   make bench-sizes   what a record takes in the log and in Kafka, by how many come in a second
#   make bench-disk    what the log costs the disk, by policy of sync, with Kafka and without
#
#   V=1 shows commands, O=DIR builds elsewhere, SAN=1 with ASan and UBSan, WERROR=1 as CI does. The live tests are linked statically, so
#   that the same file runs in a virtual machine; STATIC= if there are no static libraries.

O ?= build
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-8s%s\n' $(1) $(2))
.DELETE_ON_ERROR:
.SECONDARY:
COMPLETIONS := $(addprefix $(O)/completions/,bash zsh fish)
all: $(O)/varve-sensor $(O)/varve-kubewatch $(O)/varve $(O)/varve.desc $(O)/libvarve-evidence.a $(COMPLETIONS)

# --- tools and flags
CLANG ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)
LLVM_STRIP ?= llvm-strip
OBJCOPY ?= objcopy
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
VERSION := $(shell sed -n 's,^.define VARVE_VERSION[[:space:]]*"\(.*\)",\1,p' evidence/base.h)
SYSCONFDIR ?= /etc
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes $(if $(WERROR),-Werror)
, := ,
CFLAGS ?= -O2 -g
# The same bytes wherever it is built.
PREFIX_MAP := -ffile-prefix-map=$(CURDIR)=. -ffile-prefix-map=$(O)=build
ALL_CFLAGS := -std=gnu17 -D_GNU_SOURCE -I. -I$(O) $(WARN) $(PREFIX_MAP) $(CPPFLAGS) $(CFLAGS) $(if $(SAN),-fsanitize=address$(,)undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
ALL_LDFLAGS := $(LDFLAGS) $(if $(SAN),-fsanitize=address$(,)undefined)
STATIC ?= $(if $(SAN),,1)
BPF_OPT ?= -O2
BPF_CFLAGS := $(BPF_OPT) -g -target bpf -mcpu=v3 -D__TARGET_ARCH_x86 -Wall -Wextra -Wno-unused-parameter $(if $(WERROR),-Werror) $(PREFIX_MAP) -Ibpf
EVIDENCE_LIBS := -lprotobuf-c -lcrypto
SENSOR_LIBS := -lbpf -lelf -lz -lrdkafka -ljansson -lmicrohttpd
KUBEWATCH_LIBS := -lcurl -ljansson -lseccomp
RESPONDER_LIBS := -lrdkafka -ljansson -lzip -lz

# --- kernel side: each probe file an object, linked into one, one skeleton
# core first: libbpf's linker (1.1) gives a map offset 0 when it meets the extern before the definition.
# Built three times, for what no check at run time can tell apart: before 5.12 the kernel has no atomic operation that gives a value
# back (bpf/probe.bpf.h), and since 7.0 it can preempt tracepoints (bpf/compat.bpf.h). All have the same maps and programs and more, so
# one skeleton serves them.
BPF_NAMES := core $(patsubst bpf/%.bpf.c,%,$(filter-out bpf/core.bpf.c,$(sort $(wildcard bpf/*.bpf.c))))
BPF_VARIANTS := before_5_12 preemptible
define bpf_object # NAME SUFFIX FLAGS
$(O)/bpf/%.$2.o: bpf/%.bpf.c
	$(if $3,,$$(call say,BPF,$$<))
	@mkdir -p $$(@D)
	$$(Q)$$(CLANG) $$(BPF_CFLAGS) $3 -MMD -MP -c $$< -o $$@
	$$(Q)$$(LLVM_STRIP) -g $$@
$(O)/bpf/$1.o: $(BPF_NAMES:%=$(O)/bpf/%.$2.o)
	$$(Q)$$(BPFTOOL) gen object $$@ $$^
endef
$(eval $(call bpf_object,varve,bpf))
$(foreach v,$(BPF_VARIANTS),$(eval $(call bpf_object,varve_$v,$v,-DVARVE_$(shell echo $v | tr a-z A-Z))))
$(O)/varve.skel.h: $(O)/bpf/varve.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name varve_bpf >$@.tmp
	$(Q)mv $@.tmp $@
# The other objects' bytes, for an assembler's .incbin: without anything of the skeleton's.
$(O)/sensor/probes_object.o: $(BPF_VARIANTS:%=$(O)/bpf/varve_%.o)
	@mkdir -p $(@D)
	$(Q){ printf '.section .rodata\n'; for v in $(BPF_VARIANTS); do \
		printf '.balign 8\n.global probes_%s\nprobes_%s:\n.incbin "%s"\n.global probes_%s_end\nprobes_%s_end:\n' \
			$$v $$v $(O)/bpf/varve_$$v.o $$v $$v; done; \
		printf '.section .note.GNU-stack,"",@progbits\n'; } | $(CC) -x assembler -c - -o $@

# --- the schema
$(O)/varve.pb-c.c $(O)/varve.pb-c.h &: proto/varve.proto
	$(call say,PROTO,$<)
	@mkdir -p $(O)
	$(Q)protoc-c --c_out=$(O) -Iproto $<
$(O)/varve.desc: proto/varve.proto
	@mkdir -p $(O)
	$(Q)protoc --include_imports --include_source_info --descriptor_set_out=$@ -Iproto $<

# --- userspace: evidence (shared), sensor, responder
EVIDENCE_OBJS := $(patsubst %.c,$(O)/%.o,$(wildcard evidence/*.c)) $(O)/varve.pb-c.o
SENSOR_OBJS := $(patsubst %.c,$(O)/%.o,$(filter-out sensor/main.c,$(wildcard sensor/*.c sensor/events/*.c)))
KUBEWATCH_OBJS := $(patsubst %.c,$(O)/%.o,$(filter-out kubewatch/main.c,$(wildcard kubewatch/*.c)))
RESPONDER_OBJS := $(patsubst %.c,$(O)/%.o,$(filter-out responder/main.c,$(wildcard responder/*.c responder/views/*.c)))
$(O)/%.o: %.c $(O)/varve.pb-c.h
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@
$(O)/varve.pb-c.o: $(O)/varve.pb-c.c
	$(Q)$(CC) $(ALL_CFLAGS) -c $< -o $@
$(O)/sensor/probes.o $(O)/tests/unit/layout.o: $(O)/varve.skel.h
$(O)/evidence.a: $(EVIDENCE_OBJS)
$(O)/sensor.a: $(SENSOR_OBJS) $(O)/sensor/probes_object.o
$(O)/kubewatch.a: $(KUBEWATCH_OBJS)
$(O)/responder.a: $(RESPONDER_OBJS) $(O)/responder/html_page.o
%.a:
	@rm -f $@
	$(Q)$(AR) rcs $@ $^
# What readers of logs link: one object, so that none but its own names are seen.
LIB_OBJS := $(patsubst %.c,$(O)/%.o,$(wildcard lib/*.c)) $(O)/varve.pb-c.o
$(O)/libvarve-evidence.a: $(LIB_OBJS) $(O)/evidence.a
	$(call say,LIB,$@)
	$(Q)$(LD) -r $^ -o $(O)/lib/varve-evidence.o
	$(Q)$(OBJCOPY) -w --keep-global-symbol='varve_log_*' --keep-global-symbol='varve__v1__*' --strip-debug $(O)/lib/varve-evidence.o
	@rm -f $@
	$(Q)$(AR) rcs $@ $(O)/lib/varve-evidence.o
$(O)/varve-sensor: $(O)/sensor/main.o $(O)/sensor.a $(O)/evidence.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $^ $(SENSOR_LIBS) $(EVIDENCE_LIBS) -o $@
$(O)/varve-kubewatch: $(O)/kubewatch/main.o $(O)/kubewatch.a $(O)/sensor.a $(O)/evidence.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $^ $(KUBEWATCH_LIBS) $(EVIDENCE_LIBS) -o $@
$(O)/varve: $(O)/responder/main.o $(O)/responder.a $(O)/evidence.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $^ $(RESPONDER_LIBS) $(EVIDENCE_LIBS) -o $@
# What shells complete, from the tables that parse it.
$(COMPLETIONS): $(O)/completions/%: $(O)/varve
	@mkdir -p $(@D)
	$(Q)$< --completion $* >$@

# What --format html is made of, for an assembler's .incbin; the scripts are one module, in the order of their names.
HTML_SCRIPTS := $(sort $(wildcard responder/views/html/*.js))
$(O)/responder/page.js: $(HTML_SCRIPTS)
	@mkdir -p $(@D)
	$(Q)cat $^ >$@
$(O)/responder/html_page.o: $(O)/responder/page.js responder/views/html/page.css responder/views/html/page.html
	$(Q){ printf '.section .rodata\n'; for f in $^; do \
		n=html_$${f##*.}; printf '.global %s\n%s:\n.incbin "%s"\n.global %s_end\n%s_end:\n' $$n $$n $$f $$n $$n; done; \
		printf '.section .note.GNU-stack,"",@progbits\n'; } | $(CC) -x assembler -c - -o $@

# --- tests: each file under tests/unit, tests/replay and tests/live is a program
UNIT := $(patsubst tests/%.c,$(O)/tests/%,$(wildcard tests/unit/*.c))
REPLAY := $(patsubst tests/%.c,$(O)/tests/%,$(wildcard tests/replay/*.c))
LIVE := $(patsubst tests/live/%.c,$(O)/tests/live/%.o,$(wildcard tests/live/*.c))
FUZZ := $(patsubst tests/%.c,$(O)/tests/%,$(wildcard tests/fuzz/*.c))
$(UNIT) $(REPLAY): $(O)/tests/%: $(O)/tests/%.o $(O)/kubewatch.a $(O)/sensor.a $(O)/responder.a $(O)/evidence.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $^ $(KUBEWATCH_LIBS) $(SENSOR_LIBS) $(RESPONDER_LIBS) $(EVIDENCE_LIBS) -lcmocka -o $@
define test_program # DIRECTORY ARCHIVES LIBRARIES: each file there is a program that tests use
$(O)/tests/$1/%: $(O)/tests/$1/%.o $2
	$$(call say,LD,$$@)
	$$(Q)$$(CC) $$(ALL_CFLAGS) $$(ALL_LDFLAGS) $$^ $3 -o $$@
endef
$(eval $(call test_program,kafka,$(O)/sensor.a $(O)/evidence.a,$(SENSOR_LIBS) $(EVIDENCE_LIBS) -lcmocka))
$(eval $(call test_program,consumers,$(O)/sensor.a $(O)/evidence.a,$(SENSOR_LIBS) $(EVIDENCE_LIBS)))
$(eval $(call test_program,views,$(O)/responder.a $(O)/evidence.a,$(RESPONDER_LIBS) $(EVIDENCE_LIBS) -lcmocka))
$(foreach d,faults seals bench,$(eval $(call test_program,$d,$(O)/evidence.a,$(EVIDENCE_LIBS))))
# What the benches of cost need: run in containers and in virtual machines, hence static; loaded into the sensor; empty BPF programs.
$(O)/tests/bench/workload: $(O)/tests/bench/workload.o
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -static $^ -o $@
$(O)/tests/bench/nop: tests/bench/nop.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -nostdlib -static $< -o $@
$(O)/tests/bench/no_sha.so: tests/bench/no_sha.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -Wno-deprecated-declarations -shared -fPIC $< -o $@
$(O)/tests/bench/floor: $(O)/tests/bench/floor.o
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $^ -lbpf -lelf -lz -o $@
BENCH := $(addprefix $(O)/tests/bench/,workload nop no_sha.so floor)
$(O)/tests/%.o: ALL_CFLAGS += -Wno-missing-prototypes -Werror=unused-function
# No warnings: libcrypto has functions that want shared libraries when they are called, and nobody calls them here.
# The sensor cannot be static: Debian has no static libsasl2, which librdkafka needs; what it loads goes along with it.
$(O)/tests/live/live: $(LIVE) $(O)/evidence.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(if $(STATIC),-static -Wl$(,)--no-warnings) $^ $(EVIDENCE_LIBS) -o $@
# libFuzzer wants clang; the code under test is built once for all targets, with its sanitizers.
FUZZ_CFLAGS := -std=gnu17 -D_GNU_SOURCE -I. -I$(O) -g -O1 -fsanitize=address,undefined
FUZZ_OBJS := $(patsubst $(O)/%,$(O)/fuzz/%,$(EVIDENCE_OBJS) $(SENSOR_OBJS) $(KUBEWATCH_OBJS) $(RESPONDER_OBJS))
$(O)/fuzz/%.o: %.c $(O)/varve.pb-c.h | $(O)/varve.skel.h
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link -MMD -MP -c $< -o $@
$(O)/fuzz/varve.pb-c.o: $(O)/varve.pb-c.c
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link -c $< -o $@
$(O)/fuzz.a: $(FUZZ_OBJS) $(O)/sensor/probes_object.o $(O)/responder/html_page.o
$(FUZZ): $(O)/tests/%: tests/%.c $(O)/fuzz.a
	$(call say,FUZZ,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(FUZZ_CFLAGS) -fsanitize=fuzzer $^ $(KUBEWATCH_LIBS) $(SENSOR_LIBS) $(RESPONDER_LIBS) $(EVIDENCE_LIBS) -o $@

.PHONY: all deps demo check check-vm check-faults bench-churn bench-completeness bench-disk bench-replay bench-seals bench-sizes bench-soak check-package image bench bench-instructions samples unit live fuzz install clean
unit: $(UNIT) $(REPLAY)
live: $(O)/tests/live/live
fuzz: $(FUZZ)
deps:
	$(Q)tests/deps.sh
# Configuration files in deploy/, from the table of options.
samples: $(O)/varve-sensor
	$(Q)deploy/samples.py $<
demo:
	$(Q)tests/deps.sh $(if $(KAFKA),--kafka)
	$(Q)$(MAKE) --no-print-directory all
	$(Q)O=$(O) tests/demo/demo.sh $(if $(KAFKA),--kafka)
check:
	$(Q)tests/deps.sh --check
	$(Q)O=$(O) tests/check.sh

check-vm: all live
	$(Q)tests/deps.sh --check
	$(Q)O=$(O) tests/vm/matrix.sh
	$(Q)O=$(O) tests/vm/table.py
	$(Q)O=$(O) tests/vm/systemd.sh
	$(Q)O=$(O) tests/vm/options.sh
	$(Q)O=$(O) tests/vm/pinned.sh
	$(Q)O=$(O) tests/bench/instructions.sh --check
	$(Q)O=$(O) tests/vm/clock.sh

bench:
	$(Q)tests/deps.sh --bench
	$(Q)$(MAKE) --no-print-directory all $(BENCH)
	$(Q)O=$(O) ROUNDS="$(or $(ROUNDS),7)" PEER="$(PEER)" PEER_READY="$(PEER_READY)" /usr/bin/python3 tests/bench/overhead.py
bench-instructions:
	$(Q)tests/deps.sh --check
	$(Q)$(MAKE) --no-print-directory all
	$(Q)O=$(O) tests/bench/instructions.sh --write
bench-churn:
	$(Q)tests/deps.sh
	$(Q)$(MAKE) --no-print-directory all
	$(Q)O=$(O) CONTAINERS=$(or $(CONTAINERS),10000) tests/bench/churn.sh

bench-completeness:
	$(Q)tests/deps.sh
	$(Q)$(MAKE) --no-print-directory all
	$(Q)O=$(O) tests/bench/completeness.sh

bench-soak:
	$(Q)tests/deps.sh
	$(Q)$(MAKE) --no-print-directory all
	$(Q)O=$(O) MINUTES=$(or $(MINUTES),30) tests/bench/soak.sh

check-package:
	$(Q)tests/deps.sh --check
	$(Q)$(MAKE) --no-print-directory all
	$(Q)O=$(O) tests/package/deb.sh --full

check-faults:
	$(Q)tests/deps.sh --check
	$(Q)$(MAKE) --no-print-directory all
	$(Q)O=$(O) LONG=1 tests/faults/run.sh $(NAMES)
	$(Q)$(if $(NAMES),,O=$(O) tests/vm/clock.sh)

bench-replay: $(O)/varve
	$(Q)O=$(O) tests/bench/replay.sh
bench-seals: $(O)/tests/seals/cost
	$(Q)for n in 1 2 3 4 5; do $<; done
bench-sizes:
	$(Q)tests/deps.sh --kafka
	$(Q)$(MAKE) --no-print-directory all
	$(Q)O=$(O) tests/bench/sizes.sh
bench-disk:
	$(Q)tests/deps.sh --kafka
	$(Q)$(MAKE) --no-print-directory all
	$(Q)O=$(O) tests/bench/disk.sh

# --- install, clean; a sensor.conf that is there stays: somebody has set it
install: all
	install -D -m 755 $(O)/varve-sensor $(DESTDIR)$(PREFIX)/sbin/varve-sensor
	install -D -m 755 $(O)/varve-kubewatch $(DESTDIR)$(PREFIX)/sbin/varve-kubewatch
	install -D -m 755 $(O)/varve $(DESTDIR)$(PREFIX)/bin/varve
	install -D -m 644 $(O)/varve.desc $(DESTDIR)$(PREFIX)/share/varve/varve.desc
	install -D -m 644 proto/varve.proto $(DESTDIR)$(PREFIX)/share/varve/varve.proto
	install -D -m 644 $(O)/libvarve-evidence.a $(DESTDIR)$(LIBDIR)/libvarve-evidence.a
	install -D -m 644 lib/evidence.h $(DESTDIR)$(PREFIX)/include/varve/evidence.h
	install -D -m 644 $(O)/varve.pb-c.h $(DESTDIR)$(PREFIX)/include/varve/varve.pb-c.h
	install -d $(DESTDIR)$(LIBDIR)/pkgconfig
	sed 's,@PREFIX@,$(PREFIX),; s,@LIBDIR@,$(LIBDIR),; s,@VERSION@,$(VERSION),' lib/varve-evidence.pc.in >$(DESTDIR)$(LIBDIR)/pkgconfig/varve-evidence.pc
	install -D -m 644 $(O)/completions/bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/varve
	install -D -m 644 $(O)/completions/zsh $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_varve
	install -D -m 644 $(O)/completions/fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/varve.fish
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed 's,@PREFIX@,$(PREFIX),' deploy/systemd/varve-sensor.service >$(DESTDIR)$(PREFIX)/lib/systemd/system/varve-sensor.service
	[ -e $(DESTDIR)$(SYSCONFDIR)/varve/sensor.conf ] || install -D -m 600 deploy/systemd/sensor.conf $(DESTDIR)$(SYSCONFDIR)/varve/sensor.conf
	install -D -m 644 docs/varve-sensor.8 $(DESTDIR)$(PREFIX)/share/man/man8/varve-sensor.8
	install -D -m 644 docs/varve-kubewatch.8 $(DESTDIR)$(PREFIX)/share/man/man8/varve-kubewatch.8
	install -D -m 644 docs/varve.1 $(DESTDIR)$(PREFIX)/share/man/man1/varve.1
# The image's name; with a registry's before it to be pushed there.
IMAGE ?= docker.io/library/varve-sensor
image: all
	$(Q)rm -rf $(O)/image.installed
	$(Q)$(MAKE) --no-print-directory -s install DESTDIR=$(O)/image.installed PREFIX=/usr/local
	$(Q)deploy/image/build.py $(O)/image.installed $(O)/image $(IMAGE)
	$(Q)rm -rf $(O)/image.installed
clean:
	rm -rf $(O)

-include $(shell find $(O) -name '*.d' 2>/dev/null)
