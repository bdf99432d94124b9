"""wg.debug: the first NaN is found at its line, what masks remove is no error; programs are checked, leaks named."""

import asyncio
import contextvars
import inspect
import threading

import numpy as np
import pytest

import wengert as wg
from wengert import errors
from wengert.control import cond, scan, while_loop
from wengert.core import record, trace
from wengert.core.program import Program
from wengert.errors import LeakedTracerError, NonFiniteError, ProgramError
from wengert.transforms.linearize import linearize_flat

X = np.array([1.0, 0.0, 2.0])
V = np.ones(3)


def found(call, **options):
    """The error that `call` raises under nans()."""
    with pytest.raises(NonFiniteError) as caught, wg.debug.nans(**options):
        call()
    return caught.value


def line(function, offset):
    """The place of a line of a function, as errors name it."""
    return __file__, inspect.getsourcelines(function)[1] + offset


def place(error):
    return error.where.file, error.where.line


def root(x):
    y = np.sqrt(x)
    return np.sum(y)


def power(x):
    return np.sum(x**1.5)


# values ----------------------------------------------------------------------------------------------------------
def logs(x):
    y = x * 1.0
    z = np.log(y)
    return np.sum(z)


TRANSFORMED = {
    "grad": wg.grad(logs),
    "jvp": lambda x: wg.jvp(logs, (x,), (V,)),
    "vjp": lambda x: wg.vjp(logs, x),
    "linearize": lambda x: wg.linearize(logs, x),
    "trace": wg.trace(logs),
    "vmap": lambda x: wg.vmap(logs)(np.stack([x, x])),
    "grad of vmap": lambda x: wg.grad(lambda x: np.sum(wg.vmap(logs)(x)))(np.stack([x, x])),
    "jvp of grad": lambda x: wg.jvp(wg.grad(logs), (x,), (V,)),
    "trace of grad": wg.trace(wg.grad(logs)),
    "hessian": wg.hessian(logs),
}


@pytest.mark.parametrize("name", TRANSFORMED)
def test_value_is_found_where_it_is_computed(name):
    error = found(lambda: TRANSFORMED[name](X))
    assert str(error).startswith("-inf in the value of log")
    assert place(error) == line(logs, 2)
    assert (error.direction, error.primitive.name) == ("forward", "log")
    assert error.indices[0][-1] == 1
    assert "input 0 = 0.0" in str(error)


def test_nan_of_values_is_told_from_infinity():
    error = found(lambda: wg.grad(logs)(-X), inf=False)
    assert str(error).startswith("nan in the value of log")
    assert error.indices == [(0,), (2,)]


def test_infinity_that_an_input_holds_did_not_appear_there():
    mask = np.array([0.0, -np.inf, 0.0])
    with wg.debug.nans():
        g = wg.grad(lambda x: np.sum(np.exp(x + mask)))(X)
    np.testing.assert_allclose(g, [np.e, 0, np.exp(2)])


def test_nan_in_the_data_says_so():
    error = found(lambda: wg.grad(logs)(np.array([1.0, np.nan, 2.0])))
    assert "came in with the data" in str(error)
    assert place(error) == line(logs, 1)


def test_primitives_of_matrices_summarise_their_inputs():
    big = np.full((2, 2), 1e200)
    error = found(lambda: wg.grad(lambda x: np.sum(x @ big))(big))
    assert "inf in the value of" in str(error)
    assert error.indices == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert "and 1 more of 4 elements" in str(error)


# adjoints --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("derivative", [wg.grad(root), wg.jacrev(root), lambda x: wg.vjp(root, x)[1](1.0)])
def test_adjoint_is_found_at_its_line(derivative):
    error = found(lambda: derivative(X))
    assert str(error).startswith("inf in the adjoint of sqrt's input")
    assert place(error) == line(root, 1)
    assert (error.direction, error.primitive.name) == ("backward", "sqrt")
    assert "adjoint of its result = 1.0; slope = inf; y = 0.0" in str(error)


def test_adjoint_beyond_which_everything_is_bad_is_not_blamed():
    def f(x):
        a = x * 3.0
        b = np.sqrt(a)
        return np.sum(np.sin(b) * 2.0)

    assert place(found(lambda: wg.grad(f)(X))) == line(f, 2)


def test_adjoint_in_a_linear_primitive():
    def f(x):
        return np.sum(1e300 * np.cumsum(1e300 * x))

    error = found(lambda: wg.grad(f)(X * 0))
    assert place(error) == line(f, 1)
    assert error.direction == "backward"


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sum(np.where(x > 0, np.sqrt(x), 0.0)),
        lambda x: np.sum(np.sqrt(np.where(x > 0, x, 0.0))),
        lambda x: np.sum(np.sqrt(x) * np.where(x > 0, 1.0, 0.0)),
        lambda x: np.linalg.norm(x * 0.0),
        lambda x: np.sum(np.abs(x) ** 0.5 * 0.0),
    ],
    ids=["where outside", "where inside", "product with zero", "norm", "power"],
)
def test_what_does_not_reach_the_gradient_is_no_error(f):
    expected = wg.grad(f)(X)
    assert np.isfinite(expected).all()
    with wg.debug.nans():
        np.testing.assert_array_equal(wg.grad(f)(X), expected)


