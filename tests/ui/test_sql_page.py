"""The SQL page: who may ask, what a link asks, what is logged, and what an answer says of itself."""

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit import config
from streamlit.testing.v1 import AppTest

import ui
from tests.ui.test_pages import text
from tests.warehouse.snapshots import run_query
from tests.warehouse.synthetic import copy_synthetic
from ui import access, sql, sql_audit
from ui.server import DATA_DIR_VARIABLE
from warehouse.errors import WarehouseError
from warehouse.query import ViewComment
from warehouse.sandbox import Answer, Column
from warehouse.sandbox_export import frame, to_csv, to_parquet
from warehouse.saved_questions import saved_questions

PAGE = Path(ui.__file__).parent / "questions" / "sql.py"
ANYBODY = access.Asked(
    address="127.0.0.1",
    host="localhost:8501",
    origin=None,
    forwarded=False,
    login_set_up=False,
    problem="",
    library=True,
    logged_in=False,
    since_s=None,
    subject=None,
    email=None,
    verified=True,
    users=None,
)
REMOTE = replace(ANYBODY, address="0.0.0.0", host="board.example.org")
INSIDE = replace(REMOTE, login_set_up=True, logged_in=True, since_s=60.0, subject="1", email="ann@example.org")


@pytest.fixture(scope="module")
def nights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nights")
    copy_synthetic(folder, nights=1, attempts=6, with_bench=False)
    return folder


@pytest.fixture
def local():
    before = config.get_option("server.address")
    config.set_option("server.address", "127.0.0.1")
    yield
    config.set_option("server.address", before)


def opened(data_dir: Path, monkeypatch, user: dict[str, object] | None = None, **asked: str) -> AppTest:
    monkeypatch.setenv(DATA_DIR_VARIABLE, str(data_dir))
    page = AppTest.from_file(str(PAGE), default_timeout=60)
    if user is not None:
        page.user = user
    for key, value in asked.items():
        page.query_params[key] = value
    page.run()
    assert not page.exception, page.exception
    return page


def logged(data_dir: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in sql_audit.log_path(data_dir).read_text().splitlines()]


@pytest.mark.parametrize("question", saved_questions(), ids=lambda question: question.name)
def test_each_saved_question_is_answered_and_says_what_it_is_for(nights, question):
    columns, rows = run_query(nights, question.sql)
    assert 4 <= len(columns) <= 10
    assert rows
    assert question.title.endswith("?")
    assert question.why.endswith(".")
    assert sql.fits_address(question.sql)


def test_there_are_a_dozen_saved_questions_or_more_and_none_is_asked_twice():
    assert len({question.title for question in saved_questions()}) == len(saved_questions()) >= 12


def test_a_saved_question_is_answered_by_its_link_and_logged_once(nights, monkeypatch, local):
    page = opened(nights, monkeypatch, q="nights-and-money")
    assert page.selectbox[0].value == "nights-and-money"
    assert "budget_percent" in page.text_area[0].value
    assert "1 row in" in text(page)
    (table,) = page.dataframe
    assert list(table.value["state"]) == ["failed_targets"]
    page.run()
    lines = [line for line in logged(nights) if "budget_percent" in str(line["sql"])]
    (line,) = lines
    assert (line["who"], line["rows"], line["refused"]) == (None, 1, None)


def test_one_s_own_question_comes_with_the_link_and_goes_into_it(nights, monkeypatch, local):
    page = opened(nights, monkeypatch, sql="SELECT 41 + 1 AS answer")
    assert list(page.dataframe[0].value["answer"]) == [42]
    assert page.query_params["q"] in ("own", ["own"])
    page.text_area[0].set_value("SELECT nope FROM runs")
    page.button[0].click().run()
    assert not page.exception
    assert "(line 1, column 8)" in text(page)
    assert not page.dataframe
    assert page.query_params["sql"] in ("SELECT nope FROM runs", ["SELECT nope FROM runs"])
    page.selectbox[0].set_value("prices-now").run()
    assert "sql" not in page.query_params
    assert "usd_per_input_mtok" in page.text_area[0].value


