"""What S3 servers answer, as typed errors: what passes is tried again, what stays is told with what to do."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError
from s3fs.errors import translate_boto_error

from isomanager.errors import StoreError, StoreUnavailable
from isomanager.storage.s3_errors import as_store_error, s3_errors


def answer(code: str, message: str = "said so") -> OSError:
    """The error as s3fs hands it on."""
    error = translate_boto_error(ClientError({"Error": {"Code": code, "Message": message}}, "PutObject"))
    assert isinstance(error, OSError)
    return error


@pytest.mark.parametrize(
    ("code", "ours", "word"),
    [
        ("ExpiredToken", "credentials", "expired"),
        ("TokenRefreshRequired", "credentials", "expired"),
        ("InvalidAccessKeyId", "credentials", "access key"),
        ("SignatureDoesNotMatch", "credentials", "secret"),
        ("RequestTimeTooSkewed", "clock", "time server"),
        ("AccessDenied", "no-permission", "s3:PutObject"),
        ("QuotaExceeded", "no-space", "quota"),
        ("XMinioStorageFull", "no-space", "space"),
        ("NoSuchBucket", "missing", "Create the bucket"),
        ("PermanentRedirect", "configuration", "region"),
        ("MalformedXML", "store", ""),
    ],
)
def test_what_stays_wrong_is_permanent_and_says_what_to_do(code: str, ours: str, word: str) -> None:
    error = as_store_error(answer(code), "Writing 'x.iso'")
    assert isinstance(error, StoreError)
    assert (error.code, word in error.hint) == (ours, True)
    assert error.message.startswith("Writing 'x.iso' failed: said so")


@pytest.mark.parametrize(
    "code", ["SlowDown", "InternalError", "ServiceUnavailable", "RequestTimeout", "BadDigest", "503"]
)
def test_what_may_pass_is_tried_again(code: str) -> None:
    assert isinstance(as_store_error(answer(code), "Writing"), StoreUnavailable)


def test_a_server_that_is_not_reached_and_keys_that_are_not_there_are_told_apart() -> None:
    away = as_store_error(EndpointConnectionError(endpoint_url="http://127.0.0.1:9"), "Reading")
    assert isinstance(away, StoreUnavailable)
    assert as_store_error(NoCredentialsError(), "Reading").code == "credentials"


def test_an_error_of_ours_passes_as_it_is() -> None:
    with pytest.raises(StoreError) as same, s3_errors("Reading"):
        raise StoreError("mine", code="changed")
    assert same.value.code == "changed"
