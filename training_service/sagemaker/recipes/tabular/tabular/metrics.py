"""The metrics of tabular tasks: which there are, which way is better, which must beat the baseline."""

HIGHER_IS_BETTER = {
    "classification": {
        "log_loss": False,
        "roc_auc": True,
        "accuracy": True,
        "f1": True,
        "brier": False,
        "average_precision": True,
    },
    "regression": {"rmse": False, "mae": False, "r2": True, "mape": False},
}
PRIMARY = {"classification": "log_loss", "regression": "rmse"}
