"""Curvature without its matrix: products with Hessians, and what can be estimated from products. ::

    hessian(f, x)              H v            `Product`s: called on structures like x, .operator for SciPy
    gauss_newton(f, x, loss)   J' H_loss J v
    fisher(f, x, family)       J' F J v

    hessian_diagonal(f, x)     exact, by Taylor series of order 2 along the axes; laplacian(f, x) their sum
    diagonal(A, rng)           estimated from products (Bekas, Kokiopoulou, Saad)
    trace(A, rng)              Hutchinson's estimate, and Hutch++
    log_determinant(A, rng)    by stochastic Lanczos quadrature
    spectral_density(A, rng)   the distribution of all eigenvalues
    eigenpairs(A, k)           the extreme ones, by SciPy's eigsh

A is a Product, a LinearOperator or a symmetric matrix; rng is a numpy.random.Generator. An `Estimate` is a value with
its standard error and the number of products that it took.
"""

from .diagonals import hessian_diagonal, laplacian
from .estimates import Estimate, diagonal, trace
from .products import Product, fisher, gauss_newton, hessian
from .spectrum import Spectrum, eigenpairs, lanczos, log_determinant, spectral_density

__all__ = [
    "Estimate",
    "Product",
    "Spectrum",
    "diagonal",
    "eigenpairs",
    "fisher",
    "gauss_newton",
    "hessian",
    "hessian_diagonal",
    "lanczos",
    "laplacian",
    "log_determinant",
    "spectral_density",
    "trace",
]
