# Seatwise. `make help` says what there is; nothing but Go and make is needed to run and to test it.

SHELL       := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS   += --no-builtin-rules
.DEFAULT_GOAL := help

# Where and for what `make build` builds: ARCH is arm64 (as template.yaml says) or amd64.
ARCH ?= arm64
DIST ?= dist

# Handed on: `make run ARGS="--addr 127.0.0.1:8080"`, `make test TESTFLAGS="-race -count=1"`, `make deploy ARGS="--guided"`.
ARGS      ?=
TESTFLAGS ?=

TOOLS   := .tools
VENV    := $(TOOLS)/venv
# schemathesis has an environment of its own: what it needs and what sam pins must not decide about each other.
CALLERS  := $(TOOLS)/venv-callers
# The generators of clients and the linter of the document, which are programs of Node.
CLIENTS  := $(TOOLS)/clients
EMULATOR := $(TOOLS)/venv-emulator
# The programs that write workbooks, of three languages.
WRITERS := $(TOOLS)/venv-writers
WRITERS_NODE := $(TOOLS)/writers-node
WRITERS_POI  := $(TOOLS)/writers-poi
# The rules of accessibility.
AXE := $(TOOLS)/axe
# Rules of AWS for a stack.
NAG := $(TOOLS)/nag
# sam and cfn-lint want a region even where they call none.
REGION ?= us-east-1

GOLANGCI_VERSION := v2.15.0
GOLANGCI         := $(TOOLS)/bin/golangci-lint-$(GOLANGCI_VERSION)

CYCLONEDX_VERSION := v1.9.0
CYCLONEDX         := $(TOOLS)/bin/cyclonedx-gomod-$(CYCLONEDX_VERSION)

# Every function of template.yaml, and where its main package is: MassConfigurationCheckFunction is functions/mass-configuration-check.
# This is the one place that knows.
FUNCTIONS := $(shell awk '/^  [A-Za-z0-9]+:/ {id = $$1; sub(":", "", id)} /^    Type: AWS::Serverless::Function/ {print id}' template.yaml 2>/dev/null)
folder     = functions/$(shell printf '%s' '$(1)' | sed -E 's/Function$$//; s/([a-z0-9])([A-Z])/\1-\2/g' | tr '[:upper:]' '[:lower:]')

# Inlining copies each part of a page to every place that shows it, and the SDK's codecs likewise:
# without it there the console's package is 6% smaller, the others' 2% (docs/decisions.md, 187).
NOT_INLINED = seatwise/shared/console/... github.com/aws/aws-sdk-go-v2/service/... \
	github.com/a-h/templ/... github.com/coreos/go-oidc/v3/... github.com/go-jose/go-jose/v4/... \
	github.com/danielgtaylor/huma/v2/... net net/http crypto/tls crypto/x509 regexp/... golang.org/x/...
GO_BUILD = CGO_ENABLED=0 GOOS=linux GOARCH=$(ARCH) go build -tags lambda.norpc -trimpath -buildvcs=false -ldflags "-s -w" $(NOT_INLINED:%=-gcflags=%=-l)

# With it the pages of the console take the compiler five times as long and a gigabyte: so for whatever
# make starts. What go builds without make is the same but for that.
export GOFLAGS := $(shell go env GOFLAGS 2>/dev/null) -gcflags=seatwise/shared/console/...=-l

ifeq ($(filter $(ARCH),arm64 amd64),)
$(error ARCH is arm64 or amd64, not '$(ARCH)')
endif

.PHONY: help
help: ## Show this help.
	@awk 'BEGIN {FS = ":[^#]*## "} /^[a-z-]+:[^#]*## / {printf "  %-10s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

.PHONY: run
# Not `go run`: it does not hand a SIGTERM on, and the runner would be left behind.
run: ## Serve everything on this machine at http://127.0.0.1:3000; the same as `go run ./infra/local`. ARGS="--addr ..." is handed on.
	@$(RUNNER)
	@exec $(TOOLS)/bin/seatwise-local $(ARGS)

