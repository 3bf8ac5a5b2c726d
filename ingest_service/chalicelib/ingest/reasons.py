"""Every reason why an upload is REJECTED: the code, what it means and what to do.

The reference (``docs/reference/reason-codes.md``, a page for each code below ``reasons/`` and on the site) is made
from this table and from real rejections; a test keeps them equal.
"""

import msgspec

from shared.errors import InvalidDataset


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """One documented reason code."""

    code: str
    meaning: str
    remedy: str


def _reason(code: str, meaning: str, remedy: str) -> Reason:
    return Reason(code=code, meaning=meaning, remedy=remedy)


REASONS: tuple[Reason, ...] = (
    _reason(
        "bad_key",
        "The object's key is not `incoming/<pipeline>/<file>`: deeper, without a pipeline, with `..`, "
        "with control characters or over 1,024 bytes.",
        "Upload the file again under a key of that form.",
    ),
    _reason(
        "unknown_pipeline",
        "No pipeline has the name that the key says.",
        "Create it with `PUT /v1/pipelines/<name>`, then upload the file again; or correct the key.",
    ),
    _reason(
        "unsupported_format",
        "The file's name ends in none of the formats that are read, or not in the one that `data.format` asks for.",
        "Save the data in one of them (CSV, TSV, JSON Lines, Parquet, pictures as a zip) and name it so.",
    ),
    _reason(
        "too_large",
        "The file has more than 100 GiB, counted decompressed.",
        "Split it and upload the parts one by one: with `data.history: all` a training sees all of them.",
    ),
    _reason(
        "object_gone",
        "The object version was deleted before it could be read.",
        "Upload the file again and leave it there.",
    ),
    _reason("empty_file", "The file has no bytes, or only blank lines.", "Upload the file with its data."),
    _reason("no_rows", "The file has a header and no row below it.", "Upload a file with data."),
    _reason(
        "wrong_encoding",
        "The file is not in the encoding that was declared, or in none that could be told with certainty: a wrong "
        "guess would turn letters into others in silence. The sentence names the first wrong byte.",
        "Save it as UTF-8 (in Excel: *CSV UTF-8*), or say what it is in `data.encoding`, and upload it again.",
    ),
    _reason(
        "not_text",
        "The file has NUL bytes, which no text has: it is binary, or UTF-16 without its mark.",
        "Export the data as CSV in UTF-8; of UTF-16 say so in `data.encoding`.",
    ),
    _reason(
        "wrong_content",
        "The file's first bytes are of another format than its name says; the sentence names both and what to do.",
        "Rename the file to what it is where that is a format that is read, else export the data as CSV.",
    ),
    _reason(
        "corrupt_archive",
        "The compressed file is damaged, ends early or has something behind its end; the sentence says where.",
        "Compress the data again (test it with `gzip -t` or `zstd -t`) and upload it again.",
    ),
    _reason(
        "inflates_too_much",
        "The compressed file inflates to more than 8 MiB and more than 200 times its own size.",
        "Upload the data uncompressed, or in parts.",
    ),
    _reason(
        "line_too_long",
        "A line of the file has more than 2,000,000 bytes, so its lines do not end as those of text do.",
        "Look for what ends the lines at the byte that the sentence names; a row may have 1,000,000 bytes.",
    ),
    _reason(
        "bad_dialect",
        "`data.delimiter`, `data.quote` or `data.encoding` is none that a file can be read with.",
        "Correct it in the pipeline's definition, or leave it out: each file's own is then detected.",
    ),
    _reason(
        "not_json_lines",
        "No line at the beginning of the file is a JSON object: it is one array, or spread over several lines.",
        "Write one object per line; `jq -c '.[]' data.json > data.jsonl` does so for an array.",
    ),
    _reason(
        "corrupt_parquet",
        "The Parquet file is damaged, ends early, contradicts itself or is encrypted.",
        "Write the file again, unencrypted, and read it back with the program that wrote it.",
    ),
    _reason(
        "unsupported_column",
        "A Parquet column holds lists, maps, structs or bytes; the sentence names it and its type.",
        "Flatten or remove the column, or name it in the pipeline's `data.drop`.",
    ),
    _reason(
        "bad_archive",
        "The zip of pictures cannot be read or is made to harm: damaged, encrypted, overlapping entries, links, "
        "names that lead outside, more files than allowed, or no picture under `label/name`.",
        "Zip the folder of pictures again, one folder per label, without a password.",
    ),
    _reason(
        "bad_header",
        "The first line cannot be read as column names: quotes do not close, it is over 1 MiB, or a name has "
        "control characters or over 128 characters.",
        "Mend the first line.",
    ),
    _reason(
        "empty_column_name",
        "A column has no name.",
        "Name every column in the first line; look for a delimiter at the end of it.",
    ),
    _reason(
        "duplicate_columns",
        "Two columns have the same name (upper and lower case count as equal).",
        "Rename or remove one of them.",
    ),
    _reason("too_many_columns", "The file has more than 1,000 columns.", "Remove columns that do not help."),
    _reason(
        "missing_column",
        "A column that the pipeline names as target, time, key or group is not in the header.",
        "Add it to the file, or correct the pipeline's definition.",
    ),
    _reason(
        "wrong_column_type",
        "The time column does not hold dates or times, or the target of a regression does not hold numbers.",
        "Correct the column's values, or name another column in the pipeline's definition.",
    ),
    _reason(
        "schema_mismatch",
        "Columns were added, removed, renamed or hold mostly another type than in the pipeline's newest READY "
        "version, or than `data.schema` declares; the sentence lists them, `schema_diff.json` has them all.",
        "Upload a file of the same columns, correct `data.schema` where it is wrong, or create a new pipeline.",
    ),
    _reason(
        "unterminated_quote",
        "A quoted value never closes, so the rest of the file would be one cell.",
        'Close the quote after the row that the sentence names; a quote inside a quoted value is written `""`.',
    ),
    _reason(
        "too_many_bad_rows",
        "More rows break a rule than `data.max_bad` allows, or any row does while `data.on_bad_rows` is `reject`.",
        "Read them with `headrace datasets rejects <pipeline> <version>`, mend the file and upload it again; "
        "where so many are to be expected, raise `data.max_bad`.",
    ),
    _reason(
        "time_not_named",
        "A column has times of day, and the pipeline says neither which time a row has nor how to split: dealt at "
        "random, rows would judge a model that was trained on what came after them.",
        "Name the column in `data.time`; or set `split.by: hash`, and rows are dealt at random by name. A column that "
        "is of no use may go into `data.drop`. Then upload the file again.",
    ),
    _reason(
        "too_few_rows",
        "After the split no row is left to train on, or none to test on.",
        "Upload more rows, or change `split` in the pipeline's definition.",
    ),
)

