VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
STAMP := $(VENV)/.installed
MEASURED := depth_table beyond_lazy regime_ode regime_sde regime_neither digits linear_network

.PHONY: report measure test test-long lint readme clean

report: $(STAMP)
	$(BIN)/workbench verify bartlett2018 cont2022
	$(BIN)/workbench report bartlett2018
	$(BIN)/workbench report cont2022

# The experiments of the second report at full size; what they measured is kept beside it, and the report reads it.
measure: $(STAMP)
	set -e; for sweep in $(MEASURED); do \
	  $(BIN)/workbench sweep reports/cont2022/$$sweep.toml --measured reports/cont2022/measured_$$sweep.json; done

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
