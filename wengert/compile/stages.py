"""The stages of compilation, one after the other, each of which can be looked at."""

from __future__ import annotations

import contextlib
import gc
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from ..core.program import Program
from ..core.trace import setting
from ..transforms.simplify import simplify
from .emit.module import Module
from .emit.windows import drop_fills
from .loops.blocking import in_blocks
from .loops.fuse import fuse
from .loops.inplace import write_over
from .loops.ir import Block, Buffer, Nest, Straight, View, nodes, row_major, size_of
from .loops.plan import plan
from .loops.recompute import drop_unread, recompute
from .loops.remake import remake
from .loops.reroll import reroll
from .loops.schedule import schedule
from .loops.show import loops_text
from .loops.shrink import shrink
from .loops.streams import few_at_a_time
from .loops.tiles import in_tiles
from .lower import Constants
from .lower.lowering import Lowering, is_far, lanes_outside
from .plain import with_plain_products

T = TypeVar("T")
LARGE = 1 << 22  # bytes of working memory beyond which less of it is looked for
CAREFUL = 1 << 20  # the first number of a failure in a program that is careful from the beginning


@contextlib.contextmanager
def without_collections() -> Iterator[None]:
    """Python's garbage collector does not run meanwhile: what a compilation makes it keeps until its end, and a
    collector that goes through all of it again and again takes up to half of the time."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


class Stages:
    """A program on its way to machine code. seconds: what each stage took.

    inputs, outputs: the caller's arrays; constants: those that the program closed over; arena: bytes of working memory.
    recomputing: may what is cheap be computed again? It may not where a report compares. plain: may it have plain
    products, and stop where they do not do, see plain.py? Has it?
    """

    @without_collections()
    def __init__(self, program: Program, recomputing: bool = True, plain: bool = True) -> None:
        self.seconds: dict[str, float] = {}
        self.recomputing = recomputing
        self.recorded = program
        careful = self.timed("simplify", lambda: simplify(program))
        self.program = with_plain_products(careful) if plain else careful
        self.plain = self.program is not careful
        with_far_lanes = self.made()
        if self.arena >= LARGE and with_far_lanes:
            self.made_smaller()

    def made(self) -> bool:
        """Lower, fuse and plan; are there short axes that go from one large array to the next?"""
        self.constants = Constants()
        self.inputs = [Buffer(t.dtype, size_of(t.shape), "input", k) for k, t in enumerate(self.recorded.in_types)]
        self.outputs = [Buffer(t.dtype, size_of(t.shape), "output", k) for k, t in enumerate(self.recorded.out_types)]
        self.block = self.timed("lower", self.lowered)
        far = any(type(n) is Nest and any(is_far(a, n.stmt) for a in n.axes) for n in nodes(self.block))
        self.block = self.timed("fuse", self.fused)
        self.arena, self.stacks = self.timed("plan", lambda: plan(self.block))
        return far

    def made_smaller(self) -> None:
        """The same with the loops over these axes outside of all others, if that halves the working memory.

        What one lane hands from loop to loop then stays in the cache, where that of all lanes does not.
        """
        before = self.constants, self.inputs, self.outputs, self.block, self.arena, self.stacks
        with setting(lanes_outside, True):
            self.made()
        if 2 * self.arena > before[4]:
            self.constants, self.inputs, self.outputs, self.block, self.arena, self.stacks = before

    def timed(self, stage: str, f: Callable[[], T]) -> T:
        """Run a stage and remember how long it took."""
        start = time.perf_counter()
        result = f()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - start
        return result

    def lowered(self) -> Block:
        """Nests and calls, in the program's order; results end in the memory of the caller."""
        p = self.program
        values = [View(b, t.shape, 0, row_major(t.shape)) for b, t in zip(self.inputs, p.in_types, strict=True)]
        places = [View(b, t.shape, 0, row_major(t.shape)) for b, t in zip(self.outputs, p.out_types, strict=True)]
        low = Lowering(p, self.constants)
        for value, place in zip(low.run(values, places), places, strict=True):
            if not (isinstance(value, View) and value.buffer is place.buffer and value.whole):
                low.copy(value, place)
        return Block(low.nodes)

    def fused(self) -> Block:
        """Loops."""
        reroll(self.block)
        block = fuse(self.block)
        if self.recomputing:
            remake(block)
            recompute(block)
        in_blocks(block)
        few_at_a_time(block)
        drop_unread(block)
        drop_fills(block.nodes)
        in_tiles(block)
        shrink(block)
        schedule(block)
        write_over(block)
        return block

    def loops(self) -> str:
        """The loops as text."""
        return loops_text(self.block)

    @property
    def brief(self) -> bool:
        """Is a run over so soon that no other thread needs to run meanwhile?"""
        return all(type(node) is Straight for node in self.block.nodes)

    @without_collections()
    def text(self) -> str:
        """LLVM's text."""
        self.module = Module(1 if self.plain else CAREFUL)
        main = self.module.main(self.block, len(self.inputs), self.stacks)
        return self.module.text(main)
