"""Whom a check is to ask, by a config or by the command line alone, and what it may cost at most."""

import argparse
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from flows.config import check_table, load_config
from flows.errors import ConfigError
from flows.facts import facts_for
from flows.mistakes import nearest_sentence
from flows.pricefacts import worst_request_usd
from flows.targets import EndpointTarget, Target, Timeouts, api_key
from probes.capability.asks import WorstCase, worst_case
from probes.capability.promises import promise
from probes.errors import ProbeError
from probes.load.protocols import protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Whom to check and what it may cost."""

    target: Target
    timeouts: Timeouts
    worst: WorstCase
    quote_usd_worst: float | None  # None: no price is known; a local target bills nobody
    max_usd: float | None

    @property
    def api(self) -> str:
        """The wire format; our engines are asked by chat completions."""
        return self.target.api if isinstance(self.target, EndpointTarget) else "openai-chat"


def order_of(options: argparse.Namespace) -> Order:
    """What a command line asks for.

    Raises:
        ConfigError: no such target or api, a key that is not set, a cost beyond the limit.
    """
    if options.max_usd is not None and options.max_usd < 0:
        raise ConfigError([f"--max-usd {options.max_usd:g} must be >= 0"])
    if options.url is None:
        return _order_of_config(options)
    if options.target is not None:
        raise ConfigError([f"{options.target} is a target of a config and --url is an endpoint without one; give one"])
    if options.model is None:
        raise ConfigError(["--url needs --model M, the name of the model to ask for"])
    table = {
        "kind": "endpoint",
        "id": options.id or _id_of(options.url, options.model),
        "provider": options.provider or "adhoc",
        "model": options.model,
        "base_url": options.url,
        "api": options.api or "openai-chat",
        "api_key_env": options.api_key_env,
    }
    return _order(check_table(EndpointTarget, table, name="check"), Timeouts(), options.max_usd, options.max_usd)


def _order_of_config(options: argparse.Namespace) -> Order:
    given = [name for name in ("api", "model", "api_key_env", "provider", "id") if getattr(options, name) is not None]
    if given:
        raise ConfigError([f"--{given[0].replace('_', '-')} goes with --url, which names an endpoint without a config"])
    if options.target is None:
        raise ConfigError(["name a TARGET of the config, or an endpoint by --url URL --model M"])
    loaded = load_config(Path(options.config))
    by_id = {target.id: target for target in loaded.config.targets}
    if options.target not in by_id:
        hint = nearest_sentence(options.target, list(by_id))
        raise ConfigError([f"{options.target} is no target of {loaded.path.name}{hint}"])
    limit = loaded.config.night.max_usd
    return _order(by_id[options.target], loaded.config.night.timeouts, options.max_usd, limit)


def _order(target: Target, timeouts: Timeouts, asked_usd: float | None, limit_usd: float | None) -> Order:
    quote_usd = None
    worst = worst_case(generates=True)
    if isinstance(target, EndpointTarget):
        try:
            protocol(target.api)
        except ProbeError as error:
            raise ConfigError([f"{target.id}: {error}"]) from None
        if target.api_key_env is not None and api_key(target) is None:
            raise ConfigError([f"{target.id}: {target.api_key_env} is not set in the environment; export the key"])
        promised = promise(target.api)
        worst = worst_case(generates=promised.generates, answer_tokens=promised.answer_tokens)
        facts = facts_for(target, None, trial_id="check", at=datetime.now(UTC))
        each = [worst_request_usd(facts, prompt, output) for prompt, output in worst.requests]
        quote_usd = None if None in each else sum(usd for usd in each if usd is not None)
        if asked_usd is not None and quote_usd is None:
            raise ConfigError(
                [
                    f"{target.id}: no price of {target.provider}/{target.model} is known, so --max-usd could not be"
                    f" kept; it takes {worst.prompt_tokens:,} + {worst.output_tokens:,} tokens at most: leave"
                    " --max-usd out"
                ]
            )
        most = asked_usd if asked_usd is not None else limit_usd
        if quote_usd is not None and most is not None and quote_usd > most:
            raise ConfigError([f"{target.id}: a check may cost {quote_usd:.2g} USD, over max_usd = {most:g}; raise it"])
    return Order(
        target=target,
        timeouts=timeouts,
        worst=worst,
        quote_usd_worst=quote_usd,
        max_usd=asked_usd if asked_usd is not None else limit_usd,
    )


def _id_of(url: str, model: str) -> str:
    """A name for an endpoint without a config: its host and its model."""
    name = re.sub(r"[^a-z0-9]+", "-", f"{urlsplit(url).hostname or 'endpoint'}-{model.rsplit('/', 1)[-1]}".lower())
    return name.strip("-")[:48].strip("-") or "endpoint"
