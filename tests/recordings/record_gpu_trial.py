"""How the recording in h100-trial/ was made, where there is a card, torch and transformers with its server.

`python -m tests.recordings.record_gpu_trial MODEL_FOLDER SPOOL_FOLDER [cpu]`

One trial by the same function that a night's child process runs; what it leaves in its spool folder is the recording.
"""

import json
import sys
from pathlib import Path

from flows.config import LocalTarget, Timeouts, Workload
from flows.spec import TrialSpec, WeightsRef, spec_json
from flows.spool import write_json
from flows.stop import Stop
from flows.trial import measure_trial
from probes.engines.folder import resolve_folder

RANDOM = "random weights: a real load, no real answers"


def main(model: Path, folder: Path, device: str) -> None:
    found = resolve_folder(str(model), None, folder.parent / "notes")
    on_card = device == "cuda"
    spec = TrialSpec(
        trial_id="recorded.llama-7b-random.steady.1",
        run_id="recorded",
        try_number=1,
        target=LocalTarget(
            kind="local", id="llama-7b-random", engine="transformers", model=str(model), device=device,
            threads=8 if on_card else 2, slots=16 if on_card else 4, context_tokens=1024,
        ),
        workload=Workload(
            id="steady", arrivals="closed", concurrency=8 if on_card else 2, requests=64 if on_card else 4,
            warmup_requests=4 if on_card else 2, prompt_tokens=128, output_tokens=128 if on_card else 16, seed=7,
        ),
        timeouts=Timeouts(engine_ready_s=180, trial_s=300),
        idle_baseline_s=10.0 if on_card else 1.0,
        weights=WeightsRef(path=found.path, sha256=found.sha256, quantisation=found.quantisation, note=RANDOM),
        cpu_tdp_w=None,
        facts=[],
    )  # fmt: skip
    folder.mkdir(parents=True)
    write_json(folder / "spec.json", spec_json(spec))
    stop = Stop(spec.timeouts.trial_s)
    status, reason = measure_trial(
        spec, folder, stop=stop, report=lambda event, values: print(event, json.dumps(values), flush=True)
    )
    print(json.dumps({"status": status, "reason": reason}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else "cuda")
