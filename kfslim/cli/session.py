"""What a command's options become: a context, references, files in and out, tables."""

from __future__ import annotations

import sys
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from kfslim.cache import Cache, default_cache_dir
from kfslim.cli.options import print_json, progress_for
from kfslim.errors import InputError
from kfslim.files import write_atomic
from kfslim.flow.builders import AnyDialect, Builder, builder_named
from kfslim.flow.context import Context
from kfslim.flow.options import Options, TrialOptions
from kfslim.flow.places import parse_pull_from, parse_target
from kfslim.model import load_document
from kfslim.oci import Platform, Reference
from kfslim.plan.model import Plan
from kfslim.steps.configfile import find_config, load_config

if TYPE_CHECKING:
    from kfslim.model import Model
    from kfslim.report.model import Report


class Session:
    """One run of one command.  ``beside`` is the file whose folder may hold the config."""

    def __init__(self, options: dict[str, Any], beside: Path | None = None) -> None:
        self._options = options
        self.as_json: bool = options["as_json"]
        self.quiet: bool = options["quiet"]
        path = options.get("config_path") or find_config(beside.parent if beside else Path.cwd())
        self.context = Context(
            Cache(options.get("cache_dir") or default_cache_dir()),
            load_config(path),
            progress_for(self.quiet),
            insecure=options.get("insecure", False),
        )

    def __enter__(self) -> Session:
        self.context.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.context.__exit__(kind, error, trace)

    @property
    def platform(self) -> Platform:
        """The one platform to look at."""
        return self.planning.platforms[0] if self.planning.platforms else Platform()

    @property
    def planning(self) -> Options:
        """The options that shape a plan."""
        given = self._options
        return Options(
            base=given.get("base"),
            python=given.get("python"),
            platforms=tuple(Platform.parse(text) for text in given.get("platforms") or ()),
            bytecode=given.get("bytecode"),
            codec=given.get("codec"),
            upgrade=frozenset(given.get("upgrade") or ()),
            before=not given.get("no_before"),
            audit=not given.get("no_audit"),
            prune=given.get("prune"),
        )

    def trial(self, logs: Path | None, record: Path | None = None) -> TrialOptions:
        """The options that shape trials."""
        given = self._options
        untried = (name for text in given["allow_untried"] for name in text.split(","))
        return TrialOptions(
            runner=given["runner"],
            run=given["run"],
            network=True if given["network"] else None,
            tries=given["tries"],
            untried=frozenset(filter(None, map(str.strip, untried))),
            logs=logs,
            record=record,
        )

    @property
    def builder(self) -> Builder:
        """The builder of images: the option's, else the config's.

        Raises:
            InputError: a dialect was given, and no engine builds.
        """
        name = self._options.get("builder") or self.context.config.builder
        dialect: AnyDialect = self._options.get("dialect") or "auto"
        if dialect != "auto" and name != "engine":
            raise InputError("--dialect is one of --builder engine", hint="Name both, or none.")
        return builder_named(name, dialect)

    def target(self, to: str | None) -> Reference:
        """Return where images go: the option, else the config's ``to``.

        Raises:
            InputError: neither says so.
            BadReference: it names a tag, or a place that cannot be written.
        """
        return parse_target(to or self.context.config.to)

    def pull_from(self, name: str | None) -> str | None:
        """Return the name nodes pull under, without tag and transport.

        Raises:
            BadReference: it is no repository's name.
        """
        return parse_pull_from(name or self.context.config.pull_from)

    def read(self, path: Path) -> str:
        """Read a text file.

        Raises:
            InputError: it cannot be read, or is no text.
        """
        try:
            return path.read_text("utf-8")
        except OSError as error:
            raise InputError(f"{path}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise InputError(f"{path} is not a text file: {error.reason}") from error

    def plan(self, path: Path | None) -> Plan | None:
        """Read a plan that may not be there yet."""
        return load_document(Plan, path) if path and path.exists() else None

    def plan_of(self, subject: Path) -> Plan:
        """Return the plan in a file, or the one that a pipeline in it gets.

        Raises:
            InputError: it is neither.
        """
        text = self.read(subject)
        if text.lstrip().startswith("{") and '"pipelineInfo"' not in text:  # IR may be JSON, too
            return load_document(Plan, subject)
        from kfslim.flow.planning import make_plan
        from kfslim.flow.reading import read_steps

        steps = read_steps(self.context, text, str(subject))
        return make_plan(self.context, steps, self.planning, None).plan

    def write_text(self, path: Path | None, text: str) -> None:
        """Write to ``path``; without one to stdout, unless JSON goes there."""
        if path:
            write_atomic(path, text)
        elif not self.as_json:
            sys.stdout.write(text)

    def write_report(self, folder: Path, report: Report) -> None:
        """Write report.json and report.html."""
        from kfslim.report.html import render_html

        report.save(folder / "report.json")
        write_atomic(folder / "report.html", render_html(report))

    def show_report(self, report: Report, *, on_stdout: bool) -> None:
        """Print the table (on stderr where stdout holds the pipeline), or JSON."""
        if self.as_json:
            print_json(report)
        elif not self.quiet:
            from kfslim.report.table import print_report

            print_report(report, sys.stdout if on_stdout else sys.stderr)

    def show(self, value: Model) -> None:
        """Print a stage's result as JSON."""
        print_json(value)
