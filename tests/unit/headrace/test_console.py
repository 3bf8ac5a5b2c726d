import re
from html.parser import HTMLParser
from pathlib import Path

CONSOLE = Path(__file__).resolve().parents[3] / "console"
PAGE = (CONSOLE / "index.html").read_text(encoding="utf-8")
SCRIPT = "".join(file.read_text(encoding="utf-8") for file in sorted(CONSOLE.glob("*.js")))
STYLE = (CONSOLE / "style.css").read_text(encoding="utf-8")


class Elements(HTMLParser):
    """Collects the elements of a page with their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def elements() -> list[tuple[str, dict[str, str | None]]]:
    parser = Elements()
    parser.feed(PAGE)
    return parser.found


def test_nothing_comes_from_another_host() -> None:
    # A namespace is a name: no browser asks for it.
    script = re.sub(r"(?m)^\s*//.*$|^const SVG = .*$", "", SCRIPT)
    assert re.findall(r"(?:https?:)?//[a-z]", PAGE + STYLE + script) == []
    assert "default-src 'none'" in PAGE


def test_no_text_of_the_api_ever_becomes_markup() -> None:
    assert (
        re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|DOMParser", SCRIPT) == []
    )
    assert all(not name.startswith("on") for _, attributes in elements() for name in attributes)


def test_every_element_the_script_looks_for_is_on_the_page() -> None:
    asked = set(re.findall(r"\bat\(\"([a-z-]+)\"\)", SCRIPT))
    there = {attributes["id"] for _, attributes in elements() if "id" in attributes}
    assert len(asked) > 10
    assert asked <= there


def test_the_token_stays_in_the_tab() -> None:
    assert "sessionStorage" in SCRIPT
    assert re.findall(r"localStorage|document\.cookie|location\.(search|hash)", SCRIPT) == []


def test_the_console_stays_small() -> None:
    assert sum(text.count("\n") for text in (PAGE, SCRIPT, STYLE)) <= 560
