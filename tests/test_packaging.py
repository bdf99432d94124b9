"""What is installed is what is meant: the wheel, its metadata, and what `import wengert` loads."""

import os
import subprocess
import sys
import tomllib
import zipfile
from email import message_from_string
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NEVER_PINNED = ("mpi", "cuda")  # not installed by `make test`
SLOW = ("cupy", "jax", "llvmlite", "matplotlib", "mpi4py", "rich", "scipy", "sympy", "torch")


def python(*arguments, cwd):
    """Runs this Python; returns what it printed."""
    done = subprocess.run([sys.executable, *arguments], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from the source distribution as an index would have it."""
    out = tmp_path_factory.mktemp("dist")
    python("-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT), cwd=out)
    (path,) = out.glob("*.whl")
    return path


def test_wheel_is_pure_and_holds_the_package_only(wheel):
    assert wheel.name == f"wengert-{PROJECT['version']}-py3-none-any.whl"
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {"wengert", f"wengert-{PROJECT['version']}.dist-info"}
    kinds = (".py", ".css", ".js")
    files = (path for path in (ROOT / "wengert").rglob("*") if path.suffix in kinds)
    in_checkout = {path.relative_to(ROOT).as_posix() for path in files}
    assert in_checkout <= set(names)
    assert "wengert/py.typed" in names
    assert not [name for name in names if name.endswith((".pyc", ".so", ".pyd", ".dylib"))]


def test_wheel_metadata(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = message_from_string(archive.read(name).decode())
        assert any(name.endswith("licenses/LICENSE") for name in archive.namelist())
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["Description-Content-Type"] == "text/markdown"
    required = map(Requirement, metadata.get_all("Requires-Dist"))
    always = {requirement.name for requirement in required if not requirement.marker}
    assert always == {Requirement(text).name for text in PROJECT["dependencies"]}


def test_wheel_imports_from_itself(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path)
    script = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import wengert; print(wengert.__file__)"
    assert Path(python("-I", "-c", script, cwd=tmp_path).strip()).is_relative_to(tmp_path)


def test_version():
    import wengert

    assert version("wengert") == PROJECT["version"]
    assert getattr(wengert, "__version__", PROJECT["version"]) == PROJECT["version"]


def test_public_names_have_docstrings():
    import wengert

    assert wengert.__doc__
    public = {name: getattr(wengert, name) for name in getattr(wengert, "__all__", ())}
    assert not [name for name, value in public.items() if callable(value) and not value.__doc__]


def test_import_loads_nothing_slow(tmp_path):
    loaded = python("-c", "import sys, wengert; print(*sys.modules)", cwd=tmp_path).split()
    assert "numpy" in loaded
    assert not {name.split(".")[0] for name in loaded} & set(SLOW)


def test_import_loads_little_of_python(tmp_path):
    """What the compiler alone needs of the standard library, and takes longer to load than the compiler itself."""
    script = "import sys, numpy, optree; before = set(sys.modules); import wengert; print(*set(sys.modules) - before)"
    loaded = set(python("-c", script, cwd=tmp_path).split())
    assert "wengert.compile.machine.cache" in loaded
    assert not loaded & {"hashlib", "importlib.resources", "random", "shutil", "tempfile"}


def test_every_requirement_is_pinned():
    pins = {}
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            pin = Requirement(line)
            pins[canonicalize_name(pin.name)] = str(pin.specifier).removeprefix("==")
    groups = {"": PROJECT["dependencies"], **PROJECT["optional-dependencies"]}
    for group, texts in groups.items():
        for requirement in map(Requirement, texts):
            name = canonicalize_name(requirement.name)
            if group in NEVER_PINNED or name == "wengert":
                continue
            if group == "bench" and str(requirement.specifier).startswith("=="):
                continue
            assert name in pins, f"{requirement} of [{group}] is not in constraints.txt"
            assert requirement.specifier.contains(pins[name]), f"{requirement} against {pins[name]}"


def test_extras_name_extras_that_exist():
    extras = set(PROJECT["optional-dependencies"])
    for texts in PROJECT["optional-dependencies"].values():
        for requirement in map(Requirement, texts):
            if requirement.name == "wengert":
                assert requirement.extras <= extras


def test_continuous_integration_runs_make_test():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert script.read_text(encoding="utf-8").splitlines()[-1] == "exec make test"
