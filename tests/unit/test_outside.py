"""Which calls touch files, and how."""

from __future__ import annotations

import pytest

from jupyter_mlops.notebook.dataflow import cell_code
from jupyter_mlops.notebook.document import Cell
from jupyter_mlops.notebook.namespace import Namespace
from tests.programs import notebook

IMPORTS = (
    "import gzip, os, shelve, shutil, sqlite3, subprocess, zipfile\nfrom pathlib import Path\n"
)
WRITES = """\
open('a', 'w')
open('a', mode)
gzip.open('a', 'wb')
path.open('a')
opened = open
os.remove('a')
os.replace('a', 'b')
path.replace('b')
path.rename('b')
shutil.copy('a', 'b')
subprocess.run(['touch', 'a'])
zipfile.ZipFile('a', 'w')
shelve.open('a')
db.execute('insert into t values (1)')
db.executemany(text, rows)
df.to_csv('a')
np.array([1]).tofile('a')
"""
READS = """\
open('a')
open('a', 'rb')
gzip.open('a')
path.open()
path.stat()
os.path.getsize('a')
zipfile.ZipFile('a')
shelve.open('a', 'r')
sqlite3.connect('a')
db.execute('select * from t')
pd.read_csv('a')
"""
NEITHER = """\
df.rename(columns={'a': 'b'})
text.replace('a', 'b')
df.replace({1: 2})
xs.remove(1)
df.a.str.extractall('(a)')
copy.copy(xs)
"""


def touched(line: str) -> str:
    cell = Cell("c2", 2, "code", line)
    book = notebook(("imports", IMPORTS), ("step:a", line))
    effects = Namespace().run(cell_code(cell, book).operations)
    if effects.writes_outside is not None:
        return "writes"
    return "reads" if effects.reads_outside is not None else "neither"


@pytest.mark.parametrize("line", WRITES.splitlines())
def test_writes(line: str) -> None:
    assert touched(line) == "writes"


@pytest.mark.parametrize("line", READS.splitlines())
def test_reads(line: str) -> None:
    assert touched(line) == "reads"


@pytest.mark.parametrize("line", NEITHER.splitlines())
def test_does_neither(line: str) -> None:
    assert touched(line) == "neither"