# Builds the runner. The first time takes a minute or two, so it says how far it is; go tells what it downloads and what it has compiled.
RUNNER = echo "Building the runner; the first time takes a minute or two." >&2; \
	go build -v -buildvcs=false -o $(TOOLS)/bin/seatwise-local ./infra/local 2>&1 | awk '\
		/^go: downloading / {modules++; printf "\r  %d modules downloaded", modules > "/dev/stderr"; next} \
		/^[[:alnum:]_.\/~-]+$$/ {packages++; printf "\r  %d packages built", packages > "/dev/stderr"; next} \
		{print > "/dev/stderr"} \
		END {if (modules + packages) print "" > "/dev/stderr"}'

.PHONY: demo
demo: ACCOUNT ?= demo
demo: ## Fill the account ACCOUNT=demo with a believable year, if it is not there, and serve it as `make run` does; say where to sign in.
	@$(RUNNER)
	@go run -buildvcs=false ./infra/demo --runner $(TOOLS)/bin/seatwise-local --account $(ACCOUNT) --served "$(ARGS)"
	@exec $(TOOLS)/bin/seatwise-local --propose $(ACCOUNT)/ada $(ARGS)

.PHONY: fixture
fixture: export FOLDER := $(shell mktemp -d -u)
fixture: ## Keep the store of a year, as this commit writes it, as that of the release RELEASE=v1.2.3; docs/CONTRIBUTING.md, "A release".
	@[[ "$(RELEASE)" == v* ]] || { echo "say which release: make fixture RELEASE=v1.2.3" >&2; exit 1; }
	@$(RUNNER)
	@trap 'rm -rf "$$FOLDER"' EXIT; \
	go run -buildvcs=false ./infra/demo --runner $(TOOLS)/bin/seatwise-local --data "$$FOLDER"; \
	go test -count=1 ./infra/releases -run TestRecord -record $(RELEASE) -data "$$FOLDER"

# The runner refuses to share its folder, so one that runs keeps its data: stop it first.
.PHONY: fresh
fresh: ## Throw away all data of the runner on this machine, in .local, to start from nothing.
	@if [ -e .local/runner.bolt ] && command -v flock >/dev/null && ! flock -n .local/runner.bolt true; then echo "A runner is using .local; stop it first." >&2; exit 1; fi
	@if [ -e .local/runner.bolt ]; then echo "Removing .local" >&2; rm -rf .local; else echo "There is no data in .local" >&2; fi

# A database and a runner that all packages share: each would start and build its own otherwise.
TEST = go run -buildvcs=false ./infra/testing/once go test -timeout 40m $(TESTFLAGS)
# How often a property is tried with values made up; rapid's own is 100.
RAPID_CHECKS ?= 25

.PHONY: test
# A collection of garbage costs a quarter of the time at the usual 100, of tests and of the linker.
test: export GOGC := 400
test: export RAPID_CHECKS := $(RAPID_CHECKS)
test: ## Run the tests; they start the servers that they need. TESTFLAGS="-race" is handed on.
	$(TEST) ./...

# Parts that need other programs, or more time than whoever changes something wants to wait: all tests
# of the packages that name the part, as infra/testing/parts declares it.
part = SEATWISE_TEST_PARTS=$@ $(TEST) $$(grep -rlE --include='*_test.go' '$(1)' infra shared | xargs -n1 dirname | sort -u | sed 's|^|./|')

.PHONY: test-long
test-long: export RAPID_CHECKS := 200
test-long: export SEATWISE_TEST_SAMPLE = $(SAMPLE)
test-long: ## Run the long rounds: a kill at every commit (a quarter each day; SAMPLE=all), larger sizes, more of each property.
	$(call part,parts\.(Long|Sized)|pgregory\.net/rapid)

.PHONY: bootstraps
bootstraps: ## Build functions and runners as `make build` does, and run what was built.
	$(call part,parts\.Bootstraps)

