"""Serves one folder on loopback as cheaply as Python can: the kernel copies from file to socket. For measurements only.

`python bench/file_server.py FOLDER` prints its address and serves until it is killed.
"""

from __future__ import annotations

import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Handler(SimpleHTTPRequestHandler):
    """One file a connection, by sendfile."""

    def copyfile(self, source: Any, outputfile: Any) -> None:
        """The body."""
        outputfile.flush()
        self.connection.sendfile(source)

    def log_message(self, *_said: Any) -> None:
        """Measurements are what counts here."""


def main() -> None:
    """Serve until killed."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=sys.argv[1]))
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
