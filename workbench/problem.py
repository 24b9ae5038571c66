"""A problem: network, loss and start, as frozen data that a run id can be taken of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from workbench.errors import InputError, ShapeError
from workbench.exact import Exact, Matrix

# softplus is ln((1 + e^z) / 2), shifted so that it vanishes at zero; the slope of relu, max(0, z), is 0 at zero.
ACTIVATIONS = ("identity", "tanh", "arctan", "softplus", "relu")

# The branch scale: a constant; one trained number that all blocks share; one trained number a block.
SCALES = ("fixed", "shared", "layer")

# All parameters, or the A_k alone while biases and scales stay where they start.
TRAINED = ("all", "inner")

# Factor c of the loss c ||F(X) - Y||_F^2; "mean" divides by the number of samples as well.
NORMALISATIONS = {"half": Fraction(1, 2), "mean": Fraction(1, 2), "none": Fraction(1)}


@dataclass(frozen=True)
class LinearNetwork:
    """A deep linear network W_L ... W_1.

    Parameters
    ----------
    widths : tuple of int
        d_0, d_1, ..., d_L; layer j has shape (d_j, d_{j-1}).
    """

    widths: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.widths) < 2:
            raise ShapeError(f"widths {list(self.widths)} give no layer; give at least two, such as 2,2")
        for width in self.widths:
            if isinstance(width, bool) or not isinstance(width, int) or width < 1:
                raise ShapeError(f"a width is {width!r}; widths are positive integers")

    @property
    def depth(self) -> int:
        """Number of layers, L."""
        return len(self.widths) - 1

    @property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """Shape (d_j, d_{j-1}) of each layer."""
        return tuple((out, into) for into, out in zip(self.widths, self.widths[1:], strict=False))

    @property
    def trained_shapes(self) -> tuple[tuple[int, int], ...]:
        """Shape of each layer: all are trained."""
        return self.shapes

    def specification(self) -> dict[str, Any]:
        """Return the JSON of the network."""
        return {"kind": "linear", "widths": list(self.widths)}


@dataclass(frozen=True)
class ResidualNetwork:
    """A residual network h_{k+1} = h_k + delta_k sigma(A_k h_k + b_k) of constant width.

    Its parameters in order: A_0 ... A_{L-1}; the biases, where it has them; the branch scales, where they are trained.

    Parameters
    ----------
    width : int
    depth : int
        Number of residual blocks, L.
    activation : str
        One of `ACTIVATIONS`.
    branch_scale : Fraction or Power
        delta, or where the scales are trained what they start from; positive.
    biases : bool
        Whether there are b_k, shape (d, 1).
    scales : {"fixed", "shared", "layer"}
        Whether delta is a constant, one parameter, or one parameter a block, 1 x 1.
    trained : {"all", "inner"}
        Whether the dynamics move all parameters or the A_k alone.
    """

    width: int
    depth: int
    activation: str = "identity"
    branch_scale: Exact = Fraction(1)
    biases: bool = False
    scales: str = "fixed"
    trained: str = "all"

    def __post_init__(self) -> None:
        if self.width < 1 or self.depth < 1:
            raise ShapeError(f"width {self.width} and depth {self.depth} must be positive")
        if self.activation not in ACTIVATIONS:
            raise InputError(f"no activation is called {self.activation!r}; known: {', '.join(ACTIVATIONS)}")
        if float(self.branch_scale) <= 0:
            raise InputError(f"the branch scale is {self.branch_scale}; it must be positive")
        if self.scales not in SCALES:
            raise InputError(f"the branch scales are {self.scales!r}; give one of {', '.join(SCALES)}")
        if self.trained not in TRAINED:
            raise InputError(f"what is trained is {self.trained!r}; give one of {', '.join(TRAINED)}")
        if not isinstance(self.biases, bool):
            raise InputError(f"the biases are {self.biases!r}; give true or false")

    @property
    def widths(self) -> tuple[int, ...]:
        """The constant width, once for each state h_0 ... h_L."""
        return (self.width,) * (self.depth + 1)

    @property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """Shape of each parameter."""
        branches, biases = ((self.width, self.width),) * self.depth, ((self.width, 1),) * self.depth
        scales = {"fixed": 0, "shared": 1, "layer": self.depth}[self.scales]
        return branches + (biases if self.biases else ()) + ((1, 1),) * scales

    @property
    def trained_shapes(self) -> tuple[tuple[int, int], ...]:
        """Shape of each parameter that the dynamics move."""
        return self.shapes if self.trained == "all" else self.shapes[: self.depth]

    @property
    def plain(self) -> bool:
        """Whether the A_k are all its parameters."""
        return len(self.shapes) == self.depth

    def specification(self) -> dict[str, Any]:
        """Return the JSON of the network."""
        extended = {"biases": self.biases, "scales": self.scales, "trained": self.trained}
        usual = {"biases": False, "scales": "fixed", "trained": "all"}
        return {
            "kind": "residual",
            "width": self.width,
            "depth": self.depth,
            "activation": self.activation,
            "branch_scale": str(self.branch_scale),
            **{key: value for key, value in extended.items() if value != usual[key]},
        }


Network = LinearNetwork | ResidualNetwork


@dataclass(frozen=True)
class SquareLoss:
    """The loss c ||F(X) - Y||_F^2, for whitened inputs c ||W - Phi||_F^2.

    Parameters
    ----------
    target : Matrix, shape (d_L, d_0), or (d_L, N) with inputs
        Phi, or the labels Y.
    inputs : Matrix or None, shape (d_0, N)
        X; None for whitened inputs, X = I.
    normalisation : {"half", "mean", "none"}
        c = 1/2, 1/(2N), 1.
    """

    target: Matrix
    inputs: Matrix | None = None
    normalisation: str = "half"

    def __post_init__(self) -> None:
        if self.normalisation not in NORMALISATIONS:
            known = ", ".join(NORMALISATIONS)
            raise InputError(f"no normalisation of the loss is called {self.normalisation!r}; known: {known}")
        if self.inputs is not None and self.inputs.shape[1] != self.target.shape[1]:
            raise ShapeError(
                f"there are {self.inputs.shape[1]} inputs but {self.target.shape[1]} labels; give one label an input"
            )

    @property
    def factor(self) -> Fraction:
        """c, so that the loss is c times the squared Frobenius norm of the residual."""
        samples = self.target.shape[1] if self.normalisation == "mean" else 1
        return NORMALISATIONS[self.normalisation] / samples

    def specification(self) -> dict[str, Any]:
        """Return the JSON of the loss."""
        data: dict[str, Any] = {
            "kind": "square",
            "target": self.target.specification(),
            "normalisation": self.normalisation,
        }
        if self.inputs is not None:
            data["inputs"] = self.inputs.specification()
        return data


@dataclass(frozen=True)
class Start:
    """Where the weights start: a scheme by name and its exact parameters.

    Parameters
    ----------
    scheme : str
        A module of `workbench.initialization`.
    parameters : mapping
        Rational texts, integers, or matrices as rows.
    from_float : bool
        Whether one was given as a float before it became a text.
    """

    scheme: str = "identity"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    from_float: bool = field(default=False, compare=False)

    def specification(self) -> dict[str, Any]:
        """Return the JSON of the start."""
        return {"scheme": self.scheme, **self.parameters}


@dataclass(frozen=True)
class Problem:
    """A network, a loss and a start."""

    network: Network
    loss: SquareLoss
    start: Start = Start()

    def __post_init__(self) -> None:
        rows, columns = self.loss.target.shape
        widths = self.network.widths
        into = columns if self.loss.inputs is None else self.loss.inputs.shape[0]
        if rows != widths[-1]:
            raise ShapeError(f"the target has {rows} rows but the network has {widths[-1]} outputs")
        if into != widths[0]:
            what = "the target has {} columns" if self.loss.inputs is None else "the inputs have {} rows"
            raise ShapeError(f"{what.format(into)} but the network takes {widths[0]} inputs")

    @property
    def depth(self) -> int:
        """Number of layers, L."""
        return self.network.depth

    @property
    def whitened(self) -> bool:
        """Whether the loss is of the end-to-end matrix alone, X = I."""
        return self.loss.inputs is None

    def specification(self) -> dict[str, Any]:
        """Return the JSON of the problem."""
        return {
            "network": self.network.specification(),
            "loss": self.loss.specification(),
            "start": self.start.specification(),
        }
