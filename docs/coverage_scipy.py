"""An example for each function of SciPy's modules beside scipy.special, as coverage_examples.py has them for NumPy.

`sl` is scipy.linalg, `sf` fft, `ss` signal, `sn` ndimage, `si` interpolate, `sq` integrate: ours, or SciPy's own.
"""

from __future__ import annotations

from coverage_examples import names

SHORT = {"linalg": "sl", "fft": "sf", "signal": "ss", "ndimage": "sn", "interpolate": "si", "integrate": "sq"}

_BAND = "np.stack([0 * a, 4 + a, 0.1 * b])"
_SPD = "B @ B.T"
_SYMMETRIC = "(A + A.T)"
_GRID, _POINTS = "(np.cumsum(b), np.cumsum(a))", "np.stack([b[0] + a, 0.4 + b]).T"

DIFFERENTIATED = {
    "linalg": {
        "block_diag": "sl.block_diag(A, X)",
        "cho_factor": f"np.triu(sl.cho_factor({_SPD})[0])",
        "cho_solve": f"sl.cho_solve(sl.cho_factor({_SPD}), a)",
        "cho_solve_banded": "sl.cho_solve_banded((np.stack([1 + a, 0.1 * b]), True), a)",
        "cholesky": f"sl.cholesky({_SPD})",
        "cholesky_banded": "sl.cholesky_banded(np.stack([4 + a, 0.1 * b]), lower=True)[0]",
        "circulant": "sl.circulant(a)",
        "companion": "sl.companion(x)",
        "convolution_matrix": "sl.convolution_matrix(a, 2)",
        "det": "sl.det(A)",
        "eig": "abs(sl.eig(A)[1]) ** 2",
        "eigh": f"sl.eigh({_SYMMETRIC})[1] ** 2",
        "eigvals": "sl.eigvals(A)",
        "eigvalsh": f"sl.eigvalsh({_SYMMETRIC})",
        "expm": "sl.expm(A)",
        "expm_frechet": "sl.expm_frechet(A, B)",
        "fractional_matrix_power": "np.real(sl.fractional_matrix_power(A, 0.4))",
        "funm": "sl.funm(A, np.exp)",
        "hankel": "sl.hankel(a)",
        "inv": "sl.inv(A)",
        "khatri_rao": "sl.khatri_rao(A, X)",
        "leslie": "sl.leslie(x, a)",
        "lstsq": "sl.lstsq(A, a)[0]",
        "lu": "sl.lu(A)[2]",
        "lu_factor": "sl.lu_solve(sl.lu_factor(A), a)",
        "lu_solve": "sl.lu_solve(sl.lu_factor(A), a)",
        "matmul_toeplitz": "sl.matmul_toeplitz((a, b), A)",
        "norm": "sl.norm(A)",
        "orthogonal_procrustes": "sl.orthogonal_procrustes(A, B)",
        "pinv": "sl.pinv(X)",
        "pinvh": f"sl.pinvh({_SYMMETRIC})",
        "polar": "sl.polar(A)",
        "qr": "sl.qr(A)[1] ** 2",
        "solve": "sl.solve(A, a)",
        "solve_banded": f"sl.solve_banded((1, 1), {_BAND}, a)",
        "solve_circulant": "sl.solve_circulant(np.stack([4 + a[0], a[1], a[2]]), b)",
        "solve_continuous_are": "sl.solve_continuous_are(A, B, np.eye(3), np.eye(3))",
        "solve_continuous_lyapunov": "sl.solve_continuous_lyapunov(A, B)",
        "solve_discrete_are": "sl.solve_discrete_are(A, B, np.eye(3), np.eye(3))",
        "solve_discrete_lyapunov": "sl.solve_discrete_lyapunov(0.1 * A, B)",
        "solve_lyapunov": "sl.solve_lyapunov(A, B)",
        "solve_sylvester": "sl.solve_sylvester(A, B, B)",
        "solve_toeplitz": "sl.solve_toeplitz(np.stack([4 + a[0], a[1], a[2]]), b)",
        "solve_triangular": "sl.solve_triangular(A, a)",
        "solveh_banded": "sl.solveh_banded(np.stack([4 + a, 0.1 * b]), a, lower=True)",
        "svd": "sl.svd(A)[1]",
        "svdvals": "sl.svdvals(A)",
        "toeplitz": "sl.toeplitz(a, x)",
        **{name: f"sl.{name}(0.3 * A)" for name in names("coshm cosm logm sinhm sinm sqrtm tanhm tanm")},
    },
    "fft": {
        **{name: f"sf.{name}(x)" for name in names("fft ifft rfft fftn ifftn rfftn ihfft ihfftn fftshift ifftshift")},
        **{name: f"sf.{name}(X)" for name in names("fft2 ifft2 rfft2 irfft2 irfftn ihfft2 hfft2 hfftn")},
        **{name: f"sf.{name}(z)" for name in names("irfft hfft")},
        **{name: f"sf.{name}(x)" for name in names("dct idct dst idst")},
        **{name: f"sf.{name}(X)" for name in names("dctn idctn dstn idstn")},
        **{name: f"sf.{name}(4, s)" for name in names("fftfreq rfftfreq")},
    },
    "signal": {
        "convolve": "ss.convolve(x, a)",
        "convolve2d": "ss.convolve2d(A, X, 'same')",
        "correlate": "ss.correlate(x, a)",
        "correlate2d": "ss.correlate2d(A, X, 'same')",
        "detrend": "ss.detrend(x)",
        "fftconvolve": "ss.fftconvolve(X, Y)",
        "hilbert": "ss.hilbert(x)",
        "lfilter": "ss.lfilter(a, b, x)",
        "oaconvolve": "ss.oaconvolve(x, a)",
        "sosfilt": "ss.sosfilt(np.concatenate([a, np.ones(1), b[:2]])[None], x)",
    },
    "ndimage": {
        "affine_transform": "sn.affine_transform(X, np.stack([1 + 0.1 * a[:2], 0.1 * b[:2]]), 0.2, mode='mirror')",
        "convolve": "sn.convolve(A, X)",
        "convolve1d": "sn.convolve1d(X, a)",
        "correlate": "sn.correlate(A, X)",
        "correlate1d": "sn.correlate1d(X, a)",
        "gaussian_filter": "sn.gaussian_filter(X, 0.8)",
        "gaussian_filter1d": "sn.gaussian_filter1d(x, 1 + s)",
        "gaussian_gradient_magnitude": "sn.gaussian_gradient_magnitude(X, 0.8)",
        "gaussian_laplace": "sn.gaussian_laplace(X, 0.8)",
        "map_coordinates": "sn.map_coordinates(A, X, order=1)",
        "shift": "sn.shift(x, s, order=1, mode='nearest')",
        "spline_filter": "sn.spline_filter(X)",
        "zoom": "sn.zoom(x, 2)",
        **{
            name: f"sn.{name}(X, 2)"
            for name in names("""
            maximum_filter minimum_filter median_filter uniform_filter grey_closing grey_dilation grey_erosion
            grey_opening maximum_filter1d minimum_filter1d uniform_filter1d""")
        },
        **{name: f"sn.{name}(X)" for name in names("laplace prewitt sobel spline_filter1d")},
        "percentile_filter": "sn.percentile_filter(X, 30, 2)",
        "rank_filter": "sn.rank_filter(X, 1, 2)",
    },
    "interpolate": {
        "Akima1DInterpolator": "si.Akima1DInterpolator(np.cumsum(x), y)(x[0] + a)",
        "BSpline": "si.BSpline(np.cumsum(np.concatenate([x, y])), x, 3)(np.sum(x) + 0.3 * a)",
        "CubicHermiteSpline": "si.CubicHermiteSpline(np.cumsum(x), y, x)(a)",
        "CubicSpline": "si.CubicSpline(np.cumsum(x), y)(a)",
        "PPoly": "si.PPoly(X, np.cumsum(x))(a)",
        "PchipInterpolator": "si.PchipInterpolator(np.cumsum(x), y)(a)",
        "RegularGridInterpolator": f"si.RegularGridInterpolator({_GRID}, A)({_POINTS})",
        "interp1d": "si.interp1d(np.cumsum(x), y)(x[0] + a)",
        "interpn": f"si.interpn({_GRID}, A, {_POINTS})",
        "make_interp_spline": "si.make_interp_spline(np.cumsum(x), y)(a)",
        "pchip_interpolate": "si.pchip_interpolate(np.cumsum(x), y, a)",
    },
    "integrate": {
        "cumulative_simpson": "sq.cumulative_simpson(x, x=np.cumsum(y))",
        "cumulative_trapezoid": "sq.cumulative_trapezoid(x, np.cumsum(y))",
        "fixed_quad": "sq.fixed_quad(np.exp, s, t)[0]",
        "romb": "sq.romb(a)",
        "simpson": "sq.simpson(x, x=np.cumsum(y))",
        "trapezoid": "sq.trapezoid(x, np.cumsum(y))",
    },
}

