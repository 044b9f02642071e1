"""Risk on the one map: pipes in four colours, and a segment's colour in its drawer."""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from gis.tiles.themes import ThemeColumn
from portal.core.actor import Actor
from portal.core.errors import NotFound
from portal.home.filed import Line, Section
from portal.home.themes import Theme, ThemeClass
from portal.safety.risk.labels import colour_words
from portal.safety.risk.queries import find_segment

COLUMN = ThemeColumn("risk", "rc", "(select r.colour from risk_segment r where r.pipe_id = t.id)")
TOKENS = {1: "--r1", 2: "--r2", 3: "--r3", 4: "--r4"}
UNGRADED = "--p5"
TONES = {1: "bad", 2: "warn", 3: "info", 4: "ok"}


def offer_risk(_session: Session, actor: Actor) -> Theme | None:
    """Return the theme of the four colours for callers who may read safety."""
    if not actor.may("safety.read"):
        return None
    classes = [ThemeClass(word, TOKENS[colour], codes=(colour,)) for colour, word in colour_words().items()]
    return Theme(COLUMN, _("Risk, four colours"), (*classes, ThemeClass(_("Not graded"), UNGRADED)))


def risk_about(session: Session, actor: Actor, layer: str, object_id: int) -> list[Section]:
    """Return the risk of a pipe as a section of its drawer; nothing for other objects."""
    if layer != "pipe" or not actor.may("safety.read"):
        return []
    try:
        segment = find_segment(session, object_id, scope=actor.scope)
    except NotFound:
        return []
    words = _("Score %(score)s: L %(l)s × C %(c)s", score=segment.score, l=segment.likelihood, c=segment.consequence)
    line = Line(
        f"/safety/risk/segments/{object_id}",
        words,
        colour_words()[segment.colour],
        TONES[segment.colour],
        segment.computed_at,
    )
    return [Section(_("Risk"), [line])]
