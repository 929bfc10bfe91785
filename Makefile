# Meridian. `make` alone says what there is.

# A value that a person sets reaches a shell only if it is a plain word: anything else
# could be run as code. PARAMS, which has quotes and blanks, is read by no shell, and
# neither are the names of a deployment: scripts/deploy gets them by the environment, and
# checks them. A value is taken as it is written: make does not expand it.
PLAIN := a b c d e f g h i j k l m n o p q r s t u v w x y z \
	A B C D E F G H I J K L M N O P Q R S T U V W X Y Z 0 1 2 3 4 5 6 7 8 9 - _ . / : , + =
beyond = $(if $2,$(call beyond,$(subst $(firstword $2),,$1),$(wordlist 2,$(words $2),$2)),$(strip $1))
$(foreach name,ARCH FUNCTION_GOOS DIST STAGE REGION PLACEMENT REGIONS PURGE FUZZTIME RUNS SEED UNITS TIMES WORKER_MB COORDINATOR_MB,\
	$(if $(call beyond,$(value $(name)),$(PLAIN)),$(error $(name) may have letters, digits and - _ . / : , + = only)))
override PARAMS := $(value PARAMS)
GIVEN_ARCH := $(ARCH)
export STAGE REGION PLACEMENT REGIONS PARAMS PURGE GIVEN_ARCH

# The architecture of the Lambda functions, as Go spells it: arm64 or amd64.
ARCH ?= arm64
# Their system. Only the end-to-end test changes it: its emulator runs them as
# processes of the machine it is on.
FUNCTION_GOOS ?= linux
DIST ?= dist

# The deployment: its stage, and settings of it. Only the stage has a default here. A
# setting that is not given keeps the value that the stage was deployed with before, or
# else has the one in serverless.yml.
STAGE ?= dev
# The coordinator's Region: us-east-1 if the stage has none.
REGION ?=
# Where the workers are: home or regional. "regional" needs REGIONS: every
# Region that runs are to go to, REGION too if it is one of them; the same list
# for deploy-workers.
PLACEMENT ?=
REGIONS ?=
# 1 lets remove delete the bucket of the kept runs, with all of them.
PURGE ?=
# More parameters of serverless.yml: PARAMS='--param schedule=ENABLED'.
PARAMS ?=

# The tests run under the race detector where there is the C compiler it needs.
RACE := $(if $(shell command -v $$(go env CC)),-race)
# The development tools, pinned in tools.mod, apart from what the program needs.
TOOL := go tool -modfile=$(CURDIR)/tools.mod
# The linter is compiled from source too. Only the packages that dominate its run time are
# optimized: it then compiles in half the time.
LINT := $(CURDIR)/build/golangci-lint
# The modules: the program, and its benchmarks.
MODULES := . bench
EACH_MODULE = set -e; for module in $(MODULES); do ( cd $$module; set -x; $(1) ); done

# The Go that deployments and command lines are built with, so that they have the same
# bytes everywhere. Raise it with each security release.
BUILD_GO := go1.26.10

FUNCTIONS := coordinator regionworker
# The largest unzipped bootstraps, in MB of a million bytes. A larger one takes longer to
# load at a cold start. Both have the models of all of AWS's operations, 2 MB: the worker
# calls them, and the coordinator checks requests. Both have every task. Raise them for a
# task that links a client of the SDK.
WORKER_MB ?= 12
COORDINATOR_MB ?= 15
MAX_coordinator = $(COORDINATOR_MB)000000
MAX_regionworker = $(WORKER_MB)000000

.DEFAULT_GOAL := help
.PHONY: help run test check static repeat fmt vet lint fix-diff build size bench bench-cold bench-call bench-baseline bench-engine bench-reserve fuzz faults \
	soak mutants e2e generate \
	deploy remove deploy-workers remove-workers clean

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## the hello-world: three Regions, one second of work each, in one second
	@go run ./cmd/meridian run --region us-east-1,us-east-2,eu-west-1 --target dynamodb --task sleep --param seconds=1

# GOFLAGS reaches the go commands that tests run: they use the packages that are compiled for
# the race detector, and compile none a second time.
test: ## all tests, with Go alone; those that measure memory with RACE=, without the race detector
	@$(call EACH_MODULE,GOFLAGS="$$(go env GOFLAGS) $(RACE)" go test -shuffle=on ./...)

check: test static repeat ## the tests, and format, vet, lint, go fix, size, ten times the engine

# With less garbage collection the linter and the compiler take a third less time, and 3 GB.
static: export GOGC ?= 400
static: vet systems lint fix-diff size
	@$(call EACH_MODULE,go mod tidy -diff)

