"""Special functions: SciPy's C functions, called element by element; fused row loops for softmax and its relatives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...core.program import Atom, Equation, Literal
from ..emit.special import DTYPES, call
from ..emit.support import computed_in
from ..emit.values import converted
from ..loops.ir import Axis, Call, Const, Ref, View, size_of
from ..machine.special import functions
from .callback import first
from .elementwise import elementwise
from .lowering import RULES, Lowering, axes_of, lowers

# primitives that are the function of the same name in scipy.special
_NAMES = """
psi gamma gammaln loggamma rgamma gammasgn poch beta betaln binom zetac
jv yv iv kv jve yve ive kve j0 j1 y0 y1 i0 i1 k0 k1 i0e i1e k0e k1e hankel1 hankel2 hankel1e hankel2e struve modstruve
ber bei ker kei berp beip kerp keip itstruve0 it2struve0 itmodstruve0 besselpoly mathieu_a mathieu_b
gammainc gammaincc gammaincinv gammainccinv gdtr gdtrc gdtria gdtrib gdtrix chdtr chdtrc chdtri chdtriv
pdtr pdtrc pdtri pdtrik betainc betaincc betaincinv betainccinv btdtria btdtrib bdtrik bdtrin nbdtrik nbdtrin
fdtr fdtrc fdtri fdtridfd stdtr stdtrit stdtridf chndtr chndtrix chndtridf chndtrinc
elliprf elliprd elliprg elliprj elliprc agm ellipk ellipkm1 ellipe ellipkinc ellipeinc
erf erfc erfi erfcx erfinv erfcinv dawsn wofz ndtr log_ndtr ndtri ndtri_exp owens_t nrdtrimn nrdtrisd voigt_profile
hyp0f1 hyp1f1 hyperu hyp2f1 wright_bessel log_wright_bessel
expit log_expit logit exprel cosm1 exp10 powm1 sindg cosdg tandg cotdg radian wrightomega xlogy xlog1py
entr rel_entr kl_div huber pseudo_huber boxcox boxcox1p inv_boxcox inv_boxcox1p tklmbda exp1 expi spence lpmv
kolmogorov kolmogi
"""
NAMES = _NAMES.split()

# those whose arguments at these places are integers where they are whole numbers
WHOLE: dict[str, tuple[int, ...]] = {
    "yn": (0,), "kn": (0,), "expn": (0,), "bdtr": (1,), "bdtrc": (1,), "bdtri": (1,), "nbdtr": (0, 1), "nbdtrc": (0, 1),
    "nbdtri": (0, 1),
    **{f"eval_{name}": (0,) for name in (
        *("legendre", "chebyt", "chebyu", "chebyc", "chebys", "sh_legendre", "sh_chebyt", "sh_chebyu", "hermite"),
        *("hermitenorm", "laguerre", "gegenbauer", "genlaguerre", "jacobi", "sh_jacobi"),
    )},
}  # fmt: skip

# those with several results
_SEVERAL = """airy airye pbdv pbvv pbwa kelvin itj0y0 iti0k0 it2j0y0 it2i0k0 itairy mathieu_cem mathieu_sem
mathieu_modcem1 mathieu_modcem2 mathieu_modsem1 mathieu_modsem2 ellipj fresnel modfresnelp modfresnelm sici shichi"""
SEVERAL = _SEVERAL.split()

OTHER_NAMES = {"numpy_i0": "i0", "bessel_i": "iv"}


def kinds_of(eq: Equation, function: str, inputs: Sequence[Atom]) -> dict[str, str]:
    """The signatures of a function that fit these operands of an equation, by their argument letters."""
    complex_ = [a.type.dtype.kind == "c" for a in inputs]
    results = "".join("D" if v.type.dtype.kind == "c" else "d" for v in eq.outputs)
    fitting = {}
    for kinds in functions().get(function, ()):
        arguments, made = kinds.split("_")
        if made == results and [x == "D" for x in arguments] == complex_:
            fitting[arguments] = kinds
    return fitting


@lowers(*NAMES, *WHOLE, *OTHER_NAMES)
def special(low: Lowering, eq: Equation) -> None:
    """y[i] = f(a[i], ...), by the math library or by SciPy's function."""
    name = eq.primitive.name
    if computed_in(eq) is not None:
        elementwise(low, eq)
        return
    inputs = eq.inputs[::-1] if name == "bessel_i" else eq.inputs
    kinds = kinds_of(eq, OTHER_NAMES.get(name, name), inputs)
    places = WHOLE.get(name, ())
    usual = next((k for k in kinds if "l" not in k), None)
    whole = next((k for k in kinds if places and all((x == "l") == (i in places) for i, x in enumerate(k))), None)
    if usual is None and whole is None:
        RULES["callback"](low, eq)
        return
    operands = [low.value(a) for a in inputs]
    y = low.result(eq.outputs[0])
    index = axes_of(y.shape)
    params = {"function": OTHER_NAMES.get(name, name), "usual": kinds.get(usual or ""), "whole": kinds.get(whole or "")}
    low.nest(index, y.ref(index), "special", [x.ref(index if x.shape else ()) for x in operands], params)


@lowers(*SEVERAL)
def several(low: Lowering, eq: Equation) -> None:
    """All results of a function, element by element."""
    fitting = kinds_of(eq, eq.primitive.name, eq.inputs)
    if not fitting:
        RULES["callback"](low, eq)
        return
    (kinds,) = fitting.values()
    shape = eq.outputs[0].type.shape
    numbers = [a.value if isinstance(a, Literal) else None for a in eq.inputs]
    operands = [low.whole(a) for a in eq.inputs if not isinstance(a, Literal)]
    results = [low.result(v) for v in eq.outputs]
    in_place = [r if r.contiguous else low.new(r.shape, r.dtype) for r in results]

    def emit(f: Any, node: Call) -> None:
        reads = iter(zip(node.reads, operands, strict=True))
        given = [Const(n) if n is not None else stepping(next(reads), axis) for n in numbers]
        targets = [stepping(found, axis) for found in zip(node.writes, in_place, strict=True)]
        outer = f.known.copy()
        f.counted(axis, str(axis.extent), lambda: one(f, eq, kinds, given, targets), {w.buffer for w in node.writes})
        f.known = outer

    axis = Axis(size_of(shape))
    if axis.extent:
        low.nodes.append(Call(eq.primitive.name, [first(x) for x in operands], [first(y) for y in in_place], emit, eq))
    for r, made in zip(results, in_place, strict=True):
        if r is not made:
            low.copy(made, r)


def stepping(found: tuple[Ref, View], axis: Axis) -> Ref:
    """The element at an axis that goes through contiguous memory; the only one of an array without axes."""
    ref, view = found
    return ref._replace(terms=(*ref.terms, (axis, 1))) if view.size > 1 else ref


def one(f: Any, eq: Equation, kinds: str, given: Sequence[Any], targets: Sequence[Ref]) -> None:
    """The results for one element."""
    arguments, results = kinds.split("_")
    values = [f.operand(x, DTYPES[kind]) for x, kind in zip(given, arguments, strict=True)]
    for y, target, kind in zip(call(f, eq.primitive.name, kinds, values), targets, results, strict=True):
        f.store(target, converted(f, y, DTYPES[kind], target.buffer.dtype))