.PHONY: papers
papers: ## Open reports and statements in LibreOffice, print them, and look at the pages. Needs soffice and poppler.
	$(call part,parts\.Papers|programs\.(Convert|ReadPDF))

.PHONY: servers
servers: ## Test against moto's server, where it is installed, and an S3 server that verifies signatures, which is built.
	$(call part,parts\.Servers|programs\.(Moto|VersityGW))

.PHONY: browser
browser: ## Do every task of the console in Chromium: by mouse, by keyboard alone, without script. Needs chromium and npm.
	$(call part,parts\.Browser|programs\.Chromium)
browser: $(AXE)/installed browser-part
browser: export SEATWISE_TEST_SAMPLE = $(SAMPLE)

# A quarter each day, by the days since 1970; SAMPLE=all is everything, which takes three times as long.
SAMPLE ?= $(shell echo $$(($$(date +%s) / 86400 % 4)))
.PHONY: browser-part
browser-part:
	@echo "Trying part $(SAMPLE) of pages and buttons (of 0 to 3, one each day); make browser SAMPLE=all tries all of them." >&2

.PHONY: pictures
pictures: ## Make the pictures of the console in docs/pictures, light and dark, from the demo's year. Needs chromium.
	SEATWISE_TEST_PARTS=browser SEATWISE_PICTURES=yes go test -count=1 -run '^TestPictures$$' ./infra/browser

.PHONY: bom
bom: $(CYCLONEDX) ## Write the bill of materials (DIST=dist, bom.json, CycloneDX), and refuse licenses that may not be linked.
	mkdir -p $(DIST)
	$(CYCLONEDX) mod -licenses -json -noserial -output $(DIST)/bom.json .
	go run -buildvcs=false ./infra/bom < $(DIST)/bom.json

.PHONY: lint
lint: $(GOLANGCI) ## Run the pinned golangci-lint; the first time builds it.
	$(GOLANGCI) run --timeout 15m ./...

.PHONY: fmt
fmt: $(GOLANGCI) ## Format the Go files.
	$(GOLANGCI) fmt ./...

.PHONY: build
build: $(or $(FUNCTIONS:%=$(DIST)/%/bootstrap),no-functions) ## Build every function to dist/<LogicalId>/bootstrap, for arm64 or with ARCH=amd64.

.PHONY: sizes
sizes: build ## Print how large the functions are that build makes; one of the API over 4.5 MB zipped is an error.
	@go run -buildvcs=false ./infra/bench -only sizes -dist $(DIST)

.PHONY: no-functions
no-functions:
	@echo "template.yaml declares no function" >&2; exit 1

# Go knows what is current better than make does.
$(DIST)/%/bootstrap: FORCE
	$(GO_BUILD) -o $@ ./$(call folder,$*)

# What `sam build` calls for every function with BuildMethod: makefile.
build-%: FORCE
	@[ -n "$${ARTIFACTS_DIR:-}" ] || { echo "build-$* is for sam build, which sets ARTIFACTS_DIR; use make build" >&2; exit 2; }
	$(GO_BUILD) -o "$$ARTIFACTS_DIR/bootstrap" ./$(call folder,$*)

# sam builds all functions at once, and each would compile the packages of all again.
.PHONY: compiled
compiled:
	@$(GO_BUILD) ./functions/...

# Any other main package with the functions' flags, for infra/bench: make program PACKAGE=./infra/bench/bare OUT=file
.PHONY: program
program: FORCE
	$(GO_BUILD) -o $(OUT) $(PACKAGE)

.PHONY: FORCE
FORCE:

.PHONY: catalog
catalog: ## Check shared/catalog/catalog.yaml and write it as the Go values that the functions embed.
	@trap 'rm -f shared/catalog/generated.go.new' EXIT; go run -buildvcs=false ./infra/catalog shared/catalog/catalog.yaml > shared/catalog/generated.go.new; mv shared/catalog/generated.go.new shared/catalog/generated.go