TIMES ?= 10
repeat: ## the engine and the coordinator TIMES (10) times, without the longest tests, on one and on four processors
	go test $(RACE) -short -shuffle=on -timeout=20m -count=$(TIMES) -cpu=1,4 ./internal/fanout ./internal/coordinator -rapid.checks=20

fmt: $(LINT) ## format the code
	$(LINT) fmt

$(LINT): FORCE
	@go build -modfile=tools.mod -gcflags='all=-N -l' -gcflags='std=' -gcflags='golang.org/x/tools/...=' -gcflags='honnef.co/...=' \
		-o $@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

vet:
	@$(call EACH_MODULE,go vet ./...)

# The systems that the command line is built for.
PLATFORMS := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64

.PHONY: systems
systems: ## type-check the programs for every system that cli builds for
	go run ./scripts/systems $(PLATFORMS)

lint: $(LINT) ## lint, and check the format
	@$(call EACH_MODULE,$(LINT) run --allow-parallel-runners --config $(CURDIR)/.golangci.yml)
	$(LINT) fmt --diff

fix-diff: ## fail when go fix would change something
	@$(call EACH_MODULE,go fix -diff ./...)

build: $(FUNCTIONS:%=$(DIST)/%.zip) ## dist/coordinator.zip and dist/regionworker.zip; ARCH=amd64 for x86

# One static binary for provided.al2023. Nothing of the machine gets into it, and
# the zip has no times in it: the same source gives the same bytes.
$(DIST)/%/bootstrap: FORCE
	GOTOOLCHAIN=$(BUILD_GO) CGO_ENABLED=0 GOOS=$(FUNCTION_GOOS) GOARCH=$(ARCH) go build -tags lambda.norpc -trimpath -buildvcs=false \
		-ldflags '-s -w -buildid=' -o $@ ./functions/$*

$(DIST)/%.zip: $(DIST)/%/bootstrap
	go run github.com/aws/aws-lambda-go/cmd/build-lambda-zip -o $@ $< 2>/dev/null

# The version is that of the Git tag, or commit, that is checked out.
.PHONY: cli
cli: ## the command line for Linux, macOS and Windows, static, with checksums: dist/meridian-*
	@rm -f $(DIST)/meridian-*
	@set -e; for platform in $(PLATFORMS); do \
		os=$${platform%/*}; arch=$${platform#*/}; file=$(DIST)/meridian-$$os-$$arch; \
		[ $$os != windows ] || file=$$file.exe; \
		echo "$$file"; \
		GOTOOLCHAIN=$(BUILD_GO) CGO_ENABLED=0 GOOS=$$os GOARCH=$$arch go build -buildvcs=auto -trimpath -ldflags '-s -w' -o $$file ./cmd/meridian; \
	done
	@cd $(DIST) && { sha256sum meridian-* 2>/dev/null || shasum -a 256 meridian-*; } > SHA256SUMS

FORCE:
.PRECIOUS: $(DIST)/%/bootstrap

size: $(FUNCTIONS:%=$(DIST)/%/bootstrap) ## fail when a bootstrap is larger than WORKER_MB (12) or COORDINATOR_MB (15) million bytes
	@set -e; $(foreach f,$(FUNCTIONS),bytes=$$(wc -c < $(DIST)/$(f)/bootstrap); \
		echo "$(f): $$bytes bytes of at most $(MAX_$(f))"; [ $$bytes -le $(MAX_$(f)) ];)

# The packages' benchmarks: the figures of this machine, and the committed ones.
BENCHMARKS := go test -run '^$$' -bench . -benchmem -benchtime 0.1s -count 6 ./pkg/... ./internal/...
bench: ## what an invocation costs, to bench/RESULTS.md, and the packages' benchmarks; BENCH_QUICK=1 for a look at the first
	cd bench && go run . invoke
ifndef BENCH_QUICK
	$(BENCHMARKS) > bench/latest.txt
	$(TOOL) benchstat bench/baseline.txt bench/latest.txt
endif

bench-cold: ## what a cold start takes, and the right memory size, to bench/COLD.md; BENCH_QUICK=1 for a look at it in a minute
	cd bench && go run . cold

# The tag compiles the SDK's client of EC2, which takes a minute on a whole core.
bench-call: ## what calling AWS takes, beside the AWS CLI, boto3 and the SDK's client of EC2, to bench/CALL.md; BENCH_QUICK=1 for a look at it in a minute
	cd bench && go run -tags ec2 . call

