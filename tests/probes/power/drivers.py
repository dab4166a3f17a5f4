"""Drivers behind the seams that pynvml and amdsmi fill: they answer what was recorded, or what a test constructs."""

import json
from pathlib import Path
from types import SimpleNamespace

import pynvml

RECORDINGS = Path(__file__).parents[2] / "recordings" / "nvml"


class RecordedNvml:
    """The pynvml module of a machine with one card; the errors are the real module's.

    An answer is a number, or the name of an NVML error ("NotSupported"), which is then raised. After the last recorded
    answer the card is lost.
    """

    NVML_DEVICE_MIG_ENABLE = pynvml.NVML_DEVICE_MIG_ENABLE
    NVMLError = pynvml.NVMLError
    NVMLError_NotSupported = pynvml.NVMLError_NotSupported
    NVMLError_FunctionNotFound = pynvml.NVMLError_FunctionNotFound
    NVMLError_NoPermission = pynvml.NVMLError_NoPermission
    NVMLError_NotFound = pynvml.NVMLError_NotFound

    def __init__(self, facts, answers):
        self.facts = facts
        self.answers = answers

    def nvmlDeviceGetHandleByIndex(self, index):
        return index

    def nvmlDeviceGetName(self, _handle):
        return self.facts["name"]

    def nvmlSystemGetDriverVersion(self):
        return self.facts["driver"]

    def nvmlDeviceGetMigMode(self, _handle):
        instances = self.facts.get("mig_instances")
        return [int(instances is not None)] * 2 if instances is not None else _answer("NotSupported")

    def nvmlDeviceGetMaxMigDeviceCount(self, _handle):
        return 7

    def nvmlDeviceGetMigDeviceHandleByIndex(self, _handle, number):
        return number if number < self.facts["mig_instances"] else _answer("NotFound")

    def nvmlDeviceGetEnforcedPowerLimit(self, _handle):
        return _answer(self.facts.get("power_limit_mw", "NotSupported"))

    def nvmlDeviceGetTotalEnergyConsumption(self, _handle):
        return self._recorded("energy_mj")

    def nvmlDeviceGetPowerUsage(self, _handle):
        return self._recorded("power_mw")

    def nvmlDeviceGetUtilizationRates(self, _handle):
        busy = self._recorded("busy_percent")
        self.answers = self.answers[1:]  # the last question of a reading
        return SimpleNamespace(gpu=busy)

    def _recorded(self, key):
        return _answer(self.answers[0][key] if self.answers else "GpuIsLost")


def _answer(value):
    if isinstance(value, str):
        raise pynvml.NVMLError(getattr(pynvml, f"NVML_ERROR_{_ERRORS[value]}"))
    return value


_ERRORS = {
    "NotSupported": "NOT_SUPPORTED",
    "NotFound": "NOT_FOUND",
    "NoPermission": "NO_PERMISSION",
    "GpuIsLost": "GPU_IS_LOST",
}


def recorded_nvml(name="h100-matmul", **changes):
    """The driver of a recording; `changes` replace an answer throughout, to construct what a card lacks."""
    facts, *answers = map(json.loads, (RECORDINGS / f"{name}.jsonl").read_text().splitlines())
    return RecordedNvml(facts, [answer | changes for answer in answers])


class RecordedAmdsmi:
    """The amdsmi module as AMD documents it. Constructed: no AMD card has been at hand to record."""

    AmdSmiInitFlags = SimpleNamespace(INIT_AMD_GPUS=2)
    amdsmi_wrapper = SimpleNamespace(
        AMDSMI_STATUS_NOT_SUPPORTED=2, AMDSMI_STATUS_NOT_YET_IMPLEMENTED=3, AMDSMI_STATUS_NO_PERM=10
    )

    class AmdSmiException(Exception):
        pass

    class AmdSmiLibraryException(AmdSmiException):
        def __init__(self, err_code):
            super().__init__(f"An error occured with code: {err_code}")
            self.err_code = err_code

        def get_error_code(self):
            return self.err_code

    def __init__(self, cards, *, driver=True):
        """`cards`: for each, the answers of the functions that it supports, by their names; a list gives one a call."""
        self.cards = cards
        self.driver = driver

    def amdsmi_init(self, _flag):
        if not self.driver:
            raise self.AmdSmiLibraryException(34)

    def amdsmi_get_processor_handles(self):
        return self.cards

    def __getattr__(self, name):
        if not name.startswith("amdsmi_get_"):
            raise AttributeError(name)

        def ask(card):
            answer = card.get(name, 2)
            if isinstance(answer, list):
                answer = answer.pop(0) if answer else 30
            if isinstance(answer, int):
                raise self.AmdSmiLibraryException(answer)
            return answer

        return ask
