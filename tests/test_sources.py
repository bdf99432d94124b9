"""Equations of recorded programs keep the user's line; derived ones say what they were derived from."""

import contextvars
import inspect
import threading

import numpy as np
import pytest

import wengert as wg
from wengert import errors
from wengert.core import trace as traces
from wengert.core.program import Literal
from wengert.transforms.linearize import linearize_flat

X = np.array([0.3, 1.1, 2.0])


def f(x):
    y = np.exp(x)
    z = y * np.sin(x)
    return np.sum(z)


LINES, FIRST = inspect.getsourcelines(f)
EXP, MUL, SUM = FIRST + 1, FIRST + 2, FIRST + 3


def notes(program):
    """{(line, note)} of the equations, after checking that all are in f."""
    assert all(eq.source.file == __file__ and eq.source.function == "f" for eq in program.equations)
    return {(eq.source.line, eq.source.note) for eq in program.equations}


def test_equations_of_the_function_itself_have_no_note():
    assert notes(wg.trace(f)(X)) == {(EXP, ""), (MUL, ""), (SUM, "")}


def test_adjoint_equations_belong_to_the_line_of_the_primal():
    program = wg.trace(wg.grad(f))(X)
    found = notes(program)
    assert {(SUM, "adjoint of sum"), (MUL, "adjoint of mul"), (MUL, "adjoint of sin"), (EXP, "adjoint of exp")} <= found
    assert {(EXP, ""), (MUL, "")} <= found
    np.testing.assert_allclose(program(X), np.exp(X) * (np.sin(X) + np.cos(X)))


def test_tangent_equations_belong_to_the_line_of_the_primal():
    program = wg.trace(lambda x, v: wg.jvp(f, (x,), (v,)))(X, X)
    assert notes(program) == {
        (EXP, ""),
        (EXP, "tangent of exp"),
        (MUL, ""),
        (MUL, "tangent of sin"),
        (MUL, "tangent of mul"),
        (SUM, ""),
        (SUM, "tangent of sum"),
    }


def test_linearized_function_run_forwards():
    program = wg.trace(lambda x, v: wg.linearize(f, x)[1](v))(X, X)
    assert (MUL, "tangent of sin") in notes(program)


def test_derivative_of_a_derivative_names_both_steps():
    hvp = notes(wg.trace(lambda x, v: wg.hvp(f, (x,), (v,)))(X, X))
    assert (MUL, "tangent of cos in adjoint of sin") in hvp


def test_reverse_over_reverse_names_both_steps():
    def total(x):
        return np.sum(wg.grad(f)(x))

    program = wg.trace(wg.grad(total))(X)
    found = {(eq.source.function, eq.source.note) for eq in program.equations}
    assert ("f", "adjoint of cos in adjoint of sin") in found
    assert ("total", "adjoint of sum") in found


def test_rule_of_a_custom_primitive_is_named():
    def norm(z):
        return np.sum(np.abs(z))

    z = np.array([3.0 + 4.0j, 1.0 - 1.0j])
    reverse = {eq.source.note for eq in wg.trace(wg.grad(norm))(z).equations}
    assert any("rule of complex_abs" in note for note in reverse)
    assert any(note.startswith("adjoint of") and note.endswith("in rule of complex_abs") for note in reverse)
    forward = {eq.source.note for eq in wg.trace(lambda z: wg.jvp(norm, (z,), (z,)))(z).equations}
    assert any("rule of complex_abs" in note for note in forward)


def test_vmap_keeps_lines():
    program = wg.trace(wg.vmap(wg.grad(f)))(np.stack([X, X]))
    assert (EXP, "adjoint of exp") in notes(program)


def test_jacobians_keep_lines():
    def g(x):
        return np.exp(x) * x[0]

    for jacobian in (wg.jacfwd, wg.jacrev, wg.jacobian):
        program = wg.trace(jacobian(g))(X)
        assert {eq.source.function for eq in program.equations} & {"g"}
        assert any(eq.source.note for eq in program.equations)


