"""The opcodes of pickle that files of torch.save are made of, as an interpreter that executes nothing.

A pickle is read as data: the names in it are looked up by a function that the caller gives, and only what that answers
with, a `Maker` of a closed table, is ever called. Knows no tensors.
"""

from __future__ import annotations

import pickle
import struct
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable
from typing import Any

from headgate.core.device import device
from headgate.dtypes import dtype

DICTIONARIES = (dict, OrderedDict, Counter, defaultdict)
DEPTH = 12  # how deep tuples may nest in a key
DAMAGED = "the pickle in this file is damaged: {why}"


def damaged(why: str) -> pickle.UnpicklingError:
    """The error for a pickle that no pickler wrote."""
    return pickle.UnpicklingError(DAMAGED.format(why=why))


class Maker:
    """A name of the closed table that may be called: `make` gets the arguments and the interpreter.

    `new`: whether it may make an object by its class (NEWOBJ) too. `value`: what the name itself means, where it may
    be an argument (a type such as `list`).
    """

    def __init__(self, name: str, make: Callable[..., Any], value: Any = None) -> None:
        self.name = name
        self.make = make
        self.value = value


class Interpreter:
    """Runs one pickle. `find(module, name)` gives a Maker or a plain value, or raises; `persistent(id)` a storage;
    `build(target, state)` puts a state into what a Maker made."""

    def __init__(
        self, data: bytes, find: Callable[[str, str], Any], persistent: Callable[[Any], Any],
        build: Callable[[Any, Any, Interpreter], None],
    ) -> None:
        self.data = data
        self.at = 0
        self.find, self.persistent, self.build = find, persistent, build
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.budget = 2 * len(data) + 1024
        self.made: set[type] = set()  # plain classes whose objects were made, and may get a state

    def spend(self, count: int) -> None:
        """Count items that a Maker copies: a small pickle must not become a large object by copying again and again."""
        self.budget -= count
        if self.budget < 0:
            raise damaged("it grows far beyond its size")

    def run(self) -> Any:
        """The object that the pickle describes. UnpicklingError if it is damaged or asks for what is not allowed."""
        try:
            return self._run()
        except (IndexError, KeyError, struct.error, TypeError, ValueError, OverflowError, AttributeError,
                RecursionError, MemoryError) as error:
            raise damaged(f"{type(error).__name__}: {error}") from error

    def _run(self) -> Any:
        data = self.data
        while True:
            code = data[self.at]
            self.at += 1
            if code == 0x2E:  # STOP
                if len(self.stack) != 1 or self.marks:
                    raise damaged("it does not end in one object")
                return self.stack.pop()
            action = ACTIONS.get(code)
            if action is None:
                raise damaged(f"opcode {code:#x} at {self.at - 1} is none that torch.save writes")
            action(self)

    # ---- pieces -----------------------------------------------------------------------------------------------------

    def take(self, count: int) -> bytes:
        """The next bytes."""
        start, self.at = self.at, self.at + count
        if self.at > len(self.data):
            raise damaged("it is cut off")
        return self.data[start : self.at]

    def number(self, form: str) -> Any:
        """The next number of a struct format."""
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def line(self) -> str:
        """The text up to the end of the line."""
        end = self.data.index(b"\n", self.at)
        found = self.data[self.at : end].decode("utf-8")
        self.at = end + 1
        return found

    def pop(self) -> Any:
        """The top of the stack, which may not lie below the last mark."""
        if self.marks and len(self.stack) <= self.marks[-1]:
            raise damaged("it takes more than it has")
        return self.stack.pop()

    def top(self) -> Any:
        """The top of the stack, left there."""
        if self.marks and len(self.stack) <= self.marks[-1]:
            raise damaged("it takes more than it has")
        return self.stack[-1]

    def since_mark(self) -> list[Any]:
        """All items above the last mark, which goes too."""
        mark = self.marks.pop()
        found = self.stack[mark:]
        del self.stack[mark:]
        return found


def plain_key(value: Any, depth: int = 0) -> bool:
    """Whether a value may be a key: hashing it calls no foreign code and cannot nest without end."""
    if value is None or type(value) in (str, int, float, bool, bytes, complex):
        return True
    if isinstance(value, tuple) and depth < DEPTH:
        return all(plain_key(one, depth + 1) for one in value)
    return type(value) in (dtype, device)


def check_keys(keys: Any) -> None:
    """UnpicklingError for keys that are not plain."""
    for key in keys:
        if not plain_key(key):
            raise damaged(f"a key is of type {type(key).__name__}")


# ---- the opcodes ----------------------------------------------------------------------------------------------------


def _push(form: str) -> Callable[[Interpreter], None]:
    return lambda m: m.stack.append(m.number(form))


def _constant(value: Any) -> Callable[[Interpreter], None]:
    return lambda m: m.stack.append(value)


def _fresh(kind: type) -> Callable[[Interpreter], None]:
    return lambda m: m.stack.append(kind())


