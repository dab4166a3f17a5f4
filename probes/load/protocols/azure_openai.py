"""OpenAI chat completions at Azure: another header for the key, and the deployment and version in the base URL.

    base_url = "https://RESOURCE.openai.azure.com/openai/deployments/DEPLOYMENT?api-version=2024-10-21"
    base_url = "https://RESOURCE.openai.azure.com/openai/v1"

Usage at the end of a stream needs api-version 2024-09-01-preview or later. The first event has no choice but what the
filter found in the prompt; late ones have a choice without `delta`.
"""

from dataclasses import replace
from typing import Final

from probes.load.protocols.base import WireProtocol
from probes.load.protocols.openai_chat import OPENAI_CHAT

AZURE_OPENAI: Final[WireProtocol] = replace(OPENAI_CHAT, name="azure-openai", key_headers=lambda key: {"api-key": key})