def test_derivative_of_a_program_keeps_the_lines_of_the_program():
    program = wg.trace(f)(X)
    assert notes(wg.trace(wg.grad(program))(X)) == notes(wg.trace(wg.grad(f))(X))
    assert notes(wg.trace(program)(X)) == notes(program)


def test_abstract_recording_keeps_lines():
    assert notes(wg.trace(wg.grad(f))(wg.ArrayType((3,), float))) == notes(wg.trace(wg.grad(f))(X))


def test_printout_shows_the_note():
    text = str(wg.trace(wg.grad(f))(X))
    assert f"# test_sources.py:{MUL} (adjoint of sin)  z = y * np.sin(x)" in text
    assert f"# test_sources.py:{EXP}  y = np.exp(x)" in text


@pytest.mark.parametrize("argument", [np.ones(100_000), wg.ArrayType((100_000,), float)], ids=["values", "types"])
def test_seeds_are_literals(argument):
    program = wg.trace(wg.grad(f))(argument)
    assert program.constants == ()
    (seed,) = [eq for eq in program.equations if eq.primitive.name == "broadcast_to"]
    assert isinstance(seed.inputs[0], Literal) and seed.inputs[0].value == 1.0
    assert seed.source.note == "adjoint of sum"


def test_zeros_are_literals():
    program = wg.trace(wg.grad(lambda x, y: f(x), argnums=(0, 1)))(X, np.ones((40, 50)))
    assert program.constants == ()
    gx, gy = program(X, np.ones((40, 50)))
    assert gy.shape == (40, 50) and not gy.any() and gx.shape == (3,)


def test_seed_under_nested_recording():
    inner = {}

    def g(x):
        inner["program"] = wg.trace(wg.grad(lambda z: np.sum(z * x)))(x)
        return inner["program"](x)

    program = wg.trace(g)(X)
    np.testing.assert_allclose(program(X), X)
    assert all(isinstance(a, Literal) or a.type.shape == (3,) for eq in program.equations for a in eq.inputs)


def test_eager_derivatives_keep_no_sources():
    _, tape, _, _ = linearize_flat(lambda x: [f(x)], [X])
    assert not tape.keep_sources
    assert all(eq.source is None for eq in tape.equations)


def test_tape_made_outside_is_attributed_to_the_line_that_runs_it():
    _, pull = wg.vjp(f, X)
    program = wg.trace(lambda w: pull(w))(1.0)
    assert {eq.source.function for eq in program.equations} == {"<lambda>"}
    assert "adjoint of exp" in {eq.source.note for eq in program.equations}


def test_the_line_is_forgotten_after_errors():
    def stop(x):
        wg.grad(f)(x)
        raise KeyError("stop")

    with pytest.raises(KeyError):
        wg.trace(stop)(X)
    with pytest.raises(errors.TangentMismatchError):
        wg.trace(lambda x: wg.vjp(f, x)[1](np.ones(7)))(X)
    assert errors.line.get() is None
    assert not traces.keep_sources.get()


def test_recording_in_one_thread_is_not_seen_by_another():
    inside, done, seen = threading.Event(), threading.Event(), []

    def wait(x):
        inside.set()
        done.wait(10)
        return wg.grad(f)(x)

    thread = threading.Thread(target=lambda: wg.trace(wait)(X))
    thread.start()
    inside.wait(10)
    seen += [traces.keep_sources.get(), errors.line.get()]
    contextvars.copy_context().run(wg.grad(f), X)
    done.set()
    thread.join()
    assert seen == [False, None]


def test_error_in_a_derivative_that_is_recorded_names_the_line_of_the_primal():
    source = errors.Source(__file__, EXP, "f").derive("adjoint of exp")
    error = errors.ShapeError("what", why="why", write="write", where=source)
    assert f"where: {__file__}:{EXP} (adjoint of exp)    y = np.exp(x)" in str(error)
