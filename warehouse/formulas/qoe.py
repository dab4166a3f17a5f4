"""How well a stream kept up with a reader: tokens delivered against the timeline that a service level promises."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def delivered_share(chunk_s: Floats, chunks: Ints, tokens: Ints, *, slo_ttft_s: float, slo_tpot_s: float) -> Floats:
    """The share of the promised reading that was delivered in time, one score for each answer.

    The promise is a reader's pace: token k (from 0) at slo_ttft_s + k slo_tpot_s after the send, and the last of n
    tokens read by H = slo_ttft_s + n slo_tpot_s. Let E(t) be the tokens due by t and D(t) those delivered:

        score = integral of min(D, E) over [0, H] / integral of E over [0, H]
              = sum over k of max(0, H - max(delivered_k, due_k)) / (slo_tpot_s n (n + 1) / 2)

    1 is an answer that was never behind, 0 one of which nothing had come by H. An earlier chunk never lowers it, and
    times and limits scaled together leave it as it is. The n tokens of an answer are shared over its c chunks equally,
    since no server says which chunk holds how many; a token counts when the last of its share has come.

    Two departures from Andes, whose idea it is. H is fixed by the promise and not by the answer's own end, because with
    the latter an earlier last token can lower the score. And a reader who was kept waiting catches up at once, where
    theirs goes on reading at the same pace: D, not what a slow reader has made of it, is what the server did.

    Args:
        chunk_s: shape (sum of chunks,); when each payload chunk came, seconds after its answer was asked for; the
            answers one after the other, within an answer never falling.
        chunks: shape (answers,); chunks of each answer, >= 1.
        tokens: shape (answers,); streamed tokens of each answer, >= 1.
        slo_ttft_s: promised time to the first token, > 0.
        slo_tpot_s: promised time for each token after it, > 0.

    Returns:
        shape (answers,); 0 to 1.

    Raises:
        ValueError: an answer without chunks or tokens, a limit that is not above 0, or lengths that do not fit.

    Source: Liu et al.: Andes: Defining and Enhancing Quality-of-Experience in LLM-Based Text Streaming Services, 2024,
    arXiv:2404.16283. Default limits of 1 s and 0.1 s: Dong, Xie: Large Language Models (LLMs): Deployment, Tokenomics
    and Sustainability, 2024, section IV.
    """
    if not (slo_ttft_s > 0 and slo_tpot_s > 0):
        raise ValueError(f"slo_ttft_s = {slo_ttft_s} and slo_tpot_s = {slo_tpot_s} must be > 0 seconds")
    if len(chunks) != len(tokens) or int(chunks.sum()) != len(chunk_s):
        raise ValueError(
            f"{len(chunk_s)} chunk times, chunks of {len(chunks)} answers that sum to {chunks.sum()}, and tokens of"
            f" {len(tokens)} answers do not belong together"
        )
    if not len(chunks):
        return np.empty(0)
    if chunks.min() < 1 or tokens.min() < 1:
        raise ValueError("an answer without chunks or without tokens has no score; leave it out")
    first_token = np.cumsum(tokens) - tokens
    first_chunk = np.cumsum(chunks) - chunks
    k = np.arange(int(tokens.sum())) - np.repeat(first_token, tokens)
    # token k ends inside the chunk ceil((k + 1) c / n), counted from 1
    brought_by = -(-(k + 1) * np.repeat(chunks, tokens) // np.repeat(tokens, tokens)) - 1
    delivered_s = chunk_s[brought_by + np.repeat(first_chunk, tokens)]
    due_s = slo_ttft_s + k * slo_tpot_s
    horizon_s = np.repeat(slo_ttft_s + tokens * slo_tpot_s, tokens)
    in_time = np.add.reduceat(np.maximum(horizon_s - np.maximum(delivered_s, due_s), 0.0), first_token)
    scores: Floats = np.minimum(in_time / (slo_tpot_s * tokens * (tokens + 1) / 2), 1.0)
    return scores
