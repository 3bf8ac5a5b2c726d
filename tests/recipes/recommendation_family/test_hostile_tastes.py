"""Interactions as they come: strangers, one item, no rating, no time. A working model, or one clear sentence."""

import numpy as np
import pandas as pd
import pytest


def each(frames, **columns):
    return [frame.assign(**columns) for frame in frames]


def everybody_has_everything(first):
    rows = [(f"u{user}", item, 3.0, first) for user in range(30) for item in range(10)]
    return pd.DataFrame(rows, columns=["who", "what", "stars", "at"])


SIDES = {
    "only strangers are judged": lambda a, b, c: [a, b, c.assign(who=[f"n{row}" for row in range(len(c))])],
    "only new items are judged": lambda a, b, c: [a, b, c.assign(what=9999)],
    "nobody took two": lambda a, b, c: [a.assign(who=[f"w{row}" for row in range(len(a))]), b, c],
    "everybody took everything": lambda a, b, c: [everybody_has_everything(a["at"].iloc[0]), b[:0], c],
    "an item per row": lambda a, b, c: [
        f.assign(what=np.arange(len(f)) + 10**9 * k) for k, f in enumerate((a, b, c))
    ],
    "one rating for all": lambda a, b, c: each([a, b, c], stars=3.0),
    "no rating at all": lambda a, b, c: each([a, b, c], stars=np.nan),
    "no time": lambda a, b, c: each([a, b, c], at=pd.NaT),
    "half of the names missing": lambda a, b, c: [
        f.assign(who=f["who"].where(np.arange(len(f)) % 2 == 0)) for f in (a, b, c)
    ],
    "every row twice": lambda a, b, c: [pd.concat([f, f], ignore_index=True) for f in (a, b, c)],
    "five rows": lambda a, b, c: [a[:4], b[:0], c[:1]],
}


@pytest.mark.parametrize("name", SIDES)
def test_hostile_interactions_still_make_a_model_that_answers(taste_job, tastes, name):
    frame = tastes(users=60, each=8)
    first, second = int(len(frame) * 0.7), int(len(frame) * 0.8)
    job = taste_job(SIDES[name](frame[:first], frame[first:second], frame[second:]))
    assert job.run() == 0, job.failure
    assert job.answers_its_golden_rows()


@pytest.mark.parametrize(("column", "value"), [("who", "one"), ("what", 1), ("who", None)])
def test_one_user_or_one_item_is_one_sentence(taste_job, tastes, column, value):
    frame = tastes(users=60, each=8).assign(**{column: value})
    job = taste_job([frame[:300], frame[300:350], frame[350:]])
    assert job.run() == 1
    assert "two of each are needed" in job.failure
