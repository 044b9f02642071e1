"""Front-end files: recorded, unchanged, licensed, naming no address outside the server."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
ICON_CALL = re.compile(r"""icon\(\s*['"]([a-z0-9-]+)['"]""")
OUTSIDE = re.compile(r"""(?:src|href|url)\s*[=(]\s*["']?\s*(?:https?:)?//""")


@pytest.fixture
def vendor() -> ModuleType:
    loader = importlib.machinery.SourceFileLoader("vendor_tool", str(ROOT / "script" / "vendor"))
    spec = importlib.util.spec_from_loader("vendor_tool", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.fixture
def copied(vendor: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for package in vendor.read_manifest()["packages"]:
        for file in package["files"]:
            target = tmp_path / file["to"]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((vendor.STATIC / file["to"]).read_bytes())
    manifest = tmp_path / "vendor" / "vendor.json"
    manifest.write_bytes(vendor.MANIFEST.read_bytes())
    monkeypatch.setattr(vendor, "STATIC", tmp_path)
    monkeypatch.setattr(vendor, "MANIFEST", manifest)
    return tmp_path


def test_vendored_files_are_as_recorded(vendor: ModuleType) -> None:
    assert vendor.findings() == []


def test_every_package_carries_its_licence_text(vendor: ModuleType) -> None:
    for package in vendor.read_manifest()["packages"]:
        licences = [file["to"] for file in package["files"] if "LICENSE" in file["to"]]
        assert licences, package["name"]


def test_changed_missing_and_extra_files_are_named(vendor: ModuleType, copied: Path) -> None:
    (copied / "vendor/htmx/htmx.min.js").write_text("changed")
    (copied / "vendor/uplot/LICENSE").unlink()
    (copied / "vendor/extra.js").write_text("extra")

    assert vendor.findings() == [
        "changed: vendor/htmx/htmx.min.js",
        "missing: vendor/uplot/LICENSE",
        "not in the manifest: vendor/extra.js",
    ]


def test_check_fails_with_the_exit_code_when_a_file_differs(
    vendor: ModuleType, copied: Path
) -> None:
    assert vendor.main(["check"]) == 0
    (copied / "vendor/uplot/uPlot.min.css").write_text("")
    assert vendor.main(["check"]) == 1


def test_no_source_map_is_referenced(vendor: ModuleType) -> None:
    for path in (vendor.STATIC / "vendor").rglob("*.*js"):
        assert b"sourceMappingURL=" not in path.read_bytes()[-200:], path.name


def test_every_icon_named_in_templates_and_modules_is_in_the_sprite(vendor: ModuleType) -> None:
    have = set(re.findall(r'symbol id="([^"]+)"', (vendor.STATIC / "icons/sprite.svg").read_text()))
    templates = ROOT.joinpath("portal").rglob("*.html")
    modules = (vendor.STATIC / "js").rglob("*.mjs")
    for path in [*templates, *modules]:
        used = set(ICON_CALL.findall(path.read_text(encoding="utf-8")))
        assert used <= have, f"{path.name}: {sorted(used - have)}"


def test_own_templates_styles_and_modules_name_no_outside_address(vendor: ModuleType) -> None:
    own = [
        *ROOT.joinpath("portal").rglob("*.html"),
        *(vendor.STATIC / "css").glob("*.css"),
        *(vendor.STATIC / "js").rglob("*.mjs"),
    ]
    for path in own:
        assert not OUTSIDE.search(path.read_text(encoding="utf-8")), path.name


def test_no_template_holds_inline_style_or_handlers() -> None:
    inline = re.compile(r"""\s(?:style|on[a-z]+|hx-on[:a-z-]*)\s*=\s*["']""")
    for path in ROOT.joinpath("portal").rglob("*.html"):
        if "pdf" in path.parts:  # printed on the server, never sent to a browser
            continue
        assert not inline.search(path.read_text(encoding="utf-8")), path.name


def test_every_module_has_its_hashed_address_in_the_import_map(vendor: ModuleType) -> None:
    listed = set(
        re.findall(
            r'"((?:js|vendor)/[^"]+\.mjs)"',
            (ROOT / "portal/templates/shell/modules.html").read_text(encoding="utf-8"),
        )
    )
    own = {p.relative_to(vendor.STATIC).as_posix() for p in (vendor.STATIC / "js").rglob("*.mjs")}
    assert own <= listed
    assert all((vendor.STATIC / name).is_file() for name in listed)
