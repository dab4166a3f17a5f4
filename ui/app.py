"""The pages of Megatoken; started by `megatoken ui`, or by hand with the command of `ui/server.py`.

One file a page, in `questions/` and not in `pages/`: a folder of that name beside this file puts Streamlit's old
navigation in charge until somebody has visited `/`, and the first visitor of a saved link sees pages without style.
"""

from pathlib import Path

import streamlit as st

from ui import login

HERE = Path(__file__).parent

st.set_page_config(page_title="Megatoken", page_icon=str(HERE / "mark.svg"), layout="wide")
st.html(HERE / "style.css")
st.logo(str(HERE / "wordmark.svg"), size="large")
# From what to choose, over a closer look, to whether it can be believed.
page = st.navigation(
    [
        st.Page("questions/overview.py", title="Overview", default=True),
        st.Page("questions/ranking.py", title="Ranking", url_path="ranking"),
        st.Page("questions/tradeoff.py", title="Trade-off", url_path="tradeoff"),
        st.Page("questions/compare.py", title="Compare", url_path="compare"),
        st.Page("questions/calculator.py", title="Calculator", url_path="calculator"),
        st.Page("questions/hours.py", title="Time", url_path="time"),
        st.Page("questions/reliability.py", title="Reliability", url_path="reliability"),
        st.Page("questions/endpoint.py", title="Endpoint", url_path="endpoint"),
        st.Page("questions/carbon.py", title="Carbon", url_path="carbon"),
        st.Page("questions/prices.py", title="Prices", url_path="prices"),
        st.Page("questions/sql.py", title="SQL", url_path="sql"),
        st.Page("questions/runs.py", title="Runs", url_path="runs"),
        st.Page("questions/method.py", title="Method", url_path="method"),
        st.Page("questions/run.py", title="Run", url_path="run", visibility="hidden"),
    ],
    position="top",
)
login.welcome("questions/sql.py", first=page.url_path == "")
page.run()
