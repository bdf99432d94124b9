"""Folding: a graph of any size becomes one of at most about sixty boxes, in time linear in its size.

Nodes that follow one another in the program may become one box: since each node comes after those that it uses, a graph
of such boxes has no cycles. They are put together, until the graph is small enough, in this order:

    what stands in one call or branch
    a sequence that repeats itself (an unrolled loop, equal layers): one box with its count
    one line of the user's
    one function of the user's
    equal pieces of what is left

with a search for repetitions after each step. A box opens: `Fold.open()` is the graph inside, folded likewise. The two
halves of a derivative's graph are never mixed.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any, NamedTuple

from ..errors import Source
from .graph import ADJOINT, Edge, Graph, Label, Node, shortened

LIMIT = 60  # nodes that are drawn as they are
LEAST = 12  # equations: a shorter repetition stays as it is
NEAR = 6  # how many earlier places of the same node are tried as the beginning of a repetition

Item = Any  # Node | Fold


class Fold(NamedTuple):
    """Several nodes in one box.

    kind: "call", "repeat", "line", "function", "part", "inputs", "outer"; items: what is in it (of a repetition all
    rounds, `period` items each); rounds: how often it repeats itself; weight: equations in it.
    """

    kind: str
    half: int
    items: Sequence[Any]
    weight: int
    name: str
    rounds: int = 1
    period: int = 0
    output: bool = False

    @property
    def source(self) -> Source | None:
        """The user's line, where it begins."""
        return next((item.source for item in self.items if item.source is not None), None)


class Folded:
    """A graph small enough to be drawn: its boxes and their edges, and the whole graph that they were made of."""

    def __init__(self, whole: Graph, items: Sequence[Item]) -> None:
        self.whole = whole
        place = {id(node): k for k, item in enumerate(items) for node in leaves(item)}
        self.box = [place[id(node)] for node in whole.nodes]
        edges = list(dict.fromkeys((self.box[a], self.box[b]) for a, b in whole.edges if self.box[a] != self.box[b]))
        self.graph = whole._replace(nodes=items, edges=edges, label=self._label)

    def _label(self, item: Item) -> Label:
        return fold_label(item) if isinstance(item, Fold) else self.whole.label(item)

    @functools.cached_property
    def into(self) -> list[list[Edge]]:
        """For each box the edges of the whole graph that end in it."""
        found: list[list[Edge]] = [[] for _ in self.graph.nodes]
        for a, b in self.whole.edges:
            found[self.box[b]].append((a, b))
        return found

    @functools.cached_property
    def used(self) -> set[int]:
        """The nodes of the whole graph that another box uses."""
        return {a for a, b in self.whole.edges if self.box[a] != self.box[b]}

    @functools.cached_property
    def places(self) -> dict[int, int]:
        """Where each node stands in the whole graph."""
        return {id(node): k for k, node in enumerate(self.whole.nodes)}

    def open(self, box: Fold) -> Folded:
        """What is in a box: of a repetition its first round; with what it uses from outside as inputs."""
        items = box.items[: box.period] if box.kind == "repeat" else box.items
        members = [self.places[id(n)] for item in items for n in leaves(item)]
        own = set(members)
        near = self.into[self.box[members[0]]]
        edges = [(a, b) for a, b in near if b in own]
        escaping = {a for a, b in near if b not in own} | self.used
        index = [*dict.fromkeys(a for a, _ in edges if a not in own), *members]
        position = {k: place for place, k in enumerate(index)}
        shown = []
        for k in index:
            node = self.whole.nodes[k]
            inner = node._replace(output=node.output or k in escaping)
            shown.append(inner if k in own else node._replace(kind="outer", output=False))
        arrows = [(position[a], position[b]) for a, b in edges]
        return fold(self.whole._replace(title=describe(box), nodes=shown, edges=arrows))


