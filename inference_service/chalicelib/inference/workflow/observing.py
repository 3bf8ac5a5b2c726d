"""A copy of an answered request, put to the shadow: its answers are compared and counted, and reach nobody."""

from chalicelib.inference.attempts import Copy
from chalicelib.inference.disagreement import count_disagreements
from chalicelib.inference.formats import JSON, Records
from chalicelib.inference.laps import Laps
from chalicelib.inference.measuring import measure
from chalicelib.inference.routing import Route
from chalicelib.inference.tally import Step, Tally, one_request
from chalicelib.inference.workflow.answering import attempt
from chalicelib.inference.workflow.context import Asked, Predicting


def observe(adapters: Predicting, copy: Copy) -> None:
    """Ask the shadow and count what it made of the request; a copy of a release that is over is dropped."""
    release = adapters.router.release(copy.pipeline)
    if release is None or (release.gen, release.mode) != (copy.gen, "shadow"):
        return
    asked = Asked(
        request_id=copy.request_id,
        pipeline=copy.pipeline,
        records=Records(kind=JSON, body=bytes(copy.records)),
    )
    made = attempt(adapters, asked, Route(version=copy.version, role="shadow"), Laps(adapters.seconds))
    disagreed = 0 if made.error else count_disagreements(copy.answers, made.answers)
    compared = 0 if made.error else len(copy.answers)
    tally = one_request(made.latency_ms, failed=made.error is not None, cold=made.cold)
    step = Step(pipeline=copy.pipeline, gen=copy.gen, version=copy.version, step=release.step)
    adapters.traffic.add(step, tally + Tally(compared=compared, disagreed=disagreed), adapters.clock())
    measure(adapters.stage, copy.pipeline, copy.request_id, made, disagreed=disagreed)
