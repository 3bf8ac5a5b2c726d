"""The dashboard in CloudWatch's words and in Grafana's."""

from typing import Any

from infra.observability.alarms import alarms
from infra.observability.metrics import Metric
from infra.observability.panels import Panel, Row, rows

_WIDTH, _HEIGHT, _PER_ROW = 24, 6, 4
_GRAFANA_SOURCE = {"type": "cloudwatch", "uid": "${source}"}


def cloudwatch_body() -> dict[str, Any]:
    """Return the body of the CloudWatch dashboard; `${Stage}`, `${AWS::Region}` and the like are for CloudFormation."""
    names = [alarm.full_name for alarm in alarms()]
    arns = [
        f"arn:${{AWS::Partition}}:cloudwatch:${{AWS::Region}}:${{AWS::AccountId}}:alarm:{name}"
        for name in names
    ]
    widgets: list[dict[str, Any]] = [
        {
            **{"type": "alarm", "x": 0, "y": 0, "width": _WIDTH, "height": 4},
            "properties": {"title": "Alarms of ${Stage}", "alarms": arns},
        }
    ]
    for number, row in enumerate(rows()):
        top = 4 + number * (_HEIGHT + 1)
        widgets.append(
            {
                **{"type": "text", "x": 0, "y": top, "width": _WIDTH, "height": 1},
                "properties": {"markdown": f"## {row.title}", "background": "transparent"},
            }
        )
        widgets += [_widget(panel, column, top + 1) for column, panel in enumerate(row.panels)]
    return {"widgets": widgets}


def _widget(panel: Panel, column: int, top: int) -> dict[str, Any]:
    width = _WIDTH // _PER_ROW
    return {
        **{"type": "metric", "x": column * width, "y": top, "width": width, "height": _HEIGHT},
        "properties": {
            "title": panel.title,
            "region": "${AWS::Region}",
            "period": 60,
            "metrics": [_line(metric, number) for number, metric in enumerate(panel.metrics)],
        },
    }


def _line(metric: Metric, number: int) -> list[Any]:
    if "*" in metric.dimensions.values():
        return [{"expression": _search(metric), "id": f"e{number}"}]
    names = [part for pair in metric.dimensions.items() for part in pair]
    return [metric.namespace, metric.name, *names, {"stat": metric.statistic, "label": metric.label}]


def _search(metric: Metric) -> str:
    """Return the expression that finds the metric for each value of its open dimensions."""
    schema = ",".join((metric.namespace, *metric.dimensions))
    fixed = [f'{name}="{value}"' for name, value in metric.dimensions.items() if value != "*"]
    wanted = " ".join((f'MetricName="{metric.name}"', *fixed))
    return f"SEARCH('{{{schema}}} {wanted}', '{metric.statistic}', 60)"


def grafana() -> dict[str, Any]:
    """Return a Grafana dashboard (schema 39) on the CloudWatch data source, to be imported as it is."""
    panels: list[dict[str, Any]] = []
    for number, row in enumerate(rows()):
        panels += _grafana_row(row, number)
    return {
        "title": "Headrace",
        "uid": "headrace",
        "schemaVersion": 39,
        "tags": ["headrace"],
        "timezone": "utc",
        "refresh": "1m",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {"list": [_data_source(), _text("Stage", "prod"), _text("region", "us-east-1")]},
        "panels": panels,
    }


def _grafana_row(row: Row, number: int) -> list[dict[str, Any]]:
    first, top = 1 + number * (_PER_ROW + 1), number * 9
    heading = {
        **{"id": first, "type": "row", "title": row.title, "collapsed": False, "panels": []},
        "gridPos": {"x": 0, "y": top, "w": _WIDTH, "h": 1},
    }
    return [heading, *(_graph(panel, first + 1 + n, n, top + 1) for n, panel in enumerate(row.panels))]


def _graph(panel: Panel, identity: int, column: int, top: int) -> dict[str, Any]:
    width = _WIDTH // _PER_ROW
    return {
        "id": identity,
        "type": "timeseries",
        "title": panel.title,
        "datasource": _GRAFANA_SOURCE,
        "gridPos": {"x": column * width, "y": top, "w": width, "h": 8},
        "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
        "targets": [_target(metric, number) for number, metric in enumerate(panel.metrics)],
    }


def _target(metric: Metric, number: int) -> dict[str, Any]:
    return {
        "refId": f"Q{number}",
        "datasource": _GRAFANA_SOURCE,
        "queryMode": "Metrics",
        "metricQueryType": 0,
        "metricEditorMode": 0,
        "region": "$region",
        "namespace": metric.namespace,
        "metricName": metric.name,
        "dimensions": metric.dimensions,
        "matchExact": True,
        "statistic": metric.statistic,
        "period": "60",
        "label": "" if "*" in metric.dimensions.values() else metric.label,
    }


def _data_source() -> dict[str, Any]:
    return {"name": "source", "type": "datasource", "query": "cloudwatch", "label": "Data source"}


def _text(name: str, value: str) -> dict[str, Any]:
    return {"name": name, "type": "textbox", "query": value, "current": {"text": value, "value": value}}
