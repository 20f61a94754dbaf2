"""Bedrock: signatures, and credentials from everywhere that AWS keeps them."""

from __future__ import annotations

import json
from hashlib import sha1
from pathlib import Path
from typing import Any

import pytest
from tests.wires.bedrock import epoch, run

from polydriver.data.http import Reply, Request
from polydriver.data.messages import AIMessage
from polydriver.data.prompt import Prompt
from polydriver.drivers.bedrock import BedrockDriver
from polydriver.drivers.bedrock.keys import fetch_keys
from polydriver.drivers.bedrock.signing import Keys, sign
from polydriver.drivers.bedrock.sources import (
    AssumedRole,
    Container,
    ForeignCredentials,
    Machine,
    SingleSignOn,
    WebIdentity,
)
from polydriver.errors import (
    AIError,
    ConfigurationError,
    InvalidCredentialsError,
    ServerError,
)

DRIVER = BedrockDriver({"api_key": "bedrock-key-0123456789", "region": "us-east-1"})
EXAMPLE = Keys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
MOMENT = 1_440_938_160.0  # 2015-08-30T12:36:00Z, of AWS's own test suite


# Signatures


def test_the_signature_of_awss_own_example() -> None:
    request = Request(method="GET", url="https://example.amazonaws.com/")
    signed = sign(request, EXAMPLE, region="us-east-1", service="service", now=MOMENT)
    assert signed.headers == {
        "x-amz-date": "20150830T123600Z",
        "authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        "SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    }


