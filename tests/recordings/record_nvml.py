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
    lines = [{"name": card.name(), "driver": card.driver(), "mig": card.mig()}]
    stop = threading.Event()

    def sample() -> None:
        while not stop.is_set():
            answer = {"energy_mj": card.energy_mj(), "power_mw": card.power_mw(), "busy_percent": card.busy_percent()}
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


if __name__ == "__main__":
    main(Path(sys.argv[1]))
