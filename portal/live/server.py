"""The process of the live streams: python -m portal.live.server --port N or --socket FILE."""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import argparse  # noqa: E402  # patching comes first
import importlib  # noqa: E402
import logging  # noqa: E402
import os  # noqa: E402
import signal  # noqa: E402
import socket  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

import gevent  # noqa: E402
import psycopg2  # noqa: E402
from flask import Flask  # noqa: E402
from gevent.pywsgi import WSGIServer  # noqa: E402
from gevent.socket import wait_read, wait_write  # noqa: E402

from portal.config import BadSettings, Settings  # noqa: E402
from portal.live.listener import Exchange, listen_for_ever  # noqa: E402
from portal.live.routes import EXTENSION  # noqa: E402

log = logging.getLogger(__name__)
BACKLOG = 1024


def wait_for_database(connection: psycopg2.extensions.connection) -> None:
    """Let other streams run while one waits for the database."""
    while True:
        state = connection.poll()
        if state == psycopg2.extensions.POLL_OK:
            return
        if state == psycopg2.extensions.POLL_READ:
            wait_read(connection.fileno())
        elif state == psycopg2.extensions.POLL_WRITE:
            wait_write(connection.fileno())
        else:
            raise psycopg2.OperationalError(f"unexpected state {state} of the connection")


def live_app(settings: Settings) -> tuple[Flask, Exchange]:
    """Return the application that reads cookies and rights as the web does, with its exchange."""
    # The whole application decodes the login; by name, because it lies above this package.
    app: Flask = importlib.import_module("portal.app").create_app(settings)
    exchange = Exchange()
    app.extensions[EXTENSION] = exchange
    return app, exchange


def serve(settings: Settings, listener: socket.socket) -> None:
    """Serve streams on a bound socket until SIGTERM or SIGINT."""
    psycopg2.extensions.set_wait_callback(wait_for_database)
    app, exchange = live_app(settings)

    def listen() -> None:
        # Without arguments: a greenlet that dies prints them, and the address holds a password.
        listen_for_ever(exchange, settings.app_database_url)

    server = WSGIServer(listener, app, log=None, error_log=logging.getLogger("portal.live.http"))
    for number in (signal.SIGTERM, signal.SIGINT):
        gevent.signal_handler(number, server.stop, 1)
    # A deaf server is worse than none: the supervisor starts it again.
    gevent.spawn(listen).link_exception(lambda _: server.stop(1))
    log.info("live_serving")
    server.serve_forever(stop_timeout=1)


def bound(arguments: argparse.Namespace) -> socket.socket:
    """Return the listening socket that the command line asks for."""
    if arguments.socket:
        path = Path(arguments.socket)
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(path))
        os.chmod(path, 0o666)  # the reverse proxy may run as another account
    else:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", arguments.port))
    listener.listen(BACKLOG)
    listener.setblocking(False)
    return listener


def main() -> int:
    """Run the process; 1 when the settings are refused."""
    parser = argparse.ArgumentParser(description=__doc__)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--port", type=int, help="port on 127.0.0.1")
    where.add_argument("--socket", help="path of a unix socket")
    arguments = parser.parse_args()
    try:
        settings = Settings.from_env()
    except BadSettings as refused:
        sys.stderr.write(f"{refused}\n")
        return 1
    serve(settings, bound(arguments))
    return 0


if __name__ == "__main__":
    sys.exit(main())
