# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The library `requests`, which a target may lack."""

from __future__ import annotations

import traceback

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

try:
    import requests

    REQUESTS_ERROR = None
except ImportError:
    requests = None
    REQUESTS_ERROR = traceback.format_exc()


def require_requests(module: AnsibleModule) -> None:
    """Fails the module where requests is not installed on the target."""
    if requests is None:
        module.fail_json(
            msg=missing_required_lib("requests", reason="(Debian package python3-requests)"), exception=REQUESTS_ERROR
        )
