"""tools/install.py, run in a made-up project whose packages lie in folders: no network is needed."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).parents[1] / "tools" / "install.py"
SPEC = importlib.util.spec_from_file_location("install", SCRIPT)
install = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(install)
UV = Path(sysconfig.get_path("scripts"), "uv")
BACKEND = """\
import zipfile
from pathlib import Path

def get_requires_for_build_editable(settings=None):
    return []

def build_editable(folder, settings=None, metadata=None):
    name = "made_up-1.0-py3-none-any.whl"
    with zipfile.ZipFile(Path(folder, name), "w") as wheel:
        info = "made_up-1.0.dist-info"
        about = ["Name: made-up", "Version: 1.0", "Provides-Extra: few", "Provides-Extra: all"]
        about += ["Requires-Dist: one; extra == 'few'", "Requires-Dist: one; extra == 'all'"]
        about += ["Requires-Dist: two; extra == 'all'"]
        wheel.writestr(f"{info}/METADATA", "\\n".join(["Metadata-Version: 2.1", *about, ""]))
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(f"{info}/RECORD", "")
    return name
"""
PROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "made-up"
version = "1.0"
optional-dependencies = {few = ["one"], all = ["one", "two"]}
"""


def _wheel(folder, name, version, where):
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        info = f"{name}-{version}.dist-info"
        wheel.writestr(f"{name}.py", f"where = {where!r}\n")
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


def _index(folder, packages):
    """Write a package index as pip reads it, and return its address."""
    for name, versions in packages.items():
        for version in versions:
            _wheel(folder / name, name, version, folder.name)
        links = "".join(f'<a href="{path.name}">{path.name}</a>' for path in (folder / name).glob("*.whl"))
        (folder / name / "index.html").write_text(f"<!doctype html><body>{links}</body>")
    return folder.as_uri()


class Project:
    """A folder with a project, its lock and an environment, in which the script is run."""

    def __init__(self, root, environment):
        self.root = root
        self.python = root / ".venv" / "bin" / "python"
        shutil.copytree(environment, root / ".venv", symlinks=True)
        (self.python.parent / "uv").symlink_to(UV)
        (root / "pyproject.toml").write_text(PROJECT)
        (root / "backend.py").write_text(BACKEND)
        version = subprocess.check_output([UV, "--version"], text=True).split()[1]
        self.lock = root / "requirements.lock"
        self.lock.write_text(f"one==1.0\ntwo==2.0\nuv=={version}\n")

    def run(self, extra, *config, **variables):
        (self.root / "pip.conf").write_text("\n".join(["[global]", *config, ""]))
        kept = {name: str(self.root) for name in ("HOME", "XDG_CONFIG_DIRS", "XDG_CACHE_HOME")}
        kept |= {"PATH": os.environ["PATH"], "PIP_CONFIG_FILE": str(self.root / "pip.conf")}
        return subprocess.run(
            [self.python, SCRIPT, extra],
            cwd=self.root,
            env=kept | variables,
            capture_output=True,
            text=True,
            check=False,
        )

    def installed(self):
        found = {}
        for name in ("one", "two"):
            for package in self.root.glob(f".venv/lib/*/site-packages/{name}-*.dist-info"):
                where = (package.parent / f"{name}.py").read_text().split("'")[1]
                found[name] = (package.stem.removeprefix(f"{name}-"), where)
        return found


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    folder = tmp_path_factory.mktemp("environment") / ".venv"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    return folder


@pytest.fixture
def project(tmp_path, environment):
    return Project(tmp_path, environment)


def test_versions_are_found_in_every_index(project):
    """As pip does; uv alone asks only the first index that has a package, and would find the wrong `one`."""
    main = _index(project.root / "main", {"one": ["1.0"], "two": ["3.0"]})
    extra = _index(project.root / "extra", {"one": ["9.0"], "two": ["2.0"]})
    done = project.run("all", f"index-url = {main}", f"extra-index-url = {extra}")
    assert (done.returncode, done.stderr) == (0, "")
    assert project.installed() == {"one": ("1.0", "main"), "two": ("2.0", "extra")}


def test_each_extra_brings_its_own_and_none_takes_away(project):
    main = _index(project.root / "main", {"one": ["1.0", "1.1"], "two": ["2.0", "2.1"]})
    one, two = {"one": ("1.0", "main")}, {"two": ("2.0", "main")}
    for extra, expected in [("few", one), ("all", one | two), ("few", one | two)]:
        done = project.run(extra, f"index-url = {main}")
        assert (done.returncode, done.stderr) == (0, "")
        assert project.installed() == expected


def test_folders_instead_of_an_index(project):
    _wheel(project.root / "a", "one", "1.0", "a")
    _wheel(project.root / "b", "two", "2.0", "b")
    done = project.run("all", "no-index = true", "find-links =", "    a", "    b")
    assert (done.returncode, done.stderr) == (0, "")
    assert project.installed() == {"one": ("1.0", "a"), "two": ("2.0", "b")}


