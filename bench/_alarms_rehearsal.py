"""How fast changed rules are rehearsed: `script/bench alarms rehearsal [POINTS [DAYS]]`.

Old and new rules of POINTS (100) are replayed over DAYS (30) in memory, and over a few days stored in the database;
the time of 10,000 points over 90 days is stated by proportion.
"""

from __future__ import annotations

from bench._engine import GOAL_S, rehearsal, tell
from portal.config import Settings


def run(given: list[str]) -> None:
    """Print seconds; exit 1 when 10,000 points over 90 days would take longer than the goal."""
    points, days = int(given[0]) if given else 100, int(given[1]) if len(given) > 1 else 30
    figures = rehearsal(Settings.from_env(), points, days)
    tell(figures, figures["rehearsal_10000_points_90_days_s_by_proportion"] > GOAL_S)
