"""The kind of every expression of a script, found without running it, and what is noticed on the way.

Knows Python's expressions and the tables of kinds; statements are the business of follow.py. What Headgate has is asked
of have.py, only in the reporting round.
"""

from __future__ import annotations

import ast
import builtins
from dataclasses import dataclass, field
from typing import Any

from headgate.compat import have, kinds
from headgate.compat.kinds import (
    FOREIGN,
    FUNCTION,
    TENSOR,
    UNKNOWN,
    UNSEEN,
    Each,
    Instance,
    Kind,
    Method,
    Named,
    Several,
    UserClass,
    UserFunction,
    UserInstance,
    construct,
    function_result,
    is_class,
    iterate,
    join,
)


@dataclass(frozen=True)
class Finding:
    """One use of a name that Headgate lacks."""

    line: int
    missing: have.Missing
    guarded: bool  # the script is ready for its absence


@dataclass
class Scope:
    """The names of a module, class, function or comprehension, and their kinds: now, and over all assignments so far.

    `immediate` says that the scope runs where it stands (a comprehension), so that it sees what holds there now; a
    function runs at any time, and sees what all assignments outside it agree on.
    """

    parent: Scope | None = None
    is_class: bool = False
    immediate: bool = False
    function: UserFunction | None = None
    kinds: dict[str, Kind] = field(default_factory=dict)
    now: dict[str, Kind] = field(default_factory=dict)

    def look(self, name: str) -> Kind | None:
        """The kind of a name as seen from here; None if nothing binds it. A class's names are seen by its body only."""
        scope: Scope | None = self
        live = True
        while scope is not None:
            if live and name in scope.now:
                return scope.now[name]
            if name in scope.kinds and (scope is self or not scope.is_class):
                return scope.kinds[name]
            live = live and scope.immediate
            scope = scope.parent
        return None

    def add(self, name: str, kind: Kind) -> None:
        """Bind a name at this point."""
        self.kinds[name] = join(self.kinds.get(name, UNSEEN), kind)
        self.now[name] = kind


