# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The library PyYAML, which a target may lack."""

from __future__ import annotations

import traceback
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

try:
    import yaml

    YAML_ERROR = None
except ImportError:
    yaml = None
    YAML_ERROR = traceback.format_exc()


def require_yaml(module: AnsibleModule) -> None:
    """Fails the module where PyYAML is not installed on the target."""
    if yaml is None:
        module.fail_json(msg=missing_required_lib("PyYAML", reason="(Debian package python3-yaml)"), exception=YAML_ERROR)


def load(text: str | bytes) -> Any:
    """The value of a YAML document, by libyaml where PyYAML has it: an export of a hundred objects takes ten times as long else.

    Raises yaml.YAMLError.
    """
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
