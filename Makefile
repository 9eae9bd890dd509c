# Everything is set up here: `make demo` and `make test` on a fresh machine need Python 3.10-3.13 and make, nothing else.

VENV ?= .venv
BIN := $(VENV)/bin
# the newest suitable Python, unless one is named: make demo PYTHON=/path/to/python
PYTHON ?= $(firstword $(foreach p,python3 python3.13 python3.12 python3.11 python3.10,$(shell $(p) -c 'import sys; 10 <= sys.version_info.minor <= 13 and print("$(p)")' 2>/dev/null)))
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test test-cluster test-device parts lint audit bench clean

demo: $(VENV)/.demo
	$(BIN)/python app.py

# what is looked at needs one core, what is fetched and built the other
test: $(VENV)/.dev
	$(MAKE) --jobs 2 lint parts
	$(BIN)/python -m pytest --numprocesses logical --maxprocesses 4 --dist loadfile -m "not in_time"; first=$$?; \
	$(BIN)/python -m pytest -m in_time && exit $$first

# twenty kills of each kind, whose table is printed, and a machine that is cut off; an hour
test-cluster: $(VENV)/.dev
	$(BIN)/python -m tests.service.postgres
	$(BIN)/python -m tests.livekit.server
	$(BIN)/python -m pytest -m cluster_long -rP tests/cluster

# every value swept over its range, and what viewers rely on, drawn by a graphics processor or by one that the CPU imitates; five minutes
test-device: $(VENV)/.dev
	$(BIN)/python -m tests.render.vulkan
	$(BIN)/python -m pytest -m device_long tests/render

# real browsers, servers and drivers that the tests start, got where they are missing
parts: $(VENV)/.dev
	$(BIN)/python -m tests.browser.chromium
	$(BIN)/python -m tests.browser.firefox
	$(BIN)/python -m tests.faults.gvisor
	$(BIN)/python -m tests.service.postgres
	$(BIN)/python -m tests.service.objects
	$(BIN)/python -m tests.livekit.server
	$(BIN)/python -m tests.render.vulkan
	$(BIN)/python -m tests.deploy.debian
	$(BIN)/python -m tests.deploy.checker
	$(BIN)/python -m tests.livekit.client

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright
	test ! -x $(BIN)/hadolint || $(BIN)/hadolint Dockerfile
	-@$(BIN)/python -m tests.audit

# as in lint, where a new advisory is told but stops nobody; here it is an error
audit: $(VENV)/.dev
	$(BIN)/python -m tests.audit

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "bithuman_core needs Python 3.10 to 3.13: install one, or name it: make demo PYTHON=/path/to/python3"; exit 1; }
	@echo "setting up $(VENV) (once, a minute or two) ..."
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "python3 cannot make a virtual environment: install its venv package (Debian, Ubuntu: apt install python3-venv)"; exit 1; }

$(VENV)/.demo: requirements.txt pyproject.toml | $(VENV)/bin/python
	$(PIP) -r requirements.txt
	$(PIP) --no-deps --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.demo tests/requirements-plugins.txt
	$(PIP) --constraint requirements.txt --constraint tests/requirements-plugins.txt --editable '.[dev]'
	$(PIP) --no-deps --requirement tests/requirements-plugins.txt
	@touch $@
