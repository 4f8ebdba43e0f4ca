"""Cells that reach over the network."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from ..context import Context
from ..rule import Found, rule
from ..shell import SHELL

_CALLS = re.compile(
    r"""requests\.(?:get|post|put|patch|delete|head|request|Session)
    | httpx\.(?:get|post|put|patch|delete|head|request|Client|AsyncClient) | aiohttp\.ClientSession
    | urllib\.request\.(?:urlopen|urlretrieve) | urllib3\.PoolManager
    | sklearn\.datasets\.(?:fetch_\w+) | datasets\.load_dataset | seaborn\.load_dataset
    | boto3\.(?:client|resource|Session) | huggingface_hub\.(?:hf_hub_download|snapshot_download)
    | tensorflow_datasets\.load | kagglehub\.\w+ | gdown\.download | wget\.download
    | yfinance\.(?:download|Ticker) | openml\.datasets\.\w+ | nltk\.download
    | (?:ftplib\.FTP|paramiko\.SSHClient|smtplib\.SMTP(?:_SSL)?)""",
    re.VERBOSE,
)
_READERS = re.compile(
    r"pandas\.read_\w+|polars\.(?:read|scan)_\w+|dask\.dataframe\.read_\w+|numpy\.(?:load|loadtxt"
    r"|genfromtxt)|geopandas\.read_file|xarray\.open_\w+|fsspec\.open|pyarrow\.\w+\.read_table"
)
_ADDRESS = re.compile(r"(?:https?|ftp|s3a?|gs|gcs|abfss?|az|hdfs)://(?!localhost|127\.0\.0\.1)\S+")
_SHELL = re.compile(r"^(?:wget|curl|git\s+clone|aws\s+s3|gsutil|kaggle\s+\w+|ssh|scp|rsync)\s")


@rule(
    "network-use",
    "note",
    what="a call that reaches over the network",
    why="A run in production needs the address to answer, and what it answers may change.",
    fix="keep a copy of the data with the project where results must be repeatable.",
    example='`pd.read_csv("https://example.org/data.csv")`',
)
def network_use(context: Context) -> Iterator[Found]:
    for code, call, name in context.calls():
        written = ast.unparse(call.func)
        if _CALLS.fullmatch(name):
            yield Found(f"`{written}` reaches over the network", code.cell, call.lineno)
        elif _READERS.fullmatch(name) and call.args and (address := _address(call.args[0])):
            yield Found(f"`{written}` reads {address}", code.cell, call.lineno)
    for command in context.commands:
        if command.name == SHELL and _SHELL.match(command.text):
            text = command.text.split()[0]
            yield Found(f"`{text}` reaches over the network", command.cell, command.line)


def _address(node: ast.expr) -> str | None:
    for each in ast.walk(node):
        if (
            isinstance(each, ast.Constant)
            and isinstance(each.value, str)
            and (match := _ADDRESS.match(each.value))
        ):
            return match.group().split("?")[0][:80]
    return None
