"""What the local cloud's CloudFormation leaves out and something relies on; on AWS it finds nothing to do."""

from collections.abc import Mapping

from infra.stage import Stage

# MiniStack 1.5.33 drops these also (nothing local relies on them): lifecycle rules, point-in-time recovery, SSE of tables.
TTL_TABLES = ("PredictionsTable", "IdempotencyTable")
TTL_ATTRIBUTE = "expires_at_s"


def complete(stage: Stage, outputs: Mapping[str, str]) -> list[str]:
    """Switch on the expiry of rows where it is off; return the tables that needed it."""
    dynamodb = stage.client("dynamodb")
    done = []
    for table in (outputs[name] for name in TTL_TABLES):
        found = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
        if found.get("TimeToLiveStatus") in {"DISABLED", None}:
            goal = {"AttributeName": TTL_ATTRIBUTE, "Enabled": True}
            dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=goal)
            done.append(table)
    return done