# Functions of SciPy that are made of NumPy's where it counts, and so work under their own names too.
THROUGH_NUMPY = {"solve_circulant", "fftfreq", "fftshift", "ifftshift", "rfftfreq", "fixed_quad"}

# Functions whose arguments are sizes, names and truth values, or that are tools.
PLAIN = {
    "linalg": names("""
        bandwidth dft find_best_blas_type get_blas_funcs get_lapack_funcs hadamard helmert hilbert invhilbert invpascal
        ishermitian issymmetric pascal clarkson_woodruff_transform diagsvd"""),
    "fft": names("""
        fhtoffset get_workers next_fast_len prev_fast_len register_backend set_backend set_global_backend set_workers
        skip_backend"""),
    "signal": names("""
        argrelextrema argrelmax argrelmin besselap buttap buttord cheb1ap cheb1ord cheb2ap cheb2ord check_COLA
        check_NOLA choose_conv_method closest_STFT_dual_window correlation_lags czt_points ellipap ellipord find_peaks
        find_peaks_cwt firls firwin firwin2 firwin_2d get_window kaiser_atten kaiser_beta kaiserord max_len_seq
        peak_prominences peak_widths remez savgol_coeffs unit_impulse"""),
    "ndimage": names("""
        binary_closing binary_dilation binary_erosion binary_fill_holes binary_hit_or_miss binary_opening
        binary_propagation distance_transform_bf distance_transform_cdt distance_transform_edt find_objects
        generate_binary_structure iterate_structure label maximum_position minimum_position value_indices
        watershed_ift"""),
    "interpolate": [],
    "integrate": names("lebedev_rule newton_cotes"),
}
