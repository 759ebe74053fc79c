"""The book covers the lecture: each item of its slides, and each point that the book sets right."""

import csv
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHAPTERS = ROOT / "chapters"
TABLE = list(csv.DictReader((Path(__file__).parent / "lecture.csv").read_text("utf-8").splitlines()))


def headings(page):
    text = re.sub(
        r"^(`{3,}|~{3,}).*?^\1", "", (CHAPTERS / f"{page}.md").read_text("utf-8"), flags=re.M | re.S
    )
    return re.findall(r"^#{1,4} (.+?)\s*$", text, re.M)


@pytest.mark.parametrize("row", TABLE, ids=[row["item"] for row in TABLE])
def test_item_has_its_place(row):
    assert row["heading"] in headings(row["page"])
