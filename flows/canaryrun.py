"""The canary without a night: whom a config names is asked, lands, is judged and published; nothing is measured."""

import dataclasses
from datetime import UTC, datetime
from pathlib import Path

from flows.canary import ask_all, canary_spent_usd
from flows.config import LoadedConfig
from flows.lock import host_lock
from flows.plan import Plan, new_run_id
from flows.prepare import NightRequest, plan_night, resolve_all_weights
from flows.running import Interrupt, Observer, Running
from warehouse.loader import load
from warehouse.publish import publish


def canary_request(
    loaded: LoadedConfig, data_dir: Path, *, only: tuple[str, ...], max_usd: float | None, run_id: str | None
) -> NightRequest:
    """What is asked of whom; the config's own `canary = false` does not hold for who asks for it by name."""
    config = loaded.config
    asking = config.model_copy(update={"night": config.night.model_copy(update={"canary": True})})
    return NightRequest(
        loaded=LoadedConfig(path=loaded.path, text=loaded.text, config=asking),
        data_dir=data_dir,
        only=only,
        max_usd=max_usd,
        run_id=run_id or new_run_id(f"{config.night.name}-canary", datetime.now(UTC)),
    )


def canary_plan(request: NightRequest) -> Plan:
    """The plan of a night, of which only the canary is left.

    Raises:
        ConfigError: as a night's.
    """
    planned = plan_night(request)
    # Its trials are there for their facts, which say what a token costs; none is measured.
    return dataclasses.replace(planned, trials=[dataclasses.replace(t, landed=True) for t in planned.trials])


def canary_run(request: NightRequest, plan: Plan, observer: Observer) -> float:
    """Ask, land, load, judge, publish. Returns US dollars.

    Raises:
        NightError: this machine is measuring.
        WarehouseError: the disk would not take it.
    """
    with Interrupt().listening() as interrupt, host_lock() as lock:
        running = Running(
            request=request,
            plan=plan,
            weights=resolve_all_weights(request, plan, observer.note),
            step=lambda _name, run: run(),
            observer=observer,
            interrupt=interrupt,
            lock=lock,
        )
        ask_all(running, canary_spent_usd(running))
        for sentence in load(request.data_dir).damaged:
            observer.note(sentence)
        publish(request.data_dir)
        return canary_spent_usd(running)
