"""Builds a JupyterLite site into the built book: chapters and problem sets that run in the reader's own browser.

    make lite                           Python itself, Pyodide, comes from cdn.jsdelivr.net while a reader runs cells
    make lite PYODIDE=path/to/pyodide   it comes from the site: an unpacked Pyodide distribution lies there

JupyterLite has an environment of its own, `_build/lite/env`, since what it adds to a JupyterLab is of no use in ours.
The course's library lies in the site as a wheel, and in Pyodide's list of packages; so a notebook's first import loads
it, and no notebook has to be changed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
import launch

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "_build" / "html" / "lite"
WORK = ROOT / "_build" / "lite"
LOCK = ROOT / "tools" / "pyodide-lock.json"
KERNEL = "@jupyterlite/pyodide-kernel-extension:kernel"

#: What the course and JupyterLite's kernel import of Pyodide's packages.
NEEDED = ("ipython", "jedi", "matplotlib", "micropip", "numpy", "pygments", "scikit-learn", "scipy", "sqlite3")
#: What they import beyond that, with what it needs: pure Python, from PyPI, in the versions that are installed here.
PURE = {
    "array-api-compat": ["numpy"],
    "array-api-strict": ["numpy"],
    "comm": ["traitlets"],
    "mpmath": [],
    "rich": ["pygments"],
}
LIBRARY = ["array-api-compat", "matplotlib", "mpmath", "numpy", "rich", "scikit-learn", "scipy"]
#: The rest of a distribution that a browser loads.
CORE = ("pyodide.js", "pyodide.mjs", "pyodide.asm.js", "pyodide.asm.wasm", "python_stdlib.zip")


def reduced(lock: dict[str, Any]) -> dict[str, Any]:
    """Return a list of Pyodide's packages that holds what is needed here, and what that needs.

    Raises
    ------
    SystemExit
        A package is missing.
    """
    packages, todo = {}, list(NEEDED)
    while todo:
        name = todo.pop().lower().replace("_", "-")
        if name not in lock["packages"]:
            raise SystemExit(f"error: this Pyodide has no package {name}, which the course needs")
        if name not in packages:
            packages[name] = lock["packages"][name]
            todo += packages[name]["depends"]
    return {"info": lock["info"], "packages": dict(sorted(packages.items()))}


def entry(wheel: Path, depends: list[str]) -> dict[str, Any]:
    """Return what Pyodide's list says of a wheel that lies beside it."""
    name, number = wheel.name.split("-")[:2]
    return {
        "name": name.replace("_", "-"),
        "version": number,
        "file_name": wheel.name,
        "install_dir": "site",
        "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
        "package_type": "package",
        "imports": ["course_lib"] if name == "sigmoid_course" else [name],
        "depends": depends,
        "unvendored_tests": False,
    }


def pyodide_files(distribution: Path, lock: dict[str, Any]) -> list[Path]:
    """Return the files of a distribution that the site needs.

    Raises
    ------
    SystemExit
        Some are not there.
    """
    files = [distribution / name for name in (*CORE, *(about["file_name"] for about in lock["packages"].values()))]
    missing = [path.name for path in files if not path.is_file()]
    if missing:
        raise SystemExit(
            f"error: {distribution} lacks {len(missing)} files, {missing[0]} among them. PYODIDE has to name an "
            "unpacked full distribution, pyodide-VERSION.tar.bz2 of Pyodide's releases, not the core alone."
        )
    return files


def _environment() -> Path:
    """Make the environment that holds JupyterLite; return its `jupyter-lite`."""
    wanted, env = (ROOT / "requirements-lite.txt").read_text(encoding="utf-8"), WORK / "env"
    program = env / ("Scripts/jupyter-lite.exe" if sys.platform == "win32" else "bin/jupyter-lite")
    stamp = env / "ready"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
        print("Installing JupyterLite into _build/lite/env.", flush=True)
        uv = [sys.executable, "-m", "uv"]
        subprocess.run([*uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(env)], check=True)
        packages = ["-r", str(ROOT / "requirements-lite.txt")]
        subprocess.run([*uv, "pip", "install", "--quiet", "--python", str(env), *packages], check=True)
        stamp.write_text(wanted, encoding="utf-8")
    return program


def _elsewhere(listed: str) -> str:
    """Return the address from which JupyterLite's kernel loads Pyodide; its version has to be the one we list."""
    schema = SITE / "extensions" / KERNEL.split(":")[0] / "static/schema/kernel.v0.schema.json"
    address: str = json.loads(schema.read_text(encoding="utf-8"))["properties"]["pyodideUrl"]["default"]
    if f"/v{listed}/" not in address:
        raise SystemExit(
            f"error: tools/pyodide-lock.json lists Pyodide {listed}, and JupyterLite loads {address}. Unpack that "
            "release's core and run: .venv/bin/python tools/lite.py --renew FOLDER"
        )
    return address.rsplit("/", 1)[0] + "/"


