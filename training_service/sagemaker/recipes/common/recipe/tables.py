"""Which metrics each task has, which way is better, and which one must beat the naive baseline."""

# What a model costs to serve, measured for every task alike.
_OF_SERVING = {"latency_p95_ms": False, "size_mb": False}
# Reported only where `model.fairness` names columns.
_OF_GROUPS = {"metric_difference": False}
_OF_GROUPS_AND_CLASSES = {"selection_rate_difference": False, "tpr_difference": False, **_OF_GROUPS}
_OF_CLASSES = {
    "log_loss": False,
    "roc_auc": True,
    "accuracy": True,
    "f1": True,
    "brier": False,
    "average_precision": True,
}
_OF_CALIBRATED_CLASSES = {**_OF_CLASSES, "calibration_error": False}
_OF_MODELS = {
    "classification": _OF_CLASSES,
    "regression": {
        "rmse": False,
        "mae": False,
        "r2": True,
        "mape": False,
        "coverage": True,
        "interval_width": False,
    },
    "forecasting": {"mae": False, "rmse": False, "smape": False, "mase": False, "coverage": True},
    "text": _OF_CALIBRATED_CLASSES,
    "image": _OF_CALIBRATED_CLASSES,
    "recommendation": {
        "recall_at_10": True,
        "ndcg_at_10": True,
        "map_at_10": True,
        "hit_rate_at_10": True,
        "coverage": True,
        "rmse": False,
    },
}
PRIMARY = {
    "classification": "log_loss",
    "regression": "rmse",
    "forecasting": "mae",
    "text": "log_loss",
    "image": "log_loss",
    "recommendation": "ndcg_at_10",
}
_OF_FAIRNESS = {
    "classification": _OF_GROUPS_AND_CLASSES,
    "regression": _OF_GROUPS,
    "text": _OF_GROUPS_AND_CLASSES,
    "image": _OF_GROUPS_AND_CLASSES,
}
HIGHER_IS_BETTER = {
    task: {**own, **_OF_SERVING, **_OF_FAIRNESS.get(task, {})} for task, own in _OF_MODELS.items()
}
