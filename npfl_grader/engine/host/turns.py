"""Let a submission run while no other one does on this machine, as far as they are this user's."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # only Unix has it
    fcntl = None  # type: ignore[assignment]


@contextlib.contextmanager
def turn(*, alone: bool) -> Iterator[None]:
    """Wait for one's turn: with others, or alone.

    There are two locks. All share the second one but who is alone; to get it, all pass the first, which who
    wants to be alone keeps, so that those who come later wait. Whoever dies lets go of both.
    """
    with contextlib.ExitStack() as held:
        try:
            folder = Path(tempfile.gettempdir(), f"npfl-grader-turns-{os.getuid()}")
            folder.mkdir(mode=0o700, exist_ok=True)
            if folder.lstat().st_uid != os.getuid() or folder.is_symlink():
                raise OSError("the folder is somebody else's")
            gate, room = (held.enter_context(Path(folder, name).open("a")) for name in ("gate", "room"))
            fcntl.flock(gate, fcntl.LOCK_EX)
            fcntl.flock(room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
            if not alone:
                fcntl.flock(gate, fcntl.LOCK_UN)
        except (OSError, AttributeError):
            pass  # without locks it is tried again all the same, but not alone
        yield
