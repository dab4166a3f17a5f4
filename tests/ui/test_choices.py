"""Choices that live in the address."""

from streamlit.testing.v1 import AppTest

PAGE = """
import streamlit as st
from ui.choices import url_choice, write_address
from ui.entries import url_number

url_choice("Fruit", "fruit", ["apple", "pear"])
url_choice("Size", "size", ["small", "large"])
url_number("How many", "many", default=1, low=0, high=9, step=1, width=100)
url_number("Good, %", "good", default=95, low=1, high=99.999, step=0.5, width=100, decimals=3)
if st.checkbox("cut short"):
    st.stop()  # as a run ends that the next pick interrupts: before the address is written
write_address()
"""


def opened(**asked):
    page = AppTest.from_string(PAGE, default_timeout=30)
    for name, value in asked.items():
        page.query_params[name] = value
    return page.run()


def asked(page):
    """The address; a list of one where the page has written it, as a browser has it."""
    return {name: value if isinstance(value, str) else value[-1] for name, value in page.query_params.items()}


def test_a_pick_is_kept_although_the_next_one_came_before_its_address_was_written():
    page = opened()
    page.checkbox[0].check()
    page.selectbox[0].select("pear").run()
    assert asked(page)["fruit"] == "apple"
    page.number_input[0].set_value(5).run()
    page.checkbox[0].uncheck()
    page.selectbox[1].select("large").run()
    assert page.selectbox[0].value == "pear"
    assert asked(page) == {"fruit": "pear", "size": "large", "many": "5", "good": "95"}


def test_an_address_that_changes_by_itself_changes_the_boxes():
    page = opened(fruit="pear", many="7")
    assert (page.selectbox[0].value, page.number_input[0].value) == ("pear", 7)
    page.selectbox[0].select("apple").run()
    assert asked(page)["fruit"] == "apple"
    page.query_params["fruit"] = "pear"  # Back
    page.run()
    assert page.selectbox[0].value == "pear"


def test_a_box_that_takes_fractions_writes_them_as_they_were_typed():
    page = opened(good="99.5")
    good = page.number_input[1]
    assert (good.value, asked(page)["good"]) == (99.5, "99.5")
    good.set_value(99.95).run()
    assert asked(page)["good"] == "99.95"
    page.number_input[1].set_value(90.0).run()
    assert asked(page)["good"] == "90"
    assert opened(good="100").number_input[1].value == 95.0
