"""Small honest data sets for the deployed stage."""

import csv
import io
import json
import random


def deliveries(seed: int, rows: int = 1500, *, noise: float = 0.15) -> bytes:
    """Return a CSV of deliveries whose lateness depends on distance, hour and carrier, plus noise."""
    draw = random.Random(seed)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["order_id", "distance_km", "hour", "carrier", "fragile", "late"])
    for number in range(rows):
        distance, hour = draw.uniform(1, 100), draw.randrange(24)
        carrier = draw.choice(["post", "bike", "van"])
        score = distance / 100 + (0.4 if 16 <= hour <= 19 else 0) - (0.3 if carrier == "bike" else 0)
        late = (score > 0.55) != (draw.random() < noise)
        weight = "" if draw.random() < 0.05 else f"{distance:.2f}"
        writer.writerow([f"o{seed}-{number}", weight, hour, carrier, draw.choice(["yes", "no"]), int(late)])
    return out.getvalue().encode()


# As EventBridge tells a function that its schedule is due.
TICK = json.dumps(
    {
        "version": "0",
        "id": "tick",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "000000000000",
        "time": "2026-01-01T00:00:00Z",
        "region": "us-east-1",
        "resources": [],
        "detail": {},
    }
).encode()
RECORD = {"distance_km": 80.0, "hour": 17, "carrier": "van", "fragile": "no"}
DEFINITION = {
    "target": "late",
    "data": {"key": "order_id"},
    "gate": ["roc_auc >= 0.6", "log_loss <= champion + 0.2"],
    "release": {"endpoint": "realtime"},
    "monitor": {"inputs": "full"},
}
