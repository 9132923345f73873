"""The statements of a script, followed without running them: what each name is bound to, in every scope.

Within a scope a name has the kind that it was last given; where branches meet, the kind they agree on; seen from a
function inside, the kind that all its assignments agree on. Knows Python's statements; expressions are the business of
evaluate.py.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from headgate.compat import have, kinds
from headgate.compat.evaluate import Evaluator, Scope
from headgate.compat.kinds import (
    FOREIGN,
    FUNCTION,
    TENSOR,
    UNKNOWN,
    UNSEEN,
    Instance,
    Kind,
    Named,
    UserClass,
    UserFunction,
    UserInstance,
    is_class,
    iterate,
    join,
)

#: Exceptions whose handler shows that the script is ready for a name that is not there.
ABSENCE = frozenset(["ImportError", "ModuleNotFoundError", "AttributeError", "Exception", "BaseException"])
ROUNDS = 6  # kinds travel one assignment further in each


class Follower(Evaluator):
    """Follows a whole script: some rounds to learn the kinds, one to report."""

    def __init__(self) -> None:
        super().__init__()
        self.scopes: dict[ast.AST, Scope] = {}
        self.classes: dict[ast.AST, UserClass] = {}
        self.imported: dict[str, int] = {}  # other modules by name, with the line of their first import

    def follow(self, tree: ast.Module) -> None:
        """Learn, then report."""
        top = Scope()
        for number in range(ROUNDS + 1):
            self.reporting = number == ROUNDS
            top.now = {}
            self.body(tree.body, top)

    def body(self, statements: list[Any], scope: Scope) -> None:
        for one in statements:
            self.statement(one, scope)

    def statement(self, node: ast.AST, scope: Scope) -> None:
        """One statement: by its own rule, or its expressions and bodies in turn."""
        method: Any = getattr(self, f"do_{type(node).__name__}".lower(), None)
        if method is not None:
            method(node, scope)
            return
        for child in ast.iter_child_nodes(node):
            if isinstance(child, (ast.stmt, ast.withitem)):
                self.statement(child, scope)
            else:
                self.evaluate(child, scope)

    # -- bindings -------------------------------------------------------------------------------------------------

    def do_assign(self, node: ast.Assign, scope: Scope) -> None:
        kind = self.evaluate(node.value, scope)
        for target in node.targets:
            self.bind(target, kind, scope)

    def do_annassign(self, node: ast.AnnAssign, scope: Scope) -> None:
        kind = self.annotated(node.annotation, scope)
        value = self.evaluate(node.value, scope)
        self.bind(node.target, kind if kind != UNKNOWN else value, scope)

    def do_augassign(self, node: ast.AugAssign, scope: Scope) -> None:
        value = self.evaluate(node.value, scope)
        old = self.evaluate(node.target, scope)
        if isinstance(node.target, ast.Name):
            scope.add(node.target.id, TENSOR if TENSOR in (old, value) else UNSEEN if old == UNSEEN else old)

    # -- control flow ---------------------------------------------------------------------------------------------

    def do_if(self, node: ast.If, scope: Scope) -> None:
        self.evaluate(node.test, scope)
        self.branches([node.body, node.orelse], scope)

    def do_match(self, node: ast.Match, scope: Scope) -> None:
        self.evaluate(node.subject, scope)
        for case in node.cases:
            for part in ast.walk(case.pattern):
                name = getattr(part, "name", None) or getattr(part, "rest", None)
                if isinstance(name, str):
                    scope.add(name, UNKNOWN)
            self.evaluate(case.guard, scope)
        self.branches([*(case.body for case in node.cases), []], scope)

    def do_for(self, node: ast.For | ast.AsyncFor, scope: Scope) -> None:
        element = iterate(self.evaluate(node.iter, scope))
        self.loop(node, scope, lambda: self.bind(node.target, element, scope))

    do_asyncfor = do_for

    def do_while(self, node: ast.While, scope: Scope) -> None:
        self.loop(node, scope, lambda: self.evaluate(node.test, scope))

    def branches(self, parts: list[list[ast.stmt]], scope: Scope) -> None:
        """Ways of which one is taken: what holds after them is what those that go on agree on."""
        before, ends = scope.now, []
        for part in parts:
            scope.now = dict(before)
            self.body(part, scope)
            if not part or not isinstance(part[-1], (ast.Return, ast.Raise, ast.Continue, ast.Break)):
                ends.append(scope.now)
        scope.now = meet(ends) if ends else before

    def loop(self, node: ast.For | ast.AsyncFor | ast.While, scope: Scope, head: Callable[[], object]) -> None:
        """A loop's body twice: what its end gives is what its beginning sees, and only the second time is reported."""
        before, reporting = dict(scope.now), self.reporting
        for again in (False, True):
            self.reporting = reporting and again
            head()
            self.body(node.body, scope)
            scope.now = meet([before, scope.now])
        self.body(node.orelse, scope)

    def do_withitem(self, node: ast.withitem, scope: Scope) -> None:
        self.evaluate(node.context_expr, scope)
        if node.optional_vars is not None:
            self.bind(node.optional_vars, UNKNOWN, scope)

    def do_try(self, node: ast.Try, scope: Scope) -> None:
        """The body of a `try` that catches what a missing name raises is guarded."""
        caught = {one for handler in node.handlers for one in caught_names(handler)}
        guarded = bool(caught & ABSENCE)
        for handler in node.handlers:
            self.evaluate(handler.type, scope)
            if handler.name:
                scope.add(handler.name, FOREIGN)
        before = dict(scope.now)
        self.guards += guarded
        self.body(node.body, scope)
        self.guards -= guarded
        self.body(node.orelse, scope)
        after, scope.now = scope.now, meet([before, scope.now])
        self.branches([one.body for one in node.handlers] or [[]], scope)
        scope.now = meet([after, scope.now])
        self.body(node.finalbody, scope)

    do_trystar = do_try

    def do_global(self, node: ast.Global | ast.Nonlocal, scope: Scope) -> None:
        """A name that a function shares with an outer scope is not followed."""
        for name in node.names:
            scope.add(name, UNKNOWN)

    do_nonlocal = do_global

    # -- imports --------------------------------------------------------------------------------------------------

    def do_import(self, node: ast.Import, scope: Scope) -> None:
        for alias in node.names:
            kind = self.import_path(alias.name, node)
            first = alias.name.partition(".")[0]
            if kind == FOREIGN:
                self.imported.setdefault(first, node.lineno)
            elif alias.asname is None:
                kind = Named(first)
            scope.add(alias.asname or first, kind)

    def do_importfrom(self, node: ast.ImportFrom, scope: Scope) -> None:
        module = node.module or ""
        if node.level or module.partition(".")[0] not in (have.THEIRS, have.OURS):
            self.imported.setdefault(module.partition(".")[0] or node.names[0].name, node.lineno)
            for alias in node.names:
                scope.add(alias.asname or alias.name, FOREIGN if not node.level else UNKNOWN)
            return
        owner = self.import_path(module, node)
        for alias in node.names:
            if alias.name == "*":
                self.cannot_see(node, f"which names `from {module} import *` brings")
            elif isinstance(owner, Named):
                scope.add(alias.asname or alias.name, self.reach(owner, alias.name, node))

    # -- definitions ----------------------------------------------------------------------------------------------

    def do_functiondef(self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope) -> None:
        kind = self.function_kind(node, scope)
        scope.add(node.name, kind)
        for one in [*node.decorator_list, *node.args.defaults, *node.args.kw_defaults, node.returns]:
            self.evaluate(one, scope)
        inner = self.scopes.setdefault(node, Scope(scope))
        inner.now = dict.fromkeys(assigned(node.body), UNSEEN)
        self.parameters(node, scope, inner)
        inner.function = kind if isinstance(kind, UserFunction) else None
        self.body(node.body, inner)

    do_asyncfunctiondef = do_functiondef

    def function_kind(self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope) -> Kind:
        """A function whose result is followed: a plain one; a decorator, `async` or `yield` makes it another thing."""
        plain = isinstance(node, ast.FunctionDef) and not node.decorator_list
        if not plain or any(isinstance(one, (ast.Yield, ast.YieldFrom)) for one in ast.walk(node)):
            return FUNCTION
        kind = UserFunction(node.name, node.lineno)
        owner = scope.kinds.get("__class__") if scope.is_class else None
        if isinstance(owner, UserClass):
            self.attributes[owner, node.name] = kind
        return kind

    def do_return(self, node: ast.Return, scope: Scope) -> None:
        kind = self.evaluate(node.value, scope)
        if scope.function is not None:
            self.returns[scope.function] = join(self.returns.get(scope.function, UNSEEN), kind)

    def parameters(self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope, inner: Scope) -> None:
        """Bind a function's parameters: to what they are annotated with; the first of a method to the instance."""
        spec = node.args
        plain = [*spec.posonlyargs, *spec.args]
        for one in [*plain, *spec.kwonlyargs]:
            inner.add(one.arg, self.annotated(one.annotation, scope))
        for packed in (spec.vararg, spec.kwarg):
            if packed is not None:
                inner.add(packed.arg, UNKNOWN)
        owner = scope.kinds.get("__class__") if scope.is_class else None
        static = any(isinstance(one, ast.Name) and one.id == "staticmethod" for one in node.decorator_list)
        if isinstance(owner, UserClass) and plain and not static:
            inner.kinds[plain[0].arg] = inner.now[plain[0].arg] = UserInstance(owner)

    def do_classdef(self, node: ast.ClassDef, scope: Scope) -> None:
        bases = [self.evaluate(one, scope) for one in node.bases]
        for one in [*node.decorator_list, *(keyword.value for keyword in node.keywords)]:
            self.evaluate(one, scope)
        kind = self.classes.get(node)
        if kind is None or kind.module != any(map(is_module, bases)):
            kind = self.classes[node] = UserClass(node.name, node.lineno, any(map(is_module, bases)))
            scope.kinds.pop(node.name, None)  # learned anew, now that its base is known
        scope.add(node.name, kind)
        inner = self.scopes.setdefault(node, Scope(scope, is_class=True))
        inner.kinds["__class__"], inner.now = kind, {}
        self.body(node.body, inner)

    def annotated(self, node: ast.expr | None, scope: Scope) -> Kind:
        """The kind of a value annotated so: `torch.Tensor`, `Optional[Tensor]`, `Tensor | None`, a class, a string."""
        if node is None:
            return UNKNOWN
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            try:
                node = ast.parse(node.value, mode="eval").body
            except SyntaxError:
                return UNKNOWN
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            return join(self.annotated(node.left, scope), self.annotated(node.right, scope))
        if isinstance(node, ast.Subscript) and getattr(node.value, "id", "") == "Optional":
            return self.annotated(node.slice, scope)
        kind = self.evaluate(node, scope)
        if isinstance(kind, UserClass):
            return UserInstance(kind)
        if isinstance(kind, Named) and is_class(kind.path):
            return TENSOR if kind.path.rpartition(".")[2] in kinds.TENSOR_CLASSES else Instance(kind.path)
        return UNSEEN if isinstance(node, ast.Constant) and node.value is None else UNKNOWN