def botocore_signature(method: str, url: str, headers: dict[str, str], body: bytes, keys: Keys) -> dict[str, str]:
    """Return the headers that botocore makes by itself, with its own clock."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    request = AWSRequest(method=method, url=url, data=body, headers=headers)
    SigV4Auth(Credentials(keys.access_key, keys.secret_key, keys.session_token), "bedrock", "us-east-1").add_auth(
        request
    )
    return {name.lower(): str(value) for name, value in request.headers.items()}


@pytest.mark.parametrize("token", [None, "session-token"])
@pytest.mark.parametrize("model", ["amazon.nova-lite-v1:0", "arn:aws:bedrock:us-east-1:1:inference-profile/x y~z"])
def test_signatures_are_those_of_botocore(token: str | None, model: str) -> None:
    keys = Keys("AKIA", "secret", token)
    request = DRIVER.build_request(Prompt(messages=[AIMessage("Grüße")], model=model))
    own = {name: request.headers[name] for name in ("content-type", "accept")}
    theirs = botocore_signature("POST", request.url, own, request.body or b"", keys)
    signed = sign(request, keys, region="us-east-1", service="bedrock", now=epoch(theirs["x-amz-date"]))
    assert {name: signed.headers[name] for name in theirs} == theirs


def test_a_query_is_signed_too() -> None:
    url = "https://bedrock.us-east-1.amazonaws.com/inference-profiles?maxResults=1000&nextToken=a%2Fb%3D"
    theirs = botocore_signature("GET", url, {}, b"", EXAMPLE)
    signed = sign(
        Request(method="GET", url=url), EXAMPLE, region="us-east-1", service="bedrock", now=epoch(theirs["x-amz-date"])
    )
    assert signed.headers == theirs


def test_a_retry_is_signed_anew() -> None:
    request = Request(method="GET", url="https://example.amazonaws.com/")
    sign(request, Keys("A", "s", "old"), region="us-east-1", service="service", now=MOMENT - 100)
    again = sign(request, EXAMPLE, region="us-east-1", service="service", now=MOMENT)
    assert "x-amz-security-token" not in again.headers
    assert again.headers["authorization"].endswith("5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31")


# Credentials


def refused(reply: Reply | None, reason: str) -> AIError:
    return InvalidCredentialsError(reason, status=reply.status if reply else None)


def source_of(**settings: Any) -> Any:
    return BedrockDriver({"region": "us-east-1", **settings}).credentials


def write_config(folder: Path, text: str) -> None:
    (folder / "config").write_text(text, encoding="utf-8")


def test_an_api_key_needs_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "from-the-environment")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    driver = BedrockDriver()
    assert driver.credentials is None
    assert driver.authenticate(Request(method="GET", url="https://x"), 0.0) is None
    assert driver.headers() == {"authorization": "Bearer from-the-environment"}
    assert driver.config.base_url == "https://bedrock-runtime.eu-central-1.amazonaws.com"


def test_explicit_keys_go_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "env-secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "env-token")
    given = source_of(access_key="AKIA", secret_key="secret-0123456789")
    assert (given.access_key, given.session_token) == ("AKIA", None)
    found = source_of()
    assert (found.access_key, found.secret_key, found.session_token) == ("AKIAENV", "env-secret", "env-token")
    shown = repr(
        BedrockDriver({"region": "us-east-1", "access_key": "AKIA", "secret_key": "secret-0123456789"}).get_config()
    )
    assert "secret-0123456789" not in shown
    assert "secret" not in repr(given)


def test_given_keys_go_before_an_api_key_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "from-the-environment")
    driver = BedrockDriver({"region": "us-east-1", "access_key": "AKIA", "secret_key": "s"})
    assert driver.credentials == Keys("AKIA", "s")
    assert driver.headers() == {}


def test_half_a_key_and_no_region_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="belong together"):
        source_of(access_key="AKIA")
    with pytest.raises(ConfigurationError, match="region is missing"):
        BedrockDriver({"access_key": "AKIA", "secret_key": "s"})


def test_profiles(aws_files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_config(
        aws_files,
        "[default]\nregion = ap-south-1\n[profile work]\nregion = eu-west-1\naws_access_key_id = AKIAWORK\n"
        "aws_secret_access_key = s\n[profile admin]\nrole_arn = arn:aws:iam::1:role/admin\nsource_profile = work\n"
        "external_id = ext\nduration_seconds = 900\n[profile pod]\nrole_arn = arn:aws:iam::1:role/pod\n"
        "web_identity_token_file = /nowhere/token\n[profile box]\nrole_arn = arn:aws:iam::1:role/box\n"
        "credential_source = Ec2InstanceMetadata\n[profile person]\nsso_session = corp\nsso_account_id = 123\n"
        "sso_role_name = Dev\n[sso-session corp]\nsso_region = us-west-2\nsso_start_url = https://corp.awsapps.com/start\n"
        "[profile old]\nsso_start_url = https://old.awsapps.com/start\nsso_region = us-west-1\nsso_account_id = 123\n"
        "sso_role_name = Dev\n[profile process]\ncredential_process = /bin/true\n",
    )
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    work = BedrockDriver({"profile": "work"})
    assert work.region == "eu-west-1"
    assert work.credentials == Keys("AKIAWORK", "s")
    admin = source_of(profile="admin")
    assert isinstance(admin, AssumedRole)
    assert (admin.source, admin.external_id, admin.duration) == (Keys("AKIAWORK", "s"), "ext", 900)
    assert isinstance(source_of(profile="pod"), WebIdentity)
    assert source_of(profile="box").source == Machine()
    assert source_of(profile="person") == SingleSignOn(session="corp", region="us-west-2", account="123", role="Dev")
    assert source_of(profile="old").session == "https://old.awsapps.com/start"
    assert BedrockDriver().region == "ap-south-1"
    with pytest.raises(ConfigurationError, match="another program"):
        source_of(profile="process")
    with pytest.raises(ConfigurationError, match="no 'absent'"):
        source_of(profile="absent")


def test_containers_machines_and_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://[fd00:ec2::254]/")
    assert source_of() == Machine(host="http://[fd00:ec2::254]")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(ConfigurationError, match="no credentials"):
        source_of()
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/x")
    assert source_of() == Container(url="http://169.254.170.2/v2/x")
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/pod")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/nowhere/token")
    assert isinstance(source_of(), WebIdentity)


def test_the_keys_of_a_machine() -> None:
    answer = {"AccessKeyId": "AKIA", "SecretAccessKey": "s", "Token": "t", "Expiration": "2015-08-30T13:36:00Z"}
    keys, asked = run(
        fetch_keys(Machine(), MOMENT, refused),
        Reply(status=200, body=b"session"),
        Reply(status=200, body=b"my-role"),
        Reply(status=200, body=json.dumps(answer).encode()),
    )
    assert keys == Keys("AKIA", "s", "t", MOMENT + 3600)
    assert [request.method for request in asked] == ["PUT", "GET", "GET"]
    assert asked[2].url == "http://169.254.169.254/latest/meta-data/iam/security-credentials/my-role"
    assert asked[2].headers == {"x-aws-ec2-metadata-token": "session"}
    with pytest.raises(InvalidCredentialsError, match="no role"):
        run(fetch_keys(Machine(), MOMENT, refused), Reply(status=200, body=b"session"), Reply(status=404))


STS = b"""<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
<AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>a&amp;b</SecretAccessKey><SessionToken>t</SessionToken>
<Expiration>2015-08-30T13:36:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"""


def test_the_keys_of_a_role() -> None:
    role = AssumedRole(
        source=EXAMPLE,
        role="arn:aws:iam::1:role/x",
        session_name="me",
        region="eu-west-1",
        external_id="e",
        duration=900,
    )
    keys, asked = run(fetch_keys(role, MOMENT, refused), Reply(status=200, body=STS))
    assert keys == Keys("ASIA", "a&b", "t", MOMENT + 3600)
    assert asked[0].url == "https://sts.eu-west-1.amazonaws.com/"
    assert b"Action=AssumeRole&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fx&RoleSessionName=me" in (asked[0].body or b"")
    assert "eu-west-1/sts/aws4_request" in asked[0].headers["authorization"]
    denied = b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>not allowed</Message></Error></ErrorResponse>"
    with pytest.raises(InvalidCredentialsError, match="not allowed"):
        run(fetch_keys(role, MOMENT, refused), Reply(status=403, body=denied))


def test_the_keys_of_a_web_identity(tmp_path: Path) -> None:
    file = tmp_path / "token"
    source = WebIdentity(role="r", session_name="me", region="cn-north-1", token_file=file)
    with pytest.raises(InvalidCredentialsError, match="cannot be read"):
        next(fetch_keys(source, MOMENT, refused))
    file.write_text("jwt\n", encoding="utf-8")
    keys, asked = run(fetch_keys(source, MOMENT, refused), Reply(status=200, body=STS))
    assert keys.access_key == "ASIA"
    assert asked[0].url == "https://sts.cn-north-1.amazonaws.com.cn/"
    assert (asked[0].body or b"").endswith(b"WebIdentityToken=jwt")
    assert "authorization" not in asked[0].headers


def test_the_keys_of_a_person_who_logged_in(tmp_path: Path) -> None:
    source = SingleSignOn(session="corp", region="us-west-2", account="123", role="Dev")
    with pytest.raises(InvalidCredentialsError):
        next(fetch_keys(source, MOMENT, refused))
    folder = tmp_path / ".aws" / "sso" / "cache"
    folder.mkdir(parents=True)
    file = folder / f"{sha1(b'corp', usedforsecurity=False).hexdigest()}.json"
    file.write_text('{"accessToken": "at", "expiresAt": "2015-08-30T12:00:00Z"}', encoding="utf-8")
    with pytest.raises(InvalidCredentialsError, match="aws sso login"):
        next(fetch_keys(source, MOMENT, refused))
    file.write_text('{"accessToken": "at", "expiresAt": "2015-08-30T13:00:00Z"}', encoding="utf-8")
    answer = {
        "roleCredentials": {
            "accessKeyId": "A",
            "secretAccessKey": "s",
            "sessionToken": "t",
            "expiration": 1_440_941_760_000,
        }
    }
    keys, asked = run(fetch_keys(source, MOMENT, refused), Reply(status=200, body=json.dumps(answer).encode()))
    assert keys == Keys("A", "s", "t", MOMENT + 3600)
    assert (
        asked[0].url == "https://portal.sso.us-west-2.amazonaws.com/federation/credentials?account_id=123&role_name=Dev"
    )
    assert asked[0].headers == {"x-amz-sso_bearer_token": "at"}


def test_an_object_of_botocores() -> None:
    from botocore.credentials import Credentials

    source = source_of(credentials=Credentials("AKIA", "s", "t"))
    assert isinstance(source, ForeignCredentials)
    keys, asked = run(fetch_keys(source, MOMENT, refused))
    assert (keys.access_key, keys.session_token, asked) == ("AKIA", "t", [])
    with pytest.raises(ConfigurationError):
        source_of(credentials=3)


def test_keys_are_kept_until_shortly_before_their_end() -> None:
    driver = BedrockDriver({"region": "us-east-1", "access_key": "A", "secret_key": "s"})
    driver.credentials = Container(url="http://169.254.170.2/x", token="auth")
    answer = {"AccessKeyId": "AKIA", "SecretAccessKey": "s", "Token": "t", "Expiration": "2015-08-30T13:36:00Z"}

    def attempt(now: float, *replies: Reply) -> int:
        flow = driver.authenticate(Request(method="GET", url="https://x/"), now)
        assert flow is not None
        signed, asked = run(flow, *replies)
        assert signed.headers["x-amz-security-token"] == "t"
        return len(asked)

    given = Reply(status=200, body=json.dumps(answer).encode())
    assert [attempt(MOMENT, given), attempt(MOMENT + 3000), attempt(MOMENT + 3400, given)] == [1, 0, 1]


def test_refused_keys_are_the_drivers_own_error() -> None:
    driver = BedrockDriver({"region": "us-east-1", "access_key": "A", "secret_key": "s"})
    driver.credentials = Container(url="http://169.254.170.2/x")
    for status, kind in ((403, InvalidCredentialsError), (500, ServerError)):
        flow = driver.authenticate(Request(method="GET", url="https://x/"), MOMENT)
        assert flow is not None
        with pytest.raises(kind) as caught:
            run(flow, Reply(status=status, body=b"{}"))
        assert type(caught.value).__name__.startswith("Bedrock")
