"""Parameters of a mixture of experts: all that are stored, and those that one token passes through."""

from warehouse.formulas.training import check_dimensions


def moe_params(layers: int, hidden: int, vocabulary: int, moe_share: float, experts: int) -> float:
    """Parameters of a mixture of experts, l (4h^2 + (1 - rho) 8h^2 + rho E 8h^2) + Vh.

    With `experts` the number of experts it is the size of the model; with the number that each token is sent to (top
    k), what is active for one token. With one expert it is the dense model, but for biases, norms and positions.

    Args:
        layers: transformer blocks, l.
        hidden: width, h; an expert is 4h wide.
        vocabulary: tokens of the vocabulary, V.
        moe_share: share of the layers whose feed-forward part is a mixture, rho, 0 to 1.
        experts: experts of such a layer, E; or how many of them a token is sent to.

    Returns:
        A count; the router's parameters are not in it.

    Raises:
        ValueError: a dimension that is not above 0, or a share outside 0 to 1.

    Source: derived from the block structure in LLMCarbon (arXiv 2309.14393), which prints no closed form for it.
    """
    check_dimensions(layers=layers, hidden=hidden, vocabulary=vocabulary, experts=experts)
    if not 0 <= moe_share <= 1:
        raise ValueError(f"a share of {moe_share} of the layers is outside 0 to 1")
    attention, feed_forward = 4.0 * hidden**2, 8.0 * hidden**2
    return layers * (attention + (1 - moe_share + moe_share * experts) * feed_forward) + float(vocabulary) * hidden


def moe_active_params(layers: int, hidden: int, vocabulary: int, moe_share: float, experts: int, top_k: int) -> float:
    """Parameters that one token passes through: those of a mixture with `top_k` experts.

    Raises:
        ValueError: more experts chosen than there are, or a bad dimension.

    Source: as `moe_params`.
    """
    if top_k > experts:
        raise ValueError(f"a token cannot be sent to {top_k} of {experts} experts")
    return moe_params(layers, hidden, vocabulary, moe_share, top_k)
