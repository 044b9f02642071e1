"""Invented but likely names of streets."""

from __future__ import annotations

_ARTERIAL = (
    (
        "人民大道",
        "建设路",
        "中山路",
        "解放路",
        "云岭大道",
        "文化路",
        "学府路",
        "朝阳路",
        "体育路",
        "青年路",
        "胜利路",
        "团结路",
        "凤凰路",
    ),
    (
        "和平路",
        "滨江路",
        "望江路",
        "西山路",
        "江北大道",
        "迎宾大道",
        "科技大道",
        "南城大道",
        "锦绣路",
        "长江路",
        "东风路",
        "金桥路",
        "环湖路",
    ),
)
_SECONDARY = (
    (
        "新华路",
        "育才路",
        "红旗路",
        "桃园路",
        "翠竹路",
        "兴业路",
        "星海路",
        "康宁路",
        "梧桐路",
        "银河路",
        "百合路",
        "永安路",
        "明珠路",
        "石桥路",
    ),
    (
        "幸福路",
        "安康路",
        "富强路",
        "光明路",
        "黄河路",
        "玉泉路",
        "梅园路",
        "清泉路",
        "高新路",
        "港口路",
        "春晖路",
        "秋实路",
        "古渡路",
        "天河路",
    ),
)
_FIRST = "青柳荷云松梅竹桂枫兰菊杏桃槐榆月星石金玉"
_SECOND = "石岸塘桥井园溪坊台亭林泉"
_LAST = "街巷"
_ALLEY_LAST = "里弄"
_TOWN_SECONDARY = ("育才", "兴农", "工业", "迎春", "和谐", "水厂")


def grid_line(axis: int, index: int, klass: int) -> str:
    """Return the name of a main line of the grid; axis 0 runs north, 1 east; local: none."""
    if klass == 1:
        table = _ARTERIAL[axis]
        return table[(index // 6) % len(table)]
    if klass == 2:
        table = _SECONDARY[axis]
        return table[((index - 3) // 6) % len(table)]
    return ""


def lane(line: int, block: int) -> str:
    """Return the name of a local street."""
    number = line * 7 + block * 31
    return _FIRST[number % 20] + _SECOND[(number // 20 + block) % 12] + _LAST[number % 2]


def alley(cell: int) -> str:
    """Return the name of a small lane inside a block."""
    number = cell * 13
    return _FIRST[(number // 3) % 20] + _SECOND[number % 12] + _ALLEY_LAST[cell % 2]


def town_line(town: str, axis: int, index: int, klass: int) -> str:
    """Return the name of a street of a county town."""
    if klass == 1:
        return f"{town}{'中路' if axis == 0 else '大街'}"
    if klass == 2:
        return f"{town}{_TOWN_SECONDARY[(index // 3 + axis * 3) % 6]}路"
    return f"{town}{_FIRST[(index * 3 + axis * 7) % 20]}{_SECOND[(index + axis * 5) % 12]}街"