def renew(core: Path) -> None:
    """Write `tools/pyodide-lock.json` anew, from a release of Pyodide."""
    lock = reduced(json.loads((core / "pyodide-lock.json").read_text(encoding="utf-8")))
    lock["info"]["version"] = json.loads((core / "package.json").read_text(encoding="utf-8"))["version"]
    LOCK.write_text(json.dumps(lock, indent=1) + "\n", encoding="utf-8")


def _wheels(folder: Path) -> list[tuple[Path, list[str]]]:
    """Put the wheels that Pyodide does not have into a folder; return them with what they need."""
    course = launch.build_wheel(ROOT, folder)
    names = [f"{name}=={version(name)}" for name in PURE]
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder)]
    subprocess.run([*pip, *names], check=True)
    found = {path.name.split("-")[0].replace("_", "-"): path for path in folder.glob("*.whl")}
    return [(course, LIBRARY), *((found[name], depends) for name, depends in PURE.items())]


def _contents(folder: Path) -> None:
    """Copy what a reader finds in the site's file list: notebooks, and what chapters read and show."""
    wanted = ["book/*.ipynb", "book/_static/benchmarks/*.json", "book/_static/explore/stills/*"]
    files = [path.relative_to(ROOT) for pattern in wanted for path in ROOT.glob(pattern)]
    for path in (*files, *launch.problem_sets(ROOT).values()):
        copy = folder / path
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, copy)


def build(distribution: Path | None) -> None:
    """Build the site, with Pyodide in it where a distribution is given."""
    lock = reduced(json.loads((distribution / "pyodide-lock.json" if distribution else LOCK).read_text("utf-8")))
    own = pyodide_files(distribution, lock) if distribution else []
    program = _environment()
    source, wheels = WORK / "site", WORK / "wheels"
    for folder in (SITE, source, wheels):
        shutil.rmtree(folder, ignore_errors=True)
    _contents(source / "files")

    # One folder for the list, the wheels and Pyodide, if it is ours: names in the list are relative to the list.
    # What is not in the list is not to be had: the kernel would ask PyPI.
    kernel: dict[str, Any] = {
        "disablePyPIFallback": True,
        "loadPyodideOptions": {"lockFileURL": "./static/pyodide/pyodide-lock.json"},
    }
    if distribution:
        kernel["pyodideUrl"] = "./static/pyodide/pyodide.js"
    config = {"appName": "The Sigmoid Course", "litePluginSettings": {KERNEL: kernel}}
    (source / "jupyter-lite.json").write_text(
        json.dumps({"jupyter-lite-schema-version": 0, "jupyter-config-data": config}), encoding="utf-8"
    )
    options = [
        "--lite-dir",
        str(source),
        "--contents",
        str(source / "files"),
        "--output-dir",
        str(SITE),
        "--apps",
        "lab",
    ]
    command = [str(program), "build", *options, "--no-sourcemaps", "--no-libarchive"]
    # Where it runs JupyterLite notes what it has done, and would leave it out next time; this folder is new each time.
    done = subprocess.run(command, cwd=source, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{done.stdout}\nerror: JupyterLite could not be built, see above")

    place = SITE / "static" / "pyodide"
    place.mkdir(parents=True)
    for path in own:
        shutil.copy(path, place / path.name)
    if distribution is None:
        elsewhere = _elsewhere(lock["info"]["version"])
        for package in lock["packages"].values():
            package["file_name"] = elsewhere + package["file_name"]
    for wheel, depends in _wheels(wheels):
        shutil.copy(wheel, place / wheel.name)
        about = entry(wheel, depends)
        lock["packages"][about["name"]] = about
    (place / "pyodide-lock.json").write_text(json.dumps(lock), encoding="utf-8")


def main() -> int:
    """Build the site, or renew the list of Pyodide's packages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pyodide", type=Path, metavar="FOLDER", help="an unpacked Pyodide distribution")
    parser.add_argument("--renew", type=Path, metavar="FOLDER", help="write tools/pyodide-lock.json from this release")
    options = parser.parse_args()
    if options.renew:
        renew(options.renew)
        return 0
    if not (SITE.parent / "index.html").exists():
        raise SystemExit("error: the book is not built; run: make lite")
    build(options.pyodide)
    size = sum(path.stat().st_size for path in SITE.rglob("*") if path.is_file()) / 1e6
    print(f"JupyterLite built: _build/html/lite, {size:.0f} MB")
    if options.pyodide is None:
        print("Its cells fetch Pyodide from cdn.jsdelivr.net when a reader runs them. The book's pages fetch nothing.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
