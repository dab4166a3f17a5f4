"""HTTP statuses as classes, with the bodies that providers send."""

import gzip

import orjson
import pytest

from probes.load.errors import ERROR_CLASSES, FATAL, MESSAGE_LIMIT_CHARS, sanitise
from probes.load.statuses import classify_status, is_fatal


def kind(status, body=b"", **headers):
    text = body if isinstance(body, bytes) else orjson.dumps(body)
    return classify_status(status, {name.replace("_", "-"): value for name, value in headers.items()}, text)[0]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, "bad_request"),
        (401, "auth"),
        (402, "quota_or_spend"),
        (403, "auth"),
        (404, "model_not_found"),
        (408, "server_error"),
        (413, "bad_request"),
        (422, "bad_request"),
        (424, "server_error"),
        (500, "server_error"),
        (502, "server_error"),
        (503, "overloaded"),
        (504, "server_error"),
        (529, "overloaded"),
        (301, "bad_request"),
    ],
)
def test_a_bare_status_has_its_class(status, expected):
    assert kind(status) == expected


def test_a_429_that_says_when_to_come_back_is_a_rate_limit():
    assert kind(429, retry_after="2") == "rate_limited"
    assert kind(429, retry_after_ms="2000") == "rate_limited"
    assert kind(429, x_ratelimit_reset_tokens="6m0s") == "rate_limited"
    assert kind(429, {"error": {"details": [{"retryDelay": "46s"}], "message": "retryDelay 46s"}}) == "rate_limited"
    assert kind(429, {"error": {"code": "rate_limit_exceeded", "message": "slow down"}}) == "rate_limited"


def test_a_429_that_no_waiting_helps_is_a_spent_quota():
    assert kind(429) == "quota_or_spend"
    assert kind(429, {"error": {"code": "insufficient_quota"}}, retry_after="2") == "quota_or_spend"


def test_a_parameter_that_a_model_does_not_take_is_no_missing_model():
    said = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    assert kind(400, {"error": {"message": said, "code": "unsupported_parameter"}}) == "bad_request"
    assert kind(400, {"error": {"message": "temperature of this model is not supported"}}) == "bad_request"


def test_a_429_of_an_overloaded_server_is_an_overload():
    assert kind(429, {"error": "Model is overloaded", "error_type": "overloaded"}) == "overloaded"


def test_a_bad_request_is_told_apart_by_its_words():
    assert kind(400, {"error": {"message": "maximum context length is 8192 tokens"}}) == "context_length"
    assert kind(400, {"error": {"message": "The model `x` does not exist"}}) == "model_not_found"
    assert kind(400, [{"error": {"code": 400, "message": "no"}}]) == "bad_request"


def test_a_message_is_one_short_printable_line():
    _, message = classify_status(500, {}, b"<html>\n\x00\x1b[31m" + b"x" * 5000)
    assert len(message) <= MESSAGE_LIMIT_CHARS
    assert message.isprintable()
    assert message.startswith("HTTP 500: <html> [31mxxx")


def test_a_starred_out_key_reads_as_three_asterisks():
    assert sanitise("key ************ is wrong") == "key *** is wrong"


def test_fatal_classes_are_classes():
    assert set(ERROR_CLASSES) >= FATAL


def gemini(*details, message="Resource has been exhausted", status="RESOURCE_EXHAUSTED"):
    return {"error": {"code": 429, "message": message, "status": status, "details": list(details)}}


def violation(quota, **more):
    kind = "type.googleapis.com/google.rpc.QuotaFailure"
    return {"@type": kind, "violations": [{"quotaMetric": "m", "quotaId": quota, **more}]}


RETRY_46_S = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "46s"}
RETRY_9_H = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "32400s"}


def anthropic(kind, message, **details):
    error = {"type": kind, "message": message} | ({"details": details} if details else {})
    return {"type": "error", "error": error, "request_id": "req_1"}


def openai(code, message, kind="invalid_request_error"):
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


SLOW = "Rate limit reached for m on requests per min. Please try again in 20s. Add a payment method: settings/billing"
PER_DAY = "Rate limit reached on tokens per day (TPD): Limit 100000. Please try again in 14m24s. Visit settings/billing"
SPENT = {"error_code": "enforced_spend_limit_reached"}

