"""Can I trust it? How figures are made, what they rest on, what they were checked against, and what is not known."""

import streamlit as st

from ui import frame, markup, method, method_snapshot, method_words, snapshot, validation, words
from ui.choices import url_choice
from warehouse.reference.ledgers import ledger

QUESTION = "Can I trust it?"
_TOPICS = {
    "figures": "Figures",
    "accounts": "Energy and carbon",
    "factors": "Factors",
    "checks": "Cross-checks",
    "limits": "Limits",
}


def draw(at: frame.Frame) -> None:
    """One topic at a time."""
    at.beneath("From code and data")
    topic = url_choice("Topic", "topic", list(_TOPICS), show=_TOPICS.__getitem__, side_by_side=True)
    if topic.note:
        st.html(markup.notes([topic.note]))
    shown = at.shown
    if topic.value == "figures":
        _figures(shown)
    elif topic.value == "accounts":
        _accounts(shown)
    elif topic.value == "factors":
        _factors(shown)
    elif topic.value == "checks":
        _checks()
    else:
        _limits()


def _figures(shown: snapshot.Snapshot) -> None:
    st.html(markup.heading("What each figure of the ranking is", beneath="One registry: every page, command and file."))
    st.html(markup.table(*method.metric_table(method_snapshot.definitions(shown.path)), label="Metrics"))


def _accounts(shown: snapshot.Snapshot) -> None:
    st.html(markup.heading("Energy: the best meter that there is", beneath="From the best to the last resort."))
    st.html(markup.table(*method.ladder_table(), label="Meters, the best first"))
    st.html(markup.notes(method_words.METER_NOTES))
    meters = method_snapshot.meters(shown.path)
    if meters:
        st.html(markup.heading("Meters of this snapshot"))
        st.html(markup.table(*method.meter_table(meters), label="Meters in use"))
    methods = method_snapshot.methods(shown.path)
    st.html(markup.heading("Formulas behind the accounts of this snapshot"))
    if methods:
        st.html(markup.table(*method.formula_table(methods), label="Formulas in use"))
    else:
        st.html(markup.notes(["Nothing has been accounted for yet."]))


def _factors(shown: snapshot.Snapshot) -> None:
    names = method_snapshot.ledgers(shown.path)
    heading, picker = st.columns([6, 3], vertical_alignment="bottom")
    if names:
        with picker:
            chosen = url_choice("Ledger", "ledger", names)
        factors = method_snapshot.factors(shown.path, chosen.value)
        recalled = sum(one["tag"] == "recalled" for one in factors)
        beneath = "Dated rows with a source; accounts name the version that they used."
        if recalled:
            beneath += f" {words.count(recalled, 'figure')} recalled, not read again."
        with heading:
            st.html(
                markup.heading(f"{words.count(len(factors), 'factor')} in force in {chosen.value}", beneath=beneath)
            )
        if chosen.note:
            st.html(markup.notes([chosen.note]))
        st.html(markup.table(*method.ledger_table(factors), label=f"Factors of {chosen.value}"))
    else:
        st.html(markup.notes(["This snapshot holds no factor: `megatoken publish` records those of today."]))
    coverage = method_snapshot.coverage(shown.path)
    st.html(markup.heading("Hours of grids that are known"))
    if coverage:
        st.html(markup.table(*method.coverage_table(coverage), label="Hourly grid intensity"))
    else:
        st.html(markup.notes(["None: emissions rest on yearly means, or on what was declared, and say so."]))


def _checks() -> None:
    found = validation.validated()
    finding = validation.finding(found)
    st.html(markup.heading(finding, beneath=method_words.TRAINING_NOTE))
    st.altair_chart(
        validation.chart(found, dark=st.context.theme.type == "dark"),
        alt=f"{finding}. The table below has the figures.",
    )
    st.html(markup.table(*validation.table(found), label="Predicted and reported emissions of trainings"))
    st.html(markup.notes([validation.forecast(found)]))
    st.html(markup.heading("What providers declare of a prompt", beneath=method_words.PROMPTS_NOTE))
    st.html(markup.table(*method.prompt_table(ledger("prompts_declared")), label="Declared figures of a prompt"))
    st.html(markup.link("Ours, per answered request", "carbon", {"per": "request"}))
    st.html(
        markup.heading(
            "Why our kWh are not codecarbon's", beneath="On the same machine, with the same meters and country."
        )
    )
    st.html(markup.table(*method.codecarbon_table(), label="Megatoken and codecarbon"))


def _limits() -> None:
    st.html(markup.heading("What these figures do not know"))
    st.html(markup.listing(method_words.LIMITS))


frame.page(QUESTION, draw)
