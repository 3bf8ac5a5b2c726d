"""Pictures as they come: all alike, one class, few, missing. A working model, or one clear sentence."""

import pytest


def alike(frames):
    return [frame.assign(image=[frames[0]["image"][0]] * len(frame)) for frame in frames]


SIDES = {
    "all alike": lambda a, b, c: alike([a, b, c]),
    "one class in the newest": lambda a, b, c: [a, *(frame.assign(label="lying") for frame in (b, c))],
    "a class of one picture": lambda a, b, c: [a.assign(label=["lying", *["standing"] * (len(a) - 1)]), b, c],
    "nothing to choose by": lambda a, b, c: [a, b[:0], c],
    "five and one": lambda a, b, c: [a[:5], b[:0], c[:1]],
}


@pytest.mark.parametrize("recipe", ["linear", "boosting"])
@pytest.mark.parametrize("name", SIDES)
def test_hostile_pictures_still_make_a_model_that_answers(picture_job, pictures, name, recipe):
    params = {"max_iter": 5} if recipe == "boosting" else {}
    sides = SIDES[name](pictures(60, 1), pictures(55, 2), pictures(60, 3))
    job = picture_job(sides, recipe=recipe, params=params)
    assert job.run() == 0, job.failure
    assert job.answers_its_golden_rows()


@pytest.mark.parametrize(("side", "rows"), [(0, "training"), (1, "validation"), (2, "judged")])
def test_a_picture_that_is_missing_is_named_with_the_rows_it_is_in(picture_job, pictures, side, rows):
    sides = [pictures(60, seed) for seed in (1, 2, 3)]
    sides[side].at[7, "image"] = None
    job = picture_job(sides)
    assert job.run() == 1
    assert job.failure == f"The picture 7 is missing, in the {rows} rows."
