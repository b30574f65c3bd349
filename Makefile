# The commands of the course. Needs Python 3.11 or later; name another one with PYTHON=python3.12.
PYTHON ?= python3
BIN := .venv/bin
BOOK_SOURCES := _config.yml _toc.yml CHANGELOG.md CONTRIBUTING.md CITATION.cff pyproject.toml \
  $(addprefix tools/,accessible_pages.py formulas.py launch.py library_pages.py light_pages.py offline.py) \
  $(wildcard $(patsubst solutions/%,exercises/%,$(wildcard solutions/*/*.ipynb))) \
  $(shell find book -type f -not -path '*/.ipynb_checkpoints/*' -not -path '* *') $(shell find course_lib -name '*.py')
STUDENTS ?= 30
SEED ?= 0

.DEFAULT_GOAL := help
.PHONY: help setup start test test-all book pdf lite notebooks exercises demo-class bench format lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.venv/ready: requirements.txt pyproject.toml tools/bootstrap.py
	@$(PYTHON) tools/bootstrap.py

setup: .venv/ready ## make .venv from requirements.txt

start: .venv/ready _build/html/index.html ## build and serve the book, open JupyterLab on exercises/
	@$(BIN)/python tools/start.py

test: .venv/ready ## everything that needs no optional extra
	@$(BIN)/python tools/stages.py

test-all: .venv/ready ## make test, and what needs PyTorch, Keras on three backends, and CuPy
	@$(BIN)/python tools/stages.py --frameworks

book: .venv/ready ## build _build/html from nothing, warnings are errors
	@rm -rf _build/html _build/.doctrees _build/.jupyter_cache
	@$(MAKE) --no-print-directory _build/html/index.html

_build/html/index.html: .venv/ready $(BOOK_SOURCES)
	@echo "Building the book."
	@start=$$(date +%s) && $(BIN)/jupyter-book build . --warningiserror --keep-going --quiet && test -f $@ && touch $@ \
	  && echo "Book built in $$(( $$(date +%s) - start )) s: _build/html"

lite: .venv/ready ## build the book with a JupyterLite site in it; PYODIDE=folder puts Pyodide in, too
	@COURSE_LITE=1 $(BIN)/jupyter-book build . --warningiserror --keep-going --quiet && test -f _build/html/index.html
	@$(BIN)/python tools/lite.py $(if $(PYODIDE),--pyodide "$(PYODIDE)")

pdf: .venv/ready _build/html/index.html ## print the book, _build/sigmoid-course.pdf (needs Chromium or Chrome)
	@$(BIN)/python tools/pdf.py

notebooks: .venv/ready ## re-execute the chapters and write their outputs in canonical form
	@$(BIN)/python tools/notebooks.py

exercises: .venv/ready ## regenerate exercises/ from solutions/
	@$(BIN)/python -m grading release

demo-class: .venv/ready ## simulate a class, grade it, write feedback pages and the report
	@rm -rf demo-class
	@$(BIN)/python -m grading simulate ps1_curve --students $(STUDENTS) --seed $(SEED) --out demo-class
	@$(BIN)/python -m grading grade ps1_curve --submitted demo-class/submitted || [ $$? -eq 1 ]
	@$(BIN)/python -m grading feedback ps1_curve --course demo-class
	@$(BIN)/python -m grading report ps1_curve --course demo-class --out demo-class/report

bench: .venv/ready ## run benchmarks/ and print the tables
	@for file in benchmarks/*.py; do $(BIN)/python $$file || exit 1; done

format: .venv/ready ## format code and notebooks
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .

lock: ## compile requirements.txt from pyproject.toml
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url \
	  --extra book --extra lab --extra grading --extra dev pyproject.toml -o requirements.txt \
	  --custom-compile-command "make lock"
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url -c requirements.txt \
	  --extra keras --extra keras-backends --extra scale --extra gpu-compiler pyproject.toml -o requirements-extras.txt \
	  --custom-compile-command "make lock"
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url -c requirements.txt \
	  --group lite -o requirements-lite.txt --custom-compile-command "make lock"

clean: ## remove what was built; .venv and your work stay
	@rm -rf _build demo-class .pytest_cache .mypy_cache .ruff_cache
