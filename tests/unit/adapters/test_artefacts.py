"""Model files in folders named by what is in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from finalmile.adapters.local.artefacts import FolderArtefacts
from finalmile.errors import CorruptError, MissingInputError


@pytest.fixture
def artefacts(tmp_path: Path) -> FolderArtefacts:
    return FolderArtefacts(tmp_path / "models")


def model(folder: Path) -> None:
    (folder / "mean.txt").write_text("tree 1")
    (folder / "calibration").mkdir()
    (folder / "calibration" / "scores.parquet").write_bytes(b"\x00\x01")


def test_files_come_back_as_they_were_written(artefacts: FolderArtefacts):
    folder = artefacts.path(artefacts.put(model))
    assert (folder / "mean.txt").read_text() == "tree 1"
    assert (folder / "calibration" / "scores.parquet").read_bytes() == b"\x00\x01"


def test_the_same_files_have_the_same_digest_and_are_kept_once(artefacts: FolderArtefacts, tmp_path: Path):
    assert artefacts.put(model) == artefacts.put(model)
    assert len(list((tmp_path / "models").iterdir())) == 1


def test_a_file_under_another_name_is_another_artefact(artefacts: FolderArtefacts):
    one = artefacts.put(lambda folder: (folder / "a").touch())
    other = artefacts.put(lambda folder: (folder / "b").touch())
    assert one != other


def test_a_writer_that_fails_leaves_nothing(artefacts: FolderArtefacts, tmp_path: Path):
    def fails(folder: Path) -> None:
        model(folder)
        raise ArithmeticError("no convergence")

    with pytest.raises(ArithmeticError):
        artefacts.put(fails)
    assert list((tmp_path / "models").iterdir()) == []


def _flip(folder: Path) -> None:
    (folder / "mean.txt").write_text("tree 2")


def _remove(folder: Path) -> None:
    (folder / "mean.txt").unlink()


def _add(folder: Path) -> None:
    (folder / "more.txt").touch()


def _link(folder: Path) -> None:
    (folder / "more.txt").symlink_to("/etc/hostname")


def _manifest(folder: Path) -> None:
    (folder / "manifest.json").write_text("{}")


@pytest.mark.parametrize("tamper", [_flip, _remove, _add, _link, _manifest])
def test_a_changed_artefact_is_refused_even_after_it_was_read_once(artefacts: FolderArtefacts, tamper):
    digest = artefacts.put(model)
    tamper(artefacts.path(digest))
    with pytest.raises(CorruptError):
        artefacts.path(digest)


def test_files_and_manifest_changed_together_are_refused_too(artefacts: FolderArtefacts):
    digest, other = artefacts.put(model), artefacts.put(lambda folder: (folder / "mean.txt").write_text("x") and None)
    mine, theirs = artefacts.path(digest), artefacts.path(other)
    (mine / "calibration" / "scores.parquet").unlink()
    for name in ("mean.txt", "manifest.json"):
        (mine / name).write_bytes((theirs / name).read_bytes())
    with pytest.raises(CorruptError, match="does not belong to its folder"):
        artefacts.path(digest)


def test_training_again_mends_a_damaged_artefact(artefacts: FolderArtefacts):
    digest = artefacts.put(model)
    _flip(artefacts.path(digest))
    assert artefacts.put(model) == digest
    assert (artefacts.path(digest) / "mean.txt").read_text() == "tree 1"


@pytest.mark.parametrize("digest", ["", "..", "0" * 64, "../models", "A" * 64])
def test_a_digest_nobody_wrote_is_named(artefacts: FolderArtefacts, digest: str):
    with pytest.raises(MissingInputError, match="no artefact has the digest"):
        artefacts.path(digest)


def test_an_artefact_may_not_bring_its_own_manifest(artefacts: FolderArtefacts):
    with pytest.raises(ValueError, match=r"manifest\.json"):
        artefacts.put(lambda folder: (folder / "manifest.json").touch())


def test_what_crashed_writers_left_is_swept(artefacts: FolderArtefacts, tmp_path: Path):
    digest = artefacts.put(model)
    left = tmp_path / "models" / ".pending-x"
    left.mkdir()
    model(left)
    assert artefacts.sweep() == [left]
    assert artefacts.path(digest).is_dir()
