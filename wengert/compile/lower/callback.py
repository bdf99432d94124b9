"""What has no native form calls back into NumPy: operands and results are handed over as arrays in place."""

from __future__ import annotations

from typing import Any

from ...core.program import Equation, Literal
from ...core.types import DYNAMIC
from ...errors import UnsupportedFunctionError
from ..loops.ir import Call, Ref, View
from .lowering import Lowering, lowers

# Primitives without a native form, by reason. Besides, all call back for half and extended precision.
_BY_REASON = {
    "sorting is NumPy's, which is vectorised": "argsort argpartition lexsort count_distinct distinct nonzero",
    "eigenvalues of a companion matrix, found once": "roots",
    "where values coincide or vanish, Python chooses a basis; elsewhere they are native": "adapted_eigh adapted_svd",
    "a solver of SciPy's or of the user's, on plain arrays": """
        outside operator_solve sparse_solve flow_tangent sweep_tangent""",
    "a solver of SciPy's whose own time is what counts": "solve_toeplitz continuous_riccati discrete_riccati",
    "a check of what a solver found, before its derivative is taken": "certified",
    "scipy.special does not export it to C": """
        zeta riemann_zeta polygamma spherical_jn spherical_yn spherical_in spherical_kn lambertw sph_legendre_p""",
    "a derivative by series or quadrature, rarely needed": """
        sinc_slope polygamma_step jv_moment yv_moment ive_moment kv_moment
        hyp0f1_slopes hyp1f1_slopes hyperu_slopes hyp2f1_slopes jacobi_slopes gegenbauer_slopes laguerre_slopes
        gamma_density beta_density gamma_tail beta_tail carlson erfc_moment kolmogorov_slopes
        chndtr_slopes""",
}
CALLBACKS: dict[str, str] = {name: why for why, names in _BY_REASON.items() for name in names.split()}

# Primitives that call back for some dtypes.
_PARTLY = {
    "complex extrema are compared part by part, with NumPy's order of NaN": """
        max min argmax argmin leaders searchsorted""",
    "NumPy's form for integers, or truth values, is of no use": "wins share reciprocal exponent",
    "of integers by an integer, or complex by complex, that is known only at run time": "power",
}
PARTLY: dict[str, str] = {name: why for why, names in _PARTLY.items() for name in names.split()}

# Primitives that call back for large arrays.
_LARGE = {
    "SciPy's roots of larger matrices take no more time than native ones": "matrix_function matrix_function_slope",
    "a transform that is longer than our tables is NumPy's": "fft ifft rfft irfft",
}
LARGE: dict[str, str] = {name: why for why, names in _LARGE.items() for name in names.split()}


def reason(name: str) -> str | None:
    """Why a primitive calls back, if it is one that does."""
    return CALLBACKS.get(name) or PARTLY.get(name) or LARGE.get(name)


@lowers("callback")
def callback(low: Lowering, eq: Equation) -> None:
    """results = primitive(operands), computed by Python."""
    if any(DYNAMIC in v.type.shape for v in eq.outputs):
        raise UnsupportedFunctionError(
            f"{eq.primitive} has a result whose length depends on data",
            why="native code plans memory before it runs",
            write="a fixed number of results",
        )
    operands = [low.whole(a) for a in eq.inputs if not isinstance(a, Literal)]
    results = [low.result(v) for v in eq.outputs]
    results_in_place = [r if r.contiguous else low.new(r.shape, r.dtype) for r in results]
    number = low.constants.call_back(eq)
    reads, writes = [first(x) for x in operands], [first(x) for x in results_in_place]

    def emit(f: Any, node: Call) -> None:
        call(f, number, [*node.reads, *node.writes])

    low.nodes.append(Call(f"callback {eq.primitive}", reads, writes, emit, eq))
    for r, made in zip(results, results_in_place, strict=True):
        if r is not made:
            low.copy(made, r)


def first(x: View) -> Ref:
    """The reference to the first element of contiguous memory."""
    return Ref(x.buffer, x.const, x.terms)


def call(f: Any, number: int, refs: list[Ref]) -> None:
    """i32 call_back(program, number of the call, addresses of operands and results); nonzero stops the run."""
    n = max(len(refs), 1)
    table = f.slot("ptr", n + 1)
    for k, ref in enumerate(refs):
        place = f.emit(f"getelementptr ptr, ptr {table}, i64 {k}")
        f.do(f"store ptr {f.address(ref)}, ptr {place}")
    f.declare("declare i32 @runtime.call_back(i64, i64, ptr)")
    program = f.emit("load i64, ptr %ctx")
    f.stop_unless_zero(f.emit(f"call i32 @runtime.call_back(i64 {program}, i64 {number}, ptr {table})"))
