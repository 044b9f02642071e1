"""What may be asked: closed valves, stations lost or put to work, factor and hour; tables, paths, names of scenarios."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gis.hydraulics.scenario import Scenario
from portal.core.errors import Invalid

VALVES_MOST = 200
STATIONS_MOST = 50
FACTOR_MOST = 10.0
DIGITS_MOST = 18
NAME_MOST, NOTE_MOST = 80, 2_000
PAGE_MOST = 100_000
KINDS = ("pipes", "nodes", "users")
SORTS = {
    "pipes": ("velocity", "flow", "pressure", "code"),
    "nodes": ("pressure", "residual", "code"),
    "users": ("pressure",),
}


@dataclass(frozen=True)
class Asked:
    """A scenario as it stands in an address; without an hour it is now, with demands by flow readings."""

    closed: tuple[int, ...] = ()
    lost: tuple[int, ...] = ()
    serving: tuple[int, ...] = ()
    factor: float = 1.0
    hour: int | None = None

    def args(self) -> dict[str, str]:
        """Return it as arguments of an address."""
        found = {}
        for name, numbers in (("closed", self.closed), ("lost", self.lost), ("serving", self.serving)):
            if numbers:
                found[name] = ",".join(str(each) for each in numbers)
        if self.factor != 1.0:
            found["factor"] = f"{self.factor:g}"
        if self.hour is not None:
            found["hour"] = str(self.hour)
        return found

    @property
    def untouched(self) -> bool:
        """Return whether the network itself is as it stands: nothing closed, lost or put to work."""
        return not (self.closed or self.lost or self.serving)

    def base(self) -> Asked:
        """Return the network as it stands, at the same hour and demand: what a scenario is compared with."""
        return Asked(factor=self.factor, hour=self.hour)

    def scenario(self, hour_now: int) -> Scenario:
        """Return it for the solver."""
        hour = hour_now if self.hour is None else self.hour
        return Scenario(hour, self.closed, self.lost, self.serving, self.factor)


def _numbers(given: str, most: int) -> tuple[int, ...]:
    said = [each.strip() for each in given.split(",") if each.strip()]
    good = all(each.isascii() and each.isdigit() and len(each) <= DIGITS_MOST for each in said)
    if not good or len(said) > most:
        raise Invalid("hydraulic_numbers", most=most)
    return tuple(sorted({int(each) for each in said if int(each)}))


def _amount(given: str, least: float, most: float, code: str) -> float:
    try:
        value = float(given)
    except ValueError:
        raise Invalid(code, least=f"{least:g}", most=f"{most:g}") from None
    if not least <= value <= most:
        raise Invalid(code, least=f"{least:g}", most=f"{most:g}")
    return value


def parse_asked(given: Mapping[str, str]) -> Asked:
    """Return the scenario of an address or form; raise Invalid for what cannot be read."""
    hour = given.get("hour", "").strip()
    factor = given.get("factor", "").strip()
    return Asked(
        closed=_numbers(given.get("closed", ""), VALVES_MOST),
        lost=_numbers(given.get("lost", ""), STATIONS_MOST),
        serving=_numbers(given.get("serving", ""), STATIONS_MOST),
        factor=_amount(factor, 0.0, FACTOR_MOST, "hydraulic_factor") if factor else 1.0,
        hour=int(_amount(hour, 0, 23, "hydraulic_hour")) if hour else None,
    )


@dataclass(frozen=True)
class Listing:
    """Which table, in which order, from which row, and whether only what breaks a limit."""

    kind: str
    sort: str
    page: int
    only_broken: bool


def parse_listing(given: Mapping[str, str]) -> Listing:
    """Return the table asked for; unknown words give the first of each."""
    kind = given.get("kind", "")
    kind = kind if kind in KINDS else KINDS[0]
    sort = given.get("sort", "")
    sort = sort if sort in SORTS[kind] else SORTS[kind][0]
    page = given.get("page", "1")
    number = int(page) if page.isascii() and page.isdigit() and len(page) < 7 else 1
    return Listing(kind, sort, min(max(number, 1), PAGE_MOST), given.get("only") == "1")


@dataclass(frozen=True)
class Naming:
    """How a scenario is kept: its name, a note, and the case it belongs to."""

    name: str
    note: str | None
    case_no: str | None


def parse_naming(given: Mapping[str, str]) -> Naming:
    """Return name, note and case; raise Invalid without a name or for too many words."""
    name, note = given.get("name", "").strip(), given.get("note", "").strip()
    if not name or len(name) > NAME_MOST or len(note) > NOTE_MOST:
        raise Invalid("hydraulic_name", most=NAME_MOST)
    return Naming(name, note or None, given.get("case_no", "").strip()[:40] or None)


def parse_number(given: str, code: str) -> int:
    """Return a number of an address; raise Invalid for anything else."""
    if not (given.isascii() and given.isdigit() and 0 < len(given) <= DIGITS_MOST):
        raise Invalid(code)
    return int(given)
