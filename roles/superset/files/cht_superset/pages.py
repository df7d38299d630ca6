# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dashboards that are complete sooner: a browser gets the programs of the charts while it makes the page, and charts do not grow.

Superset asks for those programs when the data of the first chart is there, and a browser lets such requests wait for all those of data.
"""

from __future__ import annotations

from pathlib import Path

from flask import Flask
from jinja2 import ChoiceLoader, FileSystemLoader

_HERE = Path(__file__).parent
# What the shipped dashboards load of Superset 6.1.0, besides what is in its pages: a test in a browser says which are missing.
_SCRIPTS = """
    05addb45f9966def4730.chunk.js 1325d01c499449a619cd.chunk.js 1994613084a91700cdea.chunk.js 31de3dd70d56adf8a1ad.chunk.js
    39693f6488f09dcac2f9.chunk.js 3dbc09f150c73665169c.chunk.js 4fb14b890c096e4948ee.chunk.js 64278a6b5d79e06d59e7.chunk.js
    67f9b3d6b9840fdc21ac.chunk.js 6ee7d93f9cc5ccaa3009.chunk.js 7e6e5031a28b6756a45f.chunk.js 858a8ed0ab46cfe5187b.chunk.js
    88.5ff0a59a88e2c9038ade.entry.js 99bc3e1652b09419e20c.chunk.js 9fdeaa1255418845236f.chunk.js acb30b4be955128a0919.chunk.js
    ae41f571b493ba30512e.chunk.js ae9cde3b59cfeaa1a0fa.chunk.js b62ca0444f2a19fc48a5.chunk.js b948feda196ac28f26ed.chunk.js
    bc912ed2d996d966bf33.chunk.js d55a6a4d29b4d58b70bf.chunk.js d83ba2b1e18c0367d0bc.chunk.js da4cbff56cfb96f066e4.chunk.js
    dcc358efa55986fb97bb.chunk.js dcf461e9e129c345e980.chunk.js ddaae12625f5b9aeb7e0.chunk.js e32b897be9cbfcc3e1eb.chunk.js
    e5741290f2549a376f8e.chunk.js e96f17ea0cf4e393f72f.chunk.js
"""


def show_charts_early(app: Flask) -> None:
    """Names the scripts in the head of a dashboard's page, and draws each chart once instead of sixty times a second."""
    assets = Path(app.static_folder or "") / "assets"
    scripts = [script for script in _SCRIPTS.split() if (assets / script).exists()]
    app.jinja_loader = ChoiceLoader([FileSystemLoader(_HERE / "templates"), *([app.jinja_loader] if app.jinja_loader else [])])
    app.context_processor(lambda: {"cht_scripts": scripts})
    for theme in filter(None, (app.config["THEME_DEFAULT"], app.config["THEME_DARK"])):
        theme.setdefault("token", {}).setdefault("echartsOptionsOverrides", {"animation": False})
