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
def forward(
    typing: Any, m: Any, layers: Any, prefix: Any, depth: Any, width: Any, lanes: Any, parts: Any, tile: Any
) -> Any:
    """Set P_i = W_i P_{i-1} for i = 2 ... L, one after another from `prefix` on; P_1 is W_1 where it lies."""
    shape = depth, width, lanes, parts, tile
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
    depth: Any, width: Any, lanes: Any, parts: Any, tile: Any,
) -> Any:  # fmt: skip
    """Add S_i P_{i-1}^T to each matrix from `moved` on, with S_{i-1} = W_i^T S_i, from S_L on down.

    S_i lies in the first or the second matrix at `suffix`, as i - 1 is even or odd: two are enough, since one is spent
    once its layer has moved and the next one is known. `moved` may be the layers themselves.
    """
    shape = depth, width, lanes, parts, tile
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
            for part in block.parts:
                place = block.part(block.at(at_moved, entry, 1), part)
                total = builder.fadd(block.load(place), block.load(block.part(block.at(at_suffix, entry, 1), part)))
                block.store(total, place)
        return context.get_dummy_value()

    return signature, generate


@intrinsic(prefer_literal=True)  # type: ignore[untyped-decorator]
def residual(
    typing: Any, m: Any, out: Any, product: Any, target: Any, norms: Any, factor: Any,
    width: Any, lanes: Any, parts: Any, tile: Any,
) -> Any:  # fmt: skip
    """Set C = factor (P - Phi) with a factor for each lane, and the vector at `norms` to ||P - Phi||_F^2."""
    shape = width, lanes, parts, tile
    signature = types.void(m, types.intp, types.intp, types.intp, types.intp, types.intp, *shape)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        block = _Block(context, builder, signature, arguments, *(t.literal_value for t in shape))
        for part in block.parts:
            block.subtract(*(block.part(a, part) for a in arguments[1:6]))
        return context.get_dummy_value()

    return signature, generate


@intrinsic(prefer_literal=True)  # type: ignore[untyped-decorator]
def within(
    typing: Any, m: Any, norms: Any, scale: Any, level: Any, largest: Any, lanes: Any, parts: Any
) -> Any:  # fmt: skip
    """Say whether level < scale norm <= largest in every lane of the vector at `norms`."""
    signature = types.boolean(m, types.intp, *[m.dtype] * 3, lanes, parts)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        block = _Block(context, builder, signature, arguments, 1, lanes.literal_value, parts.literal_value, 101)
        scale, level, largest = (block.spread(value) for value in arguments[2:5])
        found = ir.Constant(ir.IntType(1), 1)
        for part in block.parts:
            losses = builder.fmul(block.load(block.part(arguments[1], part)), scale)
            above, below = builder.fcmp_ordered(">", losses, level), builder.fcmp_ordered("<=", losses, largest)
            found = builder.and_(found, block.every(builder.and_(above, below)))
        return found

    return signature, generate


