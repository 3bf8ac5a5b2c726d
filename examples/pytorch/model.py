"""A small convolutional network in PyTorch that tells pictures apart; everything else of the recipe is the template's.

The weights go into the state as base64 of their bytes: `torch.save` would pickle them, and an artifact with a pickle is refused.
"""

import base64
import io
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch
from data import BadRequest, Job
from PIL import Image
from torch import nn

BATCH = 64
EPOCHS = {"fast": 15, "good": 40, "best": 100}
Floats: TypeAlias = npt.NDArray[np.float64]
State: TypeAlias = dict[str, Any]


def fit(job: Job, train: pa.Table) -> State:
    """Train a network on the first column of files; equal rows and seed give equal weights."""
    torch.manual_seed(job.parameters["seed"])
    torch.use_deterministic_algorithms(True)
    shape = job.parameters["task_options"]["image"]
    state = {
        **fit_baseline(job, train),
        **shape,
        "column": next(f["name"] for f in job.features if f["type"] == "binary"),
    }
    places = {label: place for place, label in enumerate(state["classes"])}
    pictures = read_pictures(train[state["column"]], state)
    labels = torch.tensor([places[label] for label in train[job.target].to_pylist()])
    network = make_network(state)
    optimiser = torch.optim.Adam(
        network.parameters(), lr=job.parameters["params"].get("learning_rate", 0.003)
    )
    for epoch in range(EPOCHS[job.parameters["preset"]]):
        loss = learn_once(network, optimiser, pictures, labels)
        print(f"epoch {epoch}: loss {loss:.4f}", flush=True)
    weights = {
        name: base64.b64encode(w.numpy().astype("<f4").tobytes()).decode()
        for name, w in network.state_dict().items()
    }
    return {**state, "weights": weights}


def fit_baseline(job: Job, train: pa.Table) -> State:
    """Return how frequent each class is: what somebody would say who never looks at a picture."""
    counts = {entry["values"]: entry["counts"] for entry in train[job.target].value_counts().to_pylist()}
    classes = sorted(counts)
    return {"classes": classes, "shares": [counts[label] / train.num_rows for label in classes]}


def predict(state: State, table: pa.Table) -> Floats:
    """Return the probability of each class, of shape (rows, classes)."""
    if "weights" not in state:
        return np.tile(np.array(state["shares"]), (table.num_rows, 1))
    network = make_network(state)
    saved = {name: np.frombuffer(base64.b64decode(text), "<f4") for name, text in state["weights"].items()}
    network.load_state_dict(
        {name: torch.tensor(saved[name]).reshape(w.shape) for name, w in network.state_dict().items()}
    )
    with torch.no_grad():
        logits = network.eval()(read_pictures(table[state["column"]], state))
    answers: Floats = logits.double().softmax(dim=1).numpy()
    return answers


def learn_once(network: nn.Module, optimiser: Any, pictures: torch.Tensor, labels: torch.Tensor) -> float:
    """Go through all pictures once, in a new order, and return the mean loss."""
    network.train()
    losses = []
    for batch in torch.randperm(len(pictures)).split(BATCH):
        loss = nn.functional.cross_entropy(network(pictures[batch]), labels[batch])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return sum(losses) / len(losses)


def make_network(state: State) -> nn.Module:
    """Return the untrained network: two convolutions, then the mean over four quarters of the picture."""
    return nn.Sequential(
        nn.Conv2d(state["channels"], 32, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(256, len(state["classes"])),
    )


def read_pictures(column: pa.ChunkedArray, state: State) -> torch.Tensor:
    """Return the pictures, of shape (rows, channels, size, size), from 0 to 1."""
    size, mode = state["size"], "L" if state["channels"] == 1 else "RGB"
    try:
        opened = [
            Image.open(io.BytesIO(content)).convert(mode).resize((size, size))
            for content in column.to_pylist()
        ]
    except (OSError, TypeError, Image.DecompressionBombError) as error:
        raise BadRequest(f"a file is no picture: {error}") from error
    pixels = np.array([np.asarray(picture, dtype=np.float32) for picture in opened]) / 255
    return torch.tensor(pixels.reshape(-1, size, size, state["channels"])).permute(0, 3, 1, 2)
