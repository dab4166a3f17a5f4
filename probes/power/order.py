"""What a sampler is told to do, as one line of JSON: a command line would show it to everybody on the machine."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from probes.power.readings import HookSpec, PowerOverrides, PowerRange


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Everything that a sampler's process needs to know."""

    log: Path  # an existing file to append to
    hz: float  # readings a second
    parent: int  # id of the process whose end ends the sampler
    powercap_root: Path
    replay: Path | None  # a recorded power log to play instead of reading this machine
    overrides: PowerOverrides


def order_line(order: Order) -> bytes:
    """The order as its line."""
    return json.dumps(asdict(order), default=str).encode() + b"\n"


def read_order(line: str) -> Order:
    """The order of a line that `order_line` made."""
    told = json.loads(line)
    overrides = told["overrides"]
    tdp_w = overrides["cpu_tdp_w"]
    return Order(
        log=Path(told["log"]),
        hz=told["hz"],
        parent=told["parent"],
        powercap_root=Path(told["powercap_root"]),
        replay=None if told["replay"] is None else Path(told["replay"]),
        overrides=PowerOverrides(
            cpu_tdp_w=None if tdp_w is None else PowerRange(**tdp_w),
            rapl_psys=overrides["rapl_psys"],
            hooks=tuple(map(_hook, overrides["hooks"])),
        ),
    )


def _hook(told: dict[str, Any]) -> HookSpec:
    command = told["command"]
    headers = [(header, name) for header, name in told["header_env"]]
    return HookSpec(**told | {"command": None if command is None else tuple(command), "header_env": tuple(headers)})
