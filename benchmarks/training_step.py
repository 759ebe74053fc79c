"""Time an epoch of training on digits (64-128-10, batches of 32): npfl, PyTorch, the matrix products alone.

All take turns in one run, on one thread, and the medians are compared. PyTorch need not be installed here:
``--torch-python`` names an interpreter that has it. The last line is JSON, times in milliseconds. The
products are those of float64, the default here. With PyTorch both compute in float32, the default there;
this the aims are about. Both in float64, and each in its own default, are printed beside it.
Adam passes over the parameters twelve times where SGD does it twice, so it has an aim of its own.
"""

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ[f"{library}_NUM_THREADS"] = "1"  # before NumPy is imported

import numpy as np  # noqa: E402

HIDDEN, CLASSES, BATCH = 128, 10, 32
AIM = {"sgd products": 3.5, "adam products": 4.7, "sgd torch": 0.4, "adam torch": 0.4}

Epoch = Callable[[], Any]


def npfl_epochs(x: np.ndarray, y: np.ndarray) -> dict[str, Epoch]:
    """Return an epoch of `fit` for each optimizer, and one of nothing but its five matrix products."""
    from npfl.losses import SparseCategoricalCrossentropy
    from npfl.models import fit, mlp
    from npfl.optimizers import SGD, Adam, Optimizer

    def training(optimizer: Optimizer, dtype: str) -> Epoch:
        rng = np.random.default_rng(1)
        model, inputs = mlp([x.shape[1], HIDDEN, CLASSES], rng, dtype=dtype), x.astype(dtype)
        loss = SparseCategoricalCrossentropy(from_logits=True)
        return lambda: fit(model, inputs, y, loss, optimizer, rng, epochs=1, batch_size=BATCH)

    def products(dtype: str) -> Epoch:
        rng = np.random.default_rng(1)
        w1, w2 = (rng.normal(size=shape).astype(dtype) for shape in ((x.shape[1], HIDDEN), (HIDDEN, CLASSES)))
        batches = np.split(x.astype(dtype), range(BATCH, len(x), BATCH))
        hidden = [batch @ w1 for batch in batches]
        outputs = [h @ w2 for h in hidden]

        def epoch() -> None:
            for batch, h, o in zip(batches, hidden, outputs, strict=True):
                batch @ w1, h @ w2, h.T @ o, o @ w2.T, batch.T @ h

        return epoch

    return {
        f"npfl {name} {dtype}": epoch
        for dtype in ("float64", "float32")
        for name, epoch in (
            ("sgd", training(SGD(0.1), dtype)),
            ("adam", training(Adam(0.001), dtype)),
            ("products", products(dtype)),
        )
    }


def torch_epochs(x: np.ndarray, y: np.ndarray) -> dict[str, Epoch]:
    """Return an epoch of the same training in PyTorch, with its plain optimizers and the fused Adam."""
    import torch

    torch.set_num_threads(1)

    def training(make: Callable[..., Any], dtype: str, **options: Any) -> Epoch:
        torch.manual_seed(1)
        model = torch.nn.Sequential(
            torch.nn.Linear(x.shape[1], HIDDEN), torch.nn.ReLU(), torch.nn.Linear(HIDDEN, CLASSES)
        ).to(getattr(torch, dtype))
        optimizer = make(model.parameters(), **options)
        inputs, labels = torch.tensor(x.astype(dtype)), torch.tensor(y)

        def epoch() -> None:
            for batch in torch.randperm(len(inputs)).split(BATCH):
                loss = torch.nn.functional.cross_entropy(model(inputs[batch]), labels[batch])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()

        return epoch

    optim = torch.optim
    return {
        f"torch {name} {dtype}": epoch
        for dtype in ("float64", "float32")
        for name, epoch in (
            ("sgd", training(optim.SGD, dtype, lr=0.1)),
            ("adam", training(optim.Adam, dtype, lr=0.001)),
            ("adam fused", training(optim.Adam, dtype, lr=0.001, fused=True)),
        )
    }


def milliseconds(epoch: Epoch) -> float:
    # The time of this process alone: with one thread it is that of a clock, without what other programs take.
    start = time.process_time()
    epoch()
    return (time.process_time() - start) * 1000


def serve(epochs: dict[str, Epoch]) -> None:
    """Print the names, then the time of an epoch for every name that is read."""
    print(json.dumps(list(epochs)), flush=True)
    for line in sys.stdin:
        print(milliseconds(epochs[line.strip()]), flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--torch-python", help="a Python that has PyTorch; this one if it does, else none")
    parser.add_argument("--rounds", type=int, default=41)
    parser.add_argument("--check", action="store_true", help="fail where an aim is missed")
    parser.add_argument("--serve-torch", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve_torch:
        with np.load(arguments.serve_torch) as data:
            serve(torch_epochs(data["x"], data["y"]))
        return 0

    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from sklearn.datasets import load_digits

    x, y = (array[:1437] for array in load_digits(return_X_y=True))
    x = x / 16
    timers = {name: (lambda epoch=epoch: milliseconds(epoch)) for name, epoch in npfl_epochs(x, y).items()}
    python = arguments.torch_python or (sys.executable if importlib.util.find_spec("torch") else None)
    with tempfile.TemporaryDirectory() as folder:
        server: subprocess.Popen[str] | None = None
        if python:
            np.savez(Path(folder) / "digits.npz", x=x, y=y)
            command = [python, __file__, "--serve-torch", str(Path(folder) / "digits.npz")]
            server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

            def ask(name: str) -> float:
                print(name, file=server.stdin, flush=True)
                return float(server.stdout.readline())

            timers |= {name: (lambda name=name: ask(name)) for name in json.loads(server.stdout.readline())}
        times: dict[str, list[float]] = {name: [] for name in timers}
        for _ in range(3 + arguments.rounds):
            for name, timer in timers.items():
                times[name].append(timer())
        if server:
            server.communicate()

    # The first rounds warm up caches and torch's kernels.
    median = {name: round(statistics.median(values[3:]), 3) for name, values in times.items()}
    for name, value in median.items():
        print(f"{name:24} {value:8.2f} ms")
    ratio = {
        f"{name} products": median[f"npfl {name} float64"] / median["npfl products float64"]
        for name in ("sgd", "adam")
    }
    if python:
        for name in ("sgd", "adam"):
            ratio |= {
                f"{name} torch": median[f"npfl {name} float32"] / median[f"torch {name} float32"],
                f"{name} torch, both float64": median[f"npfl {name} float64"]
                / median[f"torch {name} float64"],
                f"{name} torch, defaults": median[f"npfl {name} float64"] / median[f"torch {name} float32"],
            }
    else:
        print("PyTorch is not installed here: see --torch-python")
    ratio = {name: round(value, 3) for name, value in ratio.items()}
    print(json.dumps({"name": "training_step", "ratio": ratio, "aim": AIM, "milliseconds": median}))
    return int(arguments.check and any(ratio[name] > AIM[name] for name in AIM if name in ratio))


if __name__ == "__main__":
    raise SystemExit(main())
