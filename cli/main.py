"""The entry point: global options, the commands, and the one place where errors become messages and exit codes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from cli import (
    catalogue,
    changing,
    declaring,
    deduping,
    downloading,
    exchanging,
    getting,
    identifying,
    inspecting,
    keys,
    letting_go,
    looking,
    reporting,
    repository,
    scanning,
    serving,
    source,
    subscribing,
    syncing,
    watching,
)
from cli.options import LogFile, Verbose
from cli.output import (
    FAILED,
    INTERRUPTED,
    OK,
    fail,
    finish_output,
    leave_output,
    say,
    say_what_cannot_be_spelled,
    set_up_logging,
)

app = typer.Typer(
    name="isomanager",
    help="Keeps a library of operating-system ISO images complete, current, verified and in the right place.",
    epilog="Begin with: isomanager init, then isomanager subscribe ubuntu/server@lts, then isomanager update.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in (
    subscribing,
    changing,
    declaring,
    downloading,
    getting,
    looking,
    letting_go,
    identifying,
    scanning,
    exchanging,
    reporting,
    syncing,
    deduping,
    inspecting,
    watching,
):
    module.add_to(app)
app.add_typer(catalogue.app, name="catalogue")
app.add_typer(keys.app, name="keys")
app.add_typer(repository.app, name="repository")
app.add_typer(source.app, name="source")
serving.add_to(app)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"isomanager {version('isomanager')}")
        raise typer.Exit


@app.callback()
def main(
    verbose: Verbose = 0,
    log_file: LogFile = None,
    version: Annotated[  # noqa: ARG001 - its callback acts
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options of every command; they may also stand after it."""
    set_up_logging(verbose, log_file)
    changing.verbosity = verbose


def run() -> None:
    """Run the command line and end the process: every error as a sentence and an exit code, never as a traceback."""
    say_what_cannot_be_spelled()
    sys.exit(status_of(sys.argv[1:]))


def status_of(arguments: Sequence[str]) -> int:
    """Run one command; its exit code."""
    as_json = "--json" in arguments
    try:
        code = app(general_options_first(arguments), prog_name="isomanager", standalone_mode=False)
        finish_output()
    except BrokenPipeError:
        leave_output()
        return FAILED
    except KeyboardInterrupt:
        code = INTERRUPTED
    except Exception as wrong:  # noqa: BLE001 - here every error there can be becomes a sentence and an exit code
        code = fail(wrong, as_json=as_json)
        finish_output()
    if code == INTERRUPTED:
        say("\nisomanager: stopped. What came so far is kept: the next run goes on from there.")
    return code if isinstance(code, int) else OK


def general_options_first(arguments: Sequence[str]) -> list[str]:
    """The arguments with `-v`, `--verbose` and `--log-file` before the command, wherever they were written."""
    general: list[str] = []
    rest: list[str] = []
    waiting = iter(arguments)
    for one in waiting:
        if one == "--":
            rest += [one, *waiting]
        elif one == "--log-file":
            general += [one, *[value for value in [next(waiting, None)] if value is not None]]
        elif one in ("-v", "-vv", "-vvv", "--verbose") or one.startswith("--log-file="):
            general.append(one)
        else:
            rest.append(one)
    return [*general, *rest]


if __name__ == "__main__":
    run()