# (what it is, status, body, headers, class)
ANSWERS = [
    (
        "OpenAI: a rate limit that speaks of billing",
        429,
        openai("rate_limit_exceeded", SLOW, "requests"),
        {},
        "rate_limited",
    ),
    (
        "OpenAI: no money",
        429,
        openai("insufficient_quota", "You exceeded your current quota"),
        {"retry-after": "1"},
        "quota_or_spend",
    ),
    (
        "OpenAI: no money, 400",
        400,
        openai("billing_hard_limit_reached", "Billing hard limit has been reached"),
        {},
        "quota_or_spend",
    ),
    ("OpenAI: wrong key", 401, openai("invalid_api_key", "Incorrect API key provided: ***"), {}, "auth"),
    (
        "OpenAI: no such model",
        404,
        openai("model_not_found", "The model `x` does not exist or you do not have access"),
        {},
        "model_not_found",
    ),
    ("OpenAI: no such path", 404, openai(None, "Invalid URL (POST /v1/foo)"), {}, "bad_request"),
    (
        "OpenAI: too long",
        400,
        openai("context_length_exceeded", "This model's maximum context length is 8192 tokens"),
        {},
        "context_length",
    ),
    (
        "Groq: a day's tokens that come back soon",
        429,
        openai("rate_limit_exceeded", PER_DAY, "tokens"),
        {"retry-after": "864"},
        "rate_limited",
    ),
    (
        "Groq: larger than a minute's tokens",
        413,
        openai("rate_limit_exceeded", "Request too large for model"),
        {},
        "bad_request",
    ),
    (
        "Azure: a tier's rate",
        429,
        openai("429", "Requests have exceeded token rate limit. Please retry after 22 seconds."),
        {"retry-after": "22"},
        "rate_limited",
    ),
    (
        "Azure: no deployment",
        404,
        {"error": {"code": "DeploymentNotFound", "message": "The API deployment for this resource does not exist."}},
        {},
        "model_not_found",
    ),
    ("Azure: no resource", 404, {"error": {"code": "404", "message": "Resource not found"}}, {}, "bad_request"),
    (
        "Azure: filtered",
        400,
        {
            "error": {
                "code": "content_filter",
                "message": "The response was filtered",
                "innererror": {"code": "ResponsibleAIPolicyViolation"},
            }
        },
        {},
        "filtered",
    ),
    (
        "OpenRouter: moderated",
        403,
        {"error": {"code": 403, "message": "Input moderated", "metadata": {"flagged_input": "x"}}},
        {},
        "filtered",
    ),
    ("OpenRouter: no credits", 402, {"error": {"code": 402, "message": "Insufficient credits"}}, {}, "quota_or_spend"),
    (
        "OpenRouter: upstream is slow down",
        429,
        {"error": {"code": 429, "message": "Provider returned error"}},
        {"retry-after": "5"},
        "rate_limited",
    ),
    ("DeepSeek: no balance", 402, openai("invalid_request_error", "Insufficient Balance"), {}, "quota_or_spend"),
    (
        "xAI: wrong key, 400",
        400,
        {"code": "Client specified an invalid argument", "error": "Incorrect API key provided: x"},
        {},
        "auth",
    ),
    ("Anthropic: overloaded", 529, anthropic("overloaded_error", "Overloaded"), {}, "overloaded"),
    (
        "Anthropic: a rate, with its time",
        429,
        anthropic("rate_limit_error", "would exceed the rate limit"),
        {"retry-after": "12"},
        "rate_limited",
    ),
    (
        "Anthropic: no time to wait",
        429,
        anthropic("rate_limit_error", "would exceed your rate limit"),
        {"anthropic-ratelimit-requests-reset": "2026-01-01T00:00:00Z"},
        "quota_or_spend",
    ),
    (
        "Anthropic: spend cap",
        429,
        anthropic("rate_limit_error", "spend limit", **SPENT),
        {"retry-after": "12"},
        "quota_or_spend",
    ),
    (
        "Anthropic: no credit, 400",
        400,
        anthropic("invalid_request_error", "Your credit balance is too low to access the API"),
        {},
        "quota_or_spend",
    ),
    ("Anthropic: billing", 402, anthropic("billing_error", "check your payment"), {}, "quota_or_spend"),
    ("Anthropic: wrong key", 401, anthropic("authentication_error", "invalid x-api-key"), {}, "auth"),
    ("Anthropic: permission", 403, anthropic("permission_error", "not allowed"), {}, "auth"),
    ("Anthropic: no such model", 404, anthropic("not_found_error", "model: claude-0"), {}, "model_not_found"),
    ("Anthropic: no such path", 404, anthropic("not_found_error", "Not Found"), {}, "bad_request"),
    (
        "Anthropic: too large",
        413,
        anthropic("request_too_large", "Request exceeds the maximum size"),
        {},
        "bad_request",
    ),
    (
        "Anthropic: too long",
        400,
        anthropic("invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"),
        {},
        "context_length",
    ),
    ("Anthropic: timeout", 504, anthropic("timeout_error", "timed out"), {}, "server_error"),
    ("Anthropic: internal", 500, anthropic("api_error", "Internal server error"), {}, "server_error"),
    (
        "Gemini: a minute's requests",
        429,
        gemini(violation("GenerateRequestsPerMinutePerProject"), RETRY_46_S),
        {},
        "rate_limited",
    ),
    ("Gemini: in a list", 429, [gemini(RETRY_46_S)], {}, "rate_limited"),
    (
        "Gemini: a day's requests",
        429,
        gemini(violation("GenerateRequestsPerDayPerProjectPerModel-FreeTier"), RETRY_46_S),
        {},
        "quota_or_spend",
    ),
    ("Gemini: hours to wait", 429, gemini(RETRY_9_H), {}, "quota_or_spend"),
    (
        "Gemini: a tier without any",
        429,
        gemini(violation("PerMinute", quotaValue="0"), RETRY_46_S),
        {},
        "quota_or_spend",
    ),
    ("Gemini: the same in words", 429, gemini(message="Quota exceeded for metric: m, limit: 0"), {}, "quota_or_spend"),
    ("Vertex: shared capacity", 429, gemini(message="Resource exhausted. Please try again later."), {}, "rate_limited"),
    (
        "Gemini: wrong key, 400",
        400,
        gemini({"reason": "API_KEY_INVALID"}, message="API key not valid.", status="INVALID_ARGUMENT"),
        {},
        "auth",
    ),
    (
        "Gemini: no such model",
        404,
        gemini(message="models/x is not found for API version v1beta", status="NOT_FOUND"),
        {},
        "model_not_found",
    ),
    (
        "Gemini: too long",
        400,
        gemini(message="The input token count (1200000) exceeds the maximum number", status="INVALID_ARGUMENT"),
        {},
        "context_length",
    ),
    ("Gemini: overloaded", 503, gemini(message="The model is overloaded.", status="UNAVAILABLE"), {}, "overloaded"),
    (
        "Bedrock: throttled",
        429,
        {"message": "Too many requests, please wait"},
        {"x-amzn-errortype": "ThrottlingException:http://x/"},
        "rate_limited",
    ),
    (
        "Bedrock: throttled, 400",
        400,
        {"message": "Rate exceeded"},
        {"x-amzn-errortype": "ThrottlingException"},
        "rate_limited",
    ),
    (
        "Bedrock: a day's tokens",
        429,
        {"message": "Too many tokens per day, please wait"},
        {"x-amzn-errortype": "ThrottlingException"},
        "quota_or_spend",
    ),
    (
        "Bedrock: quota",
        400,
        {"message": "You have exceeded"},
        {"x-amzn-errortype": "ServiceQuotaExceededException"},
        "quota_or_spend",
    ),
    (
        "Bedrock: denied",
        403,
        {"Message": "User is not authorized"},
        {"x-amzn-errortype": "AccessDeniedException"},
        "auth",
    ),
    (
        "Bedrock: stream error",
        424,
        {"message": "model error"},
        {"x-amzn-errortype": "ModelStreamErrorException"},
        "server_error",
    ),
    (
        "Bedrock: not ready",
        429,
        {"message": "the model is not ready"},
        {"x-amzn-errortype": "ModelNotReadyException"},
        "overloaded",
    ),
    (
        "Bedrock: no such model",
        404,
        {"message": "Could not resolve"},
        {"x-amzn-errortype": "ResourceNotFoundException"},
        "model_not_found",
    ),
    (
        "Bedrock: too long",
        400,
        {"message": "Input is too long for requested model."},
        {"x-amzn-errortype": "ValidationException"},
        "context_length",
    ),
    ("TGI: overloaded", 429, {"error": "Model is overloaded", "error_type": "overloaded"}, {}, "overloaded"),
    ("TEI: overloaded", 429, {"error": "Model is overloaded", "error_type": "Overloaded"}, {}, "overloaded"),
    (
        "TGI: validation",
        422,
        {
            "error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096",
            "error_type": "validation",
        },
        {},
        "context_length",
    ),
    ("TGI: generation", 424, {"error": "Request failed", "error_type": "generation"}, {}, "server_error"),
    (
        "TEI: too long",
        413,
        {"error": "`inputs` must have less than 512 tokens. Given: 900", "error_type": "Validation"},
        {},
        "context_length",
    ),
    ("Ollama: no such model", 404, {"error": "model 'x' not found"}, {}, "model_not_found"),
    (
        "Ollama: busy",
        503,
        {"error": "server busy, please try again. maximum pending requests exceeded"},
        {},
        "overloaded",
    ),
    ("Ollama: bad", 400, {"error": "invalid options"}, {}, "bad_request"),
    ("FastAPI: no such path", 404, {"detail": "Not Found"}, {}, "bad_request"),
    ("FastAPI: a field", 422, {"detail": [{"loc": ["body", "model"], "msg": "field required"}]}, {}, "bad_request"),
    (
        "llama.cpp: no such path",
        404,
        {"error": {"code": 404, "message": "File Not Found", "type": "not_found_error"}},
        {},
        "bad_request",
    ),
    (
        "llama.cpp: loading",
        503,
        {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}},
        {},
        "overloaded",
    ),
    ("our fake endpoint: no such path", 404, {"error": {"message": "no such route: POST /x"}}, {}, "bad_request"),
    ("Go: no such path", 404, b"404 page not found\n", {}, "bad_request"),
    ("nginx: no such path", 404, b"<html><head><title>404 Not Found</title></head></html>", {}, "bad_request"),
    ("nginx: bad gateway", 502, b"<html><h1>502 Bad Gateway</h1></html>", {}, "server_error"),
    ("nginx: too large", 413, b"<html><h1>413 Request Entity Too Large</h1></html>", {}, "bad_request"),
    ("a gateway: too many", 429, b"Too Many Requests", {}, "rate_limited"),
]


