"""Show it: pictures of chains and of trainings."""

import os
from contextlib import suppress

# Pictures go to files, which no screen's backend has a part in. A notebook's kernel exports one all the same, and
# matplotlib does not even load where that is one it lacks.
_backend = os.environ.pop("MPLBACKEND", None)
try:
    import matplotlib
finally:
    if _backend is not None:
        os.environ["MPLBACKEND"] = _backend
if _backend:
    with suppress(ValueError):  # whoever shows figures besides has the backend that was asked for
        matplotlib.rcParams["backend"] = _backend
