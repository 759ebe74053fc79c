"""Read times as systems write them in the languages of their users; what is not certain is no time."""

import re
import unicodedata
from collections import defaultdict
from datetime import UTC, datetime, tzinfo
from functools import cache

from babel import Locale

# fmt: off
LANGUAGES = [
    "en", "de", "fr", "es", "it", "pt", "nl", "pl", "cs", "sk", "ru", "uk", "sv", "da", "nb",
    "nn", "fi", "hu", "ro", "bg", "hr", "sl", "sr", "el", "tr", "ca", "eu", "gl", "lt", "lv",
    "et", "ar", "he", "fa", "zh", "ja", "ko", "vi", "id", "ms", "hi", "bn",
]
# fmt: on
TIME = re.compile(r"(?<!\d)(?P<h>\d{1,2})\s*[:.h時时시]\s*(?P<m>\d\d)(?:[:.](?P<s>\d\d))?(?!\d)")
TIGHT = re.compile(r"(?<![\d:])(?P<h>\d{1,2})(?P<m>\d\d)(?P<s>)\s*(?P<half>\D*)$")  # Brightspace: 1159 PM
NUMERIC = re.compile(
    r"(?<!\d)(?:(?P<y>\d{4})\s*[-/.年]\s*(?P<m>\d{1,2})\s*[-/.月]\s*(?P<d>\d{1,2})日?"
    r"|(?P<a>\d{1,2})\s*(?P<sep>[-/.])\s*(?P<b>\d{1,2})\s*(?P=sep)\s*(?P<yy>\d{4}))(?!\d)"
)
OFFSET = re.compile(r"(?<=\d)\s*(?P<utc>utc|gmt|z)?\s*(?P<shift>[+-]\d\d:?\d\d)?\s*$", re.IGNORECASE)
ZONES = re.compile(r"\b(?:[ECMPA][SD]T|CES?T|EES?T|WES?T|BST|MSK|JST|IST|AES?T|AED?T)\b")


@cache
def _months(language: str) -> dict[str, set[int]]:
    """Collect the names of the months, of one language or of all."""
    names: dict[str, set[int]] = defaultdict(set)
    for code in [language] if language else LANGUAGES:
        months = Locale.parse(code).months
        for form in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                for number, name in months[form][width].items():
                    word = _word(name)
                    if word and not word.isdecimal():
                        names[word].add(number)
    return names


@cache
def _halves() -> dict[str, bool]:
    """Collect the words for the two halves of the day: whether they mean the second."""
    words = {"am": False, "pm": True, "a.m.": False, "p.m.": True}
    for code in LANGUAGES:
        for forms in Locale.parse(code).day_periods.values():
            for names in forms.values():
                for half in ("am", "pm"):
                    if half in names:
                        words.setdefault(names[half].casefold(), half == "pm")
    return words


def _word(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold().strip(" .")


def moment(text: str, zone: tzinfo = UTC, language: str = "") -> datetime | None:
    """Read a time.

    Parameters
    ----------
    text : str
        As people and systems write it, such as "Dienstag, 10. März 2026, 20:00".
    zone : tzinfo
        Where the text names none.
    language : str
        Of the names of months, where it is known: "listopad" is October in Croatia, November in Poland.

    Returns
    -------
    datetime or None
        With its time zone; None where it is no time, or could be several. So 10/3/2026 is none.
    """
    text = unicodedata.normalize("NFKC", text).strip()
    if ZONES.search(text):
        return None
    if match := OFFSET.search(text):
        shift = match["shift"]
        if match["utc"] or (shift and ":" in text[: match.start("shift")]):
            zone = datetime.strptime(shift.replace(":", ""), "%z").tzinfo or UTC if shift else UTC
            text = text[: match.start()]
    text = re.sub(r"(?<=\d)T(?=\d\d:)", " ", text).casefold()
    date = NUMERIC.search(text)
    rest = text[: date.start()] + " " + text[date.end() :] if date else text
    clock = TIME.search(rest) if not date else TIME.search(rest) or TIGHT.search(rest.strip())
    if clock is None and not date:
        clock = TIGHT.search(rest.strip())
        rest = rest.strip()
    if clock is None:
        return None
    hour = _hour(rest, clock)
    if hour is None:
        return None
    words = f"{rest[: clock.start()]} {rest[clock.end() :]}"
    day = _numeric(date) if date else _named(words, language)
    if day is None:
        return None
    try:
        return datetime(*day, hour, int(clock["m"]), int(clock["s"] or 0), tzinfo=zone)
    except ValueError:
        return None


def _hour(text: str, clock: re.Match[str]) -> int | None:
    """Read the hour with the word for the half of the day that stands behind it, or before in Chinese."""
    hour = int(clock["h"])
    after = text[clock.end("s") if clock["s"] else clock.end("m") :].strip(" ,)")
    before = text[: clock.start()].strip()
    for word, second in sorted(_halves().items(), key=lambda item: -len(item[0])):
        if re.match(rf"{re.escape(word)}(?!\w)", after) or (not word.isascii() and before.endswith(word)):
            if not 1 <= hour <= 12:
                return hour if second and hour < 24 else None
            return hour % 12 + (12 if second else 0)
    return hour


def _numeric(date: re.Match[str]) -> tuple[int, int, int] | None:
    if date["y"]:
        return int(date["y"]), int(date["m"]), int(date["d"])
    first, second = int(date["a"]), int(date["b"])
    if date["sep"] == "." or first > 12 or first == second:
        return int(date["yy"]), second, first
    return (int(date["yy"]), first, second) if second > 12 else None


def _named(words: str, language: str) -> tuple[int, int, int] | None:
    """Read a date whose month is a word."""
    cjk = re.search(r"(\d{4})\s*[年년]\s*(\d{1,2})\s*[月월]\s*(\d{1,2})\s*[日일]?", words)
    if cjk:
        return int(cjk[1]), int(cjk[2]), int(cjk[3])
    names = _months(language)
    meant: set[int] = set()
    # Moodle writes "10 3월 2026" in Korean.
    if match := re.search(r"(?<!\d)(\d{1,2})\s*[月월]", words):
        meant = {int(match[1])} if 1 <= int(match[1]) <= 12 else set()
        words = words[: match.start()] + words[match.end() :]
    longest = 0
    tokens = re.findall(r"[^\W\d_][^\s\d,()]*", words)
    for count in (2, 1):  # Vietnamese has months of two words
        for start in range(len(tokens) - count + 1):
            word = _word(" ".join(tokens[start : start + count]))
            if word not in names:
                word = word.removesuffix("ren")  # "martxoaren", of March in Basque
            if word in names and len(word) >= longest:
                meant = names[word] | (meant if len(word) == longest else set())
                longest = len(word)
    numbers = [int(number) for number in re.findall(r"\d+", words)]
    years = [number for number in numbers if 1990 <= number <= 2100]
    days = [number for number in numbers if 1 <= number <= 31]
    if len(meant) != 1 or len(years) != 1 or len(days) != 1 or len(numbers) != 2:
        return None
    return years[0], meant.pop(), days[0]
