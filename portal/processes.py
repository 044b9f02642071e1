"""The processes of one installation: writes the supervisor's and nginx's configuration under the data directory."""

from __future__ import annotations

import os
import socket
import sys
from functools import cache
from pathlib import Path

from ingestion_adapters.mqtt import broker

ROOT = Path(__file__).parents[1]
REPORTS_MADE = "demo/reports-made"
USUAL_MQTT_PORT = 1883

PROGRAM = """
[program:{name}]
command={command}
directory={root}
autostart=true
autorestart={autorestart}
startsecs={startsecs}
startretries=1000
stopsignal={stopsignal}
stopwaitsecs=25
stopasgroup={asgroup}
killasgroup=true
priority={priority}
stdout_logfile={data}/log/{name}.log
stdout_logfile_maxbytes=20MB
stdout_logfile_backups=3
redirect_stderr=true
"""

SUPERVISOR = """
[supervisord]
nodaemon=true
silent=true
logfile={data}/log/supervisord.log
pidfile={data}/supervisord.pid
loglevel=warn
{user}
[unix_http_server]
file={sock}/supervisor.sock
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://{sock}/supervisor.sock
"""

NGINX = """
{user}
worker_processes 2;
pid {data}/nginx.pid;
error_log {data}/log/nginx-error.log warn;
daemon off;
events {{ worker_connections 4096; }}
http {{
  include /etc/nginx/mime.types;
  types {{ text/javascript mjs; application/vnd.mapbox-vector-tile mvt; }}
  default_type application/octet-stream;
  access_log off;
  server_tokens off;
  sendfile on;
  keepalive_timeout 65;
  client_max_body_size 220m;
  client_header_timeout 15s;
  client_body_timeout 60s;
  client_body_temp_path {data}/tmp/body;
  proxy_temp_path {data}/tmp/proxy;
  fastcgi_temp_path {data}/tmp/fastcgi;
  uwsgi_temp_path {data}/tmp/uwsgi;
  scgi_temp_path {data}/tmp/scgi;
  gzip on;
  gzip_min_length 1024;
  gzip_comp_level 2;
  gzip_types text/css text/javascript application/javascript application/json application/geo+json image/svg+xml application/problem+json;
  limit_req_zone $binary_remote_addr zone=login:1m rate=2r/s;
  limit_conn_zone $http_x_app_id zone=programs:1m;
  upstream web {{ server unix:{sock}/web.sock fail_timeout=0; keepalive 16; }}
  upstream intake {{ server unix:{sock}/intake.sock fail_timeout=0; keepalive 16; }}
  upstream live {{ server unix:{sock}/live.sock fail_timeout=0; }}
  proxy_http_version 1.1;
  proxy_set_header Host $http_host;
  proxy_set_header X-Forwarded-For $remote_addr;
  proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header X-Forwarded-Host $http_host;
  proxy_set_header X-Request-Start $msec;
  proxy_set_header Connection "";
  server {{
    listen {port};
    location /static/ {{
      alias {root}/portal/static/;
      expires 365d;
      add_header Cache-Control "public, immutable";
      add_header X-Content-Type-Options nosniff;
    }}
    location = /login {{ limit_req zone=login burst=10 nodelay; limit_req_status 429; proxy_pass http://web; }}
    location = /live {{
      proxy_pass http://live;
      proxy_buffering off;
      proxy_read_timeout 1h;
      gzip off;
    }}
    location /api/ {{ limit_conn programs 8; limit_conn_status 429; proxy_request_buffering on; proxy_pass http://intake; }}
    # A TLS proxy on this machine speaks from 127.0.0.1 for the whole world.
    location ~ ^/(healthz|readyz|metrics)$ {{
      allow 127.0.0.1; allow ::1; deny all;
      if ($http_x_forwarded_for) {{ return 403; }}
      if ($http_forwarded) {{ return 403; }}
      proxy_pass http://web;
    }}
    location / {{ proxy_pass http://web; proxy_read_timeout 120s; }}
  }}
}}
"""


def programs(data: Path, sock: Path) -> list[dict[str, str]]:
    """Return every child of the supervisor: name, command and how it is stopped, databases first."""
    python = f"{ROOT}/.venv/bin/python"
    # Loaded before the fork: one import for all workers, and a killed worker is back at once.
    gunicorn = (
        f"{ROOT}/.venv/bin/gunicorn --preload --graceful-timeout 15 --no-control-socket "
        "--access-logfile /dev/null --worker-tmp-dir /dev/shm"
    )
    children = [
        {"name": "web", "command": f"{gunicorn} -c python:portal.web_process -k gthread -w 2 --threads 8 -b unix:{sock}/web.sock wsgi:app"},
        {"name": "intake", "command": f"{gunicorn} -k gthread -w 1 --threads 4 -b unix:{sock}/intake.sock wsgi:app"},
        {"name": "live", "command": after_web(f"{python} -m portal.live.server --socket {sock}/live.sock")},
        {"name": "scheduler", "command": after_web(f"{python} -m portal.scheduler")},
        {"name": "nginx", "command": f"{python} -m portal.front {data}", "stopsignal": "QUIT"},
    ]
    if not os.environ.get("DATABASE_URL"):
        database = {
            "name": "database",
            "command": f"{ROOT}/script/cluster run",
            "stopsignal": "INT",
            "priority": "1",
            "startsecs": "2",
            "asgroup": "false",
        }
        children.insert(0, database)
    return children + mqtt_door(data, python) + demo_programs(data, python) + demo_reports(data, python)


