"""Archives of submissions: nothing leaves the folder, nothing unpacks without end, a student's tricks are their own."""

import io
import stat
import struct
import tarfile
import zipfile

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grading import intake
from grading.cli import main
from grading.intake import IntakeError

from .conftest import tiny_notebook

NAME = "tiny/tiny.ipynb"
GOOD = nbformat.writes(tiny_notebook()).encode()


def pack(path, entries, **options):
    """Write a zip archive of (name or ZipInfo, data)."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data, **options)
    return path


def unpacked(folder):
    """Return every file below a folder, as text."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def link(name):
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def test_only_the_notebooks_of_the_problem_set_are_taken(tmp_path):
    entries = [
        (f"submitted/ada/{NAME}", GOOD),
        (f"ben/{NAME}", b"{}"),
        ("ben/tiny/numpy/__init__.py", b"raise SystemExit"),
        ("ben/other/other.ipynb", GOOD),
        ("cy/tiny/Tiny.ipynb", GOOD),
        ("tiny.ipynb", GOOD),
    ]
    into = tmp_path / "into"
    assert intake.unpack(pack(tmp_path / "c.zip", entries), "tiny", into) == ["ada", "ben"]
    assert unpacked(into) == {f"ada/{NAME}": GOOD, f"ben/{NAME}": b"{}"}


@pytest.mark.parametrize("name", ["../../x", "/x", "..\\..\\x", "C:\\x", "C:/x", "x/../..", "a/.."])
def test_no_name_leads_out_of_the_folder(tmp_path, name):
    into = tmp_path / "a" / "b" / "into"
    archive = pack(tmp_path / "c.zip", [(f"{name}/{NAME}", b"out"), (f"ada/{NAME}", GOOD)])
    before = {p for p in tmp_path.rglob("*") if p.is_file()}
    students = intake.unpack(archive, "tiny", into)
    assert {p for p in tmp_path.rglob("*") if p.is_file()} - before == {into / student / NAME for student in students}
    assert (into / "ada" / NAME).read_bytes() == GOOD


@settings(max_examples=60, deadline=None)
@given(names=st.lists(st.text(st.sampled_from(list("ab./\\:\0\n ~é")), min_size=1, max_size=12), max_size=4))
def test_whatever_the_names_files_stay_in_their_students_folders(tmp_path_factory, names):
    folder = tmp_path_factory.mktemp("c")
    into = folder / "x" / "into"
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in names:
            info = tarfile.TarInfo(f"{name}/{NAME}".replace("\0", ""))
            info.size = 2
            archive.addfile(info, io.BytesIO(b"{}"))
    (folder / "c.tar").write_bytes(data.getvalue())
    students = intake.unpack(folder / "c.tar", "tiny", into)
    written = {p for p in folder.rglob("*") if p.is_file()} - {folder / "c.tar"}
    assert written <= {into / s / "tiny" / n for s in students for n in ("tiny.ipynb", intake.REFUSED)}
    assert len(written) == len(students)


def test_links_are_refused_and_named(tmp_path):
    into = tmp_path / "into"
    zipped = pack(tmp_path / "c.zip", [(link(f"ada/{NAME}"), b"/etc/passwd"), (f"ben/{NAME}", GOOD)])
    assert intake.unpack(zipped, "tiny", into) == ["ada", "ben"]
    with pytest.raises(IntakeError, match=r"refused when it was unpacked: ada/tiny/tiny\.ipynb is a link or device"):
        intake.read("ada", into / "ada" / NAME)
    with tarfile.open(tmp_path / "c.tar.gz", "w:gz") as archive:
        for kind, student in ((tarfile.SYMTYPE, "cy"), (tarfile.LNKTYPE, "dot"), (tarfile.FIFOTYPE, "eve")):
            info = tarfile.TarInfo(f"{student}/{NAME}")
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
    assert intake.unpack(tmp_path / "c.tar.gz", "tiny", into) == ["cy", "dot", "eve"]
    for student in ("cy", "dot", "eve"):
        with pytest.raises(IntakeError, match="link or device"):
            intake.read(student, into / student / NAME)
    assert not [p for p in into.rglob("*") if p.is_symlink()]


def test_a_bomb_is_not_unpacked(tmp_path, monkeypatch):
    read = []
    original = intake._read_entry
    monkeypatch.setattr(intake, "_read_entry", lambda *a: read.append(len(original(*a))) or original(*a))
    archive = pack(tmp_path / "c.zip", [(f"ada/{NAME}", bytes(200 * 2**20)), (f"ben/{NAME}", GOOD)])
    assert archive.stat().st_size < 2**20
    assert intake.unpack(archive, "tiny", tmp_path / "into") == ["ada", "ben"]
    with pytest.raises(IntakeError, match="unpacks to more than the 10485760 bytes that are allowed"):
        intake.read("ada", tmp_path / "into/ada" / NAME)
    assert max(read) == intake.MAX_BYTES + 1


