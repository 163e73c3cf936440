"""Imported by Python at its start, because ``diag run`` puts this folder into PYTHONPATH.

Loads ``diag.inside`` under a name of its own, and then the sitecustomize that this one hides.
"""

import importlib.util
import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - pathlib is not light


def _load_recorder() -> None:
    package = os.path.dirname(_HERE)  # noqa: PTH120
    spec = importlib.util.spec_from_file_location(
        "_diag_inside",
        os.path.join(package, "__init__.py"),  # noqa: PTH118
        submodule_search_locations=[package],
    )
    if spec is None or spec.loader is None:
        return
    module = importlib.util.module_from_spec(spec)
    sys.modules["_diag_inside"] = module
    spec.loader.exec_module(module)
    importlib.import_module("_diag_inside.library_import").watch()


def _import_hidden() -> None:
    sys.path[:] = [each for each in sys.path if os.path.abspath(each or ".") != _HERE]  # noqa: PTH100
    own = sys.modules.pop("sitecustomize", None)
    try:
        importlib.import_module("sitecustomize")
    except ModuleNotFoundError:
        if own is not None:
            sys.modules["sitecustomize"] = own


if os.environ.get("DIAG_RUN_SOCKET"):
    try:
        _load_recorder()
    except Exception as error:  # the program must run as it does without diag
        sys.stderr.write(f"diag: not recording this process: {error}\n")
_import_hidden()
