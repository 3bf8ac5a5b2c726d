"""Which metrics each task has, which way is better, and which one must beat the naive baseline."""

_OF_CLASSES = {
    "log_loss": False,
    "roc_auc": True,
    "accuracy": True,
    "f1": True,
    "brier": False,
    "average_precision": True,
}
_OF_CALIBRATED_CLASSES = {**_OF_CLASSES, "calibration_error": False}
HIGHER_IS_BETTER = {
    "classification": _OF_CLASSES,
    "regression": {"rmse": False, "mae": False, "r2": True, "mape": False},
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
