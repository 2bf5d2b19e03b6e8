"""``kfslim schedule``: pinned pipelines on a Kubeflow Pipelines backend, run by the clock."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kfslim.cli.backend import backend, node_credentials, open_backend
from kfslim.cli.options import FILE, common, config, insecure
from kfslim.errors import InputError

if TYPE_CHECKING:
    from kfslim.cli.session import Session
    from kfslim.schedule.model import Schedule, Scheduled

_pull_secrets = click.option(
    "--pull-secret",
    "pull_secrets",
    multiple=True,
    metavar="NAME",
    help="Prove with this image pull secret of the cluster, as its nodes pull, and not with this "
    "machine's own credentials. Repeatable.",
)


@click.group("schedule")
def command() -> None:
    """Upload pinned pipelines, run them by the clock, and roll back.

    \b
    kfslim schedule set slim.yaml --cron "0 3 * * *" --host https://kubeflow.example.com/pipeline
    kfslim schedule list
    kfslim schedule pause retrain
    kfslim schedule rollback retrain
    """


@command.command("set")
@click.argument("pipeline", type=FILE)
@click.option("--cron", metavar="EXPR", help="Five fields as in a crontab, or six, seconds first.")
@click.option("--every", metavar="INTERVAL", help="Instead of --cron: 30m, 6h, 1d.")
@click.option("--name", default="", help="The schedule's name. [default: the pipeline's]")
@click.option("--experiment", default="", help="Its runs' experiment. [default: the pipeline's]")
@click.option("--param", "params", multiple=True, metavar="NAME=VALUE", help="Repeatable.")
@click.option("--service-account", default="", help="The account that its runs have.")
@_pull_secrets
@backend
@config
@insecure
@common
def set_(
    pipeline: Path,
    cron: str | None,
    every: str | None,
    name: str,
    experiment: str,
    params: tuple[str, ...],
    service_account: str,
    pull_secrets: tuple[str, ...],
    **options: Any,
) -> None:
    """Upload PIPELINE and run it by the clock.

    First every image is asked for by digest: where one cannot be pulled, nothing is uploaded and
    nothing triggered.  On a backend from 2.5.0 on the schedule takes the newest version at every
    trigger; on an older one it is replaced by one for the new version.  Given again, nothing
    changes.
    """
    from kfslim.cli.session import Session
    from kfslim.flow.scheduling import set_schedule
    from kfslim.schedule.trigger import make_trigger

    trigger = make_trigger(cron, every)
    parameters = dict(map(_parameter, params))
    with Session(options, beside=pipeline) as session, open_backend(options) as server:
        text = session.read(pipeline)
        with node_credentials(pull_secrets, options):
            done = set_schedule(
                session.context,
                server,
                text,
                trigger,
                name=name,
                parameters=parameters,
                experiment=experiment,
                service_account=service_account,
                where=str(pipeline),
            )
        _show_done(session, done)


@command.command("list")
@backend
@common
def list_(**options: Any) -> None:
    """List the schedules of the namespace."""
    from kfslim.cli.session import Session
    from kfslim.schedule.model import Schedules

    with Session(options) as session, open_backend(options) as server:
        found = Schedules(host=server.host, schedules=tuple(server.schedules()))
        if session.as_json:
            session.show(found)
        elif not session.quiet:
            for schedule in found.schedules:
                _show_schedule(schedule)
            if not found.schedules:
                click.echo("no schedules")


@command.command("pause")
@click.argument("name", metavar="NAME|ID")
@backend
@common
def pause(name: str, **options: Any) -> None:
    """Stop triggering; the schedule stays."""
    _change(name, "paused", options)


@command.command("resume")
@click.argument("name", metavar="NAME|ID")
@_pull_secrets
@backend
@insecure
@common
def resume_(name: str, pull_secrets: tuple[str, ...], **options: Any) -> None:
    """Trigger again, once every image of what it runs is proven."""
    from kfslim.cli.session import Session
    from kfslim.flow.scheduling import resume
    from kfslim.schedule.keep import pick

    with Session(options) as session, open_backend(options) as server:
        schedule = pick(server, name)
        with node_credentials(pull_secrets, options):
            resume(session.context, server, schedule)
        _show_changed(session, schedule, "resumed")


@command.command("delete")
@click.argument("name", metavar="NAME|ID")
@backend
@common
def delete(name: str, **options: Any) -> None:
    """Remove a schedule; the pipeline, its versions and past runs stay."""
    _change(name, "deleted", options)


@command.command("rollback")
@click.argument("pipeline", metavar="PIPELINE")
@click.option("--to", metavar="VERSION", help="[default: the version before the newest]")
@_pull_secrets
@backend
@insecure
@common
def rollback(pipeline: str, to: str | None, pull_secrets: tuple[str, ...], **options: Any) -> None:
    """Make an earlier version of PIPELINE (a name) the newest again.

    Its images are proven first.  Nothing is deleted: the old version is uploaded once more, so
    schedules that take the newest run it, and another rollback undoes this one.
    """
    from kfslim.cli.session import Session
    from kfslim.flow.scheduling import roll_back

    with Session(options) as session, open_backend(options) as server:
        with node_credentials(pull_secrets, options):
            done = roll_back(session.context, server, pipeline, to)
        _show_done(session, done)


def _change(name: str, action: str, options: dict[str, Any]) -> None:
    from kfslim.cli.session import Session
    from kfslim.schedule.keep import pick

    with Session(options) as session, open_backend(options) as server:
        schedule = pick(server, name)
        {"paused": server.disable, "deleted": server.delete}[action](schedule.id)
        _show_changed(session, schedule, action)


def _show_changed(session: Session, schedule: Schedule, action: str) -> None:
    from kfslim.schedule.model import Changed

    now = schedule.model_copy(update={"enabled": action == "resumed"})
    if session.as_json:
        session.show(Changed.model_validate({"schedule": now, "action": action}))
    elif not session.quiet:
        click.echo(f"{action} {schedule.name}  {schedule.id}")


def _parameter(text: str) -> tuple[str, Any]:
    """Read NAME=VALUE; a value that is JSON is what it says, another one is text."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise InputError(f"--param {text[:60]!r} must be NAME=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _show_done(session: Session, done: Scheduled) -> None:
    if session.as_json:
        session.show(done)
        return
    if session.quiet:
        return
    click.echo(f"{len(done.proven)} images can be pulled")
    verb = "uploaded" if done.pipeline.uploaded else "unchanged"
    click.echo(f"{verb}  {done.pipeline.pipeline}  version {done.pipeline.version.name}")
    for schedule in done.schedules:
        _show_schedule(schedule)
    for old in done.removed:
        click.echo(f"replaced {old}")


def _show_schedule(schedule: Schedule) -> None:
    state = "runs" if schedule.enabled else "paused"
    held = f"version {schedule.version_id}" if schedule.version_id else "the newest version"
    click.echo(f"{state:7} {schedule.name}  {schedule.trigger}  {held}  {schedule.id}")
