"""Sixteen 32-bit integers at once: a small vector type for Numba kernels.

Numba alone compiles a bilinear fetch to scalar code: LLVM's loop vectoriser gives up at the indexed byte
loads. With the vector type spelt out the arithmetic becomes SIMD on every machine that LLVM knows (four NEON
registers, two of AVX2, one of AVX-512), and the fetches become plain loads, five to six times as fast as the
scalar loop.

Inside an ``@njit`` function a :class:`Lanes` value knows ``+ - * & | >> <<`` against another one or against an
``int32``, which stands for sixteen equal ones. ``>>`` shifts in zeros: values are taken as unsigned;
:func:`floor_shift` keeps the sign. Sums and products wrap. Addresses are plain integers (``array.ctypes.data``), and
nothing checks them: the caller does.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.registry import cpu_target
from numba.extending import intrinsic, models, overload, register_model

COUNT = 16
_I8, _I16, _I32, _I64 = (ir.IntType(bits) for bits in (8, 16, 32, 64))
_VECTOR = ir.VectorType(_I32, COUNT)
_UNDEFINED = ir.Constant(_VECTOR, ir.Undefined)
_POINTER = ir.PointerType()


class Lanes(types.Type):  # type: ignore[misc]
    """The Numba type of sixteen int32."""

    def __init__(self) -> None:
        super().__init__(name="Lanes")


lanes = Lanes()


class _Model(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _VECTOR)


register_model(Lanes)(_Model)


def _constant(values: Sequence[int], kind: ir.IntType = _I32) -> ir.Constant:
    return ir.Constant(ir.VectorType(kind, len(values)), [ir.Constant(kind, value) for value in values])


def _same(value: int) -> ir.Constant:
    return _constant([value] * COUNT)


def _shuffled(builder: Any, one: Any, other: Any, picks: Sequence[int]) -> Any:
    return builder.shuffle_vector(one, other, _constant(picks))


def _spread(builder: Any, scalar: Any) -> Any:
    one = builder.insert_element(_UNDEFINED, scalar, ir.Constant(_I32, 0))
    return _shuffled(builder, one, _UNDEFINED, [0] * COUNT)


def _intrinsic(result: Any, *arguments: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Makes a function ``build(builder, *values) -> value`` callable from Numba with that signature."""

    def wrap(build: Callable[..., Any]) -> Callable[..., Any]:
        def generate(context: Any, builder: Any, _: Any, values: Any) -> Any:
            made = build(builder, *values)
            return context.get_dummy_value() if made is None else made

        def type_it(typing_context: Any, *_: Any) -> Any:
            return result(*arguments), generate

        _sign(type_it, "typing_context", *(f"value{i}" for i in range(len(arguments))))
        type_it.__name__, type_it.__doc__ = build.__name__, build.__doc__
        made: Callable[..., Any] = intrinsic(type_it)
        return made

    return wrap


