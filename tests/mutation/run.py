"""Make each typical mistake of ``mutations.txt`` in a copy of npfl, and see whether a test fails.

This script fails if no test notices a mistake, if a module does not hold a text exactly once (it was changed:
adapt the list), or if tests fail without any mistake. ``--list`` checks the texts alone, in no time.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT = 900  # seconds; a mistake may make a loop endless, and a slow machine is no mistake

OTHERS = ("test_install.py", "test_mutations.py", "test_numpy_versions.py")  # which are not about npfl's code


class Mutation(NamedTuple):
    """Hold a text of a module, what stands there by mistake, and the mistake in words."""

    module: str
    mistake: str
    old: str
    new: str


def mutations() -> list[Mutation]:
    """Read ``mutations.txt``."""
    text = Path(__file__).with_name("mutations.txt").read_text()
    listed = []
    for block in text.split("\n@ ")[1:]:
        title, *lines = block.splitlines()
        module, mistake = title.split(": ", 1)
        old, new = ("\n".join(line[2:] for line in lines if line.startswith(sign)) for sign in "-+")
        listed.append(Mutation(module, mistake, old, new))
    return listed


def source(module: str, root: Path = ROOT) -> Path:
    return root / "npfl" / f"{module}.py"


def unusable(listed: list[Mutation]) -> list[str]:
    """Return what is wrong with the list itself."""
    problems = []
    for module, mistake, old, new in listed:
        count = source(module).read_text().count(old)
        if count != 1:
            problems.append(f"{module}: the text of {mistake!r} occurs {count} times, not once: {old!r}")
        if old == new:
            problems.append(f"{module}: {mistake!r} changes nothing")
    if len({(mutation.module, mutation.old, mutation.new) for mutation in listed}) < len(listed):
        problems.append("a mistake is listed twice")
    return problems


def tests(module: str, copy: Path) -> list[list[str]]:
    """Return the tests to run one after another until one fails: those that most likely notice come first."""
    home = [f"npfl/{module}.py", f"tests/test_{module.split('/')[0]}.py"]
    stored = ("reuse", "life", "edges", "outside", "parity", "precision")
    near = [*home, *(f"tests/test_{name}.py" for name in stored)]
    paths = sorted([*copy.glob("tests/test_*.py"), *copy.glob("npfl/**/*.py")])
    names = [str(path.relative_to(copy)) for path in paths if path.name not in OTHERS]
    stages = [home, near[2:], [name for name in names if name not in near]]
    return [[name for name in stage if name in names] for stage in stages]


# That a test fails is enough to know; to find the simplest example takes hypothesis most of the time. Nearly
# all mistakes show in a few examples, and what survives those is tried with all.
PROFILES = """
import os

from hypothesis import Phase

npfl = settings.get_profile("npfl")
settings.register_profile("all", npfl, phases=[Phase.explicit, Phase.generate])
settings.register_profile("few", settings.get_profile("all"), max_examples=15)
settings.load_profile(os.environ["PROFILE"])
"""


def passes(names: list[str], copy: Path, profile: str, **more: str) -> bool:
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *names]
    environment = {**os.environ, "PYTHONPATH": str(copy), "OPENBLAS_NUM_THREADS": "1", "PROFILE": profile}
    try:
        result = subprocess.run(
            command, cwd=copy, env=environment | more, capture_output=True, text=True, timeout=TIMEOUT
        )
    except subprocess.TimeoutExpired:
        return False
    # 0: passed, 1: a test failed, 2: could not be imported, 5: no tests; else this script is wrong.
    if result.returncode not in (0, 1, 2, 5):
        raise SystemExit(
            f"pytest ended with {result.returncode}: {result.stdout[-2000:]}{result.stderr[-2000:]}"
        )
    return result.returncode in (0, 5)


def survives(mutation: Mutation, copies: SimpleQueue) -> bool:
    module, _, old, new = mutation
    copy = copies.get()
    path = source(module, copy)
    text = path.read_text()
    try:
        path.write_text(text.replace(old, new))
        # Bytecode of a mistake, kept, might be taken for that of the next.
        stages = [(names, profile) for profile in ("few", "all") for names in tests(module, copy) if names]
        return all(passes(names, copy, profile, PYTHONDONTWRITEBYTECODE="1") for names, profile in stages)
    finally:
        path.write_text(text)
        copies.put(copy)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--list", action="store_true", help="check that each text is in the source, run nothing"
    )
    parser.add_argument("--only", default="", help="only mistakes whose module or words contain this")
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    listed = mutations()
    problems = unusable(listed)
    if problems or arguments.list:
        print(*problems, f"{len(listed)} mutations, {len(problems)} problems", sep="\n")
        return int(bool(problems))

    chosen = [m for m in listed if arguments.only in m.module or arguments.only in m.mistake]
    started = time.monotonic()
    survivors: list[Mutation] = []
    copies: SimpleQueue[Path] = SimpleQueue()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(arguments.workers) as pool:
        first = Path(folder) / "0"
        for name in ("npfl", "tests"):
            ignored = shutil.ignore_patterns("__pycache__", "explore")
            shutil.copytree(ROOT / name, first / name, ignore=ignored)
        shutil.copy(ROOT / "pyproject.toml", first)
        with (first / "tests" / "conftest.py").open("a") as conftest:
            conftest.write(PROFILES)
        # It also leaves the bytecode of the tests, which pytest takes long to make.
        if not all(passes(names, first, "all") for names in tests("losses", first)):
            print("the tests fail without any mistake")
            return 1
        copies.put(first)
        for i in range(1, arguments.workers):
            copies.put(shutil.copytree(first, Path(folder) / str(i)))
        for mutation, survived in zip(chosen, pool.map(lambda m: survives(m, copies), chosen), strict=True):
            word = "SURVIVED" if survived else "killed"
            print(f"{word:8} {mutation.module}: {mutation.mistake}", flush=True)
            survivors += [mutation] if survived else []
    seconds = time.monotonic() - started
    killed = len(chosen) - len(survivors)
    print(f"{len(chosen)} mutations, {killed} killed, {len(survivors)} survived, {seconds:.0f} s")
    return int(bool(survivors))


if __name__ == "__main__":
    raise SystemExit(main())
