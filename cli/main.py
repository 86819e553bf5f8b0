"""The isomanager command."""


def run() -> None:
    """Run the command line."""
