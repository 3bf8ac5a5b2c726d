"""Texts as they come: nothing but blanks, one class, thousands of shops, a row alone. A working model, or one clear sentence."""

import pandas as pd
import pytest


def changed(frames, **columns):
    return [frame.assign(**columns) for frame in frames]


def shops_of_their_own(frames):
    return [
        frame.assign(shop=[f"{place}-{row}" for row in range(len(frame))])
        for place, frame in enumerate(frames)
    ]


TABLES = {
    "blanks and dots": lambda a, b, c: [*changed([a], title=" ", body="..."), b, c],
    "no other column has a value": lambda a, b, c: changed(
        [a, b, c], shop=None, stars=pd.array([pd.NA], dtype="Int64")[0]
    ),
    "constants": lambda a, b, c: changed([a, b, c], stars=3, shop="x"),
    "a shop per row": lambda a, b, c: shops_of_their_own([a, b, c]),
    "one class in the newest rows": lambda a, b, c: [a, *changed([b, c], y="good")],
    "a class of one row": lambda a, b, c: [a.assign(y=["bad", *["good"] * (len(a) - 1)]), b, c],
    "the same rows again and again": lambda a, b, c: [pd.concat([a[:6]] * 20, ignore_index=True), b, c],
    "no text to be judged by": lambda a, b, c: [a, b, *changed([c], title=None, body=None)],
    "four rows and one": lambda a, b, c: [a[:4], b[:0], c[:1]],
}


@pytest.mark.parametrize("name", TABLES)
def test_a_hostile_table_of_texts_still_makes_a_model_that_answers(text_job, texts, name):
    job = text_job(TABLES[name](texts(120, 1), texts(60, 2), texts(60, 3)))
    assert job.run() == 0, job.failure
    assert job.answers_its_golden_rows()


@pytest.mark.parametrize(
    ("rows", "sentence"), [(1, "has only the class"), (0, "There are no training rows with a value")]
)
def test_too_few_texts_are_one_sentence(text_job, texts, rows, sentence):
    job = text_job([texts(120, 1)[:rows], texts(60, 2), texts(60, 3)])
    assert job.run() == 1
    assert sentence in job.failure
