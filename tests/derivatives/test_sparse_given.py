"""Patterns that the user gives: kept ones are known again, others checked at every call, none is trusted unasked."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse as sp

import wengert as wg
from wengert import errors
from wengert.core.record import record
from wengert.core.types import ArrayType
from wengert.derivatives.sparse.fingerprint import fingerprint


def banded(x):
    return x[2:] * x[:-2] - np.sin(x[1:-1])


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def without(f, x, entry, kind="jacobian"):
    """The pattern of f with one entry left out."""
    pattern = wg.sparse.pattern(f, kind=kind)(x).pattern.tolil()
    assert pattern[entry]
    pattern[entry] = False
    return pattern.tocsr()


# kept ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("kind", "f"), [("jacobian", banded), ("hessian", rosenbrock)])
def test_structures_and_colourings_are_saved_and_given_back(kind, f, tmp_path, rng):
    x, of = rng.normal(size=9), getattr(wg.sparse, kind)
    structure = wg.sparse.pattern(f, kind=kind)(x)
    structure.save(tmp_path / "s.npz")
    structure.colouring().save(tmp_path / "c.npz")
    exact = of(f)(x).toarray()
    for given in (
        structure,
        structure.pattern,
        structure.colouring(),
        pickle.loads(pickle.dumps(structure)),
        pickle.loads(pickle.dumps(structure.colouring())),
        wg.sparse.Structure.load(tmp_path / "s.npz"),
        wg.sparse.Colouring.load(tmp_path / "c.npz"),
    ):
        np.testing.assert_array_equal(of(f, pattern=given)(x).toarray(), exact)


READ = """
import numpy as np, wengert as wg
x = np.linspace(0, 1, 9)
structure = wg.sparse.Structure.load({path!r})
def banded(x):
    return x[2:] * x[:-2] - np.sin(x[1:-1])
