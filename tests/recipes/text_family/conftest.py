"""Texts whose class can be learnt, and a finished job on them."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

SCHEMA = {"title": "string", "body": "string", "stars": "integer", "shop": "string", "y": "string"}
WORDS = {
    "bad": [
        "broken",
        "returned",
        "cheap",
        "awful",
        "kaputt",
        "zerrissen",
        "schlecht",
        "плохо",
        "сломан",
        "坏了",
        "不好",
    ],
    "good": [
        "lovely",
        "perfect",
        "comfortable",
        "soft",
        "wunderbar",
        "herrlich",
        "gut",
        "хорошо",
        "отлично",
        "很好",
        "喜欢",
    ],
}
FILLER = [
    "the",
    "shirt",
    "it",
    "was",
    "in",
    "a",
    "box",
    "and",
    "came",
    "on",
    "monday",
    "mit",
    "von",
    "der",
    "коробка",
    "衬衫",
]


def make_texts(rows: int, seed: int, classes: tuple[str, ...] = ("bad", "good")) -> pd.DataFrame:
    """Short texts in four scripts; a tenth of the titles and bodies is missing, one word in eight misleads."""
    random = np.random.default_rng(seed)
    y = random.choice(classes, rows)

    def text(label: str, length: int) -> str:
        """One text of the class."""
        own = WORDS.get(label, [label])
        other = [w for name, words in WORDS.items() if name != label for w in words]
        told = [random.choice(other if random.random() < 0.125 else own) for _ in range(length)]
        words = [*told, *random.choice(FILLER, 2 * length)]
        random.shuffle(words)
        return " ".join(words)

    return pd.DataFrame(
        {
            "title": [None if random.random() < 0.1 else text(label, 1) for label in y],
            "body": [None if random.random() < 0.1 else text(label, 3) for label in y],
            "stars": pd.array(random.integers(1, 6, rows), dtype="Int64"),
            "shop": random.choice(["north", "south", None], rows),
            "y": y,
        }
    )


@pytest.fixture(scope="session")
def texts() -> Callable[..., pd.DataFrame]:
    return make_texts


@pytest.fixture(scope="session")
def text_job(make_job) -> Callable[..., Any]:
    """Make a text job; without sides on the usual ones."""

    def make(sides: list[pd.DataFrame] | None = None, champion: Any = None, /, **parameters: Any) -> Any:
        usual = [make_texts(400, 1), make_texts(120, 2), make_texts(300, 3)]
        wanted = {"family": "text", "task": "text", "task_options": {"text": ["title", "body"]}} | parameters
        return make_job(parameters.pop("kinds", SCHEMA), sides or usual, champion, **wanted)

    return make


@pytest.fixture(scope="session")
def read_texts(text_job) -> Any:
    """One finished job, shared by the tests that only look at it."""
    job = text_job()
    assert job.run() == 0
    return job


@pytest.fixture(scope="session")
def ask_texts(read_texts) -> Callable[..., Any]:
    """Send one request to the trained model; return the Flask response."""
    endpoint = read_texts.recipe.endpoint
    model = endpoint.model_fn(str(read_texts.model))

    def ask(body: Any, kind: str = "application/json", accept: str = "application/json") -> Any:
        return endpoint.transform_fn(
            model, body if isinstance(body, str | bytes) else json.dumps(body), kind, accept
        )

    return ask
