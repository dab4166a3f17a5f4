"""Student's t for whole degrees of freedom: exact finite sums.

Source: Abramowitz, Stegun: Handbook of Mathematical Functions, 26.7.3 and 26.7.4.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def two_sided_p(t: Floats, freedom: int) -> Floats:
    """How often |T| is at least |t| by chance.

    Args:
        t: any shape; infinite values have p 0.
        freedom: degrees of freedom, at least 1.

    Raises:
        ValueError: there is no degree of freedom.
    """
    if freedom < 1:
        raise ValueError(f"{freedom} degrees of freedom; Student's t needs at least 1")
    angle = np.arctan(np.abs(t) / np.sqrt(freedom))
    cosine = np.cos(angle)
    if freedom == 1:
        total = np.zeros_like(cosine)
    else:
        steps = np.arange(3 if freedom % 2 else 2, freedom, 2)
        terms = np.cumprod((cosine**2)[..., None] * ((steps - 1) / steps), axis=-1)
        total = (1 + terms.sum(axis=-1)) * (cosine if freedom % 2 else 1.0)
    within = np.sin(angle) * total
    if freedom % 2:
        within = 2 / np.pi * (angle + within)
    # 1 - within loses its digits below 1e-16: far beyond any level that is asked for
    return np.asarray(np.clip(1 - within, 0.0, 1.0), dtype=np.float64)