wg.sparse.pattern = None  # it is not asked again
print(wg.sparse.jacobian(banded, pattern=structure)(x).sum(), structure.origin == {origin!r})
print(wg.jit(wg.sparse.jacobian(banded, pattern=structure).values)(x).sum())
"""


def test_another_process_knows_the_structure_again(tmp_path):
    x = np.linspace(0, 1, 9)
    structure = wg.sparse.pattern(banded)(x)
    structure.save(tmp_path / "s.npz")
    code = READ.format(path=str(tmp_path / "s.npz"), origin=structure.origin)
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    total = wg.sparse.jacobian(banded)(x).sum()
    found = run.stdout.split()
    assert found[1] == "True" and structure.origin
    np.testing.assert_allclose([float(found[0]), float(found[2])], total, rtol=1e-14)


def of_program(f, n=4):
    return fingerprint(record(lambda x: [f(x)], [ArrayType((n,), np.dtype(float))]))


def test_fingerprints_tell_programs_apart():
    c = np.arange(4.0)
    body = lambda k: lambda x: wg.fori_loop(0, 3, lambda i, y: y * k, x)
    programs = [
        lambda x: x * c,
        lambda x: x * (c + 1),
        lambda x: x + c,
        lambda x: x * c[:, None],
        lambda x: x[1:] * c[1:],
        lambda x: x[:3] * c[1:],
        body(2.0),
        body(3.0),
        lambda x: x * x,
        lambda x: x,
        lambda x: 3.0 * x,
        lambda x: -0.0 * x,
        lambda x: 0.0 * x,
    ]
    found = [of_program(f) for f in programs]
    assert len({*found}) == len(programs) and all(found)
    assert of_program(programs[0]) == found[0] and of_program(programs[0], 4) == of_program(
        lambda y: y * np.arange(4.0)
    )

    @wg.custom_jvp
    def own(x):
        return x

    own.defjvp(lambda p, t: (p[0], t[0]))
    assert of_program(own) == ""  # a function of the user's: it may be another one tomorrow


# given -----------------------------------------------------------------------------------------------------------
def test_a_pattern_that_is_too_small_is_found_out(rng):
    x = rng.normal(size=9)
    with pytest.raises(errors.ArgumentError, match=r"rows 2 differ.*\(2, 4\) may be nonzero"):
        wg.sparse.jacobian(banded, pattern=without(banded, x, (2, 4)))(x)
    with pytest.raises(errors.ArgumentError, match=r"too small.*\(0, 1\), \(1, 0\)"):
        wg.sparse.hessian(rosenbrock, pattern=sp.eye_array(9))(x)


@pytest.mark.parametrize("kind", ["jacobian", "hessian"])
def test_what_is_missing_is_found_when_it_becomes_nonzero(kind, rng):
    """At zero all entries are zero; elsewhere they are not."""
    f = (lambda x: x**2) if kind == "jacobian" else (lambda x: np.sum(x**3))
    zero, x = np.zeros(4), rng.normal(size=4)
    D = getattr(wg.sparse, kind)(f, pattern=without(f, zero, (2, 2), kind))
    assert D(zero).nnz == 3
    for _ in range(2):
        with pytest.raises(errors.ArgumentError, match=r"\(2, 2\)"):
            D(x)
    with pytest.raises(errors.ArgumentError, match=r"\(2, 2\)"):
        D.values(x)
    assert D(zero).nnz == 3


def test_where_it_cannot_be_checked_it_is_refused_or_trusted():
    x = np.zeros(9)
    small = without(banded, x, (2, 4))
    for transformed in (wg.jit, wg.vmap, lambda f: wg.grad(lambda x: np.sum(f(x)))):
        with pytest.raises(errors.UnsupportedFunctionError, match=r"has \(2, 4\) besides"):
            transformed(wg.sparse.jacobian(banded, pattern=small).values)(x[None] if transformed is wg.vmap else x)
    trusted = wg.sparse.jacobian(banded, pattern=small, check=False)
    np.testing.assert_array_equal(wg.jit(trusted.values)(x), trusted(x).data)


def test_a_structure_found_at_a_point_is_checked_elsewhere(rng):
    f = lambda x: x * x[::-1]
    x = np.array([1.0, 0.0, 3.0])
    J = wg.sparse.jacobian(f, pattern=wg.sparse.pattern(f, local=True)(x))
    np.testing.assert_array_equal(J(x).toarray(), wg.jacobian(f)(x))
    with pytest.raises(errors.ArgumentError, match="too small"):
        J(rng.normal(size=3))


def test_a_structure_of_another_function_is_checked(rng):
    x = rng.normal(size=9)
    of_another = wg.sparse.pattern(lambda x: x[2:] - x[1:-1])(x)
    with pytest.raises(errors.ArgumentError, match="too small"):
        wg.sparse.jacobian(banded, pattern=of_another)(x)


def test_a_pattern_where_the_structure_is_too_large_to_be_found(rng):
    """It is then checked at every call, and names rows alone."""
    n = 20_000
    f = lambda x: np.cumsum(np.diff(x, prepend=0.0)) * x  # x**2, through sums of everything before
    x = rng.normal(size=n)
    with pytest.raises(errors.MemoryLimitError):
        wg.sparse.jacobian(f)(x)
    J = wg.sparse.jacobian(f, pattern=sp.eye_array(n), mode="columns")
    np.testing.assert_allclose(J(x).diagonal(), 2 * x, rtol=1e-9, atol=1e-9)
    with pytest.raises(errors.UnsupportedFunctionError, match="could not be found"):
        wg.jit(J.values)(x)
    small = sp.csr_array((np.ones(n - 1), (np.arange(1, n), np.arange(1, n))), shape=(n, n))
    with pytest.raises(errors.ArgumentError, match="rows 0 differ"):
        wg.sparse.jacobian(f, pattern=small, mode="columns")(x)


def test_a_pattern_that_is_too_large_is_taken(rng):
    x = rng.normal(size=9)
    J = wg.sparse.jacobian(banded, pattern=sp.csr_array(np.ones((7, 9))))
    np.testing.assert_allclose(J(x).toarray(), wg.jacobian(banded)(x))
    np.testing.assert_allclose(wg.jit(J.values)(x), wg.jacobian(banded)(x).ravel())  # nothing to be checked


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda x: wg.sparse.jacobian(banded, pattern=np.eye(9)), "scipy.sparse"),
        (lambda x: wg.sparse.jacobian(banded, pattern=sp.eye_array(9))(x), "shape"),
        (lambda x: wg.sparse.hessian(rosenbrock, pattern=wg.sparse.pattern(np.diff)(x))(x), "structure of a jacobian"),
    ],
)
def test_bad_patterns(make, says, rng):
    with pytest.raises(errors.ArgumentError, match=says):
        make(rng.normal(size=9))