def _text(form: str) -> Callable[[Interpreter], None]:
    return lambda m: m.stack.append(m.take(m.number(form)).decode("utf-8", "surrogatepass"))


def _raw(form: str) -> Callable[[Interpreter], None]:
    return lambda m: m.stack.append(m.take(m.number(form)))


def _long(form: str) -> Callable[[Interpreter], None]:
    def action(m: Interpreter) -> None:
        count = m.number(form)
        if not 0 <= count <= 1024:
            raise damaged("a number has too many digits")
        m.stack.append(int.from_bytes(m.take(count), "little", signed=True))

    return action


def _tuple(count: int) -> Callable[[Interpreter], None]:
    def action(m: Interpreter) -> None:
        items = [m.pop() for _ in range(count)]
        m.stack.append(tuple(items[::-1]))

    return action


def _get(form: str) -> Callable[[Interpreter], None]:
    return lambda m: m.stack.append(m.memo[m.number(form)])


def _put(form: str) -> Callable[[Interpreter], None]:
    def action(m: Interpreter) -> None:
        m.memo[m.number(form)] = m.top()

    return action


def _memoize(m: Interpreter) -> None:
    m.memo[len(m.memo)] = m.top()


def _protocol(m: Interpreter) -> None:
    if m.number("<B") > 5:
        raise damaged("its protocol is unknown")


def _frame(m: Interpreter) -> None:
    m.take(8)


def _global(m: Interpreter) -> None:
    m.stack.append(m.find(m.line(), m.line()))


def _stack_global(m: Interpreter) -> None:
    name, module = m.pop(), m.pop()
    if type(name) is not str or type(module) is not str:
        raise damaged("a name is no text")
    m.stack.append(m.find(module, name))


def _reduce(m: Interpreter) -> None:
    arguments, maker = m.pop(), m.pop()
    if not isinstance(maker, Maker) or type(arguments) is not tuple:
        raise damaged("it calls what is no name of the closed table")
    m.stack.append(maker.make(m, *arguments))


def _build(m: Interpreter) -> None:
    state = m.pop()
    m.build(m.top(), state, m)


def _persistent(m: Interpreter) -> None:
    m.stack.append(m.persistent(m.pop()))


def _mark(m: Interpreter) -> None:
    m.marks.append(len(m.stack))


def _tuple_of_marked(m: Interpreter) -> None:
    m.stack.append(tuple(m.since_mark()))


def _extend(m: Interpreter, items: list[Any]) -> None:
    target = m.top()
    if type(target) is not list:
        raise damaged("it appends to what is no list")
    target.extend(items)


def _append(m: Interpreter) -> None:
    item = m.pop()
    _extend(m, [item])


def _appends(m: Interpreter) -> None:
    _extend(m, m.since_mark())


def _set_items(m: Interpreter, items: list[Any]) -> None:
    target = m.top()
    if type(target) not in DICTIONARIES or len(items) % 2:
        raise damaged("it sets items of what is no dictionary")
    check_keys(items[::2])
    for key, value in zip(items[::2], items[1::2]):
        target[key] = value


def _set_item(m: Interpreter) -> None:
    value, key = m.pop(), m.pop()
    _set_items(m, [key, value])


def _set_marked(m: Interpreter) -> None:
    _set_items(m, m.since_mark())


def _add_items(m: Interpreter) -> None:
    items = m.since_mark()
    target = m.top()
    if type(target) is not set:
        raise damaged("it adds to what is no set")
    check_keys(items)
    target.update(items)


ACTIONS: dict[int, Callable[[Interpreter], None]] = {
    0x80: _protocol, 0x95: _frame, 0x28: _mark, ord("N"): _constant(None), 0x88: _constant(True),
    0x89: _constant(False), ord("J"): _push("<i"), ord("K"): _push("<B"), ord("M"): _push("<H"), ord("G"): _push(">d"),
    0x8A: _long("<B"), 0x8B: _long("<i"), ord("X"): _text("<I"), 0x8C: _text("<B"), 0x8D: _text("<Q"),
    ord("B"): _raw("<I"), ord("C"): _raw("<B"), 0x8E: _raw("<Q"), ord("U"): _text("<B"),
    ord("]"): _fresh(list), ord("}"): _fresh(dict), ord(")"): _constant(()), 0x8F: _fresh(set),
    0x85: _tuple(1), 0x86: _tuple(2), 0x87: _tuple(3), ord("t"): _tuple_of_marked,
    ord("a"): _append, ord("e"): _appends, ord("s"): _set_item, ord("u"): _set_marked, 0x90: _add_items,
    ord("h"): _get("<B"), ord("j"): _get("<I"), ord("q"): _put("<B"), ord("r"): _put("<I"), 0x94: _memoize,
    ord("c"): _global, 0x93: _stack_global, ord("R"): _reduce, 0x81: _reduce, ord("b"): _build,
    ord("Q"): _persistent,
}  # fmt: skip
