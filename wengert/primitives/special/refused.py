"""Functions of scipy.special that are not differentiated, each with its reason."""

from __future__ import annotations

_NONCENTRAL = "SciPy has no density of this noncentral distribution from which a derivative could be made"
_WAVE = "the derivative in the argument is its second result; that in the parameters is not known in closed form"
_SEQUENCE = "it returns all orders up to n at once; call the function of one order for an array of orders"
_INTEGERS = "its arguments are integers"
_NODES = "nodes and weights are not differentiated with respect to the parameters of the weight function"

REFUSED: dict[str, str] = {
    **dict.fromkeys(["ncfdtr", "ncfdtri", "ncfdtridfd", "ncfdtridfn", "ncfdtrinc"], _NONCENTRAL),
    **dict.fromkeys(["nctdtr", "nctdtridf", "nctdtrinc", "nctdtrit", "chndtridf"], _NONCENTRAL),
    **dict.fromkeys(["smirnov", "smirnovi", "kolmogorov", "kolmogi"], "SciPy has no density of this distribution"),
    **dict.fromkeys(["obl_ang1", "obl_rad1", "obl_rad2", "pro_ang1", "pro_rad1", "pro_rad2"], _WAVE),
    **dict.fromkeys(["obl_ang1_cv", "obl_rad1_cv", "obl_rad2_cv", "pro_ang1_cv", "pro_rad1_cv", "pro_rad2_cv"], _WAVE),
    **dict.fromkeys(["obl_cv", "pro_cv"], "the derivative of a characteristic value is not known in closed form"),
    **dict.fromkeys(["modfresnelm", "modfresnelp"], "write it with scipy.special.fresnel or erfc of a complex number"),
}
