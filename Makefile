VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
STAMP := $(VENV)/.installed

.PHONY: report test test-long lint readme clean

report: $(STAMP)
	$(BIN)/workbench verify bartlett2018
	$(BIN)/workbench report bartlett2018

test: $(STAMP) lint
	$(BIN)/pytest -n auto --dist loadfile -m "not long"
	$(BIN)/workbench verify --derivations

test-long: $(STAMP)
	$(BIN)/pytest -n auto --dist loadfile -m long

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

# Write the tables of theorems and derivations anew between their markers, and the page of the whole catalogue.
readme: $(STAMP)
	$(BIN)/workbench list --markdown > $(VENV)/catalogue.md
	awk '/^<!-- end of the catalogue -->/ { inside = 0 } !inside { print } \
	  /^<!-- catalogue -->/ { inside = 1; while ((getline line < "$(VENV)/catalogue.md") > 0) print line }' \
	  README.md > $(VENV)/README.md
	mv $(VENV)/README.md README.md
	$(BIN)/workbench list --page > $(VENV)/catalogue.md
	mv $(VENV)/catalogue.md reports/catalogue.md

$(STAMP): pyproject.toml constraints.txt
	$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[test]'
	touch $@

clean:
	rm -rf $(VENV) .workbench build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
