"""The statistics under every check: residuals, evidence, fleets."""

from finalmile.monitoring.engine.detector import Bets, Calibration, calibrate, e_cusum, log_mean_exp, shiryaev_roberts
from finalmile.monitoring.engine.fleet import beta_binomial_log_e, e_bh, trimmed_mean
from finalmile.monitoring.engine.residual import Residualiser
from finalmile.monitoring.engine.watch import Watch

__all__ = [
    "Bets",
    "Calibration",
    "Residualiser",
    "Watch",
    "beta_binomial_log_e",
    "calibrate",
    "e_bh",
    "e_cusum",
    "log_mean_exp",
    "shiryaev_roberts",
    "trimmed_mean",
]