def _sign(function: Callable[..., Any], *names: str) -> None:
    """Numba reads a function's arguments from its signature and wants plain names there, no ``*``, no types."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [inspect.Parameter(name, kind) for name in names]
    function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]


@_intrinsic(lanes, types.int32)
def spread(builder: Any, scalar: Any) -> Any:
    """The same number in every lane."""
    return _spread(builder, scalar)


@_intrinsic(lanes, types.int32, types.int32)
def spread_halves(builder: Any, low: Any, high: Any) -> Any:
    """One number in lanes 0 to 7, another in lanes 8 to 15."""
    pair = builder.insert_element(_UNDEFINED, low, ir.Constant(_I32, 0))
    pair = builder.insert_element(pair, high, ir.Constant(_I32, 1))
    return _shuffled(builder, pair, _UNDEFINED, [0] * 8 + [1] * 8)


@_intrinsic(lanes)
def iota(_: Any) -> Any:
    """0, 1, .. 15."""
    return _constant(range(COUNT))


@_intrinsic(lanes)
def iota_halves(_: Any) -> Any:
    """0, 1, .. 7, 0, 1, .. 7."""
    return _constant([lane % 8 for lane in range(COUNT)])


@_intrinsic(lanes, lanes, types.int32)
def floor_shift(builder: Any, value: Any, bits: Any) -> Any:
    """``value >> bits`` with the sign kept."""
    return builder.ashr(value, _spread(builder, bits))


@_intrinsic(lanes, lanes, lanes)
def smaller(builder: Any, one: Any, other: Any) -> Any:
    """The smaller of each pair, signed."""
    return builder.select(builder.icmp_signed("<", one, other), one, other)


@_intrinsic(lanes, lanes, lanes)
def larger(builder: Any, one: Any, other: Any) -> Any:
    """The larger of each pair, signed."""
    return builder.select(builder.icmp_signed(">", one, other), one, other)


@_intrinsic(lanes, types.intp, lanes)
def fetch(builder: Any, address: Any, offsets: Any) -> Any:
    """The four bytes at ``address + offset`` of each lane as one little-endian number; no offset is negative.

    Sixteen scalar loads, not a gather: they are faster on every x86 since Zen 2, and the only way elsewhere.
    """
    base = builder.inttoptr(address, _POINTER)
    # Two offsets leave the vector at once: taking them out costs about as much as the loads.
    pairs = builder.bitcast(offsets, ir.VectorType(_I64, COUNT // 2))
    found = _UNDEFINED
    for lane in range(COUNT):
        offset = builder.extract_element(pairs, ir.Constant(_I32, lane // 2))
        if lane % 2:
            offset = builder.lshr(offset, ir.Constant(_I64, 32))
        else:
            offset = builder.and_(offset, ir.Constant(_I64, 0xFFFFFFFF))
        word = builder.load(builder.gep(base, [offset], source_etype=_I8), typ=_I32, align=1)
        found = builder.insert_element(found, word, ir.Constant(_I32, lane))
    return found


@_intrinsic(types.void, types.intp)
def prefetch_read(builder: Any, address: Any) -> None:
    """Asks for the cache line at an address, which need not be a valid one."""
    _prefetch(builder, address, 0)


@_intrinsic(types.void, types.intp)
def prefetch_write(builder: Any, address: Any) -> None:
    """Asks for the cache line at an address, to write to it."""
    _prefetch(builder, address, 1)


def _prefetch(builder: Any, address: Any, write: int) -> None:
    kind = ir.FunctionType(ir.VoidType(), [_POINTER, _I32, _I32, _I32])
    function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
    flags = [ir.Constant(_I32, flag) for flag in (write, 3, 1)]
    builder.call(function, [builder.inttoptr(address, _POINTER), *flags])


@_intrinsic(lanes, lanes)
def first_two(builder: Any, words: Any) -> Any:
    """The lowest two bytes of each lane as first | second << 16."""
    bytes_ = builder.bitcast(words, ir.VectorType(_I8, 4 * COUNT))
    zeros = ir.Constant(bytes_.type, None)
    picks = [pick for lane in range(COUNT) for pick in (4 * lane, 4 * COUNT, 4 * lane + 1, 4 * COUNT)]
    return builder.bitcast(_shuffled(builder, bytes_, zeros, picks), _VECTOR)


@_intrinsic(lanes, lanes, lanes, lanes, lanes)
def mix_pairs(builder: Any, top: Any, bottom: Any, wx: Any, wy: Any) -> Any:
    """Bilinear mean, 8 bits below the level, of pairs of samples (0 .. 255) packed as first | second << 16.

    ``wx`` and ``wy``, 0 .. 256, are the weights of the second samples and of the bottom row.
    """
    halves = ir.VectorType(_I16, 2 * COUNT)
    below = builder.bitcast(wy, halves)
    below = _shuffled(builder, below, below, [lane & ~1 for lane in range(2 * COUNT)])
    above = builder.sub(ir.Constant(halves, [ir.Constant(_I16, 256)] * (2 * COUNT)), below)
    # Both samples at once: neither sum reaches 65536.
    rows = builder.add(
        builder.mul(builder.bitcast(top, halves), above), builder.mul(builder.bitcast(bottom, halves), below)
    )
    if not _multiplies_pairs(builder):
        rows = builder.bitcast(rows, _VECTOR)
        first = builder.mul(builder.and_(rows, _same(0xFFFF)), builder.sub(_same(256), wx))
        second = builder.mul(builder.lshr(rows, _same(16)), wx)
        return builder.lshr(builder.add(first, second), _same(8))
    # One instruction multiplies signed halves and adds each two: the sums are moved to -32768 .. 32767 for it, and
    # since both weights are 256 together, what that takes off is the same everywhere.
    rows = builder.xor(rows, ir.Constant(halves, [ir.Constant(_I16, -32768)] * (2 * COUNT)))
    weights = builder.add(builder.sub(builder.shl(wx, _same(16)), wx), _same(256))  # 256 - wx | wx << 16
    total = _sums_of_pairs(builder, rows, builder.bitcast(weights, halves))
    return builder.lshr(builder.add(total, _same(1 << 23)), _same(8))


def _multiplies_pairs(builder: Any) -> bool:
    """Whether the processor that is compiled for has AVX2, whose vpmaddwd LLVM does not find by itself here."""
    triple, _, features = cpu_target.target_context.codegen().magic_tuple()
    return triple.startswith("x86_64") and "+avx2" in features.split(",")


def _sums_of_pairs(builder: Any, one: Any, other: Any) -> Any:
    kind = ir.FunctionType(ir.VectorType(_I32, 8), [ir.VectorType(_I16, 16)] * 2)
    multiply = cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.avx2.pmadd.wd")
    parts = []
    for first in (0, 16):
        picks = range(first, first + 16)
        parts.append(builder.call(multiply, [_shuffled(builder, v, v, picks) for v in (one, other)]))
    return _shuffled(builder, parts[0], parts[1], range(COUNT))


@_intrinsic(types.void, types.intp, lanes)
def store_bytes(builder: Any, address: Any, values: Any) -> None:
    """Writes the low byte of each lane: 16 bytes."""
    small = builder.trunc(values, ir.VectorType(_I8, COUNT))
    builder.store(small, builder.inttoptr(address, _POINTER), align=1)


@_intrinsic(types.void, types.intp, types.uint8)
def store_byte(builder: Any, address: Any, value: Any) -> None:
    """Writes one byte."""
    builder.store(value, builder.inttoptr(address, _POINTER))


@_intrinsic(types.void, types.intp, types.intp, lanes)
def store_words_halves(builder: Any, low: Any, high: Any, values: Any) -> None:
    """Writes the low 16 bits of lanes 0 to 7 to ``low`` and of lanes 8 to 15 to ``high``: 16 bytes each."""
    small = builder.trunc(values, ir.VectorType(_I16, COUNT))
    for address, first in ((low, 0), (high, 8)):
        half = _shuffled(builder, small, small, list(range(first, first + 8)))
        builder.store(half, builder.inttoptr(address, _POINTER), align=1)


@_intrinsic(types.int32, types.intp)
def load_word(builder: Any, address: Any) -> Any:
    """Two bytes as one little-endian number."""
    return builder.zext(builder.load(builder.inttoptr(address, _POINTER), typ=_I16, align=1), _I32)


@_intrinsic(lanes, types.intp, types.intp)
def load_words_halves(builder: Any, low: Any, high: Any) -> Any:
    """Eight 16-bit words from each address, in lanes 0 to 7 and 8 to 15."""
    kind = ir.VectorType(_I16, 8)
    halves = [builder.load(builder.inttoptr(address, _POINTER), typ=kind, align=1) for address in (low, high)]
    return builder.zext(_shuffled(builder, halves[0], halves[1], list(range(COUNT))), _VECTOR)


def _define(operation: Callable[..., Any], method: str) -> None:
    """Gives :class:`Lanes` an arithmetic operator, with lanes or an integer on the right-hand side."""

    def build(builder: Any, one: Any, other: Any) -> Any:
        return getattr(builder, method)(one, other)

    both = _intrinsic(lanes, lanes, lanes)(build)

    def choose(one: Any, other: Any) -> Any:
        if one is lanes and other is lanes:
            return lambda one, other: both(one, other)
        if one is lanes and isinstance(other, types.Integer):
            return lambda one, other: both(one, spread(other))
        return None

    _sign(choose, "one", "other")
    overload(operation)(choose)


for _operation, _method in (
    (operator.add, "add"),
    (operator.sub, "sub"),
    (operator.mul, "mul"),
    (operator.and_, "and_"),
    (operator.or_, "or_"),
    (operator.rshift, "lshr"),
    (operator.lshift, "shl"),
):
    _define(_operation, _method)
