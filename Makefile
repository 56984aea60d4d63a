# make test    checks everything, on a machine that may have nothing but Go
#              (ONLY=./internal/store tests just that)
# make lint    only the checks that run nothing: gofmt, go.mod, vet, staticcheck, gosec, govulncheck
# make bench   measures the portal beside bare servers that do the same work
# make soak    breaks things for SOAK each: processes killed, databases lost, connections cut
# make fuzz    looks for bad inputs, FUZZTIME for each fuzz target
# make build   builds ./portal, one static program: the same bytes wherever it is built
# make release builds it for every platform into dist/, with checksums and a bill of materials
# make clean   removes what these made

FUZZTIME ?= 30s
SOAK ?= 10m
OUT ?= portal
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
COMMIT ?= $(shell git rev-parse HEAD 2>/dev/null || echo unknown)

.PHONY: test lint bench soak fuzz build release clean

test:
	scripts/test.sh

lint:
	scripts/test.sh gofmt tidy vet staticcheck gosec govulncheck

bench:
	scripts/with-postgres.sh go run ./cmd/bench

soak:
	scripts/with-postgres.sh scripts/soak.sh $(SOAK)

fuzz:
	scripts/with-postgres.sh scripts/fuzz.sh $(FUZZTIME)

build:
	VERSION='$(VERSION)' COMMIT='$(COMMIT)' scripts/build.sh $(OUT)

release:
	VERSION='$(VERSION)' COMMIT='$(COMMIT)' scripts/release.sh dist

clean:
	rm -rf portal dist internal/testkit/axe/node_modules
