# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 the Perdure contributors

# `make run` and `make test` do all of their set-up by themselves, on Debian 12, Ubuntu 24.04 or newer with Swift 6.2.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# Which example `make run` talks to, where it keeps sessions, which session it continues, and what it says (nothing: an
# interactive chat).
AGENT ?= Greeter
ROOT ?= .perdure
SESSION ?= default
PROMPT ?=
# How long `make fuzz` runs, in seconds.
SECONDS_TO_FUZZ ?= 120

JOBS ?= $(shell nproc)
DEBUG := .build/debug
VENV := .venv/bin

export PATH := $(CURDIR)/$(VENV):$(PATH)

.PHONY: help
help: ## Show this list.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "make %-13s %s\n", $$1, $$2 }'

.PHONY: packages
packages: # The system's packages; does nothing when all are there.
	@.ci/setup-packages >&2

.PHONY: python-model python-test python-bench python-store python-aws python-loop
python-model: packages
	@.ci/setup-python examples/LocalModel/requirements.txt >&2
python-test: packages
	@.ci/setup-python examples/LocalModel/requirements.txt Tests/requirements.txt >&2
python-bench: packages
	@.ci/setup-python Tests/RuntimeBench/requirements.txt >&2
python-store: packages
	@.ci/setup-python --into .cache/store-bench Tests/StoreBench/requirements.txt >&2
python-aws: packages
	@.ci/setup-python --into .cache/aws Tests/AWS/requirements.txt >&2
python-loop: packages
	@.ci/setup-python --into .cache/loop Tests/StoreBench/requirements.txt Tests/LoopMatrix/requirements.txt >&2

.PHONY: build
build: packages ## Build everything but the tests.
	@echo "building …" >&2
	@swift build --jobs $(JOBS) >&2

.PHONY: model
model: python-model ## Serve a small language model on 127.0.0.1 until Ctrl-C; prints its address.
	@exec $(VENV)/python examples/LocalModel/serve.py

.PHONY: run
run: build $(if $(PERDURE_MODEL_URL),,python-model) ## Chat with an agent: PROMPT="…" SESSION=name ROOT=dir AGENT=SupportAgent.
	@examples/LocalModel/with-model $(DEBUG)/perdure chat $(DEBUG)/$(AGENT) --name $(AGENT) \
	  --root "$$ROOT" --session "$$SESSION" --env ORDERS_FILE="$(CURDIR)/examples/SupportAgent/orders.json" \
	  $(if $(value PROMPT),--prompt "$$PROMPT")
# By the environment and unexpanded, so that no quotation mark or dollar sign in them is taken for more than it is.
run: export PROMPT := $(value PROMPT)
run: export SESSION := $(value SESSION)
run: export ROOT := $(value ROOT)

.PHONY: check
check: packages ## Check formatting, architecture and the rules of CONTRIBUTING.
	.ci/checks/run

# One after the other: many tests block their thread on real files, processes and sockets, and all at once would leave
# those with a deadline no thread to meet it on.
.PHONY: test
test: python-test ## Run every test, with a real model, AWS's emulator and real NFS.
	swift build --build-tests --jobs $(JOBS)
	@# A failure stands somewhere in ten thousand lines: it is said once more at the end.
	swift test --skip-build --no-parallel 2>&1 | tee .build/tests.log \
	  || { grep -E '✘|↳|rror:' .build/tests.log || true; echo "failed: the whole output is in .build/tests.log"; exit 1; } >&2
	$(MAKE) test-rie test-aws test-soak test-chat test-bench test-bench-store test-crash test-loop test-life test-nfs

.PHONY: test-rie
test-rie: python-test ## Run the examples under AWS's Runtime Interface Emulator, and compare ours with it.
	swift build --jobs $(JOBS)
	$(VENV)/python Tests/RIE/drive.py --echo $(DEBUG)/Echo --misbehaving $(DEBUG)/Misbehaving --agent $(DEBUG)/SupportAgent
	$(VENV)/python Tests/RIE/differential.py --perdure $(DEBUG)/perdure --echo $(DEBUG)/Echo \
	  --misbehaving $(DEBUG)/Misbehaving

.PHONY: test-aws
test-aws: python-aws ## Compare our signed calls with those of AWS's client, and make them against a stand-in for AWS.
	swift build --jobs $(JOBS)
	.cache/aws/bin/python Tests/AWS/drive.py --caller $(DEBUG)/AWSCaller --perdure $(DEBUG)/perdure \
	  --bootstrap $(DEBUG)/Echo

.PHONY: test-chat
test-chat: python-test ## Have two chats with the real local model, with a new process tree each.
	Tests/LocalModel/chat

.PHONY: test-bench
test-bench: python-bench ## See that bench-runtime works, with few invocations.
	swift build --product Echo --jobs $(JOBS)
	Tests/RuntimeBench/run --quick --echo $(DEBUG)/Echo

.PHONY: test-bench-store
test-bench-store: python-store ## Count what a turn writes and syncs, and see that bench-store works.
	swift build --product StoreBench --jobs $(JOBS)
	Tests/StoreBench/run --quick --store-bench $(DEBUG)/StoreBench

