"""Personal data masked on arrival: a name keeps its surname, a phone its ends, a number its last four; pure.

Masking what is masked already changes nothing, so that a record may be sent again as it was read back.
"""

from __future__ import annotations

import re
from typing import Any

_DOUBLES = (
    "欧阳太史端木上官司马东方独孤南宫万俟闻人夏侯诸葛尉迟公羊赫连澹台皇甫宗政濮阳公冶太叔申屠公孙慕容仲孙钟离长孙"
    "宇文司徒鲜于司空闾丘子车亓官司寇巫马公西颛孙壤驷公良漆雕乐正宰父谷梁拓跋夹谷轩辕令狐段干百里呼延东郭南门羊舌"
    "微生梁丘左丘东门西门第五"
)
_DOUBLE_SURNAMES = frozenset(_DOUBLES[place : place + 2] for place in range(0, len(_DOUBLES), 2))
_MOBILE = re.compile(r"(?<![0-9A-Za-z])(1[3-9]\d)\d{4}(\d{4})(?![0-9A-Za-z])")
_IDENTITY = re.compile(r"(?<![0-9A-Za-z])(\d{3})\d{11}(\d{3}[0-9Xx])(?![0-9A-Za-z])")


def masked(kind: str, text: str) -> str:
    """Return a text with what is personal in it hidden; `kind` is name, phone or number."""
    return {"name": masked_name, "phone": masked_phone, "number": masked_number}[kind](text)


def masked_name(text: str) -> str:
    """Return a name that keeps its surname: 张*, 欧阳**."""
    name = text.strip()
    if "*" in name or not name:
        return name
    if name[:2] in _DOUBLE_SURNAMES and len(name) > 2:
        return name[:2] + "**"
    return name[0] + "*"


def masked_phone(text: str) -> str:
    """Return a phone number: 138****1234 of a mobile, the last two digits of any other."""
    phone = text.strip()
    if "*" in phone or not phone:
        return phone
    bare = re.sub(r"[\s-]", "", phone).removeprefix("+86")
    if re.fullmatch(r"1[3-9]\d{9}", bare):
        return f"{bare[:3]}****{bare[-4:]}"
    return "*" * max(len(bare) - 2, 1) + (bare[-2:] if len(bare) > 2 else "")


def masked_number(text: str) -> str:
    """Return a number of a person's document with all but the last four hidden."""
    number = text.strip()
    if "*" in number or not number:
        return number
    return "*" * max(len(number) - 4, 4) + number[-4:] if len(number) > 4 else "****"


def without_numbers(text: str) -> str:
    """Return a text in which mobile and identity numbers are hidden, wherever they stand."""
    return _IDENTITY.sub(r"\1***********\2", _MOBILE.sub(r"\1****\2", text))


def hidden(row: Any, marks: dict[str, Any]) -> Any:
    """Return a raw row with its personal fields masked; `marks` is field -> kind, or marks of nested rows."""
    if not isinstance(row, dict):
        return row
    return {name: _hidden_value(value, marks.get(name)) for name, value in row.items()}


def _hidden_value(value: Any, mark: Any) -> Any:
    if mark is None or value is None:
        return value
    if isinstance(mark, dict):
        return [hidden(each, mark) for each in value] if isinstance(value, list) else "***"
    return masked(mark, value) if isinstance(value, str) else "***"
