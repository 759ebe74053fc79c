"""Read archives that others made: nothing is unpacked to disk, nothing grows beyond bounds.

Names are brought to Unicode's composed form, whatever program and system wrote them. What is a link, locked,
too large or leads out of the archive is left out, and the reason is given. Everything is counted as it is
unpacked, folders and headers too, and whatever a library of Python's raises at a damaged archive is a reason.
"""

import contextlib
import gzip
import io
import stat
import struct
import tarfile
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Self

from npfl_grader.text import TURNING, clean, harmless

MEMBERS = 20_000
MEMBER_BYTES = 100_000_000
TOTAL_BYTES = 20_000_000_000
RATIO = 200  # times the packed size; a notebook full of zeros has 50
NESTED_BYTES = 100_000_000
NESTED_MEMBERS = 500
DEPTH = 3
FOLDERS_DEEP = 20
NAME_BYTES = 200
HEADER_BYTES = 16_384
HEADERS = {tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE}
HEADERS |= {tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK}
UNICODE_PATH = 0x7075  # Info-ZIP's extra field with the name in UTF-8
JUNK = {"__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini", ".ipynb_checkpoints", "__pycache__"}
FOREIGN = {".rar", ".7z", ".xz", ".bz2"}


class Refused(Exception):
    """A file or an archive is not read; the message says why."""


@dataclass
class Member:
    """A file in an archive or folder.

    Attributes
    ----------
    path : PurePosixPath
        Its name in the archive.
    modified : datetime or None
        What the archive says of its age.
    read : callable
        Gives the content, or raises `Refused`.
    """

    path: PurePosixPath
    modified: datetime | None
    read: Callable[[], bytes]


@dataclass
class Bounds:
    """What may still be read; nested archives share it with the one around them."""

    left: int = NESTED_BYTES
    members: int = NESTED_MEMBERS

    def take(self, size: int) -> None:
        """Count bytes that were read."""
        self.left -= size
        if self.left < 0:
            raise Refused("unpacked it is too large")

    def count(self) -> None:
        """Count a member."""
        self.members -= 1
        if self.members < 0:
            raise Refused("it holds too many files")


def is_archive(name: str) -> bool:
    """Tell by its name whether a file is an archive that can be read."""
    lower = name.lower()
    return lower.endswith((".zip", ".tar", ".tar.gz", ".tgz"))


def members(path: Path) -> tuple[list[Member], dict[str, str]]:
    """List the files of an archive, or of a folder into which it was unpacked.

    Returns
    -------
    members : list of Member
        All that can be read.
    refused : dict
        For each other one, by name, why.

    Raises
    ------
    Refused
        If the archive cannot be read at all.
    """
    if path.is_dir():
        return _folder(path)
    if path.suffix.casefold() in FOREIGN or tarfile.is_tarfile(path):
        raise Refused("only zip archives are opened: unpack it, and name the folder")
    if not zipfile.is_zipfile(path):
        raise Refused("it is no zip archive, or was not downloaded whole: download it again")
    return listing(path, Bounds(TOTAL_BYTES, MEMBERS))


def _folder(path: Path) -> tuple[list[Member], dict[str, str]]:
    found, refused = [], {}
    for file in sorted(path.rglob("*")):
        name = PurePosixPath(unicodedata.normalize("NFC", file.relative_to(path).as_posix()))
        if file.is_symlink():
            refused[str(name)] = "it is a link"
        elif file.is_file() and not _junk(name):

            def read(file: Path = file) -> bytes:
                from npfl_grader.course.submissions import read_plain

                try:
                    return read_plain(file)
                except ValueError as error:
                    raise Refused(str(error)) from None

            found.append(Member(name, datetime.fromtimestamp(file.stat().st_mtime), read))
    return found, refused


