"""The weather example on the deployed stage: trained, judged against the day before, released, asked over REST."""

from pathlib import Path

import yaml

from tests.e2e.conftest import Pipelines
from tests.stage import Stage

EXAMPLE = Path(__file__).parents[2] / "examples" / "weather"


def test_two_quarters_of_weather_make_two_released_versions_that_forecast(
    stage: Stage, pipelines: Pipelines
) -> None:
    definition = yaml.safe_load((EXAMPLE / "pipeline.yaml").read_text(encoding="utf-8"))
    name = "weather-e2e"
    stage.put_pipeline(name, **{key: value for key, value in definition.items() if key != "name"})
    for number, quarter in enumerate(("2013-q2.csv", "2013-q3.csv"), 1):
        stage.put_object(name, quarter, (EXAMPLE / quarter).read_bytes())
        pipelines.live(name, f"v{number}")
    evaluation = stage.get(f"/v1/models/{name}/v2/evaluation")
    # In degrees, beside what was measured a day before, at the pessimistic end.
    assert evaluation["differences"]["baseline"]["mae"]["high"] < -0.3
    assert evaluation["metrics"]["challenger"]["mase"] < 0.9
    status, _, answer = stage.request(
        "POST", f"/v1/predictions/{name}", {"records": [{"series": "JFK", "horizon": 3}]}
    )
    assert status == 200, answer
    points = answer["predictions"][0]["points"]
    assert [point["time"] for point in points] == [f"2013-10-01T0{hour}:00:00Z" for hour in range(3)]
    assert all(point["interval"][0] < point["value"] < point["interval"][1] for point in points)
    status, _, problem = stage.request(
        "POST", f"/v1/predictions/{name}", {"records": [{"series": "JFK", "horizon": 25}]}
    )
    assert status == 422, problem
    assert problem["errors"][0]["pointer"] == "/records/0/horizon"
