"""The same model gives the same bytes: skops names objects by their memory addresses and files by the clock.

Neither says anything about the model, so both are replaced: ids by the order in which they appear, times by none.
"""

import io
import json
import zipfile
from typing import Any

import skops
import skops.io  # registers how each type is written
from skops.io._utils import SaveContext, get_state

SCHEMA_MEMBER = "schema.json"
# scikit-learn's note of which list of stop words it has checked, by address; without it, it checks once more.
LEFT_OUT = frozenset({"_stop_words_id"})
_LEVEL = 6


def dump_canonical(model: Any) -> bytes:
    """Return the model as a compressed skops file, whose bytes depend on nothing but the objects."""
    content = io.BytesIO()
    # What `skops.io.dumps` does, but for its indented schema: Python's own slow encoder writes that, and for a forest it
    # took longer than growing the trees.
    with zipfile.ZipFile(content, "w") as source:
        context = SaveContext(zip_file=source)
        schema = get_state(model, context) | {
            "protocol": context.protocol,
            "_skops_version": skops.__version__,
        }
    return _write(schema, content)


def _write(schema: dict[str, Any], content: io.BytesIO) -> bytes:
    """Return the schema with the files that it names, all of them renamed."""
    ids: dict[int, int] = {}
    files: dict[str, str] = {}
    renamed = _rename(schema, ids, files)
    written = io.BytesIO()
    with (
        zipfile.ZipFile(content) as source,
        zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as target,
    ):
        # Should a later skops name a file elsewhere than in a node's "file", the file keeps its name and the model works.
        files |= {name: name for name in source.namelist() if name not in files}
        target.writestr(_entry(SCHEMA_MEMBER), json.dumps(renamed, separators=(",", ":")))
        for old, new in files.items():
            target.writestr(_entry(new), source.read(old))
    return written.getvalue()


def _rename(node: Any, ids: dict[int, int], files: dict[str, str]) -> Any:
    """Return the schema with every id and file named by the order in which it is met first."""
    if isinstance(node, list | tuple):
        return [_rename(inner, ids, files) for inner in node]
    if not isinstance(node, dict):
        return node
    renamed = {key: _rename(inner, ids, files) for key, inner in node.items() if key not in LEFT_OUT}
    # A dictionary of the model's own may have such keys: what skops writes beside them tells its nodes.
    if isinstance(node.get("__id__"), int) and "__loader__" in node:
        renamed["__id__"] = ids.setdefault(node["__id__"], len(ids))
        if isinstance(node.get("file"), str):
            old = node["file"]
            renamed["file"] = files.setdefault(old, f"{len(files)}.{old.rpartition('.')[2]}")
    return renamed


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)  # of 1980, where ZIP's calendar begins
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.create_system = 3  # else the operating system that packed is told
    return entry
