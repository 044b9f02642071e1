"""The three demo enterprises: who they are, with credit codes whose check digits are right."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from ingestion_adapters.contract import Enterprise
from ingestion_adapters.demo.naming import DashNaming, GisNaming, Naming, TagNaming

_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))
_ORG_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)


def org_check_digit(body: str) -> str:
    """Return the check character of an eight-character organisation code (GB 11714).

    "D2143569" gives "X".
    """
    total = sum(weight * int(char, 36) for weight, char in zip(_ORG_WEIGHTS, body, strict=True))
    return "0123456789X"[-total % 11]


def uscc_check_digit(body: str) -> str:
    """Return the check character of the first 17 of a credit code (GB 32100).

    "91350100M000100Y4" gives "3".
    """
    places = (_USCC_ALPHABET.index(char) for char in body)
    total = sum(weight * place for weight, place in zip(_USCC_WEIGHTS, places, strict=True))
    return _USCC_ALPHABET[-total % 31]


def _uscc(org_body: str) -> str:
    body = "91990100" + org_body + org_check_digit(org_body)
    return body + uscc_check_digit(body)


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


ENTERPRISES = (
    DemoEnterprise(
        key="YCRQ",
        profile=Enterprise(
            uscc=_uscc("MA0YC001"),
            name="云川燃气集团有限公司（演示）",
            kind=1,
            licence_no="云燃经〔2024〕001号",
            licence_expire=date(2028, 3, 31),
            duty_phone="0990-5550001",
            short_name="云川燃气集团",
            safety_head="周*",
            staff_n=412,
            certified_n=268,
        ),
        short_names=("DEMO", "YCRQ"),
        naming=GisNaming(),
    ),
    DemoEnterprise(
        key="JBRQ",
        profile=Enterprise(
            uscc=_uscc("MA0JB002"),
            name="江北天然气有限公司（演示）",
            kind=1,
            licence_no="云燃经〔2024〕002号",
            licence_expire=date(2027, 6, 30),
            duty_phone="0990-5550002",
            short_name="江北天然气",
            safety_head="郑*",
            staff_n=196,
            certified_n=131,
        ),
        short_names=("JBRQ",),
        naming=DashNaming(),
    ),
    DemoEnterprise(
        key="KFQRQ",
        profile=Enterprise(
            uscc=_uscc("MA0KF003"),
            name="云川开发区新能源有限公司（演示）",
            kind=5,
            licence_no="云燃经〔2025〕003号",
            licence_expire=date(2027, 1, 15),
            duty_phone="0990-5550003",
            short_name="开发区新能源",
            safety_head="吴*",
            staff_n=158,
            certified_n=97,
        ),
        short_names=("KFQRQ",),
        naming=TagNaming(),
    ),
)


def enterprise_named(name: str) -> DemoEnterprise:
    """Return the enterprise of a short name, key or credit code; raise KeyError when unknown."""
    for enterprise in ENTERPRISES:
        names = (*enterprise.short_names, enterprise.uscc, enterprise.profile.short_name)
        if name in names:
            return enterprise
    raise KeyError(name)
