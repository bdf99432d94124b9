"""Random programs with loops and branches: the bodies are random too, and hold loops and branches themselves.

A program is a list of steps. A plain step applies one rule of `random_programs`; a nested one has bodies of its own.
Bodies use the arrays outside of them, and the index of their loop. Everything is drawn by `pick(n)`, an integer below
n, from hypothesis or from a generator of random numbers.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import random_programs as flat

Pick = Callable[[int], int]
PLAIN = ("unary", "unary", "binary", "binary", "binary", "reduce", "shape", "index", "matmul", "assign", "join")
NESTED = ("scan", "fori", "rounds", "while", "until", "cond", "switch", "vmap", "map", "checkpoint")
LARGEST = 27  # elements of an array


@dataclass
class Step:
    """One rule, the arrays it takes, which are named by their position, and an integer for what else is to choose."""

    rule: str
    operands: tuple[int, int, int]
    choice: int
    bodies: list[list["Step"]] = field(default_factory=list)

    def __repr__(self) -> str:
        bodies = f", {self.bodies}" if self.bodies else ""
        return f"Step({self.rule!r}, {self.operands}, {self.choice}{bodies})"


def steps(pick: Pick, n: int, depth: int) -> list[Step]:
    """So many steps at most, with bodies in bodies down to this depth."""
    found = []
    for _ in range(1 + pick(n)):
        nested = depth > 0 and pick(3) == 0
        rule = NESTED[pick(len(NESTED))] if nested else (*PLAIN, "element", "put")[pick(len(PLAIN) + 2)]
        bodies = [steps(pick, 4, depth - 1) for _ in range({"cond": 2, "switch": 3}.get(rule, 1))] if nested else []
        found.append(Step(rule, (pick(1000), pick(1000), pick(1000)), pick(1000), bodies))
    return found


class Pool:
    """The arrays so far, and the integers: arguments that count rounds, and the indices of loops."""

    def __init__(self, arrays: Sequence[Any], counts: Sequence[Any], indices: Sequence[Any]) -> None:
        self.arrays, self.counts, self.indices = list(arrays), list(counts), list(indices)

    def __getitem__(self, k: int) -> Any:
        return self.arrays[k % len(self.arrays)]

    def keep(self, y: Any) -> None:
        """Take an array, if it is not too large."""
        if 1 <= math.prod(y.shape) <= LARGEST and len(y.shape) <= 3:
            self.arrays.append(y)

    def inside(self, arrays: Sequence[Any], index: Any = None) -> "Pool":
        """The pool of a body."""
        return Pool([*self.arrays, *arrays], self.counts, [*self.indices, *([] if index is None else [index])])


def run(lib: flat.Library, pool: Pool, body: Sequence[Step]) -> Pool:
    """Apply the steps."""
    for step in body:
        if step.rule in NESTED:
            for y in nested(lib, pool, step):
                pool.keep(y)
        elif step.rule in ("element", "put"):
            pool.keep(at_index(lib, pool, step))
        else:
            pool.keep(flat.apply(lib, pool.arrays, step.rule, step.operands[:2], step.choice))
    return pool


def at_index(lib: flat.Library, pool: Pool, step: Step) -> Any:
    """An array's row at an integer that is known only when the program runs, read or written."""
    x = pool[step.operands[0]]
    integers = [*pool.indices, *pool.counts]
    if not x.shape or not integers:
        return x * 0.9
    k = integers[step.choice % len(integers)] % x.shape[0]
    if step.rule == "element":
        return lib.np.take(x, k, axis=0)
    row = fitted(lib, pool[step.operands[1]], x[0])
    return lib.assign(x, k, row, flat.pick(["set", "add", "mul"], step.choice // 7))


def fitted(lib: flat.Library, y: Any, like: Any) -> Any:
    """An array of the shape of another, that depends on y."""
    if y.shape == like.shape:
        return y
    return lib.np.zeros(like.shape) + lib.np.sum(y) / (1 + math.prod(y.shape))


def next_carry(lib: flat.Library, carry: Sequence[Any], pool: Pool, choice: int) -> list[Any]:
    """What a body hands on: the last arrays of its pool, calmed down; some as they came, some exchanged."""
    made = [0.5 * fitted(lib, lib.np.tanh(y), c) + 0.3 * c for y, c in zip(reversed(pool.arrays), carry, strict=False)]
    kind = choice % 6
    if kind == 0:
        made[0] = carry[0]
    elif kind == 1 and len(carry) > 1:
        made = [fitted(lib, carry[1], carry[0]), made[1], *made[2:]]
    elif kind == 2 and len(carry) > 1 and carry[0].shape == carry[1].shape:
        made[:2] = [carry[1], carry[0]]
    elif kind == 3 and carry[0].shape:
        made[0] = lib.np.flip(carry[0], 0) * 0.9
    elif kind == 4:
        made[-1] = fitted(lib, carry[0], carry[-1])
    return made


def nested(lib: flat.Library, pool: Pool, step: Step) -> list[Any]:
    """A step with bodies: the arrays that it makes."""
    np_, control, choice = lib.np, lib.control, step.choice
    x, y, z = (pool[k] for k in step.operands)
    carry = [x, y, z][: 1 + choice % 3]
    rounds = pool.counts[choice % len(pool.counts)]

    def body(carry: Sequence[Any], index: Any = None, rows: Sequence[Any] = (), which: int = 0) -> tuple[list, Pool]:
        inner = run(lib, pool.inside([*rows, *carry], index), step.bodies[which])
        return next_carry(lib, carry, inner, choice // 3), inner

    if step.rule == "scan":
        xs = np_.ravel(z) if choice % 2 else np_.stack([z, 0.5 * z])

        def round_(c: Any, r: Any) -> Any:
            new, inner = body(c, None, [r])
            return new, inner.arrays[-1]

        last, ys = control.scan(round_, carry, xs, reverse=choice % 5 == 0)
        return [*last, ys]
    if step.rule == "fori":
        return control.fori_loop(choice % 4, 3, lambda i, c: body(c, i)[0], carry)
    if step.rule == "rounds":
        return control.fori_loop(choice % 2, rounds, lambda i, c: body(c, i)[0], carry)
    if step.rule == "while":
        start, stop = np_.sum(np_.tanh(z)), 0.37 * (choice % 9)
        state = control.while_loop(lambda s: s[1] < start + stop, lambda s: (body(s[0])[0], s[1] + 0.4), (carry, start))
        return state[0]
    if step.rule == "until":
        state = control.while_loop(lambda s: s[1] < rounds, lambda s: (body(s[0], s[1])[0], s[1] + 1), (carry, 0))
        return state[0]
    if step.rule == "cond":
        test = np_.sum(z) > 0.1 if choice % 2 else rounds > 1
        return control.cond(test, lambda c: body(c, which=0)[0], lambda c: body(c, which=1)[0], carry)
    if step.rule == "switch":
        branches = [lambda c, k=k: body(c, which=k)[0] for k in range(3)]
        return control.switch(rounds, branches, carry)
    if step.rule == "checkpoint":
        return lib.ad.checkpoint(lambda c: body(c)[0])(carry)
    lanes = np_.stack([z, 0.7 * z, -z]) if choice % 2 else np_.ravel(z)
    mapped = lib.ad.vmap if step.rule == "vmap" else lambda f: lambda r: control.map(f, r)
    return [mapped(lambda r: body([r, *carry[1:]])[0][0])(lanes)]


@dataclass
class LoopProgram:
    """Inputs, counts and steps; called with a library, the inputs and the counts it gives one number."""

    inputs: tuple[np.ndarray, ...]
    counts: tuple[int, ...]
    steps: list[Step]

    def __call__(self, lib: flat.Library, *args: Any) -> Any:
        n = len(self.inputs)
        pool = run(lib, Pool(args[:n], args[n:], ()), self.steps)
        total = 0.0
        for k, x in enumerate(pool.arrays[-4:]):
            total = total + (k + 1) * lib.np.sum(lib.np.tanh(0.5 * x)) / math.prod(x.shape)
        return total


def loop_program(pick: Pick, n: int = 5, depth: int = 2) -> LoopProgram:
    """A random program of two arrays and two counts."""
    shapes = [(), (1,), (3,), (2, 3), (3, 2), (3, 3), (2, 1, 3)]
    inputs = []
    for _ in range(2):
        shape = shapes[pick(len(shapes))]
        inputs.append(np.asarray(np.random.default_rng(pick(1000)).uniform(-1, 1, shape)))
    return LoopProgram(tuple(inputs), (pick(4), 1 + pick(3)), steps(pick, n, depth))
