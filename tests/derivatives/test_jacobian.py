"""Jacobians and Hessians: each mode in chunks of any size, the choice between them, structures, kinds of numbers."""

import importlib
from pathlib import Path

import numpy as np
import pytest

import wengert as wg
from wengert import errors
from wengert.derivatives.mode import parse_bytes

MODES = ("auto", "forward", "reverse")


@pytest.fixture
def network(rng):
    """tanh(A x) with its Jacobian, and the gradient of the sum of squares of that, in closed form."""
    A, x = rng.normal(size=(7, 10)), rng.normal(size=10)

    def slopes():
        y = np.tanh(A @ x)
        return y, 1 - y**2

    y, s = slopes()
    return lambda x: np.tanh(A @ x), x, s[:, None] * A, -4 * (s**2 * y * (A**2).sum(1)) @ A


# chunks ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("chunk", [None, 1, 3, 7, 10, 99])
@pytest.mark.parametrize("mode", MODES)
def test_chunks_of_any_size_give_one_jacobian(network, mode, chunk):
    f, x, J, dJ = network
    jacobian = wg.jacobian(f, mode=mode, chunk=chunk)
    np.testing.assert_allclose(jacobian(x), J, rtol=1e-13)
    np.testing.assert_allclose(wg.vmap(jacobian)(np.stack([0 * x, x]))[1], J, rtol=1e-13)
    np.testing.assert_allclose(wg.grad(lambda x: np.sum(jacobian(x) ** 2))(x), dJ, rtol=1e-12)


@pytest.mark.parametrize("mode", MODES)
def test_chunks_in_compiled_programs_are_one_loop(network, mode):
    f, x, J, dJ = network
    jacobian = wg.jacobian(f, mode=mode, chunk=3)
    program = wg.trace(jacobian, abstract=True)(x)
    assert [eq.primitive.name for eq in program.equations].count("scan") == 1
    assert len(program.equations) < 25
    np.testing.assert_allclose(program(x), J, rtol=1e-13)
    np.testing.assert_allclose(wg.jit(wg.vmap(jacobian))(np.stack([x, x]))[1], J, rtol=1e-12)
    np.testing.assert_allclose(wg.jit(wg.grad(lambda x: np.sum(jacobian(x) ** 2)))(x), dJ, rtol=1e-10)


def test_memory_bounds_what_a_chunk_holds(network):
    f, x, J, _ = network
    whole = wg.jacobian(f).choice(x)
    assert whole.chunk == whole.rows == 7
    assert whole.reverse.memory == 8 * (10 + 7 + 7)  # one adjoint of x, A x and tanh(A x)
    small = wg.jacobian(f, memory=600).choice(x)
    assert small.chunk == 3
    assert small.chunk * small.reverse.memory <= 600
    np.testing.assert_allclose(wg.jacobian(f, memory="600 B")(x), J, rtol=1e-13)
    assert wg.jacobian(f, memory=1).choice(x).chunk == 1  # one at a time is the least


def test_lanes_of_vmap_share_the_memory(network):
    f, x, _, _ = network
    seen = []

    def one(x):
        seen.append(wg.jacobian(f, memory=600 * 5).choice(x).chunk)
        return np.sum(x)

    wg.vmap(one)(np.stack([x] * 5))
    assert seen == [3]


def test_chunks_bound_the_memory_that_is_measured(rng):
    """Forward, of 250 columns through vectors of 1,000 elements: all at once, and some fifty at a time."""
    import tracemalloc

    A = rng.normal(size=(1000, 250)) / 30
    x = rng.normal(size=250)

    def f(x):
        y = A @ x
        for _ in range(10):
            y = np.sin(y) * 2.0
        return y[:500].reshape(250, 2).sum(1)

    def peak(**options):
        jacobian = wg.jacobian(f, mode="forward", **options)
        jacobian(x)
        tracemalloc.start()
        jacobian(x)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    least = peak(chunk=1)  # of the linear program, which keeps A, and of the Jacobian
    assert 5e6 < peak(memory="10 MB") - least < 10e6
    assert peak(memory="1 GB") - least > 25e6


