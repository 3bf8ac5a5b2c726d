"""Nothing is released that is not, bit by bit, what training made and signed."""

import base64
import hashlib
import random
import re
from collections.abc import Callable, Iterator

import msgspec
import pytest
from chalicelib.inference.artifacts import SignedArtifacts
from chalicelib.inference.states import Refused

from shared.entities.training import ModelVersion
from tests.attack_report import Attacks
from tests.fakes import FakeBucket
from tests.unit.inference.fakes import INPUTS, FakeKms, signed_model

FOLDER = "models/flights/v1/"


class Registered:
    """A signed model version in a bucket, and what an attacker does to it."""

    def __init__(self, attacks: Attacks) -> None:
        self._attacks = attacks
        self.bucket = FakeBucket("models")
        self.model = signed_model(self.bucket, "v1", None)
        kms: object = FakeKms()
        self.artifacts = SignedArtifacts(self.bucket, kms, "key-arn")

    def read(self, name: str) -> bytes:
        return self.bucket.read(FOLDER + name)

    def put(self, name: str, body: bytes) -> None:
        """Change an object's bytes in place, as nobody can who has only S3's API: its version id stays."""
        version, _, at = self.bucket.versions[FOLDER + name][-1]
        self.bucket.versions[FOLDER + name][-1] = (version, body, at)

    def is_released(self, tampered: str = "", model: ModelVersion | None = None) -> bool:
        """Say whether it would be released; what was *tampered* with is counted among the attacks."""
        reason = self._refusal(model or self.model)
        if tampered:
            self._attacks.note(tampered, reason or "released", wrong=reason is None)
        return reason is None

    def is_believed(self, tampered: str) -> bool:
        """Say whether its golden rows would be believed."""
        try:
            self.artifacts.golden(self.model)
        except Refused as error:
            self._attacks.note(tampered, str(error))
            return False
        self._attacks.note(tampered, "believed", wrong=True)
        return True

    def _refusal(self, model: ModelVersion) -> str | None:
        try:
            self.artifacts.verify(model)
        except Refused as error:
            # Without what differs from one to the next: hashes and names of objects.
            return re.sub(r"s3://\S+[^\s,]|[\w.-]+/\S+|[0-9a-f]{12}…", "…", str(error))
        return None


@pytest.fixture
def registered(attacks: Attacks) -> Registered:
    made = Registered(attacks)
    assert made.is_released()
    return made


def flips(body: bytes) -> Iterator[bytes]:
    """Yield the body with each one of its bits flipped."""
    for place in range(len(body) * 8):
        changed = bytearray(body)
        changed[place // 8] ^= 1 << place % 8
        yield bytes(changed)


def test_every_flipped_bit_of_the_manifest_is_refused(
    registered: Registered, figure: Callable[[str, object], None]
) -> None:
    bits = 8 * len(registered.read("manifest.json"))
    assert bits > 8 * 800
    for body in flips(registered.read("manifest.json")):
        registered.put("manifest.json", body)
        assert not registered.is_released("a bit of the manifest")
    figure("flipped bits of a manifest that a release believed", f"0 of {bits}")


def test_every_flipped_bit_of_the_manifest_is_refused_even_where_the_row_has_its_hash(
    registered: Registered,
) -> None:
    for body in flips(registered.read("manifest.json")):
        registered.put("manifest.json", body)
        row = msgspec.structs.replace(registered.model, manifest_sha256=hashlib.sha256(body).hexdigest())
        assert not registered.is_released("a bit of the manifest, and its hash in the row", row)


def test_every_flipped_bit_of_the_signature_is_refused_in_the_row_in_the_file_and_in_both(
    registered: Registered,
) -> None:
    signature = registered.read("manifest.sig")
    for body in flips(signature):
        text = base64.b64encode(body).decode()
        row = msgspec.structs.replace(registered.model, manifest_signature=text)
        assert not registered.is_released("a bit of the signature in the row", row)
        registered.put("manifest.sig", body)
        assert not registered.is_released("a bit of the signature in its file")
        assert not registered.is_released("a bit of the signature in both", row)
        registered.put("manifest.sig", signature)


def test_every_flipped_bit_of_the_signatures_spelling_is_refused(registered: Registered) -> None:
    for body in flips(registered.model.manifest_signature.encode()):
        text = body.decode("latin-1")
        assert not registered.is_released(
            "a bit of the signature's spelling",
            msgspec.structs.replace(registered.model, manifest_signature=text),
        )


@pytest.mark.parametrize("name", ["model.tar.gz", "signature.json"])
def test_flipped_bits_of_the_files_that_answer_are_refused(registered: Registered, name: str) -> None:
    body = registered.read(name)
    every = list(flips(body))
    for changed in random.Random(7).sample(every, min(300, len(every))):
        registered.put(name, changed)
        assert not registered.is_released(f"bits or bytes of {name}")
    registered.put(name, body[:-1])
    assert not registered.is_released(f"bits or bytes of {name}")
    registered.put(name, body + b"\0")
    assert not registered.is_released(f"bits or bytes of {name}")


def test_a_flipped_bit_of_the_golden_rows_is_refused(registered: Registered) -> None:
    for changed in random.Random(7).sample(list(flips(registered.read("golden.jsonl"))), 200):
        registered.put("golden.jsonl", changed)
        assert not registered.is_believed("a bit of the golden rows")


TAMPERED = {
    "version": "v2",
    "job_id": "another",
    "recipe": "another",
    "recipe_sha256": "0" * 64,
    "image_uri": "evil.example/image:1",
    "dataset_versions": ("d1", "d2"),
    "artifact_uri": "s3://models/models/flights/v0/model.tar.gz",
    "artifact_sha256": "0" * 64,
    "artifact_version_id": "another",
    "manifest_sha256": "0" * 64,
    "manifest_uri": "s3://models/models/flights/v0/manifest.json",
    "inputs": {**INPUTS, "inputs": []},
}


@pytest.mark.parametrize("name", TAMPERED)
def test_a_row_that_says_otherwise_than_what_was_signed_is_refused(registered: Registered, name: str) -> None:
    row = msgspec.structs.replace(registered.model, **{name: TAMPERED[name]})
    assert not registered.is_released("a field of the row", row)


def test_an_artifact_written_over_after_it_was_signed_is_refused(registered: Registered) -> None:
    # The signed version is still there, but an endpoint would load the newest.
    registered.bucket.write(FOLDER + "model.tar.gz", b"another model")
    assert not registered.is_released("the artifact, written over")


def test_a_genuine_manifest_of_another_version_vouches_for_nothing_else(registered: Registered) -> None:
    other = signed_model(registered.bucket, "v2", None)
    names = ("manifest_uri", "manifest_sha256", "manifest_signature")
    row = msgspec.structs.replace(registered.model, **{name: getattr(other, name) for name in names})
    assert not registered.is_released("another version's genuine manifest", row)
