"""The house rules that a machine can check."""

from __future__ import annotations

import ast
import os
import re
import subprocess
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.all_models import metadata

ROOT = Path(__file__).parents[2]
PACKAGES = ("portal", "gis", "ingestion_adapters", "reports")
FILE_LINES, FUNCTION_LINES = 500, 60
BIN = ROOT / ".venv" / "bin"


def sources() -> list[Path]:
    """Return every Python file of the product."""
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def run(*command: str) -> None:
    """Run a checker and show what it says when it fails."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=170, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def test_imports_point_one_way() -> None:
    run(str(BIN / "lint-imports"))


def test_ruff_finds_nothing() -> None:
    run(str(BIN / "ruff"), "check", *PACKAGES, "tests", "wsgi.py")


def test_mypy_finds_nothing() -> None:
    run(str(BIN / "mypy"))


def test_every_file_is_short_enough() -> None:
    long = [
        f"{path.relative_to(ROOT)}: {n}"
        for path in sources()
        if (n := len(path.read_text("utf-8").splitlines())) > FILE_LINES
    ]
    assert not long


def test_every_function_is_short_enough() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{node.name}"
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= FUNCTION_LINES
    ]
    assert not long


def test_every_module_says_what_it_owns() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in sources()
        if path.read_text("utf-8").strip() and not ast.get_docstring(ast.parse(path.read_text("utf-8")))
    ]
    assert not silent


def test_every_template_that_stands_alone_brings_the_macros_it_uses() -> None:
    """A name that is only there when a page includes the template is missing where it is drawn alone or imported."""
    folder = ROOT / "portal" / "templates"
    texts = {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in folder.rglob("*.html")}
    included = set(re.findall(r'include "([^"]+)"', " ".join(texts.values())))
    imported = set(re.findall(r'(?:import|from) "([^"]+)"', " ".join(texts.values())))
    alone = {name for name in texts if name not in included or name in imported}
    users = {name for name in alone if re.search(r"\bui\.\w+\(", texts[name])}
    assert users - {"macros.html"}
    assert sorted(name for name in users if not re.search(r"\bextends\b|\bas ui\b", texts[name])) == []


def test_only_the_boundary_commits() -> None:
    guilty = [
        str(path.relative_to(ROOT))
        for path in sources()
        if path.name != "db.py" and re.search(r"\bsession\.commit\(", path.read_text("utf-8"))
    ]
    assert not guilty


def test_every_table_and_column_has_a_comment() -> None:
    bare = [str(table) for table in metadata.tables.values() if not table.comment]
    bare += [str(column) for table in metadata.tables.values() for column in table.columns if not column.comment]
    assert not bare


def test_every_route_requires_a_permission_or_is_public(app: Flask) -> None:
    bare = [
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if rule.endpoint != "static" and not hasattr(app.view_functions[rule.endpoint], "permission")
    ]
    assert not bare


def test_the_list_of_routes_changed_only_on_purpose(app: Flask) -> None:
    listed = sorted(
        f"{method} {rule.rule}"
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    )
    assert listed == (ROOT / "docs" / "routes.txt").read_text("utf-8").splitlines()


def test_the_models_and_the_migrations_agree(db: Session, database: dict[str, str]) -> None:
    done = subprocess.run(
        [str(BIN / "alembic"), "check"],
        cwd=ROOT,
        env={**os.environ, **database},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:] + done.stdout[-2000:]


def test_rows_of_enterprises_are_under_a_row_policy(db: Session) -> None:
    exempt = {"app_user", "api_key", "audit_entry"}  # read before a scope is known, or by the auditor
    bare = db.scalars(
        text(
            "select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'enterprise_id' "
            "where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace and not c.relrowsecurity"
        )
    ).all()
    assert set(bare) <= exempt


def test_no_text_names_a_cdn_or_outside_host() -> None:
    allowed = re.compile(r"https?://(127\.0\.0\.1|localhost|www\.w3\.org|json-schema\.org|spec\.openapis\.org|example)")
    pages = [
        *(ROOT / "portal" / "templates").rglob("*.html"),
        *(ROOT / "reports").rglob("*.html"),
        *(ROOT / "portal" / "static" / "js").rglob("*.mjs"),
    ]
    found = [
        f"{path.relative_to(ROOT)}: {url}"
        for path in pages
        for url in re.findall(r"https?://[\w.:-]+", path.read_text("utf-8"))
        if not allowed.match(url)
    ]
    assert not found


@pytest.mark.parametrize(
    "name",
    ["README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "docs/map.md", "docs/glossary.md", "docs/runbook.md"],
)
def test_the_house_has_its_papers(name: str) -> None:
    assert (ROOT / name).stat().st_size > 100
