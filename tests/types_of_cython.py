"""A mypy plugin: in files that Cython compiles, `object` means what it means to Cython, any Python object.

There it is the only way to name a field or variable that may hold anything. Knows mypy alone, nothing of Headgate.
"""

from collections.abc import Callable

from mypy.plugin import AnalyzeTypeContext, Plugin
from mypy.types import AnyType, Type, TypeOfAny

COMPILED = ("headgate.core.", "headgate.ops.", "headgate.autograd.", "headgate.dtypes")


def any_object(context: AnalyzeTypeContext) -> Type:
    """Any in the rooms whose files are compiled, `object` elsewhere."""
    analyser = context.api.api  # type: ignore[attr-defined]
    if analyser.cur_mod_id.startswith(COMPILED):
        return AnyType(TypeOfAny.explicit)
    return analyser.named_type("builtins.object")


class CythonTypes(Plugin):
    """Reads the name `object` in annotations by `any_object`."""

    def get_type_analyze_hook(self, fullname: str) -> Callable[[AnalyzeTypeContext], Type] | None:
        return any_object if fullname == "builtins.object" else None


def plugin(version: str) -> type[Plugin]:
    """What mypy asks a plugin's file for."""
    return CythonTypes
