"""Calls of programs: checkpoint, which is run again instead of keeping values, and jit, which runs as machine code.

checkpoint[program]     x -> y       reverse mode keeps x alone, and runs the program again on the way back
jit[program]            x -> y       compiled; so are its derivative programs: y with residuals, and the linear one
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..core.dataflow import Mask, narrowed_inputs, reached, rewired, through, used_inputs
from ..core.execute import run
from ..core.primitive import Custom, Primitive, Sample, TangentOf
from ..core.program import Program
from ..core.provided import provided
from ..core.record import record
from ..core.types import ArrayType
from . import elementwise as ew
from .bodies import Values, check_types, chosen, is_value, placed, strong
from .control import transposed_reach


def program_call(
    name: str,
    impl: Callable[..., Any],
    linearize: Callable[..., Any],
    samples: Callable[..., Any] | None = None,
    derived: Callable[[dict[str, Any]], dict[str, Any]] = dict,
) -> Primitive:
    """A primitive that runs its param `program`. linearize: what reverse mode keeps, as in Custom.

    Other params are handed on to the programs that are made of it; derived: what becomes of them in a derivative.
    """

    def jvp(primals: Values, tangents: Values, *, program: Program, **params: Any) -> tuple[list[Any], list[Any]]:
        active = tuple(t is not None for t in tangents)
        outs = reached(program, active, differentiable=True)
        made = program.transform("jvp", active, outs)
        results = p(*primals, *(t for t in tangents if t is not None), program=made, **derived(params))
        return results[: len(outs)], placed(results[len(outs) :], outs)

    def transpose(y_bars: Values, *args: Any, program: Program, **params: Any) -> list[Any]:
        linear = tuple(not is_value(a) for a in args)
        bars = tuple(b is not None for b in y_bars)
        outs = transposed_reach(program, linear, bars)
        made = program.transform("transpose", linear, bars, tuple(chosen(outs, linear)))
        x_bars = p(*filter(is_value, args), *(b for b in y_bars if b is not None), program=made, **derived(params))
        return placed(x_bars, outs)

    def batch(size: int, batched: Sequence[bool], *args: Any, program: Program, **params: Any) -> Any:
        outs = reached(program, batched)
        return p(*args, program=program.transform("batch", size, tuple(batched), outs), **params), list(outs)

    p = Primitive(
        name,
        impl,
        Custom(jvp, linearize, together=transpose),
        type_rule=lambda *types, program, **params: strong(program.out_types),
        batch=batch,
        samples=samples or _samples,
        flows=lambda differentiable, *sets, program, **params: through(program, sets, differentiable),
        narrow=_narrow,
        multiple=True,
    )
    return p


def _narrow(used: Mask, *, program: Program, **params: Any) -> tuple[dict[str, Any], Mask, Mask]:
    made = rewired(program, program.inputs, chosen(program.outputs, used))
    keep = used_inputs([made])
    return {"program": narrowed_inputs(made, keep), **params}, keep, used


def _samples(rng: np.random.Generator) -> Iterator[Sample]:
    t = ArrayType((2,), np.float64)
    program = record(lambda a, b: [ew.sin(a * b), ew.exp(a)], [t] * 2)
    yield Sample((rng.normal(size=2), rng.normal(size=2)), {"program": program}, order=3)


# checkpoint ------------------------------------------------------------------------------------------------------
def _checkpoint(*args: Any, program: Program) -> list[Any]:
    check_types(program.in_types, args)
    return run(program, args)


def _checkpoint_linearize(primals: Values, active: Sequence[bool], *, program: Program) -> Any:
    """The linear program begins with the whole program: it is run again wherever the tape is run."""
    outs = reached(program, active, differentiable=True)
    linear = program.transform("derivative", tuple(active), outs)
    args = [*primals, *(TangentOf(i) for i, on in enumerate(active) if on)]
    return checkpoint(*primals, program=program), outs, checkpoint, args, {"program": linear}


checkpoint = program_call("checkpoint", _checkpoint, _checkpoint_linearize)


# jit -------------------------------------------------------------------------------------------------------------
def _jit(*args: Any, program: Program) -> list[Any]:
    check_types(program.in_types, args)
    return provided("run_natively")(program, args)


def _jit_linearize(primals: Values, active: Sequence[bool], *, program: Program) -> Any:
    """Two compiled programs: the values with what the derivative needs of them, and the linear one."""
    outs = reached(program, active, differentiable=True)
    first, second = program.transform("linearize", tuple(active), outs)
    results = jit(*primals, program=first)
    args = [*results[len(outs) :], *(TangentOf(i) for i, on in enumerate(active) if on)]
    return results[: len(outs)], outs, jit, args, {"program": second}


jit = program_call("jit", _jit, _jit_linearize)
