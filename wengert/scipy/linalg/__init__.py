"""scipy.linalg on traced arrays. SciPy lets nobody intercept these functions, so they have to be called from here.

On plain arrays each is SciPy's own. Arguments that say how to compute (overwrite_a, check_finite, lapack_driver) have
no meaning for traced arrays and are ignored there. Functions that are missing are SciPy's, and refuse traced arrays.
`cholesky_update` is ours alone.
"""

from __future__ import annotations

from typing import Any

import scipy.linalg
from scipy.linalg import LinAlgError

from ..refused import guarded
from . import banded, eigenvalues, equations, factorisations, functions, structured, systems
from .banded import *  # noqa: F403
from .eigenvalues import *  # noqa: F403
from .equations import *  # noqa: F403
from .factorisations import *  # noqa: F403
from .functions import *  # noqa: F403
from .structured import *  # noqa: F403
from .systems import *  # noqa: F403

__all__ = ["REFUSED", "LinAlgError"]
__all__ += banded.__all__ + eigenvalues.__all__ + equations.__all__ + factorisations.__all__
__all__ += functions.__all__ + structured.__all__ + systems.__all__

_BASIS = "its columns are an arbitrary basis, which jumps: what depends on the space alone is a function of a projector"
_DENSE = "it has no derivative rule of its own: on the dense matrix it has"
_ORDER = "the order of its blocks, and the phases of its vectors, are arbitrary and jump"

# Functions without a derivative, by reason; and what to write instead.
REFUSED = {
    "null_space": (_BASIS, "the projector np.eye(n) - pinv(a) @ a"),
    "orth": (_BASIS, "the projector a @ pinv(a), or svd(a, full_matrices=False)[0] for full rank and distinct values"),
    "subspace_angles": (_BASIS, "arccos(svdvals(q.T @ r)) with q and r of qr"),
    "schur": (_ORDER, "eigvals, expm, logm, sqrtm or solve_sylvester, which are differentiated"),
    "rsf2csf": (_ORDER, "eigvals, expm, logm, sqrtm or solve_sylvester, which are differentiated"),
    "qz": (_ORDER, "eigvals(solve(b, a))"),
    "ordqz": (_ORDER, "solve_continuous_are, solve_discrete_are, or eigvals(solve(b, a))"),
    "hessenberg": (_ORDER, "eigvals, expm or another function of the matrix"),
    "eigh_tridiagonal": (_DENSE, "eigh(np.diag(d) + np.diag(e, 1) + np.diag(e, -1))"),
    "eigvalsh_tridiagonal": (_DENSE, "eigvalsh(np.diag(d) + np.diag(e, 1) + np.diag(e, -1))"),
    "eig_banded": (_DENSE, "eigh of the dense matrix"),
    "eigvals_banded": (_DENSE, "eigvalsh of the dense matrix"),
    "signm": ("it is constant except where eigenvalues cross the imaginary axis", "polar or funm"),
    "ldl": ("its pivoting in blocks jumps", "cholesky, lu or eigh"),
    "rq": ("it has no derivative rule of its own: that of QR serves", "q, r = qr(a[::-1].T) and flips of their rows"),
}


def __getattr__(name: str) -> Any:
    return guarded(scipy.linalg, name, REFUSED)
