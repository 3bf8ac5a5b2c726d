"""The two programs that SageMaker starts in an image of one's own: `train` and `serve`."""
