"""The limits of uploads as a page, each number from the code that enforces it."""

from docs.service import find_the_services

_HEAD = """# Limits of uploads

Generated from the code by `make docs`. What a limit means for a format is told in [formats.md](formats.md).

| what | limit | beyond it |
|---|---|---|
"""


def limits() -> str:
    """Return the page."""
    return _HEAD + "".join(f"| {what} | {limit} | {beyond} |\n" for what, limit, beyond in _rows())


def _rows() -> list[tuple[str, str, str]]:
    find_the_services()
    from chalicelib.ingest import keys, quarantine, uploads, wiring
    from chalicelib.ingest.table_schema import model

    limits = wiring.LIMITS
    # In the order in which an upload meets them.
    return [
        ("key of an object", f"{keys.MAX_KEY_BYTES:,} bytes", _code("bad_key")),
        ("upload by one form", _size(uploads.FORM_BYTES), "it goes in parts, up to 100 addresses at a time"),
        ("form, from its grant", f"{uploads.FORM_EXPIRES.seconds // 60} minutes", "ask for another"),
        ("address of a part", f"{uploads.PART_EXPIRES.seconds // 60} minutes", "ask for another"),
        ("unfinished upload in parts", f"{uploads.UNFINISHED_EXPIRES.days} days", "its parts are removed"),
        ("content, decompressed", _size(limits.hard_max_bytes), _code("too_large")),
        ("content in one function", _size(limits.max_bytes), "a processing job takes it"),
        *_format_rows(),
        ("fields of a schema", f"{model.MAX_FIELDS:,}", "422 at the definition"),
        ("values of an `enum` or a list", f"{model.MAX_LISTED:,}", "422 at the definition"),
        ("`categories` of a column", f"{model.MAX_CATEGORIES}", "the column has none"),
        ("value in a reject", f"{quarantine.MAX_VALUE_CHARS} characters", "it is cut"),
    ]


def _format_rows() -> list[tuple[str, str, str]]:
    from chalicelib.ingest.formats import (
        column_names,
        compression,
        delimited_lines,
        delimited_shape,
        images,
        images_archive,
        images_pictures,
        json_lines_rows,
        parquet_file,
    )

    ratio = f"{compression.MAX_RATIO} times its size, beyond {_size(compression.RATIO_FREE_BYTES)}"
    return [
        ("what gzip, zstd or zip inflate to", ratio, _code("inflates_too_much")),
        ("window of zstd", _size(compression.MAX_WINDOW_BYTES), _code("corrupt_archive")),
        ("columns", f"{column_names.MAX_COLUMNS:,}", _code("too_many_columns")),
        ("name of a column", f"{column_names.MAX_NAME_CHARS} characters", _code("bad_header")),
        ("row of delimited text", f"{delimited_lines.MAX_LINE_BYTES:,} bytes", _bad_row()),
        ("line of delimited text", f"{2 * delimited_lines.MAX_LINE_BYTES:,} bytes", _code("line_too_long")),
        ("rows of a wrong shape", f"{delimited_shape.MAX_MALFORMED:,} in 64 MiB", _code("too_many_bad_rows")),
        ("line of JSON Lines", f"{json_lines_rows.MAX_LINE_BYTES:,} bytes", _bad_row()),
        ("footer of Parquet", _size(parquet_file.MAX_FOOTER_BYTES), _code("corrupt_parquet")),
        ("files in a zip of pictures", f"{images_archive.MAX_ENTRIES:,}", _code("bad_archive")),
        ("one picture", _size(images.MAX_PICTURE_BYTES), _bad_row()),
        ("pixels of a picture", f"{images_pictures.MAX_PIXELS:,}", _bad_row()),
    ]


# What an upload that passes a limit comes to, as a cell of the table.
def _code(code: str) -> str:
    return f"REJECTED [`{code}`](reasons/{code}.md)"


def _bad_row() -> str:
    return "the row is bad"


def _size(count: int) -> str:
    unit = next(
        (name, size) for name, size in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)) if count >= size
    )
    return f"{count / unit[1]:g} {unit[0]}"
