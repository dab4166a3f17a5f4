"""`megatoken fake`: an endpoint on this machine that speaks every wire format and makes the trouble it is told to."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

from flows.errors import ConfigError
from probes.errors import ProbeError

if TYPE_CHECKING:
    from probes.fake.truth import FakeEndpoint

_FAST_ONLY: Final = ("burst", "slots", "capacity_rps")
_NOT_FAST: Final = ("script", "fixture", "every", "model", "framing", "line_end", "list", "json")


def run(options: argparse.Namespace) -> int:
    """List the fixtures, or serve until Ctrl-C and say what was served."""
    _check(options)
    if options.list:
        return _list(options)
    try:
        return _serve_fast(options) if options.fast else _serve(options)
    except ProbeError as error:
        raise ConfigError([str(error)]) from error


def _check(options: argparse.Namespace) -> None:
    needless = _NOT_FAST if options.fast else _FAST_ONLY
    for name in needless:
        if getattr(options, name) not in (None, False):
            does = "does not go with" if options.fast else "goes with"
            raise ConfigError([f"--{name.replace('_', '-')} {does} --fast; leave one of them out"])
    if options.every is not None and options.fixture is None:
        raise ConfigError(["--every goes with --fixture, which names what to play"])


def _list(options: argparse.Namespace) -> int:
    from flows.faketable import fixtures_json, print_fixtures
    from flows.terminal import board_console

    if options.json:
        print(json.dumps(fixtures_json(), indent=2))
    else:
        print_fixtures(board_console())
    return 0


def _serve(options: argparse.Namespace) -> int:
    from flows.faketable import print_served, print_started
    from flows.terminal import board_console
    from probes.fake.command import make_script, serve

    certificate, key = map(Path, options.tls) if options.tls is not None else (None, None)
    script = make_script(
        None if options.script is None else Path(options.script),
        ttft_s=None if options.ttft_ms is None else options.ttft_ms / 1e3,
        itl_s=None if options.itl_ms is None else options.itl_ms / 1e3,
        tokens=options.tokens,
        model=options.model,
        framing=options.framing,
        line_end=options.line_end,
        fault=options.fixture,
        fault_every=options.every,
        certificate=certificate,
        key=key,
    )
    console = board_console()

    def started(endpoint: "FakeEndpoint") -> None:
        if options.json:
            print(json.dumps(endpoint.base_urls), flush=True)
        else:
            print_started(console, endpoint.base_urls, script)

    log = None if options.log is None else Path(options.log)
    endpoint = serve(script, port=options.port, log=log, started=started)
    if options.json:
        print(json.dumps(endpoint.classes()))
    else:
        print_served(console, endpoint.classes(), log)
    return 0


def _serve_fast(options: argparse.Namespace) -> int:
    from probes.fast_endpoint import EndpointSpec, serve

    certificate, key = map(Path, options.tls) if options.tls is not None else (None, None)
    given = {
        "ttft_s": None if options.ttft_ms is None else options.ttft_ms / 1e3,
        "itl_s": None if options.itl_ms is None else options.itl_ms / 1e3,
        "tokens": options.tokens,
        "burst": options.burst,
        "slots": options.slots,
        "capacity_rps": options.capacity_rps,
        "certificate": certificate,
        "key": key,
    }
    spec = EndpointSpec(**{name: value for name, value in given.items() if value is not None})
    serve(spec, port=options.port, log=None if options.log is None else Path(options.log), until_eof=False)
    return 0
