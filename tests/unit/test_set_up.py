"""What the set-up writes: settings for an existing database, the programs of the supervisor, the end of a killed nginx."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from portal import foreign_database
from portal.front import end, left_behind
from portal.processes import REPORTS_MADE, demo_reports
from portal.readiness import newest_schema

URL = "postgresql://admin:p%40ss@db.example:6432/city?sslmode=require"


def test_the_roles_urls_keep_place_database_and_options() -> None:
    urls = foreign_database.urls_for(URL, "a", "w")
    assert urls["PORTAL_OWNER_DATABASE_URL"] == URL.replace("postgresql:", "postgresql+psycopg2:")
    rest = "@db.example:6432/city?sslmode=require"
    assert urls["PORTAL_APP_DATABASE_URL"] == f"postgresql+psycopg2://ranjian_app:a{rest}"
    assert urls["PORTAL_WORKER_DATABASE_URL"] == f"postgresql+psycopg2://ranjian_worker:w{rest}"


def test_secrets_are_written_once_and_follow_a_changed_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign_database, "complaints", lambda url: [])
    target = tmp_path / "secrets.env"
    assert foreign_database.main(target, URL) == 0
    first = foreign_database.read(target)
    assert target.stat().st_mode & 0o777 == 0o600
    assert foreign_database.main(target, URL.replace("db.example", "other.example")) == 0
    second = foreign_database.read(target)
    assert second["PORTAL_SEAL_KEY"] == first["PORTAL_SEAL_KEY"]
    assert "other.example" in second["PORTAL_APP_DATABASE_URL"]


def test_a_database_that_cannot_be_reached_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    target = tmp_path / "secrets.env"
    assert foreign_database.main(target, "postgresql://a:b@127.0.0.1:9/city?connect_timeout=2") == 1
    assert not target.exists()


def test_the_demos_reports_are_made_once(tmp_path: Path) -> None:
    assert demo_reports(tmp_path, "python") == []
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo-accounts.txt").touch()
    assert [each["name"] for each in demo_reports(tmp_path, "python")] == ["demo-reports"]
    (tmp_path / REPORTS_MADE).touch()
    assert demo_reports(tmp_path, "python") == []


def test_only_nginx_processes_of_the_killed_masters_group_are_ended(tmp_path: Path) -> None:
    fake = tmp_path / "nginx"
    fake.symlink_to("/usr/bin/sleep")
    worker = subprocess.Popen([fake, "60"], process_group=0)
    other = subprocess.Popen(["/usr/bin/sleep", "60"], process_group=worker.pid)
    pid_file = tmp_path / "nginx.pid"
    assert left_behind(pid_file) == []
    pid_file.write_text(f"{worker.pid}\n", encoding="utf-8")
    try:
        assert left_behind(pid_file) == [worker.pid]
        end([worker.pid])
        assert worker.wait(5) == -9
        assert other.poll() is None
    finally:
        other.kill()
        other.wait(5)


def test_the_tree_has_one_newest_schema() -> None:
    assert newest_schema() is not None
