"""Grading by hand in nbgrader's formgrader, in a browser: what a person gives is shown, and stays."""

import contextlib
import csv
import socket
import subprocess
import sys
import time

import pytest

RIGHT = "def double(x):\n    return x + x"


@pytest.fixture
def formgrader(room):
    """Serve a course as `jupyter lab` in its folder does, with nothing but the formgrader."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "jupyter_server", "--no-browser", "--ServerApp.ip=127.0.0.1"]
    command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0", "--IdentityProvider.token="]
    command += ["--ServerApp.allow_root=True"]
    command += ["--ServerApp.jpserver_extensions={'nbgrader.server_extensions.formgrader': True}"]
    with (room.root.parent / "server.log").open("w+") as log:
        server = subprocess.Popen(command, cwd=room.root, stdout=log, stderr=log)
        try:
            for _ in range(300):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}/formgrader"
        finally:
            server.terminate()
            server.wait()


def test_what_a_person_gives_is_shown_published_and_kept(room, formgrader, browser):
    room.hand_in("anna", RIGHT)
    room.run("autograde", room.name)
    page = browser.new_page()
    page.goto(f"{formgrader}/gradebook")
    page.get_by_role("link", name=room.name, exact=True).click()
    page.get_by_role("link", name=room.name, exact=True).click()
    page.get_by_role("link", name="Submission #1").click()
    page.wait_for_load_state("networkidle")  # the fields are live when the points have come
    for place, given, kind in (("#why", "3.5", "grade"), ("#why-comment", "*Say* why.", "comment")):
        with page.expect_response(lambda got, kind=kind: f"/api/{kind}/" in got.url) as saved:
            page.locator(place).fill(given)
            page.locator(place).blur()
        assert saved.value.ok
    page.close()

    def kept():
        grade = (
            "select g.manual_score, g.needs_manual_grade from grade g join base_cell b on b.id = g.cell_id"
        )
        comment = "select c.manual_comment from comment c join base_cell b on b.id = c.cell_id"
        return [room.query(f"{sql} where b.name = 'why'")[0] for sql in (grade, comment)]

    assert kept() == [(3.5, 0), ("*Say* why.",)]

    def shown(points):
        room.run("feedback", room.name)
        page = (room.root / "feedback" / "anna" / room.name / f"{room.name}.html").read_text()
        assert "<em>Say</em> why." in page
        assert f">{points:g} of 9 points" in page
        room.run("publish", room.name, "--system", "moodle")
        with (room.root / "published" / room.name / "grades-moodle.csv").open(encoding="utf-8-sig") as file:
            assert [row[room.name] for row in csv.DictReader(file)] == [f"{points:.2f}"]

    shown(8.5)
    room.hand_in("anna", "def double(x):\n    return 2 if isinstance(x, int) else x")
    room.run("autograde", room.name)
    assert kept() == [(3.5, 1), ("*Say* why.",)]  # and the person looks again
    shown(5.5)
