"""What the endpoint of an image model promises."""

import json
from pathlib import Path

import numpy as np
import pytest

GOLDEN = Path(__file__).with_name("golden.json")


def test_golden_rows_come_out_the_same_together_and_alone(seen_pictures, ask_pictures):
    golden = [json.loads(line) for line in (seen_pictures.model / "golden.jsonl").read_text().splitlines()]
    assert len(golden) == 20
    answer = ask_pictures(*[g["record"] for g in golden])
    assert answer.get_json()["predictions"] == [g["prediction"] for g in golden]
    alone = ask_pictures(golden[7]["record"]).get_json()["predictions"]
    assert alone[0]["scores"] == pytest.approx(golden[7]["prediction"]["scores"], abs=1e-6)


def test_the_committed_golden_requests_are_answered_as_ever(ask_pictures):
    """The model that this data has always made: other answers here are other answers for every user."""
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    answered = ask_pictures(*golden["records"]).get_json()["predictions"]
    for given, expected in zip(answered, golden["predictions"], strict=True):
        assert given["value"] == expected["value"]
        assert given["scores"] == pytest.approx(expected["scores"], abs=1e-4)


def test_the_same_picture_in_any_kind_of_png_gets_the_same_answer(pictures, ask_pictures, png):
    rows = pictures(1, 9)
    from image.png import decode_png

    samples = decode_png(rows["image"][0], 1 << 20)
    opaque = np.concatenate([samples, np.full_like(samples[:, :, :1], 255)], axis=2)
    kinds = [png(samples), png(samples, interlaced=True), png(opaque)]
    answers = ask_pictures(*kinds).get_json()["predictions"]
    assert len({answer["value"] for answer in answers}) == 1
    # A matrix product may differ in the last digit from row to row.
    for answer in answers[1:]:
        assert answer["scores"] == pytest.approx(answers[0]["scores"], abs=1e-6)


def test_what_is_transparent_is_white(ask_pictures, png):
    clear = np.zeros((20, 20, 4), dtype=np.uint8)
    white = np.full((20, 20, 3), 255, dtype=np.uint8)
    first, second = ask_pictures(png(clear), png(white)).get_json()["predictions"]
    assert first == second


def _cases(png):
    good = png(np.zeros((8, 8, 1), dtype=np.uint8))
    return {
        "no base64": ({"image": "no base64!"}, "Record 0, field 'image': \"no base64!\" is not base64 text."),
        "a number": ({"image": 3}, "Record 0, field 'image': 3 is not base64 text."),
        "another field": ({"picture": ""}, "Record 0 has none of the model's fields: image."),
        "null": ({"image": None}, "The picture 0 is missing."),
        "empty": (b"", "The picture 0 is not a picture."),
        "a text": (b"GIT", "The picture 0 is not a picture."),
        "a JPEG": (b"\xff\xd8\xff\xe0", "The picture 0 is JPEG; this container has no Pillow"),
        "cut off": (good[:-20], "The picture 0 is a damaged PNG"),
    }


@pytest.mark.parametrize(
    "name", ["no base64", "a number", "another field", "null", "empty", "a text", "a JPEG", "cut off"]
)
def test_what_is_no_picture_is_a_400_with_a_sentence(ask_pictures, png, name):
    record, sentence = _cases(png)[name]
    answer = ask_pictures(record)
    assert answer.status_code == 400
    assert answer.get_json()["error"].startswith(sentence)


def test_one_huge_picture_or_many_large_ones_are_a_400_before_they_are_unpacked(ask_pictures, png):
    huge = png(np.zeros((4096, 4097, 1), dtype=np.uint8))
    assert "pixels" in ask_pictures(huge).get_json()["error"]
    large = png(np.zeros((3000, 3000, 1), dtype=np.uint8))
    answer = ask_pictures(*[large] * 50)
    assert answer.status_code == 400
    assert "16,000,000 pixels together" in answer.get_json()["error"]


def test_scores_come_as_csv_to_who_accepts_csv(ask_pictures, png):
    answer = ask_pictures(png(np.zeros((8, 8, 1), dtype=np.uint8)), accept="text/csv")
    assert answer.get_data(as_text=True).splitlines()[0] == "value,score_lying,score_standing"
