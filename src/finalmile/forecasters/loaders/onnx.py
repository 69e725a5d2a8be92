"""ONNX models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from finalmile.errors import CorruptError
from finalmile.forecasters.loaders.contract import Rows, columns, copied, library, loaders

_TYPES = {"tensor(float)": np.float32, "tensor(double)": np.float64}


@loaders.add("onnx")
@dataclass(frozen=True, slots=True)
class Onnx:
    """An ONNX graph with one input (m, F) of float or double; its first output is the answer.

    Graphs mostly compute in single precision: answers differ from those of the model they were made from by about
    1e-6 of their size.
    """

    unpickles: ClassVar[bool] = False
    reaches_out: ClassVar[bool] = False
    takes: ClassVar[str] = "rows"

    def collect(self, path: Path | None, folder: Path, /) -> None:
        """Copy the graph."""
        copied(path, folder, name="model.onnx", what="an ONNX model")

    def load(self, folder: Path, outputs: Sequence[str], /) -> _Session:
        """The session, on one thread."""
        del outputs
        runtime = library("onnxruntime", install="onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        try:
            session = runtime.InferenceSession(
                str(folder / "model.onnx"), sess_options=options, providers=["CPUExecutionProvider"]
            )
        except Exception as fault:
            raise CorruptError(f"onnxruntime cannot read the model: {str(fault)[:300]}") from fault
        inputs = session.get_inputs()
        if len(inputs) != 1 or inputs[0].type not in _TYPES:
            told = ", ".join(f"{one.name} {one.type}" for one in inputs)
            raise CorruptError(f"the graph takes {told}; it must take one tensor of float or double, rows by features")
        return _Session(session, inputs[0].name, _TYPES[inputs[0].type])


class _Session:
    def __init__(self, session: Any, name: str, dtype: Any) -> None:
        self._name, self._dtype = name, dtype
        self._session: Any = session

    def rows(self, features: Rows, /) -> Rows:
        return columns(self._session.run(None, {self._name: features.astype(self._dtype)})[0])

    def close(self) -> None:
        self._session = None
