import json
from pathlib import Path

import pytest

from infra.errors import RenderError
from infra.render import render_file, render_service, values_of


def _service(tmp_path: Path, **templates: str) -> Path:
    folder = tmp_path / "some_service"
    (folder / ".chalice" / "templates").mkdir(parents=True)
    for name, text in templates.items():
        (folder / ".chalice" / "templates" / f"{name.replace('_', '-', 1)}.json").write_text(text)
    return folder


def test_an_unknown_name_is_an_error_that_says_file_name_and_what_is_known(tmp_path: Path) -> None:
    source = tmp_path / "config.json"
    source.write_text('{"a": "${DataBucket}", "b": "${Tpyo}", "c": "${Other}"}')
    with pytest.raises(RenderError) as raised:
        render_file(source, {"DataBucket": "d"})
    message = str(raised.value)
    assert str(source) in message
    assert "${Other}, ${Tpyo}" in message
    assert "known are DataBucket" in message


def test_a_value_that_is_json_stays_one_string(tmp_path: Path) -> None:
    source = tmp_path / "config.json"
    source.write_text('{"RECIPES": "${Recipes}"}')
    recipes = json.dumps({"tabular": "a\\b"})
    assert json.loads(render_file(source, {"Recipes": recipes})) == {"RECIPES": recipes}


def test_a_dollar_without_braces_is_left_alone(tmp_path: Path) -> None:
    source = tmp_path / "config.json"
    source.write_text('{"a": "$5 and $DataBucket and $${Stage}"}')
    assert json.loads(render_file(source, {})) == {"a": "$5 and $DataBucket and ${Stage}"}


@pytest.mark.parametrize("text", ['{"a": ${Name}', '{"a": "${Na-me}"}', '{"a": "${}"}', "not json"])
def test_what_is_no_template_or_no_json_is_an_error_naming_the_file(tmp_path: Path, text: str) -> None:
    source = tmp_path / "policy-x.json"
    source.write_text(text)
    with pytest.raises(RenderError, match=r"policy-x\.json"):
        render_file(source, {"Name": "x"})


def test_rendering_again_writes_nothing(tmp_path: Path) -> None:
    folder = _service(tmp_path, config='{"a": "${Stage}"}', policy_x="{}")
    first = render_service(folder, {"Stage": "dev"})
    assert [path.name for path in first] == ["config.json", "policy-x.json"]
    assert render_service(folder, {"Stage": "dev"}) == []
    assert [path.name for path in render_service(folder, {"Stage": "prod"})] == ["config.json"]


def test_a_policy_whose_template_is_gone_does_not_linger(tmp_path: Path) -> None:
    folder = _service(tmp_path, config="{}", policy_x="{}")
    render_service(folder, {})
    (folder / ".chalice" / "templates" / "policy-x.json").unlink()
    render_service(folder, {})
    assert not (folder / ".chalice" / "policy-x.json").exists()


def test_one_bad_template_leaves_the_last_good_files(tmp_path: Path) -> None:
    folder = _service(tmp_path, config='{"a": "${Stage}"}', policy_x="{}")
    render_service(folder, {"Stage": "dev"})
    (folder / ".chalice" / "templates" / "policy-x.json").write_text("${Nothing}")
    with pytest.raises(RenderError):
        render_service(folder, {"Stage": "prod"})
    assert json.loads((folder / ".chalice" / "config.json").read_text()) == {"a": "dev"}


def test_a_service_without_a_config_template_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RenderError, match="every service commits one"):
        render_service(_service(tmp_path), {})


def test_a_value_may_not_hide_an_output() -> None:
    with pytest.raises(RenderError, match="Stage"):
        values_of({"Stage": "a"}, Stage="b")
