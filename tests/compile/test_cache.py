"""Object code on disk: found again by later processes, private, bounded, and never a reason to fail."""

import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import wengert as wg
from wengert.compile.machine import cache, llvm

PROGRAMS = """
import hashlib, json, sys
import numpy as np
import wengert as wg

def newton(a):
    return wg.while_loop(lambda x: abs(x * x - a) > 1e-12, lambda x: 0.5 * (x + a / x), a)

def model(p, x):
    h = np.tanh(x @ p["w"] + p["b"])
    solved = np.linalg.solve(p["w"], p["b"])
    return np.sum(np.log(np.exp(h) + np.cos(h) ** 2)) + np.sum(solved) + np.sum(np.sort(p["b"]))

p, x = {"w": np.eye(5) + 0.1, "b": np.arange(5.0)}, np.ones((20, 5))
calls = [(newton, 2.0), (wg.grad(newton), 2.0), (wg.vmap(wg.grad(newton)), x[0]), (wg.grad(model), p, x)]
functions = [wg.jit(f) for f, *_ in calls]
texts = [f.llvm(*args) for f, (_, *args) in zip(functions, calls)]
values = [np.asarray(wg.tree_map(np.sum, f(*args)) if k < 3 else f(*args)["w"]).tolist()
          for k, (f, (_, *args)) in enumerate(zip(functions, calls))]
cached = [f.look(tuple(args), {}).native.cached for f, (_, *args) in zip(functions, calls)]
print(json.dumps([[hashlib.sha256(t.encode()).hexdigest() for t in texts], values, cached]))
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty cache."""
    monkeypatch.setenv("WENGERT_CACHE_DIR", str(tmp_path / "code"))
    return tmp_path / "code"


def compiled():
    """Was the code of a new function with one text found on disk? Its value must be right either way."""
    f = wg.jit(lambda x: np.sum(np.exp(x) * 3.0))
    np.testing.assert_allclose(f(np.arange(4.0)), 3.0 * np.exp(np.arange(4.0)).sum(), rtol=1e-14)
    return not f.look((np.arange(4.0),), {}).native.cached


def run(seed, folder):
    environment = {**os.environ, "PYTHONHASHSEED": str(seed), "WENGERT_CACHE_DIR": str(folder)}
    found = subprocess.run(
        [sys.executable, "-c", PROGRAMS],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(wg.__file__).parents[1],
    )
    return json.loads(found.stdout)


def test_processes_write_one_text_and_the_second_compiles_nothing(tmp_path):
    texts, values, cached = run(1, tmp_path / "code")
    again = run(271828, tmp_path / "code")
    assert again[0] == texts
    assert again[1] == values
    assert cached == [False] * 4
    assert again[2] == [True] * 4


def test_a_second_function_of_one_text_is_found(folder):
    assert compiled()
    assert not compiled()
    assert len(list(folder.glob("*.o"))) >= 1


def test_it_is_private(folder):
    compiled()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {f.stat().st_mode & 0o777 for f in folder.iterdir()} == {0o600}


def test_no_stage_of_llvm_runs_when_it_is_found(folder, monkeypatch):
    compiled()
    monkeypatch.setattr(llvm, "optimised", None)
    monkeypatch.setattr(llvm, "object_code", None)
    assert not compiled()


@pytest.mark.parametrize(
    "damage",
    [
        lambda b: b"",
        lambda b: b[:10],
        lambda b: b[:-1],
        lambda b: b[:100] + bytes([b[100] ^ 1]) + b[101:],
        lambda b: b + b"x",
    ],
)
def test_a_damaged_file_is_replaced(folder, damage):
    compiled()
    for file in folder.glob("*.o"):
        file.write_bytes(damage(file.read_bytes()))
    assert compiled()
    assert not compiled()


def test_off(folder, monkeypatch):
    monkeypatch.setenv("WENGERT_CACHE_DIR", "")
    assert compiled()
    assert compiled()
    assert not folder.exists()


def test_a_folder_that_others_write_is_not_used(folder):
    folder.mkdir()
    folder.chmod(0o777)
    assert compiled()
    assert compiled()
    assert list(folder.iterdir()) == []


def test_a_folder_that_cannot_be_made(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("WENGERT_CACHE_DIR", str(tmp_path / "file" / "code"))
    assert compiled()
    assert compiled()


def test_a_disk_that_is_full(folder, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    compiled()
    for file in folder.iterdir():
        file.unlink()
    monkeypatch.setattr(os, "replace", full)
    assert compiled()
    assert list(folder.iterdir()) == []


def test_where_it_is_by_default(monkeypatch, tmp_path):
    monkeypatch.delenv("WENGERT_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    assert cache.directory() == tmp_path / "wengert"
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    assert cache.directory() == tmp_path / "me" / "Library" / "Caches" / "wengert"


def test_the_key_knows_text_and_machine(monkeypatch):
    before = cache.key("a"), cache.key("b")
    assert before[0] != before[1]
    cache.compiler.cache_clear()
    monkeypatch.setattr(llvm, "description", lambda: ("another", "CPU"))
    try:
        assert cache.key("a") not in before
    finally:
        cache.compiler.cache_clear()


def test_what_was_not_used_for_longest_goes_first(folder, monkeypatch):
    folder.mkdir(mode=0o700)
    paths = [folder / f"{k}.o" for k in range(5)]
    for k, path in enumerate(paths):
        cache.write(path, bytes(1000))
        os.utime(path, (1000 + k, 1000 + k))
    assert cache.read(paths[0]) == bytes(1000)  # now it is the latest
    (folder / "not ours").write_bytes(bytes(5000))
    monkeypatch.setattr(cache, "LIMIT", 2 * paths[0].stat().st_size + 10)
    cache.trim(folder, keep=paths[1])
    assert sorted(p.name for p in folder.iterdir()) == ["0.o", "1.o", "4.o", "not ours"]


def test_many_write_and_read_at_once(folder):
    folder.mkdir(mode=0o700)
    path, wrong = folder / "x.o", []
    codes = [hashlib.sha256(bytes([k])).digest() * 2000 for k in range(4)]
    until = time.monotonic() + 0.5

    def work(code):
        while time.monotonic() < until:
            cache.write(path, code)
            found = cache.read(path)
            if found is not None and found not in codes:
                wrong.append(found)

    threads = [threading.Thread(target=work, args=(code,)) for code in codes]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong
    assert cache.read(path) in codes
    assert [p.name for p in folder.iterdir()] == ["x.o"]