def test_a_question_too_long_for_a_link_is_answered_and_that_is_said(nights, monkeypatch, local):
    page = opened(nights, monkeypatch)
    page.text_area[0].set_value(f"SELECT 7 AS answer /* {'x' * 1600} */")
    page.button[0].click().run()
    assert "too long for a link" in text(page)
    assert list(page.dataframe[0].value["answer"]) == [7]


def test_a_plan_is_shown_as_text(nights, monkeypatch, local):
    page = opened(nights, monkeypatch, sql="EXPLAIN FROM runs")
    assert "runs" in page.code[0].value
    assert "The plan, in" in text(page)


def test_a_link_to_a_question_that_is_not_there_is_told_so(nights, monkeypatch, local):
    shown = text(opened(nights, monkeypatch, q="<script>alert('x')</script>" + "y" * 260))
    assert "There is no question" in shown
    assert "<script>" not in shown


def test_a_server_that_others_reach_answers_nobody_who_is_not_logged_in(nights, monkeypatch):
    page = opened(nights, monkeypatch, sql="SELECT 1")
    assert "you are not logged in" in text(page)
    assert not page.text_area
    assert not page.dataframe


def test_whoever_has_logged_in_is_answered_and_named_in_the_log(nights, monkeypatch):
    ann = {"is_logged_in": True, "email": "ann@example.org", "iat": int(time.time())}
    page = opened(nights, monkeypatch, ann, sql="SELECT 43 AS answer")
    assert list(page.dataframe[0].value["answer"]) == [43]
    assert "Logged in as ann@example.org" in text(page)
    assert logged(nights)[-1]["who"] == "ann@example.org"


def test_the_page_without_a_snapshot_says_what_to_do(tmp_path, monkeypatch, local):
    assert "Nothing has been published" in text(opened(tmp_path, monkeypatch))


@pytest.mark.parametrize(
    ("asked", "allowed", "said"),
    [
        (ANYBODY, True, ""),
        (replace(ANYBODY, host=None), True, ""),
        (replace(ANYBODY, address="::1", host="[::1]:8501"), True, ""),
        (replace(ANYBODY, host="board.example.org"), False, "No log-in is set up"),
        (replace(ANYBODY, forwarded=True), False, "No log-in is set up"),
        (replace(ANYBODY, origin="http://localhost:8501"), True, ""),
        (replace(ANYBODY, origin="https://board.example.org"), False, "No log-in is set up"),
        (replace(ANYBODY, origin="null"), False, "No log-in is set up"),
        (replace(ANYBODY, address=None), False, "can be reached from other machines"),
        (replace(ANYBODY, address="10.0.0.7", host="127.0.0.1"), False, "can be reached"),
        (REMOTE, False, "put an [auth] section"),
        (replace(REMOTE, login_set_up=True), False, "you are not logged in"),
        (replace(REMOTE, login_set_up=True, library=False), False, "install authlib"),
        (replace(REMOTE, login_set_up=True, problem="[auth] client_id is missing"), False, "client_id is missing"),
        (INSIDE, True, ""),
        (replace(INSIDE, since_s=access.LASTS_S + 1), False, "more than 12 hours ago"),
        (replace(INSIDE, since_s=None), False, "more than 12 hours ago"),
        (replace(INSIDE, email="Ann@Example.org", users=["@example.org"]), True, ""),
        (replace(INSIDE, users=["ann@example.org"]), True, ""),
        (replace(INSIDE, email="eve@example.org", users=["ann@example.org"]), False, "eve@example.org"),
        (replace(INSIDE, email="ann@notexample.org", users=["@example.org"]), False, "sql_users"),
        (replace(INSIDE, verified=False, users=["ann@example.org"]), False, "sql_users"),
        (replace(INSIDE, email=None, users=["ann@example.org"]), False, "subject 1 may not"),
    ],
)  # fmt: skip
def test_sql_is_for_the_machine_itself_and_for_those_who_logged_in(asked, allowed, said):
    decided = access.decide(asked)
    assert decided.allowed is allowed
    assert said in decided.why
    works = asked.login_set_up and asked.library and not asked.problem
    assert decided.can_log_in is (not allowed and works and decided.who is None)


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1", True), ("127.9.9.9:80", True), ("localhost:8501", True), ("::1", True), ("[::1]:1", True),
     ("0.0.0.0", False), ("::", False), ("localhost.example.org", False), ("127.0.0.1.example.org", False),
     ("", False)],
)  # fmt: skip
def test_a_host_is_local_if_it_is_this_machine_and_nothing_else(host, local):
    assert access.is_local(host) is local


