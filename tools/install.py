"""Install what a command needs, in the locked versions; the Makefile calls ``python tools/install.py EXTRA``.

``python tools/install.py --lock`` looks for the newest versions instead, and locks them.

uv does the work, in a tenth of pip's time; pip brings it into the environment. uv does not read the settings
of the user's pip, so they are handed on to it: another index, a proxy, constraints. Where there is no uv for
this machine, where it has no counterpart of a setting, or where it fails, pip installs the same versions.
"""

import ast
import os
import re
import subprocess
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path

LOCK = "requirements.lock"
UV = Path(sysconfig.get_path("scripts"), f"uv{sysconfig.get_config_var('EXE')}")
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
# Settings of pip, and uv's variables with the same meaning.
VALUES = {
    "index-url": ["UV_DEFAULT_INDEX"],
    "cert": ["SSL_CERT_FILE"],
    "client-cert": ["SSL_CLIENT_CERT"],
    "proxy": ["HTTP_PROXY", "HTTPS_PROXY"],
    "timeout": ["UV_HTTP_TIMEOUT"],
    "default-timeout": ["UV_HTTP_TIMEOUT"],
    "retries": ["UV_HTTP_RETRIES"],
}
# Those that pip splits at white space, and what uv splits them at.
LISTS = {
    "extra-index-url": ("UV_INDEX", " "),
    "trusted-host": ("UV_INSECURE_HOST", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "constraint": ("UV_CONSTRAINT", " "),
    "build-constraint": ("UV_BUILD_CONSTRAINT", " "),
}
# Those that uv takes as options only, and those that are switched on.
OPTIONS = {"only-binary", "no-binary"}
SWITCHES = {"no-index": "--no-index", "no-cache-dir": "--no-cache"}
# What pip prints and asks, where it keeps its cache, and what an environment or pinned versions settle.
WITHOUT_EFFECT = {
    "break-system-packages",
    "cache-dir",
    "config-file",
    "disable-pip-version-check",
    "log",
    "no-color",
    "no-input",
    "no-python-version-warning",
    "no-warn-script-location",
    "prefer-binary",
    "progress-bar",
    "quiet",
    "require-virtualenv",
    "root-user-action",
    "verbose",
}


def pip_settings() -> dict[str, str]:
    """Return the settings of the user's pip, from its files and variables; the later ones outweigh."""
    # Told to be quiet, pip would not list them either.
    environment = os.environ | {"PIP_QUIET": "0", "PIP_VERBOSE": "0"}
    listed = subprocess.run(
        [*PIP, "config", "list"], env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    found: dict[str, dict[str, str]] = {"global": {}, "install": {}, ":env:": {}}
    for line in listed.stdout.splitlines():
        if (match := re.fullmatch(r"([^.]+)\.([^=]+)=(.*)", line)) and match[1] in found:
            found[match[1]][match[2]] = ast.literal_eval(match[3])
    return {name: value for level in found.values() for name, value in level.items() if value}


def for_uv(settings: dict[str, str]) -> tuple[dict[str, str], list[str], list[str]]:
    """Translate pip's settings into uv's variables and options, and name those that have no counterpart."""
    variables: dict[str, str] = {}
    options, unknown = [], []
    for name, value in settings.items():
        if name in VALUES:
            variables |= dict.fromkeys(VALUES[name], value)
        elif name in LISTS:
            variable, separator = LISTS[name]
            variables[variable] = separator.join(value.split())
        elif name in OPTIONS:
            options.append(f"--{name}={value}")
        elif name in SWITCHES:
            options += [SWITCHES[name]] if value.lower() in {"1", "true", "yes", "on", "y", "t"} else []
        elif name not in WITHOUT_EFFECT:
            unknown.append(name)
    if "UV_INDEX" in variables:
        # All indexes count alike, as for pip: uv would ask only the first that has any version of a package.
        variables["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    return variables, options, unknown


def bring_uv() -> bool:
    """Install uv in its locked version unless that is here, and tell whether it is now."""
    wanted = re.findall(r"^uv==(\S+)", Path(LOCK).read_text(encoding="utf-8"), re.MULTILINE)[0]
    if UV.exists() and subprocess.check_output([UV, "--version"], text=True).split()[1] == wanted:
        return True
    command = [*PIP, "install", "--quiet", "--only-binary=uv", f"uv=={wanted}"]
    return subprocess.run(command, check=False).returncode == 0


def run_uv(*command: str, constraints: list[str]) -> str:
    """Run a command of ``uv pip`` with the settings of the user's pip; return why it did not, or nothing."""
    variables, options, unknown = for_uv(pip_settings())
    if unknown:
        return f"uv has no counterpart of pip's setting {', '.join(unknown)}"
    if not bring_uv():
        return "uv is not to be had"
    own = {name: value for name, value in os.environ.items() if name.startswith("UV_")}
    environment = os.environ | variables | own
    # Those that were asked for by either count, beside ours.
    asked = [variables.get("UV_CONSTRAINT"), own.get("UV_CONSTRAINT")]
    environment["UV_CONSTRAINT"] = " ".join([*constraints, *filter(None, asked)])
    done = subprocess.run([str(UV), "pip", *command, "--quiet", *options], env=environment, check=False)
    return "uv failed" if done.returncode else ""


def with_uv(extra: str) -> str:
    """Let uv install an extra."""
    # As pip does; where submissions run, nothing can be written, and each import would be compiled anew.
    options = ["--python", sys.executable, "--compile-bytecode", "--editable", f".[{extra}]"]
    return run_uv("install", *options, constraints=[LOCK])


def lock() -> str:
    """Let uv lock the newest versions, without the addresses where they were found."""
    options = ["--all-extras", "--universal", "--python-version", "3.11", "--no-emit-index-url"]
    options += ["--no-emit-find-links", "--upgrade", "--output-file", LOCK]
    return run_uv("compile", "pyproject.toml", *options, constraints=[])


def main() -> None:
    """Do what the command line says, in the project that is the current folder."""
    if find_spec("pip") is None:  # as in an environment that uv made
        subprocess.run(
            [sys.executable, "-m", "ensurepip", "--default-pip"], stdout=subprocess.DEVNULL, check=True
        )
    (extra,) = sys.argv[1:]
    if extra == "--lock":
        sys.exit(f"{why}: {LOCK} stays as it was" if (why := lock()) else None)
    if why := with_uv(extra):
        print(f"{why}: pip installs, which takes some minutes", file=sys.stderr, flush=True)
        command = [*PIP, "install", "--quiet", "--constraint", LOCK, "--editable", f".[{extra}]"]
        sys.exit(subprocess.run(command, check=False).returncode)


if __name__ == "__main__":
    main()
