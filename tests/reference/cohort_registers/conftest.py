"""The twin is a package beside the tests that use it; its modules import each other as `register_twin`."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

_FOLDER = Path(__file__).with_name("twin")
_SPEC = spec_from_file_location("register_twin", _FOLDER / "__init__.py", submodule_search_locations=[str(_FOLDER)])
sys.modules["register_twin"] = module_from_spec(_SPEC)
_SPEC.loader.exec_module(sys.modules["register_twin"])
