"""What cells are, counted by column and kind: of the first rows to propose a schema, of all rows to judge it."""

# ruff: noqa: S608 - SQL here is made of our own names; what users wrote passes through engine.literal and identifier.

from collections import Counter
from collections.abc import Mapping, Sequence

from chalicelib.ingest.engine import Scratch, literal
from chalicelib.ingest.staging import Staged
from chalicelib.ingest.table_schema.kinds import kind_of, label_of, looks_typed, may_be_typed, text_of
from chalicelib.ingest.table_schema.model import MAX_CATEGORIES, Field, TableSchema
from chalicelib.ingest.table_schema.types import MISSING, Type

Counts = dict[str, dict[str, int]]


def count_sample(scratch: Scratch, sample: str, places: Mapping[str, int]) -> Counts:
    """Count the kinds of the cells of *sample*, a query that has each column as ``c<place>``."""
    texts = ", ".join(text_of((), f"c{place}") for place in places.values())
    return _counted(scratch, list(places), f"SELECT [{texts}] AS raw FROM ({sample})")


def count_labels(scratch: Scratch, sample: str, place: int) -> dict[str, int]:
    """Count the most frequent texts of the column ``c<place>`` of *sample*, one more than may be categories."""
    text = text_of((), f"c{place}")
    return dict(scratch.rows(_most_frequent(f"SELECT {text} AS x FROM ({sample})")))


def count_staged(scratch: Scratch, staged: Staged, doubted: Mapping[str, Mapping[str, int]] | None) -> Counts:
    """Count the kinds of all cells of *staged*, exactly.

    A good row's cells are of the kinds that their fields ask for; a bad row's are told one by one. A string takes
    any text: where the schema was only proposed, columns of strings that may be something else are told one by one
    too; *doubted* are then the answers of :func:`count_values`.
    """
    schema = staged.plan.schema
    names = [field.name for field in schema.fields]
    total, good = _count_good(scratch, staged)
    counts: Counts = {name: {} for name in names}
    if total < staged.accepted:
        counts = _counted(scratch, names, f"SELECT raw FROM {staged.rows} WHERE broken IS NOT NULL")
    if doubted is not None:
        for i, field in _doubtful(scratch, staged, doubted):
            good[field.name] = _count_texts(scratch, f"SELECT v{i} AS x FROM {staged.good}")
    for name, kinds in good.items():
        for kind, count in kinds.items():
            counts[name][kind] = counts[name].get(kind, 0) + count
    return counts


def find_examples(scratch: Scratch, staged: Staged) -> dict[str, str]:
    """Return a text that does not fit, at most 40 characters of it, for each column that has one."""
    cells = _cells(f"SELECT n, raw FROM {staged.rows}")
    fields = staged.plan.schema.fields
    kinds = " ".join(f"WHEN {i} THEN {literal(label_of(field))}" for i, field in enumerate(fields, start=1))
    found = scratch.rows(
        f"SELECT place, substr(arg_min(x, n), 1, 40) FROM ({cells}) "
        f"WHERE x IS NOT NULL AND {kind_of('x')} != CASE place {kinds} END GROUP BY place"
    )
    return {fields[place - 1].name: text for place, text in found}


def count_values(scratch: Scratch, staged: Staged) -> dict[str, dict[str, int]]:
    """Count the texts of each string column that has not many more than may be categories.

    Of a column with more than ``MAX_CATEGORIES`` only the most frequent, one more than that.
    """
    strings = _of_type(staged.plan.schema, Type.STRING)
    distinct = _aggregate(scratch, staged.good, [f"approx_count_distinct(v{i})" for i, _ in strings])
    # Sorting free text by frequency would cost more than all else; twice as many are not within the error.
    few = [entry for entry, about in zip(strings, distinct, strict=True) if about <= 2 * MAX_CATEGORIES]
    counts = {
        field.name: counted
        for (_, field), counted in zip(few, _count_by_value(scratch, staged, few), strict=True)
    }
    return {name: _most_frequent_of(counted) for name, counted in counts.items()}


def _count_by_value(
    scratch: Scratch, staged: Staged, columns: Sequence[tuple[int, Field]]
) -> list[Counter[str]]:
    """Count the texts of *columns*, those of good rows in one scan, and those of bad rows."""
    if not columns:
        return []
    good = [f"v{place}" for place, _ in columns]
    bad = [f"raw[{place + 1}]" for place, _ in columns]
    of_good = _count_cells(scratch, good, staged.good)
    of_bad = _count_cells(scratch, bad, f"{staged.rows} WHERE broken IS NOT NULL")
    return [one + other for one, other in zip(of_good, of_bad, strict=True)]


