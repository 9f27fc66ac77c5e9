# Each target does what it needs first, and nothing twice. Lists itself with: make help
PYTHON ?= python3
# Another Python beside it: make test PYTHON=python3.13 VENV=.venv-3.13
VENV ?= .venv
BIN := $(VENV)/bin
# Processes that run tests side by side: many tests wait for cameras and signals.
WORKERS ?= 2
# Recordings and labelled pictures to measure on, where there are any; tests skip without.
ifneq ($(wildcard ../shared/data),)
export BLURCAM_EVAL_DATA ?= $(abspath ../shared/data)
endif
MODELS := models/centerface.onnx models/face_detection_full_range_sparse.tflite \
          models/face_detection_short_range.tflite models/face_detection_yunet_2023mar.onnx
SAMPLES := sample_videos/street.mp4 sample_videos/door.mp4

.DEFAULT_GOAL := help

help: ## list the targets, and how long each takes on two cores
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | expand -t 14

setup: $(VENV)/.installed ## make the virtual environment in .venv, from the lock (2 min)

$(VENV)/.installed: requirements.lock pyproject.toml tools/system.py
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing; on Debian and Ubuntu: sudo apt-get install -y python3-venv" \
	    $$(sed -n 's/^    "lib.*": "\(.*\)",/\1/p' tools/system.py | sort -u) >&2; exit 1; }
	@$(PYTHON) tools/system.py
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@$(BIN)/python -c "import cv2"
	@touch $@

models: $(MODELS) ## fetch the models that the defaults need (10 s)

$(MODELS) &: blurcam/models/manifest.toml | $(VENV)/.installed
	$(BIN)/blurcam models pull
	@touch $(MODELS)

samples: $(SAMPLES) ## make the sample videos (30 s)

$(SAMPLES) &: $(wildcard sample_videos/*.py sample_videos/portraits/*) | $(VENV)/.installed
	$(BIN)/python sample_videos/generate.py

demo: setup models samples ## redact the sample videos, say where to look and what was exposed (3 min with setup)
	$(BIN)/python sample_videos/demo.py

test: setup models samples ## run all tests but the slow ones, on WORKERS (2) at once (15 min)
	$(BIN)/python -m pytest -q -m "not slow" --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

test-slow: setup models samples ## run the slow tests (2 h)
	$(BIN)/python -m pytest -q -m slow

soak: setup models ## four cameras with faults, for MINUTES (10 min)
	$(BIN)/python -m benchmarks.soak $(or $(MINUTES),10)

check: lint types test ## what decides whether a change lands (16 min)

prove: setup models samples ## prove it: faults, leaks, attacks; a summary in docs/design/proof.md, all rows in build/ (1 h)
	$(BIN)/python -m tests.proof

site: setup ## build the documentation site into build/site, strictly; its search works offline (5 s)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

dist: setup ## build wheel and source archive into dist/ (10 s)
	@rm -rf dist
	$(BIN)/python -m build --no-isolation --outdir dist

wheels-check: setup ## ask the index for a wheel of every package, for x86-64 and arm64, Python 3.11 to 3.13 (10 s)
	$(BIN)/python tools/wheels_check.py

sbom: setup ## write build/sbom.json, what blurcam is made of (CycloneDX) (5 s)
	@mkdir -p build
	$(BIN)/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml --mc-type application \
	    --output-reproducible --of JSON -o build/sbom.json

lint: setup ## look for mistakes and for bad style (5 s)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup ## check the types, and that what must not type-check does not (30 s)
	$(BIN)/mypy

format: setup ## put all code into the one format (5 s)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

benchmarks/.venv-peers/.installed: benchmarks/peers/requirements.txt
	@test -x benchmarks/.venv-peers/bin/python || $(PYTHON) -m venv benchmarks/.venv-peers
	benchmarks/.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

benchmarks/.venv-blurry/.installed: benchmarks/peers/blurry.txt
	@test -x benchmarks/.venv-blurry/bin/python || $(PYTHON) -m venv benchmarks/.venv-blurry
	benchmarks/.venv-blurry/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
	    --ignore-requires-python -r $<
	@touch $@

bench: setup models samples benchmarks/.venv-peers/.installed ## measure speed beside a bare transcode and deface (hours)
	$(BIN)/python -m benchmarks.bench

bench-quick: setup models samples benchmarks/.venv-peers/.installed ## the same on less footage (20 min)
	$(BIN)/python -m benchmarks.bench --quick

bench-recall: setup models samples benchmarks/.venv-peers/.installed benchmarks/.venv-blurry/.installed ## measure exposed faces beside deface and others (hours)
	$(BIN)/python -m benchmarks.recall

bench-quality: setup models samples ## measure size and PSNR outside the mask, by encoder preset (10 min)
	$(BIN)/python -m benchmarks.quality

scenes: setup models ## draw scenes in which every face is known, and judge what is exposed; MODE=live (25 min)
	$(BIN)/python -m benchmarks.scenes --mode $(or $(MODE),file)

bench-looks: setup models samples ## measure how calm each effect is to look at (5 min)
	$(BIN)/python -m benchmarks.looks

golden: setup models samples ## measure anew what tests/system/test_recall.py holds recall to (5 min)
	$(BIN)/python -m benchmarks.golden

reference: setup ## write the tables of options in docs/reference/cli.md (5 s)
	$(BIN)/python tools/reference.py

formats: setup ## write the tables in docs/reference/formats.md, by trying everything out (20 s)
	$(BIN)/python -m tools.formats

man: setup ## write the man page, build/blurcam.1 (5 s)
	$(BIN)/python -m tools.man_page

image-lock: setup ## write packaging/requirements.lock and constraints.txt, the program's part of the lock (5 s)
	$(BIN)/python tools/image_lock.py

pictures: setup models samples ## make the pictures of the documentation, on a quiet machine with Chromium (4 min)
	$(BIN)/python tools/diagrams.py
	$(BIN)/python tools/picture.py
	$(BIN)/python tools/effects_picture.py
	$(BIN)/python -m tools.page_pictures

lock: setup ## resolve the dependencies anew (30 s)
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --quiet \
	    --generate-hashes --no-emit-index-url --no-annotate --no-header \
	    --overrides tools/overrides.txt -o requirements.lock
	$(BIN)/uv pip compile benchmarks/peers/requirements.in --universal --python-version 3.11 --quiet \
	    --generate-hashes --no-emit-index-url --no-annotate --no-header -o benchmarks/peers/requirements.txt
	$(BIN)/uv pip compile benchmarks/peers/blurry.in --universal --python-version 3.12 --quiet \
	    --generate-hashes --no-emit-index-url --no-annotate --no-header -o benchmarks/peers/blurry.txt

clean: ## remove what was made, but not the models (5 s)
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	rm -rf $(SAMPLES) sample_videos/*.json sample_videos/redacted

.PHONY: site dist wheels-check help setup models samples demo test test-slow soak check prove sbom lint types format reference formats man image-lock pictures lock clean \
        bench bench-quick bench-recall bench-quality bench-looks golden scenes
