"""What data was like: a profile saved once, against which every later look is held."""

from finalmile.monitoring.profile.columns import CategoryColumn, Column, NumberColumn, OtherColumn
from finalmile.monitoring.profile.profile import Profile
from finalmile.monitoring.profile.table import Table

__all__ = ["CategoryColumn", "Column", "NumberColumn", "OtherColumn", "Profile", "Table"]
