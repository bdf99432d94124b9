"""batch: vmap. A tracer's value carries a batch axis, always the first; untraced values are shared by all lanes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..core.primitive import Primitive
from ..core.trace import Trace, Tracer, handed_out, settled, unaliased
from ..core.types import shape_of
from ..errors import AbstractValueError
from ..primitives.shape import broadcast_to


class BatchTracer(Tracer):
    """A tracer whose shape hides the batch axis."""

    __slots__ = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one lane."""
        if self.alias is not None:
            self.alias.refresh(self)
            if type(self) is not BatchTracer:
                return self.shape  # it was assigned what all lanes share
        return shape_of(self.value)[1:]


class BatchTrace(Trace):
    """Applies each primitive once to all lanes."""

    __slots__ = ("size",)
    name = "vmap"

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def process(self, primitive: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        """By the primitive's batching rule; pointwise primitives follow by themselves."""
        own = [isinstance(a, Tracer) and a.traced_by is self for a in args]
        values = [a.value if on else a for a, on in zip(args, own, strict=True)]
        if primitive.pointwise:
            y = primitive(*(self.spread(v, on) for v, on in zip(values, own, strict=True)), **params)
            return BatchTracer(self, y)
        assert primitive.batch is not None
        y, batched = primitive.batch(self.size, own, *values, **params)
        if primitive.multiple:
            return [BatchTracer(self, v) if on else v for v, on in zip(y, batched, strict=True)]
        return BatchTracer(self, y) if batched else y

    def spread(self, value: Any, batched: bool) -> Any:
        """An operand of a pointwise primitive at full batch shape; scalar constants stay as they are."""
        if batched or (not isinstance(value, Tracer) and shape_of(value) == ()):
            return value
        return broadcast_to(value, shape=(self.size, *shape_of(value)))

    def follows(self, tracer: Tracer) -> bool:
        """There is no one value for all lanes."""
        return True

    def concretize(self, tracer: Tracer, convert: Callable[[Any], Any]) -> Any:
        """Lanes may go different ways: a Python decision cannot be taken."""
        raise AbstractValueError(
            f"a Python decision (if, while, and, range, an index) on {tracer.type}, which differs between vmap's lanes",
            why="all lanes run together, and each may decide otherwise",
            write="wg.jit(wg.vmap(f)), in which f's branches and loops are read from its source; "
            "wnp.where(condition, a, b), wg.cond, wg.while_loop; or a Python loop over the lanes",
        )


def batch_flat(
    f: Callable[..., Sequence[Any]],
    size: int,
    args: Sequence[Any],
    batched: Sequence[bool],
    owner: Any = None,
) -> tuple[list[Any], list[bool]]:
    """Run a flat function once for all lanes: results, and which of them have the batch axis (first)."""
    trace = BatchTrace(size)
    trace.owner = owner
    with trace:
        outs = f(*[BatchTracer(trace, unaliased(x)) if on else x for x, on in zip(args, batched, strict=True)])
        outs = [settled(y) for y in outs]
        own = [isinstance(y, Tracer) and y.traced_by is trace for y in outs]
    return [handed_out(y.value if on else y) for y, on in zip(outs, own, strict=True)], own
