"""What the alarm engine adds to a row of intake: `script/bench alarms evaluation [POINTS [SHARE]]`.

Batches of normal readings are judged; SHARE of the points (0.1) have steps and combined conditions, which look
back into stored readings. The plain figure is without such points.
"""

from __future__ import annotations

from bench._engine import GOAL_US, evaluation, tell
from portal.config import Settings


def run(given: list[str]) -> None:
    """Print microseconds a row; exit 1 above the goal."""
    points, share = int(given[0]) if given else 1000, float(given[1]) if len(given) > 1 else 0.1
    settings = Settings.from_env()
    plain = {f"plain_{name}": value for name, value in evaluation(settings, points, 0.0).items()}
    mixed = evaluation(settings, points, share)
    tell(plain | mixed, mixed["evaluation_us_a_row"] > GOAL_US)