def meet(ends: list[dict[str, Kind]]) -> dict[str, Kind]:
    """What holds where several ways meet: for each name the kind that those which bind it agree on."""
    together: dict[str, Kind] = {}
    for end in ends:
        for name, kind in end.items():
            together[name] = join(together.get(name, UNSEEN), kind)
    return together


def is_module(base: Kind) -> bool:
    """Whether a class with this base is a module: torch.nn.Module, one of its layers, or a module of the script."""
    return isinstance(base, Named) and ".nn." in base.path or isinstance(base, UserClass) and base.module


def caught_names(handler: ast.ExceptHandler) -> list[str]:
    """The exceptions that a handler catches, by the last part of their names; a bare one catches all."""
    if handler.type is None:
        return ["BaseException"]
    parts = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return [ast.unparse(one).rpartition(".")[2] for one in parts]


def assigned(statements: list[ast.stmt]) -> set[str]:
    """The names that a function's own statements bind; those of functions and classes inside it are theirs."""
    names: set[str] = set()
    waiting: list[ast.AST] = list(statements)
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.Global, ast.Nonlocal)):
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.ListComp,
                                 ast.SetComp, ast.DictComp, ast.GeneratorExp)):  # fmt: skip
            waiting.extend(ast.iter_child_nodes(node))
    return names
