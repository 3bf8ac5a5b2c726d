"""What the registry adds to a model card: where the model comes from, who let it through, how to check all that.

The part above it was written by the training job and is signed; this part is told from the rows as they are now.
"""

from collections.abc import Sequence

from chalicelib.training.lineage import Lineage

from shared.entities.pipeline import PipelineDefinition, task_of


def registry_sections(lineage: Lineage, definition: PipelineDefinition | None) -> str:
    """Return the sections, as Markdown; *definition* is None where the pipeline was deleted."""
    sections = [
        "## Intended use\n\n" + _list(_use(lineage, definition)),
        "## Data\n\n" + _data(lineage),
        "## Decisions\n\n" + _decisions(lineage),
        "## Origin and reproduction\n\n" + _list(_origin(lineage)),
        "## Verification\n\n" + _verification(lineage),
    ]
    return "\n\n".join(sections) + "\n"


def _use(lineage: Lineage, definition: PipelineDefinition | None) -> list[str]:
    pipeline = lineage.manifest.pipeline
    if definition is None:
        return [f"None any more: the pipeline {pipeline} was deleted."]
    release = definition.release
    return [
        f"To answer requests of the pipeline {pipeline} ({task_of(definition)}), with the inputs listed above and for data "
        "like that below; for anything else it was not judged.",
        f"The gate asks: {'; '.join(definition.gate) or 'only to beat the naive baseline'}.",
        "A person approves each version."
        if release.approval == "person"
        else "A version that passes the gate is approved without a person.",
    ]


def _data(lineage: Lineage) -> str:
    rows = [["version", "rows", "from", "through", "split by", "upload", "sha256 of the upload"], ["---"] * 7]
    rows += [
        [
            f"{used.version} (d{used.ordinal})",
            str(used.rows),
            used.time_from or "-",
            used.time_through or "-",
            used.split_by,
            used.raw.uri,
            used.raw.sha256,
        ]
        for used in lineage.datasets
    ]
    return _table(rows)


def _decisions(lineage: Lineage) -> str:
    champion = lineage.evaluated_champion
    told = [f"State now: {lineage.state}. Compared in training with {champion or 'no champion'}."]
    rows = [["clause", "outcome", "figures"], ["---"] * 3]
    rows += [[verdict.clause, verdict.outcome, verdict.detail] for verdict in lineage.verdicts]
    told.append(_table(rows) if lineage.verdicts else "No clause was judged yet.")
    told.append(
        _list(
            [
                f"{judgement.at}: {judgement.state} by {'the gate' if judgement.basis else 'a person'}"
                + (f" ({'; '.join(judgement.reasons)})" if judgement.reasons else "")
                for judgement in lineage.judgements
            ]
        )
    )
    return "\n\n".join(part for part in told if part)


def _origin(lineage: Lineage) -> list[str]:
    manifest, code = lineage.manifest, lineage.code
    libraries = ", ".join(f"{name} {version}" for name, version in code.versions.items())
    return [
        f"Training job {lineage.job.job_id}, attempt {lineage.job.attempt}, SageMaker job {lineage.job.sagemaker_job}",
        f"Recipe {code.recipe}, sha256 {code.recipe_sha256}",
        f"Image {code.image_uri} (pinned by {code.pinned_by}); {libraries}",
        f"Seed {lineage.seed}; parameters.json sha256 {manifest.parameters_sha256}",
        f"Artifact {lineage.artifact.key}, {lineage.artifact.size_bytes} bytes, sha256 {lineage.artifact.sha256}",
        f"Model package {lineage.package_arn or 'not written yet'}",
        f"To train it again from exactly these inputs and compare: "
        f"`headrace models reproduce {manifest.pipeline} {manifest.version}`",
    ]


def _verification(lineage: Lineage) -> str:
    word = "Every link holds" if lineage.verified else "**Not every link holds**"
    broken = [f"{check.what}: {check.detail}" for check in lineage.checks if not check.holds]
    said = f"{word}, checked when this card was read ({len(lineage.checks)} checks)."
    return "\n\n".join([said, *([_list(broken)] if broken else [])])


def _table(rows: Sequence[Sequence[str]]) -> str:
    # A bar in a file's name would begin another cell.
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _list(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
