# Each target calls a tool; 'make help' lists them.
PYTHON ?= python3
VENV := .venv
# nbgrader, KaTeX and the kernels call their programs by bare name.
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
# The kernels of the book, not those of the user's IPython.
export IPYTHONDIR := $(CURDIR)/npfl_book/ipython
# One thread for each kernel: chapters and tests run side by side.
export OPENBLAS_NUM_THREADS := 1
export OMP_NUM_THREADS := 1

# What is installed stands in .venv, a file for each extra of pyproject.toml.
HAVE := $(VENV)/have-
# The extras that another one brings along.
WITH_course := grade
WITH_book := $(WITH_course) course
WITH_export := $(WITH_book) book
WITH_dev := $(WITH_export) export
NPM := npfl_book/node_modules/.package-lock.json
TSC := npfl_book/node_modules/.bin/tsc
BUILD := jupyter-book build . --warningiserror --keep-going --quiet
# What the book and the release notebooks are made from, and how: nothing is made while this is as it was.
SUMS = -type d \( -name node_modules -o -name ipython -o -name __pycache__ -o -name '.?*' \) -prune -o \
	-type f -exec cksum {} + | sort
STATE = { find index.md _config.yml _toc.yml pyproject.toml requirements.lock chapters npfl npfl_book npfl_grader $(SUMS); \
	cksum $(IPYTHONDIR)/profile_default/*.py; echo "$(BUILD) $$NPFL_PYODIDE_WHEELS"; }
# Of the chapters the notebooks name the titles.
RELEASE_STATE = { find _config.yml requirements.lock chapters/exercises npfl npfl_grader $(SUMS); grep '^\# ' chapters/*.md; }

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help install book build guide downloads test check lint links bench fuzz mutation rehearsal world course table lock clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(HAVE)dev $(HAVE)browser  ## install everything into .venv; each target installs what it needs itself

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "npfl needs Python 3.11 or newer, $(PYTHON) is older: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(HAVE)%: pyproject.toml requirements.lock tools/install.py | $(VENV)/bin/python
	python tools/install.py $*
	touch $(addprefix $(HAVE),$(WITH_$*) $*)

$(NPM): npfl_book/package-lock.json | $(HAVE)book
	cd npfl_book && npm ci --omit=dev --ignore-scripts --no-update-notifier --loglevel=error

$(TSC): npfl_book/package-lock.json | $(HAVE)book
	cd npfl_book && npm ci --ignore-scripts --no-update-notifier --loglevel=error
	touch $@

$(HAVE)browser: pyproject.toml requirements.lock $(NPM) | $(HAVE)book
	python -m npfl_book.browser
	touch $@

book: build  ## build the book and serve it on a free local port
	@python -u -m http.server --bind 127.0.0.1 --directory _build/html 0

build: $(HAVE)browser  ## build the book into _build/html
	@mkdir -p _build && $(STATE) > _build/.state
	@if cmp -s _build/.state _build/.built && test -e _build/html/index.html -a -e exercises && \
		test -z "$$(find _build/lite -name release-failed.txt -mmin +60 2>/dev/null)"; then \
		echo "_build/html is up to date"; \
	else \
		rm -f _build/.built; $(RELEASE_STATE) > _build/.release; \
		if ! cmp -s _build/.release _build/.released || ! test -e exercises; then \
			rm -f _build/.released; npfl-grader release || exit 1; \
		fi; \
		mv _build/.release _build/.released && $(BUILD) && mv _build/.state _build/.built; \
	fi

guide: $(HAVE)book $(NPM)  ## build the instructor's guide into _build/guide
	jupyter-book build docs --path-output _build/.guide --warningiserror --keep-going --quiet
	rm -rf _build/guide && cp -r _build/.guide/_build/html _build/guide

downloads: build $(HAVE)export  ## add the PDF, the ePub and the packed site, which the first page offers (needs Chromium)
	python -m npfl_book.export

# Not in pyproject.toml: some tests run others where pytest-xdist is missing. Three workers even on two cores:
# a worker often waits, for a browser, a database or the other half of a course.
test: install  ## run the whole test suite
	pytest -n 3 --dist worksteal

check: lint  ## for daily work, a minute: lint, and the tests that need no browser and no course
	pytest -n 2 --dist worksteal -q -m "not slow"

lint: $(HAVE)dev $(TSC)  ## check format, style, types, who imports whom, spelling and prose
	ruff format --check .
	ruff check .
	python tools/cells.py --check chapters/*.md
	mypy
	$(TSC) --project npfl_book
	lint-imports
	codespell
	python -m npfl_book.prose *.md chapters/*.md chapters/*/*.md $(filter-out docs/exercises.md,$(wildcard docs/*.md))

links: $(HAVE)browser  ## check that the links to other sites still lead somewhere
	npfl-grader release
	jupyter-book build . --builder linkcheck --keep-going

bench: install  ## run the benchmarks
	for script in benchmarks/*.py; do python $$script || exit 1; done

FUZZ := message notebook archive lists exception rendering
fuzz: $(HAVE)dev $(HAVE)fuzz  ## look for bytes that break what reads submissions, a minute each (with Atheris on Linux and Python 3.11)
	pytest -q tests/fuzz
	@python -c 'import atheris' 2>/dev/null || { echo "Atheris is not installed here: only Hypothesis has tried"; exit 0; }; \
	for target in $(FUZZ); do python tests/fuzz/run.py $$target _build/fuzz/$$target -max_total_time=60 || exit 1; done

mutation: $(HAVE)dev  ## make each of the typical mistakes in npfl and see that a test fails
	python tests/mutation/run.py

world: $(HAVE)dev  ## grade a folder of strangers' notebooks with stock nbgrader too, and compare: make world FOLDER=courses
	python tests/world/run.py $(or $(FOLDER),$(error say which: make world FOLDER=courses))

rehearsal: $(HAVE)dev  ## a simulated course of 300 students through every step, killed in between; goes on if stopped
	python tests/simulation/run.py

course: $(HAVE)course  ## create an nbgrader course: make course DIR=my-course ROSTER=students.csv
	npfl-grader course $(or $(DIR),course) $(if $(ROSTER),--roster "$(ROSTER)")

table: $(HAVE)grade  ## try all solutions of the exercises and write docs/exercises.md: which check catches which
	npfl-grader table tests/exercises/solutions > docs/.exercises.md && mv docs/.exercises.md docs/exercises.md
	cat docs/exercises.md

lock: $(HAVE)dev  ## refresh the locked versions
	python tools/install.py --lock
	cd npfl_book && npm update --package-lock-only

clean:  ## remove everything that was built, but not .venv
	rm -rf _build exercises