def listing(source: Path | io.BytesIO, bounds: Bounds) -> tuple[list[Member], dict[str, str]]:
    """List the files of a zip archive; see `members`."""
    try:
        archive = zipfile.ZipFile(source)  # its members keep it open
    except Exception as error:
        raise _damaged(error) from None
    found: list[Member] = []
    refused: dict[str, str] = {}
    for info in archive.infolist():
        bounds.count()
        if info.filename.endswith("/"):  # zipfile's own question fails for a name of nothing
            continue
        raw = name_of(info)
        try:
            path = safe(raw)
            if _junk(path):
                continue
            if stat.S_ISLNK(info.external_attr >> 16):
                raise Refused("it is a link")
            if info.flag_bits & 1:
                raise Refused("it is locked with a password")
        except Refused as error:
            refused[clean(raw)] = str(error)
            continue
        found.append(Member(path, _date(info), partial(_read, archive, info, bounds)))
    return found, refused


def _date(info: zipfile.ZipInfo) -> datetime | None:
    try:
        return datetime(*info.date_time)
    except ValueError:
        return None


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, bounds: Bounds) -> bytes:
    """Read one file, and stop where it grows beyond what it says or may have."""
    most = min(MEMBER_BYTES, bounds.left)
    if info.file_size > most:
        raise Refused(f"unpacked it has {info.file_size:,} bytes, at most {most:,} are read")
    if info.file_size > 1_000_000 and info.file_size > RATIO * max(info.compress_size, 1):
        raise Refused(f"unpacked it is {info.file_size // max(info.compress_size, 1):,} times as large")
    try:
        with archive.open(info) as file:
            data = file.read(most + 1)
    except Exception as error:
        raise Refused(f"it cannot be unpacked: {type(error).__name__}: {clean(error, 100)}") from None
    if len(data) > most:
        raise Refused(f"unpacked it has more than {most:,} bytes")
    bounds.take(len(data))
    return data


def name_of(info: zipfile.ZipInfo) -> str:
    """Read a member's name: marked as UTF-8, in Info-ZIP's extra field, as unmarked UTF-8, or in cp437."""
    name = info.orig_filename.replace("\\", "/")
    if not info.flag_bits & 0x800:
        extra = info.extra
        while len(extra) >= 4:
            kind, size = struct.unpack("<HH", extra[:4])
            if kind == UNICODE_PATH and size > 5:
                return unicodedata.normalize("NFC", extra[9 : 4 + size].decode("utf-8", "replace"))
            extra = extra[4 + size :]
        with contextlib.suppress(UnicodeError):  # otherwise it was cp437
            name = name.encode("cp437").decode("utf-8")
    return unicodedata.normalize("NFC", name)


def safe(name: str) -> PurePosixPath:
    """Make a path that stays where it is put; names longer than file systems take are cut.

    Raises
    ------
    Refused
        If it leads elsewhere.
    """
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or (name[1:2] == ":" and name[0].isalpha()):
        raise Refused("its name leads out of the archive")
    # Marks of direction stand in the names of people who write from right to left; they are cleaned where the
    # name is shown, and in the names of files.
    if not harmless(TURNING.sub("", name)):
        raise Refused("its name holds what no name should, such as control characters")
    if len(path.parts) > FOLDERS_DEEP:
        raise Refused(f"it lies more than {FOLDERS_DEEP} folders deep")
    return PurePosixPath(*(shorten(part) for part in path.parts))


def shorten(name: str) -> str:
    """Cut a name to what file systems take, and keep its ending."""
    if len(name.encode()) <= NAME_BYTES:
        return name
    stem, dot, ending = name.rpartition(".")
    ending = dot + ending if stem and len(ending) < 20 else ""
    return name.encode()[: NAME_BYTES - len(ending.encode())].decode("utf-8", "ignore") + ending


def _junk(path: PurePosixPath) -> bool:
    return any(part in JUNK or part.startswith("._") for part in path.parts)


