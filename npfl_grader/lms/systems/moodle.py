"""Moodle: folders by name and number, a grading worksheet in the teacher's language.

The names of folders are those of ``mod/assign/locallib.php``, the worksheet is that of
``mod/assign/feedback/offline``. The titles of its columns are strings of Moodle's language packs
(``recordid``, ``lastmodifiedsubmission`` and so on in ``assign.php``, the others in ``moodle.php``). Compared
with the packs were ``recordid`` of German, Spanish, Dutch and Portuguese, ``lastmodifiedsubmission`` of
English, Spanish, Italian, Portuguese and Russian; the others are variants that the language suggests, and a
worksheet with a title that is not among them is refused with a line that names it.
"""

import re
from decimal import Decimal
from pathlib import PurePosixPath
from typing import ClassVar

from npfl_grader.lms.spreadsheet import Sheet, key
from npfl_grader.lms.system import Columns, Origin, Published, System, number

# Name_4711_assignsubmission_file/… since Moodle 3.1, …_file_name.ipynb before and by choice.
FOLDER = re.compile(r"(?P<name>.+?)(?:_(?P<id>\d+))?_assignsubmission_(?P<plugin>[a-z]+)(?:_(?P<file>.*))?")
# What stands for a name where the marking is anonymous.
PARTICIPANTS = (
    "participant",
    "teilnehmer/in",
    "teilnehmer",
    "participante",
    "partecipante",
    "deelnemer",
    "uczestnik",
    "účastník",
    "účastníci",
    "účastník/účastnice",
    "участник",
    "учасник",
    "deltagare",
    "deltaker",
    "deltager",
    "osallistuja",
    "résztvevő",
    "participanți",
    "sudionik",
    "udeleženec",
    "polaznik",
    "katılımcı",
    "partaidea",
    "参与者",
    "參與者",
    "参加者",
    "참가자",
    "مشارك",
    "משתתף",
)
NAMES: dict[str, dict[str, str]] = {
    "en": {
        "id": "username|id number",
        "first_name": "first name|given name|firstname",
        "last_name": "last name|surname|lastname",
        "full_name": "full name|user full name|first name / last name",
        "email": "email address|email",
        "number": "identifier",
        "time": "last modified (submission)",
        "grade": "grade",
        "most": "maximum grade",
    },
    "de": {
        "id": "anmeldename|nutzername|id-nummer|id nummer|matrikelnummer",
        "first_name": "vorname",
        "last_name": "nachname",
        "full_name": "vollständiger name|vorname / nachname",
        "email": "e-mail-adresse|e-mail",
        "number": "id",
        "time": "zuletzt geändert (abgabe)",
        "grade": "bewertung",
        "most": "bestwertung",
    },
    "fr": {
        "id": "nom d'utilisateur|numéro d'identification|no d'identification",
        "first_name": "prénom",
        "last_name": "nom de famille|nom",
        "full_name": "nom complet|prénom / nom de famille",
        "email": "adresse de courriel|adresse courriel",
        "number": "identifiant",
        "time": "dernière modification (travail remis)|dernière modification (remise)",
        "grade": "note|évaluation",
        "most": "note maximale|évaluation maximale",
    },
    "es": {
        "id": "nombre de usuario|número de id|número id",
        "first_name": "nombre|nombre(s)",
        "last_name": "apellido(s)|apellidos",
        "full_name": "nombre completo",
        "email": "dirección de correo|dirección email|correo electrónico|dirección de correo electrónico",
        "number": "identificador",
        "time": "última modificación (entrega)|última modificación (envío)",
        "grade": "calificación",
        "most": "calificación máxima",
    },
    "it": {
        "id": "username|codice identificativo",
        "first_name": "nome",
        "last_name": "cognome",
        "full_name": "nome completo|nome / cognome",
        "email": "indirizzo email",
        "number": "identificativo|identificatore",
        "time": "ultima modifica (consegna)",
        "grade": "valutazione|voto",
        "most": "valutazione massima|voto massimo",
    },
    "pt": {
        "id": "nome de usuário|identificação de usuário|nome de utilizador|número de identificação|número id",
        "first_name": "primeiro nome|nome próprio|nome",
        "last_name": "sobrenome|apelido|último nome",
        "full_name": "nome completo",
        "email": "endereço de email|endereço de e-mail",
        "number": "identificador",
        "time": "última modificação (envio)|última modificação (submissão)|última atualização (submissão)",
        "grade": "nota|avaliação",
        "most": "nota máxima|avaliação máxima",
    },
    "nl": {
        "id": "gebruikersnaam|id-nummer",
        "first_name": "voornaam",
        "last_name": "achternaam",
        "full_name": "volledige naam|naam",
        "email": "e-mailadres",
        "number": "identificatie|id",
        "time": "laatst gewijzigd (inzending)|laatst gewijzigd (ingestuurd)",
        "grade": "cijfer|beoordeling",
        "most": "maximumcijfer|maximale cijfer|maximale beoordeling",
    },
    "pl": {
        "id": "nazwa użytkownika|numer id",
        "first_name": "imię",
        "last_name": "nazwisko",
        "full_name": "pełna nazwa|imię i nazwisko|imię / nazwisko",
        "email": "adres e-mail",
        "number": "identyfikator",
        "time": "ostatnia modyfikacja (przesłane zadanie)|ostatnio modyfikowane (przesłane zadanie)",
        "grade": "ocena",
        "most": "maksymalna ocena|ocena maksymalna",
    },
    "cs": {
        "id": "uživatelské jméno|identifikační číslo|id číslo",
        "first_name": "křestní jméno|jméno",
        "last_name": "příjmení",
        "full_name": "celé jméno|křestní jméno / příjmení",
        "email": "e-mailová adresa",
        "number": "identifikátor",
        "time": "poslední změna (odevzdaný úkol)|poslední úprava (odevzdaný úkol)|naposledy změněno (úkol)",
        "grade": "známka|hodnocení",
        "most": "nejvyšší známka|maximální známka|nejvyšší hodnocení",
    },
    "ru": {
        "id": "логин|индивидуальный номер|id номер",
        "first_name": "имя",
        "last_name": "фамилия",
        "full_name": "полное имя|имя / фамилия|фио",
        "email": "адрес электронной почты",
        "number": "идентификатор",
        "time": "последнее изменение (ответ)|последнее изменение (представление)",
        "grade": "оценка",
        "most": "максимальная оценка",
    },
    "sv": {
        "id": "användarnamn|id-nummer",
        "first_name": "förnamn",
        "last_name": "efternamn",
        "full_name": "fullständigt namn|fullständigt namn på användare",
        "email": "e-postadress",
        "number": "identifierare",
        "time": "senast modifierat (inlämning)|senast ändrad (inlämning)",
        "grade": "betyg",
        "most": "maximalt betyg",
    },
}


