"""The order that a sampler's process is given: whole, and on no command line."""

from pathlib import Path

from probes.power.order import Order, order_line, read_order
from probes.power.readings import HookSpec, PowerOverrides, PowerRange

PLUG = HookSpec(
    id="wall",
    component="machine",
    value="energy",
    unit="kWh",
    url="http://plug.lan/",
    header_env=(("Authorization", "PLUG"),),
    json_path="a.0",
)
BMC = HookSpec(id="bmc", component="gpu", value="power", unit="W", command=("ipmitool", "dcmi"), pattern=r"(\d+) W")


def test_what_is_ordered_arrives():
    for overrides in (
        PowerOverrides(),
        PowerOverrides(cpu_tdp_w=PowerRange(low=1, central=2, high=3), rapl_psys=True, hooks=(PLUG, BMC)),
    ):
        for replay in (None, Path("a recording")):
            order = Order(
                log=Path("a\nlog"), hz=12.5, parent=7, powercap_root=Path("/sys"), replay=replay, overrides=overrides
            )
            line = order_line(order)
            assert line.count(b"\n") == 1
            assert read_order(line.decode()) == order
