"""Public functions called with what they cannot take: our errors, or those of the user's function; none from inside."""

import contextlib
import inspect
import traceback
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.errors import WengertError

HERE, LIBRARY = str(Path(__file__)), str(Path(wg.__file__).parent)
X = np.array([1.0, 2.0, 3.0])


def total(x: Any) -> Any:
    return np.sum(np.sin(x) ** 2)


def vector(x: Any) -> Any:
    return np.sin(x) * x


def nothing(x: Any) -> None:
    return None


def text(x: Any) -> str:
    return "a"


FUNCTIONS = (total, vector, nothing, text)
JUNK = [
    None, "s", 3, 2.5, -1, True, np.nan, X, X + 1j, X.astype(int), np.zeros((2, 3)), np.zeros(0), {}, [], (1, 2),
    {"a": 1.0}, object(), np.array(["a"]), np.array([None]), np.array([np.nan, 1.0, 2.0]), *FUNCTIONS,
]  # fmt: skip

FAMILIES = ("checkpointing", "curvature", "elimination", "implicit", "numeric", "optimize", "sparse", "symbolic")
MODULES = {"wg": wg, **{name: getattr(wg, name) for name in FAMILIES}}
# Classes, what changes settings, and what takes anything.
LEFT_OUT = (
    "ArrayType", "Plan", "Product", "Program", "Quality", "Spectrum", "counted", "print", "register_structure",
    "set_threads",
)  # fmt: skip


def public(module: Any) -> list[str]:
    names = [n for n in module.__all__ if callable(getattr(module, n)) and n not in LEFT_OUT]
    return [n for n in names if not inspect.ismodule(getattr(module, n))]


CALLS = [f"{m}.{n}" for m, module in MODULES.items() for n in public(module)]


def is_the_users(error: BaseException) -> bool:
    """Was it raised by the functions above, by NumPy for them, or by a call that does not fit the signature?"""
    frames = [f.filename for f in traceback.extract_tb(error.__traceback__)]
    ours = [k for k, name in enumerate(frames) if name.startswith(LIBRARY)]
    users = [k for k, name in enumerate(frames) if name == HERE]
    unfit = isinstance(error, TypeError) and any(
        w in str(error) for w in ("missing", "positional", "unexpected keyword")
    )
    return unfit or not ours or "ufunc" in str(error) or max(users) > max(ours)


@pytest.mark.parametrize("name", CALLS)
def test_junk(name: str) -> None:
    module, function = name.split(".")
    f = getattr(MODULES[module], function)
    calls = [(f, (a,)) for a in JUNK] + [(f, (a, b)) for a in (*FUNCTIONS, None, 3, X) for b in JUNK]
    for fun in FUNCTIONS:
        with contextlib.suppress(Exception):
            made = f(fun)
            if callable(made):
                calls += [(made, (b,)) for b in JUNK]
    for made, args in calls:
        try:
            with np.errstate(all="ignore"):
                made(*args)
        except WengertError as error:
            assert error.why and error.write, (name, args, error)
        except Exception as error:
            assert is_the_users(error), (name, args, repr(error))


@pytest.mark.parametrize(
    "call",
    [
        lambda: wg.custom_jvp(total, nondiff_argnums=1.5),
        lambda: wg.custom_jvp(total, nondiff_argnums=(3,))(1.0),
        lambda: wg.switch(0, total, 1.0),
        lambda: wg.tree_map(3, X),
        lambda: wg.check_grads(3, (1.0,)),
        lambda: wg.numeric.directional(np.sin, 1.0, 2.0),
        lambda: wg.numeric.grad(3),
        lambda: wg.numeric.step_size(X),
        lambda: wg.optimize.adam(total, X, steps=10.5),
        lambda: wg.optimize.adam(total, None),
        lambda: wg.optimize.root(3, X),
        lambda: wg.optimize.root_scalar(nothing, 1.0),
        lambda: wg.optimize.root_scalar(np.sin, X),
        lambda: wg.symbolic.from_sympy("x", "x"),
    ],
)  # fmt: skip
def test_one_by_one(call: Any) -> None:
    with pytest.raises(WengertError, match="write:") as caught:
        call()
    assert HERE in str(caught.value)


X3 = np.arange(1.0, 4.0)
OPTIONS = {
    "grad argnums": lambda j: wg.grad(total, argnums=j)(X3),
    "vmap in_axes": lambda j: wg.vmap(total, in_axes=j)(np.eye(3)),
    "vmap out_axes": lambda j: wg.vmap(vector, out_axes=j)(np.eye(3)),
    "vmap axis_size": lambda j: wg.vmap(total, axis_size=j)(np.eye(3)),
    "jacobian mode": lambda j: wg.jacobian(vector, mode=j)(X3),
    "hessian mode": lambda j: wg.hessian(total, mode=j)(X3),
    "jit static_argnums": lambda j: wg.jit(lambda x, n=2: x * n, static_argnums=j),
    "jit static_argnames": lambda j: wg.jit(lambda x, n=2: x * n, static_argnames=j),
    "scan length": lambda j: wg.scan(lambda c, r: (c, r), 0.0, None, length=j),
    "fori_loop bounds": lambda j: wg.fori_loop(j, 3, lambda i, c: c * 2, 1.0),
    "switch index": lambda j: wg.switch(j, [lambda: 1.0, lambda: 2.0]),
    "checkpoint budget": lambda j: wg.grad(wg.checkpoint(total, budget=j))(X3),
    "jvp primals": lambda j: wg.jvp(total, j, (X3,)),
    "jvp tangents": lambda j: wg.jvp(total, (X3,), (j,)),
    "vjp adjoint": lambda j: wg.vjp(total, X3)[1](j),
    "check_grads order": lambda j: wg.check_grads(total, (X3,), order=j),
    "check_grads modes": lambda j: wg.check_grads(total, (X3,), modes=j),
    "check_grads atol": lambda j: wg.check_grads(total, (X3,), atol=j),
    "numeric step": lambda j: wg.numeric.grad(total, step=j)(X3),
    "numeric method": lambda j: wg.numeric.grad(total, method=j)(X3),
    "numeric side": lambda j: wg.numeric.grad(total, side=j)(X3),
    "ArrayType shape": lambda j: wg.ArrayType(j, float),
    "ArrayType dtype": lambda j: wg.ArrayType((3,), j),
    "register_structure": lambda j: wg.register_structure(j, lambda s: ((), None), lambda a, c: None),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_options(name: str) -> None:
    """Whatever is given as an option, it is taken, or refused by name."""
    refused = 0
    for value in (None, "none such", -1, 0, 1.5, (), [], {}, object(), np.ones(2), total, (0, 0)):
        with contextlib.suppress(AssertionError):  # check_grads with atol=0: that is its answer
            try:
                OPTIONS[name](value)
            except WengertError as error:
                assert error.why and error.write
                refused += 1
    assert refused
    with pytest.raises(wg.errors.ArgumentError, match=r"as str\.format has it"):
        wg.print("{} {}", 1.0)