@pytest.mark.parametrize("way", ["file", "variable"])
def test_constraints_of_the_user_hold_beside_the_locked_versions(project, way):
    main = _index(project.root / "main", {"one": ["1.0"], "two": ["1.5", "2.0"]})
    (project.root / "site.txt").write_text("two<2\n")
    config = [f"index-url = {main}", "constraint = site.txt" if way == "file" else ""]
    variables = {"PIP_CONSTRAINT": "site.txt"} if way == "variable" else {}
    assert project.run("few", *config, **variables).stderr == ""
    done = project.run("all", *config, **variables)
    assert done.returncode != 0
    assert "uv failed: pip installs" in done.stderr
    assert "two" not in project.installed()


def test_pip_installs_where_uv_knows_no_counterpart(project):
    main = _index(project.root / "main", {"one": ["1.0", "1.1"], "two": ["2.0", "2.1"]})
    done = project.run("all", f"index-url = {main}", "src = sources")
    assert done.returncode == 0
    assert done.stderr.startswith("uv has no counterpart of pip's setting src: pip installs")
    assert project.installed() == {"one": ("1.0", "main"), "two": ("2.0", "main")}


def test_pip_installs_where_there_is_no_uv(project):
    main = _index(project.root / "main", {"one": ["1.0", "1.1"], "two": ["2.0", "2.1"]})
    project.lock.write_text("one==1.0\ntwo==2.0\nuv==0.0.1\n")
    done = project.run("all", f"index-url = {main}")
    assert done.returncode == 0
    assert "uv is not to be had: pip installs" in done.stderr
    assert project.installed() == {"one": ("1.0", "main"), "two": ("2.0", "main")}


def test_pip_is_brought_where_uv_made_the_environment(project):
    main = _index(project.root / "main", {"one": ["1.0"], "two": ["2.0"]})
    shutil.rmtree(project.root / ".venv")
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, project.root / ".venv"], check=True)
    (project.python.parent / "uv").symlink_to(UV)
    assert project.run("few", f"index-url = {main}").returncode == 0
    assert project.installed() == {"one": ("1.0", "main")}


def test_newest_versions_are_locked_from_where_pip_looks(project):
    main = _index(project.root / "main", {"one": ["1.0", "1.1"], "two": ["2.0", "2.1"]})
    done = project.run("--lock", f"index-url = {main}")
    assert (done.returncode, done.stderr) == (0, "")
    lock = project.lock.read_text()
    assert re.findall(r"^\w.*", lock, re.M) == ["one==1.1", "two==2.1"]
    assert str(project.root) not in lock
    project.lock.write_text(before := "one==1.0\n" + lock[lock.index("two") :])
    done = project.run("--lock", f"index-url = {main}", "src = sources")
    assert done.returncode == 1
    assert "pip's setting src: requirements.lock stays as it was" in done.stderr
    assert project.lock.read_text() == before


def test_settings_of_pip_for_uv(monkeypatch, tmp_path, environment):
    config = tmp_path / "pip.conf"
    config.write_text(
        "[global]\nindex-url = file:///global\ntimeout = 5\nquiet = 2\nretries = 7\n"
        "[install]\nindex-url = file:///install\ntimeout = 6\nno-cache-dir = yes\nonly-binary = numpy,scipy\n"
        "[download]\nretries = 8\n"
    )
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(install, "PIP", [environment / "bin" / "python", "-m", "pip"])
    monkeypatch.setenv("PIP_CONFIG_FILE", str(config))
    monkeypatch.setenv("PIP_TIMEOUT", "9")
    monkeypatch.setenv("PIP_TRUSTED_HOST", "one.example two.example")
    monkeypatch.setenv("PIP_PROXY", "http://proxy.example:3128")
    variables, options, unknown = install.for_uv(install.pip_settings())
    assert {
        "UV_DEFAULT_INDEX": "file:///install",
        "UV_HTTP_TIMEOUT": "9",
        "UV_HTTP_RETRIES": "7",
        "UV_INSECURE_HOST": "one.example two.example",
        "HTTPS_PROXY": "http://proxy.example:3128",
    }.items() <= variables.items()
    assert {"--no-cache", "--only-binary=numpy,scipy"} <= set(options)
    assert "quiet" not in unknown


def test_uv_knows_every_variable_that_is_set_for_it():
    """They stand in its help, but for those that it shares with other programs."""
    said = subprocess.run([UV, "help", "pip", "install"], capture_output=True, text=True, check=True).stdout
    names = {name for names in install.VALUES.values() for name in names}
    names |= {variable for variable, _ in install.LISTS.values()} | {"UV_INDEX_STRATEGY"}
    shared = {
        "SSL_CERT_FILE",
        "SSL_CLIENT_CERT",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "UV_HTTP_TIMEOUT",
        "UV_HTTP_RETRIES",
    }
    assert not [name for name in names - shared if name not in said]
    assert not [option for option in install.SWITCHES.values() if option not in said]
