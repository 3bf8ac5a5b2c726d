import re

from headrace.operate.problem_pages import FOLDER, pages, slug
from infra.gateway_responses import gateway_responses
from shared.errors import HeadraceError
from shared.http import middleware


def test_the_pages_are_current() -> None:
    there = {file.name: file.read_text(encoding="utf-8") for file in FOLDER.iterdir()}
    assert there == pages(), "run `python -m headrace.operate.problem_pages`"


def test_every_problem_that_can_be_answered_has_its_page() -> None:
    def titles(kind: type[HeadraceError]) -> set[str]:
        return {kind.title}.union(*(titles(below) for below in kind.__subclasses__()))

    types = {
        slug(title) for title in titles(HeadraceError) | {title for title, _ in middleware._TITLES.values()}
    }
    types |= set(re.findall(r"/problems/([a-z-]+)", str(gateway_responses())))
    assert len(types) > 10
    assert types <= pages().keys()
