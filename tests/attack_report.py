"""What attacks came to: how many of each family were tried, how each ended, what the worst cost, how many went wrong.

`make proof` runs with `--record-figures`: what its tests note here is written to `docs/hostile.json`, of which
`docs/reference/hostile-inputs.md` is generated. What went wrong is counted too, and a test of the documents refuses a
report that counts any: a page of zeros says something only where it could have said otherwise.
"""

from datetime import UTC, datetime
from pathlib import Path

import msgspec

from tests.clouds import ROOT
from tests.figures import commit, machine

FILE = ROOT / "docs" / "hostile.json"


class Family(msgspec.Struct, kw_only=True):
    """Attacks of one kind; ``outcomes`` counts them by reason, ``peak_bytes`` and ``slowest_s`` are of the worst one.

    None where nobody measured it.
    """

    tried: int = 0
    wrong: int = 0
    outcomes: dict[str, int] = {}
    peak_bytes: int | None = None
    slowest_s: float | None = None


class Attacks(msgspec.Struct, kw_only=True):
    """The families that one test tried, and when and where it did; ``ended`` is False where it broke off before its end."""

    measured_on: str
    commit: str
    machine: str
    ended: bool = True
    families: dict[str, Family] = {}

    def note(
        self,
        family: str,
        outcome: str,
        *,
        times: int = 1,
        wrong: bool = False,
        peak_bytes: int | None = None,
        took_s: float | None = None,
    ) -> None:
        """Count an attack of *family*, or so many that ended alike."""
        known = self.families.setdefault(family, Family())
        known.tried += times
        known.wrong += times if wrong else 0
        known.outcomes[outcome] = known.outcomes.get(outcome, 0) + times
        known.peak_bytes = _worse(known.peak_bytes, peak_bytes)
        known.slowest_s = _worse(known.slowest_s, None if took_s is None else round(took_s, 3))


class AttackReport:
    """Collects the attacks of one session, by the test that tried them."""

    def __init__(self) -> None:
        self.found: dict[str, Attacks] = {}

    def of(self, proof: str) -> Attacks:
        """Return what the test *proof* tried so far; the cases of a parametrized one are one."""
        name = proof.partition("[")[0]
        if name not in self.found:
            today = datetime.now(UTC).date().isoformat()
            self.found[name] = Attacks(measured_on=today, commit=commit(), machine=machine())
        return self.found[name]

    def fail(self, proof: str) -> None:
        """Note that the test did not come to its end: what it tried until then is no more than that."""
        if proof.partition("[")[0] in self.found:
            self.of(proof).ended = False

    def write(self, path: Path = FILE) -> None:
        """Put the attacks of this session in the place of what the same tests tried before."""
        kept = msgspec.json.decode(path.read_bytes(), type=dict[str, Attacks]) if path.exists() else {}
        found = {name: attacks for name, attacks in self.found.items() if attacks.families}
        encoded = msgspec.json.encode(dict(sorted((kept | found).items())), order="deterministic")
        path.write_bytes(msgspec.json.format(encoded, indent=2) + b"\n")


def _worse[T: (int, float)](one: T | None, other: T | None) -> T | None:
    return max((value for value in (one, other) if value is not None), default=None)
