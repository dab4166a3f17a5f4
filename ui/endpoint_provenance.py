"""What a target is, since when, and how to measure it again."""

import shlex
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from ui.markup import Cell, Column, Row
from warehouse.metrics import UNKNOWN

Night = Mapping[str, Any]

_PROVENANCE: Sequence[tuple[str, tuple[str, ...], str]] = (
    ("Model asked for", ("model", "quantisation"), "{} {}"),
    ("Model that answered", ("models_returned",), "{}"),
    ("Fingerprint", ("system_fingerprints",), "{}"),
    ("Weights, SHA-256", ("weights_sha256",), "{}"),
    ("Provider and region", ("provider", "region"), "{}, {}"),
    ("Address", ("base_url",), "{}"),
    ("Engine", ("engine", "engine_version", "device"), "{} {} on {}"),
    ("Threads and slots", ("threads", "slots"), "{} and {}"),
    ("Arrivals", ("arrivals",), "{}"),
    ("Requests in flight", ("concurrency",), "{}"),
    ("Requests a second", ("rate_rps",), "{}"),
    ("Requests a trial", ("requests_planned",), "{}"),
    ("Tokens of a prompt and an answer", ("prompt_tokens_asked", "output_tokens_asked"), "{} and {}"),
    ("Service level", ("slo_ttft_s", "slo_tpot_s"), "first token within {} s, then at most {} s a token"),
    ("Measured on", ("host_id", "cpu_model", "gpu_models"), "{}: {}, {}"),
    ("Megatoken", ("megatoken_version",), "{}"),
    ("Config and its SHA-256", ("config_name", "config_sha256"), "{} {}"),
)


def provenance_table(nights: Sequence[Night]) -> tuple[list[Column], list[Row]]:
    """What the target was on its newest night, and since which night it has been that."""
    columns = [Column(title="What"), Column(title="On the newest night"), Column(title="Since")]
    newest = nights[-1]
    rows = []
    for title, names, pattern in _PROVENANCE:
        told = _told(newest, names, pattern)
        if told is None:
            continue
        history = [_told(night, names, pattern) for night in nights]
        changed = next((place for place in range(len(nights) - 1, 0, -1) if history[place - 1] != told), None)
        since_when = "all nights" if changed is None else str(nights[changed]["night"])
        before = "" if changed is None else f"before: {history[changed - 1] or UNKNOWN}"
        rows.append(Row(cells=[Cell(main=title), Cell(main=told, wide=True), Cell(main=since_when, beneath=before)]))
    return columns, rows


def command_of(night: Night) -> str:
    """A command that measures the newest cell once more."""
    if night["kind"] == "local":
        name = night["config_name"]  # what the config calls its nights; those that come along call them as their files
        config = shlex.quote(f"flows/configs/{name}.toml") if name else "CONFIG"
        return f"megatoken night {config} --only {shlex.quote(night['target_id'])}"
    options: list[tuple[str, object]] = [
        ("--model", night["model"]),
        ("--api", None if night["api"] == "openai-chat" else night["api"]),
        ("--api-key-env", _key_name(night)),
        ("--arrivals", None if night["arrivals"] == "closed" else night["arrivals"]),
        ("--concurrency", night["concurrency"]),
        ("--rate", night["rate_rps"]),
        ("--rate-end", night["rate_end_rps"]),
        ("--burstiness", night["burstiness"]),
        ("--trace" if night["arrivals"] == "trace" else "--rates", night["trace_name"]),
        ("--requests", night["requests_planned"]),
        ("--duration", _window_s(night) if night["requests_planned"] is None else None),
        ("--prompt-tokens", night["prompt_tokens_asked"]),
        ("--output-tokens", night["output_tokens_asked"]),
        ("--seed", night["seed"]),
        ("--slo-ttft-ms", 1e3 * night["slo_ttft_s"]),
        ("--slo-tpot-ms", 1e3 * night["slo_tpot_s"]),
    ]
    said = [f"{name} {shlex.quote(_number(value))}" for name, value in options if value is not None]
    return " ".join(["megatoken bench", shlex.quote(night["base_url"] or "URL"), *said])


def _told(night: Night, names: Sequence[str], pattern: str) -> str | None:
    """The values in their words; None if none is known, and of those that are, what the pattern says of them."""
    parts = [_word(night[name]) for name in names if night[name] not in (None, [], "")]
    if len(parts) == len(names):
        return pattern.format(*parts)
    return " ".join(parts) or None


def _word(value: Any) -> str:  # noqa: ANN401 - a cell of any type
    if isinstance(value, list):
        return ", ".join(map(str, value))
    text = _number(value)
    return f"{text[:12]}..." if len(text) == 64 and text.isalnum() else text


def _number(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _window_s(night: Night) -> int | None:
    """How long it was measured for, where time ended it."""
    start_ns, end_ns = night["window_start_ns"], night["window_end_ns"]
    return None if start_ns is None or end_ns is None else max(round((end_ns - start_ns) / 1e9), 1)


def _key_name(night: Night) -> str | None:
    """The name of the variable that held the key, as the config of the night said."""
    try:
        targets = tomllib.loads(night["config_toml"] or "").get("targets", [])
    except tomllib.TOMLDecodeError:
        return None
    named = (t.get("api_key_env") for t in targets if isinstance(t, dict) and t.get("id") == night["target_id"])
    return next((name for name in named if isinstance(name, str)), None)
