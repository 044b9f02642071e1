"""Command line of the demo: `simulate` plays one demo enterprise's program against a running portal."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from types import FrameType

import click

from ingestion_adapters.client import Client, Queue
from ingestion_adapters.demo.duty import ControlRoom
from ingestion_adapters.demo.identity import enterprise_named
from ingestion_adapters.demo.ledger import ledger_path
from ingestion_adapters.demo.program import Program
from ingestion_adapters.demo.ways import speaks_own_words
from portal.config import Settings

LIFE_PERIOD_S, TICK_S, FASTEST = 60, 3.0, 60


@click.command("simulate")
@click.option("--enterprise", required=True, help="Demo enterprise: short name such as DEMO, or USCC.")
@click.option(
    "--speed",
    type=click.IntRange(1, FASTEST),
    default=1,
    show_default=True,
    help="How many times as many readings as in life: each point is read every 60/N s.",
)
@click.option("--seconds", type=click.FloatRange(min=0.1), help="Stop after so long; until Ctrl-C unless given.")
@click.option("--url", help="Address of the portal; this installation unless given.")
@click.option("--app-id", help="App id of its program; that of the demo unless given.")
@click.option("--key-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="File with the app key.")
def simulate(
    enterprise: str, speed: int, seconds: float | None, url: str | None, app_id: str | None, key_file: Path | None
) -> None:
    """Push one demo enterprise's readings and alarms as they fall due and answer its orders."""
    settings = Settings.from_env()
    try:
        key = enterprise_named(enterprise).key
    except KeyError:
        raise click.ClickException(f"no demo enterprise is called {enterprise}") from None
    app_id, key_file = _identity(settings, key, app_id, key_file)
    # A queue of its own: the demo's program of the same enterprise may run beside it.
    queue = settings.data_dir / "demo" / f"{key}.simulate.queue"
    client = Client(url or f"http://127.0.0.1:{settings.port}", app_id, key_file.read_text("utf-8").strip(), queue)
    _remember_together(client, settings.data_dir / "demo", key)
    room = ControlRoom(key, scale=settings.demo_scale, period_s=LIFE_PERIOD_S // speed)
    program = Program(client, room, min(TICK_S, LIFE_PERIOD_S / speed))
    program.own_words = speaks_own_words(key_file)
    click.echo(f"{key}: {len(room.codes)} points, one reading each {room.period_s} s, to {client.base_url}")
    _run(program, seconds)
    click.echo(f"{key}: stopped")


def _identity(settings: Settings, key: str, app_id: str | None, key_file: Path | None) -> tuple[str, Path]:
    """Return app id and key file: as given, or those the demo's loader left."""
    if (app_id is None) != (key_file is None):
        raise click.UsageError("--app-id and --key-file belong together")
    if app_id is not None and key_file is not None:
        return app_id, key_file
    left = settings.data_dir / "demo" / f"{key}.key"
    if not left.is_file():
        raise click.ClickException(f"the demo has no key of {key} here: give --app-id and --key-file")
    return left.with_suffix(".app").read_text("utf-8").strip(), left


def _remember_together(client: Client, folder: Path, key: str) -> None:
    """Let the demo's own program declare what this one sends under the same key: an enterprise's day is one sum."""
    ledger, own = ledger_path(folder, key), folder / f"{key}.app"
    if ledger.is_file() and own.is_file() and own.read_text("utf-8").strip() == client.app_id:
        client.ledger = Queue(ledger)


def _run(program: Program, seconds: float | None) -> None:
    def end(_signal: int, _frame: FrameType | None) -> None:
        program.stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    timer = threading.Timer(seconds, program.stop.set) if seconds else None
    if timer:
        timer.start()
    program.run()
    if timer:
        timer.cancel()


COMMANDS: list[click.Command] = [simulate]
