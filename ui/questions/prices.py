"""What does it cost, and since when? Prices on record as they hold on a day and how they moved; what changed a bill."""

from collections.abc import Sequence
from datetime import date, timedelta

import streamlit as st

from ui import frame, markup, price_steps, prices, prices_bill_page, prices_snapshot, words
from ui.entries import url_day
from ui.prices import MIDDLE
from warehouse.price_drifts import DRIFT_SHARE
from warehouse.price_shelf import Shelf, Shelved, on_day

_FIRST_DAY = date(2020, 1, 1)
_AHEAD = timedelta(days=366)
_HOSTED = "megatoken night flows/configs/providers.example.toml --dry-run"
_SHOWN = {"prices": "Prices", "bill": "What changed my bill"}


def draw(at: frame.Frame) -> None:
    """Prices of a day, or what changed the bill."""
    if at.box("Show", "show", list(_SHOWN), _SHOWN, width=190) == "bill":
        prices_bill_page.draw(at)
    else:
        _prices(at)


def _prices(at: frame.Frame) -> None:
    """Prices of a day, their disagreements, and the history of one target."""
    shelf = prices_snapshot.shelf(at.shown.path)
    if not shelf.products and not shelf.benched:
        ours = f" {words.listed(list(shelf.own))}: at the price of electricity and hardware." if shelf.own else ""
        raise frame.Nothing("No price to show yet", f"No hosted target has been measured yet.{ours}", code=_HOSTED)
    model = at.bar(model=True).model
    today = at.now.date()
    with at.choices:
        day, note = url_day("As of", "on", default=today, low=_FIRST_DAY, high=today + _AHEAD, width=150)
    rows, benched = (
        [row for row in found if model in (None, row.product.model)]
        for found in (
            on_day(shelf, day, tolerance_share=DRIFT_SHARE, products=products)
            for products in (shelf.products, shelf.benched)
        )
    )
    at.beneath(f"{words.count(len(rows), 'price row')} {MIDDLE} as of {day}, UTC {MIDDLE} before tax unless it is said")
    at.download(
        prices.to_csv([*rows, *benched]),
        f"prices-{day}.csv",
        help="Every price of that day in US dollars, with its source",
    )
    if note:
        st.html(markup.notes([note]))
    st.html(markup.link("What changed my bill, of the last 7 days against those before?", "prices", {"show": "bill"}))
    if rows:
        st.html(markup.heading(prices.finding(rows, day)))
        st.html(markup.table(prices.columns(rows), prices.table_rows(rows), label=f"Prices as of {day}"))
    else:
        st.html(markup.heading("No hosted target of a config has been measured yet"))
    apart = prices.drift_words(rows)
    own = [f"Not bought by the token, but by electricity and hardware: {words.listed(list(shelf.own), most=8)}."]
    st.html(
        markup.notes(
            [
                *apart,
                *(own if shelf.own else []),
                "The first source that states a price rules: a contract, then the price file, then the list. A longer"
                " prompt pays its price for all tokens of its request.",
            ]
        )
    )
    _history(at, shelf, rows, day)
    _benched(benched, day)


def _benched(rows: Sequence[Shelved], day: date) -> None:
    if rows:
        beneath = "No config names them, so no contract prices them: the list may know their endpoint, or nobody does."
        st.html(markup.heading("Ad hoc benches", beneath=beneath))
        st.html(markup.table(prices.columns(rows), prices.table_rows(rows), label=f"Prices of benches as of {day}"))


def _history(at: frame.Frame, shelf: Shelf, rows: Sequence[Shelved], day: date) -> None:
    known = {row.product.target_id or row.product.name: row.product for row in rows if row.entry is not None}
    if not known:
        return
    product = known[at.box("Price history of", "target", list(known))]
    tier = at.box("Service tier", "tier", prices.tiers_of_product(rows, product))
    found = price_steps.steps(shelf, product, tier, day)
    finding = price_steps.step_finding(found, product, tier)
    page = prices_snapshot.page_of(product.provider, product.model, product.base_url)
    stated = f"The provider states its prices at {page}" if page else "The list names no page of this provider"
    st.html(markup.heading(finding, beneath=f"{stated}. The upright line: {day}. Shortest prompts, at any hour."))
    chart = price_steps.step_chart(found, day, dark=at.dark)
    if chart is not None:
        st.altair_chart(chart, alt=f"Prices over time. {finding}. The same steps stand in the table below.")
        with st.expander("These prices as a table"):
            st.html(markup.table(*price_steps.step_table(found), label="Price history"))


frame.page("What does it cost, and since when?", draw)
