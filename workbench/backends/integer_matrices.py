"""Integer matrices of FLINT, worked on in place: what an inner loop costs when no Python object is made in it.

python-flint makes a matrix for every result and has no shift of a whole matrix. The same library is called through
ctypes here, with windows into larger matrices. Its symbols are looked up through the extension module that
python-flint has loaded, which finds the one FLINT of this process wherever the wheel has put it. A matrix is opaque
memory that FLINT fills; no layout is assumed but that entries lie side by side, a machine word each, which holds a
small integer itself. Where a symbol is missing or the self-test disagrees (another build, another platform) `library()`
is None, and callers go on in balls.

Rejected: a loop compiled by numba around the same pointers takes 2-3 s to compile, and python-flint's own calls cost
what these do. Calls keep the interpreter's lock, so that no other thread sees half a step.
"""

from __future__ import annotations

import ctypes
import math
import sys
import weakref
from collections.abc import Callable, Sequence
from functools import cache, partial
from types import SimpleNamespace
from typing import Any

import numpy as np

from workbench.backends.ball import flint
from workbench.errors import MissingPackageError

_POINTER, _WORD, _BITS = ctypes.c_void_p, ctypes.c_int64, ctypes.c_uint64

# Name: what it returns, what it takes.
_SIGNATURES: dict[str, tuple[Any, ...]] = {
    "fmpz_mat_init": (None, _POINTER, _WORD, _WORD),
    "fmpz_mat_clear": (None, _POINTER),
    "fmpz_mat_window_init": (None, _POINTER, _POINTER, _WORD, _WORD, _WORD, _WORD),
    "fmpz_mat_window_clear": (None, _POINTER),
    "fmpz_mat_entry": (_POINTER, _POINTER, _WORD, _WORD),
    "fmpz_mat_set": (None, _POINTER, _POINTER),
    "fmpz_mat_mul": (None, _POINTER, _POINTER, _POINTER),
    "fmpz_mat_add": (None, _POINTER, _POINTER, _POINTER),
    "fmpz_mat_sub": (None, _POINTER, _POINTER, _POINTER),
    "fmpz_mat_transpose": (None, _POINTER, _POINTER),
    "fmpz_mat_scalar_mul_2exp": (None, _POINTER, _POINTER, _BITS),
    "fmpz_mat_scalar_tdiv_q_2exp": (None, _POINTER, _POINTER, _BITS),
    "fmpz_mat_scalar_mul_fmpz": (None, _POINTER, _POINTER, _POINTER),
    "fmpz_mat_max_bits": (_WORD, _POINTER),
    "_fmpz_vec_scalar_tdiv_q_fmpz": (None, _POINTER, _POINTER, _WORD, _POINTER),
    "_fmpz_vec_dot": (None, _POINTER, _POINTER, _POINTER, _WORD),
    "fmpz_set_str": (ctypes.c_int, _POINTER, ctypes.c_char_p, ctypes.c_int),
    "fmpz_get_str": (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, _POINTER),
    "fmpz_get_ui_array": (None, _POINTER, _WORD, _POINTER),
    "fmpz_get_d_2exp": (ctypes.c_double, _POINTER, _POINTER),
}

# A FLINT matrix is four words; room for twice that.
_MATRIX_BYTES = 64
_WORD_BYTES = 8


class IntegerMatrix:
    """A matrix of integers in FLINT's memory, freed with the object.

    Parameters
    ----------
    rows, columns : int
    """

    def __init__(self, rows: int, columns: int) -> None:
        self.shape = rows, columns
        self._functions = required_library()
        self._memory = ctypes.create_string_buffer(_MATRIX_BYTES)
        self.pointer = _POINTER(ctypes.addressof(self._memory))
        self._parent: IntegerMatrix | None = None
        self._functions.fmpz_mat_init(self.pointer, rows, columns)
        # The finalizer holds the memory until FLINT has let go of it.
        weakref.finalize(self, _free, self._functions.fmpz_mat_clear, self._memory)

    def window(self, row: int, rows: int, columns: int) -> IntegerMatrix:
        """Return the first columns of some rows as a matrix that shares them."""
        part = object.__new__(IntegerMatrix)
        part.shape, part._functions, part._parent = (rows, columns), self._functions, self
        return part._look_at(row, 0)

    def column_window(self, column: int, columns: int, rows: int) -> IntegerMatrix:
        """Return the first rows of some columns as a matrix that shares them."""
        part = object.__new__(IntegerMatrix)
        part.shape, part._functions, part._parent = (rows, columns), self._functions, self
        return part._look_at(0, column)

    def _look_at(self, row: int, column: int) -> IntegerMatrix:
        parent, (rows, columns) = self._parent, self.shape
        if parent is None or row + rows > parent.shape[0] or column + columns > parent.shape[1]:
            raise IndexError("a window reaches beyond its matrix")
        self._memory = ctypes.create_string_buffer(_MATRIX_BYTES)
        self.pointer = _POINTER(ctypes.addressof(self._memory))
        corner = (row, column, row + rows, column + columns)
        self._functions.fmpz_mat_window_init(self.pointer, parent.pointer, *corner)
        weakref.finalize(self, _free, self._functions.fmpz_mat_window_clear, self._memory)
        return self

    def entry(self, row: int = 0, column: int = 0) -> Any:
        """Return the address of an entry; the next of its row follow, a word each."""
        return _POINTER(self._functions.fmpz_mat_entry(self.pointer, row, column))

    def fill(self, rows: Sequence[Sequence[int]]) -> None:
        """Set the entries, of the upper left corner where fewer are given."""
        for i, row in enumerate(rows):
            for j, value in enumerate(row):
                self._functions.fmpz_set_str(self.entry(i, j), b"%x" % value, 16)

    def words(self) -> np.ndarray:
        """Return the entries of a matrix that is no window and whose entries are below 2^60 in size."""
        count = self.shape[0] * self.shape[1]
        words = (_WORD * count).from_address(self.entry().value)
        return np.array(words, dtype=np.int64).reshape(self.shape)

    def rows(self) -> list[list[int]]:
        """Return the entries."""
        count, width = self.shape
        digits = abs(self._functions.fmpz_mat_max_bits(self.pointer)) // 4 + 4
        buffer, read = ctypes.create_string_buffer(digits), self._functions.fmpz_get_str
        found = []
        for i in range(count):
            start = self.entry(i).value
            row = []
            for j in range(width):
                read(buffer, 16, start + _WORD_BYTES * j)
                row.append(int(buffer.value, 16))
            found.append(row)
        return found