def fold(graph: Graph, limit: int = LIMIT) -> Folded:
    """The graph with at most about `limit` boxes."""
    items: list[Item] = list(graph.nodes)
    for step in (_givens, _calls, _repeats, _lines, _repeats, _functions, _repeats):
        if len(items) > limit:
            fewer = step(items)
            if step is _repeats or sum(item.weight > 0 for item in fewer) > 1:  # all in one box would open for ever
                items = fewer
    return Folded(graph, _parts(items, limit) if len(items) > limit else items)


def leaves(item: Item) -> Iterator[Node]:
    """The nodes in a box, in order."""
    stack = [item]
    while stack:
        item = stack.pop()
        if isinstance(item, Fold):
            stack += reversed(item.items)
        else:
            yield item


# what is written in a box ----------------------------------------------------------------------------------------
def fold_label(box: Fold) -> Label:
    """`layer ×12`, then how many equations it holds."""
    rounds = f" ×{box.rounds:,}" if box.rounds > 1 else ""
    count = f"{box.weight:,} equations" if box.weight != 1 else "1 equation"
    if box.kind == "inputs":
        count = f"{sum(1 for _ in leaves(box)):,} inputs"
    return Label(shortened(box.name, 40) + rounds, "", count, f"{box.name}{rounds}, {count}")


def describe(box: Fold) -> str:
    """The title of the picture of what is in a box."""
    if box.kind == "repeat":
        return f"{box.name}: one of {box.rounds:,} rounds"
    return box.name


def made(kind: str, items: Sequence[Item], name: str, rounds: int = 1, period: int = 0) -> Fold:
    """A box."""
    count = sum(item.weight for item in items)
    if items[0].half == ADJOINT and count:
        name = f"adjoint of {name}"
    return Fold(kind, items[0].half, items, count, name, rounds, period, any(item.output for item in items))


def lines_of(items: Sequence[Item]) -> str:
    """`line 3` or `lines 3–8`: where the user wrote it."""
    numbers = [s.line for item in items if (s := item.source) is not None]
    if not numbers:
        return "equations"
    low, high = min(numbers), max(numbers)
    return f"line {low}" if low == high else f"lines {low}–{high}"


# steps -----------------------------------------------------------------------------------------------------------
def _runs(items: Sequence[Item], key: Callable[[Item], Hashable | None]) -> Iterator[list[Item]]:
    """Items that follow one another with the same key and half; alone where the key is None."""
    run: list[Item] = []
    here: Any = None
    for item in items:
        found = key(item)
        there = (item.half, found) if found is not None else None
        if run and (there is None or there != here):
            yield run
            run = []
        run.append(item)
        here = there
    if run:
        yield run


def _grouped(items: Sequence[Item], kind: str, key: Callable[[Item], Any], name: Callable[[list[Item]], str]) -> Any:
    return [run[0] if len(run) == 1 else made(kind, run, name(run)) for run in _runs(items, key)]


def _givens(items: Sequence[Item]) -> list[Item]:
    """Inputs, constants and seeds: those of one kind in one box, where there are many."""
    if sum(item.weight == 0 for item in items) <= 12:
        return list(items)
    kinds = {"input": "inputs", "constant": "constants", "seed": "seeds", "outer": "from outside"}
    return _grouped(
        items, "inputs", lambda i: i.kind if i.weight == 0 else None, lambda run: kinds.get(run[0].kind, "inputs")
    )


def _calls(items: Sequence[Item]) -> list[Item]:
    """What stands in one call or branch."""

    def key(item: Item) -> Any:
        return item.group[0] if isinstance(item, Node) and item.group else None

    return _grouped(items, "call", key, lambda run: run[0].group[0].label)


def _lines(items: Sequence[Item]) -> list[Item]:
    def key(item: Item) -> Any:
        s = item.source if item.weight and item.kind not in ("call", "repeat") else None
        return (s.file, s.line) if s is not None else None

    return _grouped(items, "line", key, lambda run: run[0].source.text or lines_of(run))


def _functions(items: Sequence[Item]) -> list[Item]:
    def key(item: Item) -> Any:
        s = item.source if item.weight else None
        return (s.file, s.function) if s is not None else None

    return _grouped(items, "function", key, lambda run: f"{run[0].source.function}, {lines_of(run)}")


