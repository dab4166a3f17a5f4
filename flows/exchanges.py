"""What failed attempts of a trial sent and got back, as it lands: the first of each class, and no secret."""

from collections import Counter
from typing import Final

from flows.spec import TrialSpec
from flows.targets import api_key
from probes.load.head import shown_head
from probes.load.origin import Origin, parse_origin
from probes.load.protocols import protocol
from probes.load.raw import RawAttempt
from probes.load.record import AttemptRecord
from probes.load.redaction import Secrets
from probes.load.spec import LoadSpec
from warehouse.rows import ExchangeRow

MOST_OF_A_CLASS: Final = 20  # a night of refusals would fill the disk, and the twenty-first says what the first did
_END_BYTES: Final = 64 << 10
_OURS: Final = frozenset({"aborted", "stale_connection"})  # nobody answered, and nobody was to blame


class Exchanges:
    """Keeps what is to land of the failures of one trial.

    Args:
        spec: the trial's.
        base_url: of an engine that was started for it; None for an endpoint.
    """

    def __init__(self, spec: TrialSpec, base_url: str | None) -> None:
        endpoint = spec.endpoint
        self._trial_id = spec.trial_id
        self._key_env = endpoint.api_key_env if endpoint else None
        key = api_key(endpoint) if endpoint else None
        self.secrets = Secrets(key or "")
        url = endpoint.base_url if endpoint else base_url
        self._load = None if url is None else _load_of(spec, url, key)
        self._counts: Counter[str] = Counter()
        self.rows: list[ExchangeRow] = []

    def add(self, raw: RawAttempt, record: AttemptRecord) -> None:
        """Keep an attempt if it failed or counts what cannot be, unless its class has been kept often enough."""
        why = record.error_class or ("" if record.usage_fault is None else "usage_fault")
        if not why or why in _OURS or self._load is None:
            return
        self._counts[why] += 1
        if self._counts[why] <= MOST_OF_A_CLASS:
            self.rows.append(self._row(raw, record, self._load))

    def _row(self, raw: RawAttempt, record: AttemptRecord, load: LoadSpec) -> ExchangeRow:
        origin = _origin(load)
        body = self.secrets.star(raw.request, thorough=True) or None
        head = shown_head(load, protocol(load.api), origin, attempt_id=raw.attempt_id, body_bytes=len(raw.request))
        answered = raw.http_status is not None
        return ExchangeRow(
            attempt_id=raw.attempt_id,
            trial_id=self._trial_id,
            started_at=record.started_at,
            error_class=record.error_class,
            error_message=None if record.error_message is None else self.secrets.star_text(record.error_message),
            usage_fault=record.usage_fault,
            url=self.secrets.star_text(origin.url),
            api=raw.api,
            api_key_env=self._key_env,
            request_head=self.secrets.star_text(head),
            request_body=body,
            request_bytes=None if body is None else len(body),
            http_status=raw.http_status,
            response_head="\n".join(f"{name}: {self.secrets.star_text(said)}" for name, said in raw.headers.items()),
            response_body=ends_of(self.secrets.star(raw.body, thorough=True)) if answered else None,
            response_bytes=len(raw.body) if answered else None,
        )


def ends_of(body: bytes) -> bytes:
    """All of a body, or its first and last 64 KiB and, between them, a line about what was left out."""
    left_out = len(body) - 2 * _END_BYTES
    if left_out <= 0:
        return body
    return b"%b\n[... %d bytes left out ...]\n%b" % (body[:_END_BYTES], left_out, body[-_END_BYTES:])


def _load_of(spec: TrialSpec, base_url: str, key: str | None) -> LoadSpec:
    """What a wire format must know to say where it sends, and under which headers."""
    return LoadSpec(
        base_url=base_url,
        api=spec.endpoint.api if spec.endpoint else "openai-chat",
        model=spec.target.model,
        api_key=key,
        concurrency=1,
        requests=1,
        attempt_prefix=spec.trial_id,
    )


def _origin(load: LoadSpec) -> Origin:
    return parse_origin(load.base_url, protocol(load.api).path(load))
