"""Show it: pictures of chains and of trainings."""

import os
import sys
from contextlib import suppress
from importlib.util import find_spec

# Pictures go to files, which no screen's backend has a part in. A notebook's kernel exports one all the same, and
# matplotlib does not even load where that is one it lacks.
if "matplotlib" not in sys.modules and "MPLBACKEND" in os.environ and find_spec("matplotlib"):
    _backend = os.environ.pop("MPLBACKEND")
    try:
        import matplotlib
    finally:
        os.environ["MPLBACKEND"] = _backend
    if _backend:
        with suppress(ValueError):  # whoever shows figures besides has the backend that was asked for
            matplotlib.rcParams["backend"] = _backend
