"""Throw bytes at what reads submissions, guided by which code they reach: ``make fuzz``.

    python tests/fuzz/run.py TARGET CORPUS [-max_total_time=60 ...]

TARGET is one of those of `targets`. CORPUS holds inputs of earlier runs, and gets new ones; what crashes is
written beside it. Options are libFuzzer's.
"""

import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parent))
with atheris.instrument_imports(include=["npfl_grader"]):
    import targets
import examples


def main() -> None:
    """Write the examples into the corpus and let libFuzzer go on from there."""
    if len(sys.argv) < 3 or sys.argv[1] not in targets.TARGETS:
        raise SystemExit(__doc__)
    target, corpus = sys.argv[1], Path(sys.argv[2])
    corpus.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(examples.EXAMPLES[target]):
        (corpus / f"example{number}").write_bytes(data)
    options = [f"-artifact_prefix={corpus.parent}/{target}-", "-max_len=65536", "-timeout=10", *sys.argv[3:]]
    atheris.Setup([sys.argv[0], *options, str(corpus)], targets.TARGETS[target])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
