"""The form of the page `calculator`: a workload of mine, typed in or out of a log, and the prices that I was given."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import streamlit as st

from ui import markup, words
from ui.calculator import PRESETS
from ui.choices import url_choice
from ui.entries import forget, url_number, url_text
from warehouse.calculator_contracts import FORM, read_contracts
from warehouse.errors import WarehouseError
from warehouse.formulas.breakeven import SECONDS_PER_MONTH
from warehouse.formulas.usage import Usage, same_requests
from warehouse.pricebook import PriceEntry
from warehouse.usage_log import MAX_BYTES, UsageLog, read_usage_log

_NUMBERS = ("requests", "prompt", "output", "cached", "batch")
_BOX_PX = 150
_DAY_S = 86_400.0
_COVERS: Mapping[str, tuple[str, float | None]] = {
    "times": ("what its times say", None),
    "month": ("a month", SECONDS_PER_MONTH),
    "week": ("a week", 7 * _DAY_S),
    "day": ("a day", _DAY_S),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the form says; `usage` is None where it says nothing that can be reckoned with."""

    usage: Usage | None
    batch_share: float
    contracts: Mapping[str, PriceEntry]


def draw_form(targets: Collection[str]) -> Wanted:
    """Draw the form and read it; what is wrong with an entry stands beneath it."""
    notes: list[str | None] = []
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        preset = url_choice("Start from", "preset", list(PRESETS), show=lambda each: PRESETS[each].title, width=200)
        # a preset that is chosen anew takes its numbers along; a link names its own
        if st.session_state.setdefault("calculator.preset", preset.value) != preset.value:
            st.session_state["calculator.preset"] = preset.value
            forget(*_NUMBERS)
        start = PRESETS[preset.value]
        notes.append(preset.note)
        values: dict[str, float] = {}
        for name, label, default, low, high, step, decimals, said in (
            ("requests", "Requests a month", start.requests, 1, 10**12, 10_000, 0, None),
            ("prompt", "Prompt tokens", start.prompt_tokens, 0, 10**7, 500, 0, "of one request, cached ones included"),
            ("output", "Output tokens", start.output_tokens, 0, 10**6, 100, 0, "of one request, reasoning included"),
            (
                "cached",
                "Cached, %",
                start.cached_percent,
                0,
                100,
                10,
                1,
                "part of the prompt that is read from a cache",
            ),
            ("batch", "In batches, %", start.batch_percent, 0, 100, 10, 1, "part that may wait for a batch tier"),
        ):
            values[name], note = url_number(
                label, name, default=default, low=low, high=high, step=step, width=_BOX_PX, decimals=decimals, help=said
            )
            notes.append(note)
    contracts, log = _more(targets, notes)
    usage: Usage | None = None
    if log is not None:
        usage = _month(log, notes)
    elif values["prompt"] + values["output"] > 0:
        usage = same_requests(
            values["requests"],
            prompt_tokens=values["prompt"],
            output_tokens=values["output"],
            cached_share=values["cached"] / 100,
        )
    else:
        notes.append("A request of no tokens costs nothing anywhere: give it prompt or output tokens.")
    sentences = [note for note in notes if note]
    if sentences:
        st.html(markup.notes(sentences))
    return Wanted(
        usage=usage,
        batch_share=values["batch"] / 100,
        contracts=contracts,
    )


def _more(
    targets: Collection[str], notes: list[str | None]
) -> tuple[dict[str, PriceEntry], tuple[str, UsageLog] | None]:
    with st.expander("Contract prices, or a log of your requests", expanded="contracts" in st.query_params):
        left, right = st.columns(2, gap="medium")
        with left:
            text = url_text(
                "Contract prices, USD per million tokens, one a line",
                "contracts",
                placeholder=f"{FORM}, such as: {next(iter(sorted(targets)), 'my-target')} 0.50 1.50 0.10",
                help="They rule over every price on record. They stand in the address: a link shows them.",
            )
            contracts, wrong = read_contracts(text, targets)
            notes += wrong
        with right:
            file = st.file_uploader(
                "A log of requests: CSV, JSON lines or Parquet",
                max_upload_size=MAX_BYTES // 1_000_000,
                help="Columns such as prompt_tokens and completion_tokens, or OpenAI's usage export. Read in memory,"
                " for this visit alone, and stored nowhere.",
            )
            if file is None:
                st.session_state.pop("calculator.log", None)
                return contracts, None
            return contracts, _read(file.name, file.getvalue(), file.file_id, notes)


def _read(name: str, data: bytes, file_id: str, notes: list[str | None]) -> tuple[str, UsageLog] | None:
    """The log, read once for as long as it stays chosen."""
    kept = st.session_state.get("calculator.log")
    if kept is None or kept[0] != file_id:
        try:
            kept = (file_id, read_usage_log(data, name), None)
        except WarehouseError as error:
            kept = (file_id, None, f"{words.sentence(str(error))}.")
        st.session_state["calculator.log"] = kept
    _, log, wrong = kept
    notes.append(wrong)
    return None if log is None else (name, log)


def _month(named: tuple[str, UsageLog], notes: list[str | None]) -> Usage:
    name, log = named
    options = [each for each in _COVERS if each != "times" or log.span_s is not None]
    chosen = url_choice("The log covers", "covers", options, show=lambda each: _COVERS[each][0], width=200)
    span_s = _COVERS[chosen.value][1] or log.span_s or SECONDS_PER_MONTH
    notes.append(chosen.note)
    notes.append(
        f"{name}: {words.count(round(float(log.requests.sum())), 'request')} of {words.listed(list(log.columns))},"
        f" taken as {_COVERS[chosen.value][0]}{f' ({words.duration(span_s)})' if chosen.value == 'times' else ''}; the"
        " numbers above are not used."
    )
    notes += [f"{words.sentence(note)}." for note in log.notes]
    return log.month(span_s)
