"""The application: settings, extensions, blueprints, template globals and error pages; the only place that knows all."""

from __future__ import annotations

import hashlib
import importlib
import mimetypes
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from flask import Flask, g, request, url_for
from flask_babel import Babel, get_locale
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFProtect
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.middleware.proxy_fix import ProxyFix

from ingestion_adapters.http.express import Express
from portal.config import Settings
from portal.core.clock import local
from portal.core.logs import start_logging
from portal.core.web import (
    current_actor,
    every_route_says_who,
    handle_errors,
    install_headers,
)

ROOT = Path(__file__).parent
MAX_BODY_BYTES = 32 * 1024 * 1024
BLUEPRINT_MODULES = (
    "portal.health",
    "portal.accounts.routes",
    "portal.audit.routes",
    "portal.jobs.routes",
    "portal.jobs.dictionary_routes",
    "portal.home.routes",
    "portal.home.area_routes",
    "portal.home.past_routes",
    "portal.home.bookmark_routes",
    "portal.home.times_routes",
    "portal.home.near_routes",
    "portal.home.list_routes",
    "portal.home.print_routes",
    "portal.home.search_routes",
    "portal.operation.telemetry.routes",
    "portal.operation.trends.routes",
    "portal.operation.stations.routes",
    "portal.operation.stations.camera_routes",
    "portal.operation.alarms.routes",
    "portal.operation.desk.routes",
    "portal.operation.escalation.routes",
    "portal.operation.limits.routes",
    "portal.operation.limits.change_routes",
    "portal.operation.outages.routes",
    "portal.operation.devices.routes",
    "portal.operation.meters.routes",
    "portal.events.routes",
    "portal.supply.routes",
    "portal.safety.routes",
    "portal.safety.risk.routes",
    "portal.safety.risk.model_routes",
    "portal.emergency.routes",
    "portal.network.routes",
    "portal.network.hydraulics.routes",
    "portal.network.borders.routes",
    "portal.proposals.routes",
    "portal.cockpit.routes",
    "portal.runlog.routes",
    "portal.live.routes",
    "gis.tiles.routes",
    "gis.basemap.routes",
    "ingestion_adapters.http.routes",
    "ingestion_adapters.http.quality_routes",
    "ingestion_adapters.http.backfill_routes",
    "ingestion_adapters.pages",
    "ingestion_adapters.quality.routes",
    "ingestion_adapters.quality.rule_routes",
    "ingestion_adapters.files.routes",
    "ingestion_adapters.defence.routes",
    "ingestion_adapters.onboarding.routes",
    "ingestion_adapters.backfill.routes",
    "ingestion_adapters.mapping.routes",
    "ingestion_adapters.upward.routes",
    "ingestion_adapters.pull.routes",
    "reports.routes",
)
SENTENCE_MODULES = (
    "portal.sentences",
    "portal.accounts.sentences",
    "portal.operation.alarms.sentences",
    "portal.operation.limits.sentences",
    "portal.operation.desk.sentences",
    "portal.operation.escalation.sentences",
    "portal.operation.devices.sentences",
    "portal.operation.trends.sentences",
    "portal.operation.stations.sentences",
    "portal.operation.telemetry.sentences",
    "portal.safety.risk.sentences",
    "portal.events.sentences",
    "portal.live.sentences",
    "portal.home.sentences",
    "portal.network.sentences",
    "portal.network.hydraulics.sentences",
    "portal.network.borders.sentences",
    "portal.proposals.sentences",
    "ingestion_adapters.sentences",
    "ingestion_adapters.files.sentences",
    "ingestion_adapters.quality.sentences",
    "ingestion_adapters.defence.sentences",
    "ingestion_adapters.onboarding.sentences",
    "ingestion_adapters.backfill.sentences",
    "ingestion_adapters.upward.sentences",
    "ingestion_adapters.pull.sentences",
    "reports.sentences",
)
UNSIGNED_FORMS = ("adapter_api", "quality_api", "backfill_api")