def test_the_log_begins_anew_when_it_is_full_and_keeps_the_one_before(tmp_path, monkeypatch):
    path = sql_audit.log_path(tmp_path)
    path.parent.mkdir()
    path.write_bytes(b"x" * (sql_audit.MOST_BYTES + 1))
    for number in range(2):
        sql_audit.record(
            tmp_path, "SELECT " + "y" * 9000, who=None, snapshot="s", rows=number, took_s=0.1234567, refused=None
        )
    first, second = logged(tmp_path)
    assert (first["rows"], second["rows"], second["took_s"]) == (0, 1, 0.123)
    assert len(str(first["sql"])) == sql_audit.MOST_CHARACTERS
    assert path.with_suffix(".1.jsonl").stat().st_size > sql_audit.MOST_BYTES
    assert path.stat().st_mode & 0o077 == 0


def test_a_question_that_cannot_be_logged_is_not_answered(tmp_path):
    (tmp_path / "logs").write_text("a file where a folder should be")
    with pytest.raises(WarehouseError, match="what is not logged is not answered"):
        sql_audit.record(tmp_path, "SELECT 1", who=None, snapshot="s", rows=1, took_s=0.1, refused=None)


def answer(*rows: tuple[object, ...], columns: str = "a", cut: str | None = None) -> Answer:
    named = tuple(Column(name=name, type="ANY") for name in columns.split())
    return Answer(columns=named, rows=list(rows), cut=cut, took_s=0.3456)


def test_an_answer_says_how_much_it_is_and_whether_that_is_all():
    assert sql.finding(answer((1,))) == "1 row in 0.35 s"
    assert sql.finding(answer()) == "No row, in 0.35 s"
    assert sql.finding(answer((1,), (2,), cut="rows")) == "The first 2 rows, in 0.35 s; there are more"
    assert "more would be over 8 MB" in sql.finding(answer((1,), cut="bytes"))


def test_files_keep_types_and_unknown_stays_empty(tmp_path):
    import duckdb

    held = answer((1, None, 2**70, "x,y"), (None, None, 5, None), columns="n nothing big text")
    assert to_csv(held) == f'n,nothing,big,text\n1,,{2**70},"x,y"\n,,5,\n'
    assert [str(kind) for kind in frame(held).dtypes] == ["Int64", "String", "String", "String"]
    path = tmp_path / "answer.parquet"
    path.write_bytes(to_parquet(held))
    assert duckdb.sql(f"FROM '{path}'").fetchall() == held_rows(held)


def held_rows(held: Answer) -> list[tuple[object, ...]]:
    return [(n, nothing, str(big), said) for n, nothing, big, said in held.rows]


def test_a_column_is_explained_where_the_views_that_the_question_names_agree():
    views = [
        ViewComment(name="one", comment="", columns=(("a", "meaning of a"), ("b", "in one"))),
        ViewComment(name="two", comment="", columns=(("b", "in two"), ("c", "not asked"))),
        ViewComment(name="three", comment="", columns=(("a", "not named"),)),
    ]
    held = answer((1, 2), columns="a b")
    assert sql.meanings(held, "SELECT a, b FROM one JOIN Two", views) == {"a": "meaning of a"}
