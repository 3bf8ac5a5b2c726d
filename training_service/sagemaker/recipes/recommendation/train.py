"""Entry script of a training job (`sagemaker_program`)."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from recipe.entry import train_as

if __name__ == "__main__":
    sys.exit(train_as("recommendation"))