def create_app(settings: Settings | None = None) -> Flask:
    """Return the web application; raise BadSettings or RuntimeError when it must not start."""
    found = settings or Settings.from_env()
    start_logging(found.log_level)
    mimetypes.add_type("text/javascript", ".mjs")
    app = Flask(__name__, template_folder="templates", static_folder="static")
    app.wsgi_app = ProxyFix(Express(app.wsgi_app, found), x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]
    _configure(app, found)
    install_headers(app)
    _languages(app)
    csrf = CSRFProtect(app)
    from portal.accounts.web import install_login  # noqa: PLC0415  # after the settings are in place

    install_login(app)
    _register(app, csrf)
    _template_globals(app, found)
    handle_errors(app)
    unguarded = every_route_says_who(app)
    if unguarded:
        raise RuntimeError(f"routes without a permission: {', '.join(unguarded)}")
    return app


def _configure(app: Flask, settings: Settings) -> None:
    app.config.update(
        PORTAL_SETTINGS=settings,
        SECRET_KEY=settings.secret_key,
        SESSION_COOKIE_NAME="__Host-ranjian" if settings.cookie_secure else "ranjian",
        SESSION_COOKIE_SECURE=settings.cookie_secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=timedelta(hours=settings.session_hours),
        MAX_CONTENT_LENGTH=MAX_BODY_BYTES,
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,
        BABEL_DEFAULT_LOCALE="zh_CN",
        BABEL_DEFAULT_TIMEZONE="Asia/Shanghai",
        BABEL_TRANSLATION_DIRECTORIES=str(ROOT / "translations"),
        SEND_FILE_MAX_AGE_DEFAULT=31536000,
        TEMPLATES_AUTO_RELOAD=False,
    )
    app.extensions["portal_sentences"] = _sentences()


def _sentences() -> dict[str, Callable[..., str]]:
    found: dict[str, Callable[..., str]] = {}
    for name in SENTENCE_MODULES:
        if find_spec(name):
            found.update(importlib.import_module(name).SENTENCES)
    return found


def _languages(app: Flask) -> None:
    from portal.accounts.web import locale_of  # noqa: PLC0415  # needs the request's settings

    Babel(app, locale_selector=locale_of)


def _register(app: Flask, csrf: CSRFProtect) -> None:
    for name in BLUEPRINT_MODULES:
        parent = name.rpartition(".")[0]
        if find_spec(parent) is None or find_spec(name) is None:
            continue
        blueprint = importlib.import_module(name).blueprint
        app.register_blueprint(blueprint)
        if blueprint.name in UNSIGNED_FORMS:
            csrf.exempt(blueprint)


@lru_cache(maxsize=512)
def _asset_version(name: str) -> str:
    path = ROOT / "static" / name
    return hashlib.sha256(path.read_bytes()).hexdigest()[:10] if path.is_file() else "0"


def _asset(name: str) -> str:
    return f"{url_for('static', filename=name)}?v={_asset_version(name)}"


