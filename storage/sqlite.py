"""sqlite-utils, without the pandas that it takes in wherever that is installed.

Nothing here gives it a frame of pandas, whose import costs every command a third of a second and 70 MB.
"""

import sys

_pandas = sys.modules.get("pandas")
sys.modules["pandas"] = None  # type: ignore[assignment] # an import of it now fails as if it were not there
try:
    from sqlite_utils import Database
finally:
    if _pandas is None:
        del sys.modules["pandas"]
    else:
        sys.modules["pandas"] = _pandas

__all__ = ["Database"]