@pytest.mark.parametrize("text", ["1 GB", "1e9 B", "1GB", "1000 MB", 10**9])
def test_bytes_are_read(text):
    assert parse_bytes(text) == 10**9


@pytest.mark.parametrize("options", [{"memory": "much"}, {"memory": "1 XB"}, {"memory": 0}, {"memory": [1]},
                                     {"chunk": 0}, {"chunk": 2.5}, {"chunk": True}, {"mode": "sideways"}])  # fmt: skip
def test_options_that_cannot_be(options):
    for transformation in (wg.jacobian, wg.hessian):
        with pytest.raises(errors.ArgumentError):
            transformation(np.sin, **options)


# the choice ------------------------------------------------------------------------------------------------------
def test_the_fewer_passes_win_where_all_run_through_all():
    x = np.linspace(0, 1, 100)
    A = np.ones((100, 100))
    for m, mode in [(1, "reverse"), (75, "reverse"), (99, "forward"), (101, "forward"), (300, "forward")]:
        W = np.ones((m, 100))
        choice = wg.jacobian(lambda x, W=W: np.tanh(W @ np.sin(A @ x))).choice(x)
        assert (choice.mode, choice.columns, choice.rows) == (mode, 100, m)
        assert choice.forward.cost.operations * m == choice.reverse.cost.operations * 100


def test_the_choice_says_when_a_sparse_matrix_would_pay():
    """Two products for a band however long it is; as many as columns where all entries are there."""
    band, dense = (wg.jacobian(f).choice(np.zeros(1000)).sparse for f in (np.diff, lambda x: np.cumsum(x) * np.sum(x)))
    assert (band.columns, band.rows, band.entries) == (2, 0, 1998) and band.pays and band.gain > 100
    assert "wg.sparse.jacobian" in str(band) and "banded" in str(band)
    assert dense.entries == 10**6 and not dense.pays and "would not pay" in str(dense)
    batch = wg.jacobian(wg.vmap(lambda r: np.outer(r, r) @ r)).choice(np.ones((50, 3))).sparse
    assert batch.form == "50 blocks of 3 x 3" and batch.columns == 3 and batch.gain > 10
    arrow = wg.jacobian(lambda x: np.concatenate([[np.sum(x**2)], x[1:] * x[0]])).choice(np.ones(500)).sparse
    assert (arrow.columns, arrow.rows) == (2, 1)


def test_the_choice_says_nothing_of_sparse_matrices_where_there_are_none():
    assert wg.jacobian(lambda x: (x, 1), has_aux=True).choice(np.ones(3)).sparse is None
    assert wg.jacobian(lambda x: x * 1j, holomorphic=True).choice(np.ones(3) * 1j).sparse is None
    assert wg.hessian(lambda x: np.sum(x**3)).choice(np.ones(3)).sparse is None
    huge = wg.jacobian(lambda x: np.exp(x) * np.sum(x), chunk=1).choice(np.ones(20_000))
    assert huge.sparse is None and "sparse" not in str(huge)


def test_what_the_passes_run_through_counts_not_their_number():
    """Many inputs enter at the end, two at the start of a long chain: forward is cheap though n > m."""

    def f(early, late):
        y = np.ones((200, 2)) @ early
        for _ in range(50):
            y = np.sin(y)
        return (y + np.sum(late))[:90]

    choice = wg.jacobian(f, argnums=(0, 1)).choice(np.ones(2), np.ones(100))
    assert choice.columns > choice.rows
    assert choice.mode == "forward"


def test_indexing_costs_more_backwards():
    def f(x):
        return np.stack([x[i] * x[(i + 1) % 100] for i in range(80)])

    choice = wg.jacobian(f).choice(np.ones(100))
    assert choice.mode == "forward"  # 100 columns against 80 rows, each of which fills 160 arrays of 100
    assert "100 columns forward, 80 rows in reverse" in str(choice)

    seen = []

    def recorded(x):
        seen.append(wg.jacobian(f).choice(x))
        return x

    wg.jit(recorded)(np.ones(100))  # compiled, each row adds into one array in place: no more than about the columns
    assert seen[0].reverse.cost.bytes < choice.reverse.cost.bytes / 10


