"""Bundle adjustment: where cameras should see points against where they see them, with its sparse Jacobian.

For each observation of a point X by a camera (rotation r, centre C, focal length f, principal point x0, distortion k):

    Y = R(r) (X - C),   u = (Y_1, Y_2) / Y_3,   error = w (f (1 + k_1 |u|^2 + k_2 |u|^4) u + x0 - feature),   1 - w^2

Each error depends on its own camera (11 numbers), point (3) and weight (1): the Jacobian has 31 numbers an observation,
whose places in the matrix are known (`pattern`): the values alone are computed, in the order of rows (CSR).
Source: GradBench's `ba`, from ADBench; 49 cameras, 7776 points, 31843 observations, paired as there. Its cameras and
points, which there are all alike, are random here.
"""

import ctypes
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array

from benchmarks import quick
from benchmarks.program import Data, Program, Subject

CAMERAS, POINTS, OBSERVATIONS = 49, 7776, 31843


def data() -> Data:
    rng, p = np.random.default_rng(0), OBSERVATIONS
    parts = (
        0.2 * rng.standard_normal((CAMERAS, 3)),
        0.2 * rng.standard_normal((CAMERAS, 3)),
        rng.uniform(350.0, 450.0, (CAMERAS, 1)),
        rng.standard_normal((CAMERAS, 2)),
        0.01 * rng.standard_normal((CAMERAS, 2)),
    )
    return {
        "cameras": np.concatenate(parts, axis=1),
        "points": rng.uniform(-1.0, 1.0, (POINTS, 3)) + [0.0, 0.0, 5.0],
        "weights": rng.uniform(0.5, 1.0, p),
        "features": 50.0 * rng.standard_normal((p, 2)),
        "camera_of": np.arange(p) % CAMERAS,
        "point_of": np.arange(p) % POINTS,
    }


def pattern(data: Data) -> tuple[np.ndarray, np.ndarray]:
    """Where each row of the Jacobian begins, and the column of each of its values."""
    p, point_columns = len(data["weights"]), 11 * len(data["cameras"])
    weight_columns = point_columns + 3 * len(data["points"]) + np.arange(p)[:, None]
    camera = 11 * data["camera_of"][:, None] + np.arange(11)
    point = point_columns + 3 * data["point_of"][:, None] + np.arange(3)
    columns = np.repeat(np.concatenate([camera, point, weight_columns], axis=1), 2, axis=0)
    lengths = np.concatenate([np.full(2 * p, 15), np.ones(p, int)])
    return np.concatenate([[0], np.cumsum(lengths)]), np.concatenate([columns.ravel(), weight_columns.ravel()])


def matrix(values: np.ndarray, data: Data) -> csr_array:
    """The sparse Jacobian: (3 p, 11 n + 3 m + p)."""
    starts, columns = pattern(data)
    unknowns = data["cameras"].size + data["points"].size + data["weights"].size
    return csr_array((values, columns, starts), (3 * len(data["weights"]), unknowns))


# NumPy -----------------------------------------------------------------------------------------------------------
def rotate(r, x):
    """Rodrigues' formula; the identity for no rotation."""
    square = np.sum(r * r)
    angle = np.sqrt(np.where(square > 0.0, square, 1.0))
    axis = r / angle
    turned = x * np.cos(angle) + np.cross(axis, x) * np.sin(angle) + axis * (axis @ x) * (1.0 - np.cos(angle))
    return np.where(square > 0.0, turned, x + np.cross(r, x))


def residual(camera, point, weight, feature):
    seen = rotate(camera[:3], point - camera[3:6])
    u = seen[:2] / seen[2]
    square = np.sum(u * u)
    u = u * (1.0 + camera[9] * square + camera[10] * square**2)
    return weight * (u * camera[6] + camera[7:9] - feature)


def wengert(data: Data) -> Subject:
    import wengert as wg

    def residuals(cameras, points, weights, features, camera_of, point_of):
        errors = wg.vmap(residual)(cameras[camera_of], points[point_of], weights, features)
        return errors, 1.0 - weights**2

    def jacobian(cameras, points, weights, features, camera_of, point_of):
        blocks = wg.vmap(wg.jacrev(residual, argnums=(0, 1, 2)))
        camera, point, weight = blocks(cameras[camera_of], points[point_of], weights, features)
        values = np.concatenate([camera, point, weight[..., None]], axis=2)  # (p, 2, 15)
        return np.concatenate([values.reshape(-1), -2.0 * weights])

    return Subject(residuals, tuple(data.values()), derivative=jacobian)


