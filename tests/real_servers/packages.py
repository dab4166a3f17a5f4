"""Servers in venvs of their own, under a folder that the caller names."""

import subprocess
import sys
from pathlib import Path


def venv(folder: Path, name: str, *requirements: str, without_dependencies: tuple[str, ...] = ()) -> None:
    """A new venv with those packages.

    Raises:
        RuntimeError: pip did not succeed; with its last words.
    """
    python = folder / name / "bin" / "python"
    run([sys.executable, "-m", "venv", str(folder / name)])
    run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements])
    if without_dependencies:
        run([str(python), "-m", "pip", "install", "--quiet", "--no-deps", *without_dependencies])


def run(command: list[str], cwd: Path | None = None) -> None:
    """Run to its end; RuntimeError with its last words unless it succeeds."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        words = (done.stderr or done.stdout).strip().splitlines()[-3:]
        raise RuntimeError(f"{' '.join(command[:6])} ... ended with exit code {done.returncode}: {' | '.join(words)}")


def version_of(folder: Path, name: str, package: str) -> str | None:
    """The version of a package in one of those venvs; None if it is not there."""
    python = folder / name / "bin" / "python"
    if not python.exists():
        return None
    script = "import sys; from importlib.metadata import version; print(version(sys.argv[1]))"
    done = subprocess.run([python, "-c", script, package], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def not_there(folder: Path, name: str) -> str:
    """What to say of a server that is not installed."""
    return f"not installed under {folder}; python -m tests.real_servers.run {name} --install --folder {folder}"