def after_web(command: str) -> str:
    """Return a command that waits, 15 s at most, until the web process has loaded: log-in then need not share two cores."""
    wait = 'for _ in {1..60}; do [ -S "$PORTAL_SOCK_DIR/web.sock" ] && break; sleep 0.25; done'
    return f"/bin/bash -c '{wait}; exec {command}'"


@cache
def mqtt_port() -> int:
    """Return the port of the MQTT broker, 0 when that door is closed.

    A demo whose usual port another program holds goes on without that door: its enterprise then pushes over HTTP.
    """
    said = os.environ.get("PORTAL_MQTT_PORT")
    if said:
        return int(said)
    if os.environ.get("PORTAL_DEMO", "1") == "1" and not free(USUAL_MQTT_PORT):
        sys.stderr.write(f"▸ port {USUAL_MQTT_PORT} is taken, MQTT stays closed; PORTAL_MQTT_PORT gives another\n")
        return 0
    return USUAL_MQTT_PORT


def free(port: int) -> bool:
    """Return whether nobody listens on a port of this machine."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True


def mqtt_door(data: Path, python: str) -> list[dict[str, str]]:
    """Return the broker and the process behind it; nothing when the door is closed."""
    if not mqtt_port():
        return []
    return [
        {"name": "mqtt-broker", "command": f"{broker.binary()} -c {broker.home_of(data)}/mosquitto.conf", "priority": "90"},
        {"name": "mqtt", "command": after_web(f"{python} -m portal.cli mqtt")},
    ]


def demo_programs(data: Path, python: str) -> list[dict[str, str]]:
    """Return the demo enterprises' programs: one for each key file the demo loader left."""
    url = f"http://127.0.0.1:{os.environ.get('PORTAL_PORT', '8000')}"
    found = []
    for key in sorted((data / "demo").glob("*.key")):
        name, app_id = key.stem, key.with_suffix(".app").read_text("utf-8").strip()
        command = (
            f"nice -n 5 {python} -m ingestion_adapters.demo.program --enterprise {name} --url {url} "
            f"--app-id {app_id} --key-file {key} --queue {data}/demo/{name}.queue --data {data}"
        )
        if mqtt_port() and not os.environ.get("PORTAL_MQTT_CERT"):
            command += f" --broker 127.0.0.1:{mqtt_port()}"
        found.append({"name": f"demo-{name}", "command": after_web(command), "priority": "999"})
    return found


def demo_reports(data: Path, python: str) -> list[dict[str, str]]:
    """Return the program that makes the demo's first reports beside the running portal, until it has made them."""
    if not (data / "demo-accounts.txt").exists() or (data / REPORTS_MADE).exists():
        return []
    once = {"autorestart": "unexpected", "startsecs": "0", "priority": "999"}
    return [{"name": "demo-reports", "command": f"nice -n 10 {python} -m portal.demo_reports {data}", **once}]


def write_configuration(data: Path) -> None:
    """Write supervisord.conf and nginx.conf into the data directory."""
    sock = Path(os.environ["PORTAL_SOCK_DIR"])
    root_user = os.geteuid() == 0
    (data / "tmp").mkdir(exist_ok=True)
    parts = [SUPERVISOR.format(data=data, sock=sock, user="user=root\n" if root_user else "")]
    for child in programs(data, sock):
        filled = {
            "priority": "100",
            "stopsignal": "TERM",
            "startsecs": "1",
            "autorestart": "true",
            "asgroup": "true",
            "data": str(data),
            "root": str(ROOT),
        } | child
        parts.append(PROGRAM.format(**filled))
    (data / "supervisord.conf").write_text("".join(parts), encoding="utf-8")
    if mqtt_port():
        broker.write_configuration(
            data,
            sock,
            mqtt_port(),
            certificate=os.environ.get("PORTAL_MQTT_CERT", ""),
            key=os.environ.get("PORTAL_MQTT_KEY", ""),
        )
    (data / "nginx.conf").write_text(
        NGINX.format(
            data=data,
            sock=sock,
            root=ROOT,
            port=os.environ.get("PORTAL_PORT", "8000"),
            user="user root;" if root_user else "",
        ),
        encoding="utf-8",
    )


if __name__ == "__main__":
    write_configuration(Path(sys.argv[1]))
