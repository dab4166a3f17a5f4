"""How the recordings in nvml/ were made, where there is a card and torch.

`python -m tests.recordings.record_nvml FILE`

Raw answers of NVML, 20 times a second: 2 s idle, 4 s of bf16 matrix products, 1 s idle again.
"""

import json
import sys
import threading
import time
from pathlib import Path

from probes.power.nvml import find_cards

IDLE_S, LOAD_S, AFTER_S, STEP_S = 2.0, 4.0, 1.0, 0.05


def main(path: Path) -> None:
    import torch

    card = find_cards()[0][0]
    limit_w = card.power_limit_w()
    facts = {"name": card.name(), "driver": card.driver(), "mig_instances": card.instances()}
    lines = [facts | ({} if limit_w is None else {"power_limit_mw": round(limit_w * 1e3)})]
    stop = threading.Event()

    def sample() -> None:
        while not stop.is_set():
            answer = {
                "energy_mj": as_nvml(card.energy_j(), 1e3),
                "power_mw": as_nvml(card.power_w(), 1e3),
                "busy_percent": as_nvml(card.busy_share(), 100),
            }
            lines.append({"t_ns": time.monotonic_ns(), **answer})
            time.sleep(STEP_S)

    a = torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16)
    torch.cuda.synchronize()
    sampler = threading.Thread(target=sample)
    sampler.start()
    time.sleep(IDLE_S)
    end = time.monotonic() + LOAD_S
    while time.monotonic() < end:
        for _ in range(20):
            a @ a
        torch.cuda.synchronize()
    time.sleep(AFTER_S)
    stop.set()
    sampler.join()
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")


def as_nvml(value: float | None, scale: float) -> int | str:
    """The number as NVML said it; the name of its error where the card has no such reading."""
    return "NotSupported" if value is None else round(value * scale)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
