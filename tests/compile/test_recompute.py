"""The loops compute what they did, by an evaluation of each statement in its order; and
what is computed again, saved, or no longer stored is what the rule says, by hand."""

import itertools

import numpy as np
import pytest

from wengert.compile.loops.ir import Axis, Block, Buffer, Call, Const, For, Indirect, Loop, Ref, Stmt, Straight
from wengert.compile.loops.recompute import MOST, drop_unread, recompute

N = 6
OPS = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "exp": np.exp, "neg": np.negative,
    "maximum": np.maximum, "copy": lambda x: x, "square": np.square, "abs": np.abs,
}  # fmt: skip


# a direct evaluation -----------------------------------------------------------------------------------------------
def evaluate(block, memory):
    """Run a block on arrays, statement by statement."""
    run(block.nodes, memory, {})
    return memory


def run(nodes, memory, axes):
    for node in nodes:
        if isinstance(node, Stmt):
            execute(node, memory, axes)
        elif isinstance(node, Loop):
            for k in range(node.axis.extent):
                run(node.body, memory, {**axes, node.axis: k})
        elif isinstance(node, Straight):
            run(node.body, memory, axes)
        elif isinstance(node, For):
            for k in range(int(node.count.value)):
                run(node.body.nodes, memory, {**axes, node.axis: k})
        else:
            assert isinstance(node, Call)
            node.emit(memory)


def place(ref, memory, axes):
    index = ref.const + sum(c * axes[a] for a, c in ref.terms)
    for i in ref.indirect:
        index += i.stride * int(value(i.index, memory, axes))
    return index


def value(x, memory, axes):
    return x.value if isinstance(x, Const) else array(x.buffer, memory)[place(x, memory, axes)]


def array(buffer, memory):
    return memory.setdefault(buffer, np.full(buffer.size, np.nan))


def execute(stmt, memory, axes):
    found = OPS[stmt.op](*(value(x, memory, axes) for x in stmt.operands))
    target, k = array(stmt.target.buffer, memory), place(stmt.target, memory, axes)
    target[k] = found if stmt.accumulate is None else OPS[stmt.accumulate](target[k], found)


# programs by hand --------------------------------------------------------------------------------------------------
class Program:
    """Buffers by name, and loops over N elements of statements like "y = mul t u"."""

    def __init__(self, **kinds):
        self.buffers = {name: Buffer(np.float64, N, kind, k) for k, (name, kind) in enumerate(kinds.items())}
        self.block = Block()

    def __getattr__(self, name):
        return self.buffers[name]

    def loop(self, *statements):
        axis = Axis(N)
        made = Loop(axis, [self.statement(text, axis) for text in statements])
        self.block.nodes.append(made)
        return made

    def statement(self, text, axis):
        target, how, op, *operands = text.split()
        ref = lambda name: Ref(self.buffers[name], 0, ((axis, 1),))
        accumulate = {"=": None, "+=": "add", "max=": "maximum"}[how]
        return Stmt(
            ref(target), op, [ref(x) if x in self.buffers else Const(float(x)) for x in operands], accumulate=accumulate
        )

    def inputs(self):
        rng = np.random.default_rng(0)
        return {b: rng.uniform(0.5, 2.0, N) for b in self.buffers.values() if b.kind == "input"}

    def outputs(self, memory):
        return {b: memory[b] for b in self.buffers.values() if b.kind == "output"}

    def check(self):
        """Recompute, drop what is not read; the outputs are the same to the last bit."""
        wanted = self.outputs(evaluate(self.block, self.inputs()))
        recompute(self.block)
        drop_unread(self.block)
        found = self.outputs(evaluate(self.block, self.inputs()))
        assert wanted.keys() == found.keys()
        for buffer, x in wanted.items():
            np.testing.assert_array_equal(found[buffer], x)

    def ops(self, k):
        """The operations of a node, in order."""
        return [stmt.op for stmt in self.block.nodes[k].body]

    def stored(self):
        """The arrays that something is written to."""
        return {
            name for name, b in self.buffers.items() for n in self.block.nodes for s in n.body if s.target.buffer is b
        }


def test_what_is_cheap_is_computed_again_and_not_stored():
    """The example of the module."""
    p = Program(x="input", u="input", t="temp", s="output", y="output")
    p.loop("s = copy 0.0")
    p.loop("t = sub x 0.5", "s += exp t")
    p.loop("y = mul t u")
    p.check()
    assert p.ops(2) == ["sub", "mul"]
    assert p.stored() == {"s", "t", "y"}  # t in the loop that makes it, where it is read
    assert p.block.nodes[2].body[0].target.buffer.size == 1


def test_what_only_another_loop_reads_is_not_computed_twice():
    p = Program(x="input", t="temp", y="output", z="output")
    p.loop("t = neg x", "y = square x")
    p.loop("z = add t 1.0")
    p.check()
    assert p.ops(0) == ["square"] and p.ops(1) == ["neg", "add"]
    assert p.stored() == {"y", "z"}


