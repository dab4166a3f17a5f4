"""Choices that live in the address bar: a link restores the view, and an address that asks for nonsense is told so."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import streamlit as st

_PUT, _PICKED = "put.address", "picked.address"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What is chosen, and a sentence if the address asked for something that is not there."""

    value: str
    note: str | None


def url_choice(
    label: str,
    name: str,
    options: Sequence[str],
    *,
    show: Callable[[str], str] = str,
    default: str | None = None,
    side_by_side: bool = False,
    width: int | Literal["stretch"] = "stretch",
) -> Choice:
    """A select box bound to the query parameter `name`.

    Streamlit's own binding drops bad values without a word and leaves a default out of the address, so that a saved
    link would change its meaning when the default does. Here the address always names the choice, and the choice
    outlives a visit to another page.

    Args:
        label: above the box.
        name: query parameter.
        options: at least one.
        show: how an option is written in the box.
        default: what is chosen before anybody chose; the first one if it is not said.
        side_by_side: few and short options, all of them in view.
        width: of a box, in pixels.
    """
    first = options[0] if default is None else default
    box, written, kept, said = f"choice.{name}", f"written.{name}", f"kept.{name}", f"said.{name}"
    asked = st.query_params.get(name)
    if box not in st.session_state or has_moved(name):
        wanted = st.session_state.get(kept) if asked is None else asked
        st.session_state[said] = None
        if asked is not None and asked not in options:
            st.session_state[said] = f"There is no {label.lower()} {_short(asked)!r} here; this is {show(first)}."
        st.session_state[box] = wanted if wanted in options else first
    elif st.session_state[box] not in options:
        st.session_state[box] = first
    if side_by_side:
        value = (
            st.segmented_control(
                label, options, key=box, format_func=show, required=True, wrap=True, on_change=note_pick
            )
            or first
        )
    else:
        value = st.selectbox(label, options, key=box, format_func=show, width=width, on_change=note_pick)
    if value != st.session_state.get(kept) and asked == st.session_state.get(written):
        st.session_state[said] = None
    st.session_state[written] = st.session_state[kept] = value
    if asked != value:
        put(name, value)
    return Choice(value=value, note=st.session_state.get(said))


def put(name: str, value: str | None) -> None:
    """Have the address name a choice once the page is drawn, or no more; see `write_address`."""
    st.session_state.setdefault(_PUT, {})[name] = value


def write_address() -> None:
    """Write what was put into the address, all at once.

    Streamlit makes a step of the browser's history of every single change: with a dozen choices on a page, Back would
    have to be pressed a dozen times to leave it.
    """
    changes = st.session_state.pop(_PUT, {})
    st.session_state.pop(_PICKED, None)
    before = st.query_params.to_dict()
    after = {name: value for name, value in (before | changes).items() if value is not None}
    if after != before:
        st.query_params.from_dict(after)


def note_pick() -> None:
    """For `on_change` of every box that lives in the address."""
    st.session_state[_PICKED] = True


def has_moved(name: str) -> bool:
    """Whether the address says something new of a query parameter, as a link or the browser's Back do.

    After a pick it does not, whatever it says: a run that the next pick cut short has not written it.
    """
    moved = st.query_params.get(name) != st.session_state.get(f"written.{name}")
    return moved and not st.session_state.get(_PICKED)


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
