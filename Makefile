# Meridian. `make` alone says what there is.

# The architecture of the Lambda functions: arm64 or amd64.
ARCH ?= arm64
# The tests run under the race detector where there is the C compiler it needs.
RACE := $(if $(shell command -v $$(go env CC)),-race)
# The development tools, pinned in tools.mod, apart from what the program needs.
TOOL := go tool -modfile=tools.mod

FUNCTIONS := coordinator regionworker
# The most bytes of an unzipped bootstrap: what is not read at a cold start is
# not waited for.
MAX_coordinator := 11534336
MAX_regionworker := 8388608

.DEFAULT_GOAL := help
.PHONY: help run test check fmt vet lint fix-diff build size bench fuzz clean

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## the hello-world: three Regions, one second of work each, in one second
	@go run ./cmd/meridian run --region us-east-1,us-east-2,eu-west-1 --target dynamodb --task sleep --param seconds=1

test: ## all tests, with Go alone
	go test $(RACE) -shuffle=on ./...

check: test vet lint fix-diff size ## the tests, format, vet, lint, go fix, size
	go test $(RACE) -shuffle=on -count=10 -cpu=1,4 ./internal/fanout ./internal/coordinator
	go mod tidy -diff

fmt: ## format the code
	$(TOOL) golangci-lint fmt

vet:
	go vet ./...

lint: ## lint, and check the format
	$(TOOL) golangci-lint run
	$(TOOL) golangci-lint fmt --diff

fix-diff: ## fail when go fix would change something
	go fix -diff ./...

build: $(FUNCTIONS:%=dist/%.zip) ## dist/coordinator.zip and dist/regionworker.zip; ARCH=amd64 for x86

# One static binary for provided.al2023. Nothing of the machine gets into it, and
# the zip has no times in it: the same source gives the same bytes.
dist/%/bootstrap: FORCE
	CGO_ENABLED=0 GOOS=linux GOARCH=$(ARCH) go build -tags lambda.norpc -trimpath -buildvcs=false \
		-ldflags '-s -w -buildid=' -o $@ ./functions/$*

dist/%.zip: dist/%/bootstrap
	go run github.com/aws/aws-lambda-go/cmd/build-lambda-zip -o $@ $< 2>/dev/null

FORCE:
.PRECIOUS: dist/%/bootstrap

size: $(FUNCTIONS:%=dist/%/bootstrap) ## fail when a bootstrap is larger than it may be
	@$(foreach f,$(FUNCTIONS),bytes=$$(wc -c < dist/$(f)/bootstrap); \
		echo "$(f): $$bytes bytes of at most $(MAX_$(f))"; [ $$bytes -le $(MAX_$(f)) ] &&) true

bench: ## the benchmarks: the engine against errgroup, and the rest
	go test -run '^$$' -bench . -benchmem ./...

FUZZTIME ?= 60s
fuzz: ## every fuzzer for FUZZTIME (60s)
	@for package in $$(go list ./...); do \
		for fuzzer in $$(go test -list '^Fuzz' $$package | grep '^Fuzz'); do \
			echo "$$fuzzer for $(FUZZTIME)"; \
			go test -run '^$$' -fuzz "^$$fuzzer$$" -fuzztime $(FUZZTIME) $$package || exit 1; \
		done; \
	done

clean: ## remove what was built
	rm -rf dist
