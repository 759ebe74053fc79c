"""Read and write the CSV files of spreadsheets and learning management systems."""

import csv
import io
import re
import unicodedata
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import charset_normalizer

from npfl_grader.errors import CourseError
from npfl_grader.lms import moodle_titles
from npfl_grader.text import ESCAPE, clean

FORMULA = ("=", "+", "-", "@", "\t", "\r")
NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")
EXCEL_TEXT = re.compile(r'="(.*)"', re.DOTALL)  # how Excel is told to keep the zeros of 0012
# What spreadsheets write where it is not Unicode.
LEGACY = ["cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "mac_roman", "gb18030"]
LEGACY += ["big5", "cp932", "cp949", "cp1257"]
# Of the languages whose titles are known; cp1252 of all others.
CODE_PAGES = {"cs": "cp1250", "pl": "cp1250", "ro": "cp1250", "ru": "cp1251", "uk": "cp1251", "el": "cp1253"}
CODE_PAGES |= {"tr": "cp1254", "ar": "cp1256", "lt": "cp1257", "zh": "gb18030", "ja": "cp932", "ko": "cp949"}
TITLES = {"utf-8": "UTF-8", "gb18030": "GBK", "mac_roman": "Mac Roman"}
# The letters beyond a to z of the languages that share a code page with others.
LETTERS = [
    *("äöüßëé", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "ąćęłńóśźż", "áéíóöőúüű", "čćđšž", "ăâîșțşţ"),
    *("àâæçèéêëîïôœùûüÿ", "áéíñóúü", "àèéìíîòóùú", "àáâãçéêíóôõúü", "æøåé", "åäöé", "çğıİöşüâî"),
    *("àçèéíïòóúü", "áæéíðóöúýþ", "äõöüšž", "āčēģīķļņšūž", "ąčęėįšųūž", "ëéèïöüá"),
]
VOWELS = set("aeiouyаеёиіїоуыэюяєαεηιουωάέήίόύώϊϋΐΰıİ")


@dataclass
class Sheet:
    """A CSV file as it was read, so that it can be written back in the same form.

    Attributes
    ----------
    header, rows
        All cells as they stand in the file.
    lines : list of int
        The line of the file on which each row begins.
    encoding : str
        Python's name of its encoding.
    guessed : bool
        Whether the encoding was guessed.
    """

    path: Path
    header: list[str]
    rows: list[list[str]]
    lines: list[int] = field(default_factory=list)
    delimiter: str = ","
    encoding: str = "utf-8"
    guessed: bool = False

    @property
    def keys(self) -> list[str]:
        """The names of the columns, to be compared."""
        return [key(name) for name in self.header]

    @property
    def titles(self) -> str:
        """The names of the columns, to be shown."""
        return ", ".join(clean(name, 60) for name in self.header)

    def column(self, names: tuple[str, ...]) -> int | None:
        """Find the first of some columns that the file has."""
        keys = self.keys
        return next((keys.index(key(name)) for name in names if key(name) in keys), None)

    def cell(self, row: list[str], column: int | None) -> str:
        """Give the plain text of a cell, "" where there is no such column."""
        return "" if column is None else plain(row[column])

    def note(self) -> str:
        """Say how the file was read, where that was guessed; "" otherwise."""
        if not self.guessed:
            return ""
        words = [
            clean(word, 40)
            for row in self.rows
            for cell in row
            for word in cell.split()
            if not word.isascii()
        ]
        shown = f", for example {', '.join(dict.fromkeys(words[:3]))}" if words else ""
        return f"{self.path.name}: read as {title(self.encoding)}{shown}; if that is wrong, say --encoding"


def key(text: str) -> str:
    """Bring the name of a column to the form in which names are compared."""
    return " ".join(plain(text).replace("’", "'").casefold().split())


def plain(text: str) -> str:
    """Take invisible marks, Excel's ``="0012"`` and the space around it off a cell."""
    text = ESCAPE.sub("", unicodedata.normalize("NFC", text))
    text = "".join(
        letter for letter in text if unicodedata.category(letter) not in ("Cf", "Cc") or letter in "\n\t"
    )
    text = text.replace("\xa0", " ").strip()
    if match := EXCEL_TEXT.fullmatch(text):
        text = match[1].replace('""', '"').strip()
    return text


def title(encoding: str) -> str:
    """Call an encoding as people do."""
    return TITLES.get(encoding, encoding.replace("cp12", "Windows-12").replace("utf-16", "UTF-16"))


def read(path: Path, encoding: str = "") -> Sheet:
    """Read a CSV file.

    Parameters
    ----------
    path : Path
        The file.
    encoding : str
        Its encoding; by default it is found out, and `Sheet.note` says where it was guessed.

    Raises
    ------
    CourseError
        If it cannot be read, or has no rows.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CourseError(f"{path}: cannot be read: {error.strerror}: check its name") from None
    if not data.strip():
        raise CourseError(f"{path}: the file is empty: export the list again")
    text, encoding, guessed = _decode(path, data, encoding)
    text = text.lstrip("\ufeff")
    before = 0
    delimiter = ""
    if match := re.match(r"sep=(.)\r?\n", text, re.IGNORECASE):  # for Excel
        delimiter, text, before = match[1], text[match.end() :], 1
    first = text.split("\n", 1)[0]
    delimiter = delimiter or max(",;\t", key=first.count)
    # Strict: after a quotation mark that nobody has closed, the lines below it would be part of one cell.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[list[str]] = []
    lines: list[int] = []
    start = 1 + before
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append(row)
                lines.append(start)
            start = reader.line_num + 1 + before
    except csv.Error as error:
        raise CourseError(
            f"{path}: this is no CSV file from line {start} on: {error}: look for a quotation mark that is "
            "not closed, or export the list as CSV (UTF-8)"
        ) from None
    if not rows:
        raise CourseError(f"{path}: the file is empty: export the list again")
    width = len(rows[0])
    for line, row in zip(lines[1:], rows[1:], strict=True):
        if len(row) > width and any(row[width:]):
            raise CourseError(
                f"{path}: line {line} has {len(row)} fields, the header {width}: "
                "a field with a separator in it needs quotation marks"
            )
    body = [(row + [""] * width)[:width] for row in rows[1:]]
    return Sheet(path, rows[0], body, lines[1:], delimiter, encoding, guessed)


def _decode(path: Path, data: bytes, encoding: str) -> tuple[str, str, bool]:
    """Give text, encoding, and whether that was guessed."""
    if encoding:
        try:
            return data.decode(encoding), encoding, False
        except LookupError:
            raise CourseError(
                f"--encoding {encoding}: there is no such encoding: write it as 'cp1250' or 'utf-8'"
            ) from None
        except UnicodeDecodeError as error:
            raise CourseError(
                f"{path}: byte {error.start} is not {title(encoding)}: see --encoding"
            ) from None
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        attempts = [("utf-16", False)]
    elif data[1:40:2].count(0) > 15 or data[0:40:2].count(0) > 15:
        attempts = [("utf-16-le" if data[1] == 0 else "utf-16-be", True)]
    else:
        attempts = [("utf-8-sig", False)]
    for name, guessed in attempts:
        try:
            text = data.decode(name)
        except UnicodeDecodeError:
            break
        if "\0" in text:
            raise CourseError(f"{path}: this is no CSV file: export the list as CSV (UTF-8)")
        return text, name.removesuffix("-sig"), guessed
    best = _guess(data)
    if b"\0" in data or best is None:
        raise CourseError(f"{path}: this is no CSV file: export the list as CSV (UTF-8)")
    return data.decode(best), best, True


def _guess(data: bytes) -> str | None:
    """Find the encoding in which the words beyond ASCII look like words of one language."""
    words = [word for word in re.split(rb"[\s,;\t\"]+", data) if any(byte > 127 for byte in word)]
    sample = b"\n".join(words)
    matches = charset_normalizer.from_bytes(sample, cp_isolation=LEGACY)
    order = [match.encoding for match in matches] + LEGACY  # what it throws out may be right for short names
    # Where the words say nothing, as one short name does, the language of the titles may.
    own = _own_encoding(data)
    best: tuple[float, bool, int, str] | None = None
    for place, name in enumerate(dict.fromkeys(order)):
        try:
            text = sample.decode(name)
            data.decode(name)
        except UnicodeDecodeError:
            continue
        score = (round(_strangeness(text.split("\n")), 3), name != own, place, name)
        if best is None or score < best:
            best = score
    return best[3] if best else None


def _own_encoding(data: bytes) -> str:
    """Say what spreadsheets write where the titles of the columns are in a list's language."""
    cells = {key(cell) for cell in re.split(r"[,;\t]", data.split(b"\n", 1)[0].decode("ascii", "ignore"))}
    hits = {
        language: sum(bool(cells & {*moodle_titles.titles(language, name)}) for name in moodle_titles.FIELDS)
        for language in moodle_titles.PACKS
    }
    return CODE_PAGES.get(max(hits, key=lambda language: hits[language]), "cp1252")


def _strangeness(words: list[str]) -> float:
    """Say how little words look like names: near 0 for words of one script with letters of one language."""
    return sum(map(_oddity, words)) / max(len(words), 1)


def _oddity(word: str) -> float:
    word = unicodedata.normalize("NFC", word)
    letters = [letter for letter in word if letter.isalpha()]
    scripts = {unicodedata.name(letter, "?").split()[0] for letter in letters}
    # Signs, two scripts in one word, points below Hebrew letters.
    odd = 3.0 * sum(ord(letter) > 127 and not letter.isalpha() and not _mark(letter) for letter in word)
    odd += 3 * (len(scripts) > 1)
    odd += sum(map(_mark, word)) if scripts == {"HEBREW"} else 0
    # Capitals inside a word, and the Greek letter that only ends one.
    odd += sum(two.isupper() and one.islower() for one, two in pairwise(word))
    odd += sum(two.isalpha() for one, two in pairwise(word) if one == "ς")
    base = unicodedata.normalize("NFD", word.casefold())
    if len(letters) > 2:
        odd += bool(scripts & {"LATIN", "GREEK", "CYRILLIC"}) and not VOWELS & set(base)
        odd += 0.5 * (scripts == {"GREEK"} and not word.isupper() and base == word.casefold())
    if scripts == {"CJK"}:
        try:
            word.encode("gb2312")  # the common letters
        except UnicodeEncodeError:
            odd += 0.5
    if scripts == {"LATIN"}:
        foreign = {letter for letter in word.casefold() if ord(letter) > 127 and letter.isalpha()}
        # The alphabets that more people write come first.
        odd += min(len(foreign - set(alphabet)) + place / 1000 for place, alphabet in enumerate(LETTERS))
    return odd


def _mark(letter: str) -> bool:
    return unicodedata.category(letter)[0] == "M"


def defuse(text: str) -> str:
    """Keep a spreadsheet from taking a text for a formula; numbers and a dash alone are none."""
    if text == "-" or NUMBER.fullmatch(text):
        return text
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA) else text


def undefuse(text: str) -> str:
    """Take away the mark that `defuse` has set."""
    return text[1:] if text.startswith("'") and text[1:].lstrip(" ").startswith(FORMULA) else text


def dump(rows: list[list[str]], delimiter: str = ",") -> str:
    """Write rows as CSV."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows(rows)
    return text.getvalue()
