"""The old address of Runs: links to `run?run=...&trial=...` that people have kept lead on to `runs`."""

import streamlit as st

st.switch_page("questions/runs.py", query_params=st.query_params.to_dict())
