"""Tables in moto's DynamoDB."""

from shared.tables import Table
from tests.clouds import dynamodb


def make_table(client, name, *keys, kinds="SS", index=()):
    attributes = dict(zip(keys, kinds, strict=False)) | dict.fromkeys(index, "S")
    definitions = [{"AttributeName": key, "AttributeType": kind} for key, kind in attributes.items()]
    schema = [{"AttributeName": k, "KeyType": t} for k, t in zip(keys, ("HASH", "RANGE"), strict=False)]
    more = {}
    if index:
        on = [{"AttributeName": k, "KeyType": t} for k, t in zip(index, ("HASH", "RANGE"), strict=True)]
        more["GlobalSecondaryIndexes"] = [
            {"IndexName": index[0], "KeySchema": on, "Projection": {"ProjectionType": "ALL"}}
        ]
    client.create_table(
        TableName=name,
        KeySchema=schema,
        AttributeDefinitions=definitions,
        BillingMode="PAY_PER_REQUEST",
        **more,
    )
    return Table(dynamodb(), name, *keys)
