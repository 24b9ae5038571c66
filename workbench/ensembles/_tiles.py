"""A step of small networks whose entries are SIMD registers, written out for LLVM.

Entry (i, j) of a matrix is a vector over the networks of a block, one a lane. A tile of a product stays in registers
while the summed index runs. Left to itself LLVM's vectoriser has to be talked into this by unrolling everything, which
costs seconds of compiling for every shape; here the vectors are in the program, and the loops remain loops. All
matrices of a block lie in one flat array, at offsets counted in its entries; a layer is `width`^2 vectors of `lanes`.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

# C = A B, C = A^T B, and C += A B^T: a prefix, a suffix, and what moves a layer.
_PREFIX, _SUFFIX, _UPDATE = "prefix", "suffix", "update"

# A product and a sum may be one operation, with one rounding; nothing else is reordered.
_CONTRACT = ("contract",)


@intrinsic(prefer_literal=True)  # type: ignore[untyped-decorator]
def forward(typing: Any, m: Any, layers: Any, prefix: Any, depth: Any, width: Any, lanes: Any, tile: Any) -> Any:
    """Set P_i = W_i P_{i-1} for i = 2 ... L, one after another from `prefix` on; P_1 is W_1 where it lies."""
    shape = depth, width, lanes, tile
    signature = types.void(m, types.intp, types.intp, *shape)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        block = _Block(context, builder, signature, arguments, *(t.literal_value for t in shape[1:]))
        at_layers, at_prefix = arguments[1:3]
        with _each(builder, depth.literal_value - 1) as index:
            first = builder.icmp_signed("==", index, index.type(0))
            before = block.matrix(at_prefix, builder.sub(index, index.type(1)))
            below = builder.select(first, at_layers, before)
            layer = block.matrix(at_layers, builder.add(index, index.type(1)))
            block.multiply(block.matrix(at_prefix, index), layer, below, _PREFIX)
        return context.get_dummy_value()

    return signature, generate


@intrinsic(prefer_literal=True)  # type: ignore[untyped-decorator]
def backward(
    typing: Any, m: Any, layers: Any, prefix: Any, suffix: Any, moved: Any,
    depth: Any, width: Any, lanes: Any, tile: Any,
) -> Any:  # fmt: skip
    """Add S_i P_{i-1}^T to each matrix from `moved` on, with S_{i-1} = W_i^T S_i, from S_L on down.

    S_i lies in the first or the second matrix at `suffix`, as i - 1 is even or odd: two are enough, since one is spent
    once its layer has moved and the next one is known. `moved` may be the layers themselves.
    """
    shape = depth, width, lanes, tile
    signature = types.void(m, types.intp, types.intp, types.intp, types.intp, *shape)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        block = _Block(context, builder, signature, arguments, *(t.literal_value for t in shape[1:]))
        at_layers, at_prefix, at_suffix, at_moved = arguments[1:5]
        top = depth.literal_value - 1
        with _each(builder, top) as turn:
            layer = builder.sub(turn.type(top), turn)
            ahead = block.matrix(at_suffix, builder.and_(layer, layer.type(1)))
            behind = block.matrix(at_suffix, builder.xor(builder.and_(layer, layer.type(1)), layer.type(1)))
            lowest = builder.icmp_signed("==", layer, layer.type(1))
            below = builder.select(lowest, at_layers, block.matrix(at_prefix, builder.sub(layer, layer.type(2))))
            block.multiply(behind, block.matrix(at_layers, layer), ahead, _SUFFIX)
            block.multiply(block.matrix(at_moved, layer), ahead, below, _UPDATE)
        with _each(builder, width.literal_value**2) as entry:
            place = block.at(at_moved, entry, 1)
            total = builder.fadd(block.load(place), block.load(block.at(at_suffix, entry, 1)))
            block.store(total, place)
        return context.get_dummy_value()

    return signature, generate


@intrinsic(prefer_literal=True)  # type: ignore[untyped-decorator]
def residual(
    typing: Any, m: Any, out: Any, product: Any, target: Any, norms: Any, factor: Any,
    width: Any, lanes: Any, tile: Any,
) -> Any:  # fmt: skip
    """Set C = factor (P - Phi) with a factor for each lane, and the vector at `norms` to ||P - Phi||_F^2."""
    shape = width, lanes, tile
    signature = types.void(m, types.intp, types.intp, types.intp, types.intp, types.intp, *shape)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        block = _Block(context, builder, signature, arguments, *(t.literal_value for t in shape))
        at_out, at_product, at_target, at_norms, at_factor = arguments[1:6]
        total = cgutils.alloca_once_value(builder, block.zero)
        scale = block.load(at_factor)
        with _each(builder, width.literal_value**2) as entry:
            gap = builder.fsub(*(block.load(block.at(a, entry, 1)) for a in (at_product, at_target)))
            block.store(builder.fmul(gap, scale), block.at(at_out, entry, 1))
            block.add_product(total, gap, gap)
        block.store(builder.load(total), at_norms)
        return context.get_dummy_value()

    return signature, generate


class _Block:
    """The flat array of a block as vectors, and products of the matrices in it."""

    def __init__(
        self, context: Any, builder: Any, signature: Any, arguments: Any, width: int, lanes: int, tile: int
    ) -> None:
        self._builder, self._width, self._lanes = builder, width, lanes
        self._rows, self._columns = divmod(tile, 100)
        self._data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        element = context.get_value_type(signature.args[0].dtype)
        self._vector = ir.VectorType(element, lanes)
        self._bytes = context.get_abi_sizeof(element) * lanes
        self.zero = ir.Constant(self._vector, [0.0] * lanes)

    def matrix(self, offset: Any, index: Any) -> Any:
        """Return the offset of a matrix in a row of matrices."""
        return self.at(offset, index, self._width**2)

    def at(self, offset: Any, index: Any, stride: int) -> Any:
        """Return the offset moved by an index times a stride, in vectors."""
        return self._builder.add(offset, self._builder.mul(index, index.type(stride * self._lanes)))

    def load(self, offset: Any) -> Any:
        """Return a vector."""
        value = self._builder.load(self._pointer(offset))
        # The array begins at a multiple of the register's size.
        value.align = self._bytes
        return value

    def store(self, value: Any, offset: Any) -> None:
        """Store a vector."""
        self._builder.store(value, self._pointer(offset)).align = self._bytes

    def add_product(self, total: Any, a: Any, b: Any) -> None:
        """Add a b to a variable, which ends up in a register."""
        term = self._builder.fmul(a, b, flags=_CONTRACT)
        self._builder.store(self._builder.fadd(self._builder.load(total), term, flags=_CONTRACT), total)

    def multiply(self, out: Any, left: Any, right: Any, form: str) -> None:
        """Multiply two matrices, tile by tile."""
        # Strides of A and B along their outer and their summed index, by the transposes of the form.
        d = self._width
        outer, summed = (1, d) if form == _SUFFIX else (d, 1)
        across, down = (d, 1) if form == _UPDATE else (1, d)
        with _each(self._builder, d, self._rows) as i, _each(self._builder, d, self._columns) as j:
            corner = self.at(self.at(out, i, d), j, 1)
            places = [self._moved(corner, r * d + c) for r in range(self._rows) for c in range(self._columns)]
            begun = [self.load(place) if form == _UPDATE else self.zero for place in places]
            totals = [cgutils.alloca_once_value(self._builder, value) for value in begun]
            with _each(self._builder, d) as k:
                row, column = self.at(self.at(left, i, outer), k, summed), self.at(self.at(right, j, across), k, down)
                a = [self.load(self._moved(row, r * outer)) for r in range(self._rows)]
                b = [self.load(self._moved(column, c * across)) for c in range(self._columns)]
                for index, total in enumerate(totals):
                    self.add_product(total, a[index // self._columns], b[index % self._columns])
            for place, total in zip(places, totals, strict=True):
                self.store(self._builder.load(total), place)

    def _moved(self, offset: Any, vectors: int) -> Any:
        return self._builder.add(offset, offset.type(vectors * self._lanes))

    def _pointer(self, offset: Any) -> Any:
        return self._builder.bitcast(self._builder.gep(self._data, [offset]), self._vector.as_pointer())


class _Each:
    """A loop over an index, as a context."""

    def __init__(self, loop: Any) -> None:
        self._loop = loop

    def __enter__(self) -> Any:
        return self._loop.__enter__()[0]

    def __exit__(self, *error: Any) -> Any:
        return self._loop.__exit__(*error)


def _each(builder: Any, stop: int, step: int = 1) -> _Each:
    number = ir.IntType(64)
    return _Each(cgutils.for_range_slice(builder, number(0), number(stop), number(step), number))