.PHONY: openapi
openapi: ## Write openapi.yaml from the code, and the packed copies that HealthFunction serves.
	@trap 'rm -f openapi.yaml.new' EXIT; go run -buildvcs=false ./infra/openapi -embed shared/health > openapi.yaml.new; mv openapi.yaml.new openapi.yaml

# The generator and the library that its output calls must be of one version, so go.mod names both.
TEMPL = github.com/a-h/templ/cmd/templ@$(shell go list -m -f '{{.Version}}' github.com/a-h/templ)

.PHONY: views
views: ## Write the views (*.templ) as Go, and the console's client of the API from openapi.yaml.
	@for part in console purchase; do go run $(TEMPL) generate -path shared/$$part -log-level warn; done
	@trap 'rm -f openapi-client.new' EXIT; go run -buildvcs=false ./infra/apiclient openapi.yaml > openapi-client.new; mv openapi-client.new shared/console/client/generated.go

# The stack with all that it can have, for cdk-nag, which decides no conditions.
EVERYTHING = DomainName=licenses.example.com HostedZoneId=Z1 CertificateArn=arn:aws:acm:us-east-1:123456789012:certificate/1 \
	KmsKeyArn=arn:aws:kms:us-east-1:123456789012:key/1 AlarmTopicArn=arn:aws:sns:us-east-1:123456789012:alarms \
	AllowedOrigins=https://portal.example.com ShowDashboard=true Tracing=Active ReportBuildersAtOnce=50

.PHONY: validate
validate: export SAM_CLI_TELEMETRY := 0
validate: export AWS_DEFAULT_REGION := $(REGION)
validate: export PYTHONDONTWRITEBYTECODE := 1
validate: $(VENV)/installed $(NAG)/installed compiled ## Check template.yaml and openapi.yaml, and that sam builds it all; the first time fetches sam, cfn-lint and a validator.
	$(VENV)/bin/cfn-lint --regions $(REGION) --append-rules infra/rules --template template.yaml
	$(VENV)/bin/python infra/rules/_check.py
	$(VENV)/bin/python infra/nag/transform.py template.yaml $(EVERYTHING) > $(NAG)/template.json
	cp infra/nag/nag.js $(NAG) && node $(NAG)/nag.js $(NAG)/template.json infra/nag/exceptions.json
	$(VENV)/bin/sam validate --lint --template template.yaml
	$(VENV)/bin/openapi-spec-validator openapi.yaml
	$(VENV)/bin/sam build --template template.yaml

.PHONY: callers
callers: export PYTHONDONTWRITEBYTECODE := 1
callers: $(CALLERS)/installed ## Call every operation of openapi.yaml with requests made up from it, good and bad. ARGS="--seed 2 --examples 50" is handed on.
	@go build -buildvcs=false -o $(TOOLS)/bin/seatwise-local ./infra/local
	$(CALLERS)/bin/python infra/callers/callers.py --runner $(TOOLS)/bin/seatwise-local --schemathesis $(CALLERS)/bin/schemathesis $(ARGS)

.PHONY: emulator
emulator: export PYTHONDONTWRITEBYTECODE := 1
emulator: $(VENV)/installed $(EMULATOR)/installed ## Deploy the stack to an emulator of AWS that enforces IAM, and run everything there. ARGS="--plant all" is handed on.
	$(EMULATOR)/bin/python infra/emulator/emulator.py $(ARGS)

.PHONY: writers
writers: $(WRITERS)/installed $(WRITERS_NODE)/installed $(WRITERS_POI)/installed ## Have other programs write workbooks and CSV, and read each to the same rows. Needs node, java, mvn and soffice.
	go run -buildvcs=false ./infra/writers -python $(WRITERS)/bin/python -node $(WRITERS_NODE) -poi $(WRITERS_POI) $(ARGS)

