"""The metrics of text: which there are, which way is better, which must beat the baseline."""

HIGHER_IS_BETTER = {
    "text": {
        "log_loss": False,
        "roc_auc": True,
        "accuracy": True,
        "f1": True,
        "brier": False,
        "average_precision": True,
        "calibration_error": False,
    }
}
PRIMARY = {"text": "log_loss"}