@pytest.mark.parametrize("op", ["exp x", "div x u"])
def test_what_is_dear_is_saved(op):
    p = Program(x="input", u="input", t="temp", y="output", z="output")
    p.loop(f"t = {op}", "y = copy t")
    p.loop("z = mul t u", "y += copy x")
    p.check()
    assert p.ops(1) == ["mul", "copy"] and "t" in p.stored()


def test_chains_of_at_most_so_many_operations():
    for length in (MOST, MOST + 1):
        names = [f"t{k}" for k in range(length)]
        p = Program(x="input", **dict.fromkeys(names, "temp"), y="output", z="output")
        p.loop(*(f"{b} = add {a} 1.0" for a, b in itertools.pairwise(["x", *names])), f"y = copy {names[-1]}")
        p.loop(f"z = mul {names[-1]} x")
        p.check()
        assert p.ops(1) == (["add"] * length if length <= MOST else []) + ["mul"]


def test_no_more_is_read_than_is_saved():
    """One array may be read in the place of one; two may not, but if they are read anyhow."""
    for extra, again in (("y = copy 1.0", False), ("y = mul x u", True)):
        p = Program(x="input", u="input", t="temp", y="output", z="output")
        p.loop("t = add x u", "y = copy t")
        p.loop("z = square t", extra)
        p.check()
        assert ("add" in p.ops(1)) == again


def test_what_was_written_over_is_not_read():
    """t is made of a, which changes before the second loop: there it must be read as it was."""
    p = Program(x="input", a="temp", t="temp", y="output", z="output")
    p.loop("a = exp x")
    p.loop("t = add a 1.0", "y = copy t")
    p.loop("a = square x")
    p.loop("z = mul t a")
    p.check()
    assert "add" not in p.ops(3)


def test_results_that_are_added_to_are_not_made_by_one_statement():
    p = Program(x="input", t="temp", y="output", z="output")
    p.loop("t = add x 1.0", "t += copy x", "y = copy t")
    p.loop("z = mul t x")
    p.check()
    assert p.ops(1) == ["mul"]


def test_what_is_written_twice_is_not_made_by_one_statement():
    p = Program(x="input", t="temp", y="output", z="output")
    p.loop("t = add x 1.0", "t = mul t 2.0", "y = copy t")
    p.loop("z = mul t x")
    p.check()
    assert p.ops(1) == ["mul"]


def test_the_state_of_a_loop_around_is_not_made_anew():
    """c is read before it is written in each round, so d = c + 1 of this round is not c + 1 at its end."""
    p = Program(x="input", c="temp", d="temp", y="output")
    p.loop("c = exp x")
    p.loop("y = copy 0.0")
    before, p.block = p.block, Block()
    p.loop("d = add c 1.0", "y += copy d")
    p.loop("c = mul c 0.5")
    p.loop("y += mul d x")
    rounds = For(Axis(3), Const(3), False, p.block)
    p.block = Block([*before.nodes, rounds])
    p.check()
    assert [s.op for s in rounds.body.nodes[2].body] == ["mul"]


def test_in_nested_blocks():
    """The blocks of loops of rounds are looked at too."""
    p = Program(x="input", t="temp", y="output", z="output")
    p.loop("y = copy 0.0")
    before, p.block = p.block, Block()
    p.loop("t = sub x 0.5", "y += exp t")
    p.loop("z = mul t x")
    rounds = For(Axis(2), Const(2), False, p.block)
    p.block = Block([*before.nodes, rounds])
    p.check()
    assert [s.op for s in rounds.body.nodes[1].body] == ["sub", "mul"]


def test_what_a_call_reads_is_stored_all_the_same():
    """Then nothing may be read for it that is not read already."""
    for more, again in (("y += copy 1.0", False), ("y += copy u", True)):
        p = Program(x="input", u="input", t="temp", y="output", z="output")
        p.loop("t = add u 1.0", "y = copy 0.0")

        def total(memory, p=p):
            memory[p.y][:] += memory[p.t].sum()

        reads, writes = ([Ref(b, 0, ())] for b in (p.t, p.y))
        p.block.nodes.append(Call("total", reads, writes, total))
        p.loop("z = mul t x", more)
        wanted = p.outputs(evaluate(p.block, p.inputs()))
        recompute(p.block)
        for buffer, x in p.outputs(evaluate(p.block, p.inputs())).items():
            np.testing.assert_array_equal(x, wanted[buffer])
        assert p.ops(2) == (["add", "mul", "copy"] if again else ["mul", "copy"])


# several axes ------------------------------------------------------------------------------------------------------
def nest(statement, *extents):
    """Loops around one statement, made by `statement(axes)`."""
    axes = [Axis(n) for n in extents]
    body = [statement(*axes)]
    for axis in reversed(axes[1:]):
        body = [Loop(axis, body)]
    return Loop(axes[0], body)


def matrices(*kinds):
    return [Buffer(np.float64, 12, kind, k) for k, kind in enumerate(kinds)]


def compared(block, given, out):
    """The statements of the last loop after recompute; the output stays the same."""
    wanted = evaluate(block, dict(given))[out].copy()
    recompute(block)
    np.testing.assert_array_equal(evaluate(block, dict(given))[out], wanted)
    return [s.op for s in block.nodes[-1].body[0].body]


