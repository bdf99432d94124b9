"""Four programs on which orders of elimination are compared in the literature, as functions of scalars.

Averick, Carter, More and Xue, The MINPACK-2 test problem collection (1992): the human heart dipole, the combustion of
propane in its full formulation. Roe, Approximate Riemann solvers (1981): the flux between two states of a gas. The end
effector of an arm with six joints: its position and its angles. The lists of operations are those of Lohoff and Neftci,
Optimizing automatic differentiation with deep reinforcement learning (arXiv 2406.05027, 2024), table 1, whose counts
are in `PUBLISHED`. np: the language that a program is run in, NumPy's or JAX's.
"""

import numpy as np


def human_heart_dipole(a, b, c, d, t, u, v, w, np=np):
    """Real and imaginary parts of (a + ic) (t + iv)^k + (b + id) (u + iw)^k, k = 0, 1, 2, 3, less 1."""
    tv, uw = t**2 - v**2, u**2 - w**2
    t3, v3 = t * (t**2 - 3 * v**2), v * (v**2 - 3 * t**2)
    u3, w3 = u * (u**2 - 3 * w**2), w * (w**2 - 3 * u**2)
    return (
        a + b - 1.0,
        c + d - 1.0,
        t * a + u * b - v * c - w * d - 1.0,
        v * a + w * b + t * c + u * d - 1.0,
        a * tv - 2 * c * t * v + b * uw - 2 * d * u * w - 1.0,
        c * tv + 2 * a * t * v + d * uw + 2 * b * u * w - 1.0,
        a * t3 + c * v3 + b * u3 + d * w3 - 1.0,
        c * t3 - a * v3 + d * u3 - b * w3 - 1.0,
    )


def propane_combustion(x1, x2, x3, x4, x5, x6, x7, x8, x9, x10, x11, np=np):
    """Chemical equilibrium at pressure p and air ratio r; the published counts are of all equilibrium constants 1."""
    p, r = 40.0, 10.0
    s = np.sqrt(p / x11)
    return (
        x1 + x4 - 3.0,
        2 * x1 + x2 + x4 + x7 + x8 + x9 + 2 * x10 - r,
        2 * x2 + 2 * x5 + x6 + x7 - 8.0,
        2 * x3 + x9 - 4 * r,
        x2 * x4 - x1 * x5,
        np.sqrt(x2 * x4) - np.sqrt(x1) * s * x6,
        np.sqrt(x1 * x2) - np.sqrt(x4) * x7 * s,
        x1 - x4 * x8 * p / x11,
        x1 * np.sqrt(x3) - x4 * x9 * s,
        x1**2 - x4**2 * x10 * p / x11,
        x11 - x1 - x2 - x3 - x4 - x5 - x6 - x7 - x8 - x9 - x10,
    )


def robot_arm(t1, t2, t3, t4, t5, t6, np=np):
    """Position, and Tait-Bryan angles, of the hand of an arm with six joints."""
    a1, a2, a3, d1, d4, d6 = 175.0, 890.0, 50.0, 575.0, 1035.0, 185.0
    c1, c2, c4, c5, c6 = (np.cos(t) for t in (t1, t2, t4, t5, t6))
    s1, s2, s4, s5, s6 = (np.sin(t) for t in (t1, t2, t4, t5, t6))
    c23 = np.cos(t2) * np.cos(t3) - np.sin(t2) * np.sin(t3)
    s23 = np.cos(t2) * np.sin(t3) + np.sin(t2) * np.cos(t3)
    ax = s5 * (c1 * c23 * c4 + s1 * s4) + c1 * s23 * c5
    ay = s5 * (s1 * c23 * c4 - c1 * s4) + s1 * s23 * c5
    az = s23 * c4 * s5 - c23 * c5
    nz = c6 * (c23 * s5 + s23 * c4 * c5) - s23 * s4 * s6
    oz = -s6 * (c23 * s5 + s23 * c4 * c5) - s23 * s4 * c6
    angles = np.arctan2(ay, ax), np.arctan2(np.sqrt(1.0 - az**2), az), np.arctan2(oz, -nz)
    x = d6 * (s5 * (c1 * c23 * c4 + s1 * s4) + c1 * s23 * c5) + c1 * (a1 + a2 * c2 + a3 * c23 + d4 * s23)
    y = d6 * (s5 * (s1 * c23 * c4 - c1 * s4) + s1 * s23 * c5) + s1 * (a1 + a2 * c2 + a3 * c23 + d4 * s23)
    z = a2 * s2 + d1 + a3 * s23 - d4 * c23 + d6 * (s23 * c4 * s5 - c23 * c5)
    return x, y, z, *angles


GAMMA = 1.4


def pressure(rho, momentum, energy):
    """Of an ideal gas."""
    return (GAMMA - 1.0) * (energy - 0.5 * momentum**2 / rho)


def euler_flux(rho, momentum, energy, p):
    """What flows through a face: mass, momentum, energy."""
    v = momentum / rho
    return momentum, p + momentum * v, v * (p + energy)


def roe_flux(l0, l1, l2, r0, r1, r2, slow=lambda u, a: abs(u), np=np):
    """Roe's flux between the states l and r. slow: the third wave speed, |u| in the published program, else |u - a|."""
    dr, mean = r0 - l0, np.sqrt(l0 * r0)
    w = np.sqrt(l0) + np.sqrt(r0)
    vl, pl = l1 / l0, pressure(l0, l1, l2)
    hl = (l2 + pl) / l0
    vr, pr = r1 / r0, pressure(r0, r1, r2)
    hr = (r2 + pr) / r0
    dp, dv = pr - pl, vr - vl
    u = (np.sqrt(l0) * vl + np.sqrt(r0) * vr) / w
    h = (np.sqrt(l0) * hl + np.sqrt(r0) * hr) / w
    q = u**2
    a2 = (GAMMA - 1.0) * (h - 0.5 * q)
    a = np.sqrt(a2)
    fast, middle, third = np.abs(u + a), np.abs(u), slow(u, a)
    n = a * mean
    c0, c1, c2 = (dr - dp / a2) * middle, (dv + dp / n) * fast, (dv - dp / n) * third
    left, right = euler_flux(l0, l1, l2, pl), euler_flux(r0, r1, r2, pr)
    c = 0.5 * mean / a
    jumps = (
        c0 + c * c1 - c * c2,
        c0 * u + c * c1 * (u + a) - c * c2 * (u - a),
        c0 * 0.5 * q + c * c1 * (h + u * a) - c * c2 * (h - u * a),
    )
    return tuple(0.5 * (x + y - d) for x, y, d in zip(left, right, jumps, strict=True))


# name: (function, point)
PROGRAMS = {
    "HumanHeartDipole": (human_heart_dipole, (0.3, 0.4, -0.2, 0.5, 0.7, -0.6, 0.8, 0.9)),
    "PropaneCombustion": (propane_combustion, (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.1, 1.2, 1.3, 1.4)),
    "RobotArm_6DOF": (robot_arm, (0.3, 0.4, 0.5, 0.6, 0.7, 0.8)),
    "RoeFlux_1d": (roe_flux, (1.0, 0.3, 2.5, 0.8, 0.2, 1.9)),
}

# Multiplications by forward mode, reverse mode, minimal Markowitz degree, and the best that was found (Lohoff, Neftci).
PUBLISHED = {
    "HumanHeartDipole": (240, 172, 194, 148),
    "PropaneCombustion": (151, 90, 111, 88),
    "RobotArm_6DOF": (397, 301, 288, 231),
    "RoeFlux_1d": (620, 364, 407, 320),
}