def test_operations_are_those_counted_by_hand(rng):
    """y = A x: 2 m k operations a column; sin: one product an element."""
    A = rng.normal(size=(4, 3))
    choice = wg.jacobian(lambda x: np.sin(A @ x)).choice(np.ones(3))
    assert choice.forward.cost.operations == 3 * (2 * 4 * 3 + 4)
    assert choice.reverse.cost.operations == 4 * (2 * 4 * 3 + 4)
    assert choice.mode == "forward" and choice.chunk == 3
    assert str(choice).startswith(
        "forward mode: 3 columns forward, 4 rows in reverse; by count it costs 1.33 times less"
    )


def test_loops_count_every_round():
    def f(x, n):
        return wg.scan(lambda c, _: (np.sin(c), None), x, length=n)[0]

    ten, twenty = (wg.jacobian(f).choice(np.ones(3), n).forward.cost.operations for n in (10, 20))
    assert twenty == 2 * ten > 0


def test_choice_is_made_on_types_as_well(network):
    f, x, J, _ = network
    seen = []

    def g(x):
        seen.append(wg.jacobian(f).choice(x).mode)
        return wg.jacobian(f)(x)

    np.testing.assert_allclose(wg.jit(g)(x), J, rtol=1e-12)
    assert seen == ["reverse"]


def test_measured_crossover_of_both_modes(monkeypatch):
    """Seed 002, figure 25: reverse is the faster for few outputs, forward for many; auto takes the faster one."""
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "docs" / "gallery")
    d = importlib.import_module("mode_crossover").data(outputs=(1, 30, 100, 300, 1000), repeats=5)
    assert d.reverse[0] < d.forward[0] and d.forward[-1] < d.reverse[-1] / 2
    assert 30 <= d.crossover <= 300
    assert [c.mode for c in d.choices] == ["reverse", "reverse", "forward", "forward", "forward"]


# structures and kinds of numbers ---------------------------------------------------------------------------------
@pytest.mark.parametrize("chunk", [None, 1, 2])
@pytest.mark.parametrize("mode", MODES)
def test_structures(mode, chunk, rng):
    w, b = rng.normal(size=(2, 3)), rng.normal(size=2)

    def f(p, s):
        return {"y": p["w"] @ np.array([1.0, 2.0, 3.0]) + p["b"], "z": (s * p["b"][0],)}

    J = wg.jacobian(f, argnums=(0, 1), mode=mode, chunk=chunk)({"w": w, "b": b}, 2.0)
    np.testing.assert_allclose(J["y"][0]["w"], np.einsum("ij,k->ijk", np.eye(2), [1, 2, 3]))
    np.testing.assert_allclose(J["y"][0]["b"], np.eye(2))
    np.testing.assert_allclose(J["y"][1], np.zeros(2))
    np.testing.assert_allclose(J["z"][0][0]["w"], np.zeros((2, 3)))
    np.testing.assert_allclose(J["z"][0][0]["b"], [2, 0])
    np.testing.assert_allclose(J["z"][0][1], b[0])


@pytest.mark.parametrize("mode", MODES)
def test_no_elements_and_no_axes(mode):
    J = wg.jacobian(lambda x: x * 2, mode=mode, chunk=2)
    assert J(np.zeros((0, 2))).shape == (0, 2, 0, 2)
    assert J(np.array(3.0)) == 2 and np.ndim(J(3.0)) == 0
    assert wg.jacobian(lambda x: np.zeros(0), mode=mode)(np.ones(3)).shape == (0, 3)
    assert wg.jacobian(lambda x: np.ones(2), mode=mode)(np.ones(3)).tolist() == [[0, 0, 0], [0, 0, 0]]
    assert J(np.ones(3, np.float32)).dtype == np.float32
    assert J(np.ones((4, 3))[::2, ::-1]).shape == (2, 3, 2, 3)


