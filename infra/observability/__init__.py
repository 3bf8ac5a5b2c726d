"""What is watched on a stage, said once: alarms and panels as data, from which template, dashboards and pages are made.

`make docs` writes `infra/observability.yaml`, `infra/grafana.json` and `docs/reference/alarms.md` from it.
"""
