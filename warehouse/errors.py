"""The one error of this room: a sentence that says what is wrong, the value, what would be right, what to do."""


class WarehouseError(Exception):
    """Something about landed, loaded or published data that its reader can put right; `str()` of it is the sentence."""


class ReferenceDataError(WarehouseError):
    """A fact that is not in `warehouse/reference/*.csv` for that key and date."""