SOAK := $(VENV)/python Tests/Soak/soak.py --echo $(DEBUG)/Echo --scripted $(DEBUG)/ScriptedFunction

.PHONY: soak test-soak
soak: python-test ## Have functions answer 150,000 invocations, and see that nothing is left of them.
	swift build --jobs $(JOBS)
	$(SOAK)
test-soak: python-test # A tenth of it.
	swift build --jobs $(JOBS)
	$(SOAK) --share 0.1

# More options of the fault campaign, such as CRASH="--only 'turn/EIO/wal.*'".
CRASH ?=
# What befalls the writers that compete; nothing: something else each time.
SEED ?=
FAULTS = Tests/FaultCampaign/run --writer $(DEBUG)/StoreWriter
WRITERS = Tests/FaultCampaign/writers --writer $(DEBUG)/StoreWriter $(if $(SEED),--seed $(SEED))
CORRESPONDENTS = Tests/FaultCampaign/correspondents --writer $(DEBUG)/StoreWriter $(if $(SEED),--seed $(SEED))
GRDB := .build/grdb-reader/debug/GRDBReader

.PHONY: crash test-writers test-crash grdb-reader store-writer
store-writer: packages
	@swift build --product StoreWriter --jobs $(JOBS) >&2
grdb-reader: packages
	@swift build --package-path Tests/GRDBReader --scratch-path .build/grdb-reader --jobs $(JOBS) >&2

crash: store-writer grdb-reader ## Fail, tear, kill and stop every file operation of a turn, one at a time: JSON=file.
	$(FAULTS) --grdb $(GRDB) $(if $(JSON),--json "$(JSON)") $(CRASH)
test-writers: store-writer grdb-reader ## Have 2 and 8 processes share a session, stopped and killed at random: SEED=n JSON=file.
	$(WRITERS) --grdb $(GRDB) $(if $(JSON),--json "$(JSON)")
	$(CORRESPONDENTS)
test-crash: store-writer # A part of both.
	$(FAULTS) --quick
	$(WRITERS) --turns 200
	$(CORRESPONDENTS) --messages 400

# More options of the crash matrix, such as LOOP="--only 'parallel/once/*'".
LOOP ?=
MATRIX = Tests/LoopMatrix/run --agent $(DEBUG)/LoopAgent --perdure $(DEBUG)/perdure --python .cache/loop/bin/python

.PHONY: crash-loop bench-loop test-loop loop-agent
loop-agent: packages
	@swift build --product LoopAgent --jobs $(JOBS) >&2
	@swift build --product perdure --jobs $(JOBS) >&2

crash-loop: loop-agent python-loop ## Kill, stop, time out and cut off every boundary of a turn, beside other agents: JSON=file.
	$(MATRIX) $(if $(JSON),--json "$(JSON)") $(LOOP)
test-loop: loop-agent python-loop # A part of both.
	$(MATRIX) --quick
	Tests/LoopBench/run --quick --agent $(DEBUG)/LoopAgent --python .cache/loop/bin/python

# The seed of a life is SEED; nothing: another one each time.
LIFE = Tests/LoopLife/run --agent $(DEBUG)/LoopAgent --perdure $(DEBUG)/perdure $(if $(SEED),--seed $(SEED))

.PHONY: life test-life
life: loop-agent ## Play 72 hours of one session in fast time, with kills, stops and an upgrade: SEED=n JSON=file.
	$(LIFE) $(if $(JSON),--json "$(JSON)")
test-life: loop-agent # A quarter of what happens in it.
	$(LIFE) --quick

# Scenarios of the NFS lab, "core" for the quick ones; nothing: all of them.
SCENARIOS ?=
# Where the NFS lab writes its results as JSON; nothing: nowhere.
JSON ?=
# Whose NFS server: linux or ganesha.
SERVER ?= linux

.PHONY: nfs-packages nfs-lab test-nfs
nfs-packages:
	@.ci/setup-packages nfs-lab >&2

nfs-lab: nfs-packages ## Freeze, cut off and destroy sandboxes on real NFS: SCENARIOS="pause" JSON=file SERVER=ganesha.
	swift build --product StoreWriter --jobs $(JOBS) >&2
	Tests/NFSLab/run --writer $(DEBUG)/StoreWriter --cache .cache/nfslab $(if $(JSON),--json "$(JSON)") \
	  --server $(SERVER) $(SCENARIOS)

test-nfs: # The core scenarios of the NFS lab.
	$(MAKE) nfs-lab SCENARIOS=core

# Of which release `make session-fixture` writes the session files.
VERSION ?= unreleased
FIXTURE := Tests/Fixtures/Sessions/$(VERSION)

