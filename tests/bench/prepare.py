"""What the benchmark needs, made where it is missing: Python packages, assay, the program, the peer."""

from __future__ import annotations

import datetime
import hashlib
import io
import json
import os
import platform
import subprocess
import sys
import tarfile
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # Imported before the Python packages are there.
    from client import Spec

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
PEER_VERSION = "0.22.0"


def home() -> Path:
    """Where everything that is worth keeping between two runs lies."""
    named = os.environ.get("ASSAY_BENCH_HOME")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = Path(named) if named else cache / "assay-bench"
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()


def enter_python() -> None:
    """Goes on in an environment with jupyter_client."""
    interpreter = python("requirements.txt")
    if Path(sys.prefix).resolve() != interpreter.parent.parent:
        os.execv(interpreter, [str(interpreter), *sys.argv])


def python(requirements: str) -> Path:
    """The interpreter of an environment with what that file names, which is made first where it is missing."""
    file = HERE / requirements
    digest = hashlib.sha256(file.read_bytes() + sys.version.encode()).hexdigest()[:12]
    folder = home() / f"python-{digest}"
    interpreter = folder / "bin" / "python"
    if not (folder / "ready").exists():
        _run([sys.executable, "-m", "venv", "--clear", str(folder)])
        install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(file)]
        _run([str(interpreter), *install])
        (folder / "ready").touch()
    return interpreter


def pinned(requirements: str) -> list[str]:
    """What that file names, with the versions."""
    lines = (HERE / requirements).read_text().splitlines()
    return [line.replace("==", " ") for line in lines if "==" in line]


def assay(binary: Path | None, prefix: Path) -> Spec:
    """assay with its environment built; `binary`: one that is built already."""
    binary = binary.resolve() if binary else program()
    _run([str(binary), "env", "build"])
    _run([str(binary), "install", "--prefix", str(prefix), "--name", "assay-bench"])
    return _spec("assay", prefix / "share/jupyter/kernels/assay-bench/kernel.json")


def program() -> Path:
    """The program `assay` of this checkout, built."""
    _run(["cargo", "build", "--release", "--quiet", "-p", "cli"], cwd=REPOSITORY)
    return _target() / "release" / "assay"


def step() -> Path:
    """The program with the same training loop."""
    target = home() / "step"
    _run(
        ["cargo", "build", "--release", "--quiet", "--locked"], cwd=HERE / "step", env={"CARGO_TARGET_DIR": str(target)}
    )
    return target / "release" / "step"


def example(name: str) -> Path:
    """A program of the tracker's that is timed, built."""
    command = ["cargo", "build", "--release", "--quiet", "-p", "tracker", "--example", name]
    subprocess.run(command, cwd=REPOSITORY, env={**os.environ, "SQLX_OFFLINE": "true"}, check=True)
    return _target() / "release" / "examples" / name


def _target() -> Path:
    metadata = ["cargo", "metadata", "--no-deps", "--format-version", "1"]
    return Path(json.loads(subprocess.check_output(metadata, cwd=REPOSITORY))["target_directory"])


def peer(prefix: Path) -> tuple[Spec, Path]:
    """evcxr_jupyter, and the folder in which it finds its dependencies built."""
    root = home() / "evcxr"
    binary = root / "bin" / "evcxr_jupyter"
    if not binary.exists():
        version = ["--locked", "--version", PEER_VERSION]
        _run(
            ["cargo", "install", "evcxr_jupyter", *version, "--root", str(root)],
            cwd=root.parent,
            env={"CARGO_TARGET_DIR": str(home() / "evcxr-target")},
        )
    data = prefix / "share" / "jupyter"
    _run([str(binary), "--install"], env={"JUPYTER_PATH": str(data)})
    config = home() / "evcxr-config"
    built = home() / "evcxr-built"
    for folder in (config, built):
        folder.mkdir(exist_ok=True)
    env = {
        # The compiler that assay uses.
        "RUSTUP_TOOLCHAIN": _channel(),
        # Without them evcxr falls back to what is far slower.
        "RUST_SRC_PATH": str(_rust_sources()),
        # Its cells name std by a relative path that is right only where nothing but `/` is above both.
        "LD_LIBRARY_PATH": _rustc("--print", "target-libdir"),
        # Nothing of the person's own settings.
        "EVCXR_CONFIG_DIR": str(config),
    }
    return _spec("evcxr", data / "kernels/rust/kernel.json", env, patience=600), built


def machine() -> dict[str, str]:
    model = next(
        (
            line.split(":")[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    memory = int(Path("/proc/meminfo").read_text().split()[1]) / 1024 / 1024
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--exclude=*"], cwd=REPOSITORY, capture_output=True, text=True
    )
    return {
        "machine": f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB",
        "rustc": _rustc("--version").split()[1],
        "checkout": commit.stdout.strip() or "unknown",
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "load before": f"{os.getloadavg()[0]:.1f}",
    }


def _rust_sources() -> Path:
    """The standard library's sources: the toolchain's own (`rustup component add rust-src`), or a download."""
    own = Path(_rustc("--print", "sysroot")) / "lib/rustlib/src/rust/library"
    if own.exists():
        return own
    name = f"rust-src-{_channel()}"
    folder = home() / name
    library = folder / "rust-src/lib/rustlib/src/rust/library"
    if not library.exists():
        with urllib.request.urlopen(f"https://static.rust-lang.org/dist/{name}.tar.xz") as response:
            archive = tarfile.open(fileobj=io.BytesIO(response.read()))
        archive.extractall(home(), filter="data")
    return library


def _rustc(*arguments: str) -> str:
    """What the compiler that this checkout pins answers."""
    return subprocess.check_output(["rustc", *arguments], cwd=REPOSITORY, text=True).strip()


def _channel() -> str:
    for line in (REPOSITORY / "rust-toolchain.toml").read_text().splitlines():
        if line.startswith("channel"):
            return line.split('"')[1]
    raise SystemExit("rust-toolchain.toml names no channel")


def _spec(who: str, file: Path, env: dict[str, str] | None = None, patience: float = 120.0) -> Spec:
    from client import Spec

    described = json.loads(file.read_text())
    return Spec(who, described["argv"], described.get("env", {}) | (env or {}), patience)


def _run(command: list[str], cwd: Path | None = None, env: dict[str, str] | None = None) -> None:
    """What it prints is progress."""
    done = subprocess.run(command, cwd=cwd, env=os.environ | (env or {}), stdout=sys.stderr)
    if done.returncode:
        raise SystemExit(f"`{' '.join(command)}` failed with {done.returncode}; its message is above")
