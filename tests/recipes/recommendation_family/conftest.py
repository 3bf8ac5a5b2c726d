"""Tastes that can be learnt: users of three circles, each of which mostly takes its own third of the items."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

SCHEMA = {"who": "string", "what": "integer", "at": "datetime", "stars": "number"}
OPTIONS = {"user": "who", "item": "what", "rating": "stars"}
ITEMS, CIRCLES = 60, 3


def make_tastes(seed: int = 1, users: int = 300, each: int = 14) -> pd.DataFrame:
    """Interactions in order of time; each user takes an item once, four in five of the own circle."""
    random = np.random.default_rng(seed)
    rows = []
    for user in range(users):
        own = np.arange(ITEMS) % CIRCLES == user % CIRCLES
        chances = np.where(own, 0.8 / own.sum(), 0.2 / (~own).sum())
        for item in random.choice(ITEMS, each, replace=False, p=chances):
            stars = np.clip(round(3 + (item % 5 - 2) * 0.7 + random.normal()), 1, 5)
            rows.append((f"u{user:03}", int(item), float(stars)))
    frame = pd.DataFrame(rows, columns=["who", "what", "stars"]).sample(frac=1.0, random_state=seed)
    return frame.assign(at=pd.date_range("2026-01-01", periods=len(frame), freq="min")).reset_index(drop=True)


def cut(frame: pd.DataFrame) -> list[pd.DataFrame]:
    """The three sides by time."""
    first, second = int(len(frame) * 0.7), int(len(frame) * 0.8)
    return [frame[:first], frame[first:second], frame[second:]]


@pytest.fixture(scope="session")
def tastes() -> Callable[..., pd.DataFrame]:
    return make_tastes


@pytest.fixture(scope="session")
def taste_job(make_job) -> Callable[..., Any]:
    """Make a job; without sides on the usual ones, split by time."""

    def make(sides: list[pd.DataFrame] | None = None, champion: Any = None, /, **parameters: Any) -> Any:
        wanted = {
            "family": "recommendation",
            "task": "recommendation",
            "target": "",
            "task_options": OPTIONS,
            "time": "at",
            "split": {"by": "time"},
        } | parameters
        return make_job(parameters.pop("kinds", SCHEMA), sides or cut(make_tastes()), champion, **wanted)

    return make


@pytest.fixture(scope="session")
def tasted(taste_job) -> Any:
    """One finished job, shared by the tests that only look at it."""
    job = taste_job()
    assert job.run() == 0
    return job


@pytest.fixture(scope="session")
def ask_tastes(tasted) -> Callable[..., Any]:
    """Send one request to the trained model; return the Flask response."""
    endpoint = tasted.recipe.endpoint
    model = endpoint.model_fn(str(tasted.model))

    def ask(body: Any, kind: str = "application/json", accept: str = "application/json") -> Any:
        return endpoint.transform_fn(
            model, body if isinstance(body, str | bytes) else json.dumps(body), kind, accept
        )

    return ask
