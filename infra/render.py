"""Fill a service's committed templates with the values of one stage."""

import json
import re
import string
from collections.abc import Mapping
from pathlib import Path

from infra import own_key
from infra.errors import RenderError


class _Template(string.Template):
    """`${Name}` alone is a placeholder: policies and configs may hold bare dollar signs elsewhere."""

    pattern = r"""
        \$(?: (?P<escaped>\$) | (?P<named>(?!)) | \{(?P<braced>[A-Za-z][A-Za-z0-9]*)\} | (?P<invalid>(?=\{)) )
    """  # type: ignore[assignment]  # string.Template compiles it when the class is made


def render_service(service: Path, values: Mapping[str, str]) -> list[Path]:
    """Write `.chalice/config.json` and `.chalice/policy-*.json` of *service*; return the files that differ now.

    Where the values have a key of one's own, each policy also gets what its actions need of it.

    Raises
    ------
    RenderError
        There are no templates, one names an unknown value, or the result is not JSON.
    """
    target = service / ".chalice"
    sources = sorted((target / "templates").glob("*.json"))
    if not any(source.name == "config.json" for source in sources):
        raise RenderError(f"{target / 'templates'}/config.json does not exist: every service commits one")
    # All are rendered before any is written, so that an error leaves the last good files.
    rendered = {target / source.name: _render(source, values) for source in sources}
    _remove_stale(target, set(rendered))
    return [path for path, text in rendered.items() if _write(path, text)]


def _render(source: Path, values: Mapping[str, str]) -> str:
    text = render_file(source, values)
    key = values.get(own_key.OUTPUT, "")
    if not key or not source.name.startswith("policy-"):
        return text
    return json.dumps(own_key.with_statements(json.loads(text), key), indent=2) + "\n"


def render_file(source: Path, values: Mapping[str, str]) -> str:
    """Return the filled template as JSON text; a value inside quotes is escaped as JSON needs it.

    Raises
    ------
    RenderError
        Names the file and each unknown placeholder.
    """
    template = _Template(source.read_text())
    try:
        names = set(template.get_identifiers())
        if unknown := sorted(names - values.keys()):
            known = ", ".join(sorted(values))
            raise RenderError(f"{source}: unknown ${{{'}, ${'.join(unknown)}}}; known are {known}")
        text = template.substitute({name: json.dumps(values[name])[1:-1] for name in names})
        return json.dumps(json.loads(text), indent=2) + "\n"
    except ValueError as error:
        raise RenderError(f"{source}: {error}") from error


def values_of(outputs: Mapping[str, str], **more: str) -> dict[str, str]:
    """Return all that templates may name: the foundation's outputs and *more*; no name may come twice."""
    if twice := outputs.keys() & more.keys():
        raise RenderError(
            f"{', '.join(sorted(twice))}: both an output of the foundation and a value of deploy"
        )
    for name in (*outputs, *more):
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9]*", name):
            raise RenderError(f"{name!r} cannot be a placeholder: letters and digits only")
    return {**outputs, **more}


def _write(path: Path, text: str) -> bool:
    if path.is_file() and path.read_text() == text:
        return False
    path.write_text(text)
    return True


def _remove_stale(target: Path, rendered: set[Path]) -> None:
    # A policy whose template is gone must not linger and be granted by a config that still names it.
    for path in target.glob("policy-*.json"):
        if path not in rendered:
            path.unlink()
