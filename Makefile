# make studio  open the studio in the browser
# make run     train the article's GPT and show it
# make test    run all tests
# make quick   run the tests of the room that has changed, without the slow ones (ROOM=chain names one)
# make coverage  run all tests, and show which lines they do not reach
# make check   style, types, direction of imports
# make bench   measure speed, as ratios within one run
# make soak    attack the studio, files and processes for fifteen minutes (MINUTES=3: for three)
# make pictures  take the pictures of docs/ again (needs Chromium)
# make handouts  make the lesson, the game and the slides of docs/print/ again (needs Chromium)
# make goldens  write what the page's engine is held to, as the library computes it
# make protocol  write the screen's types of commands and views, as studio/commands.py and protocol.py declare them
# make installs  install it plain and with each extra, as a stranger does, and print the sizes
# make docs    build the site, a folder of static files: the page, the guides, the reference (SITE=folder)
# make examples  make the notebooks of examples/ of the guides
# make screen  build the studio's screen from frontend/ (needs Node; its result is committed)
# Each sets up what it needs in .venv first, and only once.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
# On Linux the package index has PyTorch with several GB for NVIDIA's cards. Where there is no such card and PyTorch's own
# index answers, the build without them is taken; make CPU_TORCH= leaves the choice to pip.
CPU_TORCH ?= https://download.pytorch.org/whl/cpu

.PHONY: docs handouts installs examples studio run test quick coverage check check-screen format bench soak protocol goldens screen site pictures clean

studio: .venv/.runs
	$(BIN)/babygpt studio

run: .venv/.runs
	$(BIN)/babygpt train 111101111011110 --out runs/baby-gpt --replace --show table

test: .venv/.tests
	$(BIN)/python -m pytest --numprocesses logical --maxprocesses 8 --dist loadfile --ignore tests/browser
	$(BIN)/python -m pytest --numprocesses logical --maxprocesses 2 --dist loadfile tests/browser

quick: .venv/.tests
	@$(BIN)/python tests/quick.py

coverage: .venv/.tests
	$(BIN)/python -m pytest --numprocesses logical --maxprocesses 8 --dist loadfile --ignore tests/browser --cov --cov-report term

check: .venv/.tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# the screen's types and tests, and that the committed types, goldens and bundle are what their sources make
check-screen: .venv/.runs frontend/node_modules/.installed
	$(BIN)/python frontend/protocol.py --check
	$(BIN)/python frontend/goldens.py --check
	cd frontend && npm run --silent check && npm test --silent && node build.mjs --check

protocol: .venv/.runs
	$(BIN)/python frontend/protocol.py

screen: frontend/node_modules/.installed .venv/.runs
	cd frontend && npm run --silent build
	$(BIN)/babygpt export --article docs/babygpt.html --replace

examples: .venv/.runs
	$(BIN)/python examples/make.py

SITE ?= build/site
site: .venv/.docs
	$(BIN)/python docs/site/build.py $(SITE)

docs: site

goldens: .venv/.runs
	$(BIN)/python frontend/goldens.py

pictures: .venv/.tests
	$(BIN)/python tests/browser/pictures.py

handouts: .venv/.tests
	$(BIN)/python tests/browser/handouts.py

frontend/node_modules/.installed: frontend/package.json frontend/package-lock.json
	cd frontend && npm ci --silent --no-audit --no-fund
	@touch $@

format: .venv/.tests
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/.tests
	$(BIN)/python benchmarks/bench.py

installs: .venv/.runs
	$(BIN)/python tests/installs.py

MINUTES ?= 15
soak: .venv/.tests
	$(BIN)/python benchmarks/soak.py --minutes $(MINUTES)

clean:
	rm -rf .venv frontend/node_modules frontend/.tests build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

.venv/.runs: pyproject.toml constraints.txt
	@echo "Setting up .venv (once; a few minutes at most) …" >&2
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON). Install Python 3.11 or newer; make PYTHON=python3.12 run names another." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "BabyGPT needs Python 3.11 or newer; make PYTHON=python3.12 run names another")'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "This Python cannot make environments. On Debian and Ubuntu: sudo apt install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(PIP) --upgrade pip
	@if [ -n "$(CPU_TORCH)" ] && [ "$$(uname -s)" = Linux ] && ! [ -e /proc/driver/nvidia ] && ! command -v nvidia-smi >/dev/null; then \
	  $(PIP) --no-deps --timeout 5 --retries 0 --index-url "$(CPU_TORCH)" torch 2>/dev/null \
	    || echo "PyTorch's index for machines without an NVIDIA card does not answer; the package index is asked." >&2; \
	fi
	$(PIP) --editable '.[all]'
	@touch $@

.venv/.docs: .venv/.runs
	$(PIP) --group docs
	@touch $@

.venv/.tests: .venv/.runs
	$(PIP) --group dev
	@touch $@
