"""The alarm desk under load, one part at a time: `script/bench alarms PART [arguments]`, parts lie in bench/_alarms_PART.py."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

PREFIX = "_alarms_"


def parts() -> list[str]:
    """Return the parts there are."""
    return sorted(path.stem.removeprefix(PREFIX) for path in Path(__file__).parent.glob(f"{PREFIX}*.py"))


def main() -> None:
    """Run the part named first; raise SystemExit with the parts there are for any other."""
    part = sys.argv[1] if len(sys.argv) > 1 else ""
    if part not in parts():
        raise SystemExit(f"no part {part!r}; there are: {' '.join(parts())}")
    importlib.import_module(f"bench.{PREFIX}{part}").run(sys.argv[2:])


if __name__ == "__main__":
    main()
