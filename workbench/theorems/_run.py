"""A run as a theorem sees it: data, and rigorous real arithmetic to predict with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from workbench.backends.reals import Real, Reals
from workbench.backends.spectrum import symmetric_eigenvalues
from workbench.errors import TheoremFileError
from workbench.exact import Matrix, Measured, Power
from workbench.initialization import BalancedLayer, Layer, weights
from workbench.problem import LinearNetwork
from workbench.rotation import product
from workbench.theorems._statement import Hypothesis
from workbench.trajectory import Trajectory


@dataclass(frozen=True)
class Run:
    """A trajectory with what hypotheses and predictions are computed from.

    Parameters
    ----------
    trajectory : Trajectory
    reals : Reals
        Rigorous arithmetic for predictions; its session is open while a theorem's functions run.
    constants : mapping of str to Fraction
        Values taken for the constants that the statement leaves open.
    """

    trajectory: Trajectory
    reals: Reals
    constants: Mapping[str, Fraction] = field(default_factory=dict)

    @property
    def depth(self) -> int:
        """Number of layers, L."""
        return self.trajectory.depth

    @property
    def widths(self) -> tuple[int, ...]:
        """d_0 ... d_L."""
        return self.trajectory.problem.network.widths

    @property
    def target(self) -> Matrix:
        """The target Phi."""
        return self.trajectory.problem.loss.target

    @property
    def step_size(self) -> Fraction | None:
        """eta, None for a flow."""
        return self.trajectory.method.step_size

    @property
    def method(self) -> str:
        """Name of the dynamics."""
        return self.trajectory.method.name

    @property
    def until_loss(self) -> Fraction | None:
        """The level that the run was to stop at."""
        return self.trajectory.method.stop.until_loss

    @property
    def steps(self) -> tuple[int, ...]:
        """Step number of each record."""
        return self.trajectory.steps

    @property
    def times(self) -> tuple[Fraction, ...]:
        """Flow time of each record."""
        return self.trajectory.times

    @property
    def loss(self) -> Sequence[Measured]:
        """The loss at each record."""
        return self.observable("loss")

    def parameter(self, name: str) -> Fraction:
        """Return a parameter of the dynamics, zero where it has none of this name."""
        return self.trajectory.method.parameter(name)

    def observable(self, name: str) -> Sequence[Measured]:
        """Return a recorded series."""
        if name not in self.trajectory.observables:
            raise TheoremFileError(f"the theorem reads {name!r}, which is not in its `observes`")
        return self.trajectory.observables[name]

    def number(self, value: Fraction | Power | int | Measured) -> Real:
        """Return an enclosure of a number."""
        return self.reals.number(value)

    def eigenvalues(self) -> list[Real]:
        """Return the target's eigenvalues, ascending; the target must be symmetric."""
        return [self.number(x) for x in self.exact_eigenvalues()]

    def exact_eigenvalues(self) -> tuple[Measured, ...]:
        """Return the target's eigenvalues with their enclosures, ascending."""
        return self.spectrum(self.target)

    def spectrum(self, matrix: Matrix) -> tuple[Measured, ...]:
        """Return the eigenvalues of a symmetric matrix, ascending, enclosed at the precision of this run."""
        return symmetric_eigenvalues(matrix, self.reals.bits)

    def initial_weights(self) -> list[Layer]:
        """Return the exact initial weights."""
        return weights(self.trajectory.problem.network, self.trajectory.problem.start)

    def identity_distance_squared(self) -> Fraction:
        """Return ||Phi - I||_F^2, exactly; the target must be square."""
        return sum(
            ((x - (i == j)) ** 2 for i, row in enumerate(self.target.rows) for j, x in enumerate(row)), Fraction(0)
        )

    def initial_product(self) -> Sequence[Sequence[Fraction]] | None:
        """Return the end-to-end matrix of the start where it is rational: by its name, by its entries, or as x^L I."""
        layers = self.initial_weights()
        if isinstance(layers[0], BalancedLayer):
            return layers[0].matrix.rows
        if all(isinstance(x, Fraction) for layer in layers for row in layer for x in row):
            found = layers[0]
            for layer in layers[1:]:
                found = product(layer, found)  # type: ignore[arg-type]
            return found  # type: ignore[return-value]
        return self._power_of_the_identity(layers)

    def _power_of_the_identity(self, layers: Sequence[Layer]) -> Sequence[Sequence[Fraction]] | None:
        """Return x^L I where every layer is x I, x a named power with a rational L-th power."""
        scale = layers[0][0][0]
        diagonal = all(
            x == (scale if i == j else 0) for w in layers for i, row in enumerate(w) for j, x in enumerate(row)
        )
        exponent = scale.exponent * len(layers) if isinstance(scale, Power) else Fraction(1, 2)
        if not diagonal or not isinstance(scale, Power) or exponent.denominator != 1:
            return None
        whole, size = scale.base ** int(exponent), len(layers[0])
        return [[whole if i == j else Fraction(0) for j in range(size)] for i in range(size)]

    # Hypotheses that many statements share.

    def setting(self, *, square: bool = True) -> Hypothesis:
        """Return whether this is a deep linear network, whitened inputs, loss with the factor 1/2, square layers."""
        problem = self.trajectory.problem
        linear = isinstance(problem.network, LinearNetwork)
        halved = problem.whitened and problem.loss.factor == Fraction(1, 2)
        return Hypothesis.decided("setting", linear and halved and (not square or len(set(self.widths)) == 1))

    def identity_start(self) -> Hypothesis:
        """Return whether every layer starts at the identity, exactly."""
        identical = all(
            len(layer) == len(layer[0]) and all(x == (i == j) for i, row in enumerate(layer) for j, x in enumerate(row))
            for layer in self.initial_weights()
        )
        return Hypothesis.decided("identity_start", identical)

    def symmetric_target(self) -> Hypothesis:
        """Return whether the target is symmetric, exactly."""
        return Hypothesis.decided("symmetric_target", self.target.is_symmetric())

    def plain_descent(self) -> Hypothesis:
        """Return whether the dynamics is gradient descent with a constant step and nothing else."""
        return Hypothesis.decided("plain_descent", self.method == "gradient_descent")

    def gradient_flow(self) -> Hypothesis:
        """Return whether the dynamics is the gradient flow."""
        return Hypothesis.decided("gradient_flow", self.method == "gradient_flow")