def unpack(
    path: PurePosixPath, data: bytes, modified: datetime | None, bounds: Bounds, depth: int = 0
) -> Iterator[tuple[PurePosixPath, bytes | str, datetime | None]]:
    """Open what was handed in, and archives in it.

    Yields
    ------
    path, content, modified
        Of each file; in the place of the content stands the reason where it is not read.
    """
    name = path.name.lower()
    if any(name.endswith(ending) for ending in FOREIGN):
        yield path, "archives of this kind are not opened: ask for a zip", modified
        return
    if not is_archive(name):
        yield path, data, modified
        return
    if depth >= DEPTH:
        yield path, f"archives lie more than {DEPTH} deep in each other", modified
        return
    inside = path.with_name(path.name.split(".")[0].strip() or "archive")
    try:
        if name.endswith(".zip"):
            found, refused = listing(io.BytesIO(data), bounds)
        else:
            found, refused = _tar(data, bounds)
    except Refused as error:
        yield path, str(error), modified
        return
    for member, reason in refused.items():
        yield inside / clean(member).replace("/", " "), reason, None
    for entry in found:
        try:
            content: bytes | str = entry.read()
        except Refused as error:
            content = str(error)
        if isinstance(content, str):
            yield inside / entry.path, content, entry.modified
        else:
            yield from unpack(inside / entry.path, content, entry.modified, bounds, depth + 1)


class _Counted(io.RawIOBase):
    """A stream that ends with `Refused` where more comes out of it than may be read."""

    def __init__(self, source: io.BufferedIOBase, most: int) -> None:
        self._source, self._left = source, most

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(self._left + 1 if size < 0 else min(size, self._left + 1))
        self._left -= len(data)
        if self._left < 0:
            raise Refused("unpacked it is too large")
        return data


class _Header(tarfile.TarInfo):
    """A header that is refused before what it brings along is read, if that is long to hold and to search."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        header = super().frombuf(buf, encoding, errors)
        if header.type in HEADERS and header.size > HEADER_BYTES:
            raise Refused(f"one of its headers has {header.size:,} bytes, at most {HEADER_BYTES:,} are read")
        return header


def _tar(data: bytes, bounds: Bounds) -> tuple[list[Member], dict[str, str]]:
    """Read a tar archive from start to end, once; headers count as what they bring along."""
    found: list[Member] = []
    refused: dict[str, str] = {}
    packed = io.BytesIO(data)
    plain = gzip.GzipFile(fileobj=packed) if data.startswith(b"\x1f\x8b") else packed
    counted = _Counted(plain, min(NESTED_BYTES, bounds.left) + MEMBERS * tarfile.BLOCKSIZE)
    try:
        with tarfile.open(fileobj=counted, mode="r|", tarinfo=_Header) as archive:
            for info in archive:
                bounds.count()
                if info.isdir():
                    continue
                if info.size > min(MEMBER_BYTES, bounds.left):
                    raise Refused("unpacked it is too large")
                name = unicodedata.normalize("NFC", info.name.encode("utf-8", "replace").decode())
                try:
                    path = safe(name.removeprefix("./"))
                    if not info.isfile():
                        raise Refused(
                            "it is a link" if info.issym() or info.islnk() else "it is no plain file"
                        )
                    file = archive.extractfile(info)
                    content = file.read() if file else b""
                    bounds.take(len(content))
                except Refused as error:
                    refused[clean(name)] = str(error)
                    continue
                if not _junk(path):
                    found.append(Member(path, _moment(info.mtime), partial(bytes, content)))
    except Refused:
        raise
    except Exception as error:
        raise _damaged(error) from None
    return found, refused


def _moment(seconds: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds)
    except (ValueError, OverflowError, OSError):
        return None


def _damaged(error: Exception) -> Refused:
    why = f"{type(error).__name__}: {clean(error, 100)}"
    return Refused(f"the archive is damaged ({why}): ask for it, or download it, again")
