"""What users of SageMaker write: a training script, an inference script, a processing script."""

TRAIN = """
import argparse, os
parser = argparse.ArgumentParser()
for name in ("--rate", "--C", "--factor"):
    parser.add_argument(name)
given = parser.parse_args()
print("loss: 0.9")
print("loss: 0.25", os.listdir(os.environ["SM_CHANNEL_TRAIN"]), given.rate, given.C)
open(os.path.join(os.environ["SM_MODEL_DIR"], "factor.txt"), "w").write(given.factor or "3")
"""

INFER = """
import json, os
def model_fn(folder): return float(open(os.path.join(folder, "factor.txt")).read())
def input_fn(body, content_type): return [float(line) for line in (body.decode() if isinstance(body, bytes) else body).split()]
def predict_fn(numbers, factor): return [number * factor for number in numbers]
def output_fn(answers, accept): return json.dumps(answers), "application/json"
"""

PROCESS = """
import os, sys
open("/opt/ml/processing/out/seen.txt", "w").write(f"{os.listdir('/opt/ml/processing/in')} {sys.argv[1:]}")
open("/opt/ml/output/message", "w").write("done")
print("a line of the processing job")
"""
