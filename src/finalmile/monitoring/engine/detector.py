"""Shiryaev-Roberts e-detectors: evidence of a lasting rise, with a stated mean time to a false alarm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from finalmile.monitoring.engine.design import Doubles


@dataclass(frozen=True, slots=True, kw_only=True)
class Bets:
    """How evidence is gathered from standardised innovations.

    Parameters
    ----------
    sizes
        Bets that are mixed: small ones find small rises, large ones find large rises fast.
    variance
        Innovations are taken to be at least sub-Gaussian with this variance.
    clip
        Innovations above this count as this: one wild look proves little.
    standard_errors
        Safety added to the normaliser that is calibrated on the reference.
    """

    sizes: tuple[float, ...] = (0.2, 0.5, 1.0, 2.0)
    variance: float = 1.0
    clip: float = 5.0
    standard_errors: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Normalisers of ``c`` channels: what each bet pays on average while nothing is wrong.

    Parameters
    ----------
    log_norm : array of shape (c, k)
        Logarithm of the least that a bet is divided by.
    log_pay : array of shape (c, k)
        Logarithm of the bet's mean pay on the reference, standard errors added.
    looks : array of shape (c,)
        Reference looks behind it; a single look is never worth much more than ``looks + 1``.
    """

    log_norm: Doubles
    log_pay: Doubles
    looks: Doubles

    def joined(self, others: Calibration) -> Calibration:
        """These channels, then the others."""
        return Calibration(
            log_norm=np.vstack([self.log_norm, others.log_norm]),
            log_pay=np.vstack([self.log_pay, others.log_pay]),
            looks=np.hstack([self.looks, others.looks]),
        )


def calibrate(reference: Doubles, *, bets: Bets) -> Calibration:
    r"""Normalisers from reference innovations of each channel, signed so that a rise is harm.

    .. math:: \psi = \max(v \lambda^2 / 2,\; \ln(\overline{e^{\lambda \min(z, c)}} + a \cdot se))

    Parameters
    ----------
    reference : array of shape (c, T)
        NaN where a look is missing. A channel without any look gets the sub-Gaussian normaliser.
    """
    sizes = np.asarray(bets.sizes)
    known = np.isfinite(reference)
    looks = known.sum(axis=1).astype(np.float64)
    clipped = np.minimum(np.where(known, reference, 0.0), bets.clip)
    gauss = bets.variance * sizes**2 / 2
    pay = np.zeros((len(reference), len(sizes)))
    n = np.maximum(looks, 1.0)
    for k, size in enumerate(sizes):
        paid = np.where(known, np.exp(size * clipped), 0.0)
        mean = paid.sum(axis=1) / n
        spread = np.sqrt(np.maximum((paid**2).sum(axis=1) / n - mean**2, 0.0) / n)
        pay[:, k] = np.where(looks > 0, np.log(np.maximum(mean + bets.standard_errors * spread, 1e-300)), gauss[k])
    return Calibration(log_norm=np.maximum(pay, gauss), log_pay=pay, looks=looks)


def shiryaev_roberts(
    log_r: Doubles, z: Doubles, *, tolerance: Doubles, bets: Bets, calibration: Calibration | None = None
) -> tuple[Doubles, Doubles]:
    r"""One look of every channel: new log statistics (c, k), and the log e-value of the look itself (c, k).

    .. math:: R_t = (1 + R_{t-1}) \, e^{\lambda \min(z_t - \delta, c)} / D

    The alarm rule "mean of R over bets and channels is at least A" has a mean time to a false alarm of at least A
    looks, however often one looks, if every look's e-value has conditional mean at most 1 under no harmful change.
    Calendar, persistence and normalisers are estimated from a reference, so the statement holds approximately.

    Parameters
    ----------
    log_r : array of shape (c, k)
        Logarithms of the statistics; minus infinity at the start.
    z : array of shape (c,)
        Innovations, signed so that a rise is harm. A missing one leaves its channel as it was.
    tolerance : array of shape (c,)
        Harmless rise, in units of ``z``.
    calibration
        Sub-Gaussian normaliser where ``None``.

    References
    ----------
    Shin, Ramdas & Rinaldo (2024), E-detectors: a nonparametric framework for sequential change detection, NEJSDS.

    Examples
    --------
    >>> start = np.full((1, 1), -np.inf)
    >>> bets = Bets(sizes=(1.0,))
    >>> shiryaev_roberts(start, np.array([2.0]), tolerance=np.array([0.5]), bets=bets)[0]
    array([[1.]])
    """
    sizes = np.asarray(bets.sizes)
    known = np.isfinite(z)
    seen = np.where(known, z, 0.0)
    gain = sizes * np.minimum(seen - tolerance, bets.clip)[:, None]
    if calibration is None:
        norm = np.broadcast_to(bets.variance * sizes**2 / 2, log_r.shape)
    else:
        norm = _norm(calibration, sizes * np.minimum(seen, bets.clip)[:, None])
    step = np.where(known[:, None], gain - norm, 0.0)
    grown = np.logaddexp(0.0, log_r) + step
    return np.where(known[:, None], grown, log_r), step


def e_cusum(log_c: Doubles, log_e: Doubles) -> Doubles:
    r"""One look of the sum of evidence of the present stretch alone, which starts anew where it would prove nothing.

    .. math:: C_t = \max(C_{t-1}, 1) \, e_t

    Parameters
    ----------
    log_c, log_e : arrays of one shape
        Logarithms of the statistic so far, 0 at the start, and of the look's e-value.

    References
    ----------
    Shin, Ramdas & Rinaldo (2024), E-detectors: a nonparametric framework for sequential change detection, NEJSDS.

    Examples
    --------
    >>> np.exp(e_cusum(np.log([0.5, 3.0]), np.log([2.0, 2.0]))).round(9)
    array([2., 6.])
    """
    grown: Doubles = np.maximum(log_c, 0.0) + log_e
    return grown


def _norm(calibration: Calibration, pay: Doubles) -> Doubles:
    """The look counts in its own calibration, so that a few reference looks cannot make one look worth everything."""
    looks = np.maximum(calibration.looks, 1.0)[:, None]
    own = np.logaddexp(np.log(looks) + calibration.log_pay, pay) - np.log(looks + 1.0)
    norm: Doubles = np.maximum(calibration.log_norm, own)
    return norm


def log_mean_exp(values: Doubles, *, axis: int = -1) -> Doubles:
    """Logarithm of the mean of exponentials along an axis, safe for large values and for minus infinity.

    Examples
    --------
    >>> log_mean_exp(np.array([-np.inf, 1000.0])).round(3), log_mean_exp(np.array([-np.inf]))
    (np.float64(999.307), np.float64(-inf))
    """
    top = values.max(axis=axis, keepdims=True)
    safe = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        mean: Doubles = np.log(np.exp(values - safe).mean(axis=axis)) + np.squeeze(safe, axis=axis)
    return mean