def _count_cells(scratch: Scratch, cells: Sequence[str], rows: str) -> list[Counter[str]]:
    """Count for each of the SQL texts *cells* how many of *rows* have which."""
    counts: list[Counter[str]] = [Counter() for _ in cells]
    named = ", ".join(f"{cell} AS x{i}" for i, cell in enumerate(cells))
    names = [f"x{i}" for i in range(len(cells))]
    sets = ", ".join(f"({name})" for name in names)
    query = f"SELECT {', '.join(names)}, count(*) FROM (SELECT {named} FROM {rows}) GROUP BY GROUPING SETS ({sets})"
    for *texts, count in scratch.rows(query):
        # A row has a text in the column it is grouped by, and nowhere where that text is missing.
        for counted, text in zip(counts, texts, strict=True):
            if text is not None:
                counted[text] += count
    return counts


def _most_frequent_of(counts: Counter[str]) -> dict[str, int]:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return dict(ordered[: MAX_CATEGORIES + 1])


def _most_frequent(texts: str) -> str:
    return (
        f"SELECT x, count(*) AS times FROM ({texts}) WHERE x IS NOT NULL "
        f"GROUP BY x ORDER BY times DESC, x LIMIT {MAX_CATEGORIES + 1}"
    )


def _count_good(scratch: Scratch, staged: Staged) -> tuple[int, Counts]:
    """Return the number of good rows, and their cells by kind."""
    fields = staged.plan.schema.fields
    total, *present = _aggregate(
        scratch, staged.good, ["count(*)", *(f"count(v{i})" for i in range(len(fields)))]
    )
    return total, {
        field.name: {label_of(field): count, MISSING: total - count}
        for field, count in zip(fields, present, strict=True)
    }


def _doubtful(
    scratch: Scratch, staged: Staged, seen: Mapping[str, Mapping[str, int]]
) -> list[tuple[int, Field]]:
    """Return the strings of which more than half may be something else; those of few values are *seen* already."""
    strings = _of_type(staged.plan.schema, Type.STRING)
    few = [entry for entry in strings if len(seen.get(entry[1].name, "")) in range(1, MAX_CATEGORIES + 1)]
    many = [entry for entry in strings if entry not in few]
    aggregates = [f"2 * count(*) FILTER ({may_be_typed(f'v{i}')}) > count(v{i})" for i, _ in many]
    answers = _aggregate(scratch, staged.good, aggregates)
    return [entry for entry in few if _are_doubtful(seen[entry[1].name])] + [
        entry for entry, is_doubtful in zip(many, answers, strict=True) if is_doubtful
    ]


def _are_doubtful(values: Mapping[str, int]) -> bool:
    typed = sum(times for text, times in values.items() if looks_typed(text))
    return typed * 2 > sum(values.values())


def _of_type(schema: TableSchema, kind: Type) -> list[tuple[int, Field]]:
    return [(i, field) for i, field in enumerate(schema.fields) if field.type is kind]


def _aggregate(scratch: Scratch, rows: str, aggregates: Sequence[str]) -> tuple[int, ...]:
    return scratch.row(f"SELECT {', '.join(aggregates)} FROM {rows}") if aggregates else ()


def _counted(scratch: Scratch, names: Sequence[str], raw: str) -> Counts:
    """Count the kinds of the texts in the lists ``raw``, whose places are those of *names*."""
    counts: Mapping[str, dict[str, int]] = {name: {} for name in names}
    for place, kind, count in scratch.rows(
        f"SELECT place, {kind_of('x')}, count(*) FROM ({_cells(raw)}) GROUP BY ALL"
    ):
        counts[names[place - 1]][kind] = count
    return dict(counts)


def _cells(raw: str) -> str:
    """Return a query of *raw* with a row for each text ``x`` of its lists and its ``place``, from 1."""
    return f"SELECT * EXCLUDE (raw), unnest(raw) AS x, generate_subscripts(raw, 1) AS place FROM ({raw})"


def _count_texts(scratch: Scratch, texts: str) -> dict[str, int]:
    return dict(scratch.rows(f"SELECT {kind_of('x')} AS kind, count(*) FROM ({texts}) GROUP BY kind"))
