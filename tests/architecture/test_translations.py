"""Every English text on screen has its Chinese, and only one."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import io
from pathlib import Path

from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

ROOT = Path(__file__).parents[2]
METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2.ext:babel_extract")]
OPTIONS = {"**/templates/**.html": {"trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}}


def known() -> set[str]:
    """Return the English texts that have a Chinese one."""
    loader = importlib.machinery.SourceFileLoader("translations", str(ROOT / "script" / "translations"))
    spec = importlib.util.spec_from_loader("translations", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    found: set[str] = set()
    for message in module.merged():
        if message.id and message.string:
            found.update([message.id] if isinstance(message.id, str) else message.id[:1])
    return found


def used() -> dict[str, str]:
    """Return every marked text of the product and the file it stands in."""
    found: dict[str, str] = {}
    for package in ("portal", "gis", "ingestion_adapters", "reports"):
        for name, _, text, _, _ in extract_from_dir(str(ROOT / package), METHODS, OPTIONS):
            found.setdefault(text if isinstance(text, str) else text[0], f"{package}/{name}")
    return found


def test_no_text_on_screen_lacks_its_chinese() -> None:
    chinese = known()
    missing = {text: place for text, place in used().items() if text and text not in chinese}
    assert not missing, "\n".join(f"{place}: {text!r}" for text, place in missing.items())


def test_no_english_text_has_two_chinese_ones() -> None:
    words: dict[str, dict[str, str]] = {}
    for part in sorted((ROOT / "portal" / "translations" / "zh_CN" / "parts").glob("*.po")):
        for message in read_po(io.BytesIO(part.read_bytes()), locale="zh_CN"):
            if message.id and message.string:
                words.setdefault(str(message.id), {}).setdefault(str(message.string), part.name)
    doubled = {english: chinese for english, chinese in words.items() if len(chinese) > 1}
    assert not doubled, "\n".join(f"{english!r}: {chinese}" for english, chinese in doubled.items())
