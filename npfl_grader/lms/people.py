"""Who somebody is: by identifiers in a fixed order, by name only where nothing speaks against it."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from npfl_grader.course.gradebook import Person

WORD = re.compile(r"[^\s_,;()\[\]+-]+")
LETTERS = str.maketrans(
    {"ß": "ss", "ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th", "ı": "i"}
)


def plain_name(name: str) -> str:
    """Reduce a name to its letters, without case, accents and the order of marks: to compare names.

    The vowel signs of Hindi or Thai are marks too, but tell names apart: they stay.
    """
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).casefold())
    text = "".join(letter for letter in text if not "\u0300" <= letter <= "\u036f")
    text = text.translate(LETTERS)
    return "".join(letter for letter in text if letter.isalnum() or unicodedata.category(letter)[0] == "M")


def full_name(person: Person) -> str:
    """Give a person's name as it is shown; "" where there is none."""
    return " ".join(filter(None, [person.first_name, person.last_name]))


@dataclass
class People:
    """Everybody in the course, by each identifier.

    An identifier that two people share says nothing, and is in no index.
    """

    by_id: dict[str, str] = field(default_factory=dict)
    by_email: dict[str, str] = field(default_factory=dict)
    by_number: dict[str, str] = field(default_factory=dict)
    by_name: dict[str, set[str]] = field(default_factory=dict)
    by_word: dict[str, set[str]] = field(default_factory=dict)
    persons: dict[str, Person] = field(default_factory=dict)

    @classmethod
    def of(cls, people: Iterable[Person]) -> "People":
        """Index people."""
        made = cls()
        emails: dict[str, set[str]] = defaultdict(set)
        numbers: dict[str, set[str]] = defaultdict(set)
        names: dict[str, set[str]] = defaultdict(set)
        words: dict[str, set[str]] = defaultdict(set)
        for person in people:
            made.persons[person.id] = person
            made.by_id[person.id.casefold()] = person.id
            if person.email:
                emails[person.email.casefold()].add(person.id)
            if person.lms_id:
                numbers[person.lms_id].add(person.id)
            first, last = person.first_name or "", person.last_name or ""
            for word in WORD.findall(f"{first} {last}"):
                words[plain_name(word)].add(person.id)
            for name in (first + last, last + first):
                if reduced := plain_name(name):
                    names[reduced].add(person.id)
        made.by_email = {email: min(ids) for email, ids in emails.items() if len(ids) == 1}
        made.by_number = {number: min(ids) for number, ids in numbers.items() if len(ids) == 1}
        made.by_name, made.by_word = dict(names), dict(words)
        return made

    def find(self, text: str) -> str | None:
        """Find a person by id or address."""
        text = text.strip().casefold()
        return self.by_id.get(text) or self.by_email.get(text)

    def named(self, name: str) -> set[str]:
        """Name all who have a name."""
        return self.by_name.get(plain_name(name), set())

    def show(self, student: str) -> str:
        """Name a student so that the instructor knows who is meant."""
        person = self.persons.get(student)
        name = full_name(person) if person else ""
        return f"{student} ({name})" if name else student
