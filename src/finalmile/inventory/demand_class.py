"""What kind of demand a product has: how often it is asked for, and how much the amounts differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from finalmile.simulation import UnitsArray

Kind = Literal["smooth", "intermittent", "erratic", "lumpy", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DemandClass:
    """Average demand interval (periods), squared coefficient of variation of the amounts, and the class of both."""

    adi: float
    cv2: float
    kind: Kind


def demand_class(demand: UnitsArray) -> DemandClass:
    r"""Class of one product by Syntetos, Boylan and Croston: cut-offs ADI 1.32 and CV² 0.49.

    .. math:: ADI = \frac{\text{known periods}}{\text{periods with demand}}, \qquad
        CV^2 = \frac{\sigma_z^2}{\mu_z^2}

    of the amounts ``z`` above 0, with the population's variance. A product never asked for is ``"none"``, with
    infinite interval; unknown periods (NaN) are left out.

    References
    ----------
    Syntetos, Boylan and Croston (2005), On the categorization of demand patterns. JORS 56(5).

    Examples
    --------
    >>> demand_class(np.array([0.0, 2.0, 0.0, 2.0]))
    DemandClass(adi=2.0, cv2=0.0, kind='intermittent')
    """
    known = demand[~np.isnan(demand)]
    amounts = known[known > 0]
    if not len(amounts):
        return DemandClass(adi=float("inf"), cv2=float("nan"), kind="none")
    adi, cv2 = len(known) / len(amounts), float(amounts.var() / amounts.mean() ** 2)
    kinds: dict[tuple[bool, bool], Kind] = {
        (False, False): "smooth",
        (True, False): "intermittent",
        (False, True): "erratic",
        (True, True): "lumpy",
    }
    return DemandClass(adi=adi, cv2=cv2, kind=kinds[adi >= 1.32, cv2 >= 0.49])