# JAX -------------------------------------------------------------------------------------------------------------
def jax(data: Data) -> Subject:
    import jax
    import jax.numpy as jnp

    def rotate(r, x):
        square = jnp.sum(r * r)
        angle = jnp.sqrt(jnp.where(square > 0.0, square, 1.0))
        axis = r / angle
        turned = x * jnp.cos(angle) + jnp.cross(axis, x) * jnp.sin(angle) + axis * (axis @ x) * (1.0 - jnp.cos(angle))
        return jnp.where(square > 0.0, turned, x + jnp.cross(r, x))

    def residual(camera, point, weight, feature):
        seen = rotate(camera[:3], point - camera[3:6])
        u = seen[:2] / seen[2]
        square = jnp.sum(u * u)
        u = u * (1.0 + camera[9] * square + camera[10] * square**2)
        return weight * (u * camera[6] + camera[7:9] - feature)

    def residuals(cameras, points, weights, features, camera_of, point_of):
        errors = jax.vmap(residual)(cameras[camera_of], points[point_of], weights, features)
        return errors, 1.0 - weights**2

    def jacobian(cameras, points, weights, features, camera_of, point_of):
        blocks = jax.vmap(jax.jacrev(residual, argnums=(0, 1, 2)))
        camera, point, weight = blocks(cameras[camera_of], points[point_of], weights, features)
        values = jnp.concatenate([camera, point, weight[..., None]], axis=2)
        return jnp.concatenate([values.reshape(-1), -2.0 * weights])

    return Subject(residuals, tuple(jnp.asarray(a) for a in data.values()), derivative=jacobian)


# PyTorch ---------------------------------------------------------------------------------------------------------
def torch(data: Data) -> Subject:
    import torch

    def rotate(r, x):
        square = torch.sum(r * r)
        angle = torch.sqrt(torch.where(square > 0.0, square, 1.0))
        axis = r / angle
        cross = torch.linalg.cross
        turned = x * torch.cos(angle) + cross(axis, x) * torch.sin(angle) + axis * (axis @ x) * (1.0 - torch.cos(angle))
        return torch.where(square > 0.0, turned, x + cross(r, x))

    def residual(camera, point, weight, feature):
        seen = rotate(camera[:3], point - camera[3:6])
        u = seen[:2] / seen[2]
        square = torch.sum(u * u)
        u = u * (1.0 + camera[9] * square + camera[10] * square**2)
        return weight * (u * camera[6] + camera[7:9] - feature)

    def residuals(cameras, points, weights, features, camera_of, point_of):
        errors = torch.vmap(residual)(cameras[camera_of], points[point_of], weights, features)
        return errors, 1.0 - weights**2

    def jacobian(cameras, points, weights, features, camera_of, point_of):
        blocks = torch.vmap(torch.func.jacrev(residual, argnums=(0, 1, 2)))
        camera, point, weight = blocks(cameras[camera_of], points[point_of], weights, features)
        values = torch.cat([camera, point, weight[..., None]], 2)
        return torch.cat([values.reshape(-1), -2.0 * weights])

    return Subject(residuals, tuple(torch.from_numpy(a) for a in data.values()), derivative=jacobian)


# C ---------------------------------------------------------------------------------------------------------------
def c(data: Data) -> Subject:
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "ba.so"
        source = Path(__file__).with_name("ba.c")
        command = ["cc", "-O3", "-march=native", "-shared", "-fPIC", "-o", str(target), str(source), "-lm"]
        subprocess.run(command, check=True)
        compiled = ctypes.CDLL(str(target)).residuals
    inputs = [np.ascontiguousarray(a) for a in data.values()]
    p = len(data["weights"])
    errors, weight_errors = np.empty((p, 2)), np.empty(p)
    pointers = [ctypes.c_void_p(a.ctypes.data) for a in (*inputs, errors, weight_errors)]

    def residuals(*arrays):  # `arrays` keeps alive what the pointers point to
        compiled(ctypes.c_int64(p), *pointers)
        return errors, weight_errors

    return Subject(residuals, tuple(inputs))


PROGRAM = Program(
    name="bundle",
    title=f"Bundle adjustment, sparse Jacobian, {OBSERVATIONS} observations",
    kind="sparse",
    data=data,
    families={"wengert": wengert, "jax": jax, "torch": torch, "c": c},
    left_out={"autograd": "has no vmap: one Jacobian an observation takes minutes"},
)

if __name__ == "__main__":
    quick.main(PROGRAM)
