# digitkit: `make report`, `make test`, `make notebooks`, `make lab`, `make bench`. Each sets up .venv once.
SHELL := /bin/bash
PROFILE ?= quick
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
NOTEBOOKS := $(wildcard nbs/*.ipynb)
HOUSE := nbs/99_house.ipynb
RUN := $(BIN)/jupyter nbconvert --to notebook --execute --inplace --log-level=ERROR \
  --ExecutePreprocessor.coalesce_streams=True \
  --ExecutePreprocessor.extra_arguments=--IPKernelApp.capture_fd_output=False
# how each Python of a test run starts; pytest alone starts without JAX: Keras on NumPy, as in a notebook, needs it
START := $(CURDIR)/tests/start
export TF_CPP_MIN_LOG_LEVEL ?= 3
export PYTHONHASHSEED ?= 0

.PHONY: report test notebooks lab bench ship recognition pictures readme site draw lint style types lock clean

report: $(READY)  ## the report of PROFILE (default quick): reports/$(PROFILE)/index.html
	@$(BIN)/digitkit report --profile $(PROFILE)

# Several processes share the cores: more threads of each would only wait for one another. They start hundreds of others:
# where nothing may be kept compiled, each of these would compile all modules anew
test: export TF_NUM_INTRAOP_THREADS ?= 1
test: export TF_NUM_INTEROP_THREADS ?= 1
test: export OPENBLAS_NUM_THREADS ?= 1
test: export PYTHONDONTWRITEBYTECODE =
test: export PYTHONPATH := $(START)$(if $(PYTHONPATH),:$(PYTHONPATH))
# pytest has four processes, since some of them wait for what others make
test: style  ## every test; ends with pytest's counts
	@$(BIN)/basedpyright & types=$$!; $(BIN)/nbdev-test --n-workers 3 && wait $$types
	@PYTHONPATH=$(START)/without_jax:$$PYTHONPATH $(BIN)/pytest -q -n 4 --dist loadfile --no-loadscope-reorder

lint: style types  ## all that needs no test to run

style: $(READY)  ## style, and that notebooks are clean and exported
	@$(BIN)/ruff check --quiet nbs tests tools
	@$(BIN)/ruff format --check --quiet nbs tests tools
	@$(BIN)/python tools/unchanged.py $(BIN)/nbdev-clean $(BIN)/nbdev-export

types: $(READY)  ## types of the public API
	@$(BIN)/basedpyright

notebooks: $(READY)  ## run every component notebook and keep its outputs
	@$(BIN)/nbdev-export
	@printf '%s\n' $(filter-out $(HOUSE),$(NOTEBOOKS)) | xargs -P 2 -n 1 $(RUN)
	@$(BIN)/nbdev-clean
	@$(RUN) $(HOUSE)  # it measures the others as they are kept
	@$(BIN)/nbdev-clean

lab: $(READY)  ## JupyterLab on the notebooks
	@$(BIN)/jupyter lab nbs

bench: $(READY)  ## one table; each row names both sides and their ratio
	@$(BIN)/python -W ignore tools/bench.py

ship: PROFILE = record
ship: EXPERIMENT = columns
ship: $(READY)  ## put the reader of a run (by default PROFILE=record EXPERIMENT=columns) into the package, with its page
	@$(BIN)/papermill --no-progress-bar --cwd . nbs/reports/95_ship.ipynb reports/$(PROFILE)/ship.ipynb \
	  -p profile $(PROFILE) -p experiment $(EXPERIMENT)

recognition: PROFILE = record
recognition: $(READY)  ## train the readers of pictures in the sizes of PROFILE (default record: one accelerator)
	@mkdir -p reports/$(PROFILE)/recognition && $(BIN)/papermill --no-progress-bar --cwd . \
	  nbs/reports/95_recognition.ipynb reports/$(PROFILE)/recognition/train.ipynb -p profile $(PROFILE)

pictures: PROFILE = full
pictures: $(READY)  ## what `find` makes of pictures by design: reports/$(PROFILE)/pictures/pictures.html
	@mkdir -p reports/$(PROFILE)/pictures
	@$(BIN)/papermill --no-progress-bar --cwd . nbs/reports/96_pictures.ipynb reports/$(PROFILE)/pictures/pictures.ipynb \
	  -p profile $(PROFILE)
	@$(BIN)/python -c "import sys; from pathlib import Path; from digitkit.html_page import save_html; \
	  save_html(Path(sys.argv[1] + '.ipynb'), Path(sys.argv[1] + '.html'), 'Numbers in pictures')" \
	  reports/$(PROFILE)/pictures/pictures

readme: $(READY)  ## put the tables of the reports, the map and two pictures into README.md, reports/ and nbs/ (needs MNIST)
	@$(BIN)/python -c "from digitkit.front import save_front; save_front()"

site: $(READY)  ## the site, offline: site/index.html (the page that reads what one draws with it, where npm is)
	@$(BIN)/python -W ignore -c "from pathlib import Path; from digitkit.site import save_site; save_site(Path('site'))"
	@echo site/index.html

draw: $(READY)  ## the page that reads what one draws: site/draw/draw.html (npm fetches ONNX Runtime Web, once)
	@$(BIN)/python tools/draw.py site/draw

lock: $(READY)  ## write the versions that are installed to requirements.lock
	@$(BIN)/pip freeze --exclude-editable > requirements.lock

clean:  ## remove what the commands above made, but not data/mnist.npz
	rm -rf .venv data/scenes reports/quick reports/tiny

$(READY): pyproject.toml requirements.lock
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing digitkit and what it needs into .venv (minutes, once)"
	@$(BIN)/pip install --quiet --constraint requirements.lock --editable '.[dev]'
	@touch $@
