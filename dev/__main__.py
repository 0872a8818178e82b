"""`python -m dev`: the embedded stack from the command line."""

import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from dev import stack as stacks
from dev.blueprint import Blueprint
from dev.control import RefusedError
from dev.registry import AlreadyRunningError, write_private

_NOT_RUNNING = 3  # as `systemctl status` says it


def _with_state(command: Callable[..., Any]) -> Callable[..., Any]:
    option = click.option(
        "--state",
        type=click.Path(path_type=Path, file_okay=False),
        default=Path(".stack"),
        show_default=True,
        help="Directory with the stack's data, logs and addresses; one stack each.",
    )
    return option(command)


@click.group()
def main() -> None:
    """Run Dunlin with everything it needs on this machine: PostgreSQL, Temporal, a mail inbox and gateway simulators."""


@main.command()
@_with_state
@click.option("--detach", is_flag=True, help="Return when everything is ready and leave the stack running.")
@click.option("--without", multiple=True, metavar="PART", help="Leave a part out, such as `api` when it runs in a debugger.")
def up(state: Path, detach: bool, without: tuple[str, ...]) -> None:
    """Start the stack; Ctrl-C stops it. Its data stay."""
    try:
        if not detach:
            sys.exit(stacks.run(state, without=without))
        stacks.detach(state, without=without)
    except (stacks.StackError, AlreadyRunningError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(_addresses(state))


@main.command()
@_with_state
def down(state: Path) -> None:
    """Stop the stack and wait until every process of it is gone."""
    stopped = stacks.Stack(state).down()
    click.echo("The stack has stopped; its data are kept." if stopped else f"No stack runs in {state}.")


@main.command()
@_with_state
def status(state: Path) -> None:
    """Tell what runs. Exit status 0 when the stack is ready, 3 when it does not run."""
    record = stacks.Stack(state).record()
    if record is None:
        click.echo(f"No stack runs in {state}.")
        sys.exit(_NOT_RUNNING)
    click.echo(f"The stack in {state} is {record.phase} (supervisor pid {record.supervisor.pid}).")
    for name, process in record.parts.items():
        click.echo(f"  {name:<18} pid {process.pid}{'' if process.alive else ', not running'}")
    if (state / "stack.json").exists():
        click.echo(_addresses(state))


@main.command()
@_with_state
@click.argument("part")
@click.option("--kill", is_flag=True, help="End it with SIGKILL, as a power cut would.")
def restart(state: Path, part: str, kill: bool) -> None:
    """Restart one PART of a running stack."""
    _ask(lambda: stacks.Stack(state).restart(part, kill=kill))


@main.command()
@_with_state
@click.argument("part")
@click.option("--kill", is_flag=True, help="End it with SIGKILL, as a power cut would.")
def stop(state: Path, part: str, kill: bool) -> None:
    """Stop one PART and keep the others running."""
    _ask(lambda: stacks.Stack(state).stop(part, kill=kill))


@main.command()
@_with_state
@click.argument("part")
def start(state: Path, part: str) -> None:
    """Start a PART that was stopped."""
    _ask(lambda: stacks.Stack(state).start(part))


@main.command()
@_with_state
def env(state: Path) -> None:
    """Print the stack's settings as NAME=VALUE lines, for a part that runs in a debugger."""
    if not stacks.Stack(state).is_running:
        raise click.ClickException(f"No stack runs in {state}. Start it with `python -m dev up`.")
    for name, value in Blueprint.of(state.resolve()).settings().items():
        click.echo(f"{name}={value}")


@main.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def demo(arguments: tuple[str, ...]) -> None:
    """Bill two businesses end to end on the stack and tell the story."""
    sys.exit(importlib.import_module("dev.demo").main(list(arguments)))


@main.command(hidden=True)
@_with_state
def seed(state: Path) -> None:
    """Fill a migrated database with the demo tenants: a part of the stack, run by it."""
    blueprint = Blueprint.of(state.resolve())
    draft = json.loads(blueprint.draft_file.read_text(encoding="utf-8"))
    answer = importlib.import_module("dev.seed").prepare(draft)
    credentials = draft["credentials"] | answer.get("credentials", {})
    write_private(blueprint.seed_file, json.dumps({"credentials": credentials, "tenants": answer.get("tenants", [])}, indent=1))


def _addresses(state: Path) -> str:
    return stacks.address_table(stacks.Stack(state).describe(), state / "stack.json")


def _ask(wish: Callable[[], None]) -> None:
    try:
        wish()
    except RefusedError as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()
