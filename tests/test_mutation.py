"""Are wrong rules caught? Each primitive's rules are broken, one at a time, and the rule tests must notice."""

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
import pytest

import wengert as wg
from rules_cases import Case, cases, jvp
from rules_checks import CHECKS
from rules_mutants import SLIGHTLY, Mutant, batch_mutants, mutants, type_mutants, with_partial
from test_rules import PRIMITIVES
from wengert.core.primitive import REGISTRY, Elementwise, Linear, Primitive
from wengert.errors import GradientCheckError
from wengert.primitives import elementwise as ew

DERIVATIVE_CHECKS = (
    "derivatives",
    "symbolic_zeros",
    "accumulate",
    "transpose_twice",
    "second_order",
    "complex_arguments",
)


def caught(p: Primitive, mutant: Mutant, samples: list[Case], checks: Iterable[str], monkeypatch) -> bool:
    """Does one of these checks fail while the primitive is broken?"""
    with monkeypatch.context() as patch:
        patch.setattr(p, mutant.attribute, mutant.value)
        return any(fails(CHECKS[check], case) for check in checks for case in samples)


def fails(check: Callable[[Case], None], case: Case) -> bool:
    """Does the check notice? Whatever it raises, the test of a wrong rule would be red."""
    try:
        check(case)
    except Exception:
        return True
    return False


@pytest.mark.parametrize("name", PRIMITIVES)
def test_wrong_derivatives_are_caught(name, monkeypatch):
    p = REGISTRY[name]
    samples = [c for c in cases(p) if any(np.size(x) for x in c.xs) and any(np.size(y) for y in c.f(*c.xs))]
    active = {i for c in samples for i in c.active}
    worst = min((c.tolerance for c in samples), default=0)
    for mutant in mutants(p, active, max(SLIGHTLY, 1 + 10 * worst)):
        assert caught(p, mutant, samples, DERIVATIVE_CHECKS, monkeypatch), f"{name}: {mutant.text} is not noticed"


@pytest.mark.parametrize("name", PRIMITIVES)
def test_wrong_batching_and_types_are_caught(name, monkeypatch):
    p = REGISTRY[name]
    samples = [c for c in cases(p) if any(np.size(y) for y in c.outputs(*c.sample.args))]
    for mutant in batch_mutants(p):
        assert caught(p, mutant, samples, ["batch"], monkeypatch), f"{name}: {mutant.text} is not noticed"
    for mutant in type_mutants(p):
        assert caught(p, mutant, samples, ["types"], monkeypatch), f"{name}: {mutant.text} is not noticed"


@pytest.mark.parametrize("name", [n for n in PRIMITIVES if isinstance(REGISTRY[n].kind, Elementwise)])
def test_check_grads_catches_and_names_wrong_elementwise_rules(name, monkeypatch):
    p = REGISTRY[name]
    samples = [c for c in cases(p) if c.tolerance <= 1e-5]
    for i in sorted({i for c in samples for i in c.active}):
        case = max((replace(c, active=(i,)) for c in samples if i in c.active), key=slope)
        for mutant in mutants(p, {i}):
            check_names(p, mutant, case, monkeypatch)


def slope(c: Case) -> float:
    """The largest derivative."""
    return max(float(np.max(np.abs(d), initial=0.0)) for d in jvp(c.f, c.xs, [np.ones_like(x) for x in c.xs]))


def check_names(p: Primitive, mutant: Mutant, case: Case, monkeypatch) -> None:
    """check_grads fails in both modes, and names the primitive."""
    with monkeypatch.context() as patch:
        patch.setattr(p, mutant.attribute, mutant.value)
        for mode in ("forward", "reverse"):
            with pytest.raises(GradientCheckError) as error:
                wg.check_grads(lambda *xs: case.f(*xs), tuple(case.xs), order=1, modes=mode)
            assert error.value.primitive == p.name
            assert error.value.mode == mode


def test_lost_conjugations_are_caught(monkeypatch):
    """What is right for real numbers and wrong for complex ones."""
    ew_cases = {p: cases(p) for p in (ew.conj, ew.imag, ew.real)}
    wrong = {
        ew.conj: Linear(lambda y_bar, x: y_bar),
        ew.imag: Linear(lambda y_bar, x: 1j * ew.convert(y_bar, dtype=x.dtype)),
        ew.real: Linear(lambda y_bar, x: (1 + 1j) * ew.convert(y_bar, dtype=x.dtype)),
    }
    for p, kind in wrong.items():
        mutant = Mutant("conjugation", "kind", kind)
        assert caught(p, mutant, ew_cases[p], DERIVATIVE_CHECKS, monkeypatch), p


def test_dropped_terms_are_caught(monkeypatch):
    """A binary primitive that forgets one of its arguments."""
    for name in PRIMITIVES:
        p = REGISTRY[name]
        if not isinstance(p.kind, Elementwise) or sum(d is not None for d in p.kind.partials) < 2:
            continue
        samples = cases(p)
        for i in sorted({i for c in samples for i in c.active}):
            mutant = Mutant(f"term {i} dropped", "kind", with_partial(p.kind, i, lambda v: 0 * v))
            assert caught(p, mutant, samples, ["derivatives"], monkeypatch), f"{name}: {mutant.text}"


def test_wrong_second_derivative_is_caught(monkeypatch):
    """tanh' = 1 - y^2 evaluated on constants: right in value, without a derivative of its own."""
    wrong = Elementwise(lambda y: 1 - np.square(np.asarray(wg.core.trace.concrete(y))))
    with monkeypatch.context() as patch:
        patch.setattr(ew.tanh, "kind", wrong)
        wg.check_grads(np.tanh, (0.3,), order=1)
        with pytest.raises(GradientCheckError) as error:
            wg.check_grads(np.tanh, (0.3,), order=2)
    assert error.value.order == 2
