"""What the page `prices` reads from a snapshot, and from the list of prices that comes along."""

from pathlib import Path

import streamlit as st

from warehouse.bill import BillChange, bill_change
from warehouse.bill_periods import BilledRun, billed_runs
from warehouse.price_shelf import Shelf, pricing_page, read_shelf
from warehouse.query import connect_snapshot


@st.cache_data(max_entries=8, show_spinner=False)
def shelf(path: str) -> Shelf:
    """What every target sells, with the prices on record."""
    con = connect_snapshot(Path(path))
    try:
        return read_shelf(con)
    finally:
        con.close()


@st.cache_data(max_entries=256, show_spinner=False)
def page_of(provider: str, model: str, base_url: str | None) -> str | None:
    """Where a provider states its prices, as the list names it."""
    return pricing_page(provider, model, base_url)


@st.cache_data(max_entries=8, show_spinner=False)
def runs(path: str) -> list[BilledRun]:
    """Every run that may be on a bill, the oldest first."""
    con = connect_snapshot(Path(path))
    try:
        return billed_runs(con)
    finally:
        con.close()


@st.cache_data(max_entries=32, show_spinner=False)
def bill(path: str, names: tuple[str, ...], model: str | None) -> BillChange:
    """What changed the bill between two spans of time."""
    con = connect_snapshot(Path(path))
    try:
        return bill_change(con, names, wanted=model)
    finally:
        con.close()
