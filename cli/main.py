"""The entry point: global options, the commands, and the one place where errors become messages and exit codes."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from cli import catalogue, changing, looking, serving
from cli.options import LogFile, Verbose
from cli.output import fail, say, set_up_logging
from isomanager.errors import IsoManagerError

app = typer.Typer(
    name="isomanager",
    help="Keeps a library of operating-system ISO images complete, current, verified and in the right place.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(catalogue.app, name="catalogue")
for module in (looking, changing, serving):
    module.add_to(app)


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
    """Global options come before the command."""
    set_up_logging(verbose, log_file)
    changing.verbosity = verbose


def run() -> None:
    """Run the command line; every error of ours ends as a sentence and an exit code."""
    as_json = "--json" in sys.argv
    try:
        app(standalone_mode=True)
    except IsoManagerError as wrong:
        sys.exit(fail(wrong, as_json=as_json).exit_code)
    except KeyboardInterrupt:
        say("isomanager: stopped; the next run goes on from what is there.")
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output has left; there is nobody to tell
        sys.exit(1)


if __name__ == "__main__":
    run()
