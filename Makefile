# A thin door to Meson. `make demo` and `make test` work on a machine that has only the clone.
#
#	make demo    build, then serve a gallery of pictures
#	make test    everything that must pass
#	make build   build/selvedge
#	make bench   measure beside nginx and IPX; prints a table, writes build/bench.tsv
#	make fuzz    fuzz each parser; FUZZ_S=600 sets the seconds for each
#	make crash   kill -9 under load, CRASH_S=600 seconds on this disk and on ext4 with a journal
#	make check   the house style
#	make tidy    clang-tidy in its full depth, of which the tests take a third

FUZZ_S ?= 60
CRASH_S ?= 600

.PHONY: demo test build bench fuzz crash check tidy clean

build: build/build.ninja
	@meson compile -C build

build/build.ninja: | deps-build
	@meson setup build >/dev/null

deps-%:
	@tools/deps $*

demo: deps-demo build
	@demo/run

test: deps-test
	@tools/test

bench: deps-bench
	@bench/run

fuzz: deps-fuzz
	@tools/fuzz $(FUZZ_S)

crash: deps-test build
	@tests/crash/run $(CRASH_S)
	@tests/crash/run $(CRASH_S) --ext4

check: deps-test
	@tools/check

tidy: deps-test
	@tools/test clang
	@tools/tidy build-asan 225000

clean:
	rm -rf build build-*