class _Block:
    """The flat array of a block as vectors, and products of the matrices in it."""

    def __init__(
        self, context: Any, builder: Any, signature: Any, arguments: Any, width: int, lanes: int, parts: int, tile: int
    ) -> None:
        self._builder, self._width, self._lanes = builder, width, lanes
        self.parts, self._register = range(parts), lanes // parts
        self._rows, self._columns = divmod(tile, 100)
        self._data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        element = context.get_value_type(signature.args[0].dtype)
        self._vector = ir.VectorType(element, self._register)
        self._bytes = context.get_abi_sizeof(element) * self._register
        self.zero = ir.Constant(self._vector, [0.0] * self._register)

    def matrix(self, offset: Any, index: Any) -> Any:
        """Return the offset of a matrix in a row of matrices."""
        return self.at(offset, index, self._width**2)

    def at(self, offset: Any, index: Any, stride: int) -> Any:
        """Return the offset moved by an index times a stride, in entries."""
        return self._builder.add(offset, self._builder.mul(index, index.type(stride * self._lanes)))

    def part(self, offset: Any, part: int) -> Any:
        """Return the offset of one of an entry's vectors."""
        return self._builder.add(offset, offset.type(part * self._register))

    def load(self, offset: Any) -> Any:
        """Return a vector."""
        value = self._builder.load(self._pointer(offset))
        # The array begins at a multiple of the register's size.
        value.align = self._bytes
        return value

    def store(self, value: Any, offset: Any) -> None:
        """Store a vector."""
        self._builder.store(value, self._pointer(offset)).align = self._bytes

    def spread(self, number: Any) -> Any:
        """Return the vector of one number in every lane."""
        one = self._builder.insert_element(ir.Constant(self._vector, ir.Undefined), number, ir.IntType(32)(0))
        mask = ir.Constant(ir.VectorType(ir.IntType(32), self._register), [0] * self._register)
        return self._builder.shuffle_vector(one, one, mask)

    def every(self, truths: Any) -> Any:
        """Say whether a vector of truth values is true throughout."""
        mask = ir.IntType(self._register)
        return self._builder.icmp_unsigned("==", self._builder.bitcast(truths, mask), mask((1 << self._register) - 1))

    def subtract(self, out: Any, product: Any, target: Any, norms: Any, factor: Any) -> None:
        """Set C = factor (P - Phi) and the vector at `norms` to ||P - Phi||_F^2."""
        scale, columns = self.load(factor), range(self._width)
        # A sum for each column: one sum over all entries would wait for itself at every addition.
        totals = [cgutils.alloca_once_value(self._builder, self.zero) for _ in columns]
        with _each(self._builder, self._width) as row:
            begun = [self.at(a, row, self._width) for a in (product, target, out)]
            for column, total in enumerate(totals):
                *given, place = (self.moved(a, column) for a in begun)
                gap = self._builder.fsub(*map(self.load, given))
                self.store(self._builder.fmul(gap, scale), place)
                self.add_product(total, gap, gap)
        sums = [self._builder.load(total) for total in totals]
        while len(sums) > 1:
            pairs = zip(sums[::2], sums[1::2], strict=False)
            sums = [*(self._builder.fadd(a, b) for a, b in pairs), *sums[len(sums) & ~1 :]]
        self.store(sums[0], norms)

    def add_product(self, total: Any, a: Any, b: Any) -> None:
        """Add a b to a variable, which ends up in a register."""
        term = self._builder.fmul(a, b, flags=_CONTRACT)
        self._builder.store(self._builder.fadd(self._builder.load(total), term, flags=_CONTRACT), total)

    def multiply(self, out: Any, left: Any, right: Any, form: str) -> None:
        """Multiply two matrices, tile by tile.

        One tile to a matrix: a product waits for the one before it, so the parts of a block take turns.
        """
        for part in self.parts:
            self._tiles(self.part(out, part), self.part(left, part), self.part(right, part), form)

    def _tiles(self, out: Any, left: Any, right: Any, form: str) -> None:
        # Strides of A and B along their outer and their summed index, by the transposes of the form.
        d = self._width
        outer, summed = (1, d) if form == _SUFFIX else (d, 1)
        across, down = (d, 1) if form == _UPDATE else (1, d)
        with _each(self._builder, d, self._rows) as i, _each(self._builder, d, self._columns) as j:
            corner = self.at(self.at(out, i, d), j, 1)
            places = [self.moved(corner, r * d + c) for r in range(self._rows) for c in range(self._columns)]
            begun = [self.load(place) if form == _UPDATE else self.zero for place in places]
            totals = [cgutils.alloca_once_value(self._builder, value) for value in begun]
            with _each(self._builder, d) as k:
                row, column = self.at(self.at(left, i, outer), k, summed), self.at(self.at(right, j, across), k, down)
                a = [self.load(self.moved(row, r * outer)) for r in range(self._rows)]
                b = [self.load(self.moved(column, c * across)) for c in range(self._columns)]
                for index, total in enumerate(totals):
                    self.add_product(total, a[index // self._columns], b[index % self._columns])
            for place, total in zip(places, totals, strict=True):
                self.store(self._builder.load(total), place)

    def moved(self, offset: Any, vectors: int) -> Any:
        """Return the offset moved by some entries."""
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
