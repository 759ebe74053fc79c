"""Changes in place cross the wall as they are: random values, changed in random ways, against one process."""

import copy
import json
import random

import numpy as np
import pytest

from npfl_grader.engine.both.codec import Decoder, Encoder, Watch, replace

ROUNDS = 400


def value(draw, depth=0):
    """Make a value of nested containers, some of them the same object in two places."""
    kinds = ["number", "text", "none", "tuple", "list", "dict", "set", "array", "bytes"]
    kind = draw.choice(kinds if depth < 3 else kinds[:4])
    if kind == "number":
        return draw.choice([draw.randrange(10), draw.random(), 2**70, True, 1 + 2j, np.float32(0.5)])
    if kind == "text":
        return draw.choice(["", "a", "é", "x" * 30])
    if kind == "none":
        return None
    if kind == "tuple":
        return tuple(value(draw, depth + 1) for _ in range(draw.randrange(4)))
    if kind == "set":
        return {key(draw) for _ in range(draw.randrange(4))}
    if kind == "array":
        return draw.choice([np.zeros(3), np.arange(6).reshape(2, 3), np.ones((2, 2), np.float32, order="F")])
    if kind == "bytes":
        return bytearray(b"abc")
    parts = [value(draw, depth + 1) for _ in range(draw.randrange(5))]
    if parts and draw.random() < 0.3:
        parts.append(draw.choice(parts))  # one object, twice
    return parts if kind == "list" else {key(draw): part for part in parts}


def key(draw):
    return draw.choice([draw.randrange(5), "k", (1, draw.randrange(3)), ("a", (2.5, None)), None, 0.5])


def containers(where, found):
    """List what can be changed in a value, each object once."""
    if isinstance(where, list | dict | set | bytearray | np.ndarray):
        if any(where is known for known in found):
            return found
        found.append(where)
    for part in (
        where.values() if isinstance(where, dict) else where if isinstance(where, list | tuple) else ()
    ):
        containers(part, found)
    return found


def change(draw, root):
    """Change something in a value, as a student's code may; draws the same whichever copy it is given."""
    found = containers(root, [])
    if not found:
        return
    target = draw.choice(found)
    new = value(draw, 2)
    if isinstance(target, list):
        what = draw.choice(["append", "pop", "clear", "set", "reverse", "slice", "insert"])
        at = draw.randrange(len(target) + 1)
        if what == "append":
            target.append(draw.choice([new, (1, new)]))
        elif what == "insert":
            target.insert(at, new)
        elif what == "pop" and target:
            target.pop()
        elif what == "clear":
            target.clear()
        elif what == "set" and at < len(target):
            target[at] = np.full(3, 7.0) if draw.random() < 0.3 else new
        elif what == "reverse":
            target.reverse()
        elif what == "slice":
            target[at:] = [new, new]
    elif isinstance(target, dict):
        if target and draw.random() < 0.3:
            del target[draw.choice(list(target))]
        else:
            target[key(draw)] = (new, np.ones(2)) if draw.random() < 0.3 else new
    elif isinstance(target, set):
        target ^= {key(draw)}
    elif isinstance(target, bytearray):
        target += b"!"
    elif target.flags.writeable and target.size:
        target[...] = target * 2 + draw.randrange(3)
    elif draw.random() < 0.5:
        target.flags.writeable = False


def over(tree):
    return json.loads(json.dumps(tree))


def cross(mine, seed):
    """Let the other side change a value, and change it here as the engine does."""
    encoder = Encoder()
    tree = encoder.encode(mine)
    decoder = Decoder(encoder.buffers)
    theirs = decoder.decode(over(tree))
    watch = Watch(decoder.mutable)
    draw = random.Random(seed)
    for _ in range(draw.randrange(1, 5)):
        change(draw, theirs)
    back = Encoder(known=decoder.mutable)
    changed = [[number, over(back.content(decoder.mutable[number]))] for number in watch.changed()]
    reader = Decoder(back.buffers, known=encoder.mutable)
    for number, content in changed:
        replace(encoder.mutable[number], reader.decode(content))


def plain(mine, seed):
    draw = random.Random(seed)
    for _ in range(draw.randrange(1, 5)):
        change(draw, mine)


def same(one, other):
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and one.shape == other.shape and bool((one == other).all())
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(map(same, one.values(), other.values()))
    return one == other


@pytest.mark.parametrize("part", range(8))
def test_a_change_is_the_same_as_in_one_process(part):
    for seed in range(part * ROUNDS, (part + 1) * ROUNDS):
        here = value(random.Random(seed))
        alone = copy.deepcopy(here)
        held = containers(here, [])  # whoever has a part of it sees the change in it
        beside = containers(alone, [])
        cross(here, seed)
        plain(alone, seed)
        assert same(here, alone), (seed, here, alone)
        assert all(map(same, held, beside)), seed
        shapes = [[a is b for b in containers(x, [])] for x in (here, alone) for a in containers(x, [])]
        assert shapes[: len(shapes) // 2] == shapes[len(shapes) // 2 :], seed