def _columns() -> Columns:
    """Put the names of all languages together, English first."""
    return {
        name: tuple(title for titles in NAMES.values() for title in titles[name].split("|"))
        for name in NAMES["en"]
    }


class Moodle(System):
    """See the module."""

    name, title = "moodle", "Moodle"
    columns: ClassVar[Columns] = _columns()
    # The folder of a team carries the group's number, which may be that of a student.
    number_is_person = False
    anonymous = PARTICIPANTS

    def origin(self, path: PurePosixPath) -> Origin | None:
        for depth, part in enumerate(path.parts, start=1):
            match = FOLDER.fullmatch(part)
            last = depth == len(path.parts)
            if not match or (last and not match["file"]):
                continue
            inner = PurePosixPath(match["file"]) if last else PurePosixPath(*path.parts[depth:])
            return Origin(
                match["name"],
                match["id"] or "",
                PurePosixPath(*path.parts[:depth]),
                inner if match["plugin"] == "file" else None,
            )
        return None

    def language(self, sheet: Sheet) -> str:
        keys = set(sheet.keys)
        hits = {
            code: sum(any(key(title) in keys for title in titles.split("|")) for titles in names.values())
            for code, names in NAMES.items()
        }
        best = max(hits, key=lambda code: hits[code])
        return best if hits[best] >= 2 else ""

    def owns(self, sheet: Sheet) -> bool:
        keys = set(sheet.keys)
        if keys & {"identifier", "email address", "id number"}:
            return True
        code = self.language(sheet)
        return code not in ("", "en")

    def column(self, sheet: Sheet, name: str) -> int | None:
        """Find a column by its title in the list's own language, or else in English."""
        code = self.language(sheet)
        for titles in (NAMES[code][name] if code else "", NAMES["en"][name]):
            if (place := sheet.column(tuple(titles.split("|")))) is not None:
                return place
        return sheet.column(self.columns[name]) if not code else None

    def grade_column(self, sheet: Sheet, title: str) -> int | None:
        place = super().grade_column(sheet, title)
        return self.column(sheet, "grade") if place is None else place

    def most(self, sheet: Sheet, column: int) -> Decimal | None:
        place = self.column(sheet, "most")
        values = {number(sheet.cell(row, place)) for row in sheet.rows} - {None}
        return values.pop() if len(values) == 1 else None

    def table(self, title: str, most: Decimal, grades: list[Published]) -> list[list[str]]:
        rows = [["ID number", "Email address", title]]
        return rows + [[grade.person.id, grade.person.email or "", grade.points] for grade in grades]

    def feedback(self, origin: Origin, page: str) -> str:
        number = f"_{origin.number}" if origin.number else ""
        return f"{origin.owner}{number}_assignsubmission_file/{page}"


SYSTEM = Moodle()
