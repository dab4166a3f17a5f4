"""`megatoken track -- COMMAND`: meter any command, a training script included, and account for what it took."""

import argparse
import shutil
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.errors import ConfigError
from flows.paths import data_dir
from flows.track import JobEnd, JobSpec, job_folder, job_rows, land_job, land_left_over_jobs, new_job_id, write_end
from probes.command import CommandEnd, Signals
from probes.errors import ProbeError
from probes.power.readings import PowerOverrides
from probes.power.sampler import PowerSampler

if TYPE_CHECKING:
    from flows.site import Site
    from probes.power.readings import Phase

# As a shell says it; what the command itself gave, otherwise.
CANNOT_RUN, NOT_FOUND, SIGNALLED = 126, 127, 128
MAX_IDLE_S = 600.0


def run(options: argparse.Namespace) -> int:
    """Run the command under meters; its exit code is ours, whatever becomes of the account."""
    argv = options.argv[1:] if options.argv[:1] == ["--"] else options.argv
    _check(options, argv)
    site = None if options.config is None else _site(Path(options.config))
    program = shutil.which(argv[0])
    if program is None:
        there = Path(argv[0]).exists() and "/" in argv[0]
        said = "is not executable; chmod +x it" if there else "is no program in PATH and no file; check its spelling"
        print(f"megatoken: the command {argv[0]!r} {said}", file=sys.stderr)
        return CANNOT_RUN if there else NOT_FOUND
    root = Path(tempfile.mkdtemp(prefix="megatoken-")) if options.no_land else data_dir(options.data)
    try:
        return _tracked(options, argv, site, root)
    except OSError as error:
        raise ConfigError(
            [f"{error.filename or root}: {error.strerror or error}; choose a folder with --data"]
        ) from error
    finally:
        if options.no_land:
            shutil.rmtree(root)


def _check(options: argparse.Namespace, argv: list[str]) -> None:
    problems = []
    if not argv:
        problems.append("no command to track; for example: megatoken track -- python train.py")
    if (options.unit is None) != (options.units is None):
        problems.append("--unit and --units go together, such as --unit training_token --units 3e8")
    if options.units is not None and not 0 < options.units < float("inf"):
        problems.append(f"--units {options.units:g} must be > 0")
    if not 0 <= options.idle <= MAX_IDLE_S:
        problems.append(f"--idle {options.idle:g} must be between 0 and {MAX_IDLE_S:g} seconds")
    if problems:
        raise ConfigError(problems)


def _site(config: Path) -> "Site":
    from flows.config import load_config

    site = load_config(config).config.site
    if site is None:
        raise ConfigError([f"{config.name} has no [site] table, which says where this machine stands; add one"])
    return site


def _tracked(options: argparse.Namespace, argv: list[str], site: "Site | None", root: Path) -> int:
    spec = _spec(options, argv, site)
    with job_folder(root, spec) as folder:
        # Held back from before the sampler is started: it inherits that, and lives until we have read it a last time.
        with Signals() as signals:
            end = _metered(options, argv, site, folder, signals)
            if isinstance(end, int):
                shutil.rmtree(folder)
                return end
            spooled = _spooled(folder, end)
        if spooled:
            _account(options, root, folder, spec.job_id)
    return _exit_code(end.exit_code)


def _metered(
    options: argparse.Namespace, argv: list[str], site: "Site | None", folder: Path, signals: Signals
) -> CommandEnd | int:
    """Run the command under meters; an exit code if it did not come to that."""
    try:
        with PowerSampler(folder / "power.jsonl", overrides=_overrides(site)) as sampler:
            if options.idle:
                _mark(sampler, "idle")
                if not signals.sleep(options.idle):
                    return _exit_code(-(signals.stop or 0))
            _mark(sampler, "load")
            return _end_of(signals, argv) or CANNOT_RUN
    except ProbeError as error:
        shutil.rmtree(folder)
        raise ConfigError([str(error)]) from error


def _spooled(folder: Path, end: CommandEnd) -> bool:
    """Write down how it ended; a disk that refuses costs the account, never the exit code."""
    try:
        write_end(folder, _end(end))
    except OSError as error:
        print(f"megatoken: {folder}: {error.strerror or error}; the next track lands what was metered", file=sys.stderr)
        return False
    return True


def _end_of(signals: Signals, argv: list[str]) -> CommandEnd | None:
    """Run the command; None, and a sentence, if it cannot be."""
    try:
        return signals.run(argv)
    except ProbeError as error:
        print(f"megatoken: {error}", file=sys.stderr)
        return None


def _mark(sampler: PowerSampler, phase: "Phase") -> None:
    """Begin a phase; a sampler that cannot is no reason to run a command for hours without meters."""
    if sampler.mark(phase) is None:
        raise ProbeError(f"nothing would be metered: {sampler.failure}")


def _spec(options: argparse.Namespace, argv: list[str], site: "Site | None") -> JobSpec:
    at = datetime.now(UTC)
    job_id = new_job_id(at)
    program = Path(argv[0]).name
    facts: tuple[dict[str, Any], ...] = ()
    tariff: tuple[dict[str, Any], ...] = ()
    tariff_name = ""
    if site is not None:
        import dataclasses

        from flows.facts import site_facts
        from flows.tariff import hours_ahead, tariff_of

        facts = tuple(dataclasses.asdict(fact) for fact in site_facts(site, trial_id=job_id, at=at))
        by_hour = tariff_of(site)
        tariff = tuple(dataclasses.asdict(hour) for hour in hours_ahead(by_hour, at))
        tariff_name = by_hour.name if by_hour is not None else ""
    return JobSpec(
        job_id=job_id,
        label=options.label or program,
        program=program,
        started_at=at,
        clock_offset_start_ns=time.time_ns() - time.monotonic_ns(),
        functional_unit=options.unit,
        functional_units=options.units,
        facts=facts,
        tariff=tariff,
        tariff_name=tariff_name,
    )


def _overrides(site: "Site | None") -> PowerOverrides:
    if site is None:
        return PowerOverrides()
    from flows.local import power_overrides

    return power_overrides(site)


def _end(end: CommandEnd) -> JobEnd:
    return JobEnd(
        exit_code=end.exit_code,
        ended_at=datetime.now(UTC),
        window_start_ns=end.start_ns,
        window_end_ns=end.end_ns,
        cpu_s=end.cpu_s,
        cpu_busy_s=end.machine_busy_s,
        peak_rss_bytes=end.peak_rss_bytes,
    )


def _exit_code(code: int) -> int:
    return code if code >= 0 else SIGNALLED - code


def _account(options: argparse.Namespace, root: Path, folder: Path, job_id: str) -> None:
    """Land the job and print its account; a disk that refuses costs the account, never the exit code."""
    from warehouse.errors import WarehouseError
    from warehouse.job_accounts import account_of_rows, published_job

    try:
        if options.no_land:
            account = account_of_rows(job_rows(folder), job_id)
        else:
            from warehouse.loader import load
            from warehouse.publish import publish

            land_job(root, folder)
            land_left_over_jobs(root)
            load(root)
            publish(root)
            account = published_job(root, job_id)
    except (WarehouseError, ProbeError) as error:
        print(f"megatoken: {error}", file=sys.stderr)
        return
    except KeyboardInterrupt:
        print("megatoken: not accounted yet, the next track lands what was metered", file=sys.stderr)
        return
    if options.json:
        import orjson

        print(orjson.dumps(account).decode(), flush=True)
        return
    from flows.jobtable import print_job
    from flows.terminal import plain_console

    print_job(plain_console(stderr=True), account, has_site=options.config is not None)
