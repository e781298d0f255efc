# SPDX-License-Identifier: Apache-2.0
# A thin front on CMakePresets.json: whoever knows CMake can ignore this file.
SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# The compiler cache works for every checkout of the project, wherever it lies.
export CCACHE_BASEDIR ?= $(CURDIR)
export CCACHE_SLOPPINESS ?= pch_defines,time_macros
export NINJA_STATUS ?= [%f/%t %es] 

.PHONY: help
help: ## This list
	@echo 'make TARGET, where TARGET is one of'
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | sort | awk -F'|' '{printf "%-10s %s\n", $$1, $$2}'

.PHONY: build
build: ## Install what is missing and build build/release/bin/guidon
	@tools/install-deps build
	@tools/build release guidon

.PHONY: run
run: build ## Build and start Guidon on this machine: profile local, data in data/local
	@exec build/release/bin/guidon serve --profile local --data data/local

.PHONY: test
test: ## Install what is missing, build, run every test (tools/test --help for single stages)
	@tools/test

.PHONY: bench
bench: ## Measure; BENCH=http, store, start, stream, sync, eval, client, ui or cost picks one. Results also go to build/bench
	@tools/install-deps build test bench
	@tools/bench $(BENCH)

.PHONY: lint
lint: ## Format, shell, layer and document checks, and clang-tidy on every file
	@tools/install-deps build test lint
	@tools/lint

.PHONY: format
format: ## Format every C++ file in place
	@tools/install-deps lint
	@tools/lint format --fix

.PHONY: clean
clean: ## Remove everything that was built; data stays
	rm -rf build
