"""The rules that come with the package; each module holds those of one subject."""

from __future__ import annotations

from ..rule import Rule
from . import (
    compilation,
    files,
    interaction,
    leakage,
    modules,
    names,
    network,
    patching,
    randomness,
    saved,
    secrets,
    tags,
)

RULES: tuple[Rule, ...] = (
    names.syntax_error,
    names.undefined_name,
    names.hidden_state,
    compilation.promotion_refused,
    compilation.promotion_notice,
    compilation.unpicklable,
    compilation.unused_step,
    tags.unknown_tag,
    secrets.secret,
    secrets.secret_in_output,
    modules.missing_module,
    modules.pip_install,
    files.absolute_path,
    files.missing_file,
    files.working_directory,
    network.network_use,
    randomness.unseeded_randomness,
    interaction.interactive,
    interaction.ends_the_run,
    patching.module_patch,
    leakage.fit_before_split,
    leakage.fit_on_test,
    leakage.target_as_feature,
    leakage.leaky_validation,
    saved.saved_error,
    saved.large_output,
)
"""In the order in which they are listed; findings are sorted by place."""
