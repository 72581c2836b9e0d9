# Each target does its own set-up; all work on a fresh Debian 12. EDDY_JOBS bounds the parallel compilations.
EDDY_JOBS ?= $(shell nproc)
export EDDY_JOBS

.PHONY: help run test test-all bench soak check check-perf clean

help:
	@echo "make run       the reference service on 127.0.0.1:8000 (ARGS='--port 8080 --loops 4')"
	@echo "make test      check, then build and test with the main presets (under an hour on two cores)"
	@echo "make test-all  check, clang-tidy, every preset, shuffled runs"
	@echo "make bench     eddy beside packaged peers, into docs/benchmarks.md (ARGS='core echo' for some groups)"
	@echo "make soak      an hour of mixed load: memory, descriptors, slow tasks (ARGS='--minutes 5 --core 3')"
	@echo "make check     the rules of the repository"
	@echo "make check-perf  instructions per operation of the hot paths against the recorded ones (ARGS=gcc)"
	@echo "make clean     remove build/"

run:
	@tools/setup build
	@test -f build/clang-release/build.ninja || cmake --preset clang-release
	@cmake --build --preset clang-release -j $(EDDY_JOBS) --target eddy_service
	@exec build/clang-release/eddy_service $(ARGS)

test:
	@tools/setup test
	@tools/test

test-all:
	@tools/setup test
	@tools/test --all

bench:
	@tools/setup bench
	@tools/bench $(ARGS)

soak:
	@tools/setup test
	@tools/soak $(ARGS)

check:
	@tools/setup test
	@tools/check

check-perf:
	@tools/setup test
	@tools/check-perf $(ARGS)

clean:
	rm -rf build
