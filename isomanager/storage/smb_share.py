"""One share of a server: chains of requests about its paths, sent in one user's session, with their answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from smbclient._pool import get_smb_tree
from smbprotocol.exceptions import SMBOSError

from isomanager.storage.smb_connection import Chain, bytes_a_request
from isomanager.storage.smb_errors import smb_errors
from isomanager.storage.smb_messages import CLOSE, Answer, Asked, close, file_of
from isomanager.storage.smb_session import SmbSession

_STOPPED_ON_SYMLINK, _PATH_NOT_COVERED = 0x8000002D, 0xC0000257


class Elsewhere(Exception):
    """The path is in a distributed namespace, or leads over a link: smbclient follows it."""


class SmbShare:
    """Paths are those below the share, with backslashes."""

    def __init__(self, session: SmbSession, name: str) -> None:
        self.session, self.name = session, name
        self._tree: Any = None

    def unc(self, path: str) -> str:
        """The path as smbclient's functions want it."""
        return f"\\\\{self.session.server}\\{self.name}" + (f"\\{path}" if path else "")

    def tree(self) -> Any:
        """smbprotocol's tree, connected. Elsewhere when the share is part of a distributed namespace."""
        with smb_errors(self.session.told):
            connection = self.session.connection()
            if self._tree is None or self._tree.session.connection is not connection:
                self._tree, _ = get_smb_tree(self.unc(""), **self.session.arguments())
        if self._tree.is_dfs_share:
            raise Elsewhere(self.name)
        return self._tree

    def request(self) -> int:
        """How many bytes one request carries. Elsewhere."""
        return bytes_a_request(self.tree().session.connection)

    def exchange(self, chains: Iterable[Chain]) -> list[list[Answer]]:
        """The answers to many chains, which are under way at once; refusals are answers too. StoreUnavailable when they do not all
        come. Elsewhere."""
        tree = self.tree()
        with smb_errors(self.session.told):
            answers: list[list[Answer]] = tree.session.connection.exchange(tree, chains)
            return answers

    def chain(self, *chain: Asked) -> list[Answer]:
        """The answers to one chain that opens something and closes it at the end; closed it is, also where a server does not go on
        after a refusal ([MS-SMB2] 3.3.5.2.7.2)."""
        (answers,) = self.exchange([chain])
        if not answers[0].status and answers[-1].status and chain[-1].command == CLOSE:
            self.exchange([[close(file_of(answers[0].body))]])
        return answers

    def ask(self, path: str, *chain: Asked) -> list[Answer]:
        """The same; OSError for the first answer that is a refusal; Elsewhere."""
        answers = self.chain(*chain)
        for one in answers:
            self.require(one, path)
        return answers

    def require(self, answer: Answer, path: str) -> None:
        """OSError, or a StoreError, when it is a refusal; Elsewhere."""
        if answer.status:
            if leads_elsewhere(answer):
                raise Elsewhere(path)
            with smb_errors(self.session.told):
                raise SMBOSError(answer.status, path)


def leads_elsewhere(answer: Answer) -> bool:
    """Whether the server says that what was asked for has to be looked for by another path."""
    return answer.status in (_STOPPED_ON_SYMLINK, _PATH_NOT_COVERED)