CODES = frozenset(reason.code for reason in REASONS)


def rejection(code: str, detail: str) -> InvalidDataset:
    """Return the error that makes a version REJECTED; *code* must be documented above."""
    if code not in CODES:
        raise KeyError(f"reason code {code!r} is not documented in REASONS")
    return InvalidDataset(code, detail)


def reason_url(code: str | None) -> str | None:
    """Return where the site explains *code*; None for what is none of ours."""
    return f"/reasons/{code}" if code in CODES else None


def reference_page() -> str:
    """Return the Markdown of ``docs/reference/reason-codes.md``."""
    lines = [
        "# Reason codes",
        "",
        "<!-- Made from ingest_service/chalicelib/ingest/reasons.py; change it there and run the test to see how. -->",
        "",
        "An upload that cannot become a dataset version is REJECTED with one of these codes and a sentence that",
        "says what was wrong and where. Nothing is lost: the object, its row and the rows that broke a rule stay.",
        "Each code has a page with a file that is rejected so, and what the service says of it; on a stage the same",
        "page is at `/reasons/<code>`, which REST answers name as `reason_url`.",
        "",
        "| code | what it means | what to do |",
        "|---|---|---|",
    ]
    lines += [
        f"| [`{reason.code}`](reasons/{reason.code}.md) | {reason.meaning} | {reason.remedy} |"
        for reason in REASONS
    ]
    return "\n".join(lines) + "\n"
