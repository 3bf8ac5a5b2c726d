"""Files made to harm end as the sentence about them says: within 512 MB and two seconds of CPU."""

import pytest

from tests.attack_report import Attacks
from tests.hostile.confined import CPU_S, MEMORY_BYTES, Servers, Used
from tests.hostile.contents import HEADER, long_json_among_rows, rows
from tests.hostile.files import FILES
from tests.hostile.judge import Fate, File, judge, judge_with_rows, note
from tests.hostile.row_damage import NO_NUMBERS


def within_limits(used: Used) -> Fate:
    """Return the outcome, which must be one, and must have cost little."""
    assert used.ending is None, used.ending
    assert used.peak_bytes < MEMORY_BYTES
    assert used.cpu_s < CPU_S
    fate: Fate = used.answer
    return fate


@pytest.mark.parametrize("name", FILES)
def test_a_file_made_to_harm_is_refused_with_its_reason(
    confined: Servers, name: str, attacks: Attacks
) -> None:
    kind, hostile = FILES[name]
    used = confined.call(judge, hostile.file())
    as_it_must = {("REJECTED", reason) for reason in hostile.reasons}
    is_as_it_must = used.answer and (used.answer.state, used.answer.reason) in as_it_must
    note(attacks, kind, used, wrong=not is_as_it_must)
    fate = within_limits(used)
    assert (fate.state, fate.reason) in as_it_must


def test_carriage_returns_alone_end_the_lines_of_a_good_file(confined: Servers) -> None:
    body = HEADER + rows()
    fate = within_limits(confined.call(judge, File(name="a.csv", body=body.replace(b"\n", b"\r"))))
    assert (fate.state, fate.good, fate.bad) == ("READY", 200, 0)


def test_what_only_looks_like_a_number_is_a_bad_row_and_never_a_number(confined: Servers) -> None:
    lines = "".join(f"1,{wrong},AA,true\n" for wrong in NO_NUMBERS).encode()
    file = File(name="a.csv", body=HEADER + rows() + lines, definition={"data": {"max_bad": "10%"}})
    fate = within_limits(confined.call(judge, file))
    assert [reject["value"] for reject in fate.rejects] == list(NO_NUMBERS)


def test_formulas_are_data_and_stay_as_they_were_written(confined: Servers) -> None:
    formulas = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", '@SUM(1+9)*cmd|" /C"!A0', "=HYPERLINK(1)"]
    cells = ['"' + text.replace('"', '""') + '"' for text in formulas]
    lines = [f"{i},2.5,{cells[i % len(cells)]},{'true' if i % 3 else 'false'}\n" for i in range(60)]
    file = File(name="a.csv", body=HEADER + "".join(lines).encode())
    (fate,) = confined.call(judge_with_rows, [file]).answer
    assert fate.state == "READY"
    assert {row[2] for side in fate.sides.values() for row in side} == set(formulas)


def test_a_json_line_of_200_mb_among_good_ones_is_one_bad_row(confined: Servers) -> None:
    fate = within_limits(confined.call(judge, File(name="a.jsonl", body=long_json_among_rows())))
    assert (fate.state, fate.good, fate.bad) == ("READY", 200, 1)
