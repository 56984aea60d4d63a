# make test    checks everything, on a machine that may have nothing but Go
#              (ONLY=./internal/store tests just that)
# make lint    only the checks that run nothing: gofmt, go.mod, vet, staticcheck, gosec, govulncheck
# make bench   measures the portal beside bare servers that do the same work
# make fuzz    looks for bad inputs, FUZZTIME for each fuzz target
# make build   builds ./portal, one static program
# make clean   removes what these made

FUZZTIME ?= 30s
OUT ?= portal

.PHONY: test lint bench fuzz build clean

test:
	scripts/test.sh

lint:
	scripts/test.sh gofmt tidy vet staticcheck gosec govulncheck

bench:
	scripts/with-postgres.sh go run ./cmd/bench

fuzz:
	scripts/with-postgres.sh scripts/fuzz.sh $(FUZZTIME)

build:
	CGO_ENABLED=0 go build -trimpath -o $(OUT) ./cmd/portal

clean:
	rm -rf portal internal/testkit/axe/node_modules