X = np.arange(1.0, 13.0)


@pytest.mark.parametrize("transposed", [False, True])
def test_axes_are_matched(transposed):
    """t[i, j] = x[i, j] + 1 is computed again for t[i, j] and, read by columns, for t[j, i]."""
    x, t, y = matrices("input", "temp", "output")
    made = nest(lambda i, j: Stmt(Ref(t, 0, ((i, 4), (j, 1))), "add", [Ref(x, 0, ((i, 4), (j, 1))), Const(1.0)]), 3, 4)
    if transposed:
        used = nest(lambda j, i: Stmt(Ref(y, 0, ((j, 3), (i, 1))), "square", [Ref(t, 0, ((i, 4), (j, 1)))]), 4, 3)
    else:
        used = nest(lambda i, j: Stmt(Ref(y, 0, ((i, 4), (j, 1))), "square", [Ref(t, 0, ((i, 4), (j, 1)))]), 3, 4)
    assert compared(Block([made, used]), {x: X}, y) == ["add", "square"]


def test_a_part_of_an_array_is_read_as_it_is():
    """Two of four columns: the axes do not go as far as those of the loop that made it."""
    x, t, y = matrices("input", "temp", "output")
    made = nest(lambda i, j: Stmt(Ref(t, 0, ((i, 4), (j, 1))), "add", [Ref(x, 0, ((i, 4), (j, 1))), Const(1.0)]), 3, 4)
    fill = nest(lambda i, j: Stmt(Ref(y, 0, ((i, 4), (j, 1))), "copy", [Const(0.0)]), 3, 4)
    used = nest(lambda i, j: Stmt(Ref(y, 0, ((i, 4), (j, 1))), "square", [Ref(t, 1, ((i, 4), (j, 1)))]), 3, 2)
    assert compared(Block([made, fill, used]), {x: X}, y) == ["square"]


def test_what_goes_through_memory_otherwise_is_not_read_again():
    """t = x^T + 1: to compute t again would read x in large steps."""
    x, t, y = matrices("input", "temp", "output")
    made = nest(lambda i, j: Stmt(Ref(t, 0, ((i, 4), (j, 1))), "add", [Ref(x, 0, ((i, 1), (j, 3))), Const(1.0)]), 3, 4)
    used = nest(lambda i, j: Stmt(Ref(y, 0, ((i, 4), (j, 1))), "square", [Ref(t, 0, ((i, 4), (j, 1)))]), 3, 4)
    assert compared(Block([made, used]), {x: X}, y) == ["square"]


def test_gathers_are_not_done_again():
    x, k, t, y = matrices("input", "input", "temp", "output")
    index = lambda i, j: (Indirect(Ref(k, 0, ((i, 4), (j, 1))), 1, 12, False),)
    made = nest(lambda i, j: Stmt(Ref(t, 0, ((i, 4), (j, 1))), "neg", [Ref(x, 0, (), index(i, j))]), 3, 4)
    used = nest(lambda i, j: Stmt(Ref(y, 0, ((i, 4), (j, 1))), "square", [Ref(t, 0, ((i, 4), (j, 1)))]), 3, 4)
    assert compared(Block([made, used]), {x: X, k: np.arange(12.0)[::-1]}, y) == ["square"]


# random programs ---------------------------------------------------------------------------------------------------
def random_program(seed):
    """Loops of random statements on a few arrays, which are written again and again, some in loops of rounds."""
    rng = np.random.default_rng(seed)
    temps = [f"t{k}" for k in range(5)]
    p = Program(a="input", b="input", **dict.fromkeys(temps, "temp"), y="output", z="output")
    p.loop(*(f"{t} = {rng.choice(['neg', 'exp', 'copy'])} {rng.choice(['a', 'b'])}" for t in temps), "y = copy a")
    p.loop("z = copy b")

    def statement():
        op, n = [("add", 2), ("sub", 2), ("mul", 2), ("maximum", 2), ("abs", 1), ("exp", 1), ("neg", 1)][
            rng.integers(7)
        ]
        how = "=" if rng.random() < 0.7 else "+="
        target = rng.choice([*temps, *temps, "y", "z"])
        return f"{target} {how} {op} " + " ".join(rng.choice([*temps, "a", "b", "0.25"]) for _ in range(n))

    def some(k):
        for _ in range(k):
            p.loop(*(statement() for _ in range(rng.integers(1, 4))))

    some(rng.integers(1, 5))
    if rng.random() < 0.5:
        outer, p.block = p.block, Block()
        some(rng.integers(2, 5))
        outer.nodes.append(For(Axis(3), Const(3), False, p.block))
        p.block = outer
        some(rng.integers(1, 4))
    p.loop(*(f"y += mul {t} 0.125" for t in temps))
    return p


@pytest.mark.parametrize("seed", range(300))
def test_random_programs_compute_what_they_did(seed):
    with np.errstate(all="ignore"):
        random_program(seed).check()
