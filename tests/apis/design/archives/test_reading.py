import contextlib
import io
import json
import stat
import time
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apis.design.archives import bundle_archive, declared_bytes, is_archive
from apis.design.archives.reading import MAX_ENTRIES, read_archive
from apis.design.problems import DesignError
from tests.apis.design.archives.test_bundling import FILES, HEAD, packed

DOCUMENT = HEAD + "paths: {}\n"


def refusal(data):
    with pytest.raises(DesignError) as caught:
        read_archive(data)
    return caught.value.code, str(caught.value)


def entry(name, text=DOCUMENT, **fields):
    info = zipfile.ZipInfo(name)
    info.compress_type = zipfile.ZIP_DEFLATED
    for field, value in fields.items():
        setattr(info, field, value)
    return info, text


def archive(*entries):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for info, text in entries:
            made.writestr(info, text)
    return out.getvalue()


@pytest.mark.parametrize(
    "name", ["../a.yaml", "a/../../b.yaml", "/etc/a.yaml", "C:/a.yaml", "..\\a.yaml", "a\x07.yaml"]
)
def test_names_that_lead_out_are_refused(name):
    code, text = refusal(archive(entry("openapi.yaml"), entry(name)))
    assert code == "archive-name"
    assert "a" in text


def test_symbolic_links_are_refused():
    code, text = refusal(archive(entry("a.yaml", "/etc/passwd", external_attr=(stat.S_IFLNK | 0o777) << 16)))
    assert (code, "a.yaml" in text) == ("archive-link", True)


def test_encrypted_and_rare_entries_are_refused():
    data = bytearray(packed({"a.yaml": DOCUMENT}))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    assert refusal(bytes(data))[0] == "archive-encrypted"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_LZMA) as made:
        made.writestr("a.yaml", DOCUMENT)
    assert refusal(out.getvalue())[0] == "archive-method"


def test_bombs_are_not_unpacked():
    started = time.perf_counter()
    code, text = refusal(archive(entry("a.yaml", "a" * 30_000_000)))
    assert code == "archive-bomb"
    assert "times" in text
    many = archive(*(entry(f"{n}.yaml", "") for n in range(MAX_ENTRIES + 1)))
    assert refusal(many)[0] == "archive-too-many"
    # A file says that it is short and is not: not a byte more than it says is read.
    lying = bytearray(archive(entry("a.yaml", "a" * 5_000_000)))
    at = lying.index(b"PK\x01\x02") + 24
    lying[at : at + 4] = (100).to_bytes(4, "little")
    assert refusal(bytes(lying))[0] == "archive-broken"
    assert time.perf_counter() - started < 20


def test_a_name_twice_is_refused():
    with pytest.warns(UserWarning, match="Duplicate name"):
        data = archive(entry("a.yaml"), entry("a.yaml", "other"))
    assert refusal(data)[0] == "archive-name"


def test_names_in_utf_8_are_read_whether_they_say_so_or_not():
    data = archive(entry("größe.yaml"))
    assert list(read_archive(data).files) == ["größe.yaml"]
    assert list(read_archive(data.replace(b"\x00\x08", b"\x00\x00", 2)).files)


def test_folders_hidden_files_other_kinds_and_nested_archives_are_not_read():
    data = archive(entry("a/", ""), entry("a/b.yaml"), entry("__MACOSX/._b.yaml"), entry(".x.yaml"), entry("c.zip"))
    found = read_archive(data)
    assert list(found.files) == ["a/b.yaml"]
    assert found.ignored == ("__MACOSX/._b.yaml", ".x.yaml", "c.zip")


def test_what_is_an_archive_and_how_much_it_holds():
    assert is_archive(packed({}))
    assert not is_archive(b"openapi: 3.1.0")
    assert declared_bytes(packed({"a.yaml": "x" * 100})) == 100
    assert declared_bytes(b"PK\x03\x04nonsense") == 0
    assert refusal(b"PK\x03\x04nonsense")[0] == "archive-broken"


GOOD = packed(FILES)


@settings(max_examples=150)
@given(
    st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), min_size=1, max_size=12),
    st.integers(0, 400),
)
def test_a_damaged_archive_is_read_or_refused_never_more(changes, cut):
    data = bytearray(GOOD)
    for place, value in changes:
        data[place] = value
    with contextlib.suppress(DesignError):
        bundle_archive(bytes(data[: len(data) - cut]))


NAMES = st.sampled_from(["openapi.yaml", "a.yaml", "b.json", "d/c.yaml"])
REFERENCES = st.builds(
    lambda name, fragment: name + fragment,
    st.sampled_from(["", "openapi.yaml", "a.yaml", "b.json", "d/c.yaml", "../a.yaml", "no.yaml"]),
    st.sampled_from(["", "#/a", "#/components/schemas/A", "#/paths", "#", "#/a/0"]),
)
TREES = st.recursive(
    st.builds(lambda reference: {"$ref": reference}, REFERENCES) | st.just({"type": "string"}),
    lambda inner: st.dictionaries(
        st.sampled_from(
            ["a", "properties", "paths", "/p", "get", "responses", "200", "schema", "content", "parameters", "items",
             "allOf", "components", "schemas", "A", "callbacks", "headers", "discriminator", "mapping", "$ref"]
        ),
        inner | st.lists(inner, max_size=2),
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=150)
@given(st.dictionaries(NAMES, TREES, max_size=4))
def test_any_files_end_in_a_document_or_a_refusal(files):
    texts = {name: json.dumps(tree) for name, tree in files.items()}
    root = {**files.get("openapi.yaml", {}), "openapi": "3.1.0"}
    texts["openapi.yaml"] = json.dumps(root)
    try:
        bundle = bundle_archive(packed(texts))
    except DesignError:
        return
    json.loads(bundle.text)
