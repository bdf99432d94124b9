"""One round of a loop, understood from its text: what is the same in all rounds, what is an address, what is a sum.

And whether the rounds are independent. `NotWidened` says why a loop stays scalar.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from .grammar import ADDRESS, BINARY, CALL, INSTRUCTION, LOAD, NAMES, STORE, size_of
from .interleaved import Access, groups

Form = dict[str, int]  # a sum of coefficient * name; "" is the constant


class NotWidened(Exception):
    """Why a round stays scalar."""


class Place(NamedTuple):
    """An address: the memory it points into, and how many bytes from its beginning."""

    root: str
    form: Form


class Sum(NamedTuple):
    """A slot to which every round adds: its type, how, and the instruction, of {old} and {term}."""

    type: str
    how: str
    text: str


def parsed(line: str) -> tuple[str, str]:
    """The name of an instruction's result, "" if it has none, and the instruction."""
    m = INSTRUCTION.match(line)
    if m is None:
        raise NotWidened(f"no instruction: {line}")
    return m[1] or "", m[2]


def plus(a: Form, b: Form, factor: int = 1) -> Form:
    """a + factor b."""
    found = dict(a)
    for name, c in b.items():
        found[name] = found.get(name, 0) + factor * c
    return {name: c for name, c in found.items() if c}