.PHONY: session-fixture
session-fixture: packages ## Write session files of today's schema, for tests of all later versions: VERSION=v1.
	@[ "$(VERSION)" = unreleased ] || [ ! -e $(FIXTURE) ] || { echo "$(FIXTURE) is there, and never changed" >&2; exit 1; }
	swift build --product StoreWriter --jobs $(JOBS) >&2
	@root=$$(mktemp -d); trap 'rm -rf "$$root"' EXIT; \
	  for session in checkpointed logged; do \
	    $(DEBUG)/StoreWriter fixture "$$root" $$session; \
	    mkdir -p $(FIXTURE)/$$session; \
	    cp "$$root"/agent/*/$$session/s.db "$$root"/agent/*/$$session/s.db-wal $(FIXTURE)/$$session/; \
	  done
	@ls -l $(FIXTURE)/*

.PHONY: memory-reference
memory-reference: packages ## Have Anthropic's own helper answer the commands that the memory tool is compared by.
	@.ci/setup-python --into .cache/memory-reference Tests/MemoryReference/requirements.txt >&2
	.cache/memory-reference/bin/python Tests/MemoryReference/reference.py >Tests/Fixtures/Memory/reference.jsonl
	git diff --stat -- Tests/Fixtures/Memory

.PHONY: fuzz
fuzz: ## Fuzz the JSON parser for SECONDS_TO_FUZZ seconds (needs clang's libFuzzer).
	Tests/JSONFuzz/fuzz.sh $(SECONDS_TO_FUZZ)

.PHONY: bench
bench: packages ## Measure JSON decoding beside Foundation's, in one run.
	swift build --configuration release --product JSONBench --jobs $(JOBS)
	.build/release/JSONBench

# More options of the script of the two below: BENCH=--json.
BENCH ?=

.PHONY: bench-runtime
bench-runtime: python-bench ## Measure the runtime beside a C client on a plain socket and AWS's for Python, in one run.
	@$(MAKE) --no-print-directory bootstrap EXAMPLE=Echo >&2
	@Tests/RuntimeBench/run $(BENCH)

.PHONY: bench-store
bench-store: python-store ## Measure the session store beside LangGraph's, OpenAI's and Strands', in one run; 5 to 15 minutes.
	@swift build --configuration release --product StoreBench --jobs $(JOBS) >&2
	@Tests/StoreBench/run $(BENCH)

.PHONY: bench-loop
bench-loop: python-loop ## Measure durable steps a second beside DBOS's and the disk's own, in one run: JSON=file.
	@swift build --configuration release --product LoopAgent --jobs $(JOBS) >&2
	@Tests/LoopBench/run --agent .build/release/LoopAgent --python .cache/loop/bin/python $(if $(JSON),--json "$(JSON)") $(BENCH)

.PHONY: format
format: ## Format the sources.
	swift format format --in-place --recursive Package.swift Sources Tests examples

.PHONY: clean
clean: ## Remove what was built; sessions, the model and the emulator stay.
	rm -rf .build

# One file to deploy. EXAMPLE is the executable that becomes the function.
EXAMPLE ?= SupportAgent
BOOTSTRAP := .build/bootstrap/$(EXAMPLE)/bootstrap

.PHONY: bootstrap
bootstrap: packages ## Build EXAMPLE as a static bootstrap for Lambda.
	JOBS=$(JOBS) .packaging/bootstrap $(EXAMPLE)

.PHONY: budget
budget: bootstrap ## Compare EXAMPLE's bootstrap with its size limit and with Lambda's platform.
	.packaging/budget --self-test
	.packaging/budget $(EXAMPLE)

.PHONY: start-time
start-time: bootstrap ## Measure EXAMPLE's bootstrap from its start to its first /next.
	.packaging/start-time $(BOOTSTRAP)

.PHONY: package
package: bootstrap ## Make the .zip of EXAMPLE that Lambda takes.
	.packaging/package $(EXAMPLE)

.PHONY: test-package
test-package: ## Run the packaged SupportAgent in a root of three libraries, as nobody (needs root).
	$(MAKE) package EXAMPLE=SupportAgent
	Tests/Package/run .build/package/SupportAgent.zip

# AWS's own tools, in an environment of their own.
SAM_VENV := .cache/sam
STACK ?= perdure-agent
# More options of `sam deploy`, such as --region and --parameter-overrides.
DEPLOY ?=
export SAM_CLI_TELEMETRY := 0

$(SAM_VENV)/complete: .packaging/requirements.txt
	python3 -m venv --clear $(SAM_VENV)
	$(SAM_VENV)/bin/pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

.PHONY: validate
validate: packages $(SAM_VENV)/complete ## Lint template.yaml, and create its stack in a stand-in for AWS.
	$(SAM_VENV)/bin/cfn-lint template.yaml
	$(SAM_VENV)/bin/sam validate --lint --template template.yaml --region eu-west-1
	$(SAM_VENV)/bin/python .packaging/validate --self-test template.yaml
	$(SAM_VENV)/bin/python .packaging/validate template.yaml

.PHONY: deploy
deploy: package $(SAM_VENV)/complete ## Deploy EXAMPLE with `sam deploy`, which asks for what it needs the first time.
	cp .build/package/$(EXAMPLE).zip .build/package/function.zip
	$(SAM_VENV)/bin/sam deploy --template-file template.yaml --stack-name $(STACK) --capabilities CAPABILITY_IAM \
	  $(if $(wildcard samconfig.toml),,--guided) $(DEPLOY)
