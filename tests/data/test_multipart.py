"""`multipart/form-data` bodies: they read back, and are the same each time."""

from __future__ import annotations

from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from typing import cast

from hypothesis import example, given
from hypothesis import strategies as st

from polydriver.data.multipart import FormFile, FormValue, encode_form, flatten_form

# Header names and values as they survive in an e-mail header; escapes have a test of their own.
TOKENS = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters='"\\%;=?'), min_size=1, max_size=30
)
FILES = st.builds(
    FormFile, st.binary(max_size=200), TOKENS, st.sampled_from(["image/png", "audio/wav", "application/jsonl"])
)
FIELDS = st.lists(st.tuples(TOKENS, st.one_of(st.text(st.characters(codec="utf-8"), max_size=50), FILES)), max_size=6)


def parts_of(content_type: str, body: bytes) -> list[EmailMessage]:
    raw = b"Content-Type: " + content_type.encode() + b"\r\nMIME-Version: 1.0\r\n\r\n" + body
    message = BytesParser(policy=policy.HTTP).parsebytes(raw)
    assert message.get_content_type() == "multipart/form-data"
    assert not message.defects
    return [cast(EmailMessage, part) for part in message.iter_parts()]


def content_of(body: bytes, content_type: str) -> list[bytes]:
    """Cut the body at its boundaries: the stdlib's parser normalises line ends, the wire must not."""
    mark = b"--" + content_type.partition("boundary=")[2].encode()
    pieces = (b"\r\n" + body).split(b"\r\n" + mark)
    assert pieces[0] == b""
    assert pieces[-1] == b"--\r\n"
    return [piece.partition(b"\r\n\r\n")[2] for piece in pieces[1:-1]]


@given(FIELDS)
@example([("<>", FormFile(b"", "<>", "image/png"))])
def test_a_form_reads_back(fields: list[tuple[str, FormValue]]) -> None:
    content_type, body = encode_form(fields)
    contents = content_of(body, content_type)
    assert contents == [value.encode() if isinstance(value, str) else value.data for _, value in fields]
    if not fields:
        return
    parts = parts_of(content_type, body)
    assert len(parts) == len(fields)
    for part, (name, value) in zip(parts, fields, strict=True):
        assert part.get_content_disposition() == "form-data"
        assert part["content-disposition"].params["name"] == name  # get_param and get_filename cut off < and >
        if isinstance(value, FormFile):
            assert part["content-disposition"].params["filename"] == value.name
            assert part.get_content_type() == value.media_type


def test_names_are_quoted_as_browsers_do() -> None:
    _, body = encode_form([('a"b', FormFile(b"x", 'ré"su\r\nmé.txt', "text/plain\r\nevil: 1"))])
    assert (
        b'name="a%22b"; filename="r\xc3\xa9%22su%0D%0Am\xc3\xa9.txt"\r\nContent-Type: text/plainevil: 1\r\n\r\n' in body
    )


def test_the_boundary_is_not_in_the_content_and_is_the_same_each_time() -> None:
    fields: list[tuple[str, FormValue]] = [("a", "b")]
    kind, body = encode_form(fields)
    assert (kind, body) == encode_form(fields)
    boundary = kind.partition("boundary=")[2]
    content = b"".join(body.split(b"--" + boundary.encode()))
    assert boundary.encode() not in content


def test_values_are_flattened() -> None:
    assert flatten_form("a", None) == []
    assert flatten_form("a", True) == [("a", "true")]
    assert flatten_form("a", 0.5) == [("a", "0.5")]
    assert flatten_form("a", ["x", "y"]) == [("a[]", "x"), ("a[]", "y")]
    assert flatten_form("a", {"b": {"c": 1}}) == [("a[b][c]", "1")]