def test_an_entry_that_lies_about_its_size_is_that_students_trouble(tmp_path):
    archive = pack(tmp_path / "c.zip", [(f"ada/{NAME}", GOOD), (f"ben/{NAME}", GOOD)], compress_type=zipfile.ZIP_STORED)
    data = bytearray(archive.read_bytes())
    first = data.index(GOOD)
    data[first : first + 4] = b"oops"  # its checksum is that of other bytes
    archive.write_bytes(bytes(data))
    assert intake.unpack(archive, "tiny", tmp_path / "into") == ["ada", "ben"]
    with pytest.raises(IntakeError, match="cannot be unpacked: Bad CRC-32"):
        intake.read("ada", tmp_path / "into/ada" / NAME)
    assert intake.read("ben", tmp_path / "into/ben" / NAME).cells


def test_an_entry_with_a_password_is_that_students_trouble(tmp_path):
    archive = pack(tmp_path / "c.zip", [(f"ada/{NAME}", GOOD), (f"ben/{NAME}", GOOD)])
    data = bytearray(archive.read_bytes())
    for signature, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        place = data.index(signature) + flags
        data[place : place + 2] = struct.pack("<H", 1)
    archive.write_bytes(bytes(data))
    assert intake.unpack(archive, "tiny", tmp_path / "into") == ["ada", "ben"]
    with pytest.raises(IntakeError, match=r"cannot be unpacked: .* password required"):
        intake.read("ada", tmp_path / "into/ada" / NAME)


def test_two_notebooks_of_one_student_are_nobodys_choice(tmp_path):
    archive = pack(tmp_path / "c.zip", [(f"x/ada/{NAME}", GOOD), (f"y/ada/{NAME}", b"{}")])
    intake.unpack(archive, "tiny", tmp_path / "into")
    with pytest.raises(IntakeError, match=r"two notebooks of this student, x/ada/\S+ and y/ada/\S+: take one out"):
        intake.read("ada", tmp_path / "into/ada" / NAME)


def test_a_better_archive_takes_the_place_of_what_was_refused(tmp_path):
    intake.unpack(pack(tmp_path / "a.zip", [(link(f"ada/{NAME}"), b"x")]), "tiny", tmp_path / "into")
    intake.unpack(pack(tmp_path / "b.zip", [(f"ada/{NAME}", GOOD)]), "tiny", tmp_path / "into")
    assert unpacked(tmp_path / "into") == {f"ada/{NAME}": GOOD}


@pytest.mark.parametrize(
    "content", [b"", b"PK", b"\x1f\x8b\x08\x00junk", GOOD], ids=["empty", "short", "gzip", "notebook"]
)
def test_what_is_no_archive_is_named(tmp_path, content, capsys):
    (tmp_path / "c.zip").write_bytes(content)
    with pytest.raises(IntakeError, match=r"c\.zip (is neither a folder nor a zip or tar archive|cannot be unpacked)"):
        intake.unpack(tmp_path / "c.zip", "tiny", tmp_path / "into")


def test_too_many_entries_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(intake, "MAX_ENTRIES", 3)
    entries = [(f"s{i}/{NAME}", b"{}") for i in range(4)]
    with pytest.raises(IntakeError, match="4 entries; 3 are allowed"):
        intake.unpack(pack(tmp_path / "c.zip", entries), "tiny", tmp_path / "into")


def test_a_class_is_graded_from_its_archive(tiny, tmp_path, capsys):
    archive = pack(tmp_path / "class.zip", [(f"ada/{NAME}", GOOD), (link(f"ben/{NAME}"), b"/etc/passwd")])
    arguments = ["grade", "tiny", "--workers", "1", "--solutions", str(tiny.folder.parent), "--submitted", str(archive)]
    assert main(arguments) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "2 submissions, now in" in said
    assert "ben: refused when it was unpacked: ben/tiny/tiny.ipynb is a link or device" in said
    assert (tmp_path / "class/autograded/ada/tiny/tiny.ipynb").is_file()
    assert (tmp_path / "class/gradebook.db").is_file()
    pack(tmp_path / "none.zip", [("readme.txt", b"")])
    assert main([*arguments[:-1], str(tmp_path / "none.zip")]) == 2
    assert "none.zip has no <student>/tiny/tiny.ipynb" in " ".join(capsys.readouterr().err.split())
