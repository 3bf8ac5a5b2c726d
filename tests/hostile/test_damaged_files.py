"""Generated hostile files. ``HOSTILE_SEED`` and ``HOSTILE_COUNT`` in the environment make a longer or another run."""

import os
from collections.abc import Callable

import pytest

from tests.attack_report import Attacks
from tests.hostile.archives import broken_archive
from tests.hostile.confined import Servers, Used
from tests.hostile.damage import FATAL, Damaged, damaged
from tests.hostile.judge import judge, note
from tests.hostile.row_damage import PARTIAL

SEED = int(os.environ.get("HOSTILE_SEED", "0"))
COUNT = int(os.environ.get("HOSTILE_COUNT", "1000"))


def faults(confined: Servers, cases: list[Damaged], attacks: Attacks) -> list[str]:
    """Return what went another way than it must, with the seed that shows it again."""
    used = confined.each(judge, [case.file for case in cases])
    told = [_fault(case, one) for case, one in zip(cases, used, strict=True)]
    for case, one, fault in zip(cases, used, told, strict=True):
        note(attacks, case.kind, one, wrong=fault is not None)
    return [f"{case.told}: {fault}" for case, fault in zip(cases, told, strict=True) if fault]


def _fault(case: Damaged, used: Used) -> str | None:
    if used.ending is not None:
        return f"ended as {used.ending}"
    if used.is_over:
        return f"took {used.cpu_s:.2f} s of CPU and {used.peak_bytes:,} bytes"
    end = "QUARANTINED" if used.answer.state == "READY" else used.answer.state
    if case.end not in {end, "EITHER"} or (case.bad and case.bad != used.answer.bad):
        return (
            f"became {used.answer.state} ({used.answer.reason}: {used.answer.detail}), {used.answer.bad} bad"
        )
    return None


@pytest.mark.timeout(900)
def test_generated_files_that_are_no_tables_are_all_rejected_with_a_documented_reason(
    confined: Servers, attacks: Attacks, figure: Callable[[str, object], None]
) -> None:
    cases = [damaged(seed, (*FATAL, broken_archive)) for seed in range(SEED, SEED + COUNT)]
    assert {case.end for case in cases} == {"REJECTED"}
    assert faults(confined, cases, attacks) == []
    figure("hostile files not refused with a documented reason, in 512 MB", f"0 of {len(cases)}")


def test_damage_to_rows_sets_those_rows_apart_and_a_flipped_byte_harms_no_one(
    confined: Servers, attacks: Attacks
) -> None:
    cases = [damaged(seed, PARTIAL) for seed in range(SEED, SEED + COUNT // 10)]
    assert faults(confined, cases, attacks) == []