def test_harmless_infinity_is_not_blamed_for_another():
    def f(x):
        masked = np.sum(np.sqrt(np.where(x > 0, x, 0.0)))
        bad = np.sum(np.cbrt(x))
        return masked + bad

    error = found(lambda: wg.grad(f)(X))
    assert place(error) == line(f, 2)
    assert error.primitive.name == "cbrt"


def test_second_derivatives():
    error = found(lambda: wg.grad(lambda t: wg.grad(lambda u: u**1.5)(t))(0.0))
    assert error.direction == "backward" and error.where.note == "adjoint of power"
    for derivative in (wg.hessian(power), lambda x: wg.hvp(power, (x,), (V,)), wg.jacfwd(wg.grad(power))):
        error = found(lambda derivative=derivative: derivative(X))
        assert place(error) == line(power, 1)
        assert error.direction == "tangent" and error.where.note == "adjoint of power"
    error = found(lambda: wg.jacrev(wg.grad(power))(X))
    assert place(error) == line(power, 1) and error.direction == "backward"


def test_adjoint_that_is_given_is_not_blamed_on_the_function():
    error = found(lambda: wg.vjp(np.sin, X)[1](X * np.nan))
    assert str(error).startswith("nan in an adjoint")
    assert error.primitive is None
    assert "was given" in str(error)


def test_derivative_made_outside_of_the_context():
    _, pull = wg.vjp(root, X)
    error = found(lambda: pull(1.0))
    assert error.primitive.name == "sqrt"
    assert "line is not known" in str(error)


def test_vmap_of_grad():
    error = found(lambda: wg.vmap(wg.grad(lambda t: np.sqrt(t)))(X))
    assert (error.direction, error.primitive.name, error.indices) == ("backward", "sqrt", [(1,)])


# tangents --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "derivative",
    [
        lambda x: wg.jvp(root, (x,), (V,)),
        lambda x: wg.linearize(root, x)[1](V),
        wg.jacfwd(root),
    ],
    ids=["jvp", "linearize", "jacfwd"],
)
def test_tangent_is_found_at_its_line(derivative):
    error = found(lambda: derivative(X))
    assert str(error).startswith("inf in the tangent of sqrt")
    assert place(error) == line(root, 1)
    assert (error.direction, error.primitive.name) == ("tangent", "sqrt")


@pytest.mark.parametrize("derivative", [lambda f, x: wg.jvp(f, (x,), (V,))[1], lambda f, x: wg.linearize(f, x)[1](V)])
def test_masked_tangent_is_no_error(derivative):
    with wg.debug.nans():
        y_dot = derivative(lambda x: np.where(x > 0, np.sqrt(x), 0.0), X)
    np.testing.assert_allclose(y_dot, [0.5, 0, 0.5 / np.sqrt(2)])


def test_tangent_of_which_a_masked_one_came_first():
    def f(x):
        masked = np.where(x > 0, np.sqrt(x), 0.0)
        bad = np.cbrt(x)
        return masked + bad

    error = found(lambda: wg.jvp(f, (X,), (V,)))
    assert error.primitive.name == "cbrt" and place(error) == line(f, 2)


def test_tangent_that_is_given():
    error = found(lambda: wg.jvp(np.sin, (X,), (V * np.nan,)))
    assert error.direction == "tangent"
    assert error.primitive is None or "tangent 0 = nan" in str(error)


# loops, branches, programs ---------------------------------------------------------------------------------------
def step(c, x):
    y = np.sqrt(c * x)
    return y, y


ROWS = np.array([1.0, 0.0, 3.0])
LOOPS = {
    "scan": lambda x: scan(step, x, ROWS)[0],
    "long scan": lambda x: scan(step, x, np.concatenate([np.ones(30), [0.0], np.ones(30)]))[0],
    "branch": lambda x: cond(x > 0, lambda x: step(x, x - x)[0], lambda x: x, x),
    "while": lambda x: while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, step(c[1], 0.0)[0]), (0, x))[1],
}


@pytest.mark.parametrize("f", LOOPS.values(), ids=LOOPS)
def test_adjoint_inside_of_a_loop(f):
    error = found(lambda: wg.grad(f)(1.0))
    assert place(error) == line(step, 1)
    assert (error.direction, error.primitive.name) == ("backward", "sqrt")


def test_value_inside_of_a_loop():
    def body(c, x):
        z = np.log(c * x)
        return z, z

    lanes, forward = lambda f: lambda x: wg.vmap(f)(x * V), lambda f: lambda x: wg.jvp(f, (x,), (x,))
    for transform in (wg.grad, lanes, forward):
        error = found(lambda transform=transform: transform(lambda x: scan(body, x, ROWS)[0])(2.0))
        assert place(error) == line(body, 1)
        assert (error.direction, error.primitive.name) == ("forward", "log")


