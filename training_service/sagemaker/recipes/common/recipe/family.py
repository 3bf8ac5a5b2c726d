"""What a recipe family is: the parts of the story that differ from task to task, as one value.

`Serving` is what an endpoint loads; `Family` adds what only a training job needs, so that an endpoint
imports neither Parquet readers nor anything that fits.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from .champion import check_question
from .data import Data, read_sides
from .evaluate import Judged
from .onnx_export import OnnxForm
from .parameters import Parameters, Rules
from .serving import Serving
from .signature import Signature
from .slices import Mask

type Spec = dict[str, Any]


class Model(Protocol):
    """What answers, in training, as champion and in the endpoint alike."""

    @property
    def signature(self) -> Signature:
        """What it takes and gives."""
        ...


@dataclass(frozen=True, kw_only=True)
class Family:
    """A recipe family; `M` below is its own type of model, as `serving.load` returns it.

    Attributes
    ----------
    name
        Also the name of its package, which is packed with every model.
    rules
        Which parameters it takes.
    metrics
        Per task, every metric it reports and whether higher is better; the first table a gate is checked with.
    primary
        Per task, the metric by which a model must beat the baseline.
    serving
        How its models are loaded, asked and answer.
    fit
        (parameters, data, folder): fit and write the model's files and `signature.json` into the folder.
    judge
        (parameters, data, rows, models): let every model and the baseline answer the chosen rows of the test
        side; `models` has `challenger` and maybe `champion`.
    plots
        (parameters, judged, challenger): Vega-Lite specs by name; called only when rows were judged.
    samples
        (parameters, data, judged, challenger): records as a client sends them, for the golden rows.
    read
        (folder, parameters): the three sides.
    onnx
        How its models become ONNX; None where they cannot.
    check_champion
        (signature, parameters): raise `ModelRefusedError` where a comparison would be unfair or meaningless.
    """

    name: str
    rules: Rules
    metrics: Mapping[str, Mapping[str, bool]]
    primary: Mapping[str, str]
    serving: Serving
    fit: Callable[[Parameters, Data, Path], None]
    judge: Callable[[Parameters, Data, Mask, Mapping[str, Any]], Judged]
    plots: Callable[[Parameters, Any, Any], dict[str, Spec]]
    samples: Callable[[Parameters, Data, Any, Any], Sequence[dict[str, Any]]]
    read: Callable[[Path, Parameters], Data] = read_sides
    onnx: OnnxForm | None = None
    check_champion: Callable[[Signature, Parameters], None] = check_question
