"""A repository on an SMB share, and the way there from its address."""

from __future__ import annotations

from isomanager.errors import ConfigurationError
from isomanager.storage.addresses import read_address
from isomanager.storage.smb_credentials import find_access
from isomanager.storage.smb_session import SmbAccess, SmbSession
from isomanager.storage.smb_tree import SmbTree
from isomanager.storage.tree_store import TreeStore

EXAMPLE = "smb://server/share/folder"


class SmbStore(TreeStore):
    """Honours the Store contract in a folder of a share, by a session that no other repository uses."""

    def __init__(self, tree: SmbTree, session: SmbSession, *, create: bool) -> None:
        self.session = session
        super().__init__(tree, create=create)


def open_smb(url: str, *, create: bool, access: SmbAccess | None = None) -> SmbStore:
    """The repository at `url`; `access` from a block, otherwise what the environment and the usual files say.

    ConfigurationError for what is no address of a share.
    """
    address = read_address(url, EXAMPLE)
    share, _, folder = address.path.partition("/")
    if not share:
        raise ConfigurationError(f"An address of the form {EXAMPLE} names a share.", hint=f"Write it like {EXAMPLE}.")
    session = SmbSession(address.host, address.port, access or find_access(address.host, address.user))
    return SmbStore(SmbTree(session, share, folder, str(address)), session, create=create)
