# Every target is sufficient to itself: it makes .venv when it must, and nothing twice.
.PHONY: demo test check bench bench-seed compile docs lock clean
.DEFAULT_GOAL := check

BIN := .venv/bin
EXAMPLE := pipelines/retrain
MADE := .venv/.made

$(MADE): requirements/dev.txt pyproject.toml
	@.ci/venv

# Most containers refuse the namespaces that a trial runs in; then the demo says so.
TRIAL = $(shell unshare --user --map-root-user --mount --pid --fork true 2>/dev/null \
  || echo --no-trial)

demo: $(MADE)  ## Slim the example: no Docker, no registry, no root
	$(BIN)/kfslim slim $(EXAMPLE)/pipeline.yaml --base deb:bookworm $(TRIAL) \
	  --to oci:demo-out/images --pull-from localhost:5000/kfslim-demo \
	  -o demo-out/slim.yaml --report demo-out
	$(BIN)/kfslim measure --declared $(EXAMPLE)/requirements.before.txt --python 3.11

test: $(MADE)  ## All tests; as root on Debian with every real part
	@.ci/parts
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: $(MADE)  ## Style, types, the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/unit/test_imports.py

bench: $(MADE)  ## The figures of docs/benchmarks.md, measured here; ARGS="start example" for some
	@.ci/parts
	$(BIN)/python -m bench $(ARGS)

bench-seed: $(MADE)  ## The figures of docs/the-story.md; ARGS="--no-first" leaves out the 3 GB image
	@.ci/parts debootstrap
	$(BIN)/python -m bench seed_story $(ARGS)

compile: $(MADE)  ## Write the compiled YAML of components/ and pipelines/, and READMEs
	$(BIN)/python -m kfslim.dsl.compile . --readmes

docs: $(MADE)  ## Write docs/cli.md from the commands, docs/audit-rules.md from the rules
	$(BIN)/python -m kfslim.cli.reference > docs/cli.md
	$(BIN)/python -m kfslim.audit.reference > docs/audit-rules.md

lock: $(MADE)  ## Resolve requirements/dev.txt again, and image.txt, its part for the Dockerfile
	$(BIN)/uv pip compile --quiet --universal --python-version 3.10 --generate-hashes \
	  --no-header --no-annotate --extra test --extra check \
	  pyproject.toml requirements/dev.in -o requirements/dev.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.10 --generate-hashes \
	  --no-header --no-annotate --constraints requirements/dev.txt \
	  pyproject.toml -o requirements/image.txt

clean:  ## Remove all that these targets made, kfslim's cache excepted
	rm -rf .venv demo-out bench-out build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache \
	  .hypothesis
