"""Meters of the user's own in a config: what is allowed, what is refused, and what reaches the sampler."""

import pytest

from flows.config import Site, check_table
from flows.errors import ConfigError
from flows.local import power_overrides
from flows.meterhook import MeterHook
from probes.power.readings import HookSpec, PowerOverrides, PowerRange

PLUG = {
    "id": "plug",
    "component": "machine",
    "value": "power",
    "unit": "W",
    "url": "http://plug.lan/rpc/Switch.GetStatus?id=0",
    "json_path": "apower",
}


def problem(**changes):
    raw = {key: value for key, value in (PLUG | changes).items() if value is not None}
    with pytest.raises(ConfigError) as caught:
        check_table(MeterHook, raw, name="t.toml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"url": None}, 'needs either command = ["program", "argument"] or url'),
        ({"command": ["ipmitool"]}, "and not both"),
        ({"command": [], "url": None}, "at least 1 item"),
        ({"pattern": r"(\d+)"}, "takes json_path or pattern, not both"),
        ({"json_path": None, "pattern": r"\d+"}, "must have one group, around the number, not 0"),
        ({"json_path": None, "pattern": r"(\d+"}, "is no regular expression"),
        ({"unit": "kWh"}, 'unit = "kWh" is no unit of power: use W, kW'),
        ({"value": "energy"}, 'unit = "W" is no unit of energy: use J, kJ, Wh, kWh'),
        ({"unit": "BTU"}, "unit = 'BTU': must be 'W', 'kW', 'J', 'kJ', 'Wh' or 'kWh'"),
        ({"component": "disk"}, "component = 'disk'"),
        ({"period_s": 2.5}, "period_s = 2.5 is too long for power"),
        ({"period_s": 0.01}, "period_s = 0.01: must be >= 0.1"),
        ({"url": "ftp://plug.lan/"}, "must be an http:// or https:// address with a host"),
        ({"url": "http://plug.lan:port/"}, "its host or port cannot be read"),
        ({"url": None, "command": ["x"], "header_env": {"A": "B"}}, "header_env belongs to url"),
        ({"header_env": {"A b": "C"}}, "is no HTTP header's name"),
        ({"perid_s": 1}, "perid_s is not a known key"),
    ],
)
def test_a_mistake_is_a_sentence(changes, sentence):
    assert sentence in problem(**changes)


@pytest.mark.parametrize(
    "url",
    [
        "http://admin:swordfish@plug.lan/",
        "http://swordfish@plug.lan/",
        "http://plug.lan/cm?user=admin&password=swordfish",
        "http://plug.lan/cm?api_key=swordfish",
        "http://plug.lan/cm?AuthToken=swordfish",
    ],
)
def test_a_secret_in_the_url_is_refused_and_not_repeated(url):
    sentence = problem(url=url)
    assert "name an environment variable instead, header_env" in sentence
    assert "swordfish" not in sentence


def test_a_key_where_a_variables_name_belongs_is_refused_and_not_repeated():
    sentence = problem(header_env={"Authorization": "Bearer swordfish"})
    assert "Authorization must be the NAME of an environment variable" in sentence
    assert "swordfish" not in sentence


def test_a_counter_may_be_read_more_seldom_than_power():
    hook = check_table(MeterHook, PLUG | {"value": "energy", "unit": "Wh", "period_s": 30}, name="t.toml")
    assert hook.period_s == 30


def test_what_a_site_says_of_its_meters_reaches_the_sampler():
    site = check_table(
        Site,
        {
            "zone": "FRA", "pue": 1.0, "electricity_usd_per_kwh": 0.2, "cpu_tdp_w": {"central": 20, "high": 30},
            "hardware": {
                "price_usd": 500, "lifetime_years": 4, "utilisation_share": 0.5, "embodied_kgco2e": 200, "share": 1
            },
            "rapl_psys": True,
            "meters": [
                PLUG,
                {"id": "bmc", "component": "gpu", "value": "energy", "unit": "kJ", "command": ["x", "-y"],
                 "pattern": r"(\d+) kJ", "timeout_s": 5, "resolution_s": 0.5},
            ],
        },
        name="t.toml",
    )  # fmt: skip
    assert power_overrides(site) == PowerOverrides(
        cpu_tdp_w=PowerRange(low=20, central=20, high=30),
        rapl_psys=True,
        hooks=(
            HookSpec(
                id="plug", component="machine", value="power", unit="W", url=PLUG["url"], json_path="apower"
            ),
            HookSpec(
                id="bmc", component="gpu", value="energy", unit="kJ", command=("x", "-y"), pattern=r"(\d+) kJ",
                timeout_s=5, resolution_s=0.5,
            ),
        ),
    )  # fmt: skip
    assert power_overrides(None) == PowerOverrides()
