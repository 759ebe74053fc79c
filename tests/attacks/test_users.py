"""The attacks once more, as users that this process is not: an ordinary one, and root without namespaces."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from npfl_grader.engine.host import linux

ROOT = Path(__file__).parents[2]
# Where namespaces or the user may decide.
SOME = (
    "honest or bomb or memory or disk or signals or proc or process or forged or socket or refused or "
    "zombies or keeper or flight or timers or neighbour or confined"
)
# Limits on a process by itself, and clocks: the same whoever the user is.
ANYBODY = "loop or output or recursion or iterator or range or graph or arrays or colliding or sleep"


def find_python() -> None:
    """Go on where everybody finds this Python, also where only root could."""
    linux.unshare(linux.NEW_MOUNT)
    linux.mount(None, "/", None, linux.MS_REC | linux.MS_PRIVATE)
    linux.mount("tmpfs", "/mnt", "tmpfs", 0, "mode=755")
    for number, path in enumerate({Path(sys.base_prefix), Path(sys.prefix), ROOT}):
        closed = [folder for folder in path.parents if not folder.stat().st_mode & 1]
        if closed:
            os.mkdir(f"/mnt/{number}")
            linux.mount(str(path), f"/mnt/{number}", None, linux.MS_BIND)
            linux.mount("tmpfs", str(closed[-1]), "tmpfs", 0, "mode=755")
            path.mkdir(parents=True)
            linux.mount(f"/mnt/{number}", str(path), None, linux.MS_BIND)


def become_ordinary() -> None:
    """Become a user nobody else is, in no run beside this one: the kernel counts each user's processes."""
    find_python()
    user = 100_000 + os.getpid()
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become others")
@pytest.mark.parametrize(
    ("become", "which"),
    [(become_ordinary, f"landlock or (full and ({SOME}))"), (find_python, f"landlock and not ({ANYBODY})")],
    ids=["ordinary", "root"],
)
@pytest.mark.parametrize("file", ["test_attacks.py", "test_values.py", "test_limits.py"])
@pytest.mark.timeout(1500)
def test_as_another_user(become, which, file):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", which]
    with tempfile.TemporaryDirectory(prefix="npfl-user-") as home:
        os.chmod(home, 0o777)
        environment = {"HOME": home, "PYTEST_DEBUG_TEMPROOT": home, "PYTHONDONTWRITEBYTECODE": "1"}
        result = subprocess.run(
            [*command, str(Path(__file__).with_name(file))],
            preexec_fn=become,
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], **environment},
            capture_output=True,
            text=True,
        )
    assert result.returncode == 0, result.stdout[-6000:] + result.stderr[-2000:]
    assert "skipped" not in result.stdout
