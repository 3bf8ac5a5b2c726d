"""What one Lambda cannot finish: the same code as one SageMaker processing job (decision 12)."""
