"""The verb that reproduces a run, and checks the evidence of it."""

from __future__ import annotations

from pathlib import Path

import click

from ..command import follow, verb
from ..views import View


@verb
@click.argument("run", default="latest", metavar="RUN|EXECUTED")
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0),
    default=1e-9,
    show_default=True,
    help="The relative difference of numbers that counts as none.",
)
@click.option("--keep", is_flag=True, help="Keep the clean place, to look into.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the evidence there too; it is kept in .mlops/reproductions/ in any case.",
)
@click.option("--same-environment", is_flag=True, help="Use this environment; make none anew.")
@click.option("--anyway", is_flag=True, help="Go on where data has changed or is gone.")
@click.option(
    "--verify",
    "evidence",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Run nothing: check an evidence file, and show what it says.",
)
@click.option("--key", metavar="PUBLIC", help="With --verify: a public key, or its fingerprint.")
def reproduce(
    run: str,
    tolerance: float,
    keep: bool,
    output: Path | None,
    same_environment: bool,
    anyway: bool,
    evidence: Path | None,
    key: str | None,
) -> View:
    """Run a run again in a clean place, compare each output, and sign what came of it.

    Environment, data and code are made anew as the run has recorded them. The exit code is 0 where
    all outputs are identical or within tolerance, else 1.
    """
    from ...reproduction.reproduce import Reproduction, verify
    from ...reproduction.reproduce import reproduce as start
    from ..reproduced import reproduced, verified

    if evidence is not None:
        return verified(verify(evidence, key), evidence, known=key is not None)
    if key is not None:
        raise click.UsageError("--key goes with --verify.")
    found = follow(
        start(
            run,
            tolerance=tolerance,
            keep=keep,
            output=output,
            same_environment=same_environment,
            anyway=anyway,
        )
    )
    assert isinstance(found, Reproduction)
    return reproduced(found)
