"""axe-core, which looks for what readers with disabilities would stumble over: fetched from npm once, and checked.

https://github.com/dequelabs/axe-core . It is used by tests alone, and no part of the package.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

VERSION = "4.14.1"
INTEGRITY = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="  # sha512
FOLDER = Path(__file__).parents[1] / ".cache" / "axe-core"


class Missing(Exception):
    """It could not be had; why."""


def source() -> str:
    """The script, from .cache/ or by npm."""
    tarball = FOLDER / f"axe-core-{VERSION}.tgz"
    if not tarball.exists():
        fetch(tarball)
    found = base64.b64encode(hashlib.sha512(tarball.read_bytes()).digest()).decode()
    if found != INTEGRITY:
        raise AssertionError(f"{tarball} is not axe-core {VERSION}: its sha512 is {found}")
    with tarfile.open(tarball) as archive:
        script = archive.extractfile("package/axe.min.js")
        assert script is not None
        return script.read().decode()


def fetch(tarball: Path) -> None:
    """`npm pack`; put in place in one step, since several processes may do so at once."""
    npm = shutil.which("npm")
    if npm is None:
        raise Missing(f"axe-core {VERSION} is fetched by npm, which is not installed")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        command = [npm, "pack", "--silent", f"axe-core@{VERSION}", "--pack-destination", folder]
        own = {**os.environ, "HOME": folder, "npm_config_cache": f"{folder}/npm"}  # it leaves nothing elsewhere
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=folder, env=own)
        if done.returncode:
            raise Missing(f"npm pack axe-core@{VERSION}: {done.stderr.strip()[-300:]}")
        os.replace(Path(folder) / tarball.name, tarball)


def violations(browser: Any, script: str) -> list[str]:
    """What axe-core finds in the page that is open: rule, then the elements."""
    browser.js(script + "; true")
    found = browser.js("axe.run(document, {resultTypes: ['violations']}).then(r => JSON.stringify(r.violations))")
    return [f"{v['id']}: {v['help']}: {[n['html'][:160] for n in v['nodes'][:3]]}" for v in json.loads(found)]