@pytest.mark.parametrize(
    ("status", "body", "headers", "expected"), [row[1:] for row in ANSWERS], ids=[row[0] for row in ANSWERS]
)
def test_what_providers_really_send_has_its_class(status, body, headers, expected):
    text = body if isinstance(body, bytes) else orjson.dumps(body)
    kind_of, message = classify_status(status, headers, text)
    assert kind_of == expected
    assert message.startswith(f"HTTP {status}: ")
    assert message.isprintable()


@pytest.mark.parametrize(
    ("status", "target", "body", "says"),
    [
        (
            404,
            "/chat/completions",
            b'{"detail":"Not Found"}',
            "no such path /chat/completions; base_url should perhaps end in /v1",
        ),
        (
            404,
            "/v1/audio/speech/chat/completions",
            b"404 page not found",
            "/v1/audio/speech/chat/completions; look at base_url and api",
        ),
        (
            405,
            "/v1/chat/completions",
            b'{"detail":"Method Not Allowed"}',
            "/v1/chat/completions takes no such request; base_url or api names another endpoint",
        ),
        (415, "/v1/audio/transcriptions", b"", "/v1/audio/transcriptions takes no such request"),
        (413, "/v1/chat/completions", b"<html>", "send smaller images or shorter prompts"),
    ],
)
def test_a_wrong_address_or_a_request_too_large_says_what_to_do(status, target, body, says):
    kind_of, message = classify_status(status, {}, body, target=target)
    assert kind_of == "bad_request"
    assert says in message
    assert is_fatal(kind_of, status) == (status != 413)


def test_a_compressed_error_is_read():
    body = gzip.compress(orjson.dumps(openai("insufficient_quota", "You exceeded your current quota")))
    kind_of, message = classify_status(429, {"content-encoding": "gzip"}, body)
    assert (kind_of, "You exceeded" in message) == ("quota_or_spend", True)


def test_a_redirect_says_where_to_and_is_not_asked_a_hundred_times():
    place = "https://api.example.com/v1/chat/completions"
    kind, message = classify_status(308, {"location": place}, b"")
    assert kind == "bad_request"
    assert message == f"HTTP 308: it redirects to {place}; if you trust that, make it the base_url"
    assert is_fatal(kind, 308)
    assert not is_fatal(kind, 304)