.PHONY: clients
clients: $(CLIENTS)/installed ## Make clients of openapi.yaml with two generators, drive the path with them, and lint the document; needs Node 20.
	@go build -buildvcs=false -o $(TOOLS)/bin/seatwise-local ./infra/local
	infra/clients/clients.sh

.PHONY: mutations
mutations: ## Plant bugs one after the other, each of which the tests must catch. ARGS="-only lease" is handed on.
	go run -buildvcs=false ./infra/mutations $(ARGS)

.PHONY: bench
bench: ## Measure the binaries: size, cold start, calls and capacity units; and the console's pages, in Chromium too where there is one.
	go run -buildvcs=false ./infra/bench $(ARGS)
	go test -run '^$$' -bench . -benchtime 40x ./infra/testing/consolewalk
	SEATWISE_TEST_PARTS=browser go test -run '^$$' -bench . -benchtime 20x ./infra/browser

.PHONY: cost
cost: ## Compute what a month costs by counted calls and list prices: an idle stack, one, 1,000 and 10,000 tenants.
	go run -buildvcs=false ./infra/bench -only cost

.PHONY: capacity
capacity: ## Play a billing day of 100, 10,000 and 100,000 tenants, and an hour of 10,000 accounts for real; docs/capacity.md.
	go run -buildvcs=false ./infra/bench -only capacity

.PHONY: load
load: ## Drive the runner with 1, 16 and 64 callers, beside a floor that only commits. ARGS="-dynamodb -rounds 9 -turn 2s" is handed on; -dynamodb is over DynamoDB Local.
	go run -buildvcs=false ./infra/load $(ARGS)

# A long round is SEEDS=2450, about 2,000,000 operations; ADAPTER=dynamo plays over DynamoDB Local; -seed and -steps go through ARGS.
SEEDS ?= 50
ADAPTER ?= bolt
.PHONY: simulate
simulate: ## Play SEEDS=n seeds of random operations, faults and interleavings, over ADAPTER=bolt or dynamo, and check every invariant; docs/correctness.md.
	GOGC=400 go run -buildvcs=false ./infra/simulate -adapter $(ADAPTER) -seeds $(SEEDS) $(ARGS)

# -seed and -every go through ARGS.
KILLS ?= 500
.PHONY: kills
kills: ## Kill the runner KILLS=n times under load, restart it each time, and check that nothing acknowledged is lost; docs/correctness.md.
	go test -count=1 -timeout 6h -v -run '^TestKills$$' ./infra/kills -kills $(KILLS) $(ARGS)

# A stack for each stage, as samconfig.toml has them; prod is the one named seatwise.
STAGE ?= prod
STACK  = seatwise$(if $(filter-out prod,$(STAGE)),-$(STAGE))
ifeq ($(filter $(STAGE),dev staging prod),)
$(error STAGE is dev, staging or prod, not '$(STAGE)')
endif

.PHONY: deploy
deploy: export SAM_CLI_TELEMETRY := 0
deploy: $(VENV)/installed compiled ## Build and deploy STAGE=dev, staging or prod (left out, it is prod) to the AWS account of the environment, and try it. ARGS="--parameter-overrides ..." is handed on.
ifeq ($(ARCH),amd64)
	@case '$(ARGS)' in *Architecture=x86_64*) ;; *) echo 'ARCH=amd64 needs ARGS="--parameter-overrides Architecture=x86_64 ..."' >&2; exit 2;; esac
endif
	$(VENV)/bin/sam build --template template.yaml
	$(VENV)/bin/sam deploy --config-env $(STAGE) $(ARGS)
ifneq ($(SMOKE),no)
	$(VENV)/bin/python infra/tools/smoke.py --stack $(STACK)
endif

.PHONY: smoke
smoke: $(VENV)/installed ## Try the stack of STAGE: sign in, buy, assign and terminate in the account smoke-test. make deploy does it too; SMOKE=no leaves it out there.
	$(VENV)/bin/python infra/tools/smoke.py --stack $(STACK)