def test_complex_numbers_take_the_mode_that_is_right(rng):
    z = rng.normal(size=3) + 1j * rng.normal(size=3)
    x = rng.normal(size=3)
    np.testing.assert_allclose(wg.jacobian(np.exp)(z), np.diag(np.exp(z)))

    wave = wg.jacobian(lambda x: np.exp(1j * x)[:1])  # one row, three columns: but reverse would lose half
    assert wave.choice(x).mode == "forward" and "complex" in wave.choice(x).reason
    np.testing.assert_allclose(wave(x)[0, 0], 1j * np.exp(1j * x[0]))

    power = wg.jacobian(lambda z: np.tile(z.real**2 + z.imag**2, 2))  # six rows, three columns
    assert power.choice(z).mode == "reverse"
    np.testing.assert_allclose(power(z)[:3], np.diag(2 * z.conj()))

    with pytest.raises(errors.NonScalarOutputError):
        wg.jacobian(lambda x: np.exp(1j * x), mode="reverse")(x)
    with pytest.raises(errors.NonDifferentiableInputError, match="no mode"):
        wg.jacobian(lambda x, z: (x * z, x * z.real), argnums=(0, 1))(x, z)


def test_auxiliary_results():
    J, aux = wg.jacobian(lambda x: (x**2, "seen"), has_aux=True, chunk=1)(np.array([1.0, 2.0]))
    np.testing.assert_allclose(J, np.diag([2.0, 4.0]))
    assert aux == "seen"


# Hessians --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("chunk", [None, 1, 4])
@pytest.mark.parametrize("mode", MODES)
def test_hessian(mode, chunk, rng):
    x = rng.normal(size=5)
    H = np.exp(x.sum()) + np.diag(-np.sin(x))

    def f(x):
        return np.exp(np.sum(x)) + np.sum(np.sin(x))

    hessian = wg.hessian(f, mode=mode, chunk=chunk)
    np.testing.assert_allclose(hessian(x), H, rtol=1e-12)
    np.testing.assert_allclose(wg.jit(hessian)(x), H, rtol=1e-12)
    np.testing.assert_allclose(wg.vmap(hessian)(np.stack([x, x]))[0], H, rtol=1e-12)
    third = wg.jacobian(hessian)(x)
    np.testing.assert_allclose(third[0, 0, 0], np.exp(x.sum()) - np.cos(x[0]), rtol=1e-12)


def test_hessian_has_its_name():
    assert wg.hessian(np.sin).__name__ == "hessian(sin)"
    with pytest.raises(errors.NonDifferentiableInputError, match=r"hessian needs floating-point inputs.* of sin"):
        wg.hessian(np.sin)(3)


def test_hessian_says_its_choice():
    """A symmetric program costs the same both ways: what no result needs is not counted, and is not run."""
    choice = wg.hessian(lambda x: np.sum(x**1.5)).choice(np.ones(6))
    assert choice.columns == choice.rows == 6
    assert choice.forward.cost == choice.reverse.cost
    assert choice.mode == "forward"


def test_infinite_slopes_are_no_news():
    """Warnings are errors here."""
    J = wg.jacobian(np.sqrt, mode="forward", chunk=1)(np.array([0.0, 4.0]))
    assert J[0, 0] == np.inf and J[1, 1] == 0.25


def test_hessian_of_structures_and_several_results(rng):
    a, b = rng.normal(size=2), 3.0
    H = wg.hessian(lambda p: {"y": p["a"] * p["b"] ** 2})({"a": a, "b": b})
    np.testing.assert_allclose(H["y"]["a"]["b"], np.eye(2) * 2 * b)
    np.testing.assert_allclose(H["y"]["b"]["b"], 2 * a)
    np.testing.assert_allclose(H["y"]["a"]["a"], np.zeros((2, 2, 2)))
