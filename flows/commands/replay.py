"""`megatoken replay`: a failed attempt as it was, and the same request sent once more. Nothing of it is measured."""

import argparse
import os
import secrets
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from flows.errors import ConfigError
from flows.paths import data_dir
from flows.replaytable import outcome_of, print_exchange, print_list, print_outcomes, replayed_outcome
from probes.errors import ProbeError
from probes.load.origin import parse_origin
from warehouse.errors import WarehouseError
from warehouse.exchanges import KeptExchange, failed_attempts, find_exchange

if TYPE_CHECKING:
    from probes.load.again import SentAgain

_LISTED: Final = 20


def run(options: argparse.Namespace) -> int:
    """Show or repeat one failed attempt; without one, list them.

    Returns:
        0 if it was shown, or answered this time; 1 if it failed again.
    """
    folder = data_dir(options.data)
    if not 0 < options.timeout < float("inf"):
        raise ConfigError([f"--timeout {options.timeout:g} must be > 0 seconds"])
    try:
        if options.attempt is None:
            return _list(folder, as_json=options.json)
        kept = find_exchange(folder, options.attempt)
    except WarehouseError as error:
        raise ConfigError([str(error)]) from error
    if options.show:
        return _show(kept, as_json=options.json)
    try:
        again = _send(kept, options)
    except ProbeError as error:
        raise ConfigError([str(error)]) from error
    before, now = outcome_of(kept), replayed_outcome(again)
    if options.json:
        _print_json({"attempt_id": kept.exchange.attempt_id, "before": asdict(before), "now": asdict(now)})
    else:
        print_outcomes(kept, before, now)
    return 0 if again.record.error_class is None else 1


def _list(folder: Path, *, as_json: bool) -> int:
    found = failed_attempts(folder, most=_LISTED)
    if as_json:
        _print_json([asdict(each) for each in found])
    else:
        print_list(found)
    return 0


def _show(kept: KeptExchange, *, as_json: bool) -> int:
    if as_json:
        fields = asdict(kept.exchange)
        for name in ("request_body", "response_body"):
            body = fields[name]
            fields[name] = None if body is None else body.decode("utf-8", "backslashreplace")
        _print_json(fields)
    else:
        print_exchange(kept.exchange)
    return 0


def _send(kept: KeptExchange, options: argparse.Namespace) -> "SentAgain":
    """Send it once more.

    Raises:
        ConfigError: the request was not kept whole, its key is not in the environment, or nobody knows where to send.
        ProbeError: the address cannot be one.
    """
    from probes.load.again import send_again
    from probes.load.spec import LoadSpec, Timeouts

    exchange = kept.exchange
    if exchange.request_body is None:
        raise ConfigError([f"the request of {exchange.attempt_id} was longer than what is kept; --show shows the rest"])
    base_url = options.to or kept.base_url
    if base_url is None:
        raise ConfigError([f"where {exchange.attempt_id} was sent did not land; give --to URL"])
    spec = LoadSpec(
        base_url=base_url,
        model=kept.model,
        api=exchange.api,
        api_key=_key(kept, options),
        concurrency=1,
        requests=1,
        attempt_prefix=f"{exchange.attempt_id}.replay-{secrets.token_hex(4)}",
        timeouts=Timeouts(
            connect_s=min(10.0, options.timeout),
            first_token_s=options.timeout,
            stall_s=options.timeout,
            total_s=options.timeout,
        ),
    )
    with tempfile.TemporaryDirectory(prefix="megatoken-replay-") as folder:
        return send_again(spec, exchange.request_body, spool_path=Path(folder) / "replay.spool")


def _key(kept: KeptExchange, options: argparse.Namespace) -> str | None:
    """The key from the environment: the target's goes to its own host only.

    Raises:
        ConfigError: the variable is not set.
    """
    name: str | None = options.api_key_env or (kept.exchange.api_key_env if _is_its_host(kept, options.to) else None)
    if name is None:
        return None
    key = os.environ.get(name)
    if not key:
        raise ConfigError([f"{name}, which held the key of {kept.target_id}, is not set; set it, or see --show"])
    return key


def _is_its_host(kept: KeptExchange, to: str | None) -> bool:
    if to is None:
        return True
    there, own = parse_origin(to, ""), parse_origin(kept.base_url or kept.exchange.url, "")
    return (there.tls, there.host, there.port) == (own.tls, own.host, own.port)


def _print_json(value: Any) -> None:  # noqa: ANN401 - JSON
    import orjson

    print(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
