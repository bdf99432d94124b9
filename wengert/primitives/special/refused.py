"""Functions of scipy.special that are not differentiated, by reason."""

from __future__ import annotations

_BY_REASON = {
    "SciPy has no density of this noncentral distribution from which a derivative could be made": """
        ncfdtr ncfdtri ncfdtridfd ncfdtridfn ncfdtrinc nctdtr nctdtridf nctdtrinc nctdtrit""",
    "SciPy has no density of this distribution": "smirnov smirnovi",
    "the derivative in the argument is its second result; of that there is none, as SciPy is not accurate there": """
        obl_ang1 obl_rad1 obl_rad2 pro_ang1 pro_rad1 pro_rad2
        obl_ang1_cv obl_rad1_cv obl_rad2_cv pro_ang1_cv pro_rad1_cv pro_rad2_cv""",
    "no closed form is known for its derivative": "obl_cv pro_cv ellip_harm ellip_harm_2 ellip_normal",
    "write it with lpmv": "assoc_legendre_p",
    "it returns all orders up to n at once; call the function of one order with an array of orders": """
        lmbda lqmn lqn riccati_jn riccati_yn pbdn_seq pbdv_seq pbvv_seq obl_cv_seq pro_cv_seq
        assoc_legendre_p_all legendre_p_all sph_harm_y_all sph_legendre_p_all""",
    "coefficients of a series, found by iteration": "mathieu_even_coef mathieu_odd_coef",
    "newer versions of SciPy no longer have it": "btdtr btdtri clpmn lpmn lpn sph_harm",
    "its arguments are integers": """
        bernoulli euler stirling2 factorial2 factorialk
        ai_zeros bi_zeros bei_zeros beip_zeros ber_zeros berp_zeros erf_zeros fresnel_zeros fresnelc_zeros
        fresnels_zeros jn_zeros jnjnp_zeros jnp_zeros jnyn_zeros kei_zeros keip_zeros kelvin_zeros ker_zeros
        kerp_zeros y0_zeros y1_zeros y1p_zeros yn_zeros ynp_zeros""",
    "nodes and weights are not differentiated with respect to the parameters of the weight function": """
        roots_chebyc roots_chebys roots_chebyt roots_chebyu roots_gegenbauer roots_genlaguerre roots_hermite
        roots_hermitenorm roots_jacobi roots_laguerre roots_legendre roots_sh_chebyt roots_sh_chebyu roots_sh_jacobi
        roots_sh_legendre p_roots t_roots u_roots c_roots s_roots j_roots l_roots la_roots h_roots he_roots cg_roots
        ps_roots ts_roots us_roots js_roots""",
}

REFUSED: dict[str, str] = {name: why for why, names in _BY_REASON.items() for name in names.split()}
