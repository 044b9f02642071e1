"""The child process that reads one foreign file under limits of memory and time: `python -m … READER FILE OUT`."""

from __future__ import annotations

import importlib
import resource
import sys
from pathlib import Path

import msgspec

from ingestion_adapters.files.raw import Refused, Reply
from ingestion_adapters.files.readers.zips import MAX_SHAPE_MEMBERS, open_checked

MEMORY_BYTES = 1 << 30
CPU_S = 20
OUTPUT_BYTES = 400 << 20
_PROBED_BY_GDAL = ("geopandas", "pandas", "pyarrow", "pyproj")
READERS = frozenset({"csv_file", "xlsx_file", "shape_zip", "geojson_file", "gpkg_file"})


def limit_self() -> None:
    """Take away what no honest file needs."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_FSIZE, (OUTPUT_BYTES, OUTPUT_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main(reader: str, source: str, target: str) -> int:
    """Write what the reader found to `target`; 0 done, 3 out of memory, 4 the reader broke down."""
    limit_self()
    if reader not in READERS:
        return 2
    try:
        if reader == "shape_zip":
            # An archive that is refused by its directory does not pay for loading GDAL.
            open_checked(Path(source), MAX_SHAPE_MEMBERS).close()
        for unused in _PROBED_BY_GDAL:
            sys.modules[unused] = None  # type: ignore[assignment]  # pyogrio loads them if it can, for half a second
        module = importlib.import_module(f"ingestion_adapters.files.readers.{reader}")
        reply = module.read(Path(source))
    except Refused as refusal:
        reply = Reply([], [refusal.note])
    except MemoryError:
        return 3
    except Exception as error:  # noqa: BLE001  # foreign bytes may break a parser in any way; the parent words it
        sys.stderr.write(f"{type(error).__name__}: {error}"[:300])
        return 4
    try:
        Path(target).write_bytes(msgspec.msgpack.encode(reply))
    except (MemoryError, OSError, ValueError):
        return 3
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:4]))
