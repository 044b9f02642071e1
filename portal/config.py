"""Settings: every value the portal takes from its environment, with default, meaning and checks."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from dataclasses import field as _field
from pathlib import Path
from typing import Any

WELL_KNOWN = {"secret", "changeme", "change-me", "dev", "password", "test", "please-change-me"}
SECRET_MIN_CHARS = 32
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?")


class BadSettings(Exception):
    """The environment lacks a setting or holds one that must not be used; the message names it."""


def _setting(env: str, zh: str, en: str, default: str | None = None, secret: bool = False) -> Any:
    return _field(metadata={"env": env, "zh": zh, "en": en, "default": default, "secret": secret})


@dataclass(frozen=True)
class Settings:
    """The portal's settings; build with `Settings.from_env()`."""

    app_database_url: str = _setting(
        "PORTAL_APP_DATABASE_URL", "网页进程的数据库角色", "Database role of the web processes"
    )
    worker_database_url: str = _setting(
        "PORTAL_WORKER_DATABASE_URL",
        "接入与调度进程的数据库角色",
        "Database role of intake and scheduler",
    )
    owner_database_url: str = _setting(
        "PORTAL_OWNER_DATABASE_URL",
        "迁移用的数据库角色",
        "Database role that owns the tables; migrations only",
        default="",
    )
    secret_key: str = _setting("PORTAL_SECRET_KEY", "会话签名密钥", "Signs session cookies", secret=True)
    scope_key: str = _setting(
        "PORTAL_SCOPE_KEY",
        "数据范围签名密钥",
        "Signs the row scope handed to the database",
        secret=True,
    )
    seal_key: str = _setting(
        "PORTAL_SEAL_KEY",
        "字段加密主密钥",
        "Encrypts enterprises' keys at rest",
        secret=True,
    )
    data_dir: Path = _setting("PORTAL_DATA_DIR", "数据目录", "Folder for uploads, logs and caches", default="var")
    port: int = _setting("PORTAL_PORT", "对外端口", "Port nginx listens on", default="8000")
    demo: bool = _setting("PORTAL_DEMO", "是否装入演示城市", "1 loads the demo city on first start", default="1")
    demo_scale: int = _setting("PORTAL_DEMO_SCALE", "演示城市倍数", "Size of the demo city, 1 to 100", default="1")
    city_name: str = _setting("PORTAL_CITY", "城市名称", "Name of the city", default="云川市")
    city_department: str = _setting(
        "PORTAL_DEPARTMENT", "主管部门", "Department that runs the portal", default="云川市城市管理局"
    )
    metric_epsg: int = _setting(
        "PORTAL_METRIC_EPSG",
        "城市的CGCS2000投影带",
        "EPSG of the city's CGCS2000 3-degree zone; lengths and areas",
        default="4546",
    )
    cookie_secure: bool = _setting(
        "PORTAL_COOKIE_SECURE", "仅HTTPS发送Cookie", "1 sends cookies over HTTPS only", default="0"
    )
    idle_minutes: int = _setting(
        "PORTAL_IDLE_MINUTES", "闲置退出（分钟）", "Minutes without a request until log-out", default="15"
    )
    session_hours: int = _setting(
        "PORTAL_SESSION_HOURS", "会话最长（小时）", "Hours until a new login is asked", default="8"
    )
    mqtt_port: int = _setting(
        "PORTAL_MQTT_PORT", "MQTT接入端口，0为关闭", "Port the MQTT broker listens on; 0 switches the door off", default="1883"
    )
    mqtt_certificate: str = _setting(
        "PORTAL_MQTT_CERT", "MQTT服务证书（PEM文件）", "PEM certificate of the broker; TLS when given with its key", default=""
    )
    mqtt_certificate_key: str = _setting(
        "PORTAL_MQTT_KEY", "MQTT服务证书私钥（PEM文件）", "PEM key of the broker's certificate", default=""
    )
    pull_hosts: str = _setting(
        "PORTAL_PULL_HOSTS",
        "允许定时拉取的主机与网段，逗号分隔；空为关闭",
        "Hosts and networks that scheduled pull may ask, by commas; empty switches it off",
        default="",
    )
    upward_hosts: str = _setting(
        "PORTAL_UPWARD_HOSTS",
        "允许上报的上级平台主机与网段，逗号分隔；空为关闭",
        "Hosts and networks of superior platforms, by commas; empty switches forwarding off",
        default="",
    )
    smtp_url: str = _setting(
        "PORTAL_SMTP_URL",
        "报警邮件服务器，如smtp://用户:口令@主机:25，smtps或smtp+starttls；空为关闭",
        "Own mail server for alarm notices, smtp, smtps or smtp+starttls://user:password@host:port; empty switches mail off",
        default="",
    )
    smtp_from: str = _setting(
        "PORTAL_SMTP_FROM", "报警邮件发件人地址", "Sender of alarm mails", default="ranjian@localhost"
    )
    notice_hosts: str = _setting(
        "PORTAL_NOTICE_HOSTS",
        "允许报警通知回调的内网主机与网段，逗号分隔；空为关闭",
        "Intranet hosts and networks that webhooks of alarm notices may call, by commas; empty switches them off",
        default="",
    )
    video_hosts: str = _setting(
        "PORTAL_VIDEO_HOSTS",
        "视频墙可播放的内网流媒体地址，逗号分隔，如 http://10.1.2.3:8080；空为仅本机",
        "Origins of intranet video servers the wall may play, by commas, such as http://10.1.2.3:8080; empty for this server only",
        default="",
    )
    basemap_url: str = _setting(
        "PORTAL_BASEMAP_URL",
        "公共底图（如天地图）瓦片地址，含密钥，{layer} {z} {x} {y} {s} 为占位；空为关闭",
        "Address of a public base map's pictures with its key, such as Tianditu's, with {layer} {z} {x} {y} {s}; empty switches it off",
        default="",
    )
    basemap_note: str = _setting("PORTAL_BASEMAP_NOTE", "公共底图的审图号", "Approval number of the public base map", default="")
    log_level: str = _setting("PORTAL_LOG_LEVEL", "日志级别", "Log level", default="INFO")

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Settings:
        """Return the settings of the environment; raise BadSettings naming what is missing or weak."""
        source = os.environ if env is None else env
        values: dict[str, Any] = {}
        for item in fields(cls):
            text = source.get(item.metadata["env"]) or item.metadata["default"]
            if text is None:
                raise BadSettings(f"{item.metadata['env']} is not set: {item.metadata['en']}")
            if item.metadata["secret"]:
                _refuse_weak(item.metadata["env"], text)
            values[item.name] = _convert(item.metadata["env"], str(item.type), text)
        return cls(**values)

    def video_origins(self) -> frozenset[str]:
        """Return the origins of video servers that the wall may play; what is no plain origin is left out."""
        given = (each.strip().rstrip("/") for each in self.video_hosts.split(","))
        return frozenset(each for each in given if _ORIGIN.fullmatch(each))

    def described(self) -> list[dict[str, str]]:
        """Return name, value, default and meaning of every setting; secrets and passwords hidden."""
        rows = []
        for item in fields(self):
            hidden = item.metadata["secret"] or item.name.endswith("_url")
            rows.append(
                {
                    "name": item.metadata["env"],
                    "value": "***" if hidden else str(getattr(self, item.name)),
                    "default": item.metadata["default"] or "",
                    "zh": item.metadata["zh"],
                    "en": item.metadata["en"],
                }
            )
        return rows


def _refuse_weak(name: str, text: str) -> None:
    if len(text) < SECRET_MIN_CHARS or text.lower() in WELL_KNOWN or len(set(text)) < 8:
        raise BadSettings(f"{name} is too short or well known: give {SECRET_MIN_CHARS} random characters")


def _convert(name: str, kind: str, text: str) -> Any:
    try:
        if kind == "int":
            return int(text)
        if kind == "bool":
            return text.strip().lower() in ("1", "true", "yes", "on")
        return Path(text) if kind == "Path" else text
    except ValueError as wrong:
        raise BadSettings(f"{name} must be a whole number, not {text!r}") from wrong