def prepared(name: str, *arguments: Any) -> Callable[[], Any]:
    """Return a call of a function by name whose arguments are converted once: half of what a small call costs.

    The caller keeps alive what the arguments point to.
    """
    functions = required_library()
    converted = [_converted(kind, value) for kind, value in zip(_SIGNATURES[name][1:], arguments, strict=True)]
    return partial(getattr(functions.untyped, name), *converted)


def _converted(kind: Any, value: Any) -> Any:
    """Return an argument as ctypes passes it on; a pointer of the wrong type, or none, is refused."""
    if isinstance(value, IntegerMatrix):
        value = value.pointer
    if isinstance(value, _POINTER):
        value = value.value
    if kind is _POINTER and not isinstance(value, int):
        raise TypeError(f"a pointer is wanted, not {value!r}")
    return kind.from_param(value)


def _free(clear: Any, memory: Any) -> None:
    clear(_POINTER(ctypes.addressof(memory)))


def required_library() -> SimpleNamespace:
    """Return FLINT's functions, or raise where they cannot be had."""
    found = library()
    if found is None:
        raise MissingPackageError("python-flint", "integer matrices")
    return found


@cache
def library() -> SimpleNamespace | None:
    """Return FLINT's functions by name, None where this build does not give them or computes something else."""
    try:
        from flint.types import arb as extension

        flint()
        handle = ctypes.PyDLL(extension.__file__)
        functions = SimpleNamespace(untyped=SimpleNamespace())
        for name, (result, *arguments) in _SIGNATURES.items():
            function, untyped = handle[name], handle[name]
            function.restype, function.argtypes, untyped.restype = result, arguments, result
            setattr(functions, name, function)
            setattr(functions.untyped, name, untyped)
    except (ImportError, OSError, AttributeError, MissingPackageError):
        return None
    return functions if ctypes.sizeof(ctypes.c_void_p) == _WORD_BYTES and _computes_right(functions) else None


def _computes_right(functions: SimpleNamespace) -> bool:
    """Compute with numbers of one and of many words, and compare with Python's."""
    big = 3**100
    memory = [ctypes.create_string_buffer(_MATRIX_BYTES) for _ in range(3)]
    a, b, c = (_POINTER(ctypes.addressof(m)) for m in memory)
    for matrix in (a, b, c):
        functions.fmpz_mat_init(matrix, 2, 2)
    text, exponent = ctypes.create_string_buffer(256), _WORD()
    place = [_POINTER(functions.fmpz_mat_entry(a, 0, 0) + _WORD_BYTES * k) for k in range(4)]

    def values(matrix: Any) -> list[int]:
        found = []
        for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):
            functions.fmpz_get_str(text, 16, functions.fmpz_mat_entry(matrix, i, j))
            found.append(int(text.value, 16))
        return found

    for where, value in zip(place, (-big, 7, 5, -2), strict=True):
        functions.fmpz_set_str(where, b"%x" % value, 16)
    functions.fmpz_mat_scalar_tdiv_q_2exp(b, a, 1)
    functions.fmpz_mat_mul(c, a, b)
    cut = [-(big // 2), 3, 2, -1]
    right = values(a) == [-big, 7, 5, -2] and values(b) == cut and _WORD.from_address(place[1].value or 0).value == 7
    right = right and values(c) == [-big * cut[0] + 14, -3 * big - 7, 5 * cut[0] - 4, 17]
    functions._fmpz_vec_dot(place[2], place[0], place[0], 2)
    mantissa = functions.fmpz_get_d_2exp(ctypes.byref(exponent), place[2])
    right = right and math.isclose(math.log2(mantissa) + exponent.value, math.log2(big * big + 49))
    words = (_BITS * 8)()
    functions.fmpz_get_ui_array(ctypes.addressof(words), 8, place[2])
    right = right and int.from_bytes(words, sys.byteorder) == big * big + 49
    functions._fmpz_vec_scalar_tdiv_q_fmpz(place[0], place[0], 2, place[1])
    right = right and values(a) == [-(big // 7), 1, big * big + 49, -2]
    for matrix in (a, b, c):
        functions.fmpz_mat_clear(matrix)
    return right
