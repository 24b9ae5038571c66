r"""At zero weights the tangent kernel of a residual network is a multiple of the Gram matrix of its inputs.

Claim
    Let $\ell = \frac{1}{2} \|h_L(X) - Y\|_F^2$ and let the $A_k$ move by $\dot{A}_k = - \partial \ell / \partial A_k$. At
    $A_k = 0$ every gradient is $\delta E X^T$, $E = X - Y$, and $\dot{E} = - \delta^2 L E X^T X$: the kernel is
    $\delta^2 L X^T X \otimes I$, and $\delta^2 L$ does not depend on the depth for $\delta = L^{-1/2}$. With a bias in
    each block it is $\delta^2 L (X^T X + 1 1^T) \otimes I$. For tanh the derivatives of the loss are the same there.

Source
    Cont, Rossier and Xu (2022) for the setting; worked out for this project.

Scope
    Proved at the depths asked for and every width for linear blocks $I + \delta A_k$, whose differential at zero
    weights is that of $\sigma$ with $\sigma(0) = 0$ and $\sigma'(0) = 1$; for tanh without that argument, entry by entry,
    for one sample of width 2 and at most two blocks. With $J = \ell / N$ the kernel is divided by $N$.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from workbench.derivation.runs import residual_descent
from workbench.symbolic.calculus import Calculus
from workbench.symbolic.entrywise import entry_names
from workbench.symbolic.identities import Identity
from workbench.symbolic.networks import ResidualWords, residual_network
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.restrictions import Restriction
from workbench.symbolic.tanh_networks import tanh_network
from workbench.symbolic.words import Letter, MatrixPolynomial, Width, matrix, squared_frobenius_norm, zero

source = {
    "authors": "Rama Cont, Alain Rossier, Renyuan Xu",
    "year": 2022,
    "title": "Convergence and implicit regularization properties of gradient descent for deep residual networks",
    "where": "arXiv:2204.07261",
    "locator": "setting; the kernel is worked out for this project",
    "url": "https://arxiv.org/abs/2204.07261",
}
depths = (1, 2)
shape = "square"

DELTA = Polynomial.symbol("delta")


def prove(calculus: Calculus, depth: int, widths: Sequence[Width]) -> Iterator[Identity]:
    """Yield the gradients at zero weights, how the error moves, and the derivatives of tanh's loss there."""
    network = residual_network(depth, widths[0])
    loss = network.data_loss()
    slopes = {branch: calculus.gradient(loss, branch) for branch in network.branches}
    yield from at_zero(network, slopes)
    yield motion(calculus, network, slopes)
    yield biased(calculus, network)
    # Of three blocks of width 2 the entries' derivatives are expressions of ninety thousand characters.
    yield from tanh_entries(min(depth, 2))


def resting(letters: Sequence[Letter]) -> Restriction:
    """Suppose that letters are zero."""
    return Restriction(
        name="all weights are zero", letters={letter: zero(letter.rows, letter.columns) for letter in letters}
    )


def data(network: ResidualWords) -> tuple[MatrixPolynomial, MatrixPolynomial]:
    """Return X and the error X - Y at zero weights."""
    width = network.target.rows
    inputs, outputs = (matrix(Letter(name, width, "N")) for name in ("X", "Y"))
    return inputs, inputs - outputs


def at_zero(network: ResidualWords, slopes: dict[Letter, MatrixPolynomial]) -> Iterator[Identity]:
    """Yield the gradient of each block at zero weights."""
    inputs, error = data(network)
    for branch, slope in slopes.items():
        name = Letter(f"G_{branch.name}", branch.rows, branch.columns)
        right = DELTA * (error @ inputs.T)
        yield Identity(f"gradient in {branch.name}", matrix(name), right, ((name, slope),), resting(network.branches))


def motion(calculus: Calculus, network: ResidualWords, slopes: dict[Letter, MatrixPolynomial]) -> Identity:
    """Return that the error moves by -delta^2 L E X^T X."""
    inputs, error = data(network)
    output = network.end_to_end @ inputs
    moved = calculus.lie_derivative(output, {branch: -slope for branch, slope in slopes.items()})
    moving = Letter("dot E", network.target.rows, "N")
    right = -(DELTA**2 * len(network.branches)) * (error @ inputs.T @ inputs)
    return Identity("motion of the error", matrix(moving), right, ((moving, moved),), resting(network.branches))


def biased(calculus: Calculus, network: ResidualWords) -> Identity:
    """Return the same with biases, which add the products of ones."""
    inputs, error = data(network)
    width, depth = network.target.rows, len(network.branches)
    ones = matrix(Letter("e", "N", 1))
    biases = [Letter(f"b_{j}", width, 1) for j in range(1, depth + 1)]
    state = inputs
    for branch, bias in zip(network.branches, biases, strict=True):
        state = state + DELTA * (matrix(branch) @ state + matrix(bias) @ ones.T)
    loss = squared_frobenius_norm(state - (inputs - error)) * Fraction(1, 2)
    variables = (*network.branches, *biases)
    moved = calculus.lie_derivative(state, calculus.flow(loss, variables))
    moving = Letter("dot E_b", width, "N")
    right = -(DELTA**2 * depth) * (error @ (inputs.T @ inputs + ones @ ones.T))
    return Identity("motion with biases", matrix(moving), right, ((moving, moved),), resting(variables))


def tanh_entries(depth: int) -> Iterator[Identity]:
    """Yield that the derivatives of tanh's loss at zero weights are the entries of delta E X^T."""
    small = tanh_network(depth, 2)
    still = {name: 0 for letter in (*small.branches, *small.values) for row in entry_names(letter) for name in row}
    scale = Polynomial.symbol("delta[1,1]")
    samples, labels = ([Polynomial.symbol(f"{name}[{r},1]") for r in (1, 2)] for name in ("X", "Y"))
    for k, branch in enumerate(small.branches):
        for r, row in enumerate(small.gradient(branch)):
            for c, entry in enumerate(row):
                right = scale * (samples[r] - labels[r]) * samples[c]
                yield Identity(f"tanh, block {k}, entry {r + 1},{c + 1}", entry.substitute(still), right)


def check(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a descent at the inverse of the kernel's largest eigenvalue, which must keep its envelope."""
    return residual_descent(depth)


def control(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return one towards a label that weights near zero do not reach."""
    return residual_descent(depth, far=True)
