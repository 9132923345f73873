"""The pages that are generated say what there is."""

import importlib.util
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"


def test_operations_page_is_current() -> None:
    spec = importlib.util.spec_from_file_location("operations", DOCS / "operations.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.TARGET.read_text(encoding="utf-8") == module.text(), "run `python docs/operations.py`"
