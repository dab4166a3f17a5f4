"""The manners of the house, held by reading the source: which way imports run, and what must never be committed."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("flows", "warehouse", "probes", "ui")
ALLOWED = {"flows": {"warehouse", "probes"}, "ui": {"warehouse"}, "warehouse": set(), "probes": set()}
# Each outside library has one home.
HOMES = {
    "prefect": {"flows"},
    "duckdb": {"warehouse"},
    "polars": {"warehouse"},
    "genai_prices": {"warehouse"},
    "ecologits": {"warehouse"},
    "streamlit": {"ui"},
    "altair": {"ui"},
    "pydantic": {"flows"},
    "rich": {"flows"},
    "httptools": {"probes"},
    "botocore": {"probes"},
    "httpx": {"probes"},
    "ssl": {"probes"},
    "pynvml": {"probes"},
    "psutil": {"probes"},
    "codecarbon": {"probes"},
    "xllamacpp": {"probes"},
    "gguf": {"probes"},
    "numpy": {"warehouse", "probes"},
}
FORMULAS_MAY = {"numpy", "warehouse"}


def sources(room: str) -> Iterator[Path]:
    yield from sorted((ROOT / room).rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Top-level names that a file imports, wherever in the file."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide which room they reach into"
            names.add((node.module or "").split(".")[0])
    return names


@pytest.mark.parametrize("room", ROOMS)
def test_imports_run_one_way(room):
    for path in sources(room):
        foreign = imported(path) & set(ROOMS) - {room} - ALLOWED[room]
        assert not foreign, (
            f"{path.relative_to(ROOT)} imports {foreign}; allowed is {ALLOWED[room] or 'nothing of ours'}"
        )


@pytest.mark.parametrize("room", ROOMS)
def test_each_outside_library_has_one_home(room):
    for path in sources(room):
        astray = {name for name in imported(path) if name in HOMES and room not in HOMES[name]}
        assert not astray, f"{path.relative_to(ROOT)} imports {astray}, which live in {[HOMES[a] for a in astray]}"


def test_prefect_is_imported_by_the_flows_that_prefect_runs_and_nowhere_else():
    using = {p.relative_to(ROOT).as_posix() for p in sources("flows") if "prefect" in imported(p)}
    assert using <= {
        "flows/nightly.py", "flows/pulse_flow.py", "flows/flow_run.py", "flows/reference.py", "flows/commands/night.py",
    }  # fmt: skip


def test_formulas_stand_on_the_standard_library_and_numpy():
    for path in sources("warehouse/formulas"):
        foreign = imported(path) - set(sys.stdlib_module_names) - FORMULAS_MAY
        assert not foreign, f"{path.relative_to(ROOT)} imports {foreign}"
        inside = {
            node.module
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("warehouse")
        }
        assert all(m.startswith("warehouse.formulas") for m in inside), f"{path} reaches out of formulas: {inside}"


@pytest.mark.parametrize("room", ["probes.load.client", "warehouse.query", "warehouse.landing", "warehouse.loader"])
def test_importing_a_room_loads_neither_prefect_nor_streamlit(room):
    code = f"import {room}, sys; print(*[m for m in ('prefect', 'streamlit', 'codecarbon') if m in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert loaded.stdout.strip() == ""


def test_help_imports_nothing_but_the_standard_library():
    code = (
        "import sys, flows.cli; flows.cli.build_parser();"
        "print(*sorted({m.split('.')[0] for m in sys.modules} - set(sys.stdlib_module_names)))"
    )
    before = subprocess.run(
        [sys.executable, "-c", code.replace("flows.cli; flows.cli.build_parser()", "flows")],
        capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    after = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert set(after.stdout.split()) == set(before.stdout.split())


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    return [ROOT / name for name in listed.split("\0") if name]


def test_nothing_committed_names_a_package_index_or_a_path_of_one_machine():
    # Put together from pieces: this file is looked through like all others.
    index = re.compile("|".join(("index" + "[-_]url", "/sim" + "ple/", "registry" + " *=")), re.IGNORECASE)
    home = re.compile(re.escape(str(Path.home())) + r"/") if str(Path.home()) != "/" else None
    for path in tracked():
        if not path.exists() or b"\0" in path.read_bytes():
            continue
        text = path.read_text(encoding="utf-8")
        assert not index.search(text), f"{path.relative_to(ROOT)} names a package index"
        assert str(ROOT) + os.sep not in text, f"{path.relative_to(ROOT)} names a path of this machine"
        assert home is None or not home.search(text), f"{path.relative_to(ROOT)} names a path of this machine"


def test_constraints_are_bare_pins():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert len(lines) > 100
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!_-]+", line) for line in lines)


def test_only_the_agreed_names_stand_at_the_top():
    agreed = {
        "pyproject.toml", "README.md", "prefect.yaml", "Makefile", "LICENSE", "CHANGELOG.md", "constraints.txt",
        "flows", "warehouse", "probes", "ui", "tests",
    }  # fmt: skip
    top = {path.relative_to(ROOT).parts[0] for path in tracked()}
    assert {name for name in top if not name.startswith(".")} <= agreed
