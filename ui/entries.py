"""Numbers and texts that live in the address bar, beside the choices of `ui.choices`."""

import math
from datetime import date

import streamlit as st

from ui import words
from ui.choices import has_moved, note_pick, put


def url_number(
    label: str,
    name: str,
    *,
    default: float,
    low: float,
    high: float,
    step: float,
    width: int,
    decimals: int = 0,
    help: str | None = None,
) -> tuple[float, str | None]:
    """A box for a number, bound to the query parameter `name`; the value, and a sentence if the address has none.

    Args:
        label: above the box.
        name: query parameter.
        default: where the address does not say.
        low: the least allowed.
        high: the most allowed.
        step: of the buttons beside it.
        width: pixels.
        decimals: places behind the point that it takes; 0 for whole numbers.
        help: what it means.
    """
    box, written, said = f"number.{name}", f"written.{name}", f"said.{name}"
    asked = st.query_params.get(name)
    if box not in st.session_state or has_moved(name):
        read = None if asked is None else _number(asked)
        st.session_state[said] = None
        if asked is not None and (read is None or not low <= read <= high):
            st.session_state[said] = (
                f"{label} {_short(asked)!r} is not between {_written(low, decimals)} and {_written(high, decimals)};"
                f" this is {_written(default, decimals)}."
            )
            read = None
        st.session_state[box] = _rounded(default if read is None else read, decimals)
    value = st.number_input(
        label,
        min_value=_rounded(low, decimals),
        max_value=_rounded(high, decimals),
        step=_rounded(step, decimals),
        key=box,
        width=width,
        help=help,
        format="%g" if decimals else "%d",
        on_change=note_pick,
    )
    text = _address(value, decimals)
    if text != asked and asked == st.session_state.get(written):
        st.session_state[said] = None
    st.session_state[written] = text
    if asked != text:
        put(name, text)
    return float(value), st.session_state.get(said)


def _rounded(value: float, decimals: int) -> float:
    """Whole numbers as such: a box takes either these or fractions."""
    return round(float(value), decimals) if decimals else round(value)


def _address(value: float, decimals: int) -> str:
    return f"{value:.{decimals}f}".rstrip("0").rstrip(".") if decimals else str(value)


def _written(value: float, decimals: int) -> str:
    """A number in a sentence, with all the places that the box takes."""
    return f"{value:,.{decimals}f}".rstrip("0").rstrip(".") if decimals else words.figure(value)


def url_text(label: str, name: str, *, placeholder: str, help: str | None = None, most: int = 4000) -> str:
    """A box for some lines, bound to the query parameter `name`, in which a semicolon ends a line."""
    box, written = f"text.{name}", f"written.{name}"
    asked = st.query_params.get(name)
    if box not in st.session_state or has_moved(name):
        st.session_state[box] = (asked or "")[:most].replace(";", "\n")
    value = (
        st.text_area(label, key=box, placeholder=placeholder, help=help, max_chars=most, height=90, on_change=note_pick)
        or ""
    )
    joined = ";".join(line.strip() for line in value.replace(";", "\n").splitlines() if line.strip())
    st.session_state[written] = joined or None
    if joined and joined != asked:
        put(name, joined)
    elif not joined and asked is not None:
        put(name, None)
    return joined


def forget(*names: str) -> None:
    """Leave entries to their defaults again, in the address too."""
    for name in names:
        for key in (f"number.{name}", f"text.{name}", f"written.{name}", f"said.{name}"):
            st.session_state.pop(key, None)
    # at once and in one step: the boxes are drawn anew in this very run
    st.query_params.from_dict({name: value for name, value in st.query_params.to_dict().items() if name not in names})


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."


def url_day(label: str, name: str, *, default: date, low: date, high: date, width: int) -> tuple[date, str | None]:
    """A box for a day, bound to the query parameter `name`; the day, and a sentence if the address has none.

    Args:
        label: above the box.
        name: query parameter, written YYYY-MM-DD; not in the address where it is the default.
        default: where the address does not say.
        low: the first allowed.
        high: the last allowed.
        width: pixels.
    """
    box, written, said = f"day.{name}", f"written.{name}", f"said.{name}"
    asked = st.query_params.get(name)
    if box not in st.session_state or has_moved(name):
        read = None if asked is None else _day(asked)
        st.session_state[said] = None
        if asked is not None and (read is None or not low <= read <= high):
            st.session_state[said] = f"{label} {_short(asked)!r} is no day from {low} to {high}; this is {default}."
            read = None
        st.session_state[box] = read or default
    chosen = st.date_input(
        label, min_value=low, max_value=high, key=box, width=width, format="YYYY-MM-DD", on_change=note_pick
    )
    value = chosen if isinstance(chosen, date) else default
    # today is another day tomorrow: a link without a day is always of today
    text = None if value == default else value.isoformat()
    if text != asked and asked == st.session_state.get(written):
        st.session_state[said] = None
    st.session_state[written] = text
    if text != asked:
        put(name, text)
    return value, st.session_state.get(said)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
