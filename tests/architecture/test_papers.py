"""The papers name what the code has: settings, jobs, addresses of the adapter API, commands, tables and links."""

from __future__ import annotations

import ast
import re
from dataclasses import fields
from importlib import import_module
from pathlib import Path

import pytest
from click import Context

from portal.all_models import metadata
from portal.cli import VERBS, portal
from portal.config import Settings
from portal.schedule import SCHEDULE
from reports.indicators import DEFINITIONS

ROOT = Path(__file__).parents[2]
PAPERS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
API_ROUTES = ROOT / "ingestion_adapters" / "http" / "routes.py"
API_BASE = "/api/v1"
HELPERS_OF_SCRIPTS = {"lib.sh", "packages.txt", "packages-test.txt"}
PICTURES = "docs/img/"
NAMED_FILE = re.compile(r"`((?:portal|gis|reports|ingestion_adapters|migrations|tests|script)/[\w./-]*\w/?)")


def words() -> str:
    """Return every paper as one text."""
    return "\n".join(path.read_text("utf-8") for path in PAPERS)


def unnamed(names: list[str], text: str) -> list[str]:
    """Return the names that stand nowhere in a text, as whole words."""
    return [name for name in names if not re.search(rf"(?<![\w/-]){re.escape(name)}(?![\w-])", text)]


def api_addresses() -> list[str]:
    """Return the address of every route of the adapter API, converters left out."""
    found = []
    for node in ast.walk(ast.parse(API_ROUTES.read_text("utf-8"))):
        for mark in getattr(node, "decorator_list", []):
            if isinstance(mark, ast.Call) and ast.unparse(mark.func).startswith("blueprint."):
                rule = mark.args[0].value if mark.args and isinstance(mark.args[0], ast.Constant) else ""
                if str(rule).startswith("/"):
                    found.append(API_BASE + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(rule)))
    return found


def test_every_setting_is_named_in_the_papers() -> None:
    assert not unnamed([item.metadata["env"] for item in fields(Settings)], words())


def test_every_job_is_named_in_the_papers() -> None:
    assert not unnamed([job.name for job in SCHEDULE], words())


def test_every_address_of_the_adapter_api_is_named_in_the_papers() -> None:
    addresses = api_addresses()
    assert len(addresses) >= 8, addresses
    assert not unnamed(addresses, words())


def test_every_command_is_named_in_the_papers() -> None:
    scripts = [path.name for path in sorted((ROOT / "script").iterdir()) if path.is_file()]
    assert not unnamed([f"script/{name}" for name in scripts if name not in HELPERS_OF_SCRIPTS], words())


def test_every_verb_of_the_command_line_stands_in_an_existing_module() -> None:
    gone = [name for name in VERBS.values() if not (ROOT / f"{name.replace('.', '/')}.py").is_file()]
    assert not gone


@pytest.mark.parametrize("paper", ["docs/glossary.md", "docs/map.md"])
def test_every_table_is_in_the_map_and_the_glossary(paper: str) -> None:
    assert not unnamed(sorted(metadata.tables), (ROOT / paper).read_text("utf-8"))


def test_every_indicator_has_its_formula_and_figures_in_the_papers() -> None:
    rows = (ROOT / "docs" / "units-and-formulas.md").read_text("utf-8").splitlines()
    wrong = []
    for each in DEFINITIONS:
        figures = f"| {each.target:g} | {each.floor:g} | {each.weight:g} |"
        if not any(row.startswith(f"| {each.id} |") and figures in row for row in rows):
            wrong.append(each.id)
    assert not wrong


def test_every_link_of_a_paper_leads_somewhere() -> None:
    dead = []
    for path in PAPERS:
        for target in re.findall(r"\]\(([^)#\s]+)", path.read_text("utf-8")):
            inside = not re.match(r"https?://", target)
            if inside and not target.startswith(PICTURES) and not (path.parent / target).exists():
                dead.append(f"{path.relative_to(ROOT)}: {target}")
    assert not dead


def test_every_file_named_in_the_papers_exists() -> None:
    named = {name for path in PAPERS for name in NAMED_FILE.findall(path.read_text("utf-8"))}
    assert not [name for name in sorted(named) if not (ROOT / name).exists()]


def test_every_function_named_with_its_file_exists() -> None:
    gone = []
    for path in PAPERS:
        for file, name in re.findall(r"`([\w/]+\.py):(\w+)`", path.read_text("utf-8")):
            if not re.search(rf"^\s*(?:def|class) {name}\b", (ROOT / file).read_text("utf-8"), re.MULTILINE):
                gone.append(f"{path.relative_to(ROOT)}: {file}:{name}")
    assert not gone


def test_every_function_on_the_ways_exists() -> None:
    ways = (ROOT / "docs" / "map.md").read_text("utf-8").split("## An alarm's way")[1].split("## Jobs")[0]
    code = "\n".join(
        path.read_text("utf-8")
        for package in ("portal", "gis", "ingestion_adapters", "reports")
        for path in (ROOT / package).rglob("*.py")
    )
    names = set(re.findall(r"`([a-z]+(?:_[a-z]+)+)`", ways)) - set(metadata.tables)
    assert not [name for name in sorted(names) if not re.search(rf"def {name}\b", code)]


def test_every_verb_is_loaded_from_the_module_that_has_it() -> None:
    assert [name for name in VERBS if portal.get_command(Context(portal), name) is None] == []
    spoken = {command.name for module in set(VERBS.values()) for command in import_module(module).COMMANDS}
    assert spoken == set(VERBS)