.PHONY: invite
invite: $(VENV)/installed ## Make a person in the stack's own user pool: EMAIL=ada@example.com ACCOUNT=acme, or OPERATOR=yes. ID=ada is their id in the directory.
	@$(VENV)/bin/python infra/tools/invite.py --stack $(STACK) --email '$(EMAIL)' --account '$(ACCOUNT)' --id '$(ID)' $(if $(OPERATOR),--operator)

.PHONY: adopt
adopt: export SAM_CLI_TELEMETRY := 0
adopt: $(VENV)/installed compiled ## Make the stack again around what a deleted one left: TABLE=name ARGS="JwtIssuer=https://...".
	$(VENV)/bin/sam build --template template.yaml
	$(VENV)/bin/python infra/tools/adopt.py --stack $(STACK) --table '$(TABLE)' $(ARGS)

.PHONY: clean
clean: ## Remove what was built; the data in .local and the tools in .tools stay.
	rm -rf $(DIST) .aws-sam

# The version is in the name, so that a new one is installed when it changes.
$(CYCLONEDX):
	GOBIN="$(CURDIR)/$(TOOLS)/bin" go install github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@$(CYCLONEDX_VERSION)
	mv $(TOOLS)/bin/cyclonedx-gomod $@

$(GOLANGCI):
	mkdir -p $(TOOLS)/bin
	GOBIN="$(CURDIR)/$(TOOLS)/bin" go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	mv $(TOOLS)/bin/golangci-lint $@

$(CLIENTS)/installed: infra/clients/typescript/package.json infra/clients/typescript/package-lock.json infra/clients/typescript/.npmrc
	rm -rf $(@D) && mkdir -p $(@D)
	cp $^ $(@D)
	cd $(@D) && npm ci --silent
	touch $@

# requirements.txt says what is wanted and why, requirements.lock the versions of all that comes with it.
$(VENV)/installed: infra/tools/requirements.txt infra/tools/requirements.lock
$(CALLERS)/installed: infra/callers/requirements.txt infra/callers/requirements.lock
$(EMULATOR)/installed: infra/emulator/requirements.txt infra/emulator/requirements.lock
$(WRITERS)/installed: infra/writers/requirements.txt infra/writers/requirements.lock
$(VENV)/installed $(CALLERS)/installed $(EMULATOR)/installed $(WRITERS)/installed:
	python3 -m venv --clear $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check --no-input --requirement $< --constraint $(<:.txt=.lock)
	touch $@

.PHONY: locks
locks: ## After a change of a requirements.txt, write the versions of all that comes with it. ONLY=infra/tools writes one.
	@for folder in $(or $(ONLY),infra/tools infra/callers infra/emulator infra/writers); do \
		python3 -m venv --clear $(TOOLS)/venv-lock; \
		$(TOOLS)/venv-lock/bin/pip install --quiet --disable-pip-version-check --no-input --requirement $$folder/requirements.txt; \
		$(TOOLS)/venv-lock/bin/pip freeze --disable-pip-version-check > $$folder/requirements.lock; \
		rm -rf $(TOOLS)/venv-lock; \
	done

$(WRITERS_NODE)/installed: infra/writers/package.json infra/writers/package-lock.json
$(AXE)/installed: infra/browser/package.json infra/browser/package-lock.json
$(NAG)/installed: infra/nag/package.json infra/nag/package-lock.json infra/nag/.npmrc
$(WRITERS_NODE)/installed $(AXE)/installed $(NAG)/installed:
	mkdir -p $(@D)
	cp $^ $(@D)
	cd $(@D) && npm ci --ignore-scripts --no-audit --no-fund
	touch $@

$(WRITERS_POI)/installed: infra/writers/pom.xml
	rm -rf $(@D)
	mvn -B -q -f $< dependency:copy-dependencies -DoutputDirectory=$(abspath $(@D)) -DincludeScope=runtime
	touch $@
