"""Pickles of lists, mappings, texts and numbers alone, as data: nothing in the file can name code."""

import io
import pickle
from pathlib import Path
from typing import Any

from workbench.errors import DataError
from workbench.inputs import read_bytes

_DATA = """
    PROTO FRAME STOP MARK POP POP_MARK NONE NEWTRUE NEWFALSE INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT
    STRING BINSTRING SHORT_BINSTRING UNICODE BINUNICODE BINUNICODE8 SHORT_BINUNICODE EMPTY_LIST LIST APPEND APPENDS
    EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 EMPTY_DICT DICT SETITEM SETITEMS GET BINGET LONG_BINGET PUT BINPUT
    LONG_BINPUT MEMOIZE
"""
"""The instructions that make data. Those that import, call or build objects are not among them."""


class _DataReader(pickle._Unpickler):
    # The reader in C would allocate as much memory as a file claims to need for its memo.
    dispatch = {  # noqa: RUF012 - a mapping of the class in the standard library
        code: pickle._Unpickler.dispatch[code] for code in (getattr(pickle, name)[0] for name in _DATA.split())
    }

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"it names {module}.{name}")


def read_plain_pickle(path: Path) -> Any:
    """What a pickle of plain data holds.

    Raises:
        DataError: It is damaged, or holds anything but lists, mappings, texts and numbers.
    """
    try:
        return _DataReader(io.BytesIO(read_bytes(path)), encoding="utf-8").load()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}).") from error
    except Exception as error:  # Whatever a damaged file makes of the reader, KeyError for an instruction that is none.
        raise DataError(
            f"{path}: is no pickle of plain lists, texts and numbers, and no other is read, since a pickle can run any "
            f"program. Save its content as JSON. ({type(error).__name__})"
        ) from error
