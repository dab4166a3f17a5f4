"""Anything else? Saved questions and one's own, in SQL over the published snapshot, each with a link of its own."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import streamlit as st

from ui import access, frame, login, markup, sql, sql_audit, sql_snapshot, words
from ui.snapshot import data_dir
from warehouse.errors import WarehouseError
from warehouse.query import ViewComment
from warehouse.sandbox_export import frame as data_frame
from warehouse.sandbox_export import to_csv, to_parquet
from warehouse.saved_questions import SavedQuestion, saved_questions

QUESTION = "What else do I want to know?"
_ALL_VIEWS = "All views"
_ROWS_IN_VIEW = 15
# names in the session: the editor's text, the question that it was filled from, one's own question, a press of Ask
_TEXT, _FILLED, _OWN, _PRESSED, _LOGGED = "sql.text", "sql.filled", "sql.own", "sql.pressed", "sql.logged"


def draw(at: frame.Frame) -> None:
    """Who may not ask is told why; else the question, what can be asked of, and the answer."""
    visitor = access.access()
    if not visitor.allowed:
        login.refuse(visitor)
        return
    at.beneath("SQL over the published snapshot, read-only, in a process of its own")
    views = sql_snapshot.views(at.shown.path)
    editor, browser = st.columns([3, 2], gap="medium")
    with editor:
        asked = _asked(at, saved_questions())
    with browser:
        _browse(views)
    if visitor.who:
        _logged_in(visitor.who)
    if not asked:
        st.html(markup.panel("Write a question", "Or choose one that others ask, and change it.", code=""))
        return
    _answer(at, asked, visitor.who, views)


def _logged_in(who: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.html(markup.notes([f"Logged in as {who}; questions are logged."]))
        st.button("Log out", on_click=st.logout, type="tertiary")


def _asked(at: frame.Frame, questions: Sequence[SavedQuestion]) -> str:
    """The question to answer: a saved one, or one's own as it was when Ask was pressed."""
    by_name = {question.name: question for question in questions}
    titles: Mapping[str, str] = {**{name: of.title for name, of in by_name.items()}, sql.OWN: "My own question"}
    if "sql" in st.query_params and "q" not in st.query_params:
        st.query_params["q"] = sql.OWN
    chosen = at.box("Question", "q", list(titles), titles, width=520)
    saved = by_name.get(chosen)
    if saved is not None:
        asked = saved.sql
        if "sql" in st.query_params:
            del st.query_params["sql"]
    else:
        asked = str(st.query_params.get("sql", st.session_state.get(_OWN, ""))).strip()
        st.session_state[_OWN] = asked
        if asked and sql.fits_address(asked):
            st.query_params["sql"] = asked
    if st.session_state.get(_FILLED) != (chosen, asked) or _TEXT not in st.session_state:
        st.session_state[_TEXT] = asked
        st.session_state[_FILLED] = (chosen, asked)
    with st.form("ask", border=False):
        st.text_area("SQL", key=_TEXT, height=250, max_chars=20_000, help="Ctrl+Enter asks, too")
        st.form_submit_button("Ask", on_click=_pressed, args=(questions,))
    said = []
    if saved is not None:
        said.append(saved.why)
    elif asked and not sql.fits_address(asked):
        said.append(f"This question is too long for a link ({len(asked):,} of {sql.MOST_IN_ADDRESS:,} characters).")
    st.html(markup.notes(said))
    return asked


def _pressed(questions: Sequence[SavedQuestion]) -> None:
    """Ask was pressed: the address names what the editor holds, a saved question by its name."""
    text = str(st.session_state[_TEXT] or "").strip()
    name = next((question.name for question in questions if question.sql == text), sql.OWN)
    st.session_state[_PRESSED] = True
    st.query_params["q"] = name
    if name == sql.OWN:
        st.session_state[_OWN] = text
    if name == sql.OWN and text and sql.fits_address(text):
        st.query_params["sql"] = text
    elif "sql" in st.query_params:
        del st.query_params["sql"]


def _browse(views: Sequence[ViewComment]) -> None:
    name = st.selectbox("What can be asked of", [_ALL_VIEWS, *(view.name for view in views)], key="sql.view")
    chosen = None if name == _ALL_VIEWS else name
    with st.container(height=262, border=False, key="sql-views"):
        label = "Views of the snapshot" if chosen is None else f"Columns of {chosen}"
        st.html(markup.table(*sql.schema_table(views, chosen), label=label, kind="mt-narrow mt-schema"))


def _answer(at: frame.Frame, asked: str, who: str | None, views: Sequence[ViewComment]) -> None:
    if st.session_state.pop(_PRESSED, False):
        sql_snapshot.outcome.clear(at.shown.path, asked)
        st.session_state.pop(_LOGGED, None)
    with st.spinner("Asking"):
        outcome = sql_snapshot.outcome(at.shown.path, asked)
    answer = outcome.answer
    if st.session_state.get(_LOGGED) != (at.shown.path, asked):
        try:
            sql_audit.record(
                data_dir(),
                asked,
                who=who,
                snapshot=Path(at.shown.path).name,
                rows=None if answer is None else len(answer.rows),
                took_s=None if answer is None else answer.took_s,
                refused=outcome.refused,
            )
        except WarehouseError as error:
            st.html(markup.panel("No answer", words.sentence(str(error)), tone="warn"))
            return
        st.session_state[_LOGGED] = (at.shown.path, asked)
    if answer is None:
        st.html(markup.panel("No answer", words.sentence(outcome.refused or ""), tone="warn"))
        return
    if sql.is_plan(answer):
        st.html(markup.heading(f"The plan, {sql.finding(answer).split(' ', 2)[2]}"))
        for _, plan in answer.rows:
            st.code(plan, language=None)
        return
    finding = sql.finding(answer)
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        st.html(markup.heading(finding))
        st.download_button(
            "Parquet",
            lambda: to_parquet(answer),
            file_name="answer.parquet",
            mime="application/vnd.apache.parquet",
            icon=":material/download:",
            on_click="ignore",
            disabled=not answer.rows,
        )
    at.download(to_csv(answer) if answer.rows else "", "answer.csv", help="This answer, in base units")
    if answer.rows:
        meanings = sql.meanings(answer, asked, views)
        st.dataframe(
            data_frame(answer),
            hide_index=True,
            height="auto" if len(answer.rows) <= _ROWS_IN_VIEW else 560,
            alt=f"The answer: {finding}",
            column_config={name: st.column_config.Column(help=said) for name, said in meanings.items()},
        )
    else:
        st.html(markup.notes([f"Columns: {', '.join(column.name for column in answer.columns)}."]))


frame.page(QUESTION, draw)
