"""What an attempt holds: its notebooks under the assignment's names, and the files beside them."""

import hashlib
import re
from datetime import datetime
from pathlib import PurePosixPath

from npfl_grader.course import submissions
from npfl_grader.lms import archives, system
from npfl_grader.lms.archives import Bounds, Refused
from npfl_grader.lms.attempts import Attempt
from npfl_grader.text import clean

SHOWN = 10

# What systems and browsers put behind a name that was there before.
COUNTER = re.compile(r"(?:[ _]?\(\d+\)|-\d+|_\d+| copy| Kopie| - Copy)+$", re.I)


def read(attempt: Attempt, notebooks: list[str]) -> tuple[dict[str, bytes], dict[str, str], list[str]]:
    """Read an attempt: its files by name, where each notebook came from, and what is to be said."""
    opened: list[tuple[PurePosixPath, bytes, datetime | None, str]] = []
    notes = []
    bounds = Bounds()
    for path, member in attempt.files:
        try:
            for inner, content, modified in archives.unpack(path, member.read(), member.modified, bounds):
                if isinstance(content, str):
                    notes.append(f"{clean(inner)} is left out: {content}")
                else:
                    opened.append((inner, content, modified, str(member.path)))
        except Refused as error:
            notes.append(f"{clean(path)} is left out: {error}")
    for member in attempt.typed:
        try:
            said = system.known()[attempt.system].says_something(member.read())
        except Refused as error:
            said = str(error)
        if said:
            notes.append(f"{clean(member.path)} is left out: {said}")
    files: dict[str, bytes] = {}
    sources: dict[str, str] = {}
    folders: list[PurePosixPath] = []
    # The newest of several files for the same notebook comes last, and stays.
    opened.sort(key=lambda entry: entry[2] or datetime.min)
    for path, content, _, source in opened:
        stem = notebook_stem(path)
        if stem is None:
            continue
        name = notebook_of(stem, notebooks)
        target = f"{name or archives.shorten(clean(stem))}.ipynb"
        if files.get(target, content) != content:
            notes.append(f"there are several files for {target}: the newest, {clean(path)}, was taken")
        files[target], sources[target.removesuffix(".ipynb")] = content, source
        if name:
            folders.append(path.parent)
    base = folders[-1] if folders else PurePosixPath()
    for path, content, _, _ in opened:
        if notebook_stem(path) is not None:
            continue
        if path.name == submissions.TIMESTAMP:
            notes.append(f"{clean(path)} is left out: nbgrader would take it for the time of the submission")
            continue
        inside = path.relative_to(base) if path.is_relative_to(base) else path
        target = "/".join(clean(part) for part in inside.parts)
        if files.setdefault(target, content) != content:
            notes.append(f"{clean(path)} is left out: there is another {target}")
    folders_of = {str(parent) for name in files for parent in PurePosixPath(name).parents}
    for name in sorted(folders_of & {*files}, key=lambda name: name.endswith(".ipynb")):
        # A file and a folder cannot have one name.
        if name.endswith(".ipynb"):
            for below in [other for other in files if other.startswith(f"{name}/")]:
                del files[below]
            notes.append(f"{name}/ is left out: there is a file of this name")
        else:
            del files[name]
            notes.append(f"{name} is left out: there is a folder of this name")
    if len(files) > submissions.FILES:
        wanted = {f"{notebook}.ipynb" for notebook in notebooks}
        ordered = sorted(files, key=lambda name: (name not in wanted, not name.endswith(".ipynb")))
        left = ordered[submissions.FILES :]
        notes.append(
            f"more than {submissions.FILES} files were handed in; left out are {len(left)}: "
            f"{', '.join(left[:SHOWN])}{' …' if len(left) > SHOWN else ''}"
        )
        files = {name: files[name] for name in ordered[: submissions.FILES]}
    return files, sources, notes


def notebook_stem(path: PurePosixPath) -> str | None:
    """Give the name of a notebook without its ending, which browsers may have lengthened; None for others."""
    match = re.fullmatch(r"(.+)\.ipynb(?:\.txt|\.json)?", path.name, re.IGNORECASE)
    return match[1] if match else None


def notebook_of(stem: str, notebooks: list[str]) -> str | None:
    """Find the notebook of the assignment that a file's name means; systems and browsers add counters."""
    for name in (stem, COUNTER.sub("", stem)):
        for notebook in notebooks:
            if name.strip().lower() == notebook.lower():
                return notebook
    return None


def digest(files: dict[str, bytes]) -> str:
    """Know the content of a folder again."""
    content = hashlib.sha256()
    for name in sorted(files):
        content.update(f"{name}\0{hashlib.sha256(files[name]).hexdigest()}\n".encode())
    return content.hexdigest()