class Round:
    """One round, understood: which values are the same in all rounds, which are addresses, which are sums.

    slots: name -> (type, number of elements) of memory on the stack. place_of: where an address from outside points.
    room: how many bytes there are at a root, and how many with those behind them that nobody uses. rounds: how many
    there are, if that is known.
    """

    def __init__(
        self,
        lines: Sequence[str],
        variable: str,
        slots: dict[str, tuple[str, int]],
        place_of: Callable[[str], Place],
        room: Callable[[str], tuple[int, int]],
        rounds: int | None,
    ) -> None:
        self.variable, self.slots, self.place_of, self.room, self.rounds = variable, slots, place_of, room, rounds
        self.lines: list[tuple[str, str]] = [parsed(x) for x in lines]
        self.texts = {name: text for name, text in self.lines if name}
        self.uses = Counter(n for _, text in self.lines for n in NAMES.findall(text))
        self.inside = {name for name, _ in self.lines if name}
        self.forms: dict[str, Form] = {variable: {variable: 1}}
        self.places: dict[str, Place] = {}
        self.varying: set[str] = set()
        self.found: dict[str, Place] = {}
        self.once: set[str] = set()  # what is done before the loop
        self.roots: dict[str, str] = {}  # of addresses that are vectors
        self.private: set[str] = set()  # slots of one round
        self.sums: dict[str, Sum] = {}
        self.pending: dict[str, str] = {}  # a sum's value that was read -> its slot
        self.touched: list[tuple[Place, bool, int]] = []  # where, is it written, bytes
        self.find_memory()
        for name, text in self.lines:
            self.understand(name, text)
        if self.pending:
            raise NotWidened("a sum is read")
        self.check_places()
        self.accesses = self.find_accesses()
        self.groups = groups(self.accesses, variable)

    def find_memory(self) -> None:
        """Which slots are written, and which are arrays that are indexed: those are memory like any other."""
        base: dict[str, str] = {}
        indexed = set()
        self.written = set()
        for name, text in self.lines:
            if m := ADDRESS.match(text):
                base[name] = base.get(m[2], m[2])
                if m[3].startswith("%"):
                    indexed.add(base[name])
            elif m := STORE.match(text):
                self.written.add(base.get(m[3], m[3]))
        self.slots = {x: held for x, held in self.slots.items() if x in self.written and x not in indexed}

    # what instructions do
    def understand(self, name: str, text: str) -> None:
        """Take in one instruction."""
        if not name:
            store = STORE.match(text)
            if store is None:
                raise NotWidened(text)
            self.stored(store[1], store[2], self.place(store[3]))
        elif address := ADDRESS.match(text):
            self.addressed(name, address[1], address[2], address[3])
        elif load := LOAD.match(text):
            self.loaded(name, load[1], self.place(load[2]))
        elif (call := CALL.match(text)) and not call[3].startswith(("llvm.", "wg_")):
            raise NotWidened(f"a call of {call[3]}")
        else:
            form = self.linear(text)
            if form is not None:
                self.forms[name] = form
            if not any(self.depends(x) for x in NAMES.findall(text)):
                self.once.add(name)
            elif form is None:
                self.varying.add(name)

    def depends(self, x: str) -> bool:
        """Is a value another one in each round, or in each lane?"""
        return x in self.varying or self.step(x) != 0 or (x in self.places and self.places[x].root in self.slots)

    def form(self, x: str) -> Form:
        """An integer as a sum."""
        if not x.startswith("%"):
            return {"": int(x)} if int(x) else {}
        return self.forms.get(x) or {x: 1}

    def linear(self, text: str) -> Form | None:
        """The result of an instruction as a sum, where it is one of integers that are the same in all lanes."""
        m = BINARY.match(text)
        if m is None or m[2] != "i64" or m[3] in self.varying or m[4] in self.varying:
            return None
        operation, a, b = m[1].split()[0], m[3], m[4]
        if operation in ("add", "sub"):
            return plus(self.form(a), self.form(b), 1 if operation == "add" else -1)
        if operation == "mul" and not (a.startswith("%") and b.startswith("%")):
            x, k = (a, int(b)) if a.startswith("%") else (b, int(a))
            return {name: k * c for name, c in self.form(x).items()} if k else None
        return None

    def step(self, x: str) -> int:
        """By how much an integer, or an address in bytes, moves from round to round."""
        form = self.places[x].form if x in self.places else self.forms.get(x, {})
        return form.get(self.variable, 0)

    def place(self, x: str) -> Place:
        """Where an address points."""
        if x in self.places:
            return self.places[x]
        if x in self.inside:
            return self.outside(x) if x in self.once else Place(self.roots.get(x, x), {"?": 1})  # addresses, a vector
        return self.outside(x)

    def outside(self, x: str) -> Place:
        """Where an address points that is the same in all rounds."""
        if x not in self.found:
            self.found[x] = self.place_of(x)
        return self.found[x]

    def addressed(self, name: str, type: str, base: str, index: str) -> None:
        """An address."""
        if index in self.varying or base in self.varying:
            self.varying.add(name)
            self.roots[name] = self.place(base).root
            return
        place = self.place(base)
        if not self.depends(base) and not self.depends(index) and place.root not in self.slots:
            self.once.add(name)
        size = size_of(type)
        form = plus(place.form, {n: c * size for n, c in self.form(index).items()})
        self.places[name] = Place(place.root, form)

    def loaded(self, name: str, type: str, place: Place) -> None:
        """A value from memory."""
        if place.root in self.slots:
            if place.root in self.private:
                self.varying.add(name)
                return
            if place.form or self.slots[place.root][1] != 1 or self.uses[name] != 1:
                raise NotWidened("a value is carried from round to round")
            self.pending[name] = place.root
            self.varying.add(name)
            return
        if type == "ptr":
            self.once.add(name)
            return
        self.touched.append((place, False, size_of(type)))
        if self.variable not in place.form and "?" not in place.form:
            self.once.add(name)
        else:
            self.varying.add(name)

    def stored(self, type: str, value: str, place: Place) -> None:
        """A value to memory."""
        root = place.root
        if "?" in place.form:
            raise NotWidened("writes here and there")
        if root in self.slots:
            if root not in self.sums and root not in self.pending.values():
                self.private.add(root)
                return
            self.added(type, value, root)
            return
        if self.variable not in place.form:
            raise NotWidened("one element is written in every round")
        self.touched.append((place, True, size_of(type)))

    def added(self, type: str, value: str, slot: str) -> None:
        """A slot gets what it held, combined with a term."""
        text = self.texts.get(value, "")
        old = [x for x in NAMES.findall(text) if self.pending.get(x) == slot]
        how = addition(text)
        if len(old) != 1 or how is None or self.uses[value] != 1:
            raise NotWidened("a value is carried from round to round")
        term = next((x for x in NAMES.findall(text) if x != old[0]), None)
        if term is None:
            raise NotWidened("a sum of constants")
        parts = {old[0]: "{old}", term: "{term}"}
        new = Sum(type, how, NAMES.sub(lambda m: parts.get(m[0], m[0]), text))
        if self.sums.setdefault(slot, new) != new:
            raise NotWidened("a sum of two kinds")
        del self.pending[old[0]]

    @property
    def widest(self) -> int:
        """Bytes of the largest elements that it reads or writes."""
        return max(size_of(m[1]) for _, t in self.lines if (m := LOAD.match(t) or STORE.match(t)))

    def find_accesses(self) -> list[Access]:
        """The elements that it reads and writes, other ones in every round."""
        found = []
        for k, (name, text) in enumerate(self.lines):
            m = LOAD.match(text) or STORE.match(text)
            if m is not None and name not in self.once:
                place = self.place(m[m.lastindex or 0])
                if place.root not in self.slots:
                    found.append(Access(k, not name, m[1], size_of(m[1]), place.root, place.form))
        return found

    @property
    def neighbours(self) -> bool:
        """Does it read and write only elements that are neighbours in neighbouring rounds?"""
        return all(dict(a.others).get(self.variable) == a.size for a in self.accesses)

    @property
    def gathered(self) -> int:
        """How many of the elements that it reads or writes are no neighbours in neighbouring rounds."""
        steps = [(a.line, dict(a.others).get(self.variable), a.size) for a in self.accesses]
        return sum(step != size and line not in self.groups for line, step, size in steps)

    # independence
    def check_places(self) -> None:
        """No round writes what another one reads or writes."""
        together: dict[str, list[tuple[Place, bool, int]]] = {}  # what is in different arrays is apart
        for touched in self.touched:
            together.setdefault(touched[0].root, []).append(touched)
        for near in together.values():
            for k, (place, written, size) in enumerate(near):
                for j, (other, also, other_size) in enumerate(near if written else ()):
                    if j != k and not (also and j < k) and not self.apart(place, other, max(size, other_size)):
                        raise NotWidened(f"rounds depend on each other: {place}, {other}")

    def apart(self, a: Place, b: Place, size: int) -> bool:
        """Are two addresses of one array equal in one round, or never in two?"""
        difference = plus(a.form, b.form, -1)
        if not difference:
            return True
        if difference.keys() <= {"", self.variable} and self.rounds is not None:
            a_first, a_end = self.span(a, size)
            b_first, b_end = self.span(b, size)
            if a_end <= b_first or b_end <= a_first:
                return True
        if difference.keys() != {""}:
            return False
        distance, step = abs(difference[""]), abs(a.form.get(self.variable, 0))
        if distance % step:
            return size <= distance % step <= step - size
        return False

    def roomy(self, place: Place, lanes: int, written: bool) -> bool:
        """May lanes that take no part be read (written) too? There must be room, and nothing else, behind the last."""
        if self.rounds is None or place.form.keys() - {"", self.variable}:
            return False
        step, first = place.form[self.variable], place.form.get("", 0)
        end, room = self.room(place.root)
        return first + step * (-(-self.rounds // lanes) * lanes) <= room and (
            not written or first + step * self.rounds >= end
        )

    def span(self, place: Place, size: int) -> tuple[int, int]:
        """The bytes from the first to the last round, but for what does not depend on the round."""
        step, first = place.form.get(self.variable, 0), place.form.get("", 0)
        last = first + step * ((self.rounds or 1) - 1)
        return min(first, last), max(first, last) + size


# sums ------------------------------------------------------------------------------------------------------------
ADDITIONS = {
    "fadd": "0x8000000000000000", "fmul": "0x3FF0000000000000", "add": "0", "mul": "1", "or": "0", "xor": "0",
    "and": "-1", "maximum": "0xFFF0000000000000", "minimum": "0x7FF0000000000000", "umax": "0", "umin": "-1",
}  # fmt: skip


def addition(text: str) -> str | None:
    """The name of a way to add up terms in any order, if an instruction is one."""
    call = CALL.match(text)
    name = call[3].split(".")[1] if call and call[3].startswith("llvm.") else text.split(" ", 1)[0]
    if name in ("fadd", "fmul") and "reassoc" not in text:
        return None
    return name if name in ADDITIONS or name in ("smax", "smin") else None


def neutral(how: str, type: str) -> str:
    """What a sum begins with."""
    if how in ("smax", "smin"):
        half = 1 << (8 * size_of(type) - 1)
        return str(-half if how == "smax" else half - 1)
    if type == "i1":
        return "true" if how in ("and", "mul", "umin") else "false"
    return ADDITIONS[how]
