"""What calls touch outside the process: files, folders, databases, other programs."""

from __future__ import annotations

import ast
import re
from typing import Literal

Touch = Literal["reads", "writes"]


def touches(node: ast.Call, called: str, path: str) -> Touch | None:
    """Tell what a call does outside the process.

    ``called`` is the name of the function or method, ``path`` its full name where it was imported.
    """
    module = path.partition(".")[0]
    if isinstance(node.func, ast.Attribute) and getattr(node.func.value, "attr", "") == "str":
        return None  # of a column of texts
    if module == "subprocess" or (module == "os" and called.startswith(("exec", "popen", "spawn"))):
        return "writes"
    if called in _OPENS:
        return _opened(node, called, path)
    if called in _EXECUTES:
        return _executed(node)
    if called in _MOVES:
        # Frames, texts and lists have methods of these names too.
        of_path = called in _MOVES_OF_PATHS and _is_method_of_path(node)
        return "writes" if module in ("os", "shutil") or of_path else None
    if called in WRITES or (module == "shutil" and called not in READS):
        return "writes"
    if called == "basicConfig":
        return "writes" if any(k.arg == "filename" for k in node.keywords) else None
    return "reads" if called in READS else None


def _is_method_of_path(node: ast.Call) -> bool:
    one = len(node.args) == 1 and not node.keywords
    return isinstance(node.func, ast.Attribute) and one and not isinstance(node.args[0], ast.Dict)


def _opened(node: ast.Call, called: str, path: str) -> Touch:
    modes = _OPENS[called]
    writes = set("wax+")
    if path in ("shelve.open", "dbm.open"):
        modes, writes = ("flag", "writeback"), set("cwn")
    mode: ast.expr | None = next((k.value for k in node.keywords if k.arg in modes), None)
    is_function = isinstance(node.func, ast.Name) or bool(path) or called[:1].isupper()
    position = 1 if is_function else 0
    if mode is None and len(node.args) > position:
        mode = node.args[position]
    if mode is None:
        return "writes" if "c" in writes or called in _WRITERS else "reads"
    is_text = isinstance(mode, ast.Constant) and isinstance(mode.value, str)
    return "reads" if is_text and not set(ast.literal_eval(mode)) & writes else "writes"


def _executed(node: ast.Call) -> Touch | None:
    """Tell what a statement of SQL does, as far as its text is there."""
    match node.args[:1]:
        case [ast.Constant(value=str(text))]:
            return "reads" if _QUERY.match(text) else "writes"
        case []:
            return None
    return "writes"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_QUERY = re.compile(r"\s*(?:select|with|pragma|explain|show|describe)\b", re.IGNORECASE)
_WRITERS = _words("ExcelWriter FileHandler RotatingFileHandler")
_MODE: tuple[str, ...] = ("mode", "flag")
_OPENS = dict.fromkeys(
    _WRITERS | _words("open File ZipFile TarFile HDFStore FileIO memmap open_memmap"), _MODE
)
_EXECUTES = _words("execute executemany executescript")
_MOVES = _words("rename replace remove removedirs truncate link utime chmod copy copy2")
_MOVES_OF_PATHS = _words("rename replace chmod")

WRITES = _words(
    """
    to_csv to_parquet to_pickle to_json to_excel to_feather to_hdf to_sql to_stata to_orc savefig
    save dump write_text write_bytes mkdir makedirs unlink rmtree renames savez savez_compressed
    savetxt tofile save_model urlretrieve copyfile copyfileobj copytree move symlink symlink_to
    hardlink_to touch rmdir write_image write_html system check_call check_output Popen make_archive
    unpack_archive extractall write_csv write_parquet mkstemp mkdtemp commit to_file
    save_pretrained save_weights imsave imwrite to_netcdf to_zarr mkfifo download
    """
)
READS = _words(
    """
    load loadtxt genfromtxt fromfile read_text read_bytes exists is_file is_dir isfile isdir islink
    listdir glob iglob rglob iterdir scandir walk stat lstat getsize getmtime access readlink
    samefile read_csv read_parquet read_pickle read_json read_excel read_feather read_hdf read_sql
    read_sql_query read_sql_table read_table read_html read_orc read_stata read_xml
    read_fwf read_file load_model load_dataset connect imread from_pretrained disk_usage which
    """
)
"""Methods and functions that touch files: steps that use them keep the order of the notebook."""
