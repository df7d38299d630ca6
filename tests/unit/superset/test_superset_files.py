# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a bundle's files may come from: a directory, a ZIP file, several of them."""

import zipfile

import pytest

from ansible_collections.cht.sync.plugins.module_utils._superset_files import BundleError, read_layers, read_source


def zipped(path, files):
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return str(path)


def test_a_directory(tmp_path, bundle):
    for path, text in {**bundle.files(), "README.md": "x", ".git/config": "x"}.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    assert read_source(str(tmp_path)) == bundle.files()
    (tmp_path / "charts" / "z.yaml").write_bytes(b"\xff")
    with pytest.raises(BundleError, match="charts/z.yaml is not UTF-8"):
        read_source(str(tmp_path))


@pytest.mark.parametrize("root", ["", "dashboard_export_20261128T192400/"])
def test_a_zip_file(tmp_path, bundle, root):
    """With the directory around all that Superset puts there, and without."""
    path = zipped(tmp_path / "x.zip", {root + name: text for name, text in bundle.files().items()})
    assert read_source(path) == bundle.files()


def test_what_is_neither(tmp_path):
    with pytest.raises(BundleError, match="none is neither a directory nor a ZIP file"):
        read_source(str(tmp_path / "none"))
    (tmp_path / "x.zip").write_text("a: 1")
    with pytest.raises(BundleError, match="x.zip is no ZIP file"):
        read_source(str(tmp_path / "x.zip"))
    with pytest.raises(BundleError, match="empty.zip is a ZIP file without files"):
        read_source(zipped(tmp_path / "empty.zip", {}))


def test_several_stay_apart(tmp_path):
    sources = [zipped(tmp_path / f"{name}.zip", {"charts/x.yaml": name}) for name in "ab"]
    assert read_layers(sources) == {
        "layers": [{"source": source, "files": {"charts/x.yaml": name}} for source, name in zip(sources, "ab")]
    }
