# kafkacoord: `make` lists the targets. Everything needs Go; the targets that
# say so need a JDK 17, Maven and Python 3 as well (.ci/run installs them).

SHELL := /bin/bash -o pipefail

# Tools and downloads live outside the tree, so that a clean checkout stays
# clean and a second run downloads nothing. The tests read the same variable.
CACHE := $(or $(KAFKACOORD_CACHE),$(XDG_CACHE_HOME:%=%/kafkacoord),$(HOME)/.cache/kafkacoord)

# Pinned here and not in go.mod: what checks the product is not part of it.
STATICCHECK_VERSION := v0.8.2
GOFUMPT_VERSION := v0.12.0
KAZOO_VERSION := 2.11.0

STATICCHECK := $(CACHE)/tools/staticcheck-$(STATICCHECK_VERSION)/staticcheck
GOFUMPT := $(CACHE)/tools/gofumpt-$(GOFUMPT_VERSION)/gofumpt
KAZOO := $(CACHE)/tools/kazoo-$(KAZOO_VERSION)

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X kafkacoord/coord/admin.product=$(VERSION)

# Longest time one package's tests may take. The suites with real brokers are
# the slowest; everything else ends in seconds.
TEST_TIMEOUT ?= 15m
INTEGRATION_TIMEOUT ?= 60m
FUZZTIME ?= 10s
SEEDS ?= 200
SEED ?= 1

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/coord
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/coord ./coord/cmd/coord

.PHONY: run
run: build ## serve on 127.0.0.1:2181, data under ./data, metrics on 127.0.0.1:7000
	exec bin/coord serve

.PHONY: demo
demo: ## a real Kafka broker on three coord nodes, step by step (needs JDK 17 and Maven)
	go run ./integration/cmd/demo

.PHONY: test
test: $(KAZOO)/.complete ## every test with the race detector, real Kafka included
	@mkdir -p bin && rm -f bin/differential.txt
	PYTHONPATH='$(KAZOO)' ORACLE_REPORT='$(CURDIR)/bin/differential.txt' \
		go test -race -count=1 -timeout $(TEST_TIMEOUT) ./...
	@cat bin/differential.txt

.PHONY: integration
integration: $(KAZOO)/.complete ## the suites with real processes, in full length; BACKEND=java runs them on Java ZooKeeper
	KAFKACOORD_LONG=1 PYTHONPATH='$(KAZOO)' go test -race -count=1 -v -timeout $(INTEGRATION_TIMEOUT) ./integration/...

.PHONY: lint
lint: $(GOFUMPT) $(STATICCHECK) ## gofumpt, go vet, staticcheck
	@unformatted="$$($(GOFUMPT) -l .)"; \
	if [ -n "$$unformatted" ]; then \
		echo "not formatted; run 'make format':"; echo "$$unformatted"; exit 1; \
	fi
	go vet ./...
	$(STATICCHECK) ./...

.PHONY: format
format: $(GOFUMPT) ## format every Go file
	$(GOFUMPT) -w .

.PHONY: bench
bench: ## coord and Java ZooKeeper side by side (needs JDK 17 and Maven)
	go run ./integration/cmd/sidebyside

.PHONY: sim
sim: ## simulate whole ensembles under SEEDS seeds (default 200), from SEED on (default 1)
	go test ./coord/sim -run 'TestSim$$' -count=1 -timeout 0 -v -seeds=$(SEEDS) -seed=$(SEED)

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME (default 10s) each
	@go list ./... | while read -r package; do \
		targets="$$(go test -list '^Fuzz' "$$package" | grep '^Fuzz' || true)"; \
		for target in $$targets; do \
			echo "== $$package $$target ($(FUZZTIME))"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "$$package" </dev/null || exit 1; \
		done; \
	done

.PHONY: clean
clean: ## remove what was built; ./data and the download cache stay
	rm -rf bin

$(STATICCHECK):
	GOBIN='$(@D)' go install honnef.co/go/tools/cmd/staticcheck@$(STATICCHECK_VERSION)

$(GOFUMPT):
	GOBIN='$(@D)' go install mvdan.cc/gofumpt@$(GOFUMPT_VERSION)

# The marker is written last, so that a download cut short is done again.
$(KAZOO)/.complete:
	rm -rf '$(KAZOO)'
	python3 -m pip install --quiet --target '$(KAZOO)' kazoo==$(KAZOO_VERSION)
	touch '$@'
