"""Loops in vectors: how many rounds at a time, sums in several registers, and what becomes of the last few rounds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..machine import llvm
from .grammar import CALL, short
from .rounds import NotWidened, Round, neutral
from .widen import Copy, Shared, renamed

FEWEST = 4  # rounds that are worth a vector
INTERLEAVED = 4  # vectors in flight where a sum of few operations would wait for itself
FEW = 24  # operations
FUNCTION = 40  # operations that a function of the math library counts as
GATHERED = 3  # operations that make up for an element that is read by itself
DEAR = 120  # operations of which there is to be one copy only


class Vectors:
    """A round widened, and its loops.

    e: the emitter. lines: of a round. count: the number of rounds, if it is known. windows: that move along, whole: all
    lines then.
    """

    def __init__(
        self, e: Any, lines: list[str], variable: str, count: int | None, windows: Sequence[Any], whole: list[str]
    ) -> None:
        self.e, self.whole, self.variable, self.count, self.windows = e, whole, variable, count, windows
        if count is not None and count < FEWEST:
            raise NotWidened("few rounds")
        if windows:
            if count is None or any(m.step != 1 for m in windows):
                raise NotWidened("a window moves along")
            lines = [f"  store {m.type} {neutral('fadd', m.type)}, ptr {s}" for m in windows for s in m.slots] + lines
        self.round = Round(lines, variable, e.stack, e.place_of, e.room, count)
        if not self.round.touched:
            raise NotWidened("nothing is computed")
        self.lanes = self.chosen_lanes()
        self.work = self.operations()
        self.shared = Shared(self.round, e)
        self.masks = (
            llvm.masks() and self.round.neighbours
        )  # elements here and there are read lane by lane, in branches
        self.interleaved = self.chosen_interleaving()
        self.partial: list[tuple[int, int]] = []  # lanes and numbers of the copies that have sums of their own

    def chosen_lanes(self) -> int:
        """A register's worth of the widest floating-point type, or of the widest type in memory."""
        text = "\n".join(t for n, t in self.round.lines if n in self.round.varying or not n)
        size = 8 if "double" in text else 4 if "float" in text else self.round.widest
        lanes = llvm.width() * 8 // size
        while self.count is not None and lanes // 2 >= self.count:
            lanes //= 2
        if self.count is not None and lanes > self.count and not llvm.masks():
            raise NotWidened("few rounds")
        return lanes

    def operations(self) -> int:
        """Roughly, the operations of a round. Copies from here and there are no work for vectors."""
        work = sum(FUNCTION if "@wg_" in t else 1 for n, t in self.round.lines if n in self.round.varying)
        if GATHERED * self.round.gathered > work - self.round.gathered:
            raise NotWidened("more is gathered than computed")
        return work

    def chosen_interleaving(self) -> int:
        """How many vectors of rounds follow one another in one round of the loop."""
        if self.windows:
            return 1
        if self.count is not None and self.work <= FEW and self.lanes <= self.count < (INTERLEAVED + 1) * self.lanes:
            return self.count // self.lanes  # all of them are written out
        most = INTERLEAVED if self.round.sums and self.work <= FEW else 1
        while most > 1 and self.count is not None and self.count < 2 * most * self.lanes:
            most //= 2
        return most

    # the loops
    def emit(self, start: str, bound: str) -> None:
        """All rounds, from start to bound - 1."""
        e = self.e
        outside, e.lines = e.lines, []
        if self.count is not None and start == "0":
            self.known(self.count)
        else:
            self.unknown(start, bound)
        if not self.partial:
            raise NotWidened("few rounds")
        loops, e.lines = e.lines, []
        e.lines = outside + self.shared.before + loops
        self.add_up()

    def known(self, count: int) -> None:
        """A number of rounds that is known."""
        if self.windows:
            self.in_windows(count)
            return
        at_once = self.lanes * self.interleaved
        whole = count - count % at_once
        if self.work > DEAR and whole and whole < count and self.masks:
            self.stepped("0", str(count), self.lanes, lambda i: self.some(i, str(count)))
            return
        if whole:
            self.stepped("0", str(whole), at_once, self.all, whole == at_once)
        last = count - count % self.lanes
        if whole < last:
            self.stepped(str(whole), str(last), self.lanes, self.copy, last - whole == self.lanes)
        if last < count:
            self.last(last, count - last)

    def last(self, first: int, rest: int) -> None:
        """The last rounds, fewer than lanes."""
        if rest & (rest - 1) == 0 and rest > 1:
            self.copy(str(first), lanes=rest)
        elif rest > 1 and llvm.masks() and (self.masks or self.work <= DEAR):
            lanes = ", ".join(f"i1 {'true' if k < rest else 'false'}" for k in range(self.lanes))
            self.copy(str(first), f"<{lanes}>", active=rest)
        else:
            self.stepped(str(first), str(first + rest), 1, self.one, rest == 1)

    def in_windows(self, count: int) -> None:
        """Rounds that leave terms to the next."""
        last = count - count % self.lanes
        for m in self.windows:
            self.shared.before += m.begin_wide(self.lanes)

        def round(i: str) -> None:
            self.copy(i)
            for m in self.windows:
                m.empty_wide(i, [self.shared.slot(s, "", self.lanes) for s in m.slots])

        if last:
            self.stepped("0", str(last), self.lanes, round)
            for m in self.windows:
                m.end_wide(str(last))
        if last < count:
            self.stepped(str(last), str(count), 1, self.one)

    def unknown(self, start: str, bound: str) -> None:
        """A number of rounds that is not, but at least one."""
        e, at_once = self.e, self.lanes * self.interleaved
        if self.work > DEAR and self.masks:
            self.stepped(start, bound, self.lanes, lambda i: self.some(i, bound))
            return
        rounds = e.emit(f"sub nsw i64 {bound}, {start}")
        whole = e.emit(f"and i64 {rounds}, {-at_once}")
        end = whole if start == "0" else e.emit(f"add nsw i64 {start}, {whole}")
        self.guarded(start, end, lambda: self.stepped(start, end, at_once, self.all))
        if self.masks:
            rest: Callable[[], None] = lambda: self.stepped(end, bound, self.lanes, lambda i: self.some(i, bound))
        else:
            rest = lambda: self.stepped(end, bound, 1, self.one)
        self.guarded(end, bound, rest)

    def guarded(self, first: str, bound: str, run: Callable[[], None]) -> None:
        """Run if there are rounds."""
        e = self.e
        yes, on = e.new_label("rounds"), e.new_label("on")
        e.branch(e.emit(f"icmp slt i64 {first}, {bound}"), yes, on)
        e.begin(yes)
        run()
        e.jump(on)
        e.begin(on)

    def stepped(self, first: str, bound: str, step: int, body: Callable[[str], None], once: bool = False) -> None:
        """for i in range(first, bound, step), of which there is at least one."""
        if once:
            body(first)
            return
        e = self.e
        head, done, before = e.new_label("vectors"), e.new_label("done"), e.label
        e.jump(head)
        e.begin(head)
        i, place = e.fresh(), len(e.lines)
        e.lines.append("")
        body(i)
        after = e.emit(f"add nuw nsw i64 {i}, {step}")
        e.lines[place] = f"  {i} = phi i64 [ {first}, %{before} ], [ {after}, %{e.label} ]"
        e.branch(e.emit(f"icmp slt i64 {after}, {bound}"), head, done)
        e.begin(done)

    def all(self, i: str) -> None:
        """As many rounds as there are lanes, or several times as many."""
        for k in range(self.interleaved):
            ahead = k * self.lanes
            first = str(int(i) + ahead) if i.isdigit() else self.e.emit(f"add nuw nsw i64 {i}, {ahead}") if k else i
            self.copy(first, number=k)

    def some(self, i: str, bound: str) -> None:
        """The rounds from i on, at most one for each lane."""
        e, w = self.e, f"<{self.lanes} x i32>"
        rest = e.emit(f"call i64 @llvm.umin.i64(i64 {e.emit(f'sub nsw i64 {bound}, {i}')}, i64 {self.lanes})")
        one = e.emit(f"insertelement {w} poison, i32 {e.emit(f'trunc i64 {rest} to i32')}, i64 0")
        limit = e.emit(f"shufflevector {w} {one}, {w} poison, {w} zeroinitializer")
        numbers = ", ".join(f"i32 {k}" for k in range(self.lanes))
        self.copy(i, e.emit(f"icmp ult {w} <{numbers}>, {limit}"))

    def one(self, i: str) -> None:
        """One round, as it was written."""
        self.e.lines += renamed(self.whole, self.variable, i, self.e.new_label(".r"))

    def copy(self, first: str, mask: str = "", number: int = 0, active: int | None = None, lanes: int = 0) -> None:
        """A round widened; the names of each copy are its own. number: of the sums that it adds to."""
        lanes = lanes or self.lanes
        if (lanes, number) not in self.partial:
            self.partial.append((lanes, number))
        own = self.e.new_label(".w")
        self.e.lines += Copy(self.round, lanes, first, mask, active, own, f"{number}", self.shared).out

    def add_up(self) -> None:
        """Sums of lanes, and of copies, are added to what the slots held."""
        e = self.e
        for slot, s in self.round.sums.items():
            total, lanes = "", 0
            for n, number in sorted(self.partial, reverse=True):
                lanes = lanes or n
                while lanes > n:
                    total, lanes = halved(e, s.text, s.type, lanes, total), lanes // 2
                x = e.emit(f"load <{n} x {s.type}>, ptr {self.shared.slot(slot, f'{number}', n)}")
                total = e.emit(combined(s.text, s.type, n, total, x)) if total else x
            while lanes > 1:
                total, lanes = halved(e, s.text, s.type, lanes, total), lanes // 2
            one = e.emit(f"extractelement <1 x {s.type}> {total}, i64 0")
            old = e.emit(f"load {s.type}, ptr {slot}")
            e.do(f"store {s.type} {e.emit(s.text.format(old=old, term=one))}, ptr {slot}")


def halved(e: Any, text: str, type: str, lanes: int, x: str) -> str:
    """The lower half of the lanes and the upper one, combined."""
    half = lanes // 2

    def part(first: int) -> str:
        mask = ", ".join(f"i32 {first + k}" for k in range(half))
        return str(e.emit(f"shufflevector <{lanes} x {type}> {x}, <{lanes} x {type}> poison, <{half} x i32> <{mask}>"))

    return str(e.emit(combined(text, type, half, part(0), part(half))))


def combined(text: str, type: str, lanes: int, a: str, b: str) -> str:
    """The instruction of a sum, on vectors."""
    wide = f"<{lanes} x {type}>"
    call = CALL.match(text.replace("{old}", "%old").replace("{term}", "%term"))
    if call is None:
        return text.format(old=a, term=b).replace(f" {type} ", f" {wide} ", 1)
    name = call[3].rsplit(".", 1)[0]
    return f"call {call[1]}{wide} @{name}.v{lanes}{short(type)}({wide} {a}, {wide} {b})"
