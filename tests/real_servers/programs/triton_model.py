"""The model of a Triton server: its Python backend, handing each request to llama.cpp and its text on, piece by piece.

Runs inside Triton, which knows the class by its name. What is asked and said is TensorRT-LLM's form of the generate
extension; TRITON_MODEL_BACKEND is the root of the llama.cpp server, TRITON_MODEL_PACKAGES
where numpy is.
"""

import json
import os
import site
import urllib.request

site.addsitedir(os.environ["TRITON_MODEL_PACKAGES"])  # Triton's own Python does not look at PYTHONPATH

import numpy as np
import triton_python_backend_utils as triton


class TritonPythonModel:
    """One request at a time, answered in pieces (Triton calls that a decoupled model)."""

    def execute(self, requests):
        """Answer each request through its own sender; nothing is returned."""
        for request in requests:
            sender = request.get_response_sender()
            pieces = _pieces(_text(request, "text_input"), _number(request, "max_tokens"))
            for text in pieces if _number(request, "stream") else ["".join(pieces)]:  # /generate takes just one
                output = triton.Tensor("text_output", np.array([text.encode()], dtype=object))
                sender.send(triton.InferenceResponse(output_tensors=[output]))
            sender.send(flags=triton.TRITONSERVER_RESPONSE_COMPLETE_FINAL)


def _pieces(prompt, max_tokens):
    asked = {"prompt": prompt, "n_predict": max_tokens, "temperature": 0, "stream": True, "cache_prompt": False}
    url = os.environ["TRITON_MODEL_BACKEND"] + "/completion"
    request = urllib.request.Request(url, json.dumps(asked).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=120) as answer:
        for line in answer:
            if line.startswith(b"data: "):
                text = json.loads(line[6:]).get("content")
                if text:
                    yield text


def _text(request, name):
    return triton.get_input_tensor_by_name(request, name).as_numpy().flatten()[0].decode()


def _number(request, name):
    return int(triton.get_input_tensor_by_name(request, name).as_numpy().flatten()[0])