def _parts(items: Sequence[Item], limit: int) -> list[Item]:
    """Equal pieces, each of one half, few enough."""
    each = -(-len(items) // max(1, limit // 2))
    parts: list[Item] = []
    for run in _runs(items, lambda item: bool(item.weight)):
        pieces = [run[k : k + each] for k in range(0, len(run), each)]
        for k, piece in enumerate(pieces):
            name = lines_of(piece) + (f", part {k + 1} of {len(pieces)}" if len(pieces) > 1 else "")
            parts.append(piece[0] if len(piece) == 1 else made("part", piece, name))
    return parts


# repetitions -----------------------------------------------------------------------------------------------------
def _repeats(items: Sequence[Item]) -> list[Item]:
    """Sequences that repeat themselves, innermost first, until there are none."""
    while True:
        shorter = _repeats_once(items)
        if len(shorter) == len(items):
            return shorter
        items = shorter


def _repeats_once(items: Sequence[Item]) -> list[Item]:
    words: dict[Any, int] = {}
    letters = [words.setdefault(signature(item), len(words)) for item in items]
    prints = Fingerprints(letters)
    following = next_places(letters)
    result: list[Item] = []
    i = 0
    while i < len(items):
        period, rounds = _repetition(items, prints, following, i) if items[i].weight else (1, 1)
        run = items[i : i + period * rounds]
        if rounds == 1 or sum(item.weight for item in run) < LEAST:
            result += run
        else:
            result.append(made("repeat", run, lines_of(run[:period]), rounds, period))
        i += period * rounds
    return result


def _repetition(items: Sequence[Item], prints: Fingerprints, following: Sequence[int], i: int) -> tuple[int, int]:
    """The shortest sequence from i on that is followed by itself, and how often it stands there."""
    j = i
    for _ in range(NEAR):
        j = following[j]
        period = j - i
        if j + period > len(following):
            break
        rounds = 1
        while prints.equal(i, i + rounds * period, period):
            rounds += 1
        if rounds > 1 and (period > 1 or rounds > 2):
            return period, rounds
    return 1, 1


def signature(item: Item) -> Any:
    """What two items have in common that do the same: line, primitive; what boxes hold, as often as it may be."""
    if isinstance(item, Fold):
        inner = item.items[: item.period] if item.kind == "repeat" else item.items
        return item.kind, item.half, item.name, tuple(signature(i) for i in inner[:8]), len(inner)
    eq, s = item.equation, item.source
    return item.half, eq.primitive.name if eq is not None else id(item), (s.file, s.line) if s is not None else None


def next_places(letters: Sequence[int]) -> list[int]:
    """For each place the next one with the same letter; the end of the sequence where there is none."""
    after: dict[int, int] = {}
    result = [len(letters)] * len(letters)
    for k in range(len(letters) - 1, -1, -1):
        result[k] = after.get(letters[k], len(letters))
        after[letters[k]] = k
    return result


class Fingerprints:
    """Equality of two pieces of a sequence in constant time: polynomial fingerprints (Karp and Rabin 1987)."""

    BASE, MODULUS = 1_000_003, (1 << 61) - 1

    def __init__(self, letters: Sequence[int]) -> None:
        self.length = len(letters)
        self.prefix, self.power = [0], [1]
        for letter in letters:
            self.prefix.append((self.prefix[-1] * self.BASE + letter + 1) % self.MODULUS)
            self.power.append(self.power[-1] * self.BASE % self.MODULUS)

    def equal(self, i: int, j: int, length: int) -> bool:
        """Are the pieces of this length at i and at j equal? (With a probability of error of about 1e-13.)"""
        if max(i, j) + length > self.length:
            return False
        shift = self.power[length]
        a = self.prefix[i + length] - self.prefix[i] * shift
        b = self.prefix[j + length] - self.prefix[j] * shift
        return (a - b) % self.MODULUS == 0
