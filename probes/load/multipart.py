"""A body of multipart/form-data, as a browser sends a form with a file (RFC 7578)."""

from collections.abc import Iterator, Mapping
from typing import Final

import orjson

from probes.errors import ProbeError

# One for all requests: the head of a request, where it is named, is made once a trial.
_BOUNDARY: Final = b"megatoken-41f7c0d95b6e4e27a3d8"
CONTENT_TYPE: Final = f"multipart/form-data; boundary={_BOUNDARY.decode()}"


def form_body(fields: Mapping[str, object], *, file_field: str, file_name: str, media_type: str, data: bytes) -> bytes:
    """The fields, then the file.

    Args:
        fields: a list is the same field several times, an object goes as JSON, True and False as their JSON words;
            None is left out.
        file_field: name of the field that holds the file.
        file_name: ASCII without quotes.
        media_type: of the file.
        data: its bytes.

    Raises:
        ProbeError: the boundary stands inside a part, or a name cannot stand in a header.
    """
    parts = [_part(f'name="{_checked(name)}"', text) for name, value in fields.items() for text in _texts(value)]
    parts.append(_part(f'name="{file_field}"; filename="{file_name}"\r\nContent-Type: {media_type}', data))
    if any(_BOUNDARY in part for part in parts):
        raise ProbeError(f"a field of the form contains the boundary {_BOUNDARY.decode()!r}; send another text")
    between = b"--" + _BOUNDARY + b"\r\n"
    return between + between.join(parts) + b"--" + _BOUNDARY + b"--\r\n"


def _part(disposition: str, data: bytes) -> bytes:
    return f"Content-Disposition: form-data; {disposition}\r\n\r\n".encode() + data + b"\r\n"


def _checked(name: str) -> str:
    if not name.isprintable() or '"' in name:
        raise ProbeError(f"extra_body: {name!r} cannot be the name of a form field; leave out quotes and line breaks")
    return name


def _texts(value: object) -> Iterator[bytes]:
    for one in value if isinstance(value, list | tuple) else [value]:
        if isinstance(one, str):
            yield one.encode()
        elif one is not None:
            yield orjson.dumps(one)