def test_what_a_loop_masks_is_no_error():
    def masked(c, x):
        y = np.where(x > 0, np.sqrt(c * x), 0.0)
        return y + c, y

    with wg.debug.nans():
        assert np.isfinite(wg.grad(lambda x: scan(masked, x, ROWS)[0])(2.0))
        assert np.isfinite(wg.jvp(lambda x: scan(masked, x, ROWS)[0], (2.0,), (1.0,))[1])


def test_recorded_program():
    program = wg.trace(logs)(V)
    error = found(lambda: program(X))
    assert place(error) == line(logs, 2)


# options and scope -----------------------------------------------------------------------------------------------
def test_options():
    with wg.debug.nans(inf=False):
        assert wg.grad(root)(X)[1] == np.inf
    assert "nan in the value" in str(found(lambda: wg.grad(lambda x: np.sum(x - x))(X * np.inf), inf=False))
    with wg.debug.nans(nan=False):
        assert np.isnan(wg.grad(lambda x: x * np.nan)(1.0))
    assert found(lambda: wg.grad(root)(X), nan=False).primitive.name == "sqrt"


def test_results_are_the_same_inside():
    f = lambda x: np.sum(np.exp(np.sin(x)) @ np.outer(x, x))
    expected = [wg.grad(f)(X), wg.hessian(f)(X), wg.jvp(f, (X,), (V,))[1]]
    with wg.debug.nans():
        inside = [wg.grad(f)(X), wg.hessian(f)(X), wg.jvp(f, (X,), (V,))[1]]
    for a, b in zip(expected, inside, strict=True):
        np.testing.assert_allclose(a, b)


def test_usable_as_a_decorator():
    with pytest.raises(NonFiniteError):
        wg.debug.nans()(wg.grad(root))(X)


def test_context_ends_with_an_error():
    found(lambda: wg.grad(root)(X))
    assert trace.observer.get() is None and not trace.keep_sources.get() and errors.line.get() is None
    assert wg.grad(root)(X)[1] == np.inf


def test_no_class_is_changed_outside():
    with wg.debug.nans():
        wg.grad(np.sum)(X)
    _, tape, _, _ = linearize_flat(lambda x: [np.sum(x)], [X])
    assert all(eq.source is None for eq in tape.equations)


def test_other_threads_are_not_watched():
    results = []
    with wg.debug.nans():
        thread = threading.Thread(target=lambda: results.append(wg.grad(root)(X)))
        thread.start()
        thread.join()
        contextvars.Context().run(lambda: results.append(wg.grad(root)(X)))
    assert [r[1] for r in results] == [np.inf, np.inf]


def test_other_tasks_are_not_watched():
    async def watched(entered, left):
        with wg.debug.nans():
            entered.set()
            await left.wait()

    async def main():
        entered, left = asyncio.Event(), asyncio.Event()
        task = asyncio.create_task(watched(entered, left))
        await entered.wait()
        g = wg.grad(root)(X)
        left.set()
        await task
        return g

    assert asyncio.run(main())[1] == np.inf


# checks ----------------------------------------------------------------------------------------------------------
def test_checks_look_at_every_recorded_program(monkeypatch):
    seen = []
    monkeypatch.setattr(record, "check", lambda program: seen.append(program) or program)
    wg.trace(root)(X)
    assert not seen
    with wg.debug.checks():
        wg.trace(wg.grad(root))(X)
    assert isinstance(seen[0], Program)


def test_checks_raise(monkeypatch):
    broken = lambda program: Program(program.inputs, [], program.equations[1:], program.outputs)
    monkeypatch.setattr(record, "prune", broken)
    with pytest.raises(ProgramError, match="uses a variable before it is assigned"), wg.debug.checks():
        wg.trace(lambda x: np.exp(x) * x)(X)


# leaks -----------------------------------------------------------------------------------------------------------
SAVED = []


class Model:
    pass


def test_leaks_say_what_holds_them():
    model = Model()
    box = {}

    def attribute(x):
        model.hidden = x * 2.0
        return x

    def key(x):
        box["best"] = x
        return x

    def in_list(x):
        SAVED.append(x)
        return x

    for f, held in ((attribute, "the attribute hidden of a Model"), (key, "'best' in a dict"), (in_list, "in a list")):
        with pytest.raises(LeakedTracerError) as caught, wg.debug.leaks():
            wg.grad(f)(1.0)
        assert held in str(caught.value)
        assert f"of {f.__name__}" in str(caught.value)
        SAVED.clear()
        box.clear()
        model.__dict__.clear()


def test_what_does_not_leak_passes():
    with wg.debug.leaks():
        wg.grad(root)(X)
        pull = wg.vjp(root, X)[1]
        wg.hessian(power)(X)
        wg.trace(wg.grad(root))(X)
        wg.vmap(root)(np.stack([X, X]))
    assert callable(pull)
