"""Time what importing npfl takes on top of NumPy: the package alone, and with all its modules.

Each import runs in an interpreter of its own; the medians are compared. The last line is JSON.
"""

import argparse
import json
import pkgutil
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
AIM = 0.05  # seconds
MODULES = sorted(m.name for m in pkgutil.iter_modules([str(ROOT / "npfl")]) if not m.name.startswith("_"))
IMPORTS = {
    "numpy": "import numpy",
    "npfl": "import npfl",
    "all of npfl": ", ".join(["import npfl", *(f"npfl.{module}" for module in MODULES)]),
}


def seconds(statement: str) -> float:
    """Return how long an import takes in a fresh interpreter, after NumPy unless it is NumPy itself."""
    before = "" if statement == IMPORTS["numpy"] else "import numpy"
    code = (
        f"{before}\nimport time\nstart = time.perf_counter()\n{statement}\nprint(time.perf_counter() - start)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return float(result.stdout)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--check", action="store_true", help="fail where the aim is missed")
    arguments = parser.parse_args()
    times: dict[str, list[float]] = {name: [] for name in IMPORTS}
    for _ in range(1 + arguments.rounds):
        for name, statement in IMPORTS.items():
            times[name].append(seconds(statement))
    # The first round fills the caches of the disk.
    median = {name: round(statistics.median(values[1:]), 4) for name, values in times.items()}
    for name, value in median.items():
        print(f"{name:12} {value:.4f} s")
    worst = max(median["npfl"], median["all of npfl"])
    ratio = round(worst / AIM, 3)
    print(
        json.dumps({"name": "import_time", "ratio": ratio, "aim": 1.0, "aim_seconds": AIM, "seconds": median})
    )
    return int(arguments.check and worst > AIM)


if __name__ == "__main__":
    raise SystemExit(main())
