"""What an S3 server or the way to it says, as our errors: the one table from its error codes to what the user can do.

Codes: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html; other servers use the same ones, and some of their
own for a full disk.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import botocore.exceptions

from isomanager.errors import IsoManagerError, StoreError, StoreUnavailable

_CREDENTIALS = {"InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidSecurity", "NotSignedUp"}
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "InvalidToken"}
_PERMISSION = {"AccessDenied", "403", "AllAccessDisabled", "AccountProblem", "MethodNotAllowed", "InvalidObjectState"}
_RIGHTS = {
    "HeadObject": "s3:GetObject",
    "GetObject": "s3:GetObject",
    "ListObjectsV2": "s3:ListBucket",
    "PutObject": "s3:PutObject",
    "CreateMultipartUpload": "s3:PutObject",
    "UploadPart": "s3:PutObject",
    "UploadPartCopy": "s3:PutObject, or s3:GetObject of what is copied",
    "CompleteMultipartUpload": "s3:PutObject",
    "AbortMultipartUpload": "s3:AbortMultipartUpload",
    "DeleteObject": "s3:DeleteObject",
    "ListParts": "s3:ListMultipartUploadParts",
    "ListMultipartUploads": "s3:ListBucketMultipartUploads",
}
"""Which right each request takes: https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html"""
_NO_SPACE = {
    "QuotaExceeded",
    "QuotaExceededException",
    "XMinioStorageFull",
    "InsufficientStorage",
    "507",
    "EntityTooLarge",
}
_GONE = {"NoSuchKey", "NoSuchUpload", "NoSuchVersion", "404"}
_ELSEWHERE = {"PermanentRedirect", "301", "307", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"}
_FOR_NOW = {
    "SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "OperationAborted", "ConditionalRequestConflict",
    "RequestLimitExceeded", "Throttling", "BadDigest", "IncompleteBody", "500", "502", "503", "504", "409",
}  # fmt: skip
PRECONDITION = {"PreconditionFailed", "412"}


@dataclass(frozen=True)
class _Meaning:
    codes: frozenset[str] | set[str]
    code: str
    hint: str


_MEANINGS = (
    _Meaning({"NoSuchBucket"}, "missing", "Create the bucket, or correct its name."),
    _Meaning(
        _CREDENTIALS,
        "credentials",
        "The access key or its secret is wrong: correct the block, the environment or ~/.aws/credentials.",
    ),
    _Meaning(_EXPIRED, "credentials", "The credentials have expired: renew them, then run it again."),
    _Meaning(
        {"RequestTimeTooSkewed"},
        "clock",
        "This machine's clock and the server's differ by too much: set them by a time server.",
    ),
    _Meaning(
        _PERMISSION,
        "no-permission",
        "The key's policy and the bucket's must allow s3:ListBucket, s3:GetObject, s3:PutObject, "
        "s3:DeleteObject, s3:AbortMultipartUpload, s3:ListBucketMultipartUploads and s3:ListMultipartUploadParts.",
    ),
    _Meaning(_NO_SPACE, "no-space", "Free some space or raise the quota, or choose another repository."),
    _Meaning(_GONE, "missing", ""),
    _Meaning(_ELSEWHERE, "configuration", "The bucket is in another region: name its region."),
    _Meaning(PRECONDITION, "changed", "Something else wrote there at the same time."),
)


def code_of(error: BaseException) -> str:
    """The server's own code for an error that it answered with, "" for any other error."""
    return _answered(error, "Code")


def _answered(error: BaseException, what: str) -> str:
    for one in (error, error.__cause__):
        response = getattr(one, "response", None)
        if isinstance(response, dict):
            return str(response.get("Error", {}).get(what, ""))
    return ""


def as_store_error(error: BaseException, what: str) -> IsoManagerError:
    """The typed error for what S3's client raised; `what` says what was being done ("Writing 'x.iso'")."""
    code = code_of(error)
    if isinstance(error, botocore.exceptions.NoCredentialsError | botocore.exceptions.PartialCredentialsError):
        return StoreError(
            f"{what} failed: there are no credentials for S3.",
            code="credentials",
            hint="Use a block S3Repository, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or ~/.aws/credentials.",
        )
    if isinstance(error, botocore.exceptions.CredentialRetrievalError | botocore.exceptions.ProfileNotFound):
        return StoreError(f"{what} failed: {error}.", code="credentials", hint="Look at ~/.aws/config.")
    meaning = next((one for one in _MEANINGS if code in one.codes), None)
    if meaning is not None:
        lacking = _lacking(error) if meaning.code == "no-permission" else ""
        return StoreError(f"{what} failed: {_said(error)} ({code}).", code=meaning.code, hint=lacking + meaning.hint)
    if code and code not in _FOR_NOW:
        return StoreError(f"{what} failed: {_said(error)} ({code}).")
    return StoreUnavailable(
        f"{what} failed: {_said(error)}{f' ({code})' if code else ''}.",
        hint="Check that the server can be reached; the next try continues.",
    )


def _lacking(error: BaseException) -> str:
    asked = next((one for two in (error, error.__cause__) if (one := getattr(two, "operation_name", ""))), "")
    return f"The key lacks the right {_RIGHTS[asked]}. " if asked in _RIGHTS else ""


def _said(error: BaseException) -> str:
    told = (_answered(error, "Message") or str(error)).strip().rstrip(".")
    return told or type(error).__name__


@contextmanager
def s3_errors(what: str) -> Iterator[None]:
    """Run a block of S3 calls; whatever the client raises leaves it as a typed error that says `what` was being done."""
    try:
        yield
    except IsoManagerError:
        raise
    except (OSError, botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
        raise as_store_error(error, what) from error