bench-baseline: ## measure the packages' benchmarks anew, to bench/baseline.txt, to be committed
	$(BENCHMARKS) > bench/baseline.txt

bench-engine: ## the engine against errgroup, and its bytes and allocations an item
	go test -run '^$$' -bench 'Errgroup|Map' -benchtime 20x ./internal/fanout

bench-reserve: ## how long before its deadline a coordinator answers, starved of CPU; UNITS=5000
	cd bench && go run . reserve -units $(UNITS)
UNITS ?= 5000

.PHONY: pictures
pictures: ## make the pictures of docs/images from committed records, with Chromium
	go run ./scripts/pictures
	CI=1 go test -count=1 -run '^TestPictures$$' ./internal/report/page -pictures $(CURDIR)/docs/images

.PHONY: figures
figures: ## fill in the generated tables of README.md and docs/
	@go run ./scripts/figures

.PHONY: schemas
schemas: ## write the JSON Schemas of the messages, and the OpenAPI document, anew
	@go run ./scripts/schema

FUZZTIME ?= 60s
fuzz: ## every fuzzer for FUZZTIME (60s)
	@for package in $$(go list ./...); do \
		for fuzzer in $$(go test -list '^Fuzz' $$package | grep '^Fuzz'); do \
			echo "$$fuzzer for $(FUZZTIME)"; \
			go test -run '^$$' -fuzz "^$$fuzzer$$" -fuzztime $(FUZZTIME) $$package || exit 1; \
		done; \
	done

faults: ## every fault in every pattern, loads beyond the memory, and 5,000 calls at once, in real time; prints the tables
	cd faults && go test -count=1 -run '^(TestEveryFault|TestEveryLoad.*|TestFiveThousandInvocations.*)$$' -parallel 8 -args -loopback

RUNS ?= 2000
SEED ?= 0
soak: ## RUNS (2000) runs with everything drawn from a SEED, which is printed
	cd faults && go test -count=1 -run '^TestSoak$$' -parallel 8 -timeout 30m -args -soak $(RUNS) -seed $(SEED)

mutants: ## mistakes made in the engine on purpose: each has to be caught by some test
	@go run ./scripts/mutants

# npm writes this file when it has installed what the lock file says.
node_modules/.package-lock.json: package-lock.json
	npm ci

# A part whose program is missing is skipped, but fails where CI is set. Some parts wait for timers
# of their emulators, so four go on at once.
e2e: $(if $(shell command -v npm),node_modules/.package-lock.json) ## try everything on a local AWS and real servers; E2E=template,deployment,catalogue,protocol,operations,answers,nginx,dead,accounts,worker,kept,alarms,mcp,schema for some, E2E_FULL=1 for all of it
	go test -tags e2e -count=1 -v -timeout 30m -parallel 4 ./e2e

# botocore at the pinned version, in a virtual environment of its own.
build/botocore/pin: internal/endpoints/botocore.pin
	python3 -m venv --clear $(@D)
	$(@D)/bin/pip install --quiet --no-compile --disable-pip-version-check botocore==$$(cut -d ' ' -f 1 $<)
	cp $< $@

# AWS's protocol tests, which only botocore's source distribution has.
build/botocore/protocols: build/botocore/pin
	build/botocore/bin/pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: --dest build/botocore/sdist botocore==$$(cut -d ' ' -f 1 $<)
	tar -xzf build/botocore/sdist/botocore-*.tar.gz -C build/botocore --strip-components 3 --wildcards '*/tests/unit/protocols'
	rm -r build/botocore/sdist
	touch $@

generate: build/botocore/pin ## write the catalogue of Regions and services, and the models of operations, anew, from botocore
	PATH="$(CURDIR)/build/botocore/bin:$$PATH" go generate ./internal/endpoints ./internal/awsapi/model

DEPLOY := go run ./scripts/deploy
deploy: node_modules/.package-lock.json ## deploy to AWS: STAGE=dev REGION=us-east-1
	@$(DEPLOY) deploy

remove: node_modules/.package-lock.json ## remove everything that deploy deployed but the kept runs; PURGE=1 deletes them too
	@$(DEPLOY) remove

deploy-workers: node_modules/.package-lock.json ## deploy the worker alone: REGIONS="eu-west-1 us-east-1"
	@$(DEPLOY) deploy-workers

remove-workers: node_modules/.package-lock.json ## remove the workers from REGIONS
	@$(DEPLOY) remove-workers

clean: ## remove what was built and installed
	rm -rf dist build node_modules .serverless
