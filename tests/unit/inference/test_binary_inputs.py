"""Pictures and other files in requests: base64 text, checked before anything is sent to an endpoint."""

import base64

import pytest
from chalicelib.inference.formats import Records, join, to_rows
from chalicelib.inference.validation import Validator

from shared.errors import InvalidBody

SIGNATURE = {"inputs": [{"name": "image", "type": "binary", "required": True}]}
PICTURE = base64.b64encode(bytes(range(256))).decode()


def test_base64_text_is_a_binary_value() -> None:
    assert Validator(SIGNATURE).check(f'[{{"image": "{PICTURE}"}}]'.encode()) == 1


@pytest.mark.parametrize("value", ['"no base64!"', '"QUJ"', "3", "null", "[1]"])
def test_anything_else_is_refused_by_the_name_of_its_field(value: str) -> None:
    records = f'[{{"image": "{PICTURE}"}}, {{"image": {value}}}]'.encode()
    with pytest.raises(InvalidBody) as refused:
        Validator(SIGNATURE).check(records)
    (wrong,) = refused.value.errors
    assert wrong.pointer == "/records/1/image"
    assert "base64 text" in wrong.detail


def test_pictures_may_come_as_csv() -> None:
    validator = Validator(SIGNATURE)
    sent = Records(kind="text/csv", body=f"image\n{PICTURE}\n".encode())
    assert validator.check(join(to_rows(sent, validator.inputs))) == 1
