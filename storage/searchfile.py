"""A search as a file of its own, to pass on: its packed trace and where it came from, as JSON.

Parsed, never evaluated; everything in it is hostile until it is checked.
"""

import base64
import binascii
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from planner.trace import Trace, TraceError, pack, unpack
from simulator.formats.output import whole

_FORMAT = "workbench-search-1"
_MAX_BYTES = 32 << 20


class SearchFileError(ValueError):
    """A file is no saved search; the message names it and says what is wrong."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a search came from; no profile value is in it.

    Fields:
        world, world_version, model, judge, scenario, seed: as in the run; the scenario is an id, or a table's file.
        attributes: names by index, `[n]`.
    """

    world: str
    world_version: str
    model: str
    judge: str
    scenario: str
    seed: int
    attributes: tuple[str, ...]


def save_search(path: Path, trace: Trace, provenance: Provenance) -> None:
    """Write a search to a file, whole or not at all.

    Raises:
        FormatError: the file can't be written.
    """
    data = {"format": _FORMAT, **asdict(provenance), "trace": base64.b64encode(pack(trace)).decode()}
    with whole(path) as target:
        target.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def load_search(path: Path) -> tuple[Trace, Provenance]:
    """Read a search that `save_search` wrote.

    Raises:
        SearchFileError: it can't be read, or is something else.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise SearchFileError(f"{path}: larger than any saved search ({_MAX_BYTES >> 20} MB)")
        data = json.loads(path.read_text("utf-8"))
        if not isinstance(data, dict) or data.get("format") != _FORMAT:
            raise SearchFileError(f"{path}: not a search saved by `workbench plan --save`")
        trace = unpack(base64.b64decode(data["trace"], validate=True))
        names = data["attributes"]
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names) or len(names) != trace.n:
            raise SearchFileError(f"{path}: it needs the names of its {trace.n} attributes")
        texts = {key: data[key] for key in ("world", "world_version", "model", "judge", "scenario")}
        if not all(isinstance(value, str) for value in texts.values()) or not isinstance(data["seed"], int):
            raise SearchFileError(f"{path}: its provenance is damaged")
    except OSError as error:
        raise SearchFileError(f"{path}: {error.strerror or error}") from error
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise SearchFileError(f"{path}: not JSON ({error})") from error
    except (KeyError, TypeError) as error:
        raise SearchFileError(f"{path}: something is missing in it ({error})") from error
    except (binascii.Error, TraceError) as error:
        raise SearchFileError(f"{path}: its trace is damaged ({error})") from error
    return trace, Provenance(**texts, seed=data["seed"], attributes=tuple(names))
