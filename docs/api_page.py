"""The OpenAPI document as one page for people: every route, what it takes and answers. No script, so nothing to load."""

import html
import json
from collections.abc import Iterator
from typing import Any

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'">
<title>API · Headrace</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/style.css">
</head>
<body>
<main>
<p><a href="/">Headrace</a> / API</p>
<h1>The REST API</h1>
<p>{about} The same as a document for programs: <a href="/openapi.json">openapi.json</a> (OpenAPI {openapi}).</p>
<p>Send <code>Authorization: Bearer hr_…</code>. Errors are <code>application/problem+json</code> (RFC 9457).</p>
<nav aria-label="Resources">{nav}</nav>
{groups}
<h2 id="schemas">Schemas</h2>
{schemas}
</main>
</body>
</html>
"""
_SHOWN = (
    "description",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "pattern",
    "default",
)


def api_page(document: dict[str, Any]) -> str:
    """Return the page."""
    groups: dict[str, list[str]] = {}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            groups.setdefault(_group(path), []).append(_operation(method, path, operation))
    return _PAGE.format(
        about=_text(document["info"]["description"]),
        openapi=_text(document["openapi"]),
        nav="".join(f'<a href="#{name}">{name}</a> ' for name in [*groups, "schemas"]),
        groups="\n".join(f'<h2 id="{name}">{name}</h2>\n' + "\n".join(told) for name, told in groups.items()),
        schemas="\n".join(_schema(*named) for named in document["components"]["schemas"].items()),
    )


def _group(path: str) -> str:
    """Return the resource of a path: datasets of /v1/datasets/…, v2 of the other protocol."""
    _, version, *steps = path.split("/")
    return steps[0] if version == "v1" else version


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    title = f"<code>{method.upper()} {_text(path)}</code> {_text(operation['summary'])}"
    parts = [f"<p>{_code(operation['description'])}</p>"] if "description" in operation else []
    parts += _parameters(operation.get("parameters", []))
    if body := operation.get("requestBody"):
        need = "" if body["required"] else " (or none)"
        parts.append(f"<h4>Body{need}</h4>{_content(body['content'])}")
    parts.append("<h4>Answers</h4><table><tbody>")
    for status, answer in operation["responses"].items():
        cell = _content(answer.get("content", {})) if status.startswith("2") else ""
        parts.append(f'<tr><th scope="row">{status}</th><td>{_text(answer["description"])}{cell}</td></tr>')
    parts.append("</tbody></table>")
    return (
        f'<details id="{operation["operationId"]}"><summary>{title}</summary>\n{"".join(parts)}\n</details>'
    )


def _parameters(parameters: list[dict[str, Any]]) -> Iterator[str]:
    if not parameters:
        return
    yield "<h4>Parameters</h4><table><tbody>"
    for one in parameters:
        need = ", required" if one["required"] else ""
        about = _code(one.get("description", ""))
        yield f'<tr><th scope="row"><code>{_text(one["name"])}</code></th><td>{one["in"]}{need}</td><td>{about}</td></tr>'
    yield "</tbody></table>"


def _content(content: dict[str, Any]) -> str:
    by_schema: dict[str, list[str]] = {}
    for kind, told in content.items():
        by_schema.setdefault(_type(told["schema"]), []).append(f"<code>{_text(kind)}</code>")
    return "".join(f"<p>{', '.join(kinds)}: {schema}</p>" for schema, kinds in by_schema.items())


def _schema(name: str, schema: dict[str, Any]) -> str:
    about = f"<p>{_code(schema['description'])}</p>" if "description" in schema else ""
    required = set(schema.get("required", ()))
    rows = "".join(
        f'<tr><th scope="row"><code>{_text(field)}</code></th><td>{_type(kind)}{", required" if field in required else ""}</td>'
        f"<td>{_bounds(kind)}</td></tr>"
        for field, kind in schema.get("properties", {}).items()
    )
    table = f"<table><tbody>{rows}</tbody></table>" if rows else f"<p>{_type(schema)} {_bounds(schema)}</p>"
    return (
        f'<details id="{_text(name)}"><summary><code>{_text(name)}</code></summary>{about}{table}</details>'
    )


def _type(schema: dict[str, Any]) -> str:
    """Return a type in words; a named one is a link to its own place."""
    if "$ref" in schema:
        name = _text(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    options = schema.get("anyOf") or schema.get("oneOf")
    if options:
        return " or ".join(_type(option) for option in options)
    if "enum" in schema or "const" in schema:
        values = schema.get("enum", [schema.get("const")])
        return " or ".join(f"<code>{_text(json.dumps(value))}</code>" for value in values)
    if "prefixItems" in schema:
        return "list of " + ", ".join(_type(item) for item in schema["prefixItems"])
    if schema.get("type") == "array":
        return "list of " + _type(schema.get("items") or {})
    if isinstance(schema.get("additionalProperties"), dict):
        return "map of names to " + _type(schema["additionalProperties"])
    return _text(str(schema.get("type", "any value")))


def _bounds(schema: dict[str, Any]) -> str:
    told = [
        _code(schema[key]) if key == "description" else f"{key} <code>{_text(json.dumps(schema[key]))}</code>"
        for key in _SHOWN
        if key in schema
    ]
    return ", ".join(told)


def _text(text: str) -> str:
    return html.escape(text)


def _code(text: str) -> str:
    """Return escaped text; what stands in backticks is code."""
    parts = html.escape(text.replace("``", "`")).split("`")
    return "".join(f"<code>{part}</code>" if place % 2 else part for place, part in enumerate(parts))