def _nav_items() -> list[dict[str, Any]]:
    """Return the pages of the left navigation that the caller may open."""
    pages = (
        ("home", _("Home"), "gauge", "/", "self"),
        ("map", _("One map"), "map", "/map", "map.read"),
        ("cockpit", _("Cockpit"), "monitor", "/cockpit", "map.read"),
        ("atlas", _("Weak places of the network"), "network", "/network/atlas", "map.read"),
        ("hydraulics", _("Hydraulics"), "waypoints", "/network/hydraulics", "map.read"),
        ("borders", _("Borders between enterprises"), "git-branch", "/network/borders", "map.read"),
        ("proposals", _("Proposed corrections"), "pencil", "/proposals", "map.read"),
        ("alarms", _("Monitoring"), "activity", "/operation/alarms", "alarm.read"),
        ("trends", _("Trends"), "chart-line", "/operation/trends", "alarm.read"),
        ("stations", _("Stations"), "factory", "/operation/stations", "alarm.read"),
        ("limits", _("Alarm limits"), "sliders-horizontal", "/operation/limits", "alarm.read"),
        ("outages", _("Data outages"), "wifi-off", "/operation/outages", "alarm.read"),
        ("runlog", _("Running log"), "history", "/operation/log", "alarm.read"),
        ("devices", _("Devices"), "hard-drive", "/operation/devices", "alarm.read"),
        ("supply", _("Supply"), "flame", "/supply", "supply.read"),
        ("safety", _("Safety"), "shield-check", "/safety", "safety.read"),
        ("risk", _("Risk"), "triangle-alert", "/safety/risk", "safety.read"),
        ("risk_models", _("Risk model"), "sliders-horizontal", "/safety/risk/models", "risk.release"),
        ("emergency", _("Emergency"), "siren", "/emergency", "emergency.read"),
        ("cases", _("Supervision"), "gavel", "/events/cases", "case.read"),
        ("intake", _("Intake"), "radio-tower", "/intake", "intake.read"),
        ("evaluation", _("Evaluation"), "chart-column", "/evaluation", "report.read"),
        ("reports", _("Reports"), "file-text", "/reports", "report.read"),
        ("users", _("Accounts"), "users", "/admin/users", "account.manage"),
        ("enterprises", _("Enterprises"), "building-2", "/admin/enterprises", "enterprise.read"),
        ("pull", _("Scheduled pull"), "download", "/admin/pull", "enterprise.manage"),
        ("sessions", _("Sessions"), "lock", "/admin/sessions", "session.manage"),
        ("parameters", _("Parameters"), "settings", "/admin/parameters", "parameter.manage"),
        ("dictionaries", _("Dictionaries"), "book-open", "/admin/dictionaries", "dictionary.read"),
        ("jobs", _("Jobs"), "clock", "/admin/jobs", "job.read"),
        ("audit", _("Audit log"), "clipboard-check", "/admin/audit", "audit.read"),
    )
    actor = current_actor()
    allowed = [page for page in pages if actor.may(page[4])]
    here = request.path
    # Of two pages that begin alike, the one with the longer address is the current one.
    fitting = [page[3] for page in allowed if here == page[3] or (page[3] != "/" and here.startswith(page[3] + "/"))]
    current = max(fitting, key=len, default="")
    return [
        {
            "key": key,
            "label": label,
            "icon": icon,
            "url": url,
            "current": url == current,
        }
        for key, label, icon, url, _permission in allowed
    ]


def _open_alarms() -> int:
    if not current_actor().may("alarm.read"):
        return 0
    if not hasattr(g, "open_alarms"):
        from portal.core.web import opened  # noqa: PLC0415
        from portal.operation.alarms.queries import open_count  # noqa: PLC0415

        # An error page must appear even while the database is away.
        g.open_alarms = 0
        with suppress(SQLAlchemyError), opened() as session:
            g.open_alarms = open_count(session, scope=current_actor().scope)
    count: int = g.open_alarms
    return count


def local_time(instant: datetime) -> str:
    """Return an instant in city time as pages show it."""
    return local(instant).strftime("%Y-%m-%d %H:%M")


def _template_globals(app: Flask, settings: Settings) -> None:
    city = {
        "name": settings.city_name,
        "department": settings.city_department,
        "demo": settings.demo,
    }

    @app.context_processor
    def shared() -> dict[str, Any]:
        return {
            "csp_nonce": getattr(g, "csp_nonce", ""),
            "as_of_ms": getattr(g, "as_of_ms", 0),
            "city": city,
            "nav_items": _nav_items(),
            "open_alarm_count": _open_alarms(),
            "get_locale": get_locale,
            "actor": current_actor(),
        }

    app.jinja_env.globals["asset"] = _asset
    app.jinja_env.filters["local_time"] = local_time
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