class Evaluator:
    """Evaluates expressions to kinds. `reporting` is set for the last round, when every kind is known."""

    def __init__(self) -> None:
        self.reporting = False
        self.guards = 0
        self.findings: dict[tuple[int, str], Finding] = {}
        self.blind: dict[tuple[int, str], None] = {}  # what could not be seen: line and why, in order
        self.unknown: set[tuple[int, int]] = set()  # where an attribute's owner is of unknown kind
        self.used: set[str] = set()  # names that Headgate has
        self.probed: set[str] = set()  # names that the script asks for with hasattr
        self.stored: set[str] = set()  # attributes that the script itself puts on values
        self.attributes: dict[tuple[UserClass, str], Kind] = {}
        self.returns: dict[UserFunction, Kind] = {}

    def report(self, node: ast.AST, name: str, missing: have.Missing | None) -> None:
        """Note a use of `name`: present, or missing at the node's line."""
        if missing is None:
            self.used.add(name)
            return
        line = getattr(node, "end_lineno", 0) or 0
        guarded = self.guards > 0 or missing.path.rpartition(".")[2] in self.probed
        self.findings.setdefault((line, missing.path), Finding(line, missing, guarded))

    def cannot_see(self, node: ast.AST, why: str) -> None:
        if self.reporting:
            self.blind[getattr(node, "lineno", 0), why] = None

    def evaluate(self, node: ast.AST | None, scope: Scope) -> Kind:
        """The kind of an expression; everything inside it is looked at too."""
        if node is None:
            return UNSEEN
        method: Any = getattr(self, f"_{type(node).__name__}".lower(), None)
        return self.inside(node, scope) if method is None else method(node, scope)

    def inside(self, node: ast.AST, scope: Scope) -> Kind:
        """Look at the parts of an expression whose own kind says nothing."""
        for child in ast.iter_child_nodes(node):
            self.evaluate(child, scope)
        return UNKNOWN

    # -- names, attributes, calls ---------------------------------------------------------------------------------

    def _name(self, node: ast.Name, scope: Scope) -> Kind:
        kind = scope.look(node.id)
        if kind is not None:
            return kind
        return FOREIGN if hasattr(builtins, node.id) else UNKNOWN

    def _attribute(self, node: ast.Attribute, scope: Scope) -> Kind:
        return self.attribute(self.evaluate(node.value, scope), node.attr, node)

    def attribute(self, owner: Kind, name: str, node: ast.AST, called: bool = False) -> Kind:
        """The kind of `owner.name`, with a report if Headgate lacks it."""
        if isinstance(owner, Named):
            return self.reach(owner, name, node)
        if owner == TENSOR:
            if self.reporting and name not in self.stored:
                self.report(node, f"Tensor.{name}", have.tensor_lacks(name))
            return TENSOR if name in kinds.TENSOR_ATTRIBUTES else Method(owner, name)
        if isinstance(owner, Instance):
            if self.reporting and called and not isinstance(have.look_up(owner.path), have.Missing):
                self.report(node, f"{owner.path}.{name}", have.instance_lacks(owner.path, name))
            return TENSOR if name in ("weight", "bias") and ".nn." in owner.path else Method(owner, name)
        if isinstance(owner, UserInstance):
            return self.attributes.get((owner.of, name)) or Method(owner, name)
        if isinstance(owner, Each):
            return TENSOR if owner.element == TENSOR and name in kinds.RESULT_FIELDS else FOREIGN
        if owner in (UNKNOWN, UNSEEN):
            if self.reporting:
                self.unknown.add((getattr(node, "end_lineno", 0), getattr(node, "end_col_offset", 0)))
            return owner
        return FOREIGN

    def reach(self, owner: Named, name: str, node: ast.AST) -> Kind:
        """A name inside a module or class of PyTorch."""
        path = f"{owner.path}.{name}"
        if self.reporting and not isinstance(have.look_up(owner.path), have.Missing):
            found = have.look_up(path)
            self.report(node, path, found if isinstance(found, have.Missing) else None)
        return Named(path)

    def _call(self, node: ast.Call, scope: Scope) -> Kind:
        function = node.func
        arguments = [self.evaluate(one, scope) for one in node.args]
        for keyword in node.keywords:
            self.evaluate(keyword.value, scope)
        if isinstance(function, ast.Name) and scope.look(function.id) is None:
            return self.builtin(function.id, node, arguments)
        if isinstance(function, ast.Attribute):
            owner = self.evaluate(function.value, scope)
            called = self.attribute(owner, function.attr, function, called=True)
            if function.attr == "import_module" and owner == FOREIGN:
                return self.dynamic_import(node)
        else:
            called = self.evaluate(function, scope)
        by_dimension = any(keyword.arg in ("dim", "axis") for keyword in node.keywords)
        return self.result(called, len(arguments), by_dimension)

    def result(self, called: Kind, arguments: int, by_dimension: bool) -> Kind:
        """The kind that calling a kind gives."""
        if isinstance(called, Named):
            if is_class(called.path):
                return construct(called.path)
            return function_result(called.path, arguments, by_dimension)
        if isinstance(called, UserClass):
            return UserInstance(called)
        if isinstance(called, UserFunction):
            return self.returns.get(called, UNSEEN)
        if isinstance(called, UserInstance):
            called = self.attributes.get((called.of, "forward" if called.of.module else "__call__"), UNKNOWN)
            return self.returns.get(called, UNSEEN) if isinstance(called, UserFunction) else UNKNOWN
        if isinstance(called, Instance) and ".nn." in called.path:
            return UNKNOWN if called.path.rpartition(".")[2] in kinds.NOT_ONE_TENSOR else TENSOR
        if isinstance(called, Method):
            return self.method(called, arguments, by_dimension)
        return UNSEEN if called == UNSEEN else UNKNOWN

    @staticmethod
    def method(called: Method, arguments: int, by_dimension: bool) -> Kind:
        if called.owner == TENSOR:
            return kinds.method_result(called.name, arguments, by_dimension)
        module = isinstance(called.owner, Instance) or isinstance(called.owner, UserInstance) and called.owner.of.module
        if module and called.name in ("parameters", "buffers"):
            return Each(TENSOR)
        if module and called.name in ("named_parameters", "named_buffers"):
            return Each(Several((FOREIGN, TENSOR)))
        if module and called.name in kinds.FLUENT:
            return called.owner
        return UNKNOWN

    def builtin(self, name: str, node: ast.Call, arguments: list[Kind]) -> Kind:
        """A call of a built-in function."""
        if name in ("getattr", "hasattr", "setattr", "delattr") and len(node.args) > 1:
            return self.named_at_run_time(name, node, arguments[0])
        if name in ("exec", "eval", "__import__"):
            self.cannot_see(node, f"code made at run time ({name})")
        if name == "enumerate" and arguments:
            return Each(Several((FOREIGN, iterate(arguments[0]))))
        if name == "zip":
            return Each(Several(tuple(iterate(one) for one in arguments)))
        if name in ("list", "tuple", "reversed", "iter", "sorted") and arguments:
            return Each(iterate(arguments[0]))
        if name in ("next", "sum") and arguments:
            return iterate(arguments[0])
        return FOREIGN if name in kinds.PLAIN_BUILTINS else UNKNOWN

    def named_at_run_time(self, function: str, node: ast.Call, owner: Kind) -> Kind:
        """getattr and its kin: a constant name is an attribute like another; a computed one cannot be seen."""
        key = node.args[1]
        if not (isinstance(key, ast.Constant) and isinstance(key.value, str)):
            if owner == TENSOR or isinstance(owner, Named):
                self.cannot_see(node, f"{function} with a name made at run time")
            return UNKNOWN
        if function == "hasattr":
            self.probed.add(key.value)
            return FOREIGN
        if function != "getattr":
            self.stored.add(key.value)
            return FOREIGN
        self.guards += len(node.args) > 2
        kind = self.attribute(owner, key.value, node)
        self.guards -= len(node.args) > 2
        return kind

    def dynamic_import(self, node: ast.Call) -> Kind:
        """importlib.import_module: a constant name is an import like another."""
        name = node.args[0] if node.args else None
        if isinstance(name, ast.Constant) and isinstance(name.value, str):
            return self.import_path(name.value, node)
        self.cannot_see(node, "an import with a name made at run time")
        return UNKNOWN

    def import_path(self, name: str, node: ast.AST) -> Kind:
        """The kind of an imported module, with a report if it is PyTorch's and Headgate lacks it."""
        if name.partition(".")[0] not in (have.THEIRS, have.OURS):
            return FOREIGN
        if self.reporting:
            found = have.look_up(name)
            self.report(node, name, found if isinstance(found, have.Missing) else None)
        return Named(name)

    # -- operators and literals -----------------------------------------------------------------------------------

    def _constant(self, node: ast.Constant, scope: Scope) -> Kind:
        return UNSEEN if node.value is None else FOREIGN

    def _joinedstr(self, node: ast.JoinedStr, scope: Scope) -> Kind:
        self.inside(node, scope)
        return FOREIGN

    def _binop(self, node: ast.BinOp, scope: Scope) -> Kind:
        return mixed(self.evaluate(node.left, scope), self.evaluate(node.right, scope))

    def _compare(self, node: ast.Compare, scope: Scope) -> Kind:
        kind = self.evaluate(node.left, scope)
        for one in node.comparators:
            kind = mixed(kind, self.evaluate(one, scope))
        plain = any(isinstance(one, (ast.Is, ast.IsNot, ast.In, ast.NotIn)) for one in node.ops)
        return FOREIGN if plain else kind

    def _unaryop(self, node: ast.UnaryOp, scope: Scope) -> Kind:
        kind = self.evaluate(node.operand, scope)
        return FOREIGN if isinstance(node.op, ast.Not) else kind

    def _boolop(self, node: ast.BoolOp, scope: Scope) -> Kind:
        return self.joined(node.values, scope)

    def _ifexp(self, node: ast.IfExp, scope: Scope) -> Kind:
        self.evaluate(node.test, scope)
        return self.joined([node.body, node.orelse], scope)

    def joined(self, nodes: list[ast.expr], scope: Scope) -> Kind:
        kind: Kind = UNSEEN
        for one in nodes:
            kind = join(kind, self.evaluate(one, scope))
        return kind

    def _subscript(self, node: ast.Subscript, scope: Scope) -> Kind:
        owner = self.evaluate(node.value, scope)
        self.evaluate(node.slice, scope)
        if isinstance(node.slice, ast.Slice) and isinstance(owner, (Each, Several)):
            return Each(iterate(owner))
        index = getattr(node.slice, "value", None)
        if isinstance(owner, Several) and isinstance(index, int) and index < len(owner.elements):
            return owner.elements[index]
        return iterate(owner)

    def _tuple(self, node: ast.Tuple, scope: Scope) -> Kind:
        parts = tuple(self.evaluate(one, scope) for one in node.elts)
        return UNKNOWN if any(isinstance(one, ast.Starred) for one in node.elts) else Several(parts)

    def _list(self, node: ast.List, scope: Scope) -> Kind:
        return Each(self.joined(node.elts, scope))

    def _starred(self, node: ast.Starred, scope: Scope) -> Kind:
        return iterate(self.evaluate(node.value, scope))

    def _namedexpr(self, node: ast.NamedExpr, scope: Scope) -> Kind:
        kind = self.evaluate(node.value, scope)
        scope.add(node.target.id, kind)
        return kind

    # -- expressions with names of their own ----------------------------------------------------------------------

    def _listcomp(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp, scope: Scope) -> Kind:
        return Each(self.evaluate(node.elt, self.generators(node.generators, scope)))

    _setcomp = _generatorexp = _listcomp

    def _dictcomp(self, node: ast.DictComp, scope: Scope) -> Kind:
        inner = self.generators(node.generators, scope)
        self.evaluate(node.key, inner)
        self.evaluate(node.value, inner)
        return UNKNOWN

    def generators(self, generators: list[ast.comprehension], scope: Scope) -> Scope:
        inner = Scope(scope, immediate=True)
        for one in generators:
            self.bind(one.target, iterate(self.evaluate(one.iter, inner)), inner)
            for test in one.ifs:
                self.evaluate(test, inner)
        return inner

    def _lambda(self, node: ast.Lambda, scope: Scope) -> Kind:
        inner = Scope(scope, immediate=True)
        spec = node.args
        for one in [*spec.posonlyargs, *spec.args, *spec.kwonlyargs, spec.vararg, spec.kwarg]:
            if one is not None:
                inner.add(one.arg, UNKNOWN)
        for default in [*spec.defaults, *spec.kw_defaults]:
            self.evaluate(default, scope)
        self.evaluate(node.body, inner)
        return FUNCTION

    def bind(self, target: ast.AST, kind: Kind, scope: Scope) -> None:
        """Give a kind to what stands on the left of an assignment."""
        if isinstance(target, ast.Name):
            scope.add(target.id, kind)
        elif isinstance(target, (ast.Tuple, ast.List)):
            known = isinstance(kind, Several) and len(kind.elements) == len(target.elts)
            parts = kind.elements if known else [iterate(kind)] * len(target.elts)  # type: ignore[union-attr]
            for one, part in zip(target.elts, parts):
                self.bind(one, part, scope)
        elif isinstance(target, ast.Starred):
            self.bind(target.value, Each(kind), scope)
        elif isinstance(target, ast.Attribute):
            owner = self.evaluate(target.value, scope)
            if isinstance(owner, UserInstance):
                key = (owner.of, target.attr)
                self.attributes[key] = join(self.attributes.get(key, UNSEEN), kind)
            else:
                self.stored.add(target.attr)
        else:
            self.evaluate(target, scope)


def mixed(one: Kind, other: Kind) -> Kind:
    """The kind of an arithmetic result: a tensor if either side is one."""
    if TENSOR in (one, other):
        return TENSOR
    if UNSEEN in (one, other):
        return UNSEEN
    return FOREIGN if one == other == FOREIGN else UNKNOWN
