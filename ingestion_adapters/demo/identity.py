"""The three demo enterprises: who they are, and how each names its own objects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from ingestion_adapters.contract import Enterprise
from ingestion_adapters.demo.city import adcode_of

_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))
_ORG_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
MEASURE_TAGS = {1: "PI", 2: "FI", 3: "AI", 4: "TI", 5: "LI", 6: "ZI", 9: "CP", 11: "OD", 12: "FQ", 13: "PD"}
_CLASS_WORDS = {2: "GB", 3: "CA", 4: "CB", 5: "ZA", 6: "ZB", 7: "DY"}


def org_check_digit(body: str) -> str:
    """Return the check character of an eight-character organisation code (GB 11714)."""
    total = sum(weight * int(char, 36) for weight, char in zip(_ORG_WEIGHTS, body, strict=True))
    return "0123456789X"[-total % 11]


def uscc_check_digit(body: str) -> str:
    """Return the check character of the first 17 of a credit code (GB 32100); "91350100M000100Y4" gives "3"."""
    total = sum(weight * _USCC_ALPHABET.index(char) for weight, char in zip(_USCC_WEIGHTS, body, strict=True))
    return _USCC_ALPHABET[-total % 31]


def _uscc(org_body: str) -> str:
    body = "91990100" + org_body + org_check_digit(org_body)
    return body + uscc_check_digit(body)


@dataclass(frozen=True)
class Naming:
    """How one enterprise writes its codes; every function gives a code unique in the enterprise."""

    pipe: Callable[[int, int, int, int], str]
    node: Callable[[int, int, int], str]
    station: Callable[[int, int, int], str]
    on_pipe: Callable[[str, str, int, int], str]
    point: Callable[[str, int, int, int], str]
    user: Callable[[int, int], str]
    alarm: Callable[[int, int], str]


@dataclass(frozen=True)
class DemoEnterprise:
    """One enterprise of the demo; `key` names it in the code, `short_names` on the command line."""

    key: str
    profile: Enterprise
    short_names: tuple[str, ...]
    naming: Naming

    @property
    def uscc(self) -> str:
        """Return the unified social credit code."""
        return self.profile.uscc


def _tile(tile: int) -> str:
    return f"T{tile:02d}" if tile else ""


# 云川燃气集团 follows the rules of a gas company's GIS: a pipe is adcode, G, class letter, line and
# segment; what stands on a pipe carries the pipe's code.
_GROUP = Naming(
    pipe=lambda tile, number, district, klass: f"{adcode_of(district, tile)}G{'?ABCDEFG'[klass]}{number:06d}",
    node=lambda tile, number, kind: f"{adcode_of(0, tile)}{'JD' if kind != 8 else 'QY'}{number:06d}",
    station=lambda tile, number, kind: f"{adcode_of(0, tile)}Z{'?QMCLNPJT'[kind]}{number:03d}",
    on_pipe=lambda pipe, what, number, tile: f"{pipe}{ {'valve': 'FMA', 'regulator': 'TYA', 'chamber': 'FJA', 'post': 'CSA'}[what] }{number % 1000:03d}",
    point=lambda owner, measure, number, serial: f"{owner}.{MEASURE_TAGS[measure]}.{number:02d}",
    user=lambda tile, number: f"YC{tile:02d}{number:08d}",
    alarm=lambda t_ms, number: f"YC-BJ-{t_ms // 1000}-{number:04d}",
)
# 江北天然气 numbers by kind, with dashes.
_NORTH = Naming(
    pipe=lambda tile, number, district, klass: f"JB{_tile(tile)}-GD-{_CLASS_WORDS[klass]}-{number:05d}",
    node=lambda tile, number, kind: f"JB{_tile(tile)}-JD-{number:05d}",
    station=lambda tile, number, kind: f"JB{_tile(tile)}-CZ-{number:02d}",
    on_pipe=lambda pipe, what, number, tile: f"JB{_tile(tile)}-{ {'valve': 'FM', 'regulator': 'TYX', 'chamber': 'FJ', 'post': 'CSZ'}[what] }-{number:04d}",
    point=lambda owner, measure, number, serial: f"{owner}/{MEASURE_TAGS[measure]}{number}",
    user=lambda tile, number: f"3{tile:02d}{number:09d}",
    alarm=lambda t_ms, number: f"JB{t_ms // 1000}{number:04d}",
)
# 开发区新能源 uses the tags of its SCADA.
_PARK = Naming(
    pipe=lambda tile, number, district, klass: f"K{tile:02d}.PIPE.{klass}{number:05d}",
    node=lambda tile, number, kind: f"K{tile:02d}.N{number:05d}",
    station=lambda tile, number, kind: f"K{tile:02d}_ST{number:02d}",
    on_pipe=lambda pipe, what, number, tile: f"K{tile:02d}_{ {'valve': 'XV', 'regulator': 'PCV', 'chamber': 'MH', 'post': 'TP'}[what] }{number:04d}",
    point=lambda owner, measure, number, serial: f"{owner}_{ {'PI': 'PT', 'FI': 'FT', 'AI': 'GD', 'TI': 'TT', 'LI': 'LT', 'ZI': 'ZT'}.get(MEASURE_TAGS[measure], MEASURE_TAGS[measure]) }{100 + number}",
    user=lambda tile, number: f"88-{tile:02d}-{number:07d}",
    alarm=lambda t_ms, number: f"KFQ_ALM_{t_ms // 1000}_{number}",
)


def _profile(org_body: str, name: str, short: str, kind: int, rest: tuple[str, date, str, str, int, int]) -> Enterprise:
    licence_no, expire, phone, head, staff_n, certified_n = rest
    return Enterprise(
        uscc=_uscc(org_body), name=name, kind=kind, licence_no=licence_no, licence_expire=expire,
        duty_phone=phone, short_name=short, safety_head=head, staff_n=staff_n, certified_n=certified_n,
    )


ENTERPRISES = (
    DemoEnterprise(
        "YCRQ",
        _profile("MA0YC001", "云川燃气集团有限公司（演示）", "云川燃气集团", 1,
                 ("云燃经〔2024〕001号", date(2028, 3, 31), "0990-5550001", "周*", 412, 268)),
        ("DEMO", "YCRQ"), _GROUP,
    ),
    DemoEnterprise(
        "JBRQ",
        _profile("MA0JB002", "江北天然气有限公司（演示）", "江北天然气", 1,
                 ("云燃经〔2024〕002号", date(2027, 6, 30), "0990-5550002", "郑*", 196, 131)),
        ("JBRQ",), _NORTH,
    ),
    DemoEnterprise(
        "KFQRQ",
        _profile("MA0KF003", "云川开发区新能源有限公司（演示）", "开发区新能源", 5,
                 ("云燃经〔2025〕003号", date(2027, 1, 15), "0990-5550003", "吴*", 158, 97)),
        ("KFQRQ",), _PARK,
    ),
)


def enterprise_named(name: str) -> DemoEnterprise:
    """Return the enterprise of a short name, key or credit code; raise KeyError for an unknown one."""
    for enterprise in ENTERPRISES:
        if name in (*enterprise.short_names, enterprise.key, enterprise.uscc, enterprise.profile.short_name):
            return enterprise
    raise KeyError(name)
