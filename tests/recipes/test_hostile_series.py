"""Series as they come: flat, gappy, short, many, uneven. A working model, or one clear sentence."""

import numpy as np
import pandas as pd
import pytest

START = pd.Timestamp("2024-01-01")
SCHEMA = {"at": "datetime", "shop": "string", "sold": "number"}
ASK = {
    "task": "forecasting",
    "target": "sold",
    "time": "at",
    "split": {"by": "time"},
    "family": "forecasting",
    "task_options": {"series": ["shop"], "horizon": 12, "freq": None},
}


def make_shops(hours=240, names=("a", "b", "c")):
    random = np.random.default_rng(1)
    hour = np.tile(np.arange(hours), len(names))
    sold = 100 + 10 * np.sin(2 * np.pi * hour / 24) + random.normal(size=len(hour))
    shop = np.repeat(names, hours)
    return pd.DataFrame({"at": START + pd.to_timedelta(hour, unit="h"), "shop": shop, "sold": sold})


def cut(frame):
    times = np.sort(frame["at"].unique())
    ends = [times[int(len(times) * share)] for share in (0.7, 0.8)]
    at = frame["at"]
    sides = (at < ends[0], (at >= ends[0]) & (at < ends[1]), at >= ends[1])
    return [frame[side].reset_index(drop=True) for side in sides]


def without(frame, first, last):
    hour = (frame["at"] - START) / pd.Timedelta(1, "h")
    return frame[(hour < first) | (hour > last)]


def missing(frame, share):
    gone = np.random.default_rng(2).random(len(frame)) < share
    return frame.assign(sold=frame["sold"].mask(gone))


def uneven(frame):
    seconds = np.sort(np.random.default_rng(3).integers(0, 10**6, len(frame)))
    return frame.assign(at=START + pd.to_timedelta(seconds, unit="s"))


SERIES = {
    "flat": lambda frame: cut(frame.assign(sold=5.0)),
    "one of them flat": lambda frame: cut(frame.assign(sold=frame["sold"].where(frame["shop"] != "a", 0.0))),
    "half of the values missing": lambda frame: cut(missing(frame, 0.5)),
    "a week missing": lambda frame: cut(without(frame, 40, 140)),
    "every row twice": lambda frame: cut(pd.concat([frame, frame], ignore_index=True)),
    "uneven times": lambda frame: cut(uneven(frame)),
    "a stranger to be judged": lambda frame: [*cut(frame)[:2], cut(frame)[2].assign(shop="new")],
    "one ends early": lambda frame: [cut(frame)[0], *(side[side["shop"] != "a"] for side in cut(frame)[1:])],
    "nothing to choose by": lambda frame: [cut(frame)[0], frame[:0], cut(frame)[2]],
    "twenty steps": lambda frame: [frame[:20], frame[20:24], frame[24:30]],
    "a hundred short ones": lambda frame: cut(make_shops(30, [f"s{number}" for number in range(100)])),
}


@pytest.mark.parametrize("recipe", ["boosting", "linear"])
@pytest.mark.parametrize("name", SERIES)
def test_hostile_series_still_make_a_model_that_answers(make_job, name, recipe):
    params = {"max_iter": 10} if recipe == "boosting" else {}
    job = make_job(SCHEMA, SERIES[name](make_shops()), recipe=recipe, params=params, **ASK)
    assert job.run() == 0, job.failure
    assert job.answers_its_golden_rows()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda frame: frame.assign(at=START), "No series has three different times"),
        (lambda frame: frame[:1], "No series has three different times"),
        (lambda frame: frame.assign(shop=None), "names its series"),
        (lambda frame: frame.assign(sold=np.nan), "There are no training rows with a value"),
    ],
)
def test_what_is_no_series_is_one_sentence(make_job, change, sentence):
    frame = change(make_shops())
    job = make_job(SCHEMA, [frame, frame[:0], frame[:0]], **ASK)
    assert job.run() == 1
    assert sentence in job.failure
